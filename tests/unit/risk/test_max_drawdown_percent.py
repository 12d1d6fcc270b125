"""Once so much of the peak is lost again, no more is entered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.risk_house import House, ask, check_cut_and_monotone, houses, sizes, verdict

from app.core.money import UNITS
from app.services.risk.rules.max_drawdown_percent import check


@pytest.mark.parametrize(
    ("house", "expected"),
    [
        (House(peak=20_000, equity=20_000), None),
        (House(peak=20_000, equity=18_000.01), None),
        (House(peak=20_000, equity=18_000.00000001), None),
        (House(peak=20_000, equity=18_000),
         (0, "2000 is lost since the peak, the most is 10 % of 20000")),
        (House(peak=20_000, equity=-5),
         (0, "20005 is lost since the peak, the most is 10 % of 20000")),
    ],
)  # fmt: skip
@pytest.mark.parametrize("shares", [1, -1, 10**6])
def test_entries_end_at_the_limit(
    house: House, expected: tuple[float, str] | None, shares: int
) -> None:
    assert verdict(check, ask(shares), house, 10 * UNITS) == expected


@given(houses, sizes, st.integers(1, 100))
def test_size_plays_no_part(house: House, shares: int, percent: int) -> None:
    found = check(ask(shares), house, house, percent * UNITS)
    assert (found is None) is ((house.peak - house.equity) * 100 < house.peak * percent)
    if found is None:
        check_cut_and_monotone(check, house, shares, percent * UNITS)
