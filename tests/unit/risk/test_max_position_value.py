"""No position is worth more than its limit, with all that works on its side filled."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.risk_house import House, ask, check_cut_and_monotone, houses, sizes, verdict

from app.core.money import UNITS, amount_units
from app.services.risk.rules.max_position_value import check
from app.services.risk.verdict import comes_down


@pytest.mark.parametrize(
    ("house", "shares", "expected"),
    [
        (House(), 100, None),
        (House(), 101, (100, "1010 is over 1000")),
        (House(held=60, buys=30), 11, (10, "1010 is over 1000")),
        (House(held=-60, sells=30), -11, (-10, "1010 is over 1000")),
        (House(held=150), -20, None),
        (House(held=150), 1, (0, "1510 is over 1000")),
    ],
)
def test_a_position_is_cut_at_what_it_may_be_worth(
    house: House, shares: int, expected: tuple[float, str] | None
) -> None:
    assert verdict(check, ask(shares), house, 1000 * UNITS) == expected


@given(houses, sizes, st.integers(1, 100_000))
def test_what_it_lets_through_is_within_it(house: House, shares: int, most: int) -> None:
    check_cut_and_monotone(check, house, shares, most * UNITS)
    found = check(ask(shares), house, house, most * UNITS)
    allowed = shares * UNITS if found is None else found.units
    reach = house.reach_units(ask(shares))
    if allowed and not comes_down(reach, reach + allowed):
        assert abs(amount_units(reach + allowed, house.price)) <= most * UNITS
