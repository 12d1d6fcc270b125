"""What is asked of orders: intents on their way to the venue, one change of an order at a time.

What is asked of an order meanwhile is kept until the change under way has been answered.
"""

from app.core import orders as states
from app.core.money import from_units
from app.core.order_events import KEPT_IN, Amend, Cancel, ChangeRefused, Place, Refused
from app.core.venue import client_id
from app.managers.execution_manager.gate.calling import Calling
from app.managers.execution_manager.gate.calls import (
    AmendCall,
    CancelCall,
    ChangingCall,
    Output,
    PlaceCall,
)
from app.managers.execution_manager.gate.gate_order import RUN, GateOrder
from app.managers.execution_manager.gate.latch import Latch
from app.managers.execution_manager.gate.tracker import HAS_FILLED, Tracker


class Changes:
    """Places, cancels and amends, as far as the latch lets it."""

    def __init__(
        self,
        run_id: str,
        tracker: Tracker,
        latch: Latch,
        calling: Calling,
        output: Output,
    ) -> None:
        self._run_id = run_id
        self._tracker = tracker
        self._latch = latch
        self._calling = calling
        self._output = output

    def send(self, intent: Place | Cancel | Amend, now_ns: int) -> None:
        """An intent of a strategy, durable by now."""
        if isinstance(intent, Place):
            self._place(intent, now_ns)
            return
        order = self._tracker.orders.numbered(intent.order_id)
        if order is None:
            event = ChangeRefused(intent.order_id, "The gate has no such order.")
            self._output.events.append(event)
        elif order.end:  # any end but that of an amendment has been told
            if isinstance(intent, Amend) and order.end == states.FILLED:
                self._output.events.append(ChangeRefused(order.order_id, HAS_FILLED))
        elif isinstance(intent, Cancel):
            order.cancel_wanted = True
            self.drive(order, now_ns)
        else:
            self._amend(order, intent, now_ns)

    def _place(self, intent: Place, now_ns: int) -> None:
        order = self.new_order(intent)
        if order.client_id in self._tracker.orders:
            return  # given already: an order has one placement
        self._tracker.add(order)
        why = self._latch.against(order.symbol, order.opens) or self._too_large(order)
        if why:
            self._tracker.end(order, states.REJECTED, Refused(order.order_id, why, KEPT_IN))
            return
        order.placing = True
        venue_order = order.for_venue(self._name(order))
        order.call = self._calling.place(venue_order, False, now_ns)

    def _too_large(self, order: GateOrder) -> str:
        """Why an entry cannot be taken, or its stop could not, or ""."""
        most_units = self._tracker.closable.most_units.get(order.symbol)
        if most_units is None or not order.opens or abs(order.terms.units) <= most_units:
            return ""
        size, most = from_units(abs(order.terms.units)), from_units(most_units)
        name = self._name(order)
        return f"too_large: {size} is over {most}, the most of {name} that one order may be"

    def new_order(self, intent: Place) -> GateOrder:
        """The order that an intent asks for."""
        return GateOrder(
            client_id=client_id(self._run_id, intent.order_id),
            owner=RUN,
            order_id=intent.order_id,
            symbol=intent.symbol,
            kind=intent.kind,
            tif=intent.tif,
            terms=intent.terms,
            reduce_only=intent.reduce_only,
            opens=intent.opens,
            counted_here=intent.counted_here,
        )

    def _amend(self, order: GateOrder, intent: Amend, now_ns: int) -> None:
        why = self._latch.against(order.symbol, intent.opens)
        if not why and order.wanted is not None and order.wanted_sent:
            why = "another change is under way"
        if why:
            self._tracker.tell(order, ChangeRefused(order.order_id, why))
            return
        order.wanted, order.wanted_opens, order.wanted_sent = intent.terms, intent.opens, False
        self.drive(order, now_ns)

    def keep_in(self, order: GateOrder) -> None:
        """A placement that has not left yet is refused, if a latch says so."""
        why = self._latch.against(order.symbol, order.opens) if order.owner == RUN else ""
        if why:
            order.placing, order.call = False, 0
            self._tracker.end(order, states.REJECTED, Refused(order.order_id, why, KEPT_IN))

    def drive(self, order: GateOrder, now_ns: int) -> None:
        """Make the next change an order is waiting for, if nothing stands before it."""
        busy = order.call and not order.placing  # an acknowledged placement is over
        if order.end or busy or not order.acknowledged:
            return
        if order.cancel_wanted:
            if not order.cancel_sent and order.is_nameless:
                order.cancel_sent = True
                self._output.alarm("cannot be cancelled", f"{order.client_id}: it has no name.")
            elif not order.cancel_sent:
                order.cancel_sent = True
                order.call = self._calling.cancel(order.client_id, self._name(order), now_ns)
        elif order.wanted is not None and not order.wanted_sent:
            order.wanted_sent = True
            name = self._name(order)
            order.call = self._calling.amend(order.client_id, name, order.wanted, now_ns)

    def _name(self, order: GateOrder) -> str:
        return self._tracker.symbols[order.symbol]

    def may_begin(self, call: ChangingCall, order: GateOrder) -> bool:
        """Whether a change may still leave; where not, that is told."""
        if order.end:
            return False
        if isinstance(call, CancelCall):
            return True
        why = self._against(call, order)
        if not why:
            return True
        if isinstance(call, PlaceCall):
            self._tracker.end(order, states.REJECTED, Refused(order.order_id, why, KEPT_IN))
        else:
            self._tracker.refuse_terms(order, why)
        return False

    def _against(self, call: PlaceCall | AmendCall, order: GateOrder) -> str:
        if isinstance(call, PlaceCall) and call.closes:
            return ""
        opens = order.opens if isinstance(call, PlaceCall) else order.wanted_opens
        why = self._latch.against(order.symbol, opens)
        return why or ("cancelled before it left" if order.cancel_wanted else "")
