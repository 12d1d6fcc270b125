"""Where a trailing stop is, held against the same in decimals."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.money import UNITS
from app.services.trailing import trailed

PRICES = st.decimals("0.0001", "99999", places=4)
TICKS = st.sampled_from([Decimal(tick) for tick in ("0.0001", "0.01", "0.05", "1")])


@given(PRICES, st.booleans(), st.decimals("0.0001", "500", places=4), st.booleans(), TICKS)
def test_a_stop_follows_at_its_distance_and_is_never_later_than_asked(
    price: Decimal, buys: bool, trail: Decimal, of_percent: bool, tick: Decimal
) -> None:
    away = price * trail / 100 if of_percent else trail
    asked = price + away if buys else price - away
    ticks = (asked / tick).to_integral_value(ROUND_FLOOR if buys else ROUND_CEILING)
    amount, percent = (None, float(trail)) if of_percent else (float(trail), None)
    found = trailed(float(price), buys, amount, percent, int(tick * UNITS))
    assert found == float(max(ticks, Decimal(1)) * tick)


@pytest.mark.parametrize(
    ("buys", "trail", "percent", "stop"),
    [
        (True, 1.5, None, 101.5),
        (False, 1.5, None, 98.5),
        (True, None, 2.5, 102.5),
        (False, None, 2.5, 97.5),
        (True, 1.009, None, 101.0),  # off the tick: to the side that it is reached from first
        (False, 1.009, None, 99.0),
        (False, 500.0, None, 0.01),  # no price is below a tick
    ],
)
def test_a_distance_is_an_amount_or_a_share_of_the_price(
    buys: bool, trail: float | None, percent: float | None, stop: float
) -> None:
    assert trailed(100.0, buys, trail, percent, UNITS // 100) == stop
