"""The stream's side of a live broker: it holds what was promised, and says what is to be done.

A pure function of the inputs: it sends nothing. What an order needs of the venue becomes an intent
in `outbox`; what the venue made of it comes back as order events. Orders that wait for their entry
are held here, and leave when it fills, for as much as that has filled.
"""

from decimal import Decimal
from typing import NamedTuple

from msgspec.structs import replace

from app.core.order_events import Amend, Cancel, Intent, Split
from app.core.orders import (
    ACCEPTED,
    AMEND_PENDING,
    CANCEL_PENDING,
    CANCELED,
    FILLED,
    PARTIAL,
    SUBMITTED,
    UNKNOWN,
    Order,
    Terms,
)
from app.managers.execution_manager.exits.declared_exits import DeclaredExits
from app.managers.execution_manager.live.known_orders import KnownOrders
from app.managers.execution_manager.live.no_bars import NoBars
from app.managers.execution_manager.live.past_splits import PastSplits
from app.managers.execution_manager.orders.consequences import Consequences
from app.managers.execution_manager.orders.ends import BY_STRATEGY, NOTHING_LEFT
from app.managers.execution_manager.orders.entries import opens
from app.managers.execution_manager.orders.links import Links
from app.managers.execution_manager.orders.parts import APART, Part, place_of, terms_of, terms_there
from app.managers.execution_manager.orders.working_orders import WorkingOrders
from app.managers.execution_manager.sim.fill_rules import Owner


class _Fill(NamedTuple):
    order: Order
    units: int


class LiveBroker(NoBars):
    """Orders of one run at a venue."""

    def __init__(self, owner: Owner) -> None:
        super().__init__()
        self._owner = owner
        self.working = WorkingOrders()
        self.known = KnownOrders()  # all that ever worked: late fills find theirs here
        self.links = Links(self.working)
        self.pending = self.working.pending
        self._to_end: dict[int, None] = {}  # orders that are to end with those they belong with
        self.outbox: list[Intent] = []
        self.reducing: set[int] = set()
        # Of each order what the venue has of it; one without is held here.
        self.parts: dict[int, Part] = {}
        self.exits = DeclaredExits()
        self.past_splits = PastSplits()
        self._were_there: dict[int, int] = {}  # how many parts of an order the venue has had
        self.ending: set[int] = set()  # it has been asked to end these
        self.consequences = Consequences(self, self.links, self.working, self.reducing)

    # -- what strategies ask for -------------------------------------------------------------------

    def accept(self, order: Order) -> None:
        """Take an order that risk has passed."""
        self.working[order.order_id] = order
        self.known.add(order)
        if order.parent or order.group:
            self.links.add(order)
        if order.parent:
            self.exits.add(order)
        if order.reduce_only:
            self.reducing.add(order.order_id)
        self._drive(order, order.created_ns)

    def cancel(self, order: Order, now_ns: int) -> bool:
        """Whether it ended at once: one that is held here does."""
        self.exits.withdraw(order)
        if order.order_id not in self.parts:
            self.remove(order)
            return True
        self._ask_to_end(order)
        return False

    def _ask_to_end(self, order: Order) -> None:
        if order.order_id not in self.ending:
            self.ending.add(order.order_id)
            held_units = self.held_units_of(order.strategy, order.symbol_index)
            self.links.yields.leave(order, held_units)
            part = self.parts[order.order_id]
            if not part.is_aside:  # that one has been asked to end
                self.outbox.append(Cancel(part.number))

    def amend(self, order: Order, terms: Terms, now_ns: int) -> bool:
        """Whether the terms are in force at once."""
        if terms.units != (self.pending_terms(order) or order).units:
            self.exits.resize(order, terms.units)
        if order.order_id not in self.parts:
            self._owner.amended(order, terms, now_ns, now_ns)
            self._drive(order, now_ns)
        elif terms != terms_of(order) or order.order_id in self.pending:
            self._want(order, terms, now_ns)
        return order.order_id not in self.pending

    def _want(self, order: Order, terms: Terms, now_ns: int) -> None:
        """An amendment leaves when the one before it has been answered: the last counts."""
        self.pending[order.order_id] = now_ns, terms
        self.parts[order.order_id].refused = None
        self._drive(order, now_ns)

    # -- what the venue has of an order ------------------------------------------------------------

    def _drive(self, order: Order, now_ns: int) -> None:
        """Ask the venue for what it is to have of an order, and has not; one thing at a time."""
        order_id = order.order_id
        if order_id not in self.working or order_id in self.ending:
            return
        part, wanted = self.parts.get(order_id), self.pending_terms(order)
        goal = terms_there(order, wanted or terms_of(order))
        left = self._left(order, goal.units)
        if part is None:
            if left:
                self._leave(order, left, now_ns)
        elif part.asked is None:
            ends = order_id in self._to_end  # it was asked to, and the venue said no
            terms = replace(goal, units=part.terms.units if ends else part.filled_units + left)
            if terms not in (part.terms, part.refused):
                self._ask(order, part, terms, wanted)
            elif replace(terms, units=part.terms.units) == part.terms:
                self._settle(order, now_ns)
            else:  # the venue has said no to its prices
                self.pending.pop(order_id, None)

    def _left(self, order: Order, units: int) -> int:
        """Of `units` in all, what may still fill at the venue, for what its entry has brought."""
        left = self.links.brought(order, units) - order.filled_units
        return left if (left > 0) == (order.units > 0) else 0

    def _leave(self, order: Order, units: int, now_ns: int) -> None:
        """Place so much of an order; one that opens ends where entries were closed since."""
        if (why := self._owner.entries.against(order.symbol_index)) and self.opens(order, units):
            self._owner.lapsed(order, CANCELED, now_ns, why)
            return
        number = order.order_id + APART * self._were_there.get(order.order_id, 0)
        terms = replace(terms_there(order, terms_of(order)), units=units)
        part = self.parts[order.order_id] = Part(number, terms)
        if order.state is ACCEPTED:
            order.to(SUBMITTED)
        self.outbox.append(place_of(order, part, self.opens(order, units)))

    def _ask(self, order: Order, part: Part, terms: Terms, wanted: Terms | None) -> None:
        part.ask(terms, wanted)
        if part.is_aside:
            self.outbox.append(Cancel(part.number))
            return
        more = terms.units - part.terms.units
        grows = more != 0 and (more > 0) == (order.units > 0)
        opening = grows and self.opens(order, terms.units - part.filled_units)
        self.outbox.append(Amend(part.number, terms, opening))

    def _settle(self, order: Order, now_ns: int) -> None:
        """What is wanted asks nothing of the venue."""
        _, terms = self.pending.pop(order.order_id, (0, None))
        if terms is not None and abs(terms.units) <= abs(order.filled_units):
            self.lapsed(order, CANCELED, now_ns, NOTHING_LEFT)
        elif terms is not None and terms != terms_of(order):
            self._owner.amended(order, terms, now_ns, now_ns)

    def _end_part(self, order: Order, now_ns: int, *, waits: bool = False) -> None:
        """The venue has nothing of an order any more; more of it may leave, or only later."""
        order_id = order.order_id
        del self.parts[order_id]
        if abs(order.filled_units) >= abs(order.units) and order_id not in self.pending:
            self._owner.lapsed(order, FILLED, now_ns, "")
            return
        if order_id in self.ending or order_id in self._to_end:
            self._owner.lapsed(order, CANCELED, now_ns, order.reason or BY_STRATEGY)
            return
        self._were_there[order_id] = self._were_there.get(order_id, 0) + 1
        _, terms = self.pending.pop(order_id, (0, None))
        if order.state not in (ACCEPTED, PARTIAL):
            order.to(PARTIAL if order.filled_units else ACCEPTED)
        if terms is not None:
            self._owner.amended(order, terms, now_ns, now_ns)
        if not waits:
            self._drive(order, now_ns)

    def pending_terms(self, order: Order) -> Terms | None:
        """The terms that were asked for last, and are not in force yet."""
        return self.pending.get(order.order_id, (0, None))[1]

    def opens(self, order: Order, units: int) -> bool:
        """Whether so many units of an order may open or increase what its strategy holds."""
        return opens(
            order, units, self.working, self.held_units_of(order.strategy, order.symbol_index)
        )

    # -- what the venue says -----------------------------------------------------------------------

    def is_current(self, number: int, order: Order) -> bool:
        """Whether a number at the venue is the one that an order has there now."""
        part = self.parts.get(order.order_id)
        return part is not None and part.number == number

    def count(self, number: int, order: Order, units: int, told_units: int) -> bool:
        """A fill at the venue, about to be booked: whether all is filled, and can fill no more.

        The venue's part of an order is in the shares that it told the fill in.
        """
        part = self.parts.get(order.order_id)
        if part is not None and part.number == number:
            part.filled_units += told_units
        whole = abs(order.filled_units + units) >= abs(order.units)
        return whole and (part is None or part.is_over)

    def after_fill(self, order: Order, units: int, now_ns: int) -> None:
        """What a fill that has been booked means for orders that depend on this one."""
        is_ending = order.order_id in self.ending
        self.consequences.after_fill(order, units, now_ns, counts_as_gone=is_ending)
        if order.state is FILLED:
            self.remove(order)
            self.release(order, now_ns)
        else:
            self.follow_up(order, now_ns)
            for child in list(self.links.children_of(order)):
                self._drive(child, now_ns)
        self.consequences.end_idle([_Fill(order, units)], now_ns)

    def put_aside(self, order: Order, now_ns: int, told_units: int = 0) -> bool:
        """Whether the part of an order that has ended was to, for the order to wait on."""
        part = self.parts[order.order_id]
        if not part.is_aside or order.order_id in self.ending:
            return False
        if abs(told_units) > abs(part.filled_units):  # it is over when these fills have come:
            part.terms = replace(part.terms, units=told_units)  # what is left is not known before
        else:
            self._end_part(order, now_ns)
        return True

    def after_late_fill(self, order: Order, units: int, now_ns: int) -> None:
        """What a fill of an order that had ended means for those it was linked to."""
        self.links.take_late(order, units)
        self.consequences.after_fill(order, units, now_ns, counts_as_gone=True)
        self.consequences.end_idle([_Fill(order, units)], now_ns)

    def after_fill_of_gate(self, strategy: int, symbol: int, units: int, now_ns: int) -> None:
        """What a fill that no strategy asked for means for orders that only reduce."""
        self.consequences.end_idle_where({(strategy, symbol): units}, now_ns)

    def amended(self, order: Order, terms: Terms) -> Terms:
        """These terms are in force at the venue: those that the order has by them."""
        part = self.parts[order.order_id]
        taken = part.take(terms, order)
        if abs(taken.units) <= abs(order.filled_units) and not part.is_over:
            return terms_of(order)  # it is to end: nothing more of it is wanted
        if self.pending_terms(order) == taken:
            del self.pending[order.order_id]
        return taken

    def change_refused(self, order: Order) -> None:
        """A cancel or an amendment will not be; what was wanted since the latter still is."""
        goal = self.parts[order.order_id].refuse()
        if goal is not None and goal == self.pending_terms(order):
            del self.pending[order.order_id]
        self.ending.discard(order.order_id)
        self.exits.reinstate(order)

    def ask_again(self, now_ns: int) -> None:
        """What was never sent, as the journal could not be written: what orders owe to others,
        and what their entries have brought.
        """
        for order_id in list(self._to_end):
            order = self.working[order_id]
            self.lapsed(order, CANCELED, now_ns, order.reason)
        for part in self.parts.values():
            part.refused = None
        for order in list(self.working.values()):
            self._drive(order, now_ns)

    def follow_up(self, order: Order, now_ns: int) -> None:
        """The venue has answered: ask for what was wanted meanwhile."""
        terms, part = self.pending_terms(order), self.parts.get(order.order_id)
        if part is None or part.is_over:
            if part is not None:
                self._end_part(order, now_ns)
            return
        if part.asked is not None or order.order_id in self.ending:
            return
        if terms == terms_of(order):
            del self.pending[order.order_id]
        elif terms is not None and abs(terms.units) <= abs(order.filled_units):
            self.lapsed(order, CANCELED, now_ns, NOTHING_LEFT)
            return
        self._drive(order, now_ns)
        self._show_pending(order)

    def _show_pending(self, order: Order) -> None:
        shown = order.state in (AMEND_PENDING, CANCEL_PENDING, UNKNOWN)
        if order.order_id in self.pending and not shown:
            order.to(AMEND_PENDING)

    def remove(self, order: Order) -> None:
        """Forget an order that has ended."""
        self.working.pop(order.order_id, None)
        self._to_end.pop(order.order_id, None)
        self.pending.pop(order.order_id, None)
        self.reducing.discard(order.order_id)
        self.parts.pop(order.order_id, None)
        self._were_there.pop(order.order_id, None)
        self.ending.discard(order.order_id)
        if order.parent:
            self.exits.detach(order)
        if order.parent or order.group:
            self.links.drop(order)

    def release(self, entry: Order, now_ns: int) -> None:
        """An entry has ended: what waits for it has no more to wait for."""
        children = list(self.links.children_of(entry))
        self.consequences.release(entry, now_ns)
        for child in children:
            self._drive(child, now_ns)

    # -- what one order's fate asks of others: the venue is asked for it ---------------------------

    def lapsed(self, order: Order, state: str, now_ns: int, reason: str) -> None:
        """An order is to end with one that it depends on."""
        if order.order_id not in self.parts:
            self._owner.lapsed(order, state, now_ns, reason)
            return
        self._to_end[order.order_id] = None
        if order.order_id not in self.ending:
            if order.state is not UNKNOWN:  # of that one the venue will say more
                order.to(CANCEL_PENDING)
            order.reason = reason
            self._ask_to_end(order)

    def reduced(self, order: Order, units: int, now_ns: int) -> None:
        """An order is to become smaller with one that it is linked to."""
        less_units, part = abs(order.units - units), self.parts.get(order.order_id)
        self._owner.reduced(order, units, now_ns)
        if part is not None and part.goal is not None:  # as what is pending has
            left = max(abs(part.goal.units) - less_units, abs(order.filled_units))
            part.goal = replace(part.goal, units=left if order.units > 0 else -left)
        self._drive(order, now_ns)

    def held_units_of(self, strategy: int, symbol: int) -> int:
        """What a strategy holds of a symbol."""
        return self._owner.held_units_of(strategy, symbol)

    def split(self, symbol: int, ratio: Decimal, more_units: int, now_ns: int) -> None:
        """The venue does it by itself, and ends its orders: the gate is to count on from there."""
        self.outbox.append(Split(symbol, more_units, *ratio.as_integer_ratio()))
        self.past_splits.add(symbol, ratio, now_ns)

    def hold_more(self, symbol: int, units: int) -> None:
        """An execution was booked as of other shares than the venue told it in: the gate's count
        of what the run holds follows.
        """
        self.outbox.append(Split(symbol, units, 1, 1))
