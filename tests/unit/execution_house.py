"""A broker's world in a few lines: bars as rows, a book of them, and a manager that trades them."""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from app.core.bars import SymbolRows, Table
from app.core.calendar import TradingSession
from app.core.config_risk import RiskConfig
from app.core.instruments import Instrument
from app.core.orders import Order
from app.core.trading_state import RiskPast
from app.managers.execution_manager.books.account import AccountTerms
from app.managers.execution_manager.brokers import Broker
from app.managers.execution_manager.execution_manager import ExecutionManager
from app.managers.execution_manager.sim.bar_book import BarBook
from app.managers.execution_manager.sim.fill_rules import FillRules, Owner
from app.services.risk.scopes import Limits, limits_of_run


class Row(NamedTuple):
    """A bar that lasts ten nanoseconds."""

    symbol: int
    start_ns: int
    open: float
    volume: float = 1e6
    high: float | None = None  # as the open, unless said
    low: float | None = None


def table_of(rows: Sequence[Row]) -> Table:
    """The rows as a table; they close where they opened."""
    start_ns = np.array([row.start_ns for row in rows], np.int64)
    price = np.array([row.open for row in rows], np.float64)
    volume = np.array([row.volume for row in rows], np.float64)
    symbol = np.array([row.symbol for row in rows], np.int32)
    high = np.array([row.open if row.high is None else row.high for row in rows], np.float64)
    low = np.array([row.open if row.low is None else row.low for row in rows], np.float64)
    return Table(symbol, start_ns, start_ns + 10, price, high, low, price, volume)


def book_of(rows: Sequence[Row], symbols: int = 2) -> BarBook:
    """The book of a block of these bars; one symbol has no groups, as in the engine."""
    table = table_of(rows)
    return BarBook(table, SymbolRows(table, symbols) if symbols > 1 else None)


class Unpriced:
    """A market of which nothing is known."""

    session = TradingSession("XNYS", dt.date(2024, 1, 2), 0, 10**15)

    def mark(self, symbol: int) -> float:
        return 0.0

    def marks(self, symbols: Iterable[int]) -> Iterable[float]:
        return map(self.mark, symbols)

    highest = mark


def limits_by(past: RiskPast | None = None, **fields: Any) -> Limits:
    """The limits of a config over the house's usual strategies and symbols."""
    return limits_of_run(RiskConfig(**fields), ["one", "two"], ["X", "Y"], past=past)


def manager_of(
    rows: Sequence[Row] = (),
    *,
    strategies: Sequence[str] = ("one", "two"),
    symbols: Sequence[str] = ("X", "Y"),
    participation: Decimal | None = None,
    rules: FillRules | None = None,
    cash: Decimal = Decimal(100_000),
    limits: Limits | None = None,
    terms: AccountTerms | None = None,
    make_broker: Callable[[Owner], Broker] | None = None,
    make: Callable[..., ExecutionManager] = ExecutionManager,
    **sizes: Any,
) -> ExecutionManager:
    """An execution manager with its first block loaded; `sizes` are the instruments'."""
    execution = make(
        strategies=list(strategies),
        instruments=[Instrument("XNYS", symbol, **sizes) for symbol in symbols],
        cash=cash,
        limits=limits or Limits(),
        rules=rules or FillRules(participation),
        terms=terms,
        make_broker=make_broker,
    )
    execution.broker.load(book_of(rows, len(symbols)))
    execution._checks.weigh_by(Unpriced(), execution.account, execution)
    return execution


def open_session(execution: ExecutionManager, date: dt.date, now_ns: int) -> None:
    """A session begins now, and lasts."""
    end_ns = now_ns + 10**15
    execution.open_session(TradingSession("XNYS", date, now_ns, end_ns), end_ns, now_ns)


def submit(
    execution: ExecutionManager, strategy: int, symbol: int, units: int, now_ns: int, **terms: Any
) -> Order:
    """Give an order as a desk does: proposed first, then taken."""
    name = execution.positions[strategy][symbol].symbol
    execution.order_count += 1
    terms.setdefault("aimed", terms.get("stop") is None)
    order = Order(execution.order_count, strategy, name, symbol, units, 0, **terms)
    execution.submit(order, now_ns)
    return order
