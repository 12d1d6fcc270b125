"""How far an import from a source is, and for how long it waits: a clock that knows its waits."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from app.cli.terminal.progress import HowFar, is_shown, working
from app.core.intervals import SECOND_NS
from app.managers.time_manager.clock import WallClock

if TYPE_CHECKING:
    from app.core.progress import OnCount


class WaitingClock(WallClock):
    """The machine's clock; what waits by it can be seen from another thread."""

    def __init__(self) -> None:
        self._until_ns = 0

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self._until_ns = self.monotonic_ns() + int(seconds * SECOND_NS)
        try:
            return super().wait(event, seconds)
        finally:
            self._until_ns = 0

    def left_seconds(self) -> float:
        """What is left of the wait under way; 0 where there is none."""
        return max(self._until_ns - self.monotonic_ns(), 0) / SECOND_NS


class Waited:
    """What is counted, and waited for meanwhile."""

    def __init__(self, what: str, clock: WaitingClock) -> None:
        self._what = what
        self._clock = clock
        self._counts = 0, 0

    def count(self, done: int, total: int) -> None:
        self._counts = done, total

    def look(self) -> HowFar:
        done, total = self._counts
        left = self._clock.left_seconds()
        what = f"{self._what}, waits {left:.0f} s" if left >= 1.0 else self._what
        return HowFar(what, done, done / total if total else None, total)


@contextmanager
def waited(what: str, clock: WaitingClock) -> "Iterator[OnCount | None]":
    """Show how far it is; None where nobody would see it."""
    if not is_shown():
        yield None
        return
    shown = Waited(what, clock)
    with working(shown.look, "bars"):
        yield shown.count
