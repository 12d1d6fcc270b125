"""The replay feed: history first, then the run's sessions as blocks, in the order of time."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from app.core.bars import Block, Ints, Table, fields_of, interleave
from app.core.calendar import TradingSession
from app.core.intervals import interval_ns
from app.core.messages import Bars, Message
from app.core.seams import BarSource
from app.managers.data_manager.stored_bars import (
    HistorySources,
    StoredBars,
    Wanted,
    bounds_of,
    spans_of,
)

READ_ROWS = 65_536  # about what is read and merged at a time; memory is flat in a run's length
READ_SESSIONS = 42  # and no more of them: what few symbols would gain by more is not worth it


class ReplayFeed:
    """A Feed over bars at rest."""

    def __init__(self, source: BarSource, wanted: Wanted) -> None:
        self._stored = StoredBars(source, wanted)
        self._wanted = wanted

    @property
    def history_sources(self) -> HistorySources:
        """Which past bars it gave."""
        return self._stored.history_sources

    def messages(self) -> Iterator[Message]:
        """History, then blocks until the last session is over."""
        yield self._stored.history()
        through_ns = 0
        for sessions, behind in self._chunks():
            table = self._read(sessions)
            for block in self._blocks(table, sessions, behind, through_ns):
                through_ns = block.through_ns
                yield Bars(block)

    def _chunks(self) -> Iterator[tuple[Sequence[TradingSession], Sequence[TradingSession]]]:
        """Sessions to read together; and the one behind them, which may begin as they end."""
        wanted = self._wanted
        first = wanted.sessions[0]
        step_ns = interval_ns(wanted.base_interval)
        rows = max(1, (first.close_ns - first.open_ns) // step_ns) * len(wanted.symbols)
        count = max(1, min(READ_SESSIONS, READ_ROWS // rows))
        for place in range(0, len(wanted.sessions), count):
            end = place + count
            yield wanted.sessions[place:end], wanted.sessions[end : end + 1]

    def _read(self, sessions: Sequence[TradingSession]) -> Table:
        """Base bars of all symbols in these sessions, by time, then symbol."""
        stored = self._stored
        tables = [stored.table(symbol, sessions) for symbol in range(len(self._wanted.symbols))]
        if self._wanted.quotes:
            tables = [stored.with_spread(s, table, sessions) for s, table in enumerate(tables)]
        return tables[0] if len(tables) == 1 else interleave(tables)

    def _blocks(
        self,
        table: Table,
        own: Sequence[TradingSession],
        behind: Sequence[TradingSession],
        through_ns: int,
    ) -> Iterator[Block]:
        sessions = (*own, *behind)
        bounds = bounds_of(sessions, self._wanted.extended_hours)
        begins = np.searchsorted(table.start_ns, bounds[0]).tolist()
        for first, end in pairwise([0, *self._ends(begins, len(table))]):
            after_ns = through_ns
            through_ns = (
                int(bounds[1][len(own) - 1])
                if end == len(table)
                else _through_ns(table, bounds, begins, end)
            )
            part = table.take(slice(first, end))
            spans = spans_of(sessions, bounds, part.start_ns, after_ns, through_ns)
            columns = {name: getattr(part, name) for name in fields_of(part)}
            yield Block(**columns, spans=spans, through_ns=through_ns)

    def _ends(self, begins: Sequence[int], rows: int) -> Iterator[int]:
        """Where blocks end. With a session where they are half full by then: what is worked out
        for each session of a block is done once.
        """
        size, first = self._wanted.block_rows, 0
        while first + size < rows:
            begin = begins[bisect_right(begins, first + size) - 1]
            first = begin if begin - first > size // 2 else first + size
            yield first
        yield rows


def _through_ns(table: Table, bounds: tuple[Ints, Ints], begins: Sequence[int], end: int) -> int:
    """Up to when all is known with the rows before `end`: of the session that begins there nothing
    but its start, where the one before it ends with that.
    """
    starts, ends = bounds
    through_ns = int(table.known_ns[end]) - 1
    begun = bisect_left(begins, end)
    if 0 < begun < len(begins) and begins[begun] == end:
        through_ns = min(through_ns, max(int(starts[begun]) - 1, int(ends[begun - 1])))
    return through_ns
