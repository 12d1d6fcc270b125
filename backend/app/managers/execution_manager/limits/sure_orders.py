"""Orders that surely pass: bounds in place of most rules, and only the others are asked.

It decides nothing by itself: where it is not sure, every rule is asked, and buying power.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from app.core.money import to_units
from app.core.orders import Order
from app.managers.execution_manager.books.account import Account
from app.managers.execution_manager.books.ledger import Position
from app.managers.execution_manager.limits.buying_power import BuyingPower
from app.managers.execution_manager.limits.exposure import Holdings
from app.managers.execution_manager.limits.moment import Moment
from app.managers.execution_manager.limits.order_counts import OrderCounts, Tally
from app.managers.execution_manager.limits.reach import Reach
from app.managers.execution_manager.limits.seen import Seen
from app.managers.execution_manager.limits.sure_bounds import SureBounds
from app.managers.execution_manager.orders.entries import counts
from app.managers.execution_manager.orders.working_orders import WorkingOrders
from app.services.risk.bounds import ALWAYS_NS, NOT_SURE_NS
from app.services.risk.catalogue import Check, Limit
from app.services.risk.facts import Ask, Portfolio, ask_for
from app.services.risk.scopes import EVERYWHERE, Place, Scope, holds_for
from app.services.risk.sizes import MOST_UNITS

# A rule, what it looks at and holds, by whose scope, and the limit itself.
Held = tuple[Check, Portfolio, Any, str, Limit]


class Watch(NamedTuple):
    """What all that is sure looks at."""

    moment: Moment
    market: Seen
    look: Callable[[int], None]  # sees what all is worth at an instant
    power: BuyingPower | None
    working: WorkingOrders


class SureRules:
    """For one strategy in one symbol: whether its orders surely pass, and the count of those."""

    __slots__ = (
        "_bounds", "_counts", "_lasting", "_look", "_market", "_moment", "_others", "_position",
        "_power", "_tallies", "_until_ns", "_whole", "_working",
    )  # fmt: skip

    def __init__(
        self,
        bounds: Sequence[SureBounds],
        rules: Sequence[Held],
        position: Position,
        counts: OrderCounts,
        tallies: Sequence[Tally],
        watch: Watch,
    ) -> None:
        """The account's own bounds are the first; what has none is asked by `rules`."""
        self._bounds = bounds
        self._whole = bounds[0]
        self._position = position
        self._counts, self._tallies = counts, tallies
        self._moment, self._market, self._look, self._power, self._working = watch
        self._others = [
            (check, portfolio, most)
            for check, portfolio, most, _, limit in rules
            if not (limit.has_bounds or limit.sure_until_ns or limit.only_repeats)
        ]
        self._lasting = [
            (check, portfolio, most, limit.sure_until_ns)
            for check, portfolio, most, _, limit in rules
            if limit.sure_until_ns is not None
        ]
        self.forget()

    def forget(self) -> None:
        """Another session has begun."""
        self._until_ns = NOT_SURE_NS if self._lasting else ALWAYS_NS

    def clear(self, order: Order, now_ns: int) -> bool:
        """Whether all approve of an order, and then it is counted; False where it takes more to
        tell.
        """
        units, held_units = order.units, self._position.units
        if held_units and (
            -held_units <= units < 0 if held_units > 0 else 0 < units <= -held_units
        ):
            return not self._working and self._follow(order)  # else others may take it out, too
        moment = self._moment
        if now_ns != moment.now_ns or moment.fills != moment.books.fill_count:
            if not -MOST_UNITS <= units <= MOST_UNITS:
                return False  # no limit is asked of that, so none sees a peak
            self._look(now_ns)
        symbol, limit, stop = order.symbol_index, order.limit, order.stop
        size = float(units)
        for own in self._bounds:
            if not (own.clear(symbol, size, limit, stop) or own.clear_anew(order)):
                return False
        counts, alike = self._counts, None
        if counts.keeps_ns:
            alike = order.strategy, symbol, units, order.kind, limit, stop
            if counts.repeats(alike, now_ns):
                return False
        if (self._others or now_ns > self._until_ns) and not self._ask_others(order, now_ns):
            return False
        whole, power = self._whole, self._power
        if whole.reach.most_units > whole.means and power is not None and power.refusal(order):
            return False
        counts.enter(self._tallies, alike, now_ns)
        return True

    def _follow(self, order: Order) -> bool:
        """It only takes out what its strategy holds: it is no entry, and no limit is asked. The
        account may come to be further short by it, where another strategy is.
        """
        if self._power is not None and self._power.refusal(order):
            return False
        for own in self._bounds:
            own.reach.add(order.strategy, order.symbol_index, order.units)
        return True

    def _ask_others(self, order: Order, now_ns: int) -> bool:
        """Ask the rules that bounds do not speak of."""
        ask, market = ask_for(order, now_ns), self._market
        market.asked = ask
        for check, portfolio, most in self._others:
            if check(ask, portfolio, market, most) is not None:
                return False
        return now_ns <= self._until_ns or self._ask_lasting(ask)

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


class SureOrders:
    """Knows of the orders of one account which surely pass, and what may come of all others."""

    def __init__(
        self,
        scopes: Sequence[Scope],
        portfolios: Mapping[Place, Holdings],
        held: Sequence[Sequence[Sequence[Held]]],
        reach: Reach,
        account: Account,
        counts: OrderCounts,
        watch: Watch,
    ) -> None:
        """`portfolios` has the account first; `held` is by strategy and symbol, and so are `rules`;
        `reach` is the whole account's.
        """
        terms, self._bounds = account.terms, dict[Place, SureBounds]()
        self._working = watch.working
        for place, portfolio in portfolios.items():
            limits = [
                limit
                for scope in scopes
                for limit in scope.limits
                if (scope.strategy, scope.symbol) == place and limit.has_bounds
            ]
            if place == EVERYWHERE:
                leverage_units = 0 if terms.holds_cash_only else to_units(terms.leverage)
                self._bounds[place] = SureBounds(
                    limits, portfolio, reach, reach, watch.moment, watch.market, leverage_units
                )
            elif limits:
                own = reach.part(*place)
                self._bounds[place] = SureBounds(
                    limits, portfolio, own, reach, watch.moment, watch.market
                )
        self.rules = [
            [
                SureRules(
                    [own for at, own in self._bounds.items() if holds_for(at, strategy, symbol)],
                    held[strategy][symbol],
                    position,
                    counts,
                    counts.tallies_of(strategy, symbol),
                    watch,
                )
                for symbol, position in enumerate(row)
            ]
            for strategy, row in enumerate(account.positions)
        ]

    def follow(self, order: Order) -> None:
        """One works from now on that was not asked about here."""
        if counts(order, self._working):
            self.add(order.strategy, order.symbol_index, order.units)
        if not order.reduce_only:
            return
        for bounds in self._bounds.values():
            bounds.reach.expect_exit(order.strategy, order.symbol_index)

    def add(self, strategy: int, symbol: int, units: int) -> None:
        """So much more works, or may."""
        for bounds in self._bounds.values():
            bounds.reach.add(strategy, symbol, units)

    def forget(self) -> None:
        """Positions or orders have changed beside fills, or what is remembered has."""
        for bounds in self._bounds.values():
            bounds.reach.forget()
            bounds.forget()
        for row in self.rules:
            for rules in row:
                rules.forget()
