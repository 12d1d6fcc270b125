"""A tape: the growing series of one symbol and interval, from which windows are cut as views."""

from typing import NamedTuple

import numpy as np

from app.core.bars import Floats, Ints, Table
from app.core.calendar import TradingSession
from app.core.instruments import Adjustment
from app.core.windows import Window

_ROOM_ROWS = 1024


class _Mark(NamedTuple):
    """Where a session starts on the tape."""

    row: int
    open_ns: int


class Tape:
    """Keeps `history` sessions (None: all since the run began) and today.

    Rows are only ever appended, so a view handed out stays true. A corporate action rewrites
    history: that happens on a fresh copy, at the session it takes effect.
    """

    def __init__(self, history: int | None) -> None:
        self._history = history
        self._times: Ints = np.empty((2, _ROOM_ROWS), np.int64)
        self._prices: Floats = np.empty((5, _ROOM_ROWS), np.float64)
        self._length = 0
        self._marks: list[_Mark] = []
        self._session: TradingSession | None = None
        self._first = self._opens = np.empty(0, np.int64)

    def open_session(self, session: TradingSession, adjustment: Adjustment | None) -> None:
        """Start a session: what lies behind it is now history, adjusted as of it."""
        self._session = session
        if adjustment is not None and self._length:
            self._move(self._room(self._length))
            self._prices[:4, : self._length] *= adjustment.price_factor
            self._prices[4, : self._length] *= adjustment.volume_factor
        self._marks.append(_Mark(self._length, session.open_ns))
        if self._history is not None:
            del self._marks[: -(self._history + 1)]
        start = self._marks[0].row
        self._first = np.array([mark.row - start for mark in self._marks], np.int64)
        self._opens = np.array([mark.open_ns for mark in self._marks], np.int64)

    def append(self, table: Table, first: int, end: int) -> None:
        """Add rows `first` to `end` of a table: today's next bars."""
        if self._length + end - first > self._times.shape[1]:
            self._compact(end - first)
        here, rows = slice(self._length, self._length + end - first), slice(first, end)
        times, prices = self._times, self._prices
        times[0, here] = table.start_ns[rows]
        times[1, here] = table.known_ns[rows]
        prices[0, here] = table.open[rows]
        prices[1, here] = table.high[rows]
        prices[2, here] = table.low[rows]
        prices[3, here] = table.close[rows]
        prices[4, here] = table.volume[rows]
        self._length = here.stop

    def window(self) -> Window:
        """History and today so far, as read-only views."""
        assert self._session is not None
        here = slice(self._marks[0].row, self._length)
        times, prices = self._times[:, here], self._prices[:, here]
        times.flags.writeable = prices.flags.writeable = False
        start, known = times
        opens, highs, lows, closes, volumes = prices
        return Window(
            self._session,
            start,
            known,
            opens,
            highs,
            lows,
            closes,
            volumes,
            self._first,
            self._opens,
        )

    def _compact(self, more: int) -> None:
        """Drop what no window reaches any more, and make room."""
        start = self._marks[0].row if self._marks else 0
        self._marks = [_Mark(mark.row - start, mark.open_ns) for mark in self._marks]
        kept = self._length - start
        self._move(self._room(kept + more), start)
        self._length = kept

    def _move(self, room: int, start: int = 0) -> None:
        times, prices = np.empty((2, room), np.int64), np.empty((5, room), np.float64)
        kept = self._length - start
        times[:, :kept] = self._times[:, start : self._length]
        prices[:, :kept] = self._prices[:, start : self._length]
        self._times, self._prices = times, prices

    @staticmethod
    def _room(rows: int) -> int:
        return max(_ROOM_ROWS, 2 * rows)
