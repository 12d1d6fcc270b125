"""What an exit takes out, no other order takes out again: plain orders beside exits yield to them.

Whoever weighs an order sees what it does to a position as it is, for exits that rest may never
fill. If one does, the order would go as much further on the other side, and nobody was asked about
that. So it becomes smaller by what the exit has filled, and ends where nothing of it is left.
"""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal

from app.core.money import divide_half_even
from app.core.orders import Order
from app.managers.execution_manager.orders.entries import counts

LeftOf = Callable[[Order], int]


def left_of(order: Order) -> int:
    """What of an order has not filled, unsigned."""
    return abs(order.units) - abs(order.filled_units)


class Yields:
    """By plain order, how far it and those beside it were to go beyond nothing held, as it was
    weighed; or as an exit was given beside it, where that was not noted.
    """

    def __init__(self, working: Mapping[int, Order]) -> None:
        self._working = working
        self._promised: dict[int, int] = {}  # some may have ended since one was noted last

    def state(self) -> dict[int, int]:
        """As it stands."""
        return self._promised.copy()

    def restore(self, state: Mapping[int, int]) -> None:
        """Be as it stood."""
        self._promised = dict(state)

    def split(self, symbol: int, ratio: Decimal) -> None:
        """A symbol's shares are split."""
        new, old = ratio.as_integer_ratio()
        for order in self._working.values():
            if order.symbol_index == symbol and order.order_id in self._promised:
                units = self._promised[order.order_id]
                self._promised[order.order_id] = divide_half_even(units * new, old)

    def note(self, order: Order, held_units: int, more_units: int) -> None:
        """An order passes, or so much more of one."""
        for ended in self._promised.keys() - self._working.keys():
            del self._promised[ended]
        beyond = self._beyond(order, held_units, left_of)
        if not order.reduce_only:
            self._promised[order.order_id] = max(beyond + abs(more_units), 0)
            return
        for other in self._plain(order):
            self._promised.setdefault(other.order_id, max(beyond, 0))

    def after_exit(
        self, exit: Order, units: int, held_units: int, left_of: LeftOf
    ) -> Iterator[tuple[Order, int]]:
        """An exit has filled so much, and so much is held now: who yields, and how much of it."""
        known, plain = self._promised, [one for one in self._plain(exit) if left_of(one)]
        promised = [known[one.order_id] for one in plain if one.order_id in known]
        if not promised:
            return
        beyond = self._beyond(exit, held_units, left_of)
        over = min(beyond - max(promised), abs(units))
        for order in plain:
            if over <= 0:
                return
            less = min(over, left_of(order))
            over -= less
            yield order, less

    def _beyond(self, beside: Order, held_units: int, left_of: LeftOf) -> int:
        """How far the orders of its place go beyond nothing held, with all that exits at market are
        about to take out.
        """
        held = held_units if beside.units < 0 else -held_units
        plain = exits = 0
        for order in self._beside(beside):
            if not order.reduce_only:
                plain += left_of(order)
            elif counts(order, self._working):
                exits += left_of(order)
        return plain + min(exits, max(held, 0)) - held

    def _plain(self, beside: Order) -> list[Order]:
        """The orders of its place that may open, the newest first: that is the first to yield."""
        return [order for order in self._beside(beside) if not order.reduce_only][::-1]

    def _beside(self, beside: Order) -> Iterator[Order]:
        """The orders of its strategy in its symbol that are for its side, and it with them."""
        place = beside.strategy, beside.symbol_index, beside.units > 0
        for order in self._working.values():
            if (order.strategy, order.symbol_index, order.units > 0) == place:
                yield order
