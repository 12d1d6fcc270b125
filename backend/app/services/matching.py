"""What a bar does to an order: the one pure function of simulated fills, and what a bar can fill.

Fills at the open come before those inside the bar. A stop that is gapped fills at the open, one
that is touched at its price; a limit fills at the open when that is better, else at its price.
"""

from typing import NamedTuple

from app.core.money import to_units
from app.core.orders import LIMIT, MARKET, STOP

OPEN, INSIDE = 0, 1  # when in a bar


class Prices(NamedTuple):
    """A bar's prices."""

    open: float
    high: float
    low: float


class Touch(NamedTuple):
    """A fill: when in the bar, at which price, and whether it is a market order by then."""

    phase: int
    price: float
    at_market: bool


def touch(
    kind: str,
    buys: bool,
    limit: float | None,
    stop: float | None,
    bar: Prices,
    *,
    triggered: bool = False,
    through: bool = False,
) -> tuple[Touch | None, bool]:
    """How a bar fills an order, if it does; and whether its stop is touched by then.

    `through`: a limit inside the bar fills only when the price goes beyond it.
    """
    if kind == MARKET or (kind == STOP and triggered):
        return Touch(OPEN, bar.open, True), triggered
    if kind == LIMIT or triggered:
        return _limit(buys, _known(limit), bar, through), triggered
    at = _stop(buys, _known(stop), bar)
    if at is None or kind == STOP:
        return at, at is not None
    return _limit_after(buys, _known(limit), at, bar, through), True


def _stop(buys: bool, stop: float, bar: Prices) -> Touch | None:
    if bar.open >= stop if buys else bar.open <= stop:
        return Touch(OPEN, bar.open, True)
    if bar.high >= stop if buys else bar.low <= stop:
        return Touch(INSIDE, stop, True)
    return None


def _limit(buys: bool, limit: float, bar: Prices, through: bool) -> Touch | None:
    if bar.open <= limit if buys else bar.open >= limit:
        return Touch(OPEN, bar.open, False)
    if buys:
        reached = bar.low < limit if through else bar.low <= limit
    else:
        reached = bar.high > limit if through else bar.high >= limit
    return Touch(INSIDE, limit, False) if reached else None


def _limit_after(buys: bool, limit: float, at: Touch, bar: Prices, through: bool) -> Touch | None:
    """The limit of an order whose stop this bar touched: what came before does not count."""
    if at.price <= limit if buys else at.price >= limit:
        return Touch(at.phase, at.price, False)
    if at.phase == OPEN:
        return _limit(buys, limit, bar, through)
    return None  # whether the price came back within the bar is not known


def _known(price: float | None) -> float:
    assert price is not None, "an order of this kind has this price"
    return price


def capacity_units(volume: float, share: tuple[int, int], lot_units: int) -> int:
    """How much of a bar all our orders in a symbol may take together, in whole lots."""
    numerator, denominator = share
    return to_units(volume) * numerator // denominator // lot_units * lot_units


def taken_units(remaining_units: int, capacity: int) -> int:
    """How much of an order fills on a bar with `capacity` left (signed like the order)."""
    if abs(remaining_units) <= capacity:
        return remaining_units
    return capacity if remaining_units > 0 else -capacity
