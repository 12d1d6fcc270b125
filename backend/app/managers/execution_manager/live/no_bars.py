"""What only bars do to orders: nothing, where a venue fills them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from app.core.calendar import TradingSession
from app.core.orders import Order
from app.managers.execution_manager.orders.links import NO_ORDERS
from app.managers.execution_manager.sim.bar_book import NEVER_NS, BarBook


class NoBars:
    """That side of a broker: nothing is ever due, and no close of ours ends an order."""

    ends_orders = False  # the venue does, and tells of it

    def __init__(self) -> None:
        self.latency_ns = 0
        self.due_ns = NEVER_NS
        self.closing: list[Order] = []
        self.closing_ns = -1
        self.spent: list[Order] = []

    def load(self, book: BarBook) -> None: ...
    def match(self, now_ns: int) -> None: ...
    def match_close(self, now_ns: int) -> None: ...
    def match_auction(self, symbol: int, price: float, start_ns: int, now_ns: int) -> None: ...
    def leave_instant(self, now_ns: int) -> None: ...
    def settle(self, now_ns: int) -> None: ...
    def look_again(self, order: Order, now_ns: int) -> None: ...

    def open_session(self, session: TradingSession, end_ns: int, now_ns: int) -> list[Order]:
        """None comes too late for the open unless the venue says so."""
        return []

    def for_the_close(self) -> Sequence[Order]:
        """The venue holds the closing auction."""
        return NO_ORDERS

    def of_session(self, order: Order) -> bool:
        """No order ends by a close of ours."""
        return False

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Many orders end or change."""
        yield
