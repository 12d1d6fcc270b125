"""A tape: the growing series of one symbol and interval, from which windows are cut as views."""

from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from app.core.bars import Floats, Ints, Table
from app.core.calendar import TradingSession
from app.core.instruments import Adjustment
from app.core.windows import Window

_ROOM_ROWS = 1024


class _Mark(NamedTuple):
    """Where a session starts on the tape."""

    row: int
    open_ns: int


class TapeState(msgspec.Struct, frozen=True):
    """What a window can reach, and rows of sessions to come; the columns one after the other."""

    times: Ints
    prices: Floats
    length: int
    marks: list[_Mark]
    session: TradingSession | None


class Tape:
    """Keeps `history` sessions (None: all since the run began) and today.

    Rows are only ever appended, so a view handed out stays true. A corporate action rewrites
    history: that happens on a fresh copy, at the session it takes effect. So does a backfill.
    """

    def __init__(self, history: int | None) -> None:
        self._history = history
        self._times: Ints = np.empty((2, _ROOM_ROWS), np.int64)
        self._prices: Floats = np.empty((5, _ROOM_ROWS), np.float64)
        self._shown = _read_only(self._times, self._prices)
        self._length = 0  # rows of sessions so far
        self._filled = 0  # rows there, those of sessions to come too
        self._marks: list[_Mark] = []
        self._session: TradingSession | None = None
        self._openings: list[Ints] = []  # of a window: their first rows, and when they opened

    def state(self) -> TapeState:
        """A copy of what counts."""
        start = self._marks[0].row if self._marks else 0
        rows = slice(start, self._filled)
        return TapeState(
            self._times[:, rows].flatten(),
            self._prices[:, rows].flatten(),
            self._length - start,
            [_Mark(mark.row - start, mark.open_ns) for mark in self._marks],
            self._session,
        )

    def restore(self, state: TapeState) -> None:
        """Hold that."""
        self._length, self._filled = state.length, len(state.times) // 2
        rows = slice(0, self._filled)
        self._times = np.empty((2, self._room(self._filled)), np.int64)
        self._prices = np.empty((5, self._room(self._filled)), np.float64)
        self._times[:, rows] = state.times.reshape(2, -1)
        self._prices[:, rows] = state.prices.reshape(5, -1)
        self._shown = _read_only(self._times, self._prices)
        self._marks, self._session = list(state.marks), state.session
        self._note_marks()

    def open_session(self, session: TradingSession, adjustment: Adjustment | None) -> None:
        """Start a session: what lies behind it is now history, adjusted as of it."""
        self._session = session
        if adjustment is not None and self._length:
            self._move(self._room(self._filled))
            self._prices[:4, : self._length] *= adjustment.price_factor
            self._prices[4, : self._length] *= adjustment.volume_factor
        self._marks.append(_Mark(self._length, session.open_ns))
        if self._history is not None:
            del self._marks[: -(self._history + 1)]
        self._note_marks()

    def _note_marks(self) -> None:
        start = self._marks[0].row if self._marks else 0
        first = np.array([mark.row - start for mark in self._marks], np.int64)
        self._openings = [first, np.array([mark.open_ns for mark in self._marks], np.int64)]

    def append(self, table: Table, first: int, end: int) -> None:
        """Put rows `first` to `end` of a table on the tape; `advance` makes them today's."""
        if self._filled + end - first > self._times.shape[1]:
            self._compact(end - first)
        here, rows = slice(self._filled, self._filled + end - first), slice(first, end)
        times, prices = self._times, self._prices
        times[0, here] = table.start_ns[rows]
        times[1, here] = table.known_ns[rows]
        prices[0, here] = table.open[rows]
        prices[1, here] = table.high[rows]
        prices[2, here] = table.low[rows]
        prices[3, here] = table.close[rows]
        prices[4, here] = table.volume[rows]
        self._filled = here.stop

    def advance(self, rows: int) -> None:
        """The next rows on the tape are today's."""
        self._length += rows

    def today(self, symbol: int) -> Table:
        """Today's bars so far, as those of a symbol of this number."""
        rows = slice(self._marks[-1].row, self._length)
        start_ns, known_ns = self._times[:, rows]
        symbols = np.full(len(start_ns), symbol, np.int32)
        return Table(symbols, start_ns, known_ns, *self._prices[:, rows])

    def rewrite_today(self, table: Table) -> None:
        """Put other bars in place of today's, on a fresh copy as well."""
        self._filled = self._length = self._marks[-1].row
        self._move(self._room(self._filled + len(table)))
        self.append(table, 0, len(table))
        self.advance(len(table))

    def window(self) -> Window:
        """History and today so far, as read-only views."""
        assert self._session is not None
        rows = slice(self._marks[0].row, self._length)
        columns = [column[rows] for column in self._shown]
        return Window(self._session, *columns, *self._openings)

    def _compact(self, more: int) -> None:
        """Drop what no window reaches any more, and make room."""
        start = self._marks[0].row if self._marks else 0
        self._marks = [_Mark(mark.row - start, mark.open_ns) for mark in self._marks]
        self._move(self._room(self._filled - start + more), start)
        self._length -= start
        self._filled -= start

    def _move(self, room: int, start: int = 0) -> None:
        times, prices = np.empty((2, room), np.int64), np.empty((5, room), np.float64)
        kept = self._filled - start
        times[:, :kept] = self._times[:, start : self._filled]
        prices[:, :kept] = self._prices[:, start : self._filled]
        self._times, self._prices = times, prices
        self._shown = _read_only(times, prices)

    @staticmethod
    def _room(rows: int) -> int:
        return max(_ROOM_ROWS, 2 * rows)


def _read_only(times: Ints, prices: Floats) -> list[npt.NDArray[Any]]:
    """Their columns, as a window has them."""
    columns: list[npt.NDArray[Any]] = [*times, *prices]
    for column in columns:
        column.flags.writeable = False
    return columns
