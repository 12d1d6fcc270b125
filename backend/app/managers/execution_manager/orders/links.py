"""Orders that depend on others: children wait for their entry, legs of a group end each other."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

import msgspec

from app.core.money import divide_half_even
from app.core.orders import Order
from app.managers.execution_manager.orders.working_orders import WorkingOrders
from app.managers.execution_manager.orders.yields import LeftOf, Yields, left_of

NO_ORDERS: Sequence[Order] = ()


class LinksState(msgspec.Struct, frozen=True):
    """Links by the orders' numbers."""

    entries: dict[int, int]  # by child
    children: dict[int, list[int]]
    groups: dict[int, list[int]]
    taken: dict[int, int]
    spent: dict[int, int] = {}
    grown: dict[int, int] = {}
    yields: dict[int, int] = {}


class Links:
    """Links the working orders of a broker; what has ended is dropped when it ends."""

    def __init__(self, working: WorkingOrders) -> None:
        self.yields = Yields(working)
        self._working = working
        self._entries: dict[int, Order] = {}  # by child
        self._children: dict[int, list[Order]] = {}
        self._groups: dict[int, list[Order]] = {}
        self._taken: dict[int, int] = {}  # by group, what legs that have ended have filled
        self._spent: dict[int, int] = {}  # by entry, what of its fills went for their fees
        # By order, what splits have made of its fills, less what they were.
        self._grown: dict[int, int] = {}

    def state(self) -> LinksState:
        """As they are now."""
        return LinksState(
            {child: entry.order_id for child, entry in self._entries.items()},
            {entry: [one.order_id for one in own] for entry, own in self._children.items()},
            {group: [one.order_id for one in own] for group, own in self._groups.items()},
            dict(self._taken),
            dict(self._spent),
            dict(self._grown),
            self.yields.state(),
        )

    def restore(self, state: LinksState, orders: Mapping[int, Order]) -> None:
        """As they were, of these orders."""
        self._entries = {child: orders[entry] for child, entry in state.entries.items()}
        self._children = {
            entry: [orders[one] for one in own] for entry, own in state.children.items()
        }
        self._groups = {group: [orders[one] for one in own] for group, own in state.groups.items()}
        self._taken = dict(state.taken)
        self._spent = dict(state.spent)
        self._grown = dict(state.grown)
        self.yields.restore(state.yields)

    def __bool__(self) -> bool:
        return bool(self._entries or self._groups)

    def add(self, order: Order) -> None:
        """Take in a new order; its entry is there, unless it has filled."""
        entry = self._working.get(order.parent)
        if entry is not None:
            self._entries[order.order_id] = entry
            self._children.setdefault(entry.order_id, []).append(order)
        if order.group:
            self._groups.setdefault(order.group, []).append(order)

    def drop(self, order: Order) -> None:
        """Forget an order that has ended; its children stay to be asked for."""
        entry = self._entries.pop(order.order_id, None)
        if entry is not None and entry.order_id in self._children:
            children = self._children[entry.order_id]
            children.remove(order)
            if not children:
                del self._children[entry.order_id]
        if order.group:
            legs = self._groups[order.group]
            legs.remove(order)
            self._taken[order.group] = self._taken.get(order.group, 0) + self.filled(order)
            if not legs:
                del self._groups[order.group], self._taken[order.group]

    def take(self, group: int, units: int) -> None:
        """So much of what brings a group's legs is none of theirs to take out."""
        if group in self._groups:
            self._taken[group] = self._taken.get(group, 0) + units

    def take_late(self, order: Order, units: int) -> None:
        """A leg that had ended has filled more."""
        self.take(order.group, abs(units))

    def release(self, entry: Order) -> list[tuple[Order, int]]:
        """The children of an entry that has ended: each, and the units it may have from now on.

        From now on they depend on it no more. Of one that ended partly filled they take out
        together, as legs of a group, what has filled of it.
        """
        children = self._children.pop(entry.order_id, [])
        for child in children:
            del self._entries[child.order_id]
        whole = entry.filled_units in (0, entry.units) and entry.order_id not in self._spent
        freed = [
            (child, child.units)
            if not entry.filled_units or (whole and child.guard is None)
            else (child, self._brought(entry, child, child.units))
            for child in children
        ]
        self._spent.pop(entry.order_id, None)
        self._grown.pop(entry.order_id, None)
        return freed

    def spend(self, entry: Order, units: int) -> None:
        """So much of what an entry has filled went for its fee: its children never take it out."""
        self._spent[entry.order_id] = self._spent.get(entry.order_id, 0) + abs(units)

    def brought(self, order: Order, units: int) -> int:
        """Of `units` in all, what an order may be for what its entry has filled so far."""
        entry = self._entries.get(order.order_id)
        return units if entry is None else self._brought(entry, order, units)

    def _brought(self, entry: Order, child: Order, units: int) -> int:
        taken = self.taken_beside(child)
        if self._spent:
            taken += self._spent.get(entry.order_id, 0)
        most = max(self.filled(entry) - taken, self.filled(child))
        size = min(abs(units), most - self._grown.get(child.order_id, 0))
        return size if child.units > 0 else -size

    def depends(self, order: Order) -> bool:
        """Whether an order waits for another, or others wait for it."""
        return order.order_id in self._entries or order.order_id in self._children

    def waits(self, order: Order) -> bool:
        """Whether nothing of an order can fill before its entry does."""
        entry = self._entries.get(order.order_id)
        if entry is None or not entry.filled_units:
            return entry is not None
        # what has only closed something brings nothing to protect
        return order.guard is not None and not self._brought(entry, order, order.units)

    def entry_of(self, order: Order) -> Order | None:
        """The order this one waits for, or still depends on as that has not wholly filled."""
        return self._entries.get(order.order_id)

    def children_of(self, order: Order) -> Sequence[Order]:
        """The orders that wait for this one."""
        return self._children.get(order.order_id, NO_ORDERS)

    def legs_of(self, group: int) -> Sequence[Order]:
        """The working orders of a group."""
        return self._groups.get(group, NO_ORDERS)

    def taken_beside(self, order: Order) -> int:
        """What the other legs of its group have filled, those that have ended among them."""
        if not order.group:
            return 0
        legs = sum(self.filled(leg) for leg in self.legs_of(order.group))
        return legs - self.filled(order) + self._taken.get(order.group, 0)

    def filled(self, order: Order) -> int:
        """What an order has filled, unsigned, in today's shares."""
        return abs(order.filled_units) + self._grown.get(order.order_id, 0)

    def after_exit(
        self, exit: Order, units: int, held_units: int, left_of: LeftOf = left_of
    ) -> Iterator[tuple[Order, int]]:
        """What an exit's fill does to plain orders beside it: each, and by how much it yields."""
        return self.yields.after_exit(exit, units, held_units, left_of)

    def split(self, symbol: int, ratio: Decimal, lot_units: int) -> None:
        """A symbol's shares are split: what has filled of its orders is so many, in whole lots."""
        new, old = ratio.as_integer_ratio()

        def after(units: int) -> int:
            return divide_half_even(units * new, old) // lot_units * lot_units

        self.yields.split(symbol, after)
        own = [order for order in self._working.values() if order.symbol_index == symbol]
        for group in {order.group for order in own} & self._taken.keys():
            self._taken[group] = after(self._taken[group])
        for order in own:
            if order.order_id in self._spent:
                spent = self._spent[order.order_id]
                self._spent[order.order_id] = divide_half_even(spent * new, old)
            if order.filled_units:
                grown = after(self.filled(order)) - abs(order.filled_units)
                self._grown[order.order_id] = grown

    def after_fill(self, order: Order, units: int) -> Iterator[tuple[Order, int]]:
        """What a fill does to the other legs: each, and the units it may have from now on.

        A leg on the same side loses as much as was filled; one on the other side ends.
        """
        for leg in list(self.legs_of(order.group)) if order.group else ():
            if leg is order:
                continue
            same_side = (leg.units > 0) == (units > 0)
            left = abs(leg.units) - abs(leg.filled_units) - abs(units)
            size = max(left, 0) if same_side else 0
            yield leg, leg.filled_units + (size if leg.units > 0 else -size)
