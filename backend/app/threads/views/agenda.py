"""The agenda of a block: the bars that strategies want, in the order their hooks run."""

from collections.abc import Iterator, Sequence
from itertools import cycle, repeat
from typing import TypeVar

import numpy as np

from app.core.bars import COLUMNS, Bar, Ints, SymbolRows, Table, join_tables, numbers
from app.managers.execution_manager.sim.bar_book import BarBook
from app.threads.data_processor import Processed, SessionPart
from app.threads.stream.plan import Plan

T = TypeVar("T")


class Agenda:
    """Steps are bars ordered by when they are known, then interval (shorter first), then symbol."""

    def __init__(
        self,
        processed: Processed,
        book: BarBook,
        parts: tuple[SessionPart, ...],
        plan: Plan,
        wanted: tuple[str, ...],
    ) -> None:
        tables = {plan.base_interval: processed.base, **processed.derived}
        self.table, self.rank = _in_order([tables[name] for name in wanted])
        self.wanted = wanted
        own = book if self.table is processed.base else BarBook(self.table, None)
        self._rows, self.known_ns = own.rows, own.known_ns
        self._symbols = plan.symbols
        if not len(self.known_ns):  # as in most blocks of a live run
            self.bars: Iterator[Bar] = iter(())
            self.session_first = [0] * len(parts)
            return
        self.bars = self._make_bars(own)
        starts = [part.start_ns for part in parts]
        # the steps of each session: known after it starts, up to the start of the next
        self.session_first = np.searchsorted(self.table.known_ns, starts, side="right").tolist()

    def __len__(self) -> int:
        return len(self.known_ns)

    def span(self, number: int) -> tuple[int, int]:
        """First and end step of a session of the block."""
        first = self.session_first[number]
        last = number + 1 == len(self.session_first)
        return first, len(self) if last else self.session_first[number + 1]

    def steps(self, number: int, symbol: int | None) -> Ints | slice:
        """The steps of a session of the block, all or those with `symbol` in hand."""
        first, end = self.span(number)
        if symbol is None or len(self._symbols) == 1:
            return slice(first, end)
        if self._rows is None:
            self._rows = SymbolRows(self.table, len(self._symbols))
        return self._rows.within(symbol, first, end)

    def symbol_at(self, step: int) -> int:
        """The symbol in hand at a step."""
        return int(self.table.symbol[step])

    def by_interval(self, choices: Sequence[T]) -> Iterator[T]:
        """For each step, the choice for its interval (`choices` follow `wanted`)."""
        if self.rank is None:
            return repeat(choices[0])
        return map(choices.__getitem__, self.rank.tolist())

    def _make_bars(self, book: BarBook) -> Iterator[Bar]:
        table = self.table
        if len(self._symbols) == 1:
            names: Iterator[str] = repeat(self._symbols[0])
        elif self._rows is not None and self._rows.is_full:
            names = cycle(self._symbols)
        else:
            names = iter(np.array(self._symbols, object)[table.symbol].tolist())
        rest = [numbers(getattr(table, name)) for name in COLUMNS[2:]]
        return map(Bar, names, self.by_interval(self.wanted), book.start_ns, book.open, *rest)


def _in_order(tables: list[Table]) -> tuple[Table, Ints | None]:
    """The tables merged by known time, interval, symbol; and the interval's number by step."""
    if len(tables) == 1:
        return tables[0], None
    merged = join_tables(tables)
    rank = np.repeat(np.arange(len(tables)), [len(table) for table in tables])
    order = np.lexsort((merged.symbol, rank, merged.known_ns))
    return merged.take(order), rank[order]
