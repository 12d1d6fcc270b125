"""Bounds within which rules of one portfolio surely approve, held against all it may come to."""

from collections.abc import Sequence
from typing import Final

from app.core.money import UNITS
from app.core.orders import Order
from app.managers.execution_manager.limits.exposure import Holdings
from app.managers.execution_manager.limits.moment import Moment
from app.managers.execution_manager.limits.reach import Reach
from app.services.risk.bounds import MARGIN, Bounds, Worth
from app.services.risk.catalogue import Limit
from app.services.risk.facts import Market
from app.services.risk.pricing import highest

_EXACT_BELOW: Final = 2.0**53  # whole numbers are, as floats
_BAND: Final = 1024  # bounds hold while the account's worth moves by less than such a part of it


class SureBounds:
    """Bounds made of those limits of one portfolio that can narrow them."""

    __slots__ = (
        "_always", "_bounds", "_gross", "_highest_units", "_left", "_long", "_market", "_moment",
        "_most_orders", "_most_symbols", "_narrows", "_order_units", "_order_value", "_portfolio",
        "_position_value", "_remembers", "_short", "_state", "_whole", "_worth", "means",
        "reach",
    )  # fmt: skip

    def __init__(
        self,
        limits: Sequence[Limit],
        portfolio: Holdings,
        reach: Reach,
        whole: Reach,
        moment: Moment,
        market: Market,
        leverage_units: int | None = None,
    ) -> None:
        """`whole` is the account's reach, also where `reach` is that of a part of it. With
        `leverage_units` it is known how far buying power reaches at least.
        """
        self._portfolio = portfolio
        self._left = portfolio.left
        self.reach = reach
        self._whole = whole
        self._moment = moment
        self._market = market
        self._always = Bounds()
        for limit in limits:
            if limit.narrow is not None:
                limit.narrow(self._always, limit.most)
        self._narrows = [
            (limit.narrow_now, limit.most) for limit in limits if limit.narrow_now is not None
        ]
        if leverage_units is not None:
            self._narrows.append((_within_means, leverage_units))
        self._remembers = any(limit.remembers for limit in limits)
        self._worth: Worth | None = None
        self._highest_units = 0  # that the account may be worth while bounds hold
        self._state = -1
        self._most_orders = -1.0  # that may be counted, at this moment
        self._hold(self._always)

    def _hold(self, bounds: Bounds) -> None:
        """From now on it is within these, as floats: where they are not exact, a trifle less."""
        self._bounds = bounds
        self._order_units = _less(bounds.order_units)
        self._order_value = _less(bounds.order_value_units)
        self._long, self._short = _less(bounds.position_units), _less(bounds.short_units)
        self._position_value = _less(bounds.position_value_units)
        self._gross = _less(bounds.gross_units - self.reach.slack)
        self.means = _less(bounds.means_units - self.reach.slack)
        self._most_symbols = bounds.open_positions + 1  # with the order's own

    def forget(self) -> None:
        """Another session has begun, or the past is another."""
        self._worth = None
        self._state = -1

    def clear(self, symbol: int, units: float, limit: float | None, stop: float | None) -> bool:
        """Whether all those limits approve an order, and then it is counted; False where it takes
        more to tell.
        """
        if self._state != self._moment.state:
            self._turn()
        reach = self.reach
        line = reach.lines.get(symbol) or reach.begin(symbol)
        unit_value = line.value
        if limit is not None or stop is not None:
            unit_value = highest(line.price, limit, stop) * line.unit_value
        if units > 0.0:
            size, would_be, most = units, line.up + units, self._long
        else:
            size, would_be, most = -units, line.down - units, self._short
        value = size * unit_value
        gross = reach.most_units + value
        if (
            0.0 < value <= self._order_value
            and size <= self._order_units
            and would_be <= most  # below 0 it only comes down
            and would_be * unit_value <= self._position_value
            and gross <= self._gross
            and reach.orders <= self._most_orders
            and len(reach.lines) <= self._most_symbols
        ):
            reach.most_units, reach.is_new = gross, False
            reach.orders += 1
            if units > 0.0:
                line.up = would_be
            else:
                line.down = would_be
            return True
        return False

    def clear_anew(self, order: Order) -> bool:
        """The same, with all counted anew where that may make a difference."""
        if not self.reach.count_anew():
            return False
        self._state = -1
        return self.clear(order.symbol_index, float(order.units), order.limit, order.stop)

    def _turn(self) -> None:
        self._state = self._moment.state
        reach, left = self.reach, self._left
        reach.turn()
        if self._narrows:
            self._hold_worth()
        bounds, self._most_orders = self._bounds, -1.0
        if bounds.from_ns <= self._moment.now_ns <= bounds.until_ns:
            # Of those that leave from here on each is an order more, too.
            in_minute = bounds.left_in_minute - len(left.instants)
            may_leave = min(in_minute, bounds.left_today - left.today)
            self._most_orders = min(bounds.open_orders, reach.orders + may_leave)

    def _hold_worth(self) -> None:
        """Narrow anew, unless all is worth about as much as when that was done last."""
        self._whole.turn()
        equity_units = own_units = int(self._whole.worth_least)
        if self.reach is not self._whole:
            own_units = self._portfolio.worth_units() if self._remembers else 0
        worth = self._worth
        if (
            worth is None
            or not worth.equity_units <= equity_units <= self._highest_units
            or worth.own_units > own_units
            or worth.peak_units != self._portfolio.past.peak_units
        ):
            self._narrow(equity_units, own_units)

    def _narrow(self, equity_units: int, own_units: int) -> None:
        band_units, portfolio = abs(equity_units) // _BAND, self._portfolio
        self._highest_units = equity_units + band_units
        self._worth = worth = Worth(
            equity_units - band_units,
            own_units - band_units,
            portfolio.past.peak_units,
            portfolio.past.day_units,
            portfolio.day_equity_units(),
        )
        bounds = self._always.copy()
        for narrow, most in self._narrows:
            narrow(bounds, worth, self._market, most)
        self._hold(bounds)


def _within_means(bounds: Bounds, worth: Worth, market: Market, leverage_units: int) -> None:
    bounds.means_units = max(worth.equity_units, 0) * leverage_units // UNITS


def _less(bound: float) -> float:
    """A bound, so that no figure is within it that only rounding to a float brings there."""
    return float(bound) if bound < _EXACT_BELOW else bound / MARGIN
