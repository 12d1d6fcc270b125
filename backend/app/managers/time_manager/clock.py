"""The clocks. This module alone touches the machine's time; everything else asks TimeManager."""

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from app.core.venue import VenueTime  # at run time it would bring numpy

_STEP_NS = 1_000_000_000  # a venue's clock that is further ahead than this is followed at once
_FASTER, _SLOWER = 1.1, 0.5  # the rates at which less is caught up, and waited for


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

    def rest(self, seconds: float) -> None:
        """Let other threads run, for so long at least; unlike `wait` it shares no lock with any."""
        time.sleep(seconds)


class _Course(NamedTuple):
    """Where a clock stood at one moment of the machine's, and how it goes on from there."""

    machine_ns: int
    venue_ns: int
    rate: float
    until_ns: int  # of the machine's: from then on at the venue's own rate
    venue_rate: float


class OffsetClock:
    """A venue's time, told by the machine's monotonic clock: it does not see the wall clock set.

    It never goes back. `sync` tells it what the venue's clock shows: where that is ahead by up to
    a second, this one runs faster until it has caught up, and where it is ahead by more, it
    leaps; where the venue's is behind, this one runs at half its rate until they meet. A venue
    whose rate is 0 stands still, and so does this clock.
    """

    def __init__(
        self, venue: "VenueTime", monotonic_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._monotonic_ns = monotonic_ns
        now_ns = monotonic_ns()
        self._turning = threading.Lock()
        self._latest_ns = venue.venue_ns  # that was told
        self._course = _Course(now_ns, venue.venue_ns, venue.rate, now_ns, venue.rate)

    def now_ns(self) -> int:
        """What the venue's clock shows, as far as is known here."""
        with self._turning:
            self._latest_ns = max(self._latest_ns, self._at(self._monotonic_ns()))
            return self._latest_ns

    def seconds_until(self, at_ns: int) -> float:
        """How long the machine must wait for a moment of the venue's; 0 when it has passed."""
        rate = self._course.venue_rate
        left_ns = max(at_ns - self.now_ns(), 0)
        return left_ns / rate / 1e9 if rate > 0.0 else float(left_ns > 0)

    def sync(self, venue: "VenueTime") -> int:
        """Follow the venue's clock from here on; by how much it was ahead of this one."""
        with self._turning:
            return self._turn(venue, self._monotonic_ns())

    def _turn(self, venue: "VenueTime", machine_ns: int) -> int:
        now_ns = self._at(machine_ns)
        ahead_ns = venue.venue_ns - now_ns
        if ahead_ns > _STEP_NS:
            now_ns, pace = venue.venue_ns, 1.0
        else:
            pace = _FASTER if ahead_ns > 0 else _SLOWER
        lasting_ns = 0
        if venue.rate > 0.0 and pace != 1.0:
            lasting_ns = int(ahead_ns / (pace - 1.0) / venue.rate)
        self._course = _Course(
            machine_ns, now_ns, venue.rate * pace, machine_ns + lasting_ns, venue.rate
        )
        return ahead_ns

    def _at(self, machine_ns: int) -> int:
        course = self._course
        turn_ns = min(machine_ns, course.until_ns) - course.machine_ns
        after_ns = max(machine_ns - course.until_ns, 0)
        return course.venue_ns + int(turn_ns * course.rate) + int(after_ns * course.venue_rate)


class SessionClock:
    """A run's time: the instant its messages have led to, and nothing between two instants."""

    __slots__ = ("_read_ns",)

    def __init__(self, read_ns: Callable[[], int]) -> None:
        self._read_ns = read_ns

    def now_ns(self) -> int:
        """The instant in hand."""
        return self._read_ns()
