"""Closes every position by the gate's own market orders, once the latch says so.

What is to be closed is counted anew each time from the executions. Whatever may still fill against
a position is taken off first, so that a fill that comes late finds nothing closed twice.
"""

from collections import defaultdict

from app.core.order_events import GateActed, GateGave
from app.core.orders import FILLED
from app.managers.execution_manager.gate.calling import Calling
from app.managers.execution_manager.gate.calls import GateTimes, Output, next_wait_ns
from app.managers.execution_manager.gate.doubts import Doubts
from app.managers.execution_manager.gate.gate_order import GateOrder
from app.managers.execution_manager.gate.latch import Latch
from app.managers.execution_manager.gate.strangers import Strangers
from app.managers.execution_manager.gate.tracker import Tracker
from app.managers.execution_manager.gate.turned_away import TurnedAwayExits
from app.managers.execution_manager.orders.kill import FLATTEN, closable_units


class Closing:
    """Steps while the latch says flatten."""

    def __init__(
        self,
        tracker: Tracker,
        doubts: Doubts,
        latch: Latch,
        strangers: Strangers,
        away: TurnedAwayExits,
        calling: Calling,
        times: GateTimes,
        output: Output,
    ) -> None:
        self._tracker = tracker
        self._doubts = doubts
        self._latch = latch
        self._strangers = strangers
        self._away = away
        self._calling = calling
        self._times = times
        self._output = output
        self._look_ns: int | None = None
        self._last: dict[int, GateOrder] = {}
        self._wait_ns: dict[int, int] = {}
        self._not_before_ns: dict[int, int] = {}
        self._told = False
        self._told_why: dict[int, str] = {}  # by symbol: why closing it failed last

    def is_own(self, order: GateOrder) -> bool:
        """Whether an order is the one that closes: of the gate, given in this life."""
        return self._last.get(order.symbol) is order

    def look(self, now_ns: int) -> None:
        """Something changed."""
        if self._latch.killed == FLATTEN and self._look_ns is None:
            self._look_ns = now_ns + self._times.look_ns

    def next_ns(self) -> int | None:
        """When to look again."""
        times = [] if self._look_ns is None else [self._look_ns]
        return min([*times, *self._not_before_ns.values()], default=None)

    def tick(self, now_ns: int) -> None:
        """Close what can be closed by now."""
        due_ns = self.next_ns()
        if due_ns is None or due_ns > now_ns:
            return
        self._look_ns = None
        pauses = self._not_before_ns.items()
        self._not_before_ns = {symbol: at_ns for symbol, at_ns in pauses if at_ns > now_ns}
        self._count_ends(now_ns)
        self._away.keep_closings(self._are_to_close())
        waiting = self._waiting_symbols()
        working = self._working_by_symbol()
        for symbol in sorted(self._tracker.net):
            if symbol not in waiting and symbol not in self._not_before_ns:
                resting = (order.remaining_units for order in working[symbol])
                units = closable_units(self._tracker.closable.units(symbol), resting)
                if units:
                    self._close(symbol, self._tracker.closable.at_most(symbol, units), now_ns)
        self._tell_when_done()

    def _count_ends(self, now_ns: int) -> None:
        """A closing order that ended unfilled is followed by another, after a pause: as long as
        the venue said, where it said so, and longer each time where it did not.
        """
        for symbol, order in list(self._last.items()):
            if not order.end:
                continue
            del self._last[symbol]
            put_off_ns = self._away.put_off_ns(order)
            if order.end == FILLED or not self._tracker.closable.units(symbol):
                self._wait_ns.pop(symbol, None)
                self._told_why.pop(symbol, None)
                continue
            wait_ns = self._wait_ns.get(symbol, self._times.retry_close_ns)
            self._not_before_ns[symbol] = max(now_ns + wait_ns, put_off_ns or 0)
            if put_off_ns is None or put_off_ns <= now_ns:
                self._wait_ns[symbol] = next_wait_ns(wait_ns, self._times.longest_close_ns)
            if put_off_ns is None:  # of the others the human has been told
                self._tell_failed(order)

    def _tell_failed(self, order: GateOrder) -> None:
        """Told once, and again where the reason is another."""
        why = order.why or f"it ended as {order.end}"
        if self._told_why.get(order.symbol) != why:
            self._told_why[order.symbol] = why
            self._output.alarm(
                "closing failed",
                f"{order.client_id}, which closes {self._tracker.symbols[order.symbol]}: "
                f"{why.rstrip('.')}. It is tried again, with growing pauses.",
            )

    def _are_to_close(self) -> set[str]:
        """Where something is held that an order can close; a late fill may have done it."""
        tracker = self._tracker
        return {tracker.symbols[symbol] for symbol in tracker.net if tracker.closable.units(symbol)}

    def _waiting_symbols(self) -> set[int]:
        """Where an answer is about to come that changes what is to be closed."""
        waiting = {order.symbol for order in self._tracker.behind.values()}
        for order in self._tracker.open.values():
            if order not in self._doubts and not order.is_nameless:
                waiting.add(order.symbol)
        return waiting

    def _working_by_symbol(self) -> defaultdict[int, list[GateOrder]]:
        working: defaultdict[int, list[GateOrder]] = defaultdict(list)
        for order in self._tracker.open.values():
            working[order.symbol].append(order)
        return working

    def _close(self, symbol: int, units: int, now_ns: int) -> None:
        number = self._strangers.own_number + 1
        order = self._strangers.own_order(number, symbol, -units)
        order.placing = True
        self._told = False
        self._tracker.add(order)
        self._last[symbol] = order
        self._output.events.append(GateGave(symbol, number, -units))
        venue_order = order.for_venue(self._tracker.symbols[symbol])
        order.call = self._calling.place(venue_order, True, now_ns)

    def _tell_when_done(self) -> None:
        tracker = self._tracker
        if self._told or tracker.open or tracker.behind:
            return
        if any(map(tracker.closable.units, tracker.net)):
            return
        self._told = True
        self._output.events.append(GateActed("flattened", self._latch.reason))
