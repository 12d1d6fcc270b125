"""Corporate actions at work: mapped to sessions, with the closes they refer to."""

import datetime as dt
from bisect import bisect_left
from collections.abc import Sequence

import numpy as np

from app.core.calendar import TradingSession
from app.core.errors import NotFoundError
from app.core.instruments import Adjustment, CorporateAction
from app.core.intervals import interval_ns
from app.managers.time_manager import TimeManager
from app.repositories.bar_store import EARLIEST_NS, BarStore
from app.repositories.bar_store_files import Series
from app.services.adjust import combine
from app.services.bar_import import inside, sessions_outline


def adjustments_of(
    store: BarStore,
    time: TimeManager,
    series: tuple[str, str],
    actions: Sequence[CorporateAction],
    sessions: Sequence[TradingSession],
) -> tuple[Adjustment, ...]:
    """What takes effect at these sessions: each action at the first on or after its ex-date.

    Actions from before the first session and after the last are not theirs.
    """
    if not sessions or not actions:
        return ()
    market, symbol = series
    dates = [session.date for session in sessions]
    try:
        before = time.previous_session(dates[0], market).date
    except NotFoundError:  # the calendar begins here
        before = dates[0] - dt.timedelta(days=1)
    by_session: dict[int, list[CorporateAction]] = {}
    for action in actions:
        if before < action.ex_date <= dates[-1]:
            by_session.setdefault(bisect_left(dates, action.ex_date), []).append(action)
    found = []
    for index, together in sorted(by_session.items()):
        pays = any(action.kind == "dividend" for action in together)
        close = last_close(store, time, series, sessions[index]) if pays else None
        found.append(combine(symbol, dates[index], together, close))
    return tuple(found)


def last_close(
    store: BarStore, time: TimeManager, series: tuple[str, str], session: TradingSession
) -> float | None:
    """The last close of regular hours in the store before a session, from any interval.

    The latest session wins, and within it the shortest interval.
    """
    best: tuple[dt.date, int, float] | None = None
    for stored in store.series():
        if (stored.market, stored.symbol) == series:
            found = _last_of(store, time, stored, session)
            if found is not None:
                date, close = found
                candidate = (date, -interval_ns(stored.interval), close)
                best = candidate if best is None else max(best, candidate)
    return None if best is None else best[2]


def _last_of(
    store: BarStore, time: TimeManager, series: Series, session: TradingSession
) -> tuple[dt.date, float] | None:
    for columns in store.years(series, EARLIEST_NS, session.open_ns, latest_first=True):
        if not len(columns):
            continue
        first, last = (
            time.to_local(int(at), series.market).date() for at in columns.start_ns[[0, -1]]
        )
        sessions = [
            one
            for one in time.known_sessions(first, last + dt.timedelta(days=4), series.market)
            if one.date < session.date
        ]
        regular = sessions_outline(sessions, extended_hours=False)
        rows = np.flatnonzero(inside(columns.start_ns, *regular))
        if len(rows):
            at_ns = int(columns.start_ns[rows[-1]])
            date = next(one.date for one in reversed(sessions) if one.open_ns <= at_ns)
            return date, float(columns.close[rows[-1]])
    return None
