"""Pacing: when, on the machine's clock, a moment of the market is due."""

import math
import threading
from collections.abc import Callable
from typing import Literal, Protocol

from app.core.errors import UsageError

Speed = float | Literal["max"]


class MonotonicClock(Protocol):
    """The part of the wall clock that pacing needs."""

    def monotonic_ns(self) -> int: ...


Wait = Callable[[threading.Condition, float | None], object]
"""Waits, with the condition held, until it is notified or the seconds are over."""


def checked_speed(speed: Speed) -> Speed:
    """The speed, or a refusal of what is not one."""
    if speed == "max" or (isinstance(speed, int | float) and speed > 0 and math.isfinite(speed)):
        return speed
    raise UsageError(f"Speed {speed!r} is neither 'max' nor a multiple of real time above 0.")


class Pacer:
    """Market time that runs at `rate` times the machine's, stands still and jumps on request."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._market_ns = 0
        self._machine_ns = 0
        self._standing = False

    def jump(self, market_ns: int, now_ns: int) -> None:
        """It is `market_ns` now; the time between sessions is not waited for."""
        self._market_ns, self._machine_ns = market_ns, now_ns

    def stand(self, now_ns: int) -> None:
        """Stand still from now on."""
        self.jump(self.market_ns(now_ns), now_ns)
        self._standing = True

    def go(self, now_ns: int) -> None:
        """Run again, from where market time stood."""
        self.jump(self.market_ns(now_ns), now_ns)
        self._standing = False

    def set_rate(self, rate: float, now_ns: int) -> None:
        """Run at another rate from where market time is."""
        self.jump(self.market_ns(now_ns), now_ns)
        self._rate = rate

    def market_ns(self, now_ns: int) -> int:
        """What market time is now."""
        elapsed_ns = 0 if self._standing else now_ns - self._machine_ns
        return self._market_ns + int(elapsed_ns * self._rate)

    def seconds_until(self, market_ns: int, now_ns: int) -> float:
        """How long the machine has to wait for a moment of the market; below 0 it is overdue."""
        return (market_ns - self.market_ns(now_ns)) / self._rate / 1e9
