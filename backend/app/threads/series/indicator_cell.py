"""A cell: one declared indicator as its window grows; batch on big steps, stream on small ones."""

import numpy as np

from app.core.bars import Floats
from app.core.errors import StrategyError
from app.core.windows import Window
from app.services.indicators import Computation, Running, Values, check_causal
from app.services.indicators.causality import LocalTime
from app.services.indicators.user_functions import OwnIndicatorError, UserComputation

SMALL_ROWS = 48  # up to here a stream handle beats computing the whole window again


class Cell:
    """Both ways give the same bits, so which one is taken changes nothing but the time."""

    def __init__(self, computation: Computation, symbol: str, local: LocalTime) -> None:
        """What fails is told with its symbol and in `local` time."""
        self._computation = computation
        self._own = computation if isinstance(computation, UserComputation) else None
        self._symbol, self._local = symbol, local
        self._running: Running | None = None
        self._window: Window | None = None
        self._values: Values | None = None
        self._rooms: list[Floats] = []

    def open_session(self) -> None:
        """A new session: another window, another start."""
        self._running = None
        self._window = None

    def correct(self, window: Window) -> Values:
        """The values of a window in which earlier bars have changed."""
        self.open_session()
        return self.update(window)

    def update(self, window: Window) -> Values:
        """The values of every row of the window, which has grown since the last call."""
        before, self._window = self._window, window
        try:
            if before is None or self._values is None or len(window) - len(before) > SMALL_ROWS:
                self._running = None
                self._values = self._computation.batch(window)
            else:
                self._values = self._grow(before, window, self._values)
        except OwnIndicatorError as error:
            raise self._told(error) from error.__cause__
        return self._values

    def close_session(self) -> None:
        """A session is complete: hold a user's own function against truncated history."""
        own, window = self._own, self._window
        if own is not None and window is not None and len(window) > window.today:
            rows = {window.today, (window.today + len(window)) // 2, len(window) - 2}
            known = sorted(row for row in rows if row >= 0)
            try:
                check_causal(own, window, known, self._local)
            except OwnIndicatorError as error:  # of the rows it was cut off to
                raise self._told(error) from error.__cause__

    def _told(self, error: OwnIndicatorError) -> StrategyError:
        return error.at(f"{self._symbol}'s bar of {self._local(error.bar_ns):%Y-%m-%d %H:%M:%S %Z}")

    def _grow(self, before: Window, window: Window, values: Values) -> Values:
        """Carry the stream handle over the rows that are new."""
        if self._running is None:
            self._running = self._computation.open(before)
            if self._running is None:
                return self._computation.batch(window)
            self._rooms = []
        first, end = len(before), len(window)
        if not self._rooms or len(self._rooms[0]) < end:
            self._rooms = [_room(output, 2 * end) for output in values.outputs]
        fresh = self._running.extend(window, first)
        for room, output in zip(self._rooms, fresh.outputs, strict=True):
            room[first:end] = output
        return Values(tuple(room[:end] for room in self._rooms), 0, fresh.first_ready)


def _room(output: Floats, rows: int) -> Floats:
    """`output` at the head of a longer array; rows once written there are never written again."""
    room = np.empty(rows, np.float64)
    room[: len(output)] = output
    return room
