"""What of the working orders whoever weighs another one takes for filled beside it."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from app.core.orders import CANCEL_PENDING, Order
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
    was promised to them, though it has been bought, or sold, since; and no further, though an exit
    at market is on its way that they yield to. Unsigned, of the side that `sells` tells.
    """

    sells: bool
    promised: int  # beyond nothing held
    further: int  # than what is held and works comes to; less than 0: not as far
    free: int  # so much more on that side makes it no further; less than 0: makes it more than that


def kept_beside(working: WorkingOrders, positions: Positions) -> dict[Place, Kept]:
    """By strategy and symbol, where that is not what is held and works comes to."""
    promised: dict[Place, int] = {}
    unsure = set[Place]()  # not all of the orders there yield
    for order in working.values() if working.promised else ():
        place = strategy, symbol = order.strategy, order.symbol_index
        if not order.reduce_only and order.units * positions[strategy][symbol].units < 0:
            beyond = working.promised.get(order.order_id, 0)
            promised[place] = max(promised.get(place, 0), beyond)
            if order.order_id not in working.promised or order.state is CANCEL_PENDING:
                unsure.add(place)
    if not promised:
        return {}
    plain, exits = dict.fromkeys(promised, 0), dict.fromkeys(promised, 0)
    for order, left in counted(working, positions):
        place = strategy, symbol = order.strategy, order.symbol_index
        if place in plain and left * positions[strategy][symbol].units < 0:
            (exits if order.reduce_only else plain)[place] += abs(left)
    found: dict[Place, Kept] = {}
    for place, beyond in promised.items():
        strategy, symbol = place
        held_units, most = positions[strategy][symbol].units, plain[place]
        counted_to = most + exits[place] - abs(held_units)
        kept_to = max(min(beyond, most), counted_to if place in unsure else most - abs(held_units))
        if kept_to != counted_to and (beyond or counted_to > 0):
            further = kept_to - counted_to
            found[place] = Kept(held_units > 0, beyond, further, further * (beyond <= most))
    return found
