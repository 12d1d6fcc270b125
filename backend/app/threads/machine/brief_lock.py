"""A lock for short work on many threads, beside one that keeps the interpreter busy."""

import threading

from app.managers.time_manager.clock import WallClock

_LOOK_SECONDS = 0.0001
_rest = WallClock().rest


class BriefLock:
    """Whoever waits looks again from time to time, instead of being given the lock.

    A thread that is given a plain lock owns it before its turn of the interpreter has come. The
    next then waits for lock and turn, and so on: what takes microseconds takes a turn each.
    """

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        while not self._lock.acquire(blocking=False):
            _rest(_LOOK_SECONDS)

    def __exit__(self, *error: object) -> None:
        self._lock.release()
