"""What an exit takes out, no other order takes out again: plain orders beside exits yield to them.

Whoever weighs an order sees what it does to a position as it is, for exits that rest may never
fill. If one does, the order would go as much further on the other side, and nobody was asked about
that. So it becomes smaller by what the exit has filled, and ends where nothing of it is left.

An order that is being cancelled counts as gone for whoever gives another; where it fills all the
same, it is an exit to that one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from app.core.orders import CANCEL_PENDING, Order
from app.managers.execution_manager.orders.entries import counts
from app.managers.execution_manager.orders.working_orders import WorkingOrders

LeftOf = Callable[[Order], int]
_FEW_ENDED = 16  # to look for them with each order takes the longer, the more work


def left_of(order: Order) -> int:
    """What of an order has not filled, unsigned."""
    return abs(order.units) - abs(order.filled_units)


class Yields:
    """By plain order, how far it and those beside it were to go beyond nothing held, as it was
    weighed; or as an exit was given beside it, where that was not noted.
    """

    def __init__(self, working: WorkingOrders) -> None:
        self._working = working
        self._promised = working.promised

    def state(self) -> dict[int, int]:
        """As it stands."""
        return self._promised.copy()

    def restore(self, state: Mapping[int, int]) -> None:
        """Be as it stood."""
        self._promised.clear()
        self._promised.update(state)

    def split(self, symbol: int, after: Callable[[int], int]) -> None:
        """A symbol's shares are split: so many are so many, in whole lots."""
        for order in self._working.values():
            if order.symbol_index == symbol and order.order_id in self._promised:
                self._promised[order.order_id] = after(self._promised[order.order_id])

    def note(self, order: Order, held_units: int, more_units: int = 0) -> None:
        """An order passes, or so much more of one, beside all that is not to be cancelled."""
        if len(self._promised) > 2 * len(self._working) + _FEW_ENDED:
            for ended in self._promised.keys() - self._working.keys():
                del self._promised[ended]
        orders = self._stay(order)
        if not (order.reduce_only or order.order_id in self._working):
            orders.append(order)
        beyond = max(self._beyond(orders, held_units, self._most_left) + abs(more_units), 0)
        if not order.reduce_only:
            self._promised[order.order_id] = beyond
            return
        self._promise(orders, beyond)

    def leave(self, order: Order, held_units: int) -> None:
        """An order is to be cancelled: for all beside it, it counts as gone."""
        if not self._promised:
            return
        self._lessen_behind(order, left_of(order))
        orders = [one for one in self._stay(order) if one is not order]
        self._promise(orders, max(self._beyond(orders, held_units, self._most_left), 0))

    def _promise(self, orders: Sequence[Order], beyond: int) -> None:
        """Plain orders of these of which that was not noted may go so far."""
        for order in orders:
            if not order.reduce_only:
                self._promised.setdefault(order.order_id, beyond)

    def lessen(self, order: Order, units: int) -> None:
        """So much of an order is not to fill any more: it and those that were weighed behind it go
        as much less far. What a leg of a group leaves, the others may fill.
        """
        if self._promised and order.state is not CANCEL_PENDING:  # else it counts as gone
            own = self._promised.get(order.order_id, 0)
            if own:
                self._promised[order.order_id] = max(own - abs(units), 0)
            self._lessen_behind(order, abs(units))

    def _lessen_behind(self, order: Order, units: int) -> None:
        promised = self._promised
        if order.reduce_only or order.group:
            return
        for one in self._beside(order):
            if one.order_id > order.order_id and one.order_id in promised:
                promised[one.order_id] = max(promised[one.order_id] - units, 0)

    def after_exit(
        self, exit: Order, units: int, held_units: int, left_of: LeftOf
    ) -> Iterator[tuple[Order, int]]:
        """An exit has filled so much, and so much is held now: who yields, and how much of it."""
        beside = [*self._beside(exit)]
        most = abs(units) if exit.reduce_only else _taken_out(units, held_units)
        before = {one.order_id: left_of(one) + self._working.more_of(one) for one in beside}
        left = before.copy()
        for together in _weighed_together(beside):
            plain = [one for one in together if not one.reduce_only and left[one.order_id]]
            promised = max([self._promised.get(one.order_id, -1) for one in plain], default=-1)
            if promised >= 0:
                beyond = self._beyond(together, held_units, lambda one: left[one.order_id])
                _cut([one for one in plain if one is not exit], left, min(beyond - promised, most))
        for order in beside:
            less = before[order.order_id] - left[order.order_id]
            if less:
                yield order, less

    def _beyond(self, orders: Sequence[Order], held_units: int, left_of: LeftOf) -> int:
        """How far orders of one place go beyond nothing held, with all that exits at market are
        about to take out.
        """
        plain = exits = 0
        groups: dict[int, int] = {}  # legs fill no more than the largest of them
        for one in orders:
            if one.reduce_only:
                exits += left_of(one) if counts(one, self._working) else 0
            elif one.group:
                groups[one.group] = max(groups.get(one.group, 0), left_of(one))
            else:
                plain += left_of(one)
        held = -held_units if orders and orders[0].units > 0 else held_units
        return plain + sum(groups.values()) + min(exits, max(held, 0)) - held

    def _most_left(self, order: Order) -> int:
        return left_of(order) + self._working.more_of(order)

    def _stay(self, beside: Order) -> list[Order]:
        """Those beside an order, and it with them, that are not to be cancelled."""
        return [one for one in self._beside(beside) if one.state is not CANCEL_PENDING]

    def _beside(self, beside: Order) -> Iterator[Order]:
        """The orders of its strategy in its symbol that are for its side, and it with them."""
        strategy, symbol, buys = beside.strategy, beside.symbol_index, beside.units > 0
        for order in self._working.values():
            if (
                order.symbol_index == symbol
                and order.strategy == strategy
                and (order.units > 0) == buys
            ):
                yield order


def _taken_out(units: int, held_units: int) -> int:
    """How much of a position a fill has closed; so much is held behind it."""
    before = held_units - units
    return min(abs(units), abs(before)) if before * units < 0 else 0


def _weighed_together(orders: Sequence[Order]) -> Iterator[list[Order]]:
    """Those that stay; and those that are to be cancelled, with what may have been weighed beside.

    The last to be weighed comes last; but what is to be cancelled anyway, behind it.
    """
    stay = [one for one in orders if one.state is not CANCEL_PENDING]
    yield stay
    if len(stay) < len(orders):
        leaving = [one for one in orders if one.state is CANCEL_PENDING]
        yield [one for one in stay if one.order_id < leaving[-1].order_id] + leaving


def _cut(orders: Sequence[Order], left: dict[int, int], over: int) -> None:
    """Take so much of what is left of orders, of the last ones first. Legs of a group, which fill
    no more than the largest of them, are one.
    """
    legs: dict[int, list[int]] = {}
    for order in reversed(orders):
        legs.setdefault(order.group or -order.order_id, []).append(order.order_id)
    for numbers in legs.values():
        if over <= 0:
            return
        most = max(left[number] for number in numbers)
        stays = max(most - over, 0)
        over -= most - stays
        for number in numbers:
            left[number] = min(left[number], stays)
