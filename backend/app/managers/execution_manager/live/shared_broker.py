"""The stream's side of a venue where several strategies of a run may trade one symbol.

A venue's reduce-only counts what the account holds, and there that is the sum of what strategies
hold: it would keep an exit of one of them in, or let it take out another's. So from a second
strategy's first order in a symbol on, the run counts there itself. What only reduces leaves as a
plain order, for no more than its own strategy holds, and follows that. One that closes at market
waits until the exits beside it are as small as what it leaves. What is filled beyond all the same,
as two exits can be on one bar, is closed at market.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
from msgspec.structs import replace

from app.core.calendar import TradingSession
from app.core.order_events import Cancel, Intent, Place
from app.core.orders import (
    CANCELED,
    EXPIRED,
    GTC,
    IOC,
    MARKET,
    STOP_LIMIT,
    Guard,
    Order,
)
from app.core.venue import Abilities
from app.managers.execution_manager.brokers import Broker
from app.managers.execution_manager.live.limited_broker import LimitedBroker
from app.managers.execution_manager.live.live_broker import LiveBroker
from app.managers.execution_manager.orders.ends import SESSION_CLOSED
from app.managers.execution_manager.orders.entries import taking_out
from app.managers.execution_manager.sim.fill_rules import Owner

_NOTHING_HELD = "nothing is held that it could reduce"


class SharingState(msgspec.Struct, frozen=True):
    """What is remembered of who trades what."""

    traders: dict[int, list[int]]
    told_to_reduce: list[int]
    end_ns: int


class SharedBroker(LiveBroker):
    """A live broker, but where strategies share a symbol."""

    def __init__(self, owner: Owner, **limits: Any) -> None:
        super().__init__(owner, **limits)
        self._traders: dict[int, set[int]] = {}  # by symbol: strategies that gave an order
        # Parts that the venue still counts, by the account, though their symbol is shared now.
        self._told_to_reduce: set[int] = set()
        self._end_ns = 0  # of the session opened last

    def sharing(self) -> SharingState:
        """As it is now."""
        traders = {symbol: sorted(them) for symbol, them in self._traders.items()}
        return SharingState(traders, sorted(self._told_to_reduce), self._end_ns)

    def restore_sharing(self, state: SharingState) -> None:
        """As it was."""
        self._traders = {symbol: set(them) for symbol, them in state.traders.items()}
        self._told_to_reduce, self._end_ns = set(state.told_to_reduce), state.end_ns

    def is_shared(self, symbol: int) -> bool:
        """Whether more than one strategy has traded a symbol."""
        return len(self._traders.get(symbol, ())) > 1

    def counts(self, order: Order) -> bool:
        """Whether the run sees to what an order may reduce, and the venue does not."""
        return (order.reduce_only or order.triggered) and self.is_shared(order.symbol_index)

    # -- a symbol becomes a shared one -------------------------------------------------------------

    def accept(self, order: Order) -> None:
        symbol = order.symbol_index
        if not self.is_shared(symbol):
            traders = self._traders.setdefault(symbol, set())
            traders.add(order.strategy)
            if self.held_units_of(0, symbol):  # what was adopted is the first one's
                traders.add(0)
            if len(traders) > 1:
                self._count_from_now_on(symbol, order.created_ns)
        super().accept(order)
        if order.tif == IOC and self._waits_for_a_position(order):
            self.lapsed(order, CANCELED, order.created_ns, _NOTHING_HELD)

    def _count_from_now_on(self, symbol: int, now_ns: int) -> None:
        for order in list(self.working.values()):
            part = self.parts.get(order.order_id)
            if order.symbol_index == symbol and part is not None and self.counts(order):
                self._told_to_reduce.add(part.number)
                self._drive(order, now_ns)

    def _drive(self, order: Order, now_ns: int) -> None:
        part = self.parts.get(order.order_id)
        if part is None or part.number not in self._told_to_reduce or not self._may_swap(order):
            if part is not None or not self._waits_for_exits(order, now_ns):
                super()._drive(order, now_ns)
            return
        self._told_to_reduce.discard(part.number)
        unsent = self._unsent(part.number)
        if unsent is not None:
            self.outbox[unsent] = _counted(self.outbox[unsent])
            super()._drive(order, now_ns)
        else:  # it comes back, and leaves anew as a plain one
            part.ask(part.terms, None)
            part.is_aside = True
            self.outbox.append(Cancel(part.number))

    def _may_swap(self, order: Order) -> bool:
        part, leaves = self.parts[order.order_id], {*self.ending, *self._to_end}
        is_quiet = part.asked is None and part.refused is None and not part.is_over
        return is_quiet and order.order_id in self.working and order.order_id not in leaves

    def _unsent(self, number: int) -> int | None:
        """Where a placement is that leaves with this instant."""
        places = enumerate(self.outbox)
        own = (at for at, one in places if isinstance(one, Place) and one.order_id == number)
        return next(own, None)

    # -- no more than its strategy holds -----------------------------------------------------------

    def _leave(self, order: Order, units: int, now_ns: int) -> None:
        super()._leave(order, units, now_ns)
        if order.order_id in self.parts and self.counts(order):
            self.outbox[-1] = _counted(self.outbox[-1])

    def _left(self, order: Order, units: int) -> int:
        left = super()._left(order, units)
        if not left or not self.counts(order):
            return left
        held_units = self.held_units_of(order.strategy, order.symbol_index)
        if held_units * left >= 0:
            return 0
        size = min(abs(left), max(abs(held_units) - self._closing_before(order), 0))
        return size if left > 0 else -size

    def _beside(self, order: Order) -> list[Order]:
        """What else takes out the same, and is counted here."""
        place = order.strategy, order.symbol_index, order.units > 0
        return [
            one
            for one in self.working.values()
            if one is not order
            and (one.strategy, one.symbol_index, one.units > 0) == place
            and self.counts(one)
        ]

    def _closing_before(self, order: Order) -> int:
        """What is being closed at market, and no other order is to take out."""
        return sum(
            abs(one.units - one.filled_units)
            for one in self._beside(order)
            if _is_at_market(one) and not (_is_at_market(order) and order.order_id < one.order_id)
        )

    def _waits_for_exits(self, order: Order, now_ns: int) -> bool:
        """Whether one at market is to leave, and exits beside it are still to become smaller."""
        is_here = order.order_id in self.working and order.order_id not in self.ending
        if not is_here or not _is_at_market(order) or not self.counts(order):
            return False
        exits = [one for one in self._beside(order) if not _is_at_market(one)]
        for one in exits:
            self._drive(one, now_ns)
        there = [one.order_id for one in exits if one.order_id in self.parts]
        return any(at in self.ending or self.parts[at].asked is not None for at in there)

    def _end_part(self, order: Order, now_ns: int, *, waits: bool = False) -> None:
        super()._end_part(order, now_ns, waits=waits)
        if not waits:
            self._let_close(order, now_ns)

    def follow_up(self, order: Order, now_ns: int) -> None:
        super().follow_up(order, now_ns)
        self._let_close(order, now_ns)

    def _let_close(self, order: Order, now_ns: int) -> None:
        """The venue has answered an exit: what closes at market may not have to wait any more."""
        if self.counts(order):
            for one in self._beside(order):
                if _is_at_market(one) and one.order_id not in self.parts:
                    self._drive(one, now_ns)

    def release(self, entry: Order, now_ns: int) -> None:
        super().release(entry, now_ns)
        if self.counts(entry):
            self._fit(entry.strategy, entry.symbol_index, now_ns)

    def after_fill(self, order: Order, units: int, now_ns: int) -> None:
        super().after_fill(order, units, now_ns)
        self._fit(order.strategy, order.symbol_index, now_ns)

    def after_late_fill(self, order: Order, units: int, now_ns: int) -> None:
        super().after_late_fill(order, units, now_ns)
        self._fit(order.strategy, order.symbol_index, now_ns)

    def after_fill_of_gate(self, strategy: int, symbol: int, units: int, now_ns: int) -> None:
        super().after_fill_of_gate(strategy, symbol, units, now_ns)
        self._fit(strategy, symbol, now_ns)

    def _fit(self, strategy: int, symbol: int, now_ns: int) -> None:
        """A strategy's position has moved: what reduces it may be as large as that, and no more."""
        if self.is_shared(symbol):
            for order in list(self.working.values()):
                is_own = (order.strategy, order.symbol_index) == (strategy, symbol)
                if is_own and self.counts(order):
                    self._drive(order, now_ns)

    def remove(self, order: Order) -> None:
        part = self.parts.get(order.order_id)
        if part is not None:
            self._told_to_reduce.discard(part.number)
        super().remove(order)

    # -- what waits here for a position ------------------------------------------------------------

    def _waits_for_a_position(self, order: Order) -> bool:
        is_here = order.order_id in self.working and order.order_id not in self.parts
        return is_here and self.counts(order) and self.links.entry_of(order) is None

    def open_session(self, session: TradingSession, end_ns: int, now_ns: int) -> list[Order]:
        """What the venue never had, it cannot end with its session."""
        for order in list(self.working.values()):
            is_old = order.tif != GTC and order.created_ns < self._end_ns
            if is_old and self._waits_for_a_position(order):
                self._owner.lapsed(order, EXPIRED, now_ns, SESSION_CLOSED)
        self._end_ns = end_ns
        return super().open_session(session, end_ns, now_ns)


class SharedLimitedBroker(SharedBroker, LimitedBroker):
    """The same at a venue that lacks what others have."""


def broker_of(abilities: Abilities, strategies: int) -> Callable[[Owner], LiveBroker]:
    """What makes a broker for a venue of these abilities and a run of so many strategies."""
    shares = strategies > 1 and abilities.reduces_only
    amends, exits_twice = abilities.amends, abilities.exits_twice
    if amends and exits_twice:
        return SharedBroker if shares else LiveBroker
    kind = SharedLimitedBroker if shares else LimitedBroker
    return partial(kind, amends=amends, exits_twice=exits_twice)


def closing_of_opened(
    broker: Broker, order: Order, units: int, held_units: int, now_units: int
) -> Order | None:
    """What closes at market that an order which only reduces has opened with a fill, the position
    before it and now given; None where it has not, or that is on its way.
    """
    if not isinstance(broker, SharedBroker) or not broker.counts(order):
        return None
    opened = abs(units) if held_units * units >= 0 else max(abs(units) - abs(held_units), 0)
    place = order.strategy, order.symbol_index
    own = [one for one in broker.working.values() if (one.strategy, one.symbol_index) == place]
    closing = taking_out(own, now_units)
    left = now_units + sum(one.units - one.filled_units for one in closing)
    size = min(opened, abs(left)) if left * units > 0 else 0
    if not size:
        return None
    return Order(
        0, order.strategy, order.symbol, order.symbol_index, -size if units > 0 else size, 0,
        tif=GTC, reduce_only=True, guard=Guard(),
    )  # fmt: skip


def _is_at_market(order: Order) -> bool:
    return order.kind == MARKET or (order.triggered and order.kind != STOP_LIMIT)


def _counted(intent: Intent) -> Intent:
    assert isinstance(intent, Place)
    return replace(intent, counted_here=intent.reduce_only)
