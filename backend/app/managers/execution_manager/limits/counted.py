"""What of the working orders whoever weighs another one takes for filled beside it."""

from collections.abc import Iterator, Mapping, Sequence

from app.core.orders import Order
from app.managers.execution_manager.books.ledger import Position
from app.managers.execution_manager.orders.entries import counts


def counted(
    working: Mapping[int, Order], positions: Sequence[Sequence[Position]]
) -> Iterator[tuple[Order, int]]:
    """The working orders that count, and what of each may still fill: of exits no more than their
    strategy holds.
    """
    taken: dict[tuple[int, int], int] = {}  # by strategy and symbol, by exits
    for order in working.values():
        left = order.units - order.filled_units
        if order.reduce_only:
            place = strategy, symbol = order.strategy, order.symbol_index
            held = positions[strategy][symbol].units + taken.get(place, 0)
            if held * left >= 0 or not counts(order, working):
                continue
            left = left if abs(left) < abs(held) else -held
            taken[place] = taken.get(place, 0) + left
        yield order, left
