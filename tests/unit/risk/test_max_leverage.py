"""All that is held is worth no more than so many times equity."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.risk_house import (
    House,
    allowed_by,
    ask,
    check_cut_and_monotone,
    houses,
    sizes,
    verdict,
    with_order,
)

from app.core.money import UNITS
from app.services.risk.rules.max_leverage import check


@pytest.mark.parametrize(
    ("house", "shares", "expected"),
    [
        (House(equity=1000), 150, None),
        (House(equity=1000), 151, (150, "1510 is over 1500, 1.5 times 1000")),
        (House(equity=1000, others=-500), 101, (100, "1510 is over 1500, 1.5 times 1000")),
        (House(equity=0), 1, (0, "10 is over 0, 1.5 times 0")),
        (House(equity=-7), -1, (0, "10 is over 0, 1.5 times -7")),
        (House(equity=-7, held=5), -10, None),  # no larger the other way round
        (House(price=0), 1, (0, "no price is known")),
    ],
)
def test_leverage_is_cut_at_its_limit(
    house: House, shares: int, expected: tuple[float, str] | None
) -> None:
    assert verdict(check, ask(shares), house, 3 * UNITS // 2) == expected


@given(houses, sizes, st.integers(1, 400))
def test_what_it_lets_through_is_within_it(house: House, shares: int, percent: int) -> None:
    times = percent * UNITS // 100
    allowed = allowed_by(check, house, shares, times)
    before, after = house.gross_units(), with_order(house, allowed).gross_units()
    assert after <= max(max(house.equity_units(), 0) * percent // 100, before)
    check_cut_and_monotone(check, house, shares, times)
