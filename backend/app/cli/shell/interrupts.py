"""Ctrl+C where it may end something: a command that runs here, never the shell or an import."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from app.core.signals import handled_by

_IMPORTING = "<frozen importlib._bootstrap>"
_AGAIN_SECONDS = 0.02


class Interrupts:
    """Between commands an interrupt is nobody's. Within an import it waits until that is done:
    a module that was cut short cannot always be imported again, and the shell goes on for hours.
    """

    def __init__(self) -> None:
        self._is_heeded = False
        self._alarm_before: Any = None  # whose the alarm is while we do not need it

    @contextmanager
    def installed(self) -> Iterator[None]:
        """As long as the shell is open."""
        with handled_by(dict.fromkeys((signal.SIGINT, signal.SIGQUIT), self._on_signal)):
            yield

    @contextmanager
    def heeded(self) -> Iterator[None]:
        """While a command runs, or a question is asked: KeyboardInterrupt, as ever."""
        self._is_heeded = True
        try:
            yield
        finally:
            self._is_heeded = False
            self._disarm()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if not self._is_heeded:
            return
        if _is_importing(frame):
            self._arm()
            return
        self._disarm()
        raise KeyboardInterrupt

    def _arm(self) -> None:
        """Look again soon."""
        if self._alarm_before is None:
            self._alarm_before = signal.signal(signal.SIGALRM, self._on_signal)
        signal.setitimer(signal.ITIMER_REAL, _AGAIN_SECONDS)

    def _disarm(self) -> None:
        if self._alarm_before is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self._alarm_before)
            self._alarm_before = None


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == _IMPORTING:
            return True
        frame = frame.f_back
    return False
