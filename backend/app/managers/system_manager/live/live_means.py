"""What binds a live run to its machine: threads, the disk, the clock.

A simulator brings means of its own, and runs the same line on one thread.
"""

import sys
import threading
from collections.abc import Callable
from pathlib import Path

from loguru import logger

from app.core.inbox import Inbox
from app.core.logging import bind_logs, free_logs
from app.core.seams import Notifier
from app.core.venue import Venue, VenueTime
from app.managers.data_manager.errands import Errand, Errands
from app.managers.execution_manager.gate.gate_book import GateBook
from app.managers.time_manager import WallClock
from app.managers.time_manager.clock import OffsetClock
from app.repositories.journal_file import JournalWriter
from app.threads.live.order_gate import OrderGate, Report
from app.threads.live.recorder import Recorder

TURN_SECONDS = 0.0005  # of a busy thread, a stuck strategy's too, before another has its turn
_LOOK_SECONDS = 0.05
_LONGEST_CLOSE_SECONDS = 5.0  # for the errand under way


class LiveMeans:
    """A run's own; used once."""

    def __init__(self, wall: WallClock, on_close: Callable[[], None]) -> None:
        """`on_close` is called when the run has ended: to give back what was held for it."""
        self._wall = wall
        self._on_close = on_close
        self._closed = threading.Event()
        self._turn_seconds = sys.getswitchinterval()
        sys.setswitchinterval(TURN_SECONDS)
        free_logs()
        self._errands = Errands("venue errands")

    def clock(self, told: VenueTime) -> OffsetClock:
        """The venue's time from here on."""
        return OffsetClock(told)

    def inbox(self) -> Inbox:
        """Where everything that reaches the run goes through."""
        return Inbox()

    def run_errand(self, errand: Errand) -> None:
        """Have a call that blocks made soon."""
        self._errands.run(errand)

    def recorder(self, folder: Path, on_failure: Callable[[Exception], None]) -> Recorder:
        """A recorder that writes from now on."""
        recorder = Recorder(JournalWriter(folder), on_failure)
        recorder.start()
        return recorder

    def gate(
        self,
        book: GateBook,
        venue: Venue,
        clock: OffsetClock,
        report: Report,
        notifier: Notifier,
        rate: float,
    ) -> OrderGate:
        """A gate that is not started yet."""
        return OrderGate(book, venue, clock, report, notifier, rate)

    def when(
        self, is_done: Callable[[], bool], then: Callable[[], None], longest_seconds: float
    ) -> None:
        """Call `then` once something is done, or has taken too long; returns at once."""

        def wait() -> None:
            try:
                self.wait_until(is_done, longest_seconds)
            finally:
                then()

        threading.Thread(target=wait, name="run stopping", daemon=True).start()

    def wait_until(self, is_done: Callable[[], bool], longest_seconds: float) -> None:
        """Wait for what other threads do, or until it has taken too long."""
        never = threading.Event()
        for _ in range(int(longest_seconds / _LOOK_SECONDS)):
            if is_done():
                return
            self._wall.wait(never, _LOOK_SECONDS)

    def repeat(self, every_seconds: float, what: Callable[[], None]) -> None:
        """Do something now and then, until the run has ended."""

        def go() -> None:
            while not self._wall.wait(self._closed, every_seconds):
                try:
                    what()
                except Exception as error:  # the next time it may go well
                    logger.opt(exception=True).error(f"The upkeep of the line failed: {error}")

        threading.Thread(target=go, name="line upkeep", daemon=True).start()

    def close(self) -> None:
        """The run has ended."""
        self._closed.set()
        sys.setswitchinterval(self._turn_seconds)
        self._errands.close(_LONGEST_CLOSE_SECONDS)
        self._on_close()
        bind_logs()
