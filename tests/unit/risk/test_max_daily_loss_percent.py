"""Once so much of the day's opening equity is lost, no more is entered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.risk_house import House, ask, check_cut_and_monotone, houses, sizes, verdict

from app.core.money import UNITS
from app.services.risk.rules.max_daily_loss_percent import check


@pytest.mark.parametrize(
    ("house", "expected"),
    [
        (House(day_equity=20_000, result=-499.99), None),
        (House(day_equity=20_000, result=-500),
         (0, "500 is lost since the open, the most is 500, 2.5 % of 20000")),
        (House(day_equity=20_000, result=900), None),
        (House(day_equity=0), (0, "0 is lost since the open, the most is 0, 2.5 % of 0")),
        (House(day_equity=-80, result=-1),
         (0, "1 is lost since the open, the most is 0, 2.5 % of -80")),
        (House(day_equity=-80, result=1), None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("shares", [1, -1, 10**6])
def test_entries_end_at_the_limit(
    house: House, expected: tuple[float, str] | None, shares: int
) -> None:
    assert verdict(check, ask(shares), house, 5 * UNITS // 2) == expected


@given(houses, sizes, st.integers(1, 100))
def test_size_plays_no_part(house: House, shares: int, percent: int) -> None:
    found = check(ask(shares), house, house, percent * UNITS)
    assert (found is None) is (house.result * 100 > -max(house.day_equity, 0) * percent)
    if found is None:
        check_cut_and_monotone(check, house, shares, percent * UNITS)
