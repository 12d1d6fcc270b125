"""The clocks. This module alone touches the machine's time; everything else asks TimeManager."""

import threading
import time
from collections.abc import Callable


class WallClock:
    """The machine's time, and waiting in it."""

    def now_ns(self) -> int:
        """Nanoseconds since 1970, UTC."""
        return time.time_ns()

    def monotonic_ns(self) -> int:
        """For measuring how long something took: it never jumps when the machine's time is set."""
        return time.monotonic_ns()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait for the event, at most so long; returns whether it is set."""
        return event.wait(max(seconds, 0.0))


class SessionClock:
    """A run's time: the instant its messages have led to, and nothing between two instants."""

    __slots__ = ("_read_ns",)

    def __init__(self, read_ns: Callable[[], int]) -> None:
        self._read_ns = read_ns

    def now_ns(self) -> int:
        """The instant in hand."""
        return self._read_ns()
