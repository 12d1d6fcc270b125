"""No position is worth more than its share of equity."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.risk_house import House, ask, check_cut_and_monotone, houses, sizes, verdict

from app.core.money import UNITS
from app.services.risk.rules.max_position_percent import check


@pytest.mark.parametrize(
    ("house", "shares", "expected"),
    [
        (House(equity=10_000), 200, None),
        (House(equity=10_000), 201, (200, "2010 is over 2000, 20 % of 10000")),
        (House(equity=10_000, held=150), 51, (50, "2010 is over 2000, 20 % of 10000")),
        (House(equity=0), 1, (0, "10 is over 0, 20 % of 0")),
        (House(equity=-5), 1, (0, "10 is over 0, 20 % of -5")),
    ],
)
def test_a_position_is_cut_at_its_share(
    house: House, shares: int, expected: tuple[float, str] | None
) -> None:
    assert verdict(check, ask(shares), house, 20 * UNITS) == expected


@given(houses, sizes, st.integers(1, 200))
def test_what_it_lets_through_it_approves(house: House, shares: int, percent: int) -> None:
    check_cut_and_monotone(check, house, shares, percent * UNITS)
