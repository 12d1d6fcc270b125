"""The replay feed: history first, then the run's sessions as blocks, in the order of time."""

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from app.core.bars import (
    COLUMNS,
    BarColumns,
    Block,
    Ints,
    SessionSpan,
    Table,
    fields_of,
    interleave,
    no_rows,
)
from app.core.calendar import TradingSession
from app.core.instruments import Adjustment
from app.core.intervals import interval_ns
from app.core.messages import Bars, History, Message
from app.core.seams import BarSource
from app.services.aggregation import Grid, fold, known_times, stretches
from app.services.quality import SlotGrid
from app.services.quotes import carried

READ_ROWS = 65_536  # about what is read and merged at a time; memory is flat in a run's length
READ_SESSIONS = 42  # and no more of them: what few symbols would gain by more is not worth it


class Wanted(msgspec.Struct, frozen=True):
    """What a replay streams."""

    market: str
    symbols: tuple[str, ...]
    base_interval: str
    intervals: tuple[str, ...]
    history: dict[str, int | None]  # sessions before the run, per interval
    extended_hours: bool
    sessions: tuple[TradingSession, ...]
    sessions_before: tuple[TradingSession, ...]
    adjustments: tuple[Adjustment, ...]
    block_rows: int
    quotes: bool = False  # whether blocks carry the spread of each bar


class ReplayFeed:
    """A Feed over bars at rest. `history_sources` tells which past bars were derived."""

    def __init__(self, source: BarSource, wanted: Wanted) -> None:
        self._source = source
        self._wanted = wanted
        self.history_sources: dict[str, str] = {}  # "AAPL 1d": "stored" or "derived from 1m"

    def messages(self) -> Iterator[Message]:
        """History, then blocks until the last session is over."""
        yield self._history()
        through_ns = 0
        for sessions in self._chunks():
            table = self._read(sessions)
            for block in self._blocks(table, sessions, through_ns):
                through_ns = block.through_ns
                yield Bars(block)

    # -- the run's sessions --------------------------------------------------------------------

    def _chunks(self) -> Iterator[Sequence[TradingSession]]:
        """Sessions to read together."""
        wanted = self._wanted
        first = wanted.sessions[0]
        step_ns = interval_ns(wanted.base_interval)
        rows = max(1, (first.close_ns - first.open_ns) // step_ns) * len(wanted.symbols)
        count = max(1, min(READ_SESSIONS, READ_ROWS // rows))
        for place in range(0, len(wanted.sessions), count):
            yield wanted.sessions[place : place + count]

    def _read(self, sessions: Sequence[TradingSession]) -> Table:
        """Base bars of all symbols in these sessions, by time, then symbol."""
        tables = [self._table(symbol, sessions) for symbol in range(len(self._wanted.symbols))]
        if self._wanted.quotes:
            tables = [self._with_spread(s, table, sessions) for s, table in enumerate(tables)]
        return tables[0] if len(tables) == 1 else interleave(tables)

    def _table(self, symbol: int, sessions: Sequence[TradingSession]) -> Table:
        columns = self._columns(symbol, self._wanted.base_interval, sessions)
        known = known_times(
            columns.start_ns, self._wanted.base_interval, sessions, self._wanted.extended_hours
        )
        return _as_table(columns, symbol, known)

    def _with_spread(self, symbol: int, table: Table, sessions: Sequence[TradingSession]) -> Table:
        """A symbol's bars with the spread at each one's open, found by its start."""
        wanted = self._wanted
        opens, ends = self._bounds(sessions)
        starts, spreads = self._source.spreads(
            wanted.market,
            wanted.symbols[symbol],
            wanted.base_interval,
            int(opens[0]),
            int(ends[-1]),
        )
        found = np.full(len(table), np.nan)
        if len(starts):
            place = np.minimum(np.searchsorted(starts, table.start_ns), len(starts) - 1)
            found = np.where(starts[place] == table.start_ns, spreads[place], np.nan)
        return msgspec.structs.replace(table, spread=carried(found, table.start_ns, opens))

    def _columns(
        self, symbol: int, interval: str, sessions: Sequence[TradingSession]
    ) -> BarColumns:
        """Stored bars of these sessions; what lies between them is left out."""
        starts, ends = self._bounds(sessions)
        columns = self._source.columns(
            self._wanted.market,
            self._wanted.symbols[symbol],
            interval,
            int(starts[0]),
            int(ends[-1]),
        )
        place = stretches(columns.start_ns, starts)
        inside = columns.start_ns < ends[place]
        if inside.all():
            return columns
        return BarColumns(*(getattr(columns, name)[inside] for name in COLUMNS))

    def _blocks(
        self, table: Table, sessions: Sequence[TradingSession], through_ns: int
    ) -> Iterator[Block]:
        starts, ends = self._bounds(sessions)
        rows, size = len(table), self._wanted.block_rows
        for first in range(0, max(rows, 1), size):
            end = min(first + size, rows)
            before_ns = through_ns
            through_ns = int(table.known_ns[end]) - 1 if end < rows else int(ends[-1])
            part = table.take(slice(first, end))
            low = int(np.searchsorted(ends, before_ns, side="right"))
            high = int(np.searchsorted(starts, through_ns, side="right"))
            places = [*np.searchsorted(part.start_ns, starts[low:high]).tolist(), end - first]
            spans = tuple(
                SessionSpan(sessions[number], places[number - low], places[number - low + 1])
                for number in range(low, high)
            )
            columns = {name: getattr(part, name) for name in fields_of(part)}
            yield Block(**columns, spans=spans, through_ns=through_ns)

    def _bounds(self, sessions: Sequence[TradingSession]) -> tuple[Ints, Ints]:
        parts = [session.segments(self._wanted.extended_hours) for session in sessions]
        starts = np.array([part[0].start_ns for part in parts], np.int64)
        return starts, np.array([part[-1].end_ns for part in parts], np.int64)

    # -- what came before ----------------------------------------------------------------------

    def _history(self) -> History:
        wanted = self._wanted
        bars: dict[tuple[int, str], Table] = {}
        for interval in wanted.intervals:
            count = wanted.history.get(interval, 0)
            sessions = wanted.sessions_before[-count:] if count else ()
            for symbol in range(len(wanted.symbols)):
                bars[symbol, interval] = self._past(symbol, interval, sessions)
        return History(wanted.sessions_before, bars, wanted.adjustments)

    def _past(self, symbol: int, interval: str, sessions: Sequence[TradingSession]) -> Table:
        """Past bars of one interval: the stored ones when complete, else derived from the base."""
        wanted = self._wanted
        if not sessions:
            return no_rows()
        if interval == wanted.base_interval:
            return self._table(symbol, sessions)
        stored = self._columns(symbol, interval, sessions)
        base = self._table(symbol, sessions)
        name = f"{wanted.symbols[symbol]} {interval}"
        if len(base) and not self._is_complete(stored, interval, sessions):
            self.history_sources[name] = f"derived from {wanted.base_interval}"
            return fold(base, Grid.of(sessions, interval, wanted.extended_hours))
        self.history_sources[name] = "stored" if len(stored) else "none"
        known = known_times(stored.start_ns, interval, sessions, wanted.extended_hours)
        return _as_table(stored, symbol, known)

    def _is_complete(
        self, stored: BarColumns, interval: str, sessions: Sequence[TradingSession]
    ) -> bool:
        starts, _ = self._bounds(sessions)
        places = [*np.searchsorted(stored.start_ns, starts).tolist(), len(stored)]
        step_ns = interval_ns(interval)
        return all(
            SlotGrid.of(session.segments(self._wanted.extended_hours), step_ns).filled_by(
                stored.start_ns[places[number] : places[number + 1]]
            )
            for number, session in enumerate(sessions)
        )


def _as_table(columns: BarColumns, symbol: int, known_ns: Ints) -> Table:
    return Table(
        symbol=np.full(len(columns), symbol, np.int32),
        known_ns=known_ns,
        **{name: getattr(columns, name) for name in COLUMNS},
    )
