"""The venue's market data: stored minute bars as they close, their ticks, and sessions' edges."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from app.core.bars import BarColumns
from app.core.calendar import TradingSession
from app.core.instruments import Adjustment
from app.core.intervals import MINUTE_NS, SECOND_NS
from app.core.venue import Tick, VenueBar
from app.services.matching import Prices, path

LoadBars = Callable[[str, int, int], BarColumns]  # minute bars of a symbol, `end_ns` excluded
_TICKS_AT_NS: Final = (0, 20 * SECOND_NS, 40 * SECOND_NS, 59 * SECOND_NS)  # within a minute


class Close(NamedTuple):
    """A session ends."""

    session: TradingSession


class Due(NamedTuple):
    """What the tape shows at a moment."""

    at_ns: int
    what: VenueBar | Tick | Close | Adjustment


class Tape:
    """Regular hours only; a session's bars are read when it is reached."""

    def __init__(
        self,
        load: LoadBars,
        symbols: Sequence[str],
        sessions: Sequence[TradingSession],
        *,
        adjustments: Sequence[Adjustment] = (),
        ticks: bool = False,
    ) -> None:
        """`adjustments` are due in the minute before their session opens."""
        self.ticks = ticks
        self._adjustments = adjustments
        self._load = load
        self._symbols = tuple(symbols)
        self._sessions = tuple(sessions)
        self._closes_ns = [session.close_ns for session in sessions]
        self._next_session = 0
        self._waiting: list[Due] = []  # of the session under way, the latest first

    def seek(self, at_ns: int) -> None:
        """Go on with what is due after a moment."""
        self._next_session = bisect_right(self._closes_ns, at_ns)
        self._waiting = []
        self._read_on()
        while self._waiting and self._waiting[-1].at_ns <= at_ns:
            self._waiting.pop()

    def due(self, now_ns: int) -> Iterator[Due]:
        """All that is shown up to a moment, once, in order."""
        while (next_ns := self.next_ns()) is not None and next_ns <= now_ns:
            yield self._waiting.pop()

    def next_ns(self) -> int | None:
        """When there is something to show again; None at the end of the data."""
        if not self._waiting:
            self._read_on()
        return self._waiting[-1].at_ns if self._waiting else None

    def session_closing_after(self, at_ns: int) -> TradingSession | None:
        """The first session whose close is after a moment."""
        index = bisect_right(self._closes_ns, at_ns)
        return self._sessions[index] if index < len(self._sessions) else None

    def sessions_after(self, at_ns: int) -> Sequence[TradingSession]:
        """The session under way and all that follow."""
        return self._sessions[bisect_right(self._closes_ns, at_ns) :]

    def last_price(self, symbol: str, now_ns: int, since_ns: int | None = None) -> float | None:
        """The close of the last bar known by now; of those that started since a moment."""
        if since_ns is None:
            index = bisect_right(self._closes_ns, now_ns)
            since_ns = self._sessions[max(index - 1, 0)].open_ns if self._sessions else now_ns
        known = self._load(symbol, since_ns, now_ns - MINUTE_NS + 1)
        return float(known.close[-1]) if len(known) else None

    def _read_on(self) -> None:
        if self._next_session >= len(self._sessions):
            return
        session = self._sessions[self._next_session]
        self._next_session += 1
        shown = [Due(session.close_ns, Close(session))]
        for one in self._adjustments:
            if one.session_date == session.date:
                shown.append(Due(session.open_ns - MINUTE_NS, one))
        for symbol in self._symbols:
            bars = self._load(symbol, session.open_ns, session.close_ns)
            for bar in _rows(symbol, bars):
                if self.ticks:
                    shown += _ticks(bar)
                shown.append(Due(bar.start_ns + MINUTE_NS, bar))
        shown.sort(key=lambda due: (due.at_ns, isinstance(due.what, Close)))
        self._waiting = shown[::-1]


def _rows(symbol: str, bars: BarColumns) -> Iterator[VenueBar]:
    columns = (bars.open, bars.high, bars.low, bars.close, bars.volume)
    rows = zip(bars.start_ns.tolist(), *(np.asarray(c).tolist() for c in columns), strict=True)
    for row in rows:
        yield VenueBar(symbol, *row)


def _ticks(bar: VenueBar) -> list[Due]:
    """Four trades that make the bar: its open, the nearer extreme, the other one, its close."""
    legs = path(Prices(bar.open, bar.high, bar.low, bar.close))
    prices = (legs[0].open, legs[1].open, legs[2].open, legs[2].close)
    quarter = bar.volume / 4
    return [
        Due(bar.start_ns + after_ns, Tick(bar.symbol, bar.start_ns + after_ns, price, quarter))
        for after_ns, price in zip(_TICKS_AT_NS, prices, strict=True)
    ]
