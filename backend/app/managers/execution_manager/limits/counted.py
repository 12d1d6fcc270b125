"""What of the working orders whoever weighs another one takes for filled beside it."""

from collections.abc import Iterator, Sequence

from app.core.orders import Order
from app.managers.execution_manager.books.ledger import Position
from app.managers.execution_manager.orders.entries import counts
from app.managers.execution_manager.orders.working_orders import WorkingOrders


def counted(
    working: WorkingOrders, positions: Sequence[Sequence[Position]]
) -> Iterator[tuple[Order, int]]:
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
