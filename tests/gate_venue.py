"""An honest little venue with faults, and a driver that plays it against the gate's book.

Simulated time, one seed: nothing here has a thread or a clock. The venue keeps the truth; what it
says of it may come late, twice, in another order, or never.
"""

import heapq
from collections import defaultdict
from collections.abc import Callable
from random import Random

import msgspec

from app.core import orders as states
from app.core.order_events import Intent, OrderEvent
from app.core.orders import IOC, MARKET, Terms
from app.core.venue import (
    LIVE_STATES,
    Connected,
    Disconnected,
    Execution,
    OrderItem,
    VenueOrder,
    VenueRefused,
    VenueReport,
    VenueUnclear,
)
from app.managers.execution_manager.gate.calls import (
    Alarm,
    AmendCall,
    Answer,
    Call,
    CancelCall,
    ExecutionsCall,
    OpenOrdersCall,
    OrderCall,
    PlaceCall,
)
from app.managers.execution_manager.gate.gate_book import GateBook
from app.managers.execution_manager.gate.reconcile import Difference, VenueSays, reconcile

MILLISECOND, SECOND = 1_000_000, 1_000_000_000
START_NS = 1_700_000_000 * SECOND
FAULTS = (
    "timeout_before", "timeout_after", "lands_late", "rejected", "rejected_after", "not_found",
    "frame_lost", "frame_twice", "frame_late", "disconnect", "late_fill", "garbage", "rollback",
    "cancel_pending", "hangs",
)  # fmt: skip


class Held(msgspec.Struct):
    """An order as the venue holds it."""

    order: VenueOrder
    venue_id: str
    terms: Terms
    at_ns: int
    hidden_until_ns: int = 0
    state: str = states.ACCEPTED
    filled_units: int = 0
    reason: str = ""

    @property
    def works(self) -> bool:
        return self.state in LIVE_STATES


class Play:
    """The venue, the time, and the book under test; `odds` of each fault until `calm` is called."""

    def __init__(self, book: GateBook, seed: int = 0, odds: dict[str, float] | None = None) -> None:
        self.book = self.asker = book
        self.now_ns = START_NS
        self.random = Random(seed)
        self.odds = odds or {}
        self.fired: defaultdict[str, int] = defaultdict(int)
        self.held: dict[str, Held] = {}
        self.executions: list[Execution] = []
        self.positions: defaultdict[str, int] = defaultdict(int)
        self.placements: defaultdict[str, int] = defaultdict(int)  # that reached the venue
        self.begun: list[Call] = []
        self.events: list[OrderEvent] = []
        self.journal: list[Intent | OrderEvent] = []
        self.alarms: list[Alarm] = []
        self.connected = True
        self.reachable = True
        self.on_begin: Callable[[Call], None] = lambda call: None
        self._execution_number = 0
        self._venue_number = 0
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0
        self._moments = 0

    # Time

    def after(self, delay_ns: int, act: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._heap, (self.now_ns + delay_ns, self._count, act))

    def run(self, seconds: float) -> None:
        """Let so much time pass."""
        end_ns = self.now_ns + round(seconds * SECOND)
        while True:
            due_ns = self.book.due_ns()
            next_ns = self._heap[0][0] if self._heap else end_ns
            if due_ns is not None and due_ns < next_ns:
                next_ns = due_ns
            if next_ns >= end_ns:
                break
            self._moments = self._moments + 1 if next_ns <= self.now_ns else 0
            assert self._moments < 1000, "time stands still"
            self.now_ns = max(self.now_ns, next_ns)
            if self._heap and self._heap[0][0] <= self.now_ns:
                heapq.heappop(self._heap)[2]()
            else:
                self.book.tick(self.now_ns)
            self.collect()
        self.now_ns = end_ns

    def chance(self, fault: str) -> bool:
        if self.random.random() < self.odds.get(fault, 0.0):
            self.fired[fault] += 1
            return True
        return False

    def _some_ns(self, most_seconds: float) -> int:
        return self.random.randrange(1, round(most_seconds * SECOND))

    # The book's side

    def send(self, *intents: Intent) -> None:
        self.journal += intents
        self.book.send(intents, self.now_ns)
        self.collect()

    def collect(self) -> None:
        out = self.book.take()
        self.events += out.events
        self.journal += out.events
        self.alarms += out.alarms
        for call in out.calls:
            self._begin_soon(call)

    def _begin_soon(self, call: Call) -> None:
        book = self.book

        def begin() -> None:
            if self.book is not book or not book.begin(call, self.now_ns):
                return  # the process is gone, or the latch fell
            self.begun.append(call)
            self.on_begin(call)
            self.after(self._some_ns(0.05), lambda: self._serve(call, book))

        self.after(self.random.randrange(2) * MILLISECOND, begin)

    def _answer(self, call: Call, answer: Answer, most_seconds: float = 0.05) -> None:
        if self.chance("hangs"):
            most_seconds = 40.0
        book = self.asker
        self.after(self._some_ns(most_seconds), lambda: book.answered(call, answer, self.now_ns))

    def crash(self, book: GateBook, lost: int) -> list[Difference]:
        """Go on with a new book, from the journal without its last events."""
        while lost and self.journal and isinstance(self.journal[-1], OrderEvent):
            lost -= 1
            assert self.journal.pop() == self.events.pop()
        self.book = book
        for item in self.journal:
            book.recall(item)
        names = list(book.tracker.open)
        seen = [self._seen(name) for name in self.held]
        says = VenueSays(
            {name: self.report(one) if (one := self._seen(name)) else None for name in names},
            [self.report(one) for one in seen if one is not None and one.works],
            self.executions,
            dict(self.positions),
            {},
        )
        rows = reconcile(book, says, self.now_ns)
        book.recover(self.now_ns)
        self.collect()
        return rows

    # The venue's side

    def _serve(self, call: Call, asker: GateBook) -> None:
        self.asker = asker  # who gets the answer, if it is still there
        if not self.reachable or self.chance("garbage"):
            lost = VenueUnclear("502 Bad Gateway")
            if isinstance(call, PlaceCall) and self.reachable and self.random.random() < 0.5:
                self._accept(call.order)
            self._answer(call, lost)
        elif isinstance(call, PlaceCall):
            self._serve_place(call)
        elif isinstance(call, CancelCall):
            self._serve_cancel(call)
        elif isinstance(call, AmendCall):
            self._serve_amend(call)
        elif isinstance(call, OrderCall):
            held = self._seen(call.client_id)
            self._answer(call, self.report(held) if held is not None else None)
        elif isinstance(call, OpenOrdersCall):
            seen = [self._seen(name) for name in self.held]
            self._answer(call, [self.report(one) for one in seen if one is not None and one.works])
        elif isinstance(call, ExecutionsCall):
            self._answer(call, [one for one in self.executions if one.at_ns >= call.since_ns])
        else:
            self._answer(call, dict(self.positions))

    def _seen(self, client_id: str) -> Held | None:
        held = self.held.get(client_id)
        return held if held is not None and held.hidden_until_ns <= self.now_ns else None

    def _serve_place(self, call: PlaceCall) -> None:
        if self.chance("rejected"):
            self._answer(call, VenueRefused("not enough money"))
        elif self.chance("timeout_before"):
            self._answer(call, VenueUnclear("timed out"), 5)
        elif self.chance("lands_late"):
            self._answer(call, VenueUnclear("timed out"), 1)
            delay_ns = self._some_ns(20)
            hide_seconds = 30 - delay_ns / SECOND  # all in all it says "not found" for 30 s
            self.after(delay_ns, lambda: self._accept(call.order, hide_seconds))
        elif self.chance("timeout_after"):
            self._accept(call.order)
            self._answer(call, VenueUnclear("timed out"), 5)
        else:
            held = self._accept(call.order)
            self._answer(call, self.report(held))

    def _accept(self, order: VenueOrder, hide_seconds: float = 30) -> Held:
        self.placements[order.client_id] += 1
        self._venue_number += 1
        held = Held(order, f"v{self._venue_number}", order.terms, self.now_ns)
        self.held[order.client_id] = held
        if self.chance("not_found"):
            held.hidden_until_ns = self.now_ns + self._some_ns(hide_seconds)
        self.tell(held)
        if self.chance("rejected_after"):
            self.after(self._some_ns(2), lambda: self.reject(held))
        elif order.kind == MARKET:
            self.after(self._some_ns(0.2), lambda: self.fill(held, self.rest(held)))
            if order.tif == IOC:
                self.after(self._some_ns(0.3), lambda: self.end(held, states.CANCELED))
        return held

    def _serve_cancel(self, call: CancelCall) -> None:
        held = self._seen(call.client_id)
        if held is None or not held.works:
            self._answer(call, VenueRefused("it is not working"))
        elif self.chance("cancel_pending"):
            held.state = states.CANCEL_PENDING
            self.after(self._some_ns(3), lambda: self.end(held, states.CANCELED))
            self._answer(call, self.report(held))
        else:
            self._cancel(held)
            if self.chance("timeout_after"):
                self._answer(call, VenueUnclear("timed out"), 5)
            else:
                self._answer(call, self.report(held))

    def _cancel(self, held: Held) -> None:
        self.end(held, states.CANCELED)
        if self.chance("late_fill"):
            units = self.rest(held) // 2
            self.after(self._some_ns(2), lambda: self.fill(held, units, ended=True))

    def _serve_amend(self, call: AmendCall) -> None:
        held = self._seen(call.client_id)
        if held is None or not held.works or abs(held.filled_units) >= abs(call.terms.units):
            self._answer(call, VenueRefused("too late to change it"))
        elif self.chance("timeout_before"):
            self._answer(call, VenueUnclear("timed out"), 5)
        else:
            held.terms, held.at_ns = call.terms, self.now_ns
            lost = self.chance("timeout_after")
            self.tell(held)
            self._answer(call, VenueUnclear("timed out") if lost else self.report(held))

    def rest(self, held: Held) -> int:
        return held.terms.units - held.filled_units

    def report(self, held: Held) -> VenueReport:
        return VenueReport(
            client_id=held.order.client_id,
            venue_id=held.venue_id,
            symbol=held.order.symbol,
            state=held.state,
            units=held.terms.units,
            filled_units=held.filled_units,
            kind=held.order.kind,
            at_ns=held.at_ns,
            limit=held.terms.limit,
            stop=held.terms.stop,
            reason=held.reason,
        )

    def tell(self, held: Held) -> None:
        self.frame(self.report(held))

    def frame(self, item: OrderItem) -> None:
        if not self.connected or self.chance("frame_lost"):
            return
        copies = 2 if self.chance("frame_twice") else 1
        for _ in range(copies):
            late = self.chance("frame_late")
            delay_ns = self._some_ns(8 if late else 0.02)
            self.after(delay_ns, lambda: self.book.streamed(item, self.now_ns))

    def fill(self, held: Held, units: int, ended: bool = False) -> None:
        if (not held.works and not ended) or not units:
            return
        if held.order.reduce_only:
            have = self.positions[held.order.symbol]
            units = max(min(units, -have), 0) if units > 0 else min(max(units, -have), 0)
            if not units:
                self.end(held, states.CANCELED)
                return
        self._execution_number += 1
        held.filled_units += units
        held.at_ns = self.now_ns
        if held.works:
            held.state = states.PARTIAL if self.rest(held) else states.FILLED
        execution = Execution(
            execution_id=f"e{self._execution_number}",
            client_id=held.order.client_id,
            venue_id=held.venue_id,
            symbol=held.order.symbol,
            units=units,
            price=10.0 + self._execution_number % 7,
            fee_units=1,
            at_ns=self.now_ns,
        )
        self.executions.append(execution)
        self.positions[held.order.symbol] += units
        self.frame(execution)
        self.tell(held)

    def end(self, held: Held, state: str, reason: str = "") -> None:
        if held.works:
            held.state, held.reason, held.at_ns = state, reason, self.now_ns
            self.tell(held)

    def reject(self, held: Held) -> None:
        if not held.filled_units:
            self.end(held, states.REJECTED, "the exchange said no")
        elif held.order.kind == MARKET:
            self.fill(held, self.rest(held))

    # What happens by itself

    def working(self) -> list[Held]:
        return [one for one in self.held.values() if one.works]

    def something(self) -> None:
        """A fill, a disconnect, a restart: what a venue does unasked."""
        working = self.working()
        if working and self.random.random() < 0.5:
            one = self.random.choice(working)
            units = self.rest(one)
            self.fill(one, units if self.random.random() < 0.5 else units // 2 or units)
        if self.connected and self.chance("disconnect"):
            self.disconnect()
            self.after(self._some_ns(20), self.connect)
        if self.chance("rollback"):
            self._execution_number = self._venue_number = 0

    def disconnect(self) -> None:
        self.connected = False
        self.book.streamed(Disconnected(self.now_ns, "reset by peer"), self.now_ns)

    def connect(self) -> None:
        self.connected = True
        self.book.streamed(Connected(self.now_ns), self.now_ns)

    def calm(self) -> None:
        """No faults from here on; the stream stands."""
        self.odds = {}
        if not self.connected:
            self.connect()
