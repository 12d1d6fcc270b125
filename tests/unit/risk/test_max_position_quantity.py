"""No position is larger than its limit, with all that works on its side filled."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.risk_house import House, ask, check_cut_and_monotone, houses, sizes, verdict

from app.core.money import UNITS
from app.services.risk.rules.max_position_quantity import check
from app.services.risk.verdict import comes_down


@pytest.mark.parametrize(
    ("house", "shares", "expected"),
    [
        (House(), 10, None),
        (House(), 11, (10, "11 is over 10")),
        (House(), -11, (-10, "11 is over 10")),
        (House(held=6), 4, None),
        (House(held=6), 5, (4, "11 is over 10")),
        (House(held=6, buys=2), 3, (2, "11 is over 10")),
        (House(held=6, sells=6), 5, (4, "11 is over 10")),  # the sale may not fill
        (House(held=6), -16, None),  # through flat
        (House(held=6), -17, (-16, "11 is over 10")),
        (House(held=12), 1, (0, "13 is over 10")),
        (House(held=12), -1, None),  # it comes down
        (House(held=12), -23, (-22, "11 is over 10")),
    ],
)
def test_a_position_is_cut_at_its_limit(
    house: House, shares: int, expected: tuple[float, str] | None
) -> None:
    assert verdict(check, ask(shares), house, 10 * UNITS) == expected


@given(houses, sizes, st.integers(1, 800))
def test_what_it_lets_through_is_within_it(house: House, shares: int, most: int) -> None:
    check_cut_and_monotone(check, house, shares, most * UNITS)
    found = check(ask(shares), house, house, most * UNITS)
    allowed = shares * UNITS if found is None else found.units
    would_be = house.reach_units(ask(shares)) + allowed
    if allowed and not comes_down(house.reach_units(ask(shares)), would_be):
        assert abs(house.reach_units(ask(shares)) + allowed) <= most * UNITS
