"""Once so much is lost in the session under way, no more is entered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.risk_house import House, ask, check_cut_and_monotone, houses, sizes, verdict

from app.core.money import UNITS
from app.services.risk.rules.max_daily_loss import check


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (1000, None),
        (0, None),
        (-499.99, None),
        (-499.99999999, None),
        (-500, (0, "500 is lost since the open, the most is 500")),
        (-500.01, (0, "500.01 is lost since the open, the most is 500")),
    ],
)
@pytest.mark.parametrize("shares", [1, -1, 10**6])
def test_entries_end_at_the_limit(
    result: float, expected: tuple[float, str] | None, shares: int
) -> None:
    assert verdict(check, ask(shares), House(result=result), 500 * UNITS) == expected


@given(houses, sizes, st.integers(1, 9_000))
def test_size_plays_no_part(house: House, shares: int, most: int) -> None:
    found = check(ask(shares), house, house, most * UNITS)
    assert (found is None) is (house.result > -most)
    if found is None:
        check_cut_and_monotone(check, house, shares, most * UNITS)
