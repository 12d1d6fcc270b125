"""The clocks. This module alone touches the machine's time; everything else asks TimeManager."""

import threading
import time


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
    """A run's time: it stands still until a message moves it, and never goes back."""

    __slots__ = ("_now_ns",)

    def __init__(self, start_ns: int) -> None:
        self._now_ns = start_ns

    def now_ns(self) -> int:
        """The instant in hand."""
        return self._now_ns

    def advance(self, to_ns: int) -> None:
        """Move to an instant; one that is already past is a defect of the caller."""
        if to_ns < self._now_ns:
            raise ValueError(f"the session clock cannot go back from {self._now_ns} to {to_ns}")
        self._now_ns = to_ns
