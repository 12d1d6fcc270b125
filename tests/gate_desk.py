"""A hand-played venue for the gate's book: each call is answered as the test says."""

from typing import Any, TypeVar

from app.core.order_events import Amend, Cancel, Intent, OrderEvent, Place
from app.core.orders import DAY, LIMIT, Terms
from app.core.venue import Execution, OrderItem, VenueReport, VenueUnclear, client_id
from app.managers.execution_manager.gate.calls import (
    Alarm,
    Answer,
    Call,
    CancelCall,
    ExecutionsCall,
    OpenOrdersCall,
    OrderCall,
    PlaceCall,
    PositionsCall,
)
from app.managers.execution_manager.gate.gate_book import GateBook

RUN = "20240102-1430-00"
SHARE = 100_000_000
SECOND = 1_000_000_000
START_NS = 1_700_000_000 * SECOND
CallT = TypeVar("CallT", bound=Call)


def name(number: int = 1) -> str:
    return client_id(RUN, number)


def place(
    number: int = 1, shares: int = 100, symbol: int = 0, opens: bool = True, kind: str = LIMIT
) -> Place:
    limit = 10.0 if kind == LIMIT else None
    terms = Terms(shares * SHARE, limit, None, None, None)
    return Place(number, symbol, kind, DAY, terms, False, opens)


class Desk:
    """Sweeps are answered by themselves with what `executions` and `positions` hold."""

    def __init__(self, book: GateBook | None = None, **settings: Any) -> None:
        self.book = book or GateBook(RUN, ["AAA", "BBB"], since_ns=START_NS, **settings)
        self.now_ns = START_NS
        self.events: list[OrderEvent] = []
        self.alarms: list[Alarm] = []
        self.waiting: list[Call] = []  # begun, not answered
        self.executions: list[Execution] = []
        self.open: list[VenueReport] = []
        self.positions: dict[str, int] | None = None  # None: they are never answered
        self.wait(0)  # the first questions

    # What the gate is told

    def send(self, *intents: Intent) -> None:
        self.book.send(intents, self.now_ns)
        self._collect()

    def kill(self, mode: str) -> None:
        self.book.kill(mode, "a test", self.now_ns)
        self._collect()

    def stream(self, *items: OrderItem) -> None:
        for item in items:
            self.book.streamed(item, self.now_ns)
        self._collect()

    def answer(self, kind: type[CallT], answer: Answer) -> CallT:
        call = self.call(kind)
        self.waiting.remove(call)
        self.book.answered(call, answer, self.now_ns)
        self._collect()
        return call

    def call(self, kind: type[CallT]) -> CallT:
        return next(call for call in self.waiting if isinstance(call, kind))

    def calls(self, kind: type) -> int:
        return sum(isinstance(call, kind) for call in self.waiting)

    def wait(self, seconds: float, answer: Answer | str = "hold") -> None:
        """Let time pass; questions for orders get `answer`, unless they are held."""
        end_ns, steps = self.now_ns + round(seconds * SECOND), 0
        while (due_ns := self.book.due_ns()) is not None and due_ns <= end_ns:
            steps = steps + 1 if due_ns <= self.now_ns else 0
            assert steps < 100, "time stands still"
            self.now_ns = max(self.now_ns, due_ns)
            self.book.tick(self.now_ns)
            self._collect()
            while answer != "hold" and self.calls(OrderCall):
                self.answer(OrderCall, answer)  # type: ignore[arg-type]
        self.now_ns = end_ns

    def _collect(self) -> None:
        out = self.book.take()
        self.events += out.events
        self.alarms += out.alarms
        for call in out.calls:
            if not self.book.begin(call, self.now_ns):
                self._collect()
            elif isinstance(call, ExecutionsCall):
                found = [one for one in self.executions if one.at_ns >= call.since_ns]
                self.book.answered(call, found, self.now_ns)
                self._collect()
            elif isinstance(call, OpenOrdersCall):
                answer = self.open if self.open else VenueUnclear("not asked in this test")
                self.book.answered(call, answer, self.now_ns)
                self._collect()
            elif isinstance(call, PositionsCall):
                positions = VenueUnclear("not asked in this test")
                held = positions if self.positions is None else self.positions
                self.book.answered(call, held, self.now_ns)
                self._collect()
            else:
                self.waiting.append(call)

    # What the venue says

    def report(self, state: str = "ACCEPTED", filled: int = 0, **fields: Any) -> VenueReport:
        known: dict[str, Any] = {
            "client_id": name(), "venue_id": "v1", "symbol": "AAA", "units": 100 * SHARE,
            "kind": LIMIT, "limit": 10.0, "at_ns": self.now_ns,
        }  # fmt: skip
        return VenueReport(state=state, filled_units=filled * SHARE, **{**known, **fields})

    def fill(self, execution_id: str = "e1", shares: int = 100, **fields: Any) -> Execution:
        """An execution that the venue will also give when asked."""
        known: dict[str, Any] = {
            "client_id": name(), "venue_id": "v1", "symbol": "AAA", "price": 10.0,
            "fee_units": 1, "at_ns": self.now_ns,
        }  # fmt: skip
        execution = Execution(
            execution_id=execution_id, units=shares * SHARE, **{**known, **fields}
        )
        self.executions.append(execution)
        return execution

    # States to begin from

    def bring(self, state: str) -> "Desk":
        """Bring order 1, of 100 shares, to a state; what was told until then is forgotten."""
        self.send(place())
        if state == "UNKNOWN":
            self.answer(PlaceCall, VenueUnclear("timed out"))
        elif state != "SUBMITTED":
            self.answer(PlaceCall, self.report())
        if state == "PARTIAL":
            self.stream(self.fill("e0", 40), self.report("PARTIAL", 40))
        if state in ("CANCEL_PENDING", "CANCELED"):
            self.send(Cancel(1))
        if state == "CANCELED":
            self.answer(CancelCall, self.report("CANCELED"))
        if state == "AMEND_PENDING":
            self.send(Amend(1, Terms(80 * SHARE, 11.0, None, None, None), True))
        if state == "FILLED":
            self.stream(self.fill("e0"), self.report("FILLED", 100))
        order = self.book.tracker.orders.numbered(1)
        assert order is not None and order.end == (state if state in ENDED else "")
        self.events.clear()
        self.now_ns += SECOND // 10
        return self


ENDED = ("CANCELED", "FILLED")
