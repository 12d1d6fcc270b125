"""What an exit takes out, no other order takes out again: plain orders beside exits yield to them.

Whoever weighs an order sees what it does to a position as it is, for exits that rest may never
fill. If one does, the order would go as much further on the other side, and nobody was asked about
that. So it becomes smaller by what the exit has filled, and ends where nothing of it is left.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from app.core.orders import CANCEL_PENDING, Order
from app.managers.execution_manager.orders.entries import counts

LeftOf = Callable[[Order], int]
_FEW_ENDED = 16  # to look for them with each order takes the longer, the more work


def left_of(order: Order) -> int:
    """What of an order has not filled, unsigned."""
    return abs(order.units) - abs(order.filled_units)


class Yields:
    """By plain order, how far it and those beside it were to go beyond nothing held, as it was
    weighed; or as an exit was given beside it, where that was not noted.
    """

    def __init__(self, working: Mapping[int, Order]) -> None:
        self._working = working
        self._promised: dict[int, int] = {}  # some have ended

    def state(self) -> dict[int, int]:
        """As it stands."""
        return self._promised.copy()

    def restore(self, state: Mapping[int, int]) -> None:
        """Be as it stood."""
        self._promised = dict(state)

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
        orders = [one for one in self._beside(order) if one.state is not CANCEL_PENDING]
        if not (order.reduce_only or order.order_id in self._working):
            orders.append(order)
        beyond = max(self._beyond(orders, held_units, left_of) + abs(more_units), 0)
        if not order.reduce_only:
            self._promised[order.order_id] = beyond
            return
        for other in orders:
            if not other.reduce_only:
                self._promised.setdefault(other.order_id, beyond)

    def lessen(self, order: Order, units: int) -> None:
        """So much of an order is not to fill any more: it and those that were weighed behind it go
        as much less far. What a leg of a group leaves, the others may fill.
        """
        promised = self._promised
        if not promised or order.reduce_only:
            return
        for one in self._beside(order):
            is_behind = one.order_id > order.order_id and not order.group
            if one.order_id in promised and (one is order or is_behind):
                promised[one.order_id] = max(promised[one.order_id] - abs(units), 0)

    def after_exit(
        self, exit: Order, units: int, held_units: int, left_of: LeftOf
    ) -> Iterator[tuple[Order, int]]:
        """An exit has filled so much, and so much is held now: who yields, and how much of it."""
        beside = [*self._beside(exit)]
        promised = self._promised_to([one for one in beside if left_of(one)])
        if promised is None:
            return
        beyond = self._beyond(beside, held_units, left_of)
        over = min(beyond - promised, abs(units))
        for legs in _plain(beside):
            if over <= 0:
                return
            most = max(map(left_of, legs))
            stays = max(most - over, 0)
            over -= most - stays
            for order in legs:
                less = left_of(order) - stays
                if less > 0:
                    yield order, less

    def _promised_to(self, orders: Sequence[Order]) -> int | None:
        """How far any of these may go; what is to be cancelled counts where nothing else is."""
        known = [one for one in orders if one.order_id in self._promised and not one.reduce_only]
        stay = [one for one in known if one.state is not CANCEL_PENDING]
        return max((self._promised[one.order_id] for one in stay or known), default=None)

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


def _plain(orders: Sequence[Order]) -> list[list[Order]]:
    """Of these the orders that may open, by turns: the newest is the first to yield, what is to be
    cancelled the last. Legs of a group, which fill no more than the largest of them, are one.
    """
    found: dict[int, list[Order]] = {}
    newest_first = [one for one in orders if not one.reduce_only][::-1]
    for order in sorted(newest_first, key=lambda one: one.state is CANCEL_PENDING):
        found.setdefault(order.group or -order.order_id, []).append(order)
    return [*found.values()]
