"""Exits that a venue has turned away at its door, as in a ban: each is given once it may be.

Nothing has happened at the venue, so the very same order is asked for again. Until none waits,
nothing that opens leaves: exits go first. What the gate closes by itself is counted anew by then.
"""

from typing import Final

from app.core.halts import ALL_SYMBOLS
from app.core.intervals import SECOND_NS
from app.core.venue import TurnedAway, VenueRefused
from app.managers.execution_manager.gate.calling import Calling
from app.managers.execution_manager.gate.calls import GateTimes, Output, next_wait_ns
from app.managers.execution_manager.gate.gate_order import GATE, RUN, GateOrder
from app.managers.execution_manager.gate.latch import EXITS_WAIT, Latch

_AT_ONCE_NS: Final = 0


class _Waiting:
    """One order, and when it is asked for again."""

    def __init__(self, order: GateOrder, symbol: str, wait_ns: int) -> None:
        self.order = order
        self.symbol = symbol
        self.why = ""
        self.wait_ns = wait_ns  # the next pause, where the venue does not say how long
        self.at_ns: int | None = None  # None: it is being asked for

    def due_ns(self) -> int | None:
        """One that is not to leave any more is asked for at once: that tells why it does not."""
        stays = self.order.cancel_wanted or self.order.end
        return _AT_ONCE_NS if stays and self.at_ns is not None else self.at_ns


class TurnedAwayExits:
    """Keeps orders of the run that only reduce, and those by which the gate closes."""

    def __init__(self, latch: Latch, calling: Calling, times: GateTimes, output: Output) -> None:
        self._latch = latch
        self._calling = calling
        self._times = times
        self._output = output
        self._waiting: dict[str, _Waiting] = {}
        self.closings: dict[str, str] = {}  # by symbol: why what is to be closed waits
        self._put_off: dict[str, int] = {}  # orders that were to close, and until when
        self._told_ns: int | None = None  # when a human was told that it is tried again

    def takes(self, order: GateOrder, symbol: str, answer: VenueRefused, now_ns: int) -> bool:
        """Whether a placement that came to this is made again later."""
        if not isinstance(answer, TurnedAway):
            return False
        if order.owner == GATE:
            self._note_closing(order, symbol, answer, now_ns)
        if not order.reduce_only or order.owner != RUN:
            return False
        waiting = self._waiting.get(order.client_id)
        if waiting is None:
            waiting = _Waiting(order, symbol, self._times.retry_close_ns)
            self._waiting[order.client_id] = waiting
            why = f"{order.client_id}, which reduces {symbol}: {answer}"
            self._output.alarm("exit waits", why)
            self._latch.halt(ALL_SYMBOLS, f"{EXITS_WAIT}: {why}")
        waiting.why, wait_ns = str(answer), int(answer.wait_seconds * SECOND_NS)
        if not wait_ns:
            wait_ns = waiting.wait_ns
            waiting.wait_ns = next_wait_ns(wait_ns, self._times.longest_close_ns)
        waiting.at_ns = now_ns + wait_ns
        order.placing = True  # its placement is not over
        return True

    def _note_closing(self, order: GateOrder, symbol: str, answer: TurnedAway, now_ns: int) -> None:
        """Told once, and again where it is to be much later than was told."""
        at_ns = now_ns + int(answer.wait_seconds * SECOND_NS)
        self._put_off[order.client_id], self.closings[symbol] = at_ns, str(answer)
        most_ns, told_ns = self._times.longest_close_ns, self._told_ns
        if told_ns is None or (answer.wait_seconds and at_ns > told_ns + most_ns):
            self._told_ns = at_ns
            seconds = -(-(at_ns - now_ns) // SECOND_NS)
            when = f"in {seconds} s" if seconds else "soon, and again with growing pauses"
            why = f"{order.client_id}, which closes {symbol}: {str(answer).rstrip('.')}"
            self._output.alarm("closing waits", f"{why}. It is tried again {when}.")

    def put_off_ns(self, order: GateOrder) -> int | None:
        """Until when the venue has put off an order that was to close; asked once of each."""
        return self._put_off.pop(order.client_id, None)

    def keep_closings(self, names: set[str]) -> None:
        """Only these symbols are to be closed by now."""
        if self.closings and not self.closings.keys() <= names:
            self.closings = {name: why for name, why in self.closings.items() if name in names}
            if not self.closings:
                self._told_ns = None

    def exits(self) -> dict[str, str]:
        """The run's exits that wait, by name: what they reduce, and why they wait."""
        return {name: f"{one.symbol}: {one.why}" for name, one in self._waiting.items()}

    def settle(self, order: GateOrder) -> None:
        """More is known of an order than that it was turned away."""
        if order.owner == GATE and order.acknowledged:  # the venue takes what closes again
            self._told_ns = None
            self.closings.clear()
        waiting = self._waiting.pop(order.client_id, None)
        if waiting is not None:
            order.placing = order.placing and waiting.at_ns is None
            self._output.alarm("exit waits no more", f"{order.client_id}: {order.state}")
        self._lift()

    def halts(self, why: str) -> bool:
        """Whether this is the halt for exits that wait: it ends when they are out."""
        return bool(self._waiting) and why.startswith(EXITS_WAIT)

    def halt_again(self) -> None:
        """Another halt stood in the place of the one for exits that wait, and is lifted."""
        for name, why in self.exits().items():
            self._latch.halt(ALL_SYMBOLS, f"{EXITS_WAIT}: {name}, which reduces {why}")

    def _lift(self) -> None:
        if not self._waiting and self._latch.why(ALL_SYMBOLS).startswith(EXITS_WAIT):
            self._latch.resume(ALL_SYMBOLS, "No exit waits any more.")  # nor before a restart

    def next_ns(self) -> int | None:
        """When the next one is asked for."""
        times = (waiting.due_ns() for waiting in self._waiting.values())
        return min((at_ns for at_ns in times if at_ns is not None), default=None)

    def tick(self, symbols: tuple[str, ...], now_ns: int) -> None:
        """Ask for what is due."""
        self._lift()
        for waiting in list(self._waiting.values()):
            due_ns, order = waiting.due_ns(), waiting.order
            if due_ns is None or due_ns > now_ns:
                continue
            if order.end:
                self.settle(order)
                continue
            waiting.at_ns = None
            venue_order = order.for_venue(symbols[order.symbol])
            order.call = self._calling.place(venue_order, False, now_ns)
