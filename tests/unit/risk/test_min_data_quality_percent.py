"""Nothing is opened on a symbol whose bars have holes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.risk_house import House, ask, check_cut_and_monotone, houses, sizes, verdict

from app.core.money import UNITS
from app.services.risk.rules.min_data_quality_percent import check


@pytest.mark.parametrize(
    ("coverage", "score", "expected"),
    [
        (1.0, 1.0, None),
        (0.9, 0.95, None),
        (0.0, 0.9, None),
        (0.1, 0.8999, (0, "89.99 is under 90")),
        (0.0, 0.0, (0, "0 is under 90")),
    ],
)
def test_what_is_lost_in_holes_is_held_against_it(
    coverage: float, score: float, expected: tuple[float, str] | None
) -> None:
    house = House(coverage_share=coverage, score=score)
    assert verdict(check, ask(5), house, 90 * UNITS) == expected
    assert verdict(check, ask(-500), house, 90 * UNITS) == expected


@given(houses, sizes, st.integers(0, 390), st.integers(0, 390), st.integers(1, 100))
def test_lower_quality_never_passes(
    house: House, shares: int, present: int, thin: int, least: int
) -> None:
    here = min(present + thin, 390)
    house.coverage_share, house.score = present / 390, here / 390
    assert (check(ask(shares), house, house, least * UNITS) is None) == (here * 100 >= least * 390)
    check_cut_and_monotone(check, house, shares, least * UNITS)
