"""Bars that the store lacks and a venue may have: at a session's close, and before a run begins."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby

import msgspec
import numpy as np

from app.core.bars import COLUMNS, BarColumns, Ints
from app.core.calendar import TradingSession
from app.core.errors import NotFoundError
from app.core.intervals import interval_ns
from app.core.venue import Venue, VenueError
from app.managers.data_manager.data_manager import DataManager
from app.managers.data_manager.kept_bars import in_order, sound, taken
from app.managers.data_manager.stored_bars import bounds_of, is_complete
from app.repositories.bar_store import BarStore
from app.repositories.bar_store_files import Series
from app.services.quality import SlotGrid

_NO_NS: Ints = np.empty(0, np.int64)
_NONE = BarColumns(_NO_NS, *(np.empty(0) for _ in COLUMNS[1:]))


def missing_bars(
    store: BarStore,
    venue: Venue,
    series: Series,
    sessions: Sequence[TradingSession],
    extended_hours: bool,
    through_ns: int,
) -> BarColumns:
    """Of these sessions, what had ended by a moment, is not stored, and the venue has.

    It is asked once, and only where something is missing.
    """
    stretches: list[tuple[int, int]] = []
    stored: list[Ints] = []
    for session in sessions:
        segments = session.segments(extended_hours)
        grid = SlotGrid.of(segments, interval_ns(series.interval), through_ns)
        there = _stored(store, series, segments[0].start_ns, segments[-1].end_ns).start_ns
        stored.append(there)
        empty = np.flatnonzero(~grid.occupied(there))
        if len(empty):
            stretches.append(grid.stretch(int(empty[0]), int(empty[-1]) + 1))
    if not stretches:
        return _NONE
    first_ns, end_ns = stretches[0][0], stretches[-1][1]
    told = in_order(venue.bars(series.symbol, series.interval, first_ns, end_ns))
    ended = (told.start_ns >= first_ns) & (told.start_ns < end_ns)
    new = ended & ~np.isin(told.start_ns, np.concatenate(stored))
    return sound(taken(told, new), sessions, extended_hours)


class HistoryNeed(msgspec.Struct, frozen=True):
    """The past a run begins with."""

    market: str
    symbols: tuple[str, ...]
    base_interval: str
    extended_hours: bool
    history: Mapping[str, int | None]  # sessions before the run, per interval
    sessions_before: Callable[[int], tuple[TradingSession, ...]]


def need_history(data: DataManager, venue: Venue, name: str, need: HistoryNeed) -> None:
    """Have the store hold it, from the venue called `name` if need be; else NotFoundError."""
    lacking: list[str] = []
    refusals: dict[str, None] = {}  # what the venue said, each once

    def fetch(series: Series, sessions: Sequence[TradingSession]) -> None:
        _, ends = bounds_of(sessions, need.extended_hours)
        try:
            found = missing_bars(
                data.store, venue, series, sessions, need.extended_hours, int(ends[-1])
            )
        except VenueError as error:
            refusals[str(error)] = None
            return
        if len(found):
            data.keep_bars(series, found, name, _NO_NS)

    for symbol in need.symbols:
        base = Series(need.market, symbol, need.base_interval)
        for interval, count in need.history.items():
            sessions = need.sessions_before(count) if count else ()
            series = Series(need.market, symbol, interval)
            if not sessions or _is_whole(data.store, series, sessions, need):
                continue
            fetch(series, sessions)
            if interval != need.base_interval:
                if _is_whole(data.store, series, sessions, need):
                    continue
                fetch(base, sessions)
            empty = [one.date for one in sessions if not _has_bars(data.store, base, one, need)]
            if empty:
                lacking.append(
                    f"{symbol} {interval}: {len(empty)} of {count} sessions ({_dates(empty)})"
                )
    if lacking:
        told = f" It says: {' '.join(refusals)}" if refusals else ""
        raise NotFoundError(
            f"History is missing that the run needs: {'; '.join(lacking)}. Neither the store nor "
            f"the venue {name} has it.{told} Import it with 'data import-csv', declare less in "
            "'history', use shorter indicators, or begin on a later day."
        )


def _is_whole(
    store: BarStore, series: Series, sessions: Sequence[TradingSession], need: HistoryNeed
) -> bool:
    starts, ends = bounds_of(sessions, need.extended_hours)
    stored = _stored(store, series, int(starts[0]), int(ends[-1]))
    return is_complete(stored, series.interval, sessions, need.extended_hours)


def _has_bars(store: BarStore, series: Series, session: TradingSession, need: HistoryNeed) -> bool:
    return len(_stored(store, series, *session.hours(need.extended_hours))) > 0


def _stored(store: BarStore, series: Series, start_ns: int, end_ns: int) -> BarColumns:
    return store.columns(series.market, series.symbol, series.interval, start_ns, end_ns)


def _dates(dates: Sequence[dt.date]) -> str:
    """The first and the last of them."""
    ends = [str(date) for date, _ in groupby((dates[0], dates[-1]))]
    return " to ".join(ends)
