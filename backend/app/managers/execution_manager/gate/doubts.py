"""Orders of which nobody here knows what became of them: asked for until the venue says.

A placement is never made again. A venue may deny an order for a while after it took it, so its
denial counts only after it has been repeated, without a break, for longer than that.
"""

from heapq import heappop, heappush
from typing import Final

from app.core import orders as states
from app.core.order_events import NEVER_HAD, Ended, Refused
from app.core.venue import VenueReport
from app.managers.execution_manager.gate.calling import Calling
from app.managers.execution_manager.gate.calls import GateTimes, next_wait_ns
from app.managers.execution_manager.gate.gate_order import Doubt, GateOrder
from app.managers.execution_manager.gate.tracker import Tracker

DENIED = "the venue never had it"
NO_LONGER_HAS = "the venue knows it no more"
DENIALS = frozenset({DENIED, NO_LONGER_HAS})  # by which a journal tells that it may turn up
_MOST_CANCELS: Final = 3  # of an order that nobody but its strategy wants to end


class Doubts:
    """Asks with growing pauses; the answers come back through the book."""

    def __init__(self, tracker: Tracker, calling: Calling, times: GateTimes) -> None:
        self._tracker = tracker
        self._calling = calling
        self._times = times
        self._open: dict[str, Doubt] = {}
        self._asks: list[tuple[int, int, Doubt]] = []  # a heap: when, in which order, what
        self._pushed = 0

    def __len__(self) -> int:
        return len(self._open)

    def __contains__(self, order: GateOrder) -> bool:
        return order.client_id in self._open

    def names(self) -> list[str]:
        """Which orders are in doubt."""
        return list(self._open)

    def symbols(self) -> set[int]:
        """Where orders are in doubt."""
        return {doubt.order.symbol for doubt in self._open.values()}

    def open(self, order: GateOrder, now_ns: int, wait_ns: int | None = None) -> None:
        """Start asking, the first time after `wait_ns`; one already open goes on as it is."""
        if order.client_id not in self._open and not order.end and not order.is_nameless:
            wait = self._times.first_ask_ns if wait_ns is None else wait_ns
            doubt = Doubt(order, now_ns + wait, max(wait, self._times.first_ask_ns), now_ns)
            self._open[order.client_id] = doubt
            self._push(doubt)

    def _push(self, doubt: Doubt) -> None:
        self._pushed += 1
        heappush(self._asks, (doubt.ask_ns, self._pushed, doubt))

    def next_ns(self) -> int | None:
        """When the next question is due."""
        while self._asks:
            at_ns, _, doubt = self._asks[0]
            is_open = self._open.get(doubt.order.client_id) is doubt
            if is_open and not doubt.asking and doubt.ask_ns == at_ns:
                return at_ns
            heappop(self._asks)  # settled, or put off, since
        return None

    def tick(self, now_ns: int) -> None:
        """Ask what is due."""
        while (at_ns := self.next_ns()) is not None and at_ns <= now_ns:
            doubt = heappop(self._asks)[2]
            doubt.asking = True
            order = doubt.order
            name = self._tracker.symbols[order.symbol]
            self._calling.ask_order(order.client_id, name, now_ns)

    def _asked(self, order: GateOrder, now_ns: int) -> Doubt | None:
        doubt = self._open.get(order.client_id)
        if doubt is not None:
            doubt.asking = False
            doubt.ask_ns = now_ns + doubt.wait_ns
            self._push(doubt)
            doubt.wait_ns = next_wait_ns(doubt.wait_ns, self._times.longest_ask_ns)
        return doubt

    def unanswered(self, order: GateOrder, now_ns: int) -> None:
        """The question came to nothing: what was denied until now does not count on."""
        doubt = self._asked(order, now_ns)
        if doubt is not None:
            doubt.denied_ns = 0

    def denied(self, order: GateOrder, now_ns: int) -> bool:
        """The venue says that it has no such order; whether that is believed by now."""
        doubt = self._asked(order, now_ns)
        if doubt is None or order.placing:  # what is still on its way may yet arrive
            return False
        if doubt.denied_ns == 0:
            doubt.denied_ns = now_ns
        if now_ns - doubt.denied_ns < self._times.denied_ns:
            return False
        number = order.order_id
        order.denied = True
        if order.acknowledged:
            event = Ended(number, states.EXPIRED, NO_LONGER_HAS)
            self._tracker.end(order, states.EXPIRED, event)
        else:
            self._tracker.end(order, states.REJECTED, Refused(number, DENIED, NEVER_HAD))
        del self._open[order.client_id]
        return True

    def answered(
        self, order: GateOrder, report: VenueReport, must_cancel: bool, now_ns: int
    ) -> None:
        """The venue was asked and knows the order: what this says of changes under way."""
        doubt = self._asked(order, now_ns)
        if doubt is None or order.end:
            self.settle(order)
            return
        if order.cancel_wanted and report.state != states.CANCEL_PENDING and not order.call:
            if order.cancel_refused and not must_cancel:
                self._count_refused(order)
            order.cancel_sent, order.cancel_refused = False, ""
        overdue = now_ns - doubt.since_ns >= self._times.denied_ns
        if order.wanted is not None and order.wanted_sent and not order.call and overdue:
            self._tracker.refuse_terms(order, "the venue never made the change")
        self.settle(order)

    def _count_refused(self, order: GateOrder) -> None:
        """A cancel came to nothing; it is made again: the venue may not have known the order."""
        order.cancels_refused += 1
        if order.cancels_refused == _MOST_CANCELS:
            self._tracker.refuse_cancel(order, order.cancel_refused)
            order.cancel_wanted, order.cancels_refused = False, 0

    def settle(self, order: GateOrder) -> None:
        """Ask no more once everything about the order is known."""
        doubt = self._open.get(order.client_id)
        if doubt is None:
            return
        doubt.denied_ns = 0
        changing = order.cancel_wanted or order.wanted is not None
        if order.end or (order.acknowledged and not changing):
            del self._open[order.client_id]
