"""The exits that strategies gave with their entries, for what an entry still fills after its end.

Exits of an entry are the orders given after it that only reduce. They end with it; what it fills
later is a position all the same, and gets exits of the same terms. Those that the strategy, or a
command, took back are declared no more.
"""

from collections.abc import Callable, Iterator, Mapping

import msgspec
from msgspec.structs import replace

from app.core.orders import NEW, Order, in_our_words


class Declared(msgspec.Struct):
    """An exit as it was declared last, and how large."""

    order: Order
    most_units: int  # unsigned


class ExitsState(msgspec.Struct, frozen=True):
    """What was declared, by entry, and what of it was taken back."""

    by_entry: dict[int, list[Declared]]
    withdrawn: list[int]


class DeclaredExits:
    """The exits of one account by entry; kept for good, as a fill may come at any time."""

    def __init__(self) -> None:
        self._by_entry: dict[int, list[Declared]] = {}
        self._withdrawn: set[int] = set()

    def state(self) -> ExitsState:
        """All of it."""
        return ExitsState(
            {entry: [replace(one) for one in own] for entry, own in self._by_entry.items()},
            sorted(self._withdrawn),
        )

    def restore(self, state: ExitsState, working: Mapping[int, Order]) -> None:
        """As it was; of these orders, where they work."""
        for own in state.by_entry.values():
            for one in own:
                in_our_words(one.order)
                one.order = working.get(one.order.order_id, one.order)
        self._by_entry, self._withdrawn = dict(state.by_entry), set(state.withdrawn)

    def add(self, order: Order) -> None:
        """Take in an order that was given after another; what protection gives, it gives anew."""
        if not order.reduce_only or order.guard is not None:
            return
        exits = self._by_entry.setdefault(order.parent, [])
        if all(one.order is not order for one in exits):
            exits.append(Declared(order, abs(order.units)))

    def resize(self, order: Order, units: int) -> None:
        """A strategy has given an order another size."""
        for one in self._by_entry.get(order.parent, ()):
            if one.order is order:
                one.most_units = abs(units)

    def detach(self, order: Order) -> None:
        """An order has ended: what was declared stays, whatever it still fills."""
        for one in self._by_entry.get(order.parent, ()):
            if one.order is order:
                one.order = replace(order, state=NEW, filled_units=0, reason="", ended_ns=0)

    def withdraw(self, order: Order) -> None:
        """An order is taken back."""
        if order.parent and order.reduce_only:  # of others nothing is declared
            self._withdrawn.add(order.order_id)

    def reinstate(self, order: Order) -> None:
        """An order could not be taken back."""
        self._withdrawn.discard(order.order_id)

    def after_late_fill(
        self, entry: Order, units: int, held_units: int, new_group: Callable[[], int]
    ) -> Iterator[Order]:
        """Exits for `units` that an entry, ended by then, has filled late: it counts them already.

        No more than is held on its side. They stand in the place of those declared before, and
        have no number yet.
        """
        held = max(held_units if units > 0 else -held_units, 0)
        groups: dict[int, int] = {}
        for one in self._by_entry.get(entry.order_id, ()):
            old = one.order
            size = min(_part_of(one.most_units, entry, abs(units)), held)
            if old.order_id in self._withdrawn or not size:
                continue
            if old.group and old.group not in groups:
                groups[old.group] = new_group()
            one.order = Order(
                0, old.strategy, old.symbol, old.symbol_index,
                -size if units > 0 else size, 0, kind=old.kind, tif=old.tif, limit=old.limit,
                stop=old.stop, trail=old.trail, trail_percent=old.trail_percent, aimed=False,
                reduce_only=True, parent=entry.order_id, group=groups.get(old.group, 0),
            )  # fmt: skip
            yield one.order


def _part_of(most_units: int, entry: Order, late_units: int) -> int:
    """What of a late fill is an exit's: all, unless it was to take out less than the entry."""
    if most_units >= abs(entry.units):
        return late_units
    filled = abs(entry.filled_units)
    return min(most_units, filled) - min(most_units, filled - late_units)
