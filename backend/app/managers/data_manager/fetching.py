"""Bars of a source into the store, page by page; whatever ends it, the same again goes on.

The store itself is the checkpoint: only what it lacks is asked for, each page from the first bar
that is missing on, and pages are laid into it in turn, each time whole or not at all. A process
that is killed loses the pages that it had in hand, and asks for them again.
"""

import datetime as dt
import threading
from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from app.core.bars import COLUMNS, BarColumns, Ints
from app.core.calendar import TradingSession
from app.core.errors import EXIT_INTERRUPTED, AppError, DataError
from app.core.intervals import DAY_NS, SECOND_NS, interval_ns
from app.core.progress import OnCount
from app.core.seams import Wall
from app.core.source import BarPage, DataSource, SourceBusy
from app.core.venue import VenueUnclear
from app.managers.data_manager.data_manager import DataManager
from app.managers.data_manager.fetch_report import (
    FetchBroken,
    FetchReport,
    Gap,
    Wanted,
    absent,
    checked,
    longest,
    runs_of,
    wanted,
)
from app.managers.time_manager import TimeManager
from app.repositories.bar_store_files import Series
from app.repositories.bar_store_merge import MergeCounts

# What is in hand at most: each time it is stored, a year's file is written anew.
BUFFER_BARS: Final = 5_000
BUFFER_SHARE: Final = 0.1  # or as many, of the bars that are stored
BUFFER_SECONDS: Final = 5.0
SETTLED_NS: Final = 5 * SECOND_NS  # a bar is taken once it has been over for so long
_WAITS_SECONDS: Final = (1.0, 2.0, 4.0, 8.0, 16.0)  # before what got no answer is asked again
_BUSY_TIMES: Final = 3
_BUSY_SECONDS_MAX: Final = 120.0  # a longer ban is not waited for
_VOID_NS: Final = 7 * DAY_NS  # without a bar at the beginning: it begins later
_DAY: Final = dt.timedelta(days=1)
_NONE: Final[Ints] = np.empty(0, np.int64)


class Stretch(msgspec.Struct, frozen=True):
    """What is asked for; `replace` has the source's bars go before those stored."""

    series: Series
    start_ns: int
    end_ns: int
    replace: bool = False


class Fetch:
    """One symbol's bars from one source."""

    def __init__(
        self,
        data: DataManager,
        time: TimeManager,
        source: DataSource,
        name: str,
        stretch: Stretch,
        wall: Wall,
    ) -> None:
        self._data = data
        self._time = time
        self._source = source
        self._name = name
        self._stretch = stretch
        self._wall = wall
        self._refuse_mixed()
        self._never = threading.Event()
        self._told_ns = source.time().venue_ns
        self._end_ns = min(stretch.end_ns, self._told_ns - SETTLED_NS)
        self._through_ns = self._last_through_ns()
        self._begin_ns = stretch.start_ns
        self._sessions: Sequence[TradingSession] = ()
        self._slots: Wanted | None = None
        self._in_hand: list[BarColumns] = []
        self._since_ns = wall.monotonic_ns()
        self._counts = MergeCounts()
        self._there = self._differing = self._pages = 0
        self._kept_out: Counter[str] = Counter()

    def run(self, on_count: OnCount | None = None) -> FetchReport:
        """Ask for all that is missing; on_count is told of missing bars that were looked for."""
        try:
            self._take_pages(self._find_beginning(), on_count)
        except (KeyboardInterrupt, AppError) as error:
            self._store()
            raise self._broken(error) from error
        self._store()
        return self._report()

    def _sessions_of(self, start_ns: int, end_ns: int) -> Sequence[TradingSession]:
        """The sessions that may touch a stretch: some open on the eve of their date."""
        market, local = self._stretch.series.market, self._time.to_local
        first, last = local(start_ns, market).date(), local(max(end_ns, start_ns), market).date()
        return self._time.known_sessions(first - _DAY, last + _DAY, market)

    def _last_through_ns(self) -> int:
        """Bars that start before this have ended: a length before the end, or a short slot."""
        interval, end_ns = self._stretch.series.interval, self._end_ns
        sessions = self._sessions_of(end_ns - _VOID_NS, end_ns)
        slots = wanted(sessions, interval, self._stretch.start_ns, end_ns)
        last_ns = int(slots.start_ns[-1]) if len(slots) else 0
        return max(end_ns - interval_ns(interval), last_ns) + 1

    def _find_beginning(self) -> int:
        """Lay out where bars are expected; pages are asked for from the moment that is given.

        Years before a symbol was listed are not looked through: its first page tells of them.
        """
        start_ns = at_ns = self._stretch.start_ns
        stored = self._stored().start_ns
        if not len(stored) or stored[0] > start_ns + _VOID_NS:
            page = self._page(start_ns)
            self._in_hand.append(page.bars)
            at_ns = page.through_ns
            first_ns = int(page.bars.start_ns[0]) if len(page.bars) else at_ns
            if first_ns > start_ns + _VOID_NS:
                self._begin_ns = first_ns
        self._sessions = self._sessions_of(self._begin_ns, self._end_ns)
        interval = self._stretch.series.interval
        self._slots = wanted(self._sessions, interval, self._begin_ns, self._end_ns)
        return at_ns

    def _take_pages(self, at_ns: int, on_count: OnCount | None) -> None:
        assert self._slots is not None
        lacking, stored = self._slots.start_ns, self._stored().start_ns
        self._there = len(stored)
        if not self._stretch.replace:
            lacking = lacking[absent(self._slots, stored)]
        at = int(np.searchsorted(lacking, at_ns))
        while at < len(lacking):
            if on_count is not None:
                on_count(at, len(lacking))
            page = self._page(int(lacking[at]))
            if page.through_ns <= lacking[at]:
                break  # its clock went back, or it has ended: there is no more by now
            self._in_hand.append(page.bars)
            self._store_now_and_then()
            at = int(np.searchsorted(lacking, page.through_ns))
        if on_count is not None:
            on_count(at, len(lacking))

    def _page(self, start_ns: int) -> BarPage:
        """Asked again, after waits that grow, where there was no answer."""
        series, busy = self._stretch.series, 0
        waits = iter(_WAITS_SECONDS)
        while True:
            try:
                page = self._source.page(series.symbol, series.interval, start_ns, self._through_ns)
            except SourceBusy as error:
                busy += 1
                if error.seconds > _BUSY_SECONDS_MAX or busy > _BUSY_TIMES:
                    raise
                self._store()
                self._wall.wait(self._never, error.seconds)
            except VenueUnclear:
                seconds = next(waits, None)
                if seconds is None:
                    raise
                self._wall.wait(self._never, seconds)
            else:
                self._pages += 1
                return page

    # -- the store -------------------------------------------------------------------------------

    def _refuse_mixed(self) -> None:
        """Two sources may tell different bars of one symbol, as a testnet and a market do."""
        series = self._stretch.series
        others = self._data.venues(series)
        if others and self._name not in others and not self._stretch.replace:
            raise DataError(
                f"{series} holds bars that {' and '.join(others)} told, and those of {self._name}"
                f" may be others. Delete them first ('data delete {series.symbol} --market"
                f" {series.market} --interval {series.interval}'), or take these with --replace."
            )

    def _stored(self) -> BarColumns:
        series = self._stretch.series
        return self._data.store.columns(
            series.market, series.symbol, series.interval, self._stretch.start_ns, self._end_ns
        )

    def _store_now_and_then(self) -> None:
        seconds = (self._wall.monotonic_ns() - self._since_ns) / SECOND_NS
        most = max(BUFFER_BARS, int(self._there * BUFFER_SHARE))
        if sum(map(len, self._in_hand)) >= most or seconds >= BUFFER_SECONDS:
            self._store()

    def _store(self) -> None:
        """Lay what is in hand into the store: all of it, or none."""
        parts, series = self._in_hand, self._stretch.series
        if parts:
            bars = BarColumns(
                *(np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS)
            )
            zone = str(self._time.zone(series.market))
            good, faults = checked(bars, series.interval, zone, self._sessions, self._told_ns)
            if len(good):
                own_ns = good.start_ns if self._stretch.replace else _NONE
                kept = self._data.keep_bars(series, good, self._name, own_ns)
                self._counts += MergeCounts(kept.added, kept.same, kept.changed)
                self._there += kept.added
                self._differing += kept.left
            self._kept_out.update(faults)
        self._in_hand = []
        self._since_ns = self._wall.monotonic_ns()

    # -- what came of it -------------------------------------------------------------------------

    def _broken(self, error: BaseException) -> FetchBroken:
        why = "interrupted." if isinstance(error, KeyboardInterrupt) else str(error)
        if isinstance(error, SourceBusy):
            why += f" It wants no requests for another {error.seconds:,.0f} s."
        there = f" Of {self._stretch.series} {self._counts.added:,} bars were added, and are stored"
        if self._slots is not None:
            missing = int(np.count_nonzero(absent(self._slots, self._stored().start_ns)))
            there += f"; {missing:,} of {len(self._slots):,} are missing"
        broken = FetchBroken(f"{why}{there}. The same command goes on from there.")
        broken.exit_code = error.exit_code if isinstance(error, AppError) else EXIT_INTERRUPTED
        return broken

    def _report(self) -> FetchReport:
        assert self._slots is not None
        series, stored = self._stretch.series, self._stored()
        missing = absent(self._slots, stored.start_ns)
        runs = runs_of(missing)
        shown = longest(runs)
        is_later = self._begin_ns > self._stretch.start_ns
        return FetchReport(
            source=self._name,
            market=series.market,
            symbol=series.symbol,
            interval=series.interval,
            start=self._local(self._stretch.start_ns),
            end=self._local(self._end_ns),
            begins=self._local(self._begin_ns) if is_later else None,
            expected=len(self._slots),
            present=len(self._slots) - int(np.count_nonzero(missing)),
            pages=self._pages,
            added=self._counts.added,
            same=self._counts.same,
            changed=self._counts.changed,
            differing=self._differing,
            kept_out=dict(self._kept_out),
            first=self._local(stored.start_ns[0]) if len(stored) else None,
            last=self._local(stored.start_ns[-1]) if len(stored) else None,
            zero_volume=int(np.count_nonzero(stored.volume == 0.0)),
            missing=int(np.count_nonzero(missing)),
            gaps=tuple(self._gap(self._slots, *run) for run in shown),
            gaps_left_out=len(runs) - len(shown),
        )

    def _gap(self, slots: Wanted, first: int, end: int) -> Gap:
        start_ns, end_ns = int(slots.start_ns[first]), int(slots.end_ns[end - 1])
        return Gap(self._local(start_ns), self._local(end_ns), end - first)

    def _local(self, at_ns: int) -> str:
        return self._time.to_local(int(at_ns), self._stretch.series.market).isoformat(
            timespec="minutes"
        )
