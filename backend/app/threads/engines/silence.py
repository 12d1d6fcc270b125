"""How long no bar of any symbol has come, in the regular hours, and when that is too long.

A bar counts from when it is known. Outside the hours, and while a run catches up with bars that
have passed, none is waited for.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

import numpy as np

from app.core.calendar import Segment
from app.core.intervals import SECOND_NS
from app.managers.execution_manager.limits.breaker_desk import BreakerDesk
from app.managers.execution_manager.sim.bar_book import NEVER_NS, BarBook
from app.strategies.indicator import Cursor
from app.threads.views.outlook import Outlook

KIND = "stale_feed_seconds"


class Silence:
    """Finds silences in the block in hand; what came before it is in `desk.heard_ns`."""

    def __init__(self, desk: BreakerDesk, outlook: Outlook, cursor: Cursor) -> None:
        self._desk = desk
        self._outlook = outlook
        self._cursor = cursor
        self._limits = [limit for limit in desk.limits if limit.kind == KIND]
        self._shortest_ns = min((limit.given for limit in self._limits), default=0) * SECOND_NS
        self._book: BarBook | None = None
        self._gaps: list[tuple[int, int]] = []  # of the block in hand, longer than that

    def length_ns(self, now_ns: int) -> int:
        """How long it has lasted; 0 outside the hours."""
        if not self._limits or self._desk.catches_up:
            return 0
        for segment in self._hours():
            if segment.start_ns <= now_ns <= segment.end_ns:
                return max(now_ns - max(segment.start_ns, self._heard_ns(now_ns)), 0)
        return 0

    def keep(self, now_ns: int) -> None:
        """A block is over: what was heard in it stays known."""
        if self._limits:
            self._desk.heard_ns = self._heard_ns(now_ns)

    def due_ns(self) -> int:
        """When it will be too long for the next one that has not tripped; after now."""
        lengths = [x.given * SECOND_NS for x in self._limits if x.name not in self._desk.trips]
        if not lengths or self._desk.catches_up:
            return NEVER_NS
        now_ns, hours = self._cursor.now_ns, self._hours()
        for from_ns, to_ns in self._silences(now_ns):
            moments = [
                max(from_ns, hour.start_ns) + length_ns for hour in hours for length_ns in lengths
                if max(from_ns, hour.start_ns) + length_ns <= hour.end_ns
            ]  # fmt: skip
            due: list[int] = [moment for moment in moments if now_ns < moment < to_ns]
            if due:
                return min(due)
        return NEVER_NS

    def _silences(self, now_ns: int) -> Iterable[tuple[int, int]]:
        """From one bar to the next, those that may be too long and are not over."""
        book = self._outlook.book
        if book is not self._book:
            self._book = book
            known = np.asarray(book.known_ns, np.int64)
            places = np.flatnonzero(np.diff(known) > self._shortest_ns).tolist()
            self._gaps = [(int(known[at]), int(known[at + 1])) for at in places]
        known_ns = book.known_ns
        heard_ns = self._heard_ns(now_ns)
        place = bisect_right(known_ns, now_ns)
        if place == len(known_ns):
            return [(heard_ns, NEVER_NS)]
        first = bisect_left(self._gaps, (now_ns, 0))
        last = max(int(known_ns[-1]), self._desk.heard_ns)
        return [(heard_ns, int(known_ns[place])), *self._gaps[first:], (last, NEVER_NS)]

    def _heard_ns(self, now_ns: int) -> int:
        known_ns: Sequence[int] = self._outlook.book.known_ns
        place = bisect_right(known_ns, now_ns)
        heard_ns: int = known_ns[place - 1] if place else 0
        return max(self._desk.heard_ns, heard_ns)

    def _hours(self) -> tuple[Segment, ...]:
        return self._outlook.session.segments() if self._outlook.has_session else ()
