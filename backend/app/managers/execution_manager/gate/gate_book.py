"""The gate's book: intents, answers, stream items and time in; calls, events and alarms out.

No thread and no clock: each input brings its time, and `take` gives what came of it. Whoever makes
a call asks `begin` just before, and brings the answer to `answered`, once.
"""

from collections.abc import Mapping, Sequence
from typing import cast

from app.core import orders as states
from app.core.halts import ALL_SYMBOLS
from app.core.order_events import Intent, OrderEvent, Place, Split, Uncertain
from app.core.venue import (
    Connected,
    Disconnected,
    Execution,
    OrderItem,
    VenueRefused,
    VenueReport,
    VenueUnclear,
)  # fmt: skip
from app.managers.execution_manager.gate.calling import Calling
from app.managers.execution_manager.gate.calls import (
    AmendCall,
    Answer,
    Call,
    CancelCall,
    ChangingCall,
    ExecutionsCall,
    GateStatus,
    GateTimes,
    OpenOrdersCall,
    OrderCall,
    Output,
    PlaceCall,
    PositionsCall,
    SizesCall,
)  # fmt: skip
from app.managers.execution_manager.gate.changes import Changes
from app.managers.execution_manager.gate.closing import Closing
from app.managers.execution_manager.gate.doubts import Doubts
from app.managers.execution_manager.gate.gate_order import GateOrder
from app.managers.execution_manager.gate.latch import Latch
from app.managers.execution_manager.gate.recall import recall
from app.managers.execution_manager.gate.sizes import SymbolSizes
from app.managers.execution_manager.gate.splits import ComingSplit, Splits
from app.managers.execution_manager.gate.strangers import IGNORE, Strangers
from app.managers.execution_manager.gate.sweep import Sweep
from app.managers.execution_manager.gate.tracker import Tracker
from app.managers.execution_manager.gate.turned_away import TurnedAwayExits


class GateBook:
    """`positions` are those the run began with, in units; `since_ns` when, by the venue's clock."""

    def __init__(
        self,
        run_id: str,
        symbols: Sequence[str],
        *,
        since_ns: int,
        positions: dict[str, int] | None = None,
        external: str = IGNORE,
        times: GateTimes | None = None,
        lot_units: Sequence[int] = (),
        tick_units: Sequence[int] = (),
    ) -> None:
        self._since_ns = since_ns
        self._times = times or GateTimes()
        self._output = Output()
        self._calling = Calling(self._output, self._times.patience_ns)
        self.latch = Latch(self._output)
        self._strangers = Strangers(run_id, external, self.latch)
        held = {symbols.index(name): units for name, units in (positions or {}).items()}
        self.tracker = Tracker(
            run_id, symbols, held, self._strangers, self.latch, self._output, lot_units
        )
        self._doubts = Doubts(self.tracker, self._calling, self._times)
        self._away = TurnedAwayExits(self.latch, self._calling, self._times, self._output)
        self._splits = Splits(self.tracker)
        self._sizes = SymbolSizes(self.tracker, self.latch, self._calling, tick_units)
        self._sweep = Sweep(
            self.tracker, self.latch, self._splits, self._calling, self._times, since_ns
        )
        self._closing = Closing(
            self.tracker, self._doubts, self.latch, self._strangers, self._away, self._calling,
            self._times, self._output,
        )  # fmt: skip
        self._changes = Changes(run_id, self.tracker, self.latch, self._calling, self._output)
        self._is_deaf = False  # its stream is lost

    def take(self) -> Output:
        """What came of the inputs since the last time."""
        return self._output.take()

    def send(self, intents: Sequence[Intent], now_ns: int) -> None:
        """Intents of strategies, durable by now."""
        for intent in intents:
            if isinstance(intent, Split):
                self._splits.take(intent)
                self._sweep.everything(now_ns)  # of its orders too: a venue may have ended them
            else:
                self._changes.send(intent, now_ns)

    def expect(self, coming: Sequence[ComingSplit]) -> None:
        """Splits that a venue may make before the run does."""
        self._splits.expect(coming)

    # Calls

    def begin(self, call: Call, now_ns: int) -> bool:
        """Whether a call may still be made; asked just before, for a latch may have fallen."""
        if isinstance(call, ChangingCall):
            order = self.tracker.orders[call.client_id]
            if not self._changes.may_begin(call, order):
                order.call, order.placing = 0, False
                self._after(order, now_ns)
                return False
        self._calling.begin(call, now_ns)
        return True

    def answered(self, call: Call, answer: Answer, now_ns: int) -> None:
        """What came of a call."""
        self._calling.end(call.number)
        if isinstance(call, ChangingCall):
            self._changed(call, answer, now_ns)
        elif isinstance(call, OrderCall):
            self._told(self.tracker.orders[call.client_id], answer, now_ns)
        elif isinstance(call, SizesCall):
            self._sizes.answered(call, answer)
        elif isinstance(answer, VenueRefused | VenueUnclear):
            self._sweep.failed(_KINDS[type(call)], now_ns)
        elif isinstance(call, ExecutionsCall):
            executions = list(cast(Sequence[Execution], answer))
            for execution in executions:
                self._take_execution(execution, now_ns)
            self._sweep.answered_executions(executions, now_ns)
        elif isinstance(call, OpenOrdersCall):
            self._take_open(call, cast(Sequence[VenueReport], answer), now_ns)
        else:
            unsettled = self._doubts.symbols() | self.tracker.unsettled()
            positions = cast(dict[str, int], answer)
            self._sweep.answered_positions(positions, unsettled, call.made_ns, now_ns)
        self._closing.look(now_ns)

    def _changed(self, call: ChangingCall, answer: Answer, now_ns: int) -> None:
        order = self.tracker.orders[call.client_id]
        if order.call == call.number:
            order.call = 0
        if isinstance(call, PlaceCall):
            order.placing = False
        if isinstance(answer, VenueReport):
            self.tracker.take_report(answer, now_ns)
            self._doubts.settle(order)
            changing = order.cancel_sent or (order.wanted is not None and order.wanted_sent)
            if changing or not order.acknowledged:
                self._doubts.open(order, now_ns, 4 * self._times.first_ask_ns)
        elif isinstance(answer, VenueRefused):
            self._refused(call, order, answer, now_ns)
        else:
            self._unclear(order, str(answer), now_ns)
        self._after(order, now_ns)

    def _refused(self, call: ChangingCall, order: GateOrder, no: VenueRefused, now_ns: int) -> None:
        if order.end:
            return
        if isinstance(call, PlaceCall) and not order.acknowledged:
            if order in self._doubts or not self._away.takes(order, call.order.symbol, no, now_ns):
                self.tracker.refuse(order, no)
                self._doubts.settle(order)
                self._sizes.refused(order, now_ns)
                self._sweep.refused(order, now_ns)
            return
        if isinstance(call, AmendCall) and order.wanted is not None:
            self.tracker.refuse_terms(order, str(no))
        elif isinstance(call, CancelCall):
            order.cancel_refused = str(no) or "the venue refused"
        self._doubts.open(order, now_ns, 0)  # a refusal says that something here is not as thought

    def _unclear(self, order: GateOrder, why: str, now_ns: int) -> None:
        if order.end:
            return
        if not order.acknowledged and not order.uncertain:
            order.uncertain = True
            self.tracker.tell(order, Uncertain(order.order_id, why))
        self._doubts.open(order, now_ns)

    def _told(self, order: GateOrder, answer: Answer, now_ns: int) -> None:
        """An order was asked for."""
        if answer is None:
            if self._doubts.denied(order, now_ns):
                self._output.alarm("order denied", f"The venue denies {order.client_id}.")
                self._sweep.executions_soon(now_ns)
        elif isinstance(answer, VenueReport):
            self.tracker.take_report(answer, now_ns)
            must_cancel = bool(order.told_end or self._must_cancel(order))
            self._doubts.answered(order, answer, must_cancel, now_ns)
        else:
            self._doubts.unanswered(order, now_ns)
        self._after(order, now_ns)

    def _take_open(self, call: OpenOrdersCall, reports: Sequence[VenueReport], now_ns: int) -> None:
        self._sweep.answered_orders()
        for report in reports:
            self._take_report(report, now_ns)
        for order in self.tracker.missing_in(reports, call.made_ns):
            if order.is_nameless:
                self.tracker.end(order, states.EXPIRED, None)
            else:
                self._doubts.open(order, now_ns, 0)

    # The stream

    def streamed(self, item: OrderItem, now_ns: int) -> None:
        """What the venue told by itself."""
        if isinstance(item, VenueReport):
            self._take_report(item, now_ns)
        elif isinstance(item, Execution):
            self._take_execution(item, now_ns)
        elif isinstance(item, Connected):
            if self._is_deaf:
                self._output.alarm("order stream back", "What was missed is being asked for.")
            self._is_deaf = False
            self._sweep.everything(now_ns)
        elif isinstance(item, Disconnected):
            self._is_deaf = True
            self._output.alarm("order stream lost", item.reason)
        self._closing.look(now_ns)

    def _take_report(self, report: VenueReport, now_ns: int) -> None:
        order = self.tracker.take_report(report, now_ns)
        if order is not None:
            self._doubts.settle(order)
            self._after(order, now_ns)

    def _take_execution(self, execution: Execution, now_ns: int) -> None:
        applied = self.tracker.applied
        order = self.tracker.take_execution(execution, now_ns)
        if self.tracker.applied > applied:
            self._sweep.moved(self.tracker.index[execution.symbol], now_ns)
        if order is not None:
            self._doubts.settle(order)
            self._after(order, now_ns)

    def _after(self, order: GateOrder, now_ns: int) -> None:
        """Something about an order is known that was not."""
        if order.acknowledged or not order.placing:
            self._away.settle(order)
        if order.is_behind:
            self._sweep.expect_fill(now_ns)
        if not order.end:
            if self._must_cancel(order):
                order.cancel_wanted = True
            self._changes.drive(order, now_ns)
        self._closing.look(now_ns)

    # The latch

    def kill(self, mode: str, reason: str, now_ns: int) -> None:
        """Latch; then "flatten" (cancel all, close) or "freeze" (cancel entries)."""
        if self.latch.kill(mode, reason):
            working = self.tracker.open.values()
            for order in sorted(working, key=lambda order: not order.opens):  # entries first
                waits = order.call and not self._calling.is_under_way(order.call)
                if waits and order.placing and not order.acknowledged:
                    self._changes.keep_in(order)
                if not order.end and self._must_cancel(order):
                    order.cancel_wanted = True
                    self._changes.drive(order, now_ns)
            self._closing.look(now_ns)

    def _must_cancel(self, order: GateOrder) -> bool:
        return not self._closing.is_own(order) and self.latch.takes_back(order.opens)

    def halt(self, reason: str, symbol: int = ALL_SYMBOLS) -> None:
        """Exits only."""
        self.latch.halt(symbol, reason)

    def lift(self, reason: str, halted: Mapping[str, str]) -> None:
        """Entries again where a status told of these halts; exits that wait go before them."""
        for symbol, why in self.latch.halted.items():
            if halted.get(self._place_name(symbol)) == why and not self._away.halts(why):
                self.latch.resume(symbol, reason)
        self._away.halt_again()

    def status(self) -> GateStatus:
        """How things stand."""
        tracker = self.tracker
        return GateStatus(
            killed=self.latch.killed,
            halted={self._place_name(at): why for at, why in self.latch.halted.items()},
            open_orders=len(tracker.open),
            opening_orders=sum(order.may_open for order in tracker.open.values()),
            in_doubt=len(self._doubts),
            unanswered=tracker.unanswered(),
            compared=self._sweep.has_compared,
            positions=tracker.closable.holdings(),
            left=tracker.closable.left(),
            away=self._away.exits(),
            put_off=dict(self._away.closings),
        )

    @property
    def names_in_doubt(self) -> list[str]:
        """Orders of which nobody here knows what became of them."""
        return self._doubts.names()

    def refuses(self, report: VenueReport) -> bool:
        """Whether a working order is another's, where those halt their symbol."""
        is_ours = report.symbol in self.tracker.index
        return is_ours and self._strangers.halts and report.client_id not in self.tracker.orders

    def _place_name(self, symbol: int) -> str:
        return "all" if symbol == ALL_SYMBOLS else self.tracker.symbols[symbol]

    def due_ns(self) -> int | None:
        """When `tick` has something to do."""
        parts = self._calling, self._doubts, self._sweep, self._closing, self._away
        found = [one.next_ns() for one in parts]
        return min((at_ns for at_ns in found if at_ns is not None), default=None)

    def tick(self, now_ns: int) -> None:
        """Time has passed."""
        for call in self._calling.overdue(now_ns):
            self._hangs(call, now_ns)
        self._doubts.tick(now_ns)
        self._sweep.tick(now_ns)
        self._closing.tick(now_ns)
        self._away.tick(self.tracker.symbols, now_ns)
        self.tracker.orders.shrink()

    def _hangs(self, call: Call, now_ns: int) -> None:
        """A call takes too long: it counts as unclear. What it says later is still heard."""
        what = type(call).__name__
        self._output.alarm("call hangs", f"{what} {getattr(call, 'client_id', '')}".rstrip())
        if isinstance(call, ChangingCall):
            order = self.tracker.orders[call.client_id]
            order.call = 0
            self._unclear(order, "the venue does not answer", now_ns)
        elif isinstance(call, OrderCall):
            self._doubts.unanswered(self.tracker.orders[call.client_id], now_ns)
        elif type(call) in _KINDS:
            self._sweep.failed(_KINDS[type(call)], now_ns)

    # After a restart

    def recall(self, item: Intent | OrderEvent) -> None:
        """What a journal holds, in order, before anything else is asked of the book."""
        if isinstance(item, Place):
            self.tracker.add(self._changes.new_order(item))
        elif isinstance(item, Split):
            self._splits.take(item)
        else:
            recall(item, self.tracker, self.latch, self._strangers)

    def take_told(self) -> tuple[OrderEvent, ...]:
        """Only the events, before anything is sent: calls and alarms stay for `take`."""
        told = tuple(self._output.events)
        self._output.events.clear()
        return told

    def hear(self, said: VenueReport | Execution, now_ns: int) -> None:
        """An answer that reconciliation got."""
        if isinstance(said, VenueReport):
            self._take_report(said, now_ns)
        else:
            self._take_execution(said, now_ns)

    def hold_against(self, symbol: int, theirs_units: int, now_ns: int) -> bool:
        """Whether a position agrees with the venue's; else the symbol is halted."""
        return self._sweep.hold_against(symbol, theirs_units, 0, now_ns)

    def agrees(self, symbol: int, theirs_units: int, now_ns: int) -> bool:
        """Whether a position agrees with the venue's, but for a split that is to come."""
        return self._sweep.agrees(symbol, theirs_units, now_ns)

    def recover(self, now_ns: int) -> None:
        """Go on after a restart: orders that nothing was heard of are asked for first."""
        self._sizes.ask_all(now_ns)
        self._strangers.skip_numbers(now_ns - self._since_ns)
        self.tracker.refuse_recalled()
        for order in list(self.tracker.open.values()):
            if not order.known_ns or order.cancel_wanted or order.wanted is not None:
                self._doubts.open(order, now_ns, 0)
            if order.known_ns:
                self._after(order, now_ns)
        self._sweep.everything(now_ns)
        self._closing.look(now_ns)


_KINDS: dict[type, str] = {
    ExecutionsCall: "executions",
    OpenOrdersCall: "orders",
    PositionsCall: "positions",
}
