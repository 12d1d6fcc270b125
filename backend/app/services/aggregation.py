"""Derived bars: longer intervals folded out of shorter ones, exactly and in order.

A derived bar anchors at the start of its stretch of trading (pre-market, regular hours, after a
break), ends with it, and is known at its end. `1d` is the regular hours of a session.
Volumes are added in the order of the bars: another order of additions gives other last digits.
"""

from collections.abc import Sequence

import msgspec
import numpy as np

from app.core.bars import COLUMNS, BarColumns, Floats, Ints, Table
from app.core.calendar import TradingSession
from app.core.intervals import DAILY, interval_ns


class Grid(msgspec.Struct, frozen=True):
    """Where the derived bars of some sessions may start and must end."""

    step_ns: int
    start_ns: Ints
    end_ns: Ints

    @classmethod
    def of(cls, sessions: Sequence[TradingSession], interval: str, extended: bool) -> "Grid":
        """The grid of one interval over some sessions; bars outside it belong to no derived bar."""
        if interval == DAILY:
            bounds = [(s.open_ns, s.close_ns) for s in sessions]
            step_ns = max((end - start for start, end in bounds), default=1)
        else:
            bounds = [(p.start_ns, p.end_ns) for s in sessions for p in s.segments(extended)]
            step_ns = interval_ns(interval)
        array = np.array(bounds, np.int64).reshape(-1, 2)
        return cls(step_ns, array[:, 0].copy(), array[:, 1].copy())

    def buckets(self, start_ns: Ints) -> tuple[Ints, Ints]:
        """Start and end of the derived bar each bar falls into; end 0 where there is none."""
        if not len(self.start_ns):
            return np.zeros_like(start_ns), np.zeros_like(start_ns)
        place = np.searchsorted(self.start_ns, start_ns, side="right") - 1
        inside = place >= 0
        place = np.maximum(place, 0)
        anchor, limit = self.start_ns[place], self.end_ns[place]
        bucket = anchor + (start_ns - anchor) // self.step_ns * self.step_ns
        end = np.minimum(bucket + self.step_ns, limit)
        return bucket, np.where(inside & (start_ns < limit), end, 0)


def fold(table: Table, grid: Grid) -> Table:
    """One bar for each bucket of each symbol; rows are sorted by symbol, then time.

    A bar that outlasts its bucket delays it: nothing is known before its last part is.
    """
    bucket, end = grid.buckets(table.start_ns)
    if not end.all():
        inside = end > 0
        table, bucket, end = table.take(inside), bucket[inside], end[inside]
    if not len(table):
        return table
    fresh = np.empty(len(table), np.bool_)
    fresh[0] = True
    np.not_equal(bucket[1:], bucket[:-1], out=fresh[1:])
    fresh[1:] |= table.symbol[1:] != table.symbol[:-1]
    first = np.flatnonzero(fresh)
    last = np.append(first[1:], len(table)) - 1
    return Table(
        symbol=table.symbol[first],
        start_ns=bucket[first],
        known_ns=np.maximum(end[first], table.known_ns[last]),
        open=table.open[first],
        high=np.maximum.reduceat(table.high, first),
        low=np.minimum.reduceat(table.low, first),
        close=table.close[last],
        volume=_sums_in_order(table.volume, np.cumsum(fresh) - 1),
    )


def _sums_in_order(values: Floats, group: Ints) -> Floats:
    """The sum of each group, one addition after the other (bincount does; reduceat does not)."""
    return np.bincount(group, weights=values).astype(np.float64, copy=False)


def aggregate(
    columns: BarColumns, interval: str, sessions: Sequence[TradingSession], extended_hours: bool
) -> tuple[BarColumns, Ints]:
    """Derived bars of one symbol, and when each is known."""
    table = Table(
        symbol=np.zeros(len(columns), np.int32),
        known_ns=columns.start_ns,
        **{name: getattr(columns, name) for name in COLUMNS},
    )
    folded = fold(table, Grid.of(sessions, interval, extended_hours))
    return BarColumns(*(getattr(folded, name) for name in COLUMNS)), folded.known_ns


def known_times(
    start_ns: Ints, interval: str, sessions: Sequence[TradingSession], extended_hours: bool
) -> Ints:
    """When each base bar is complete: after its interval, or where its stretch of trading ends.

    The bars are those of one symbol, in order of time, and none lies before the sessions.
    """
    if interval == DAILY:
        opens = np.array([s.hours(extended_hours)[0] for s in sessions], np.int64)
        closes = np.array([s.close_ns for s in sessions], np.int64)
        return closes[np.maximum(stretches(start_ns, opens), 0)]
    grid = Grid.of(sessions, interval, extended_hours)
    known_ns = start_ns + grid.step_ns
    # few bars outlast their stretch, most often none: those less than an interval before its end
    begin, end = start_ns.searchsorted((grid.start_ns, grid.end_ns))
    first = np.maximum(begin, start_ns.searchsorted(grid.end_ns - grid.step_ns, side="right"))
    for place in np.flatnonzero(first < end).tolist():
        known_ns[first[place] : end[place]] = grid.end_ns[place]
    return known_ns


def stretches(times_ns: Ints, starts_ns: Ints) -> Ints:
    """For each of some sorted times the last start at or before it; -1 before the first.

    There are few starts and many times, so it is the starts that are looked up.
    """
    edges = np.empty(len(starts_ns) + 2, np.int64)
    edges[0], edges[-1] = 0, len(times_ns)
    edges[1:-1] = np.searchsorted(times_ns, starts_ns)
    return np.repeat(np.arange(-1, len(starts_ns)), edges[1:] - edges[:-1])
