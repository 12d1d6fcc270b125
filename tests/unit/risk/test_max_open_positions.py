"""No more symbols are held at a time than its limit says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.risk_house import House, ask, check_cut_and_monotone, houses, sizes, verdict, with_order

from app.core.money import UNITS
from app.services.risk.rules.max_open_positions import check


@pytest.mark.parametrize(
    ("house", "most", "expected"),
    [
        (House(), 1, None),
        (House(others=5), 1, (0, "2 is over 1")),
        (House(others=5), 2, None),
        (House(others=5, held=1), 1, None),  # no other symbol comes to it
        (House(others=5, held=-1), 1, None),
        (House(others=5, buys=1), 1, None),
        (House(others=5, sells=1), 1, None),
    ],
)
@pytest.mark.parametrize("shares", [1, -1])
def test_one_more_is_refused(
    house: House, most: int, expected: tuple[float, str] | None, shares: int
) -> None:
    assert verdict(check, ask(shares), house, most) == expected


@given(houses, sizes, st.integers(1, 3))
def test_what_it_lets_through_is_within_it(house: House, shares: int, most: int) -> None:
    if check(ask(shares), house, house, most) is None:
        after = with_order(house, shares * UNITS)
        assert after.open_positions() <= max(most, house.open_positions())
        check_cut_and_monotone(check, house, shares, most)
