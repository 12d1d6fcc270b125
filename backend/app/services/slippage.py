"""Prices moved against an order: slippage and market impact of market and stop fills.

All of it is exact: floats enter by their `repr`, the square root is one of whole numbers, and
one rounding to the tick, against the order, ends it.
"""

from decimal import Decimal
from math import isqrt
from typing import Final, Literal, get_args

import msgspec

from app.core.errors import ConfigError, did_you_mean
from app.core.money import UNITS, divide_half_even, price_ratio

Kind = Literal["none", "fixed", "bps", "spread", "volatility"]
_BPS: Final = 10_000  # basis points in one


class Slippage(msgspec.Struct, frozen=True):
    """How far a fill is moved: `amount` as `kind` says, and the impact of its size."""

    kind: Kind = "none"
    amount: float = 0.0  # price units, basis points, shares of the spread or of the volatility
    impact_bps: float = 0.0  # of a fill as large as its bar's whole volume
    bars: int = 20  # the last ones before a fill, over which `volatility` is measured

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ConfigError(
                f"There is no slippage '{self.kind}'; there are {', '.join(get_args(Kind))}."
                f"{did_you_mean(self.kind, get_args(Kind))}"
            )
        for field in ("amount", "impact_bps"):
            value: float = getattr(self, field)
            if not 0 <= value < float("inf"):
                raise ConfigError(f"Slippage has {field} {value}; give 0 or more.")
        if self.bars < 1:
            raise ConfigError(f"Slippage looks back on {self.bars} bars; give 1 or more.")


def slipped(
    price: float,
    buys: bool,
    tick_units: int,
    slippage: Slippage,
    *,
    spread: float,
    volatility: float,
    share: float,
) -> float:
    """`price` moved against the order, then on to the tick against it; at least one tick.

    `spread` is the full quoted one; `volatility` a move in price units; `share` the quantity
    filled over the bar's volume, 1.0 on a bar without any.
    """
    price_over, price_under = _ratio(price)
    move_over, move_under = _move(price, slippage, spread, volatility)
    root_over, root_under = _impact(price, slippage, share)
    # Signed so that against the order is always up; then in ticks, over one denominator.
    signed = price_over if buys else -price_over
    over = (signed * move_under + move_over * price_under) * root_under * UNITS
    squared = root_over * (price_under * move_under * UNITS) ** 2
    ticks = _up(over + _root_up(squared), price_under * move_under * root_under * tick_units)
    return max(ticks if buys else -ticks, 1) * tick_units / UNITS


def on_tick(price: float, tick_units: int, up: bool) -> float:
    """The nearest tick at or above the price, or at or below it."""
    over, under = _ratio(price)
    over, under = over * UNITS, under * tick_units
    return (_up(over, under) if up else over // under) * tick_units / UNITS


def split_price(price: float, ratio: Decimal, tick_units: int, up: bool) -> float:
    """An order's price in the terms of the new shares: on the tick, and a tick at least."""
    over, under = _ratio(price)
    new, old = ratio.as_integer_ratio()
    units = divide_half_even(over * old * UNITS, under * new)  # a ratio of 1 to 3 is not exact
    return max(_up(units, tick_units) if up else units // tick_units, 1) * tick_units / UNITS


def _move(price: float, slippage: Slippage, spread: float, volatility: float) -> tuple[int, int]:
    """The move without impact, as a fraction; a crossed spread moves nothing."""
    if slippage.kind == "none":
        return 0, 1
    over, under = _ratio(slippage.amount)
    if slippage.kind == "fixed":
        return over, under
    if slippage.kind == "bps":
        base_over, base_under = _ratio(price)
        base_under *= _BPS
    else:
        base = spread if slippage.kind == "spread" else volatility
        base_over, base_under = _ratio(max(base, 0.0))
    return over * base_over, under * base_under


def _impact(price: float, slippage: Slippage, share: float) -> tuple[int, int]:
    """The impact as (n, d): the square root of n, over d."""
    if not slippage.impact_bps:
        return 0, 1
    price_over, price_under = _ratio(price)
    over, under = _ratio(slippage.impact_bps)
    share_over, share_under = _ratio(share)
    squared = (price_over * over) ** 2 * share_over * share_under
    return squared, price_under * under * _BPS * share_under


def _ratio(value: float) -> tuple[int, int]:
    return price_ratio(float(value))  # numpy's numbers print themselves another way


def _up(numerator: int, denominator: int) -> int:
    """The quotient, rounded up."""
    return -(-numerator // denominator)


def _root_up(square: int) -> int:
    """The smallest whole number that is at least the square root."""
    return isqrt(square - 1) + 1 if square else 0
