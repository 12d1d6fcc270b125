"""The orders of a broker that work, and what is asked of them that is not in force yet."""

from collections.abc import Mapping
from types import MappingProxyType

from app.core.orders import Order, Terms

Pending = dict[int, tuple[int, Terms | None]]


class WorkingOrders(dict[int, Order]):
    """By number, in order of acceptance. Of those in `pending`: since when, and the terms they are
    to have; none, where a bar under way is all that can still fill them. By `promised`, some of
    which have ended, it is known how far plain ones may go beyond nothing held.
    """

    __slots__ = ("pending", "promised")

    def __init__(self, orders: Mapping[int, Order] = MappingProxyType({})) -> None:
        super().__init__(orders)
        self.pending: Pending = {}
        self.promised: dict[int, int] = {}

    def left_of(self, order: Order) -> int:
        """How much of an order may still fill, with what is asked for."""
        left = order.units - order.filled_units
        if not self.pending:
            return left
        more = self.more_of(order)
        return left + (more if order.units > 0 else -more)

    def more_of(self, order: Order) -> int:
        """How much larger an order is to be, unsigned."""
        if order.order_id not in self.pending:
            return 0
        _, terms = self.pending[order.order_id]
        return 0 if terms is None else max(abs(terms.units) - abs(order.units), 0)

    def copy(self) -> "WorkingOrders":
        """As it is at once: whose thread it is may go on changing it."""
        made = WorkingOrders(self)
        made.pending = self.pending.copy()
        made.promised = self.promised.copy()
        return made
