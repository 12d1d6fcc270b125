"""What a bar does to an order: the one pure function of simulated fills, and what a bar can fill.

Fills at the open come before those inside the bar. A stop that is gapped fills at the open, one
that is touched at its price; a limit fills at the open when that is better, else at its price.
What four prices leave open, the same-bar policy decides.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from app.core.money import to_units
from app.core.orders import (
    LIMIT,
    MARKET,
    MARKET_ON_CLOSE,
    MARKET_ON_OPEN,
    STOP,
    TRAILING_STOP,
)

OPEN, INSIDE = 0, 1  # when in a bar
WORST, BEST, OHLC_PATH = "worst", "best", "ohlc_path"
SAME_BAR: Final = (WORST, BEST, OHLC_PATH)
_LEG = "leg"  # of a path: the price goes through it one way
_AT_ANY_PRICE: Final = (MARKET, MARKET_ON_OPEN, MARKET_ON_CLOSE)


class Prices(NamedTuple):
    """A bar's prices."""

    open: float
    high: float
    low: float
    close: float


class Touch(NamedTuple):
    """A fill: when in the bar, at which price, and whether it is a market order by then."""

    phase: int
    price: float
    at_market: bool


class Stand(NamedTuple):
    """An order's terms as a bar finds them, and what it leaves of them.

    `follow` gives where a trailing stop is when the price was at its best there.
    """

    kind: str
    buys: bool
    limit: float | None = None
    stop: float | None = None
    triggered: bool = False
    follow: Callable[[float], float] | None = None


def touch(
    order: Stand, bar: Prices, *, through: bool = False, same_bar: str = WORST
) -> tuple[Touch | None, Stand]:
    """How a bar fills an order, if it does; and how it leaves an order that it does not fill.

    `through`: a limit inside the bar fills only when the price goes beyond it.
    """
    if same_bar == OHLC_PATH:
        at, left, _ = walk(order, path(bar), through=through)
        return at, left
    kind, buys = order.kind, order.buys
    if kind in _AT_ANY_PRICE or (order.triggered and kind in (STOP, TRAILING_STOP)):
        return Touch(OPEN, bar.open, True), order
    if kind == LIMIT or order.triggered:
        return _limit(buys, _known(order.limit), bar, through), order
    if kind == TRAILING_STOP:
        return _trailing(order, bar, same_bar)
    at, left = _stop(buys, _known(order.stop), bar), order
    if at is not None:
        left = order._replace(triggered=True)
        if kind != STOP:
            at = _limit_after(buys, _known(order.limit), at, bar, through, same_bar)
    return at, left


def path(bar: Prices) -> list[Prices]:
    """The way a price is taken to go through a bar: to the nearer of high and low first, as legs.

    Each leg is a bar that only rises or only falls, and leaves nothing open.
    """
    high_first = bar.high - bar.open < bar.open - bar.low
    turns = (bar.high, bar.low) if high_first else (bar.low, bar.high)
    return [_leg(*ends) for ends in ((bar.open, turns[0]), turns, (turns[1], bar.close))]


def walk(
    order: Stand, legs: Sequence[Prices], *, through: bool = False, since: float = 0.0
) -> tuple[Touch | None, Stand, float]:
    """`touch` along a path; and the moment of it, in legs from the open.

    `since` is the moment at which the first of the legs begins.
    """
    start = since
    for leg in legs:
        end = float(int(start) + 1)
        at, order = touch(order, leg, through=through, same_bar=_LEG)
        if at is not None and not (through and start > 0.0 and _turns_at(order, leg)):
            length = leg.close - leg.open
            share = (at.price - leg.open) / length if length else 0.0
            moment = start + share * (end - start)
            phase = OPEN if moment == 0.0 and at.phase == OPEN else INSIDE
            return at._replace(phase=phase), order, moment
        start = end
    return None, order, start


def _turns_at(order: Stand, leg: Prices) -> bool:
    """Whether the path only comes to an order's limit where this leg begins, and not beyond it."""
    limit = order.limit
    if limit is None or leg.open != limit:
        return False
    return leg.low >= limit if order.buys else leg.high <= limit


def rest_of_path(legs: Sequence[Prices], moment: float, price: float) -> list[Prices]:
    """What is left of a path from a moment on, at which it was at a price."""
    whole = min(int(moment), len(legs) - 1)
    return [_leg(price, legs[whole].close), *legs[whole + 1 :]]


def _leg(start: float, end: float) -> Prices:
    return Prices(start, max(start, end), min(start, end), end)


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


def _limit_after(
    buys: bool, limit: float, at: Touch, bar: Prices, through: bool, same_bar: str
) -> Touch | None:
    """The limit of an order whose stop this bar touched: what came before does not count."""
    if at.price <= limit if buys else at.price >= limit:
        return Touch(at.phase, at.price, False)
    if at.phase == OPEN:
        return _limit(buys, limit, bar, through)
    # Whether the price came back within the bar is not known, unless that is where the bar ended.
    rest = bar._replace(open=at.price)
    if same_bar != BEST:
        rest = rest._replace(low=bar.close) if buys else rest._replace(high=bar.close)
    return _limit(buys, limit, rest, through)


def _trailing(order: Stand, bar: Prices, same_bar: str) -> tuple[Touch | None, Stand]:
    """A stop that follows the price: whether the best price of a bar came first is not known."""
    buys, stop = order.buys, _known(order.stop)
    assert order.follow is not None, "a trailing stop follows"
    best = min if buys else max
    moved = best(stop, order.follow(bar.low if buys else bar.high))
    at = _stop(buys, stop, bar)
    if at is None or at.phase == INSIDE:  # not gapped: from the open on it has followed that
        at = _stop(buys, best(stop, order.follow(bar.open)), bar)
    if at is None and same_bar == WORST:  # touched as soon as it came down on the far end
        far = bar.high if buys else bar.low
        if far >= moved if buys else far <= moved:
            at = Touch(INSIDE, far, True)
    elif at is None:  # touched for sure when the bar ends beyond where it has moved to
        if bar.close >= moved if buys else bar.close <= moved:
            at = Touch(INSIDE, moved, True)
    elif at.phase == INSIDE and same_bar != WORST:
        at = Touch(INSIDE, moved, True)
    if at is not None:  # it has not followed the bar beyond where that touched it
        moved = at.price if at.phase == INSIDE else stop
    return at, order._replace(stop=moved, triggered=at is not None)


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
