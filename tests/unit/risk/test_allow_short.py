"""Nothing is sold that is not held."""

import pytest
from hypothesis import given
from tests.risk_house import House, ask, check_cut_and_monotone, houses, sizes, verdict

from app.services.risk.rules.allow_short import check


@pytest.mark.parametrize(
    ("house", "shares", "expected"),
    [
        (House(), 5, None),
        (House(held=5), -5, None),
        (House(held=5), -6, (-5, "it would leave -1")),
        (House(held=5, sells=5), -1, (0, "it would leave -1")),
        (House(held=5, buys=5), -6, (-5, "it would leave -1")),  # they may not fill
        (House(held=-5), 2, None),
        (House(held=0.0015), -0.0025, (-0.0015, "it would leave -0.001")),
    ],
)
def test_a_sale_is_cut_at_what_is_held(
    house: House, shares: float, expected: tuple[float, str] | None
) -> None:
    assert verdict(check, ask(shares), house, False) == expected


@given(houses, sizes)
def test_what_it_lets_through_leaves_no_short(house: House, shares: int) -> None:
    if house.held >= house.sells:
        check_cut_and_monotone(check, house, shares, False)
        found = check(ask(shares), house, house, False)
        if found is not None:
            assert house.reach_units(ask(shares)) + found.units >= 0
