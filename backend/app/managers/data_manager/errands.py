"""Errands: calls that block, made on a thread of their own, one after the other."""

import queue
import threading
from collections.abc import Callable

Errand = Callable[[], None]
Run = Callable[[Errand], None]
"""Takes an errand and returns at once, or runs it where it stands, as a simulator does."""


class Errands:
    """Starts its thread with the first errand. An errand deals with its own errors."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._waiting: queue.SimpleQueue[Errand | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def run(self, errand: Errand) -> None:
        """Have it done soon."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()
        self._waiting.put(errand)

    def close(self, timeout_seconds: float) -> bool:
        """No more errands; whether the one under way ended in time."""
        if self._thread is None:
            return True
        self._waiting.put(None)
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    def _work(self) -> None:
        while (errand := self._waiting.get()) is not None:
            errand()
