"""A window: the anchored series an indicator is computed on and a strategy may look back over."""

import msgspec

from app.core.bars import Floats, Ints
from app.core.calendar import TradingSession


class Window(msgspec.Struct, frozen=True):
    """One symbol and interval in one session: its declared history, then today's bars so far.

    History is adjusted as of the session; today's bars are raw. `session_first[k]` is the row
    where the k-th session of the window starts, `session_open_ns[k]` when it opened; the last
    of both is today (`session_first[-1] == len(start_ns)` while today has no row yet).
    """

    session: TradingSession
    start_ns: Ints
    known_ns: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    session_first: Ints
    session_open_ns: Ints

    def __len__(self) -> int:
        return len(self.start_ns)

    def row_at(self, now_ns: int) -> int:
        """The last row known at an instant; -1 when there is none."""
        return int(self.known_ns.searchsorted(now_ns, side="right")) - 1

    @property
    def today(self) -> int:
        """Index of today's first row."""
        return int(self.session_first[-1])
