"""A run that was recovered is compared with its venue, which may not answer at once."""

from collections.abc import Callable, Sequence

from loguru import logger

from app.core.halts import ALL_SYMBOLS, RECOVERY
from app.core.order_events import Halted, OrderEvent, Resumed
from app.core.seams import Notifier
from app.core.venue import Venue, VenueError
from app.managers.execution_manager.execution_manager import ExecutionManager
from app.managers.execution_manager.gate.gate_book import GateBook
from app.managers.execution_manager.gate.reconcile import LEFT_ALONE
from app.managers.system_manager.venue.reckoning import reckon
from app.threads.live.order_gate import OrderGate


class Reconciling:
    """Compares one run with its venue; what the run must be told goes to `hear`."""

    def __init__(
        self, venue: Venue, notifier: Notifier, hear: Callable[[Sequence[OrderEvent]], None]
    ) -> None:
        self._venue = venue
        self._notifier = notifier
        self._hear = hear
        self._is_unasked = False

    def compare(
        self,
        execution: ExecutionManager,
        book: GateBook,
        since_ns: int,
        now_ns: int,
        first: Sequence[OrderEvent],
    ) -> None:
        """Compare with the venue; one that does not answer is asked by the gate until it does, and
        takes no entries before. Our books are still to hear of what is `first`.
        """
        try:
            rows, told = reckon(execution, book, self._venue, since_ns, now_ns, first)
        except VenueError as error:
            self._notifier.alarm("not reconciled yet", str(error))
            self._hear([Halted(ALL_SYMBOLS, "the venue has not been asked yet", RECOVERY)])
            self._is_unasked = True
            return
        self._hear(told)
        told_apart = [row for row in rows if row.resolution != LEFT_ALONE]
        if len(rows) - len(told_apart):
            count = len(rows) - len(told_apart)
            logger.warning("{} executions and orders of others are left alone", count)
        for row in told_apart:
            logger.warning(
                "{}: ours {}, the venue's {}: {}", row.what, row.ours, row.venues, row.resolution
            )

    def look_again(self, gate: OrderGate) -> None:
        """The venue answers: entries pass again once it has said all the gate had to ask."""
        if not self._is_unasked:
            return
        status = gate.status()
        if status.compared and not status.in_doubt:
            self._is_unasked = False
            self._hear([Resumed(ALL_SYMBOLS, "the venue answers again", RECOVERY)])
