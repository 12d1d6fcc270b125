"""Nothing is opened on a symbol that moves too far."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.risk_house import House, ask, check_cut_and_monotone, houses, sizes, verdict

from app.core.money import UNITS, to_units
from app.services.risk.rules.max_volatility_percent import check


@pytest.mark.parametrize(
    ("volatility", "expected"),
    [
        (0.0, None),
        (1.5, None),
        (1.50000001, (0, "1.50000001 is over 1.5")),
        (-0.00000001, (0, "it has no bar yet to tell by")),
    ],
)
def test_a_symbol_may_be_as_volatile_as_its_limit(
    volatility: float, expected: tuple[float, str] | None
) -> None:
    house = House(volatility=volatility)
    assert verdict(check, ask(5), house, to_units(1.5)) == expected
    assert verdict(check, ask(-500), house, to_units(1.5)) == expected


@given(houses, sizes, st.integers(0, 500), st.integers(1, 500))
def test_a_higher_one_never_passes(house: House, shares: int, found: int, most: int) -> None:
    house.volatility = found / 100
    assert (check(ask(shares), house, house, to_units(most / 100)) is None) == (found <= most)
    check_cut_and_monotone(check, house, shares, most * UNITS)
