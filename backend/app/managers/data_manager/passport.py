"""The data passport: exactly which bars a run stood on, and how complete they were."""

import hashlib
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

import msgspec
import numpy as np

from app.core.bars import COLUMNS, BarColumns, Floats
from app.core.calendar import TradingSession
from app.core.intervals import DAILY, interval_ns
from app.core.progress import OnCount, counted
from app.repositories.bar_store import BarStore
from app.repositories.bar_store_codec import Label, content_hash
from app.repositories.bar_store_files import Series
from app.services.bar_import import inside, sessions_outline
from app.services.quality import Quality, assess


class SymbolPassport(msgspec.Struct, frozen=True):
    """One symbol's bars over the sessions of a run."""

    symbol: str
    bars: int
    expected_bars: int
    coverage_percent: float
    thin_bars: int  # missing, as nothing traded; what else is missing lies in holes
    holes: int
    half_days: int
    source_hash: str  # SHA-256 over the hashes of each year's columns
    synthetic: bool
    venues: tuple[str, ...] = ()  # that told some of them, or of the same years


class SessionQuality(NamedTuple):
    """One symbol's bars in one session."""

    session: TradingSession
    quality: Quality


def session_qualities(
    columns: BarColumns,
    interval: str,
    sessions: Sequence[TradingSession],
    *,
    extended_hours: bool = False,
    on_count: OnCount | None = None,
) -> tuple[SessionQuality, ...]:
    """How complete the bars are in each session."""
    length_ns = interval_ns(interval)
    found = []
    for session in counted(sessions, len(sessions), on_count):
        segments = session.segments(extended_hours and interval != DAILY)
        first, end = np.searchsorted(columns.start_ns, (segments[0].start_ns, segments[-1].end_ns))
        starts = columns.start_ns[first:end]
        found.append(SessionQuality(session, assess(starts, segments, length_ns)))
    return tuple(found)


def symbol_passport(
    store: BarStore,
    series: Series,
    sessions: Sequence[TradingSession],
    *,
    extended_hours: bool,
    quotes: bool,
) -> SymbolPassport:
    """The passport of one symbol; nothing is known of bars outside these sessions.

    With `quotes` it stands for the spreads of the bars too.

    It is made year by year, so that it takes no more memory for a longer run.
    """
    digest = hashlib.sha256()
    bars = expected = present = thin = holes = 0
    for _, of_year in groupby(sessions, key=lambda session: session.date.year):
        year = list(of_year)
        stored = session_columns(store, series, year, extended_hours=extended_hours)
        columns = _inside_alone(stored, year, extended_hours=extended_hours)
        digest.update(content_hash(columns, {}).encode())
        if quotes and len(columns):
            digest.update(_spreads(store, series, columns).tobytes())
        bars += len(columns)
        for _, quality in session_qualities(
            columns, series.interval, year, extended_hours=extended_hours
        ):
            expected += quality.expected
            present += quality.present
            thin += quality.thin_bars
            holes += len(quality.holes)
    labels = store.labels(series)
    return SymbolPassport(
        symbol=series.symbol,
        bars=bars,
        expected_bars=expected,
        coverage_percent=round(100.0 * present / expected, 3) if expected else 0.0,
        thin_bars=thin,
        holes=holes,
        half_days=sum(session.early_close for session in sessions),
        source_hash=digest.hexdigest(),
        synthetic=any(label.synthetic for label in labels),
        venues=_venues(labels, sessions),
    )


def _venues(labels: Sequence[Label], sessions: Sequence[TradingSession]) -> tuple[str, ...]:
    """The venues that told bars in the years of these sessions."""
    if not sessions:
        return ()
    first_ns, last_ns = sessions[0].open_ns, sessions[-1].close_ns
    touched = [one for one in labels if one.first_ns < last_ns and one.last_ns >= first_ns]
    return tuple(sorted({venue for label in touched for venue in label.venues}))


def session_columns(
    store: BarStore,
    series: Series,
    sessions: Sequence[TradingSession],
    *,
    extended_hours: bool = False,
) -> BarColumns:
    """The stored bars from the first session's start to the last one's end."""
    if not sessions:
        return store.columns(series.market, series.symbol, series.interval, 0, 0)
    start_ns = sessions[0].hours(extended_hours)[0]
    end_ns = sessions[-1].hours(extended_hours)[1]
    return store.columns(series.market, series.symbol, series.interval, start_ns, end_ns)


def _spreads(store: BarStore, series: Series, columns: BarColumns) -> Floats:
    """The spreads of these bars, which are not none."""
    first_ns, last_ns = int(columns.start_ns[0]), int(columns.start_ns[-1])
    starts, spreads = store.spreads(
        series.market, series.symbol, series.interval, first_ns, last_ns + 1
    )
    return spreads[np.isin(starts, columns.start_ns)]


def _inside_alone(
    columns: BarColumns, sessions: Sequence[TradingSession], *, extended_hours: bool
) -> BarColumns:
    """Without what is stored between the sessions, such as hours that a run does not ask for."""
    outline = sessions_outline(sessions, extended_hours=extended_hours)
    kept = inside(columns.start_ns, *outline)
    if kept.all():
        return columns
    return BarColumns(*(getattr(columns, name)[kept] for name in COLUMNS))
