"""Bars at rest as the stream wants them: a run's history, and the base bars of its sessions."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np

from app.core.bars import COLUMNS, BarColumns, Ints, SessionSpan, Table, no_rows
from app.core.calendar import TradingSession
from app.core.instruments import Adjustment
from app.core.intervals import DAY_NS, interval_ns
from app.core.messages import History
from app.core.seams import BarSource
from app.repositories.bar_store_codec import content_hash
from app.services.aggregation import Grid, fold, known_times, stretches
from app.services.quality import SlotGrid
from app.services.quotes import in_force

# By symbol and interval, `AAPL 1d`: where past bars came from, how many, and their hash.
HistorySources = dict[str, dict[str, Any]]
_STORED: Final = "stored"


class Wanted(msgspec.Struct, frozen=True):
    """What a feed streams."""

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


class StoredBars:
    """Reads what is wanted. `history_sources` tells which past bars it gave."""

    def __init__(self, source: BarSource, wanted: Wanted) -> None:
        self._source = source
        self._wanted = wanted
        self.history_sources: HistorySources = {}

    def history(self) -> History:
        """What came before the run's first session."""
        wanted = self._wanted
        bars: dict[tuple[int, str], Table] = {}
        for interval in wanted.intervals:
            count = wanted.history.get(interval, 0)
            sessions = wanted.sessions_before[-count:] if count else ()
            for symbol in range(len(wanted.symbols)):
                bars[symbol, interval] = self._past(symbol, interval, sessions)
        return History(wanted.sessions_before, bars, wanted.adjustments)

    def table(self, symbol: int, sessions: Sequence[TradingSession]) -> Table:
        """A symbol's base bars in these sessions."""
        columns = self._columns(symbol, self._wanted.base_interval, sessions)
        known = known_times(
            columns.start_ns, self._wanted.base_interval, sessions, self._wanted.extended_hours
        )
        return _as_table(columns, symbol, known)

    def with_spread(self, symbol: int, table: Table, sessions: Sequence[TradingSession]) -> Table:
        """A symbol's bars with the spread in force at each one's open, as a live feed has heard it:
        quotes of before the run's hours count, too.
        """
        wanted = self._wanted
        opens, ends = bounds_of(sessions, wanted.extended_hours)
        since = np.append(self._end_before(sessions[0]), ends[:-1])
        starts, spreads = self._source.spreads(
            wanted.market,
            wanted.symbols[symbol],
            wanted.base_interval,
            int(since[0]),
            int(ends[-1]),
        )
        spread = in_force(starts, spreads, table.start_ns, opens, since)
        return msgspec.structs.replace(table, spread=spread)

    def _end_before(self, session: TradingSession) -> int:
        """When the session before ended; a day before it where none is known."""
        known = (*self._wanted.sessions_before, *self._wanted.sessions)
        place = known.index(session)
        if not place:
            return session.open_ns - DAY_NS
        return int(bounds_of(known[place - 1 : place], self._wanted.extended_hours)[1][0])

    def _columns(
        self, symbol: int, interval: str, sessions: Sequence[TradingSession]
    ) -> BarColumns:
        """Stored bars of these sessions; what lies between them is left out."""
        starts, ends = bounds_of(sessions, self._wanted.extended_hours)
        columns = self._source.columns(
            self._wanted.market,
            self._wanted.symbols[symbol],
            interval,
            int(starts[0]),
            int(ends[-1]),
        )
        first, end = columns.start_ns.searchsorted((starts, ends))
        if (first[1:] == end[:-1]).all():
            return columns
        inside = columns.start_ns < ends[stretches(columns.start_ns, starts)]
        return BarColumns(*(getattr(columns, name)[inside] for name in COLUMNS))

    def _past(self, symbol: int, interval: str, sessions: Sequence[TradingSession]) -> Table:
        """Past bars of one interval, and a note of them."""
        if not sessions:
            return no_rows()
        past, origin = self._found(symbol, interval, sessions)
        columns = BarColumns(*(getattr(past, name) for name in COLUMNS))
        self.history_sources[f"{self._wanted.symbols[symbol]} {interval}"] = {
            "origin": origin, "bars": len(past), "source_hash": content_hash(columns, {}),
        }  # fmt: skip
        return past

    def _found(
        self, symbol: int, interval: str, sessions: Sequence[TradingSession]
    ) -> tuple[Table, str]:
        """The stored ones when they are complete, else derived from the base; and which of them."""
        wanted = self._wanted
        if interval == wanted.base_interval:
            return self.table(symbol, sessions), _STORED
        stored = self._columns(symbol, interval, sessions)
        base = self.table(symbol, sessions)
        whole = is_complete(stored, interval, sessions, wanted.extended_hours)
        if len(base) and not whole:
            derived = fold(base, Grid.of(sessions, interval, wanted.extended_hours))
            return derived, f"derived from {wanted.base_interval}"
        known = known_times(stored.start_ns, interval, sessions, wanted.extended_hours)
        return _as_table(stored, symbol, known), _STORED if len(stored) else "none"


def is_complete(
    stored: BarColumns, interval: str, sessions: Sequence[TradingSession], extended_hours: bool
) -> bool:
    """Whether bars of one interval lack none in these sessions."""
    starts, _ = bounds_of(sessions, extended_hours)
    places = [*np.searchsorted(stored.start_ns, starts).tolist(), len(stored)]
    step_ns = interval_ns(interval)
    return all(
        SlotGrid.of(session.segments(extended_hours), step_ns).filled_by(
            stored.start_ns[places[number] : places[number + 1]]
        )
        for number, session in enumerate(sessions)
    )


def bounds_of(sessions: Sequence[TradingSession], extended_hours: bool) -> tuple[Ints, Ints]:
    """When each session's bars may start, and when the last of them ends."""
    hours = [session.hours(extended_hours) for session in sessions]
    starts = np.array([start_ns for start_ns, _ in hours], np.int64)
    return starts, np.array([end_ns for _, end_ns in hours], np.int64)


def spans_of(
    sessions: Sequence[TradingSession],
    bounds: tuple[Ints, Ints],
    start_ns: Ints,
    after_ns: int,
    through_ns: int,
) -> tuple[SessionSpan, ...]:
    """The sessions under way between two moments, each with its part of rows that start so."""
    starts, ends = bounds
    low = int(np.searchsorted(ends, after_ns, side="right"))
    high = int(np.searchsorted(starts, through_ns, side="right"))
    places = [*np.searchsorted(start_ns, starts[low:high]).tolist(), len(start_ns)]
    return tuple(
        SessionSpan(sessions[number], places[number - low], places[number - low + 1])
        for number in range(low, high)
    )


def _as_table(columns: BarColumns, symbol: int, known_ns: Ints) -> Table:
    return Table(
        symbol=np.full(len(columns), symbol, np.int32),
        known_ns=known_ns,
        **{name: getattr(columns, name) for name in COLUMNS},
    )
