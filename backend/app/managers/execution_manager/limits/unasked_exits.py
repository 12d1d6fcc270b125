"""Exits that rest and passed unasked: once another exit has the first turn, they only reduce, too.

An order that does nothing but take out what is held is asked nothing. A stop that is given later,
or a close as time is up, may take that out before it: what then filled would open a position, and
no limit was asked about one.
"""

from collections.abc import Callable

from app.core.orders import Order
from app.managers.execution_manager.limits.moment import Working
from app.managers.execution_manager.orders.entries import opens


class UnaskedExits:
    """Of one account; `reducing` are the broker's orders that only reduce."""

    def __init__(
        self, working: Working, reducing: set[int], held_units_of: Callable[[int, int], int]
    ) -> None:
        self.order_ids: set[int] = set()  # some may have ended since one passed last
        self._working = working
        self._reducing = reducing
        self._held_units_of = held_units_of

    def passed(self, order: Order) -> bool:
        """One that rests, or only reduces, leaves; whether others are other orders by that."""
        self.order_ids &= self._working.keys()
        if order.reduce_only:
            return self._bind(order)
        held_units = self._held_units_of(order.strategy, order.symbol_index)
        if not (order.parent or opens(order, order.units, self._working, held_units)):
            self.order_ids.add(order.order_id)
        return False

    def asked(self, order: Order) -> None:
        """Limits have approved of what it may open."""
        self.order_ids.discard(order.order_id)

    def _bind(self, exit: Order) -> bool:
        place = exit.strategy, exit.symbol_index, exit.units > 0
        bound = [
            order
            for order in map(self._working.__getitem__, sorted(self.order_ids))
            if (order.strategy, order.symbol_index, order.units > 0) == place
        ]
        for order in bound:
            order.reduce_only = True
            self._reducing.add(order.order_id)
            self.order_ids.discard(order.order_id)
        return bool(bound)
