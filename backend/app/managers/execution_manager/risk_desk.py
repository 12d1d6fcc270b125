"""Holds orders against the limits of their account, strategy and symbol: the tightest wins."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from app.core.money import amount_units
from app.core.orders import Order
from app.managers.execution_manager.account import Account
from app.managers.execution_manager.buying_power import Prices
from app.services.risk.catalogue import Limit
from app.services.risk.facts import Ask, Market, Portfolio
from app.services.risk.scopes import ACCOUNT, Scope
from app.services.risk.verdict import Verdict

Working = Mapping[int, Order]
OnVerdict = Callable[[Ask, str, Limit, Verdict | None], None]


class Known(Prices, Market, Protocol):
    """What the engine knows now: for what is held, and for what is asked."""


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


class Holdings:
    """What an account holds, or one strategy of it; of its equity there is one."""

    def __init__(
        self,
        account: Account,
        working: Working,
        market: Market,
        strategy: int | None,
    ) -> None:
        self._account = account
        self._working = working
        self._market = market
        self._strategy = strategy
        self._rows = account.positions if strategy is None else [account.positions[strategy]]

    def held_units(self, symbol: int) -> int:
        return sum(row[symbol].units for row in self._rows)

    def reach_units(self, symbol: int, units: int) -> int:
        strategy = self._strategy
        return self.held_units(symbol) + sum(
            order.units - order.filled_units
            for order in self._working.values()
            if order.symbol_index == symbol
            and (order.units > 0) == (units > 0)
            and not order.reduce_only
            and (strategy is None or order.strategy == strategy)
        )

    def value_units(self, symbol: int, units: int, price: float) -> int:
        account = self._account
        value = amount_units(units, price, account.positions[0][symbol].multiplier_units)
        rate = account.rate(account.currencies[symbol])
        return value if rate == 1.0 else amount_units(value, rate)

    def equity_units(self) -> int:
        return self._account.equity_units(self._market.mark)


class RiskDesk:
    """Of one account; `on_verdict` is told of every limit that is looked at, approvals too."""

    def __init__(
        self,
        scopes: Sequence[Scope],
        account: Account,
        working: Working,
        market: Market,
        on_verdict: OnVerdict | None = None,
    ) -> None:
        self._market = market
        self._on_verdict = on_verdict
        strategies, symbols = range(len(account.positions)), range(len(account.currencies))
        portfolios: dict[int | None, Portfolio] = {
            strategy: Holdings(account, working, market, strategy)
            for strategy in (None, *strategies)
        }
        self._held = [
            [
                [
                    (scope.name, portfolios[scope.strategy], limit)
                    for scope in scopes
                    if scope.strategy in (None, strategy) and scope.symbol in (None, symbol)
                    for limit in scope.limits
                ]
                for symbol in symbols
            ]
            for strategy in strategies
        ]

    def ruling(self, ask: Ask) -> Ruling | None:
        """The tightest that is said; None where all approve."""
        found: Ruling | None = None
        for scope, portfolio, limit in self._held[ask.strategy][ask.symbol]:
            verdict = limit.check(ask, portfolio, self._market, limit.most)
            if self._on_verdict is not None:
                self._on_verdict(ask, scope, limit, verdict)
            if verdict is not None and (
                found is None or abs(verdict.units) < abs(found.verdict.units)
            ):
                found = Ruling(scope, limit.name, verdict)
        return found
