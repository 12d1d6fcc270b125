"""What of the working orders whoever weighs another one takes for filled beside it."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from app.core.orders import Order
from app.managers.execution_manager.books.ledger import Position
from app.managers.execution_manager.orders.entries import counts
from app.managers.execution_manager.orders.working_orders import WorkingOrders

Positions = Sequence[Sequence[Position]]  # by strategy and symbol
Place = tuple[int, int]  # strategy, symbol


def counted(working: WorkingOrders, positions: Positions) -> Iterator[tuple[Order, int]]:
    """The working orders that count, and what of each may still fill: of exits no more than their
    strategy holds.
    """
    taken: dict[tuple[int, int], int] = {}  # by strategy and symbol, by exits
    for order in working.values():
        left = working.left_of(order)
        if order.reduce_only:
            place = strategy, symbol = order.strategy, order.symbol_index
            held = positions[strategy][symbol].units + taken.get(place, 0)
            if held * left >= 0 or not counts(order, working):
                continue
            left = left if abs(left) < abs(held) else -held
            taken[place] = taken.get(place, 0) + left
        yield order, left


class Kept(NamedTuple):
    """How far orders for the other side of a position may go once an exit takes it out: as far as
    was promised to them, though it has been bought, or sold, since. Unsigned, of the side that
    `sells` tells.
    """

    sells: bool
    promised: int  # beyond nothing held
    # So much further than what is held and works comes to; less than 0: not as far, by as much, if
    # they yield to an exit on its way and legs of a group fill as one. At a venue they may not yet.
    certain: int
    free: int  # so much more on that side makes it no further

    @property
    def further(self) -> int:
        """So much further than what is held and works comes to they may go."""
        return max(self.certain, 0)


def kept_beside(working: WorkingOrders, positions: Positions) -> dict[Place, Kept]:
    """By strategy and symbol, where that is not what is held and works comes to."""
    promised: dict[Place, int] = {}
    for order in working.values() if working.promised else ():
        place = strategy, symbol = order.strategy, order.symbol_index
        if not order.reduce_only and order.units * positions[strategy][symbol].units < 0:
            beyond = working.promised.get(order.order_id, 0)
            promised[place] = max(promised.get(place, 0), beyond)
    if not promised:
        return {}
    everything, plain = dict.fromkeys(promised, 0), dict.fromkeys(promised, 0)
    legs: dict[tuple[Place, int], int] = {}
    for order, left in counted(working, positions):
        place = strategy, symbol = order.strategy, order.symbol_index
        if place in promised and left * positions[strategy][symbol].units < 0:
            everything[place] += abs(left)
            if order.group and not order.reduce_only:
                legs[place, order.group] = max(legs.get((place, order.group), 0), abs(left))
            elif not order.reduce_only:
                plain[place] += abs(left)
    for (place, _), left in legs.items():
        plain[place] += left
    found: dict[Place, Kept] = {}
    for place, beyond in promised.items():
        strategy, symbol = place
        held_units = positions[strategy][symbol].units
        counted_to, certain_to = (of[place] - abs(held_units) for of in (everything, plain))
        if beyond:
            certain_to = max(certain_to, min(beyond, plain[place]))
        if certain_to != counted_to:
            certain = certain_to - counted_to
            free = max(certain, 0) if beyond <= plain[place] else 0
            found[place] = Kept(held_units > 0, beyond, certain, free)
    return found
