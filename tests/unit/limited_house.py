"""An account under limits of risk, whose last closes a test says."""

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from execution_house import Row, Unpriced, limits_by, manager_of, open_session, submit

from app.core.money import UNITS
from app.core.orders import Order
from app.core.trading_state import RiskPast
from app.managers.execution_manager.books.account import AccountTerms
from app.managers.execution_manager.execution_manager import ExecutionManager
from app.managers.execution_manager.execution_state import execution_state

MONDAY = dt.date(2024, 6, 3)
DAY = dt.timedelta(1)


class Prices:
    """A market whose last closes a test says."""

    session = Unpriced.session

    def __init__(self) -> None:
        self.of = [10.0, 10.0]

    def mark(self, symbol: int) -> float:
        return self.of[symbol]

    def marks(self, symbols: Iterable[int]) -> Iterable[float]:
        return map(self.mark, symbols)

    highest = mark


class Desk:
    """An account of 10,000 with strategies `one` and `two`; every fill is at 10."""

    def __init__(
        self, terms: AccountTerms | None = None, past: RiskPast | None = None, **risk: Any
    ) -> None:
        rows = [Row(symbol, at, 10.0) for at in range(10, 2000, 10) for symbol in (0, 1)]
        self.execution: ExecutionManager = manager_of(
            rows, cash=Decimal(10_000), limits=limits_by(past, **risk), terms=terms
        )
        self.prices = Prices()
        self.execution.value_by(self.prices)
        self.now_ns = 0
        self.date = MONDAY - DAY
        self.next_session()

    def next_session(self) -> None:
        self.now_ns += 10
        self.date += DAY
        open_session(self.execution, self.date, self.now_ns)

    def give(self, shares: int, strategy: int = 0, symbol: int = 0, **terms: Any) -> Order:
        """An order, at the same instant as the last."""
        return submit(self.execution, strategy, symbol, shares * UNITS, self.now_ns, **terms)

    def ask(self, shares: int, strategy: int = 0, symbol: int = 0) -> Order:
        """An order, a bar later filled if it was accepted."""
        self.now_ns += 10
        order = self.give(shares, strategy, symbol)
        self.now_ns += 10
        self.execution.match(self.now_ns)
        return order

    def state(self) -> list[dict[str, Any]]:
        return execution_state(self.execution).risk
