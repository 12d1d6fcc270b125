"""The venue's own time: where it began, how fast it runs, and whether it stands still."""

from app.core.errors import UsageError
from app.core.venue import VenueTime


class VenueClock:
    """A line through a moment of the machine's clock and one of the venue's; never goes back.

    `wall_ns` is any clock of the machine that only goes forward.
    """

    def __init__(self, venue_ns: int, wall_ns: int, rate: float = 1.0) -> None:
        if not 0.0 < rate <= 1e6:
            raise UsageError(f"The rate {rate} is not above 0 and at most 1000000.")
        self._venue_ns = venue_ns
        self._wall_ns = wall_ns
        self.rate = rate
        self._paused = False

    def now_ns(self, wall_ns: int) -> int:
        """The venue's time at a moment of the machine's."""
        if self._paused:
            return self._venue_ns
        return self._venue_ns + int(max(wall_ns - self._wall_ns, 0) * self.rate)

    def told(self, wall_ns: int) -> VenueTime:
        """As `GET /time` says it; a clock that stands still has the rate 0."""
        return VenueTime(self.now_ns(wall_ns), 0.0 if self._paused else self.rate)

    def pause(self, wall_ns: int, paused: bool) -> None:
        """Stand still from here on, or go on."""
        self._move(self.now_ns(wall_ns), wall_ns)
        self._paused = paused

    def run_at(self, rate: float, wall_ns: int) -> None:
        """Another pace from here on."""
        at_pace = VenueClock(self.now_ns(wall_ns), wall_ns, rate)  # refuses what is none
        self._move(at_pace._venue_ns, wall_ns)
        self.rate = rate

    def advance_to(self, venue_ns: int, wall_ns: int) -> None:
        """Jump forward to a moment."""
        now_ns = self.now_ns(wall_ns)
        if venue_ns < now_ns:
            raise UsageError(f"The venue's clock is at {now_ns} and cannot go back to {venue_ns}.")
        if venue_ns >= 1 << 62:
            raise UsageError(f"{venue_ns} is too far ahead for the venue's clock.")
        self._move(venue_ns, wall_ns)

    def wall_ns_until(self, venue_ns: int, wall_ns: int) -> int | None:
        """How long the machine waits for a moment of the venue's; None while it stands still."""
        if self._paused:
            return None
        return max(int((venue_ns - self.now_ns(wall_ns)) / self.rate) + 1, 0)

    def _move(self, venue_ns: int, wall_ns: int) -> None:
        self._venue_ns, self._wall_ns = venue_ns, wall_ns
