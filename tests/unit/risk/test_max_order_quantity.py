"""No order is larger than its limit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.risk_house import House, ask, check_cut_and_monotone, houses, sizes, verdict

from app.core.money import UNITS
from app.services.risk.rules.max_order_quantity import check


@pytest.mark.parametrize(
    ("shares", "whole", "expected"),
    [
        (10, 10, None),
        (11, 11, (10, "11 is over 10")),
        (-10, -10, None),
        (-12, -12, (-10, "12 is over 10")),
        (2, 11, (2, "11 is over 10")),  # an amendment counts as the order it makes
    ],
)
def test_an_order_is_cut_at_its_limit(
    shares: int, whole: int, expected: tuple[float, str] | None
) -> None:
    given_ask = ask(shares, whole_units=whole * UNITS)
    assert verdict(check, given_ask, House(held=500), 10 * UNITS) == expected


@given(houses, sizes, st.integers(1, 800))
def test_what_it_lets_through_is_within_it(house: House, shares: int, most: int) -> None:
    check_cut_and_monotone(check, house, shares, most * UNITS)
    found = check(ask(shares), house, house, most * UNITS)
    assert abs(shares * UNITS if found is None else found.units) <= most * UNITS
