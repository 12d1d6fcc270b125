"""Holds orders against the limits of their account, strategy and symbol: the tightest wins.

Most orders are far within most limits: where bounds say so, only the other rules are asked. Whoever
wants to hear of every limit, and every order that may not pass, has all of them asked.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from app.core.orders import Order
from app.core.trading_state import Figures, RiskPast
from app.managers.execution_manager.account import Account
from app.managers.execution_manager.exposure import Holdings
from app.managers.execution_manager.moment import Books, Moment, Working
from app.managers.execution_manager.order_counts import OrderCounts
from app.managers.execution_manager.reach import Reach
from app.managers.execution_manager.risk_memory import RiskMemory
from app.managers.execution_manager.seen import Known, Seen
from app.managers.execution_manager.sure import SureBounds, SureRules
from app.services.auctions import AUCTIONS
from app.services.risk.catalogue import Check, Limit
from app.services.risk.facts import Ask, Portfolio
from app.services.risk.scopes import ACCOUNT, Scope
from app.services.risk.verdict import Verdict

# A rule, what it looks at and holds, by whose scope, and the limit itself.
Held = tuple[Check, Portfolio, Any, str, Limit]
Place = tuple[int | None, int | None]  # a strategy and a symbol; None is for all
OnVerdict = Callable[[Ask, str, Portfolio, Limit, Verdict | None], None]


class Ruling(NamedTuple):
    """What one limit says against an order."""

    scope: str
    rule: str
    verdict: Verdict

    @property
    def reason(self) -> str:
        """As an order carries it; the account's own limits go by their rule alone."""
        of = "" if self.scope == ACCOUNT else f" of {self.scope}"
        return f"{self.rule}{of}: {self.verdict.why}"


class RiskDesk:
    """Asks the limits of one account; `on_verdict` is told of each that is asked, approvals too."""

    def __init__(
        self,
        scopes: Sequence[Scope],
        account: Account,
        working: Working,
        market: Known,
        books: Books,
        counts: OrderCounts,
        on_verdict: OnVerdict | None = None,
        past: RiskPast | None = None,
        *,
        guards: bool = False,
    ) -> None:
        """With `past`, what an earlier run left, all are remembered for the next one; what
        `guards` an account looks back on all of it.
        """
        self._past = past
        self._moment = moment = Moment(books, working, market.mark)
        self._seen = Seen(market, moment.mark)
        self._on_verdict = on_verdict
        strategies, symbols = range(len(account.positions)), range(len(account.currencies))
        reach = Reach(account, working, moment, market.mark) if account.is_single else None
        whole = Holdings(account, working, moment, counts, reach=reach)
        portfolios: dict[Place, Holdings] = {(None, None): whole} | {
            (strategy, symbol): Holdings(account, working, moment, counts, strategy, symbol, whole)
            for strategy, symbol in dict.fromkeys((one.strategy, one.symbol) for one in scopes)
            if (strategy, symbol) != (None, None)
        }
        looking_back = dict.fromkeys(
            portfolios[scope.strategy, scope.symbol]
            for scope in scopes
            if any(limit.remembers for limit in scope.limits)
        )
        if past is not None:
            looking_back = dict.fromkeys(portfolios.values())
        self.whole = whole
        names = {(one.strategy, one.symbol): one.place for one in scopes}
        self._places = {names.get(place, ACCOUNT): one for place, one in portfolios.items()}
        looks_back = guards or bool(looking_back)
        self.memory = RiskMemory(dict.fromkeys([whole, *looking_back]) if looks_back else ())
        self._held = [
            [_held(scopes, portfolios, strategy, symbol) for symbol in symbols]
            for strategy in strategies
        ]
        self._reaches: list[Reach] = [] if reach is None else [reach]
        self._bounds: dict[Place, SureBounds] = {}
        # Rates between currencies make one rounding of another: there every rule is asked.
        self._is_bounded = reach is not None and on_verdict is None
        for place, portfolio in portfolios.items():
            limits = _bounded(scopes, place)
            if reach is not None and limits:
                own = reach
                if place != (None, None):
                    own = Reach(account, working, moment, market.mark, *place)
                    self._reaches.append(own)
                self._bounds[place] = SureBounds(limits, portfolio, own, reach, moment, self._seen)
        # By strategy and symbol: bounds, and what has none.
        self._sure = [[self._sure_of(one, symbol) for symbol in symbols] for one in strategies]

    def _sure_of(self, strategy: int, symbol: int) -> SureRules:
        bounds = [own for place, own in self._bounds.items() if _holds_for(place, strategy, symbol)]
        held = self._held[strategy][symbol]
        rules = [(*one[:3], one[-1]) for one in held if not one[-1].has_bounds]
        bounded = [own.reach for own in bounds]
        return SureRules(
            bounds, rules, self._seen, [one for one in self._reaches if one not in bounded]
        )

    def open_session(self, session: dt.date) -> None:
        """A session begins: what is held may be other shares behind that, at other rates."""
        self.rethink()
        self.memory.open_session()
        if self._past is not None:
            for place, figures in self._past.figures.items():
                if place in self._places:
                    self._places[place].go_on_from(figures, session)
            self._past = None  # the run's own from here on
        self.rethink()

    def forget_past(self) -> None:
        """The run goes on from a state of its own."""
        self._past = None

    def look(self, now_ns: int) -> None:
        """See what all is worth now."""
        if self._moment.turn(now_ns):
            self.memory.look()

    def figures(self, session: dt.date) -> dict[str, Figures]:
        """What another run is to remember, by place."""
        self._moment.forget()
        return {place: one.figures(session) for place, one in self._places.items()}

    def follow(self, order: Order) -> None:
        """One works from now on that limits were not asked about."""
        for reach in self._reaches:
            if order.reduce_only:
                reach.expect_exit(order.strategy, order.symbol_index)
            else:
                reach.add(order.strategy, order.symbol_index, order.units)

    def rethink(self) -> None:
        """Positions or orders have changed beside fills, or what is remembered has."""
        self._moment.forget()
        for reach in self._reaches:
            reach.forget()
        for bounds in self._bounds.values():
            bounds.forget()
        for row in self._sure:
            for rules in row:
                rules.forget()

    def is_limited(self, strategy: int, symbol: int) -> bool:
        """Whether any limit holds there."""
        return bool(self._held[strategy][symbol])

    def ruling(self, ask: Ask) -> Ruling | None:
        """The tightest that is said; None where all approve. It counts as if it worked from now
        on: should something else refuse it, that harms none but the time of who asks next.
        """
        if self._moment.turn(ask.now_ns):
            self.memory.look()
        # Bounds speak of no amendments, nor of what an auction fills.
        plain = self._is_bounded and ask.units == ask.whole_units and ask.kind not in AUCTIONS
        if plain and self._sure[ask.strategy][ask.symbol].clear(ask):
            return None
        found = self._tightest(ask, self._held[ask.strategy][ask.symbol])
        if found is None or found.verdict.units:  # so much of it, or all, may work from now on
            for reach in self._reaches:
                reach.add(ask.strategy, ask.symbol, ask.units)
        return found

    def ruling_on_prices(self, ask: Ask) -> Ruling | None:
        """The same, of those limits that hold prices."""
        if self._moment.turn(ask.now_ns):
            self.memory.look()
        held = self._held[ask.strategy][ask.symbol]
        return self._tightest(ask, [one for one in held if one[-1].holds_prices])

    def _tightest(self, ask: Ask, held: Iterable[Held]) -> Ruling | None:
        self._moment.turn_orders()
        self._seen.asked = ask
        found: Ruling | None = None
        seen, on_verdict = self._seen, self._on_verdict
        for check, portfolio, most, scope, limit in held:
            verdict = check(ask, portfolio, seen, most)
            if on_verdict is not None:
                on_verdict(ask, scope, portfolio, limit, verdict)
            if verdict is not None and (
                found is None or abs(verdict.units) < abs(found.verdict.units)
            ):
                found = Ruling(scope, limit.name, verdict)
        return found


def _holds_for(place: Place, strategy: int, symbol: int) -> bool:
    return place[0] in (None, strategy) and place[1] in (None, symbol)


def _bounded(scopes: Sequence[Scope], place: Place) -> list[Limit]:
    """The limits of a place that have bounds."""
    own = [scope for scope in scopes if (scope.strategy, scope.symbol) == place]
    return [limit for scope in own for limit in scope.limits if limit.has_bounds]


def _held(
    scopes: Sequence[Scope], portfolios: Mapping[Place, Portfolio], strategy: int, symbol: int
) -> list[Held]:
    """The limits that hold for a strategy's orders in a symbol."""
    return [
        (limit.check, portfolios[place], limit.most, scope.name, limit)
        for scope in scopes
        if _holds_for(place := (scope.strategy, scope.symbol), strategy, symbol)
        for limit in scope.limits
    ]
