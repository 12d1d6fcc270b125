"""Bars as columns, and the one immutable bar a strategy holds in its hand."""

from array import array
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from app.core.calendar import TradingSession

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class Bar(msgspec.Struct, frozen=True, gc=False):
    """One bar. Labelled by its start; prices are raw, as traded."""

    symbol: str
    interval: str
    start_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float


class BarColumns(msgspec.Struct, frozen=True):
    """Bars of one symbol and interval, in time order; the arrays are read-only."""

    start_ns: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def __len__(self) -> int:
        return len(self.start_ns)

    def slice(self, first: int, end: int) -> "BarColumns":
        """Rows first..end as views; nothing is copied."""
        return BarColumns(*(getattr(self, name)[first:end] for name in COLUMNS))


COLUMNS = BarColumns.__struct_fields__


class Table(msgspec.Struct, frozen=True):
    """Bars of several symbols as columns; `known_ns` is when each is complete.

    `spread` is that of the quotes at each bar's open, where a run asks for them.
    """

    symbol: npt.NDArray[np.int32]
    start_ns: Ints
    known_ns: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    spread: Floats | None = None

    def __len__(self) -> int:
        return len(self.start_ns)

    def take(self, rows: "Ints | npt.NDArray[np.bool_] | slice") -> "Table":
        """Some rows, by mask, slice or index."""
        return Table(*(getattr(self, name)[rows] for name in fields_of(self)))


TABLE_FIELDS = Table.__struct_fields__[:-1]  # those of every table


def fields_of(*tables: "Table | Block") -> tuple[str, ...]:
    """The columns that all of these have."""
    quoted = all(table.spread is not None for table in tables)
    return Table.__struct_fields__ if quoted else TABLE_FIELDS


def join_tables(tables: Sequence[Table]) -> Table:
    """Several tables, one after the other."""
    names = fields_of(*tables)
    return Table(*(np.concatenate([getattr(t, name) for t in tables]) for name in names))


def numbers(column: Ints | Floats) -> "array[Any]":
    """A column to take Python numbers from one at a time, each made when it is asked for.

    A list makes all of them at once and all over the memory: reading every one of a column once
    takes a fifth longer.
    """
    return array("q" if column.dtype == np.int64 else "d", column.tobytes())


def interleave(tables: Sequence[Table]) -> Table:
    """Tables in time order as one, by start; of one start, in the order of the tables."""
    starts = tables[0].start_ns
    if all(np.array_equal(table.start_ns, starts) for table in tables[1:]):
        columns = ([getattr(table, name) for table in tables] for name in fields_of(*tables))
        return Table(*(np.stack(column, axis=1).ravel() for column in columns))
    merged = join_tables(tables)
    return merged.take(np.argsort(merged.start_ns, kind="stable"))


def _is_full(base: "Table", every: npt.NDArray[np.int32]) -> bool:
    """Whether each instant has a bar of every symbol, in their order."""
    symbols = len(every)
    if len(base) % symbols or not (base.symbol.reshape(-1, symbols) == every).all():
        return False
    known_ns = base.known_ns.reshape(-1, symbols)  # that of the first is the last one's too
    return bool((known_ns[:, 0] == known_ns[:, -1]).all())


def _turned(column: npt.NDArray[Any], symbols: int) -> npt.NDArray[Any]:
    """A column by instant, then symbol, as one by symbol, then instant."""
    return column.reshape(-1, symbols).T.ravel()


class SymbolRows:
    """Which rows of a table belong to each symbol, in the order of the table."""

    __slots__ = ("_base", "_bounds", "_order", "_table", "_width", "present")

    def __init__(self, base: Table, symbols: int) -> None:
        self._base = base
        self._table: Table | None = None
        self._order: Ints
        rows, symbol = len(base), base.symbol
        if not rows:  # as in most blocks of a live run: time has passed, and no more
            self._width, self._table, self._order = symbols, base, _TIMES
            self._bounds, self.present = [0] * (symbols + 1), list[int]()
            return
        every = np.arange(symbols, dtype=symbol.dtype)
        # Most often each instant has a bar of every symbol: then columns are turned, not sorted.
        self._width = symbols if _is_full(base, every) else 0
        if self._width:
            self._order = _turned(np.arange(rows), symbols)
            self._bounds = [rows // symbols * number for number in range(symbols + 1)]
            self.present = every.tolist() if rows else []
            return
        # of 16-bit numbers numpy's stable sort is a radix sort
        self._order = np.argsort(symbol.astype(np.uint16), kind="stable")
        counts = np.bincount(symbol, minlength=symbols)
        self._bounds = [0, *np.cumsum(counts).tolist()]
        self.present = np.flatnonzero(counts).tolist()

    @property
    def is_full(self) -> bool:
        """Whether each instant has a bar of every symbol."""
        return self._width > 0

    @property
    def table(self) -> Table:
        """The same rows, those of each symbol together."""
        if self._table is None:
            base = self._base
            if self._width:
                names = fields_of(base)
                self._table = Table(*(_turned(getattr(base, one), self._width) for one in names))
            else:
                self._table = base.take(self._order)
        return self._table

    def of(self, symbol: int) -> Ints:
        """The rows of one symbol."""
        return self._order[self.together(symbol)]

    def within(self, symbol: int, first: int, end: int) -> Ints | slice:
        """The rows of one symbol from `first` up to `end`, where instants begin."""
        if self._width:
            return slice(first + symbol, end, self._width)
        rows = self.of(symbol)
        low, high = np.searchsorted(rows, (first, end))
        return rows[low:high]

    def together(self, symbol: int) -> slice:
        """Where they lie in `table`."""
        return slice(self._bounds[symbol], self._bounds[symbol + 1])

    def last(self) -> Ints:
        """Where in `table` the last row of each symbol lies that has one."""
        return np.array([self._bounds[n + 1] - 1 for n in self.present], np.int64)


_TIMES, _PRICES = np.empty(0, np.int64), np.empty(0, np.float64)
_NO_ROWS = Table(np.empty(0, np.int32), _TIMES, _TIMES, *(_PRICES for _ in range(5)))


def no_rows() -> Table:
    """A table without a row."""
    return _NO_ROWS


class SessionSpan(msgspec.Struct, frozen=True):
    """Rows `first` to `end` of a block belong to this session (none when equal)."""

    session: TradingSession
    first: int
    end: int


class Block(msgspec.Struct, frozen=True):
    """Time-ordered bars of several symbols; within one start, in the config's symbol order.

    `known_ns` is when each bar is complete. `through_ns` promises that every bar known up to
    there is in this block or an earlier one. `spans` names each session that is under way
    between the block before and `through_ns`, also those without a row.
    """

    start_ns: Ints
    known_ns: Ints
    symbol: npt.NDArray[np.int32]  # index into the run's symbols
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    spans: tuple[SessionSpan, ...]
    through_ns: int
    spread: Floats | None = None  # of the quotes at each bar's open, where a run asks for them

    def __len__(self) -> int:
        return len(self.start_ns)
