"""The stream's side of a venue that lacks what others have: amendments, or two exits at once.

Where it gives no order other terms, what it has of an order is taken back, and the rest leaves anew
under the number of the order's next part.

Where it takes one exit of a holding, that is the stop. An order that takes out what lies under
others waits until these are back; one at market has them taken back, and they return if it fails.
"""

from typing import Final

from msgspec.structs import replace

from app.core.order_events import Cancel, Place
from app.core.orders import CANCELED, MARKET, STOPS, Order, Terms
from app.managers.execution_manager.brokers import Broker
from app.managers.execution_manager.live.live_broker import LiveBroker
from app.managers.execution_manager.orders.parts import Part, terms_of
from app.managers.execution_manager.sim.fill_rules import Owner

ONE_EXIT: Final = "one_exit: the venue takes one exit of a holding, and that is the stop"

_TAKEN_OUT: Final = "nothing is left to take out"


class LimitedBroker(LiveBroker):
    """Whatever else there is to it, it is a live broker."""

    def __init__(self, owner: Owner, *, amends: bool, exits_twice: bool) -> None:
        super().__init__(owner)
        self._amends = amends
        self._exits_twice = exits_twice
        self.waiting: dict[int, None] = {}  # orders that take out what lies under others

    def accept(self, order: Order) -> None:
        super().accept(order)
        if order.group and not self._exits_twice:
            for leg in list(self.links.legs_of(order.group)):
                if self._gives_way(leg):
                    self._keep_here(leg, order.created_ns)

    def _gives_way(self, order: Order) -> bool:
        """Whether another order takes the same holding out, and protects it."""
        return order.kind not in STOPS and any(
            leg.kind in STOPS and (leg.units > 0) == (order.units > 0)
            for leg in self.links.legs_of(order.group)
        )

    def _keep_here(self, order: Order, now_ns: int) -> None:
        """End an order; what the venue has of it is asked for, and what has not left never does."""
        part = self.parts.get(order.order_id)
        unsent = [one for one in self.outbox if isinstance(one, Place) and _is_of(one, part)]
        if unsent:
            self.outbox[:] = [one for one in self.outbox if one not in unsent]
            del self.parts[order.order_id]
        self.lapsed(order, CANCELED, now_ns, ONE_EXIT)

    def opens(self, order: Order, units: int) -> bool:
        """Where a venue takes one exit of a holding, no other beside it can take more out."""
        held_units = self.held_units_of(order.strategy, order.symbol_index)
        if not self._exits_twice and held_units * units < 0:
            return abs(units) > abs(held_units)
        return super().opens(order, units)

    def _ask(self, order: Order, part: Part, terms: Terms, wanted: Terms | None) -> None:
        if self._amends:
            super()._ask(order, part, terms, wanted)
        else:
            self._take_back(part, terms, wanted)

    def _take_back(self, part: Part, terms: Terms, wanted: Terms | None) -> None:
        """The order waits on; more of it may leave later."""
        part.ask(terms, wanted)
        part.is_aside = True
        self.outbox.append(Cancel(part.number))

    # -- one after the other -----------------------------------------------------------------------

    def _drive(self, order: Order, now_ns: int) -> None:
        self.waiting.pop(order.order_id, None)
        if not self._exits_twice and self._is_under_others(order):
            self.waiting[order.order_id] = None
        else:
            super()._drive(order, now_ns)

    def _is_under_others(self, order: Order) -> bool:
        """Whether what an order is to take out is not free, and is about to be."""
        order_id = order.order_id
        if order_id in self.parts or order_id not in self.working or order_id in self.ending:
            return False
        held_units = self.held_units_of(order.strategy, order.symbol_index)
        goal = self.pending_terms(order) or order
        left_units = abs(super()._left(order, goal.units))
        if held_units * order.units >= 0 or not left_units:
            return False
        if not self._left(order, goal.units):
            return True  # all that is held is under others
        beside = self._beside(order)
        if order.kind != MARKET and any(one.kind == MARKET for one in beside):
            return True  # it is being closed
        there = [(one, self.parts[one.order_id]) for one in beside if one.order_id in self.parts]
        if left_units + sum(_open_units(part) for _, part in there) <= abs(held_units):
            return False
        if order.kind == MARKET:
            for one, part in there:
                is_quiet = part.asked is None and part.refused is None
                if one.kind != MARKET and is_quiet and one.order_id not in self.ending:
                    self._take_back(part, part.terms, None)
        return any(part.is_aside or one.order_id in self.ending for one, part in there)

    def _left(self, order: Order, units: int) -> int:
        """What was there before, or came with an entry, comes back for no more than is free."""
        left = super()._left(order, units)
        comes_back = order.parent or order.order_id in self._were_there
        if self._exits_twice or not order.reduce_only or not comes_back:
            return left
        size = min(abs(left), self._free_units(order))
        return size if left > 0 else -size

    def _free_units(self, order: Order) -> int:
        """What is held for an order to take out, and lies under no other."""
        held_units = self.held_units_of(order.strategy, order.symbol_index)
        if held_units * order.units >= 0:
            return 0
        there = (self.parts.get(one.order_id) for one in self._beside(order))
        return max(abs(held_units) - sum(_open_units(part) for part in there if part), 0)

    def _beside(self, order: Order) -> list[Order]:
        """What else takes out the same, or is to."""
        return [
            one
            for one in self.working.values()
            if one is not order
            and (one.strategy, one.symbol_index) == (order.strategy, order.symbol_index)
            and (one.units > 0) == (order.units > 0)
            and (one.order_id in self.parts or one.order_id in self.waiting)
        ]

    def _drive_waiting(self, now_ns: int) -> None:
        for order_id in list(self.waiting):
            order = self.working.get(order_id)
            if order is None:
                self.waiting.pop(order_id, None)
                continue
            held_units = self.held_units_of(order.strategy, order.symbol_index)
            grows = self.links.entry_of(order) is not None  # with what that brings
            if not grows and held_units * order.units >= 0:
                self.waiting.pop(order_id, None)
                self._owner.lapsed(order, CANCELED, now_ns, _TAKEN_OUT)
            elif not grows and abs(order.units - order.filled_units) > abs(held_units):
                terms = replace(terms_of(order), units=order.filled_units - held_units)
                self._owner.amended(order, terms, now_ns, now_ns)
            self._drive(order, now_ns)
        self._drive_smaller(now_ns)

    def _drive_smaller(self, now_ns: int) -> None:
        """A stop that left for less than it is to be, as the rest lay under others, may grow."""
        for order_id in sorted(self.reducing & self.parts.keys()):
            order, part = self.working.get(order_id), self.parts.get(order_id)
            if order is not None and part is not None and order.kind in STOPS:
                goal = self.pending_terms(order) or order
                if abs(self._left(order, goal.units)) > _open_units(part):
                    self._drive(order, now_ns)

    def _end_part(self, order: Order, now_ns: int, *, waits: bool = False) -> None:
        super()._end_part(order, now_ns, waits=waits)
        self._drive_waiting(now_ns)

    def release(self, entry: Order, now_ns: int) -> None:
        super().release(entry, now_ns)
        self._drive_waiting(now_ns)


def gives_anew(broker: Broker) -> bool:
    """Whether an order is about to leave again, and nothing of it rests there. From any thread."""
    parts = dict(broker.parts) if isinstance(broker, LiveBroker) else {}
    return any(part.is_aside for part in parts.values())


def _open_units(part: Part) -> int:
    return abs(part.terms.units) - abs(part.filled_units)


def _is_of(intent: Place, part: Part | None) -> bool:
    return part is not None and intent.order_id == part.number
