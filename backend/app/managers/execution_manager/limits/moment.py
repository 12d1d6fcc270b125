"""How long figures of a portfolio stay true: until time, the books or its orders move on."""

from typing import Final, Protocol

from app.core.orders import Order
from app.managers.execution_manager.books.account import Mark
from app.managers.execution_manager.books.diary import Diary
from app.managers.execution_manager.orders.working_orders import WorkingOrders

_UNSEEN: Final = -2  # one more than that is no count yet


class Books(Protocol):
    """Who books executions, and writes down whatever happens."""

    @property
    def fill_count(self) -> int:
        """How many fills were booked so far."""
        ...

    @property
    def diary(self) -> Diary:
        """Where all that happens is written."""
        ...


class Moment:
    """Two counts, by which whoever keeps a figure sees that it is stale.

    `state` rises when time or the books have moved on, `works` also when orders have. Where that
    was one new order and nothing else, it is `added`: a figure can be carried on by it.
    """

    __slots__ = (
        "_count", "_mark", "_marks", "_size", "_working", "added", "books", "fills", "now_ns",
        "state", "works",
    )  # fmt: skip

    def __init__(self, books: Books, working: WorkingOrders, mark: Mark) -> None:
        self.books = books
        self._working = working
        self._mark = mark
        self._marks: dict[int, float] = {}
        self._count = self.fills = self._size = _UNSEEN
        self.now_ns = _UNSEEN
        self.added: Order | None = None
        self.state = self.works = 0

    def turn(self, now_ns: int) -> bool:
        """See what the time is; whether time or the books have moved on since the last call."""
        fills = self.books.fill_count
        if now_ns == self.now_ns and fills == self.fills:
            return False
        self.forget()
        self.now_ns, self.fills = now_ns, fills
        return True

    def turn_orders(self) -> None:
        """See what orders work; to be called before `works` is read."""
        count = self.books.diary.count()
        if count != self._count:
            size = len(self._working)
            alone = count == self._count + 1 and size == self._size + 1
            self.added = next(reversed(self._working.values())) if alone else None
            self._count, self._size = count, size
            self.works += 1

    def forget(self) -> None:
        """Take every figure for stale."""
        self.state += 1
        self.works += 1
        self.added = None
        self.now_ns = self._count = _UNSEEN
        self._marks.clear()

    def mark(self, symbol: int) -> float:
        """A symbol's last close."""
        price = self._marks.get(symbol)
        if price is None:
            price = self._marks[symbol] = self._mark(symbol)
        return price
