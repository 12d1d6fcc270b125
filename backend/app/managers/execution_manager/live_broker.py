"""The stream's side of a live broker: it holds what was promised, and says what is to be done.

A pure function of the inputs: it sends nothing. What an order needs of the venue becomes an intent
in `outbox`; what the venue made of it comes back as order events. Orders that wait for their entry
are held here, and leave when it fills.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import NamedTuple

import msgspec

from app.core.calendar import TradingSession
from app.core.order_events import Amend, Cancel, Intent, Place
from app.core.orders import (
    AMEND_PENDING,
    CANCEL_PENDING,
    CANCELED,
    SUBMITTED,
    UNKNOWN,
    Order,
    Terms,
)
from app.managers.execution_manager.bar_book import NEVER_NS, BarBook
from app.managers.execution_manager.consequences import Consequences, Pending
from app.managers.execution_manager.entries import opens
from app.managers.execution_manager.fill_rules import Owner
from app.managers.execution_manager.links import NO_ORDERS, Links, LinksState


class _Fill(NamedTuple):
    order: Order
    units: int


class LiveBrokerState(msgspec.Struct, frozen=True, tag="venue"):
    """What a live broker holds; all but `known` by the orders' numbers."""

    known: list[Order]
    working: list[int]  # in order of acceptance
    links: LinksState
    pending: Pending
    asked: dict[int, Terms]
    owed: dict[int, int]
    reducing: list[int]
    held: list[int]
    ending: list[int]


class LiveBroker:
    """Orders of one run at a venue. No bar fills anything here: nothing is ever due."""

    ends_orders = False  # the venue does, and tells of it

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self.latency_ns = 0
        self.due_ns = NEVER_NS
        self.closing: list[Order] = []
        self.closing_ns = -1
        self.spent: list[Order] = []
        self.working: dict[int, Order] = {}
        self.known: dict[int, Order] = {}  # all that ever worked: late fills find theirs here
        self.links = Links(self.working, self._units_to_be)
        self.pending: Pending = {}  # terms wanted, and since when
        self._asked: dict[int, Terms] = {}  # amendments that the venue has not answered
        self._owed: dict[int, int] = {}  # what orders are to be at most, for those they belong with
        self.outbox: list[Intent] = []
        self._reducing: set[int] = set()
        self._held: set[int] = set()  # orders that the venue has not been asked for yet
        self.ending: set[int] = set()  # it has been asked to end these
        self._consequences = Consequences(
            self, self.links, self.working, self._reducing, self.pending
        )

    def state(self) -> LiveBrokerState:
        """What it holds between two inputs."""
        return LiveBrokerState(
            list(self.known.values()),
            list(self.working),
            self.links.state(),
            dict(self.pending),
            dict(self._asked),
            dict(self._owed),
            *(sorted(numbers) for numbers in (self._reducing, self._held, self.ending)),
        )

    def restore(self, state: LiveBrokerState) -> None:
        """Hold that again."""
        self.known.update((order.order_id, order) for order in state.known)
        self.working.update((number, self.known[number]) for number in state.working)
        self.links.restore(state.links, self.known)
        self.pending.update(state.pending)
        self._asked.update(state.asked)
        self._owed.update(state.owed)
        self._reducing.update(state.reducing)
        self._held.update(state.held)
        self.ending.update(state.ending)

    # -- what strategies ask for -------------------------------------------------------------------

    def accept(self, order: Order) -> None:
        """Take an order that risk has passed."""
        self.working[order.order_id] = self.known[order.order_id] = order
        if order.parent or order.group:
            self.links.add(order)
        if order.reduce_only:
            self._reducing.add(order.order_id)
        if self.links.waits(order):
            self._held.add(order.order_id)
        else:
            self._place(order)

    def _place(self, order: Order) -> None:
        opening = self.opens(order, order.units)
        self._held.discard(order.order_id)
        order.to(SUBMITTED)
        self.outbox.append(
            Place(
                order.order_id, order.symbol_index, order.kind, order.tif, terms_of(order),
                order.reduce_only, opening,
            )
        )  # fmt: skip

    def cancel(self, order: Order, now_ns: int) -> bool:
        """Whether it ended at once: one that is still held here does."""
        if order.order_id in self._held:
            self.remove(order)
            return True
        self._ask_to_end(order)
        return False

    def _ask_to_end(self, order: Order) -> None:
        if order.order_id not in self.ending:
            self.ending.add(order.order_id)
            self.outbox.append(Cancel(order.order_id))

    def amend(self, order: Order, terms: Terms, now_ns: int) -> bool:
        """Whether the terms are in force at once."""
        if order.order_id in self._held:
            self._owner.amended(order, terms, now_ns, now_ns)
            return True
        if terms == terms_of(order) and order.order_id not in self.pending:
            return True
        self._want(order, terms, now_ns)
        return False

    def _want(self, order: Order, terms: Terms, now_ns: int) -> None:
        """An amendment leaves when the one before it has been answered: the last counts."""
        self.pending[order.order_id] = now_ns, terms
        if order.order_id in self._asked:
            return
        more = terms.units - order.units
        grows = more != 0 and (more > 0) == (order.units > 0)
        self._asked[order.order_id] = terms
        self.outbox.append(
            Amend(
                order.order_id, terms, grows and self.opens(order, terms.units - order.filled_units)
            )
        )

    def pending_terms(self, order: Order) -> Terms | None:
        """The terms that were asked for last, and are not in force yet."""
        return self.pending.get(order.order_id, (0, None))[1]

    def _units_to_be(self, order: Order) -> int:
        """What an order is to be in all, once the venue has done what is wanted."""
        terms = self.pending_terms(order)
        return order.units if terms is None else terms.units

    def opens(self, order: Order, units: int) -> bool:
        """Whether so many units of an order may open or increase what its strategy holds."""
        return opens(
            order, units, self.working, self.held_units_of(order.strategy, order.symbol_index)
        )

    # -- what the venue says -----------------------------------------------------------------------

    def after_fill(self, order: Order, units: int, now_ns: int) -> None:
        """What a fill that has been booked means for orders that depend on this one."""
        self._consequences.after_fill(order, units, now_ns)
        for child in list(self.links.children_of(order)):
            if child.order_id in self._held:
                self._place(child)
        if order.order_id in self.working and order.filled_units == order.units:
            self.remove(order)
            self.release(order, now_ns)
        self._consequences.end_idle([_Fill(order, units)], now_ns)

    def after_late_fill(self, order: Order, units: int, now_ns: int) -> None:
        """What a fill of an order that had ended means for those it was linked to."""
        self.links.take_late(order, units)
        self._consequences.after_fill(order, units, now_ns)
        self._consequences.end_idle([_Fill(order, units)], now_ns)

    def after_fill_of_gate(self, strategy: int, symbol: int, units: int, now_ns: int) -> None:
        """What a fill that no strategy asked for means for orders that only reduce."""
        self._consequences.end_idle_where({(strategy, symbol): units}, now_ns)

    def amended(self, order: Order, terms: Terms) -> None:
        """These terms are in force."""
        if self._asked.get(order.order_id) == terms:
            del self._asked[order.order_id]
        if self.pending_terms(order) == terms:
            del self.pending[order.order_id]
            self._owed.pop(order.order_id, None)

    def change_refused(self, order: Order) -> None:
        """A cancel or an amendment will not be; what was wanted since the latter still is."""
        asked = self._asked.pop(order.order_id, None)
        if asked is None or asked == self.pending_terms(order):
            self.pending.pop(order.order_id, None)
        self.ending.discard(order.order_id)

    def ask_again(self, now_ns: int) -> None:
        """What orders owe to others and was never sent: the journal could not be written."""
        for order_id, units in list(self._owed.items()):
            order = self.working[order_id]
            if abs(units) <= abs(order.filled_units):
                self.lapsed(order, CANCELED, now_ns, order.reason)
            elif abs(units) < abs(self._units_to_be(order)):
                self.reduced(order, units, now_ns)

    def follow_up(self, order: Order, now_ns: int) -> None:
        """Ask for what was wanted while an amendment was under way."""
        terms, order_id = self.pending_terms(order), order.order_id
        if terms is None or order_id in self._asked or order_id in self.ending:
            return
        if terms == terms_of(order):
            del self.pending[order_id]
        elif abs(terms.units) <= abs(order.filled_units):
            self.lapsed(order, CANCELED, now_ns, "amended to what had filled")
        else:
            self._want(order, terms, now_ns)
            if order.state not in (AMEND_PENDING, CANCEL_PENDING, UNKNOWN):
                order.to(AMEND_PENDING)

    def remove(self, order: Order) -> None:
        """Forget an order that has ended."""
        self.working.pop(order.order_id, None)
        self._asked.pop(order.order_id, None)
        self._owed.pop(order.order_id, None)
        self.pending.pop(order.order_id, None)
        self._reducing.discard(order.order_id)
        self._held.discard(order.order_id)
        self.ending.discard(order.order_id)
        if order.parent or order.group:
            self.links.drop(order)

    def release(self, entry: Order, now_ns: int) -> None:
        """An entry has ended: what waits for it has no more to wait for."""
        self._consequences.release(entry, now_ns)

    # -- what one order's fate asks of others: the venue is asked for it ---------------------------

    def lapsed(self, order: Order, state: str, now_ns: int, reason: str) -> None:
        """An order is to end with one that it depends on."""
        if order.order_id in self._held:
            self._owner.lapsed(order, state, now_ns, reason)
        elif order.order_id in self.working and order.order_id not in self.ending:
            if order.state is not UNKNOWN:  # of that one the venue will say more
                order.to(CANCEL_PENDING)
            order.reason = reason
            self._owed[order.order_id] = 0
            self._ask_to_end(order)

    def reduced(self, order: Order, units: int, now_ns: int) -> None:
        """An order is to become smaller with one that it is linked to."""
        if order.order_id in self._held:
            self._owner.reduced(order, units, now_ns)
            return
        if order.order_id in self.ending:
            return
        self._owed[order.order_id] = units
        before = self.pending_terms(order) or terms_of(order)
        terms = Terms(units, before.limit, before.stop, before.trail, before.trail_percent)
        self._want(order, terms, now_ns)
        if order.state not in (AMEND_PENDING, CANCEL_PENDING, UNKNOWN):
            order.to(AMEND_PENDING)

    def held_units_of(self, strategy: int, symbol: int) -> int:
        """What a strategy holds of a symbol."""
        return self._owner.held_units_of(strategy, symbol)

    # -- what only bars do to orders: nothing here -------------------------------------------------

    def load(self, book: BarBook) -> None: ...
    def match(self, now_ns: int) -> None: ...
    def match_close(self, now_ns: int) -> None: ...
    def match_auction(self, symbol: int, price: float, start_ns: int, now_ns: int) -> None: ...
    def leave_instant(self, now_ns: int) -> None: ...
    def settle(self, now_ns: int) -> None: ...
    def look_again(self, order: Order, now_ns: int) -> None: ...
    def split(self, symbol: int, ratio: Decimal, now_ns: int) -> None: ...

    def open_session(self, session: TradingSession, end_ns: int, now_ns: int) -> list[Order]:
        """None comes too late for the open unless the venue says so."""
        return []

    def for_the_close(self) -> Sequence[Order]:
        """The venue holds the closing auction."""
        return NO_ORDERS

    def of_session(self, order: Order) -> bool:
        """No order ends by a close of ours."""
        return False

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Many orders end or change."""
        yield


def terms_of(order: Order) -> Terms:
    """The terms an order has now."""
    return Terms(order.units, order.limit, order.stop, order.trail, order.trail_percent)
