"""Where a log's lines leave: at once, or on a thread of its own, so that nobody waits for them.

A terminal that stands still (Ctrl+S), a pipe that nobody reads and a disk that hangs take no line,
and hold whoever writes one. A live run's commands, gate and alarms log too, and must go on.
"""

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

_MOST_CHARS: Final = 16 << 20  # that wait; what comes then is lost, and counted


class LogOutlet:
    """`write` takes text, one call at a time where whoever logs keeps to that."""

    def __init__(self, name: str, write: Callable[[str], object]) -> None:
        self._name = name
        self._write = write
        self._changed = threading.Condition()  # for what follows
        self._waiting: deque[str] = deque()
        self._chars = self._lost = 0
        self._is_ending = False
        self._thread: threading.Thread | None = None

    def put(self, line: str) -> None:
        """Write a line, or leave it to the thread."""
        with self._changed:
            if self._thread is not None:
                self._keep(line)
                return
        self._write(line)

    def free(self) -> None:
        """From now on nobody waits for what is written."""
        with self._changed:
            self._is_ending = False
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def bind(self, patience_seconds: float) -> None:
        """Write at once again, when all that waits is written; it is waited for so long."""
        with self._changed:
            thread, self._is_ending = self._thread, True
            self._changed.notify()
        if thread is not None:
            thread.join(patience_seconds)

    def _keep(self, line: str) -> None:
        if self._chars + len(line) > _MOST_CHARS:
            self._lost += 1
            return
        if self._lost:
            line = f"{self._lost} lines are missing here: too many waited to be written.\n{line}"
            self._lost = 0
        self._waiting.append(line)
        self._chars += len(line)
        self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._is_ending:
                    self._changed.wait()
                if not self._waiting:
                    self._thread = None
                    return
                text = "".join(self._waiting)
                self._waiting.clear()
            with suppress(Exception):  # it must not end this thread: the next may be written
                self._write(text)
            with self._changed:
                self._chars -= len(text)
