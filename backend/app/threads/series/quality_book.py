"""The running account of how complete each symbol is, closed session by session."""

import datetime as dt
from collections import deque
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import NamedTuple, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from app.core.bars import Block, Ints
from app.core.calendar import TradingSession
from app.core.intervals import DAILY, interval_ns
from app.services.quality import Mask, Quality, SlotGrid, assess_slots, complete

_REPORTS = 10_000

Symbols = npt.NDArray[np.int32]
Number = TypeVar("Number", np.int64, np.int32)


class SessionQuality(msgspec.Struct, frozen=True):
    """How complete one symbol was in one session."""

    symbol: str
    interval: str
    session: dt.date
    quality: Quality


class BadBar(msgspec.Struct, frozen=True):
    """One bar that was kept out, and why."""

    symbol: str
    session: dt.date | None  # None: it came with no session
    start_ns: int
    reason: str


class SymbolQuality(msgspec.Struct, frozen=True):
    """How complete one symbol was over all its sessions so far; counted in bars."""

    symbol: str
    interval: str
    sessions: int = 0
    expected: int = 0
    present: int = 0
    bad: int = 0
    thin_bars: int = 0
    hole_bars: int = 0
    holes: int = 0

    @property
    def coverage(self) -> float:
        """Share of the expected bars that came."""
        return self.present / self.expected if self.expected else 1.0

    @property
    def score(self) -> float:
        """Share of the expected bars not lost in holes or bad."""
        kept = self.expected - self.hole_bars - self.bad
        return kept / self.expected if self.expected else 1.0

    def plus(self, quality: Quality) -> "SymbolQuality":
        """With one session more."""
        return SymbolQuality(
            self.symbol,
            self.interval,
            self.sessions + 1,
            self.expected + quality.expected,
            self.present + quality.present,
            self.bad + quality.bad,
            self.thin_bars + quality.thin_bars,
            self.hole_bars + (quality.missing - quality.thin_bars),
            self.holes + len(quality.holes),
        )


class UnderWay(msgspec.Struct, frozen=True):
    """What came of one session, to be gone on with."""

    session: TradingSession
    starts: Ints
    symbols: Symbols
    bad: dict[int, list[int]]


class QualityBookState(msgspec.Struct, frozen=True):
    """What a book has come to."""

    through_ns: int
    totals: list[SymbolQuality]
    reports: list[SessionQuality]
    under_way: list[UnderWay]


class _Session:
    """What came of one session that is under way."""

    def __init__(self, session: TradingSession, interval: str, extended_hours: bool) -> None:
        self.session = session
        segments = session.segments(extended_hours and interval != DAILY)
        self.date = session.date
        self.segments = segments
        self.end_ns = segments[-1].end_ns
        self.starts: list[Ints] = []
        self.symbols: list[Symbols] = []
        self.bad: dict[int, list[int]] = {}


class _Slots(NamedTuple):
    """Where one symbol's bars are expected, and which of these slots hold one."""

    grid: SlotGrid
    taken: Mask


class QualityBook:
    """Written by one worker; `totals` and `reports` may be read from any thread.

    `reports` are the sessions that lacked something, the newest 10,000.
    """

    def __init__(self, symbols: Sequence[str], interval: str, extended_hours: bool) -> None:
        self._symbols = tuple(symbols)
        self._interval = interval
        self._interval_ns = interval_ns(interval)
        self._extended_hours = extended_hours
        self._under_way: dict[dt.date, _Session] = {}
        self._through_ns = -1
        self._reports: deque[SessionQuality] = deque(maxlen=_REPORTS)
        self._totals = {name: SymbolQuality(name, interval) for name in self._symbols}

    def state(self) -> QualityBookState:
        """What it has come to."""
        return QualityBookState(
            self._through_ns,
            list(self._totals.values()),
            list(self._reports),
            [
                UnderWay(
                    one.session, _joined(one.starts, np.int64), _joined(one.symbols, np.int32),
                    {symbol: starts.copy() for symbol, starts in one.bad.items()},
                )
                for one in self._under_way.values()
            ],
        )  # fmt: skip

    def restore(self, state: QualityBookState) -> None:
        """Go on from there."""
        self._reports.extend(state.reports)
        self._totals = {total.symbol: total for total in state.totals}
        for one in state.under_way:
            session = self._session(one.session)
            assert session is not None, "a book that is new has closed nothing"
            session.starts.append(one.starts)
            session.symbols.append(one.symbols)
            session.bad.update(one.bad)
        self._through_ns = state.through_ns

    @property
    def totals(self) -> dict[str, SymbolQuality]:
        """Each symbol over the sessions that are over."""
        return dict(self._totals)

    @property
    def reports(self) -> tuple[SessionQuality, ...]:
        """The sessions that lacked something, by end and symbol."""
        return tuple(self._reports)

    def add(self, block: Block) -> None:
        """Account for a block of good bars, and close the sessions it ends."""
        for span in block.spans:
            session = self._session(span.session)
            if session is not None and span.end > span.first:
                session.starts.append(block.start_ns[span.first : span.end])
                session.symbols.append(block.symbol[span.first : span.end])
        self._through_ns = block.through_ns
        self._close_until(block.through_ns)

    def add_bad(self, of: TradingSession, symbol: int, start_ns: int) -> None:
        """Account for a bar that was kept out."""
        session = self._session(of)
        if session is not None:
            session.bad.setdefault(symbol, []).append(start_ns)

    def add_late(self, of: TradingSession, symbol: int, starts_ns: Ints) -> None:
        """Account for good bars that came late; those of a start that is there change nothing."""
        session = self._session(of)
        if session is not None:
            session.starts.append(starts_ns)
            session.symbols.append(np.full(len(starts_ns), symbol, np.int32))

    def starts_of(self, of: TradingSession, symbol: int) -> Ints | None:
        """Of one symbol's bars in a session; None where that has been closed."""
        session = self._session(of)
        if session is None:
            return None
        own: Ints = _joined(session.starts, np.int64)[_joined(session.symbols, np.int32) == symbol]
        return own

    def close_all(self) -> None:
        """The stream ends: judge what is under way by its part so far."""
        self._close_until(None)

    def _close_until(self, through_ns: int | None) -> None:
        """Close the sessions that end by then, or all, by their end."""
        over = [s for s in self._under_way.values() if through_ns is None or s.end_ns <= through_ns]
        for session in sorted(over, key=attrgetter("end_ns")):
            del self._under_way[session.date]
            self._close(session)

    def _session(self, session: TradingSession) -> _Session | None:
        """The account of a session; None when it has been closed."""
        found = self._under_way.get(session.date)
        if found is None:
            found = _Session(session, self._interval, self._extended_hours)
            if found.end_ns <= self._through_ns:
                return None
            self._under_way[session.date] = found
        return found

    def _close(self, session: _Session) -> None:
        upto_ns = None if session.end_ns <= self._through_ns else self._through_ns
        grid = SlotGrid.of(session.segments, self._interval_ns, upto_ns)
        starts = _joined(session.starts, np.int64)
        symbols = _joined(session.symbols, np.int32)
        whole = complete(len(grid))
        if not session.bad and self._is_complete(grid, starts, symbols):
            for name, total in self._totals.items():
                self._totals[name] = total.plus(whole)
            return
        for place, own in enumerate(self._own_slots(session, grid, starts, symbols, upto_ns)):
            name, bad = self._symbols[place], session.bad.get(place)
            mask = None if bad is None else own.grid.occupied(np.array(bad, np.int64))
            quality = assess_slots(own.grid, own.taken, mask)
            self._totals[name] = self._totals[name].plus(quality)
            if quality.present < quality.expected:
                self._reports.append(SessionQuality(name, self._interval, session.date, quality))

    def _own_slots(
        self,
        session: _Session,
        grid: SlotGrid,
        starts: Ints,
        symbols: Symbols,
        upto_ns: int | None,
    ) -> Iterator[_Slots]:
        """Each symbol's slots: the common ones, unless there are bars that lie elsewhere."""
        count = len(self._symbols)
        if grid.starts_all(starts):
            taken = np.zeros((count, len(grid)), np.bool_)
            taken[symbols, grid.slots(starts)] = True
            yield from (_Slots(grid, row) for row in taken)
            return
        for place in range(count):
            own = starts[symbols == place]
            fitting = SlotGrid.fitting(session.segments, self._interval_ns, upto_ns, own)
            yield _Slots(fitting, fitting.occupied(own))

    def _is_complete(self, grid: SlotGrid, starts: Ints, symbols: Symbols) -> bool:
        """Whether every symbol has every bar, in the order a whole stream has them."""
        count = len(self._symbols)
        if len(starts) != count * len(grid):
            return False
        if count == 1:
            return grid.filled_by(starts)
        rows, expected = starts.reshape(-1, count), np.arange(count)
        return bool(
            (rows == rows[:, :1]).all()
            and (symbols.reshape(-1, count) == expected).all()
            and grid.filled_by(rows[:, 0])
        )


def _joined(parts: list[npt.NDArray[Number]], kind: type[Number]) -> npt.NDArray[Number]:
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts) if parts else np.empty(0, kind)
