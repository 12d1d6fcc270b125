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
    """How far orders for the other side of a position may still go once an exit takes it out: as
    far as was promised to them, though it has been bought, or sold, since. Sales are negative.
    """

    promised: int  # beyond nothing held
    further: int  # than what is held and works comes to
    free: int  # so much more on that side makes it no further


def kept_beside(working: WorkingOrders, positions: Positions) -> dict[Place, Kept]:
    """By strategy and symbol, where that is further than what is held and works comes to."""
    promised: dict[Place, int] = {}
    for number, beyond in working.promised.items():
        order = working.get(number)
        if order is not None and beyond:
            place = strategy, symbol = order.strategy, order.symbol_index
            if order.units * positions[strategy][symbol].units < 0:
                promised[place] = max(promised.get(place, 0), beyond)
    if not promised:
        return {}
    sides = dict.fromkeys(promised, 0)
    for order, left in counted(working, positions):
        place = strategy, symbol = order.strategy, order.symbol_index
        if place in sides and left * positions[strategy][symbol].units < 0:
            sides[place] += abs(left)
    found: dict[Place, Kept] = {}
    for place, most in promised.items():
        strategy, symbol = place
        held_units, side = positions[strategy][symbol].units, sides[place]
        further = abs(held_units) - max(side - most, 0)
        if further > 0:
            sign = -1 if held_units > 0 else 1
            found[place] = Kept(sign * most, sign * further, sign * further * (most <= side))
    return found
