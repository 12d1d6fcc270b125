"""What a fill, or the end of an order, means for the orders that depend on it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from msgspec.structs import replace

from app.core.orders import CANCELED, MARKET, Order
from app.managers.execution_manager.orders.entries import coming_units
from app.managers.execution_manager.orders.links import Links
from app.managers.execution_manager.orders.working_orders import WorkingOrders
from app.managers.execution_manager.orders.yields import left_of

_IDLE = "nothing is left to reduce"
_TAKEN_OUT = "an exit has taken it out"
Moved = Mapping[tuple[int, int], int]  # units by strategy and symbol
Yielding = Sequence[tuple[Order, int]] | None


class Fill(Protocol):
    """So much of an order has filled."""

    @property
    def order(self) -> Order: ...
    @property
    def units(self) -> int: ...


class Teller(Protocol):
    """Who sees to it that an order ends, or becomes smaller."""

    def lapsed(self, order: Order, state: str, now_ns: int, reason: str) -> None: ...
    def reduced(self, order: Order, units: int, now_ns: int) -> None: ...
    def held_units_of(self, strategy: int, symbol: int) -> int: ...


class Consequences:
    """Carried out on a broker's orders; `reducing` are those that only reduce."""

    def __init__(
        self,
        owner: Teller,
        links: Links,
        working: WorkingOrders,
        reducing: set[int],
    ) -> None:
        self._owner = owner
        self._links = links
        self._working = working
        self._reducing = reducing
        self.on_moved: Callable[[Moved, int], None] | None = None  # behind the fills of an instant

    def after_fill(
        self,
        order: Order,
        units: int,
        now_ns: int,
        yields: Yielding = None,
        *,
        counts_as_gone: bool = False,
    ) -> None:
        """What one leg of a group fills, the others lose; what an exit does, plain orders may, and
        what an order does that counts as gone: so much as whoever found the fill says, where
        somebody did.
        """
        for leg, left_units in self._links.after_fill(order, units):
            self._reduce(leg, left_units, now_ns, "another order of its group filled")
        if yields is None and (order.reduce_only or counts_as_gone):
            yields = [*self._links.after_exit(order, units, self._held_units(order))]
        for other, less in yields or ():
            more = min(self._working.more_of(other), less)
            self._ask_for_less(other, more)
            left = max(left_of(other) - (less - more), 0)
            size = left if other.units > 0 else -left
            self._reduce(other, other.filled_units + size, now_ns, _TAKEN_OUT)

    def release(self, entry: Order, now_ns: int) -> None:
        """An entry has ended: what waits for it has no more to wait for."""
        whole = entry.filled_units == entry.units
        for child, units in self._links.release(entry):
            if not entry.filled_units:
                reason = f"order {entry.order_id}, which it waited for, did not fill"
                self._owner.lapsed(child, CANCELED, now_ns, reason)
            elif units != child.units:
                reason = f"no more is left of order {entry.order_id}, which it waited for"
                self._reduce(child, units, now_ns, reason)
            if not whole and child.reduce_only and not self._held_units(child):
                self._owner.lapsed(child, CANCELED, now_ns, _IDLE)

    def end_idle(self, fills: Sequence[Fill], now_ns: int) -> None:
        """End orders that only reduce, where fills have left nothing to reduce: none is held, or
        the position has turned over to their own side.

        Not those of an entry that can still fill, nor one that a strategy closes with while more
        is on its way: what is brought is theirs to take out.
        """
        if not (fills and (self._reducing or self.on_moved is not None)):
            return
        moved: dict[tuple[int, int], int] = {}
        for fill in fills:
            place = fill.order.strategy, fill.order.symbol_index
            moved[place] = moved.get(place, 0) + fill.units
        self.end_idle_where(moved, now_ns)

    def end_idle_where(self, moved: Moved, now_ns: int) -> None:
        """The same, by what each strategy's position in a symbol has moved."""
        for order in [self._working[order_id] for order_id in sorted(self._reducing)]:
            moved_units = moved.get((order.strategy, order.symbol_index))
            if moved_units is None or self._links.entry_of(order) is not None:
                continue
            held = self._held_units(order)
            before = held - moved_units
            if not held and order.aimed and coming_units(order, self._working.values()):
                continue
            if not held or (before * held < 0 < order.units * held):
                self._owner.lapsed(order, CANCELED, now_ns, _IDLE)
        if self.on_moved is not None:
            self.on_moved(moved, now_ns)

    def shrink(self, group: int, units: int, now_ns: int, *, spares_market: bool) -> None:
        """The legs of a group have so much less to take out: somebody else has."""
        linked = [leg for leg in self._links.legs_of(group) if self._links.entry_of(leg)]
        self._links.take(group, units if linked else 0)
        for leg in list(self._links.legs_of(group)):
            if leg in linked:  # it still grows with its entry
                self._owner.reduced(leg, leg.units, now_ns)
            elif leg.kind != MARKET or not spares_market:
                left = max(abs(leg.units) - units, abs(leg.filled_units))
                size = left if leg.units > 0 else -left
                self._reduce(leg, size, now_ns, "less is left to take out")

    def _held_units(self, order: Order) -> int:
        return self._owner.held_units_of(order.strategy, order.symbol_index)

    def _reduce(self, order: Order, units: int, now_ns: int, reason: str) -> None:
        """An order is to be no more than this in all; an amendment under way loses as much."""
        self._ask_for_less(order, abs(order.units - units))
        if units == order.filled_units:
            self._owner.lapsed(order, CANCELED, now_ns, reason)
        else:
            self._owner.reduced(order, units, now_ns)

    def _ask_for_less(self, order: Order, units: int) -> None:
        """So much less is to come of an amendment under way."""
        since_ns, terms = self._working.pending.get(order.order_id, (0, None))
        if terms is not None:
            least = max(abs(terms.units) - units, abs(order.filled_units))
            terms = replace(terms, units=least if order.units > 0 else -least)
            self._working.pending[order.order_id] = since_ns, terms
