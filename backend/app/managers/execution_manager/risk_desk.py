"""Holds orders against the limits of their account, strategy and symbol: the tightest wins."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from app.managers.execution_manager.account import Account
from app.managers.execution_manager.exposure import Books, Holdings, Moment, Working
from app.managers.execution_manager.order_counts import OrderCounts
from app.managers.execution_manager.risk_memory import RiskMemory
from app.managers.execution_manager.seen import Known, Seen
from app.services.risk.catalogue import Check, Limit
from app.services.risk.facts import Ask, Portfolio
from app.services.risk.scopes import ACCOUNT, Scope
from app.services.risk.verdict import Verdict

# A rule, what it looks at and holds, by whose scope, and the limit itself.
Held = tuple[Check, Portfolio, Any, str, Limit]
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
    """Of one account; `on_verdict` is told of every limit that is looked at, approvals too."""

    def __init__(
        self,
        scopes: Sequence[Scope],
        account: Account,
        working: Working,
        market: Known,
        books: Books,
        counts: OrderCounts,
        on_verdict: OnVerdict | None = None,
    ) -> None:
        self._moment = moment = Moment(books, market.mark)
        self._seen = Seen(market, moment.mark)
        self._on_verdict = on_verdict
        strategies, symbols = range(len(account.positions)), range(len(account.currencies))
        whole = Holdings(account, working, moment, counts)
        portfolios = {(None, None): whole} | {
            (strategy, symbol): Holdings(account, working, moment, counts, strategy, symbol, whole)
            for strategy, symbol in dict.fromkeys((one.strategy, one.symbol) for one in scopes)
            if (strategy, symbol) != (None, None)
        }
        looking_back = dict.fromkeys(
            portfolios[scope.strategy, scope.symbol]
            for scope in scopes
            if any(limit.remembers for limit in scope.limits)
        )
        self.memory = RiskMemory(dict.fromkeys([whole, *looking_back]) if looking_back else ())
        self._held = [
            [
                [
                    (
                        limit.check,
                        portfolios[scope.strategy, scope.symbol],
                        limit.most,
                        scope.name,
                        limit,
                    )
                    for scope in scopes
                    if scope.strategy in (None, strategy) and scope.symbol in (None, symbol)
                    for limit in scope.limits
                ]
                for symbol in symbols
            ]
            for strategy in strategies
        ]

    def open_session(self) -> None:
        """A session begins: what is held may be other shares behind that, at other rates."""
        self._moment.forget()
        self.memory.open_session()
        self._moment.forget()

    def forget(self) -> None:
        """See all anew with the next order that is asked about."""
        self._moment.forget()

    def is_limited(self, strategy: int, symbol: int) -> bool:
        """Whether any limit holds there."""
        return bool(self._held[strategy][symbol])

    def ruling(self, ask: Ask) -> Ruling | None:
        """The tightest that is said; None where all approve."""
        return self._tightest(ask, self._held[ask.strategy][ask.symbol])

    def ruling_on_prices(self, ask: Ask) -> Ruling | None:
        """The same, of those limits that hold prices."""
        held = self._held[ask.strategy][ask.symbol]
        return self._tightest(ask, [one for one in held if one[-1].holds_prices])

    def _tightest(self, ask: Ask, held: Iterable[Held]) -> Ruling | None:
        found: Ruling | None = None
        if self._moment.turn(ask.now_ns):
            self.memory.look()
        seen, on_verdict = self._seen, self._on_verdict
        seen.turn(ask)
        for check, portfolio, most, scope, limit in held:
            verdict = check(ask, portfolio, seen, most)
            if on_verdict is not None:
                on_verdict(ask, scope, portfolio, limit, verdict)
            if verdict is not None and (
                found is None or abs(verdict.units) < abs(found.verdict.units)
            ):
                found = Ruling(scope, limit.name, verdict)
        return found
