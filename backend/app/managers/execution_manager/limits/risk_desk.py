"""Holds orders against the limits of their account, strategy and symbol: the tightest wins.

Most orders are far within most limits: where bounds say so, only the other rules are asked. Whoever
wants to hear of every limit, and every order that may not pass, has all of them asked.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from app.core.orders import Order
from app.core.trading_state import Figures, RiskPast
from app.managers.execution_manager.books.account import Account
from app.managers.execution_manager.limits.buying_power import BuyingPower
from app.managers.execution_manager.limits.exposure import Holdings
from app.managers.execution_manager.limits.moment import Books, Moment
from app.managers.execution_manager.limits.order_counts import OrderCounts
from app.managers.execution_manager.limits.reach import Reach
from app.managers.execution_manager.limits.risk_memory import RiskMemory
from app.managers.execution_manager.limits.seen import Known, Seen
from app.managers.execution_manager.limits.sure_orders import Held, SureOrders, Watch
from app.managers.execution_manager.orders.working_orders import WorkingOrders
from app.services.risk.catalogue import Limit
from app.services.risk.facts import Ask, Portfolio
from app.services.risk.scopes import ACCOUNT, EVERYWHERE, Place, Scope, holds_for
from app.services.risk.verdict import Verdict

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
        working: WorkingOrders,
        market: Known,
        books: Books,
        counts: OrderCounts,
        power: BuyingPower | None,
        on_verdict: OnVerdict | None,
        past: RiskPast | None,
        *,
        guards: bool,
    ) -> None:
        """With `power` an order that surely passes is within the account's means, too. With `past`,
        what an earlier run left, all are remembered for the next one; what `guards` an account
        looks back on all of it.
        """
        self._past = past
        self._moment = moment = Moment(books, working, market.mark)
        self._seen = Seen(market, moment.mark)
        self._on_verdict = on_verdict
        strategies, symbols = range(len(account.positions)), range(len(account.currencies))
        reach = Reach(account, working, moment, market.marks) if account.is_single else None
        whole = Holdings(account, working, moment, counts, reach=reach)
        portfolios: dict[Place, Holdings] = {EVERYWHERE: whole} | {
            (strategy, symbol): Holdings(account, working, moment, counts, strategy, symbol, whole)
            for strategy, symbol in dict.fromkeys((one.strategy, one.symbol) for one in scopes)
            if (strategy, symbol) != EVERYWHERE
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
        # Rates between currencies make one rounding of another: there every rule is asked.
        self._sure: SureOrders | None = None
        if reach is not None:
            watch = Watch(moment, self._seen, self.look, power, working)
            held = self._held
            self._sure = SureOrders(scopes, portfolios, held, reach, account, counts, watch)

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
        if self._sure is not None:
            self._sure.follow(order)

    def rethink(self) -> None:
        """Positions or orders have changed beside fills, or what is remembered has."""
        self._moment.forget()
        if self._sure is not None:
            self._sure.forget()

    @property
    def sure(self) -> SureOrders | None:
        """Who knows at once of most orders that they pass; none where somebody hears of each."""
        return self._sure if self._on_verdict is None else None

    def is_limited(self, strategy: int, symbol: int) -> bool:
        """Whether any limit holds there."""
        return bool(self._held[strategy][symbol])

    def ruling(self, ask: Ask) -> Ruling | None:
        """The tightest that is said; None where all approve. It counts as if it worked from now
        on: should something else refuse it, that harms none but the time of who asks next.
        """
        self.look(ask.now_ns)
        found = self._tightest(ask, self._held[ask.strategy][ask.symbol])
        if self._sure is not None and (found is None or found.verdict.units):
            self._sure.add(ask.strategy, ask.symbol, ask.units)  # so much of it, or all, may work
        return found

    def ruling_on_prices(self, ask: Ask) -> Ruling | None:
        """The same, of those limits that hold prices."""
        self.look(ask.now_ns)
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


def _held(
    scopes: Sequence[Scope], portfolios: Mapping[Place, Portfolio], strategy: int, symbol: int
) -> list[Held]:
    """The limits that hold for a strategy's orders in a symbol."""
    return [
        (limit.check, portfolios[place], limit.most, scope.name, limit)
        for scope in scopes
        if holds_for(place := (scope.strategy, scope.symbol), strategy, symbol)
        for limit in scope.limits
    ]
