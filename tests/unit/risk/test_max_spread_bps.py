"""Nothing is opened on a symbol whose bid and ask are too far apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.risk_house import House, ask, check_cut_and_monotone, houses, sizes, verdict

from app.core.money import UNITS, to_units
from app.services.risk.rules.max_spread_bps import check

UNKNOWN = (0, "its last bar has no quote whose bid is below its ask")


@pytest.mark.parametrize(
    ("spread", "expected"),
    [
        (12.5, None),
        (12.50000001, (0, "12.50000001 is over 12.5")),
        (0.00000001, None),
        (0.0, UNKNOWN),
    ],
)
def test_a_spread_may_be_as_wide_as_its_limit(
    spread: float, expected: tuple[float, str] | None
) -> None:
    assert verdict(check, ask(5), House(spread=spread), to_units(12.5)) == expected
    assert verdict(check, ask(-500), House(spread=spread), to_units(12.5)) == expected


@given(houses, sizes, st.integers(0, 500), st.integers(1, 500))
def test_a_wider_one_never_passes(house: House, shares: int, found: int, most: int) -> None:
    house.spread = found / 10
    passes = check(ask(shares), house, house, to_units(most / 10)) is None
    assert passes == (0 < found <= most)
    check_cut_and_monotone(check, house, shares, most * UNITS)
