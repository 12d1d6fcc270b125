"""Approvals that are sure: bounds in place of most rules, and only the others are asked.

It decides nothing by itself: where it is not sure, every rule is asked.
"""

from collections.abc import Sequence
from typing import Any, Final

from app.managers.execution_manager.exposure import Holdings
from app.managers.execution_manager.moment import Moment
from app.managers.execution_manager.reach import Reach
from app.managers.execution_manager.seen import Seen
from app.services.risk.bounds import ALWAYS_NS, MARGIN, NOT_SURE_NS, Bounds, Worth
from app.services.risk.catalogue import Check, Limit
from app.services.risk.facts import Ask, Market, Portfolio
from app.services.risk.pricing import highest

_EXACT_BELOW: Final = 2.0**53  # whole numbers are, as floats
_BAND: Final = 1024  # bounds hold while the account's worth moves by less than such a part of it


class SureBounds:
    """Bounds made of those limits of one portfolio that can narrow them."""

    __slots__ = (
        "_always", "_bounds", "_gross", "_highest_units", "_left", "_long", "_market", "_moment",
        "_most_orders", "_most_symbols", "_narrows", "_order_units", "_order_value", "_portfolio",
        "_position_value", "_remembers", "_short", "_state", "_whole", "_worth", "reach",
    )  # fmt: skip

    def __init__(
        self,
        limits: Sequence[Limit],
        portfolio: Holdings,
        reach: Reach,
        whole: Reach,
        moment: Moment,
        market: Market,
    ) -> None:
        """`whole` is the account's reach, also where `reach` is that of a part of it."""
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
        self._most_symbols = bounds.open_positions + 1  # with the order's own

    def forget(self) -> None:
        """Another session has begun, or the past is another."""
        self._worth = None
        self._state = -1

    def clear(self, ask: Ask) -> bool:
        """Whether all those limits approve, and then it is counted; False where it takes more to
        tell.
        """
        if self._state != self._moment.state:
            self._turn()
        reach, symbol, units = self.reach, ask.symbol, float(ask.units)
        line = reach.lines.get(symbol) or reach.begin(symbol)
        unit_value = line.value
        if ask.limit is not None or ask.stop is not None:
            unit_value = highest(line.price, ask.limit, ask.stop) * line.unit_value
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

    def clear_anew(self, ask: Ask) -> bool:
        """The same, with all counted anew where that may make a difference."""
        if not self.reach.count_anew():
            return False
        self._state = -1
        return self.clear(ask)

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


def _less(bound: float) -> float:
    """A bound, so that no figure is within it that only rounding to a float brings there."""
    return float(bound) if bound < _EXACT_BELOW else bound / MARGIN


class SureRules:
    """For one strategy in one symbol: the bounds that hold there, and the rules that have none."""

    __slots__ = ("_beside", "_bounds", "_lasting", "_market", "_others", "_until_ns")

    def __init__(
        self,
        bounds: Sequence[SureBounds],
        rules: Sequence[tuple[Check, Portfolio, Any, Limit]],
        market: Seen,
        beside: Sequence[Reach],
    ) -> None:
        """`beside` are the reaches that no bounds here are of."""
        self._bounds = bounds
        self._beside = beside
        self._market = market
        self._others = [
            (check, portfolio, most)
            for check, portfolio, most, limit in rules
            if limit.sure_until_ns is None
        ]
        self._lasting = [
            (check, portfolio, most, limit.sure_until_ns)
            for check, portfolio, most, limit in rules
            if limit.sure_until_ns is not None
        ]
        self.forget()

    def forget(self) -> None:
        """Another session has begun."""
        self._until_ns = NOT_SURE_NS if self._lasting else ALWAYS_NS

    def clear(self, ask: Ask) -> bool:
        """Whether all approve, and then it is counted; False where it takes more to tell."""
        for reach in self._beside:
            reach.add(ask.strategy, ask.symbol, ask.units)
        for own in self._bounds:
            if not (own.clear(ask) or own.clear_anew(ask)):
                return False
        market = self._market
        market.asked = ask
        for check, portfolio, most in self._others:
            if check(ask, portfolio, market, most) is not None:
                return False
        return ask.now_ns <= self._until_ns or self._ask_lasting(ask)

    def _ask_lasting(self, ask: Ask) -> bool:
        """Ask the rules that may approve for longer than this instant."""
        market, now_ns, until_ns = self._market, ask.now_ns, ALWAYS_NS
        for check, portfolio, most, sure_until_ns in self._lasting:
            sure_ns = sure_until_ns(ask.symbol, market, most)
            if sure_ns < now_ns and check(ask, portfolio, market, most) is not None:
                return False
            until_ns = min(until_ns, sure_ns)
        self._until_ns = until_ns
        return True
