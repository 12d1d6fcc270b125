"""A broker's world in a few lines: bars as rows, a book of them, and a manager that trades them."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from app.core.bars import SymbolRows, Table
from app.core.instruments import Instrument
from app.managers.execution_manager.execution_manager import ExecutionManager
from app.managers.execution_manager.sim_broker import BarBook
from app.services.risk import Limits


class Row(NamedTuple):
    """A bar that lasts ten nanoseconds."""

    symbol: int
    start_ns: int
    open: float
    volume: float = 1e6


def table_of(rows: Sequence[Row]) -> Table:
    """The rows as a table; open, high, low and close are one."""
    start_ns = np.array([row.start_ns for row in rows], np.int64)
    price = np.array([row.open for row in rows], np.float64)
    volume = np.array([row.volume for row in rows], np.float64)
    symbol = np.array([row.symbol for row in rows], np.int32)
    return Table(symbol, start_ns, start_ns + 10, price, price, price, price, volume)


def book_of(rows: Sequence[Row], symbols: int = 2) -> BarBook:
    """The book of a block of these bars; one symbol has no groups, as in the engine."""
    table = table_of(rows)
    return BarBook(table, SymbolRows(table.symbol, symbols) if symbols > 1 else None)


def manager_of(
    rows: Sequence[Row] = (),
    *,
    strategies: Sequence[str] = ("one", "two"),
    symbols: Sequence[str] = ("X", "Y"),
    participation: Decimal | None = None,
    cash: Decimal = Decimal(100_000),
    limits: Limits | None = None,
    **sizes: Any,
) -> ExecutionManager:
    """An execution manager with its first block loaded; `sizes` are the instruments'."""
    execution = ExecutionManager(
        strategies=list(strategies),
        instruments=[Instrument("XNYS", symbol, **sizes) for symbol in symbols],
        cash=cash,
        limits=limits or Limits(),
        participation=participation,
    )
    execution.broker.load(book_of(rows, len(symbols)))
    return execution
