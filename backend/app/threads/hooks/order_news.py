"""Tells strategies what has become of their orders and positions."""

from collections.abc import Callable, Sequence

from app.core.orders import FILLED, REJECTED, Order
from app.managers.execution_manager.execution_manager import ExecutionManager
from app.managers.execution_manager.sim_stop import is_done, look
from app.strategies.indicator import BETWEEN_BARS, Cursor
from app.strategies.views import OrderView, PositionView
from app.threads.hooks.floods import MOST_REFUSED, failing
from app.threads.hooks.seats import Seat

MOST_ANSWERS = 1_000  # one after the other, to ends of orders


class OrderNews:
    """Calls the order and position hooks; `call` runs one, and what it proposes."""

    def __init__(
        self,
        seats: Sequence[Seat],
        cursor: Cursor,
        execution: ExecutionManager,
        call: Callable[..., None],
    ) -> None:
        self._seats = seats
        self._cursor = cursor
        self._execution = execution
        self._call = call
        self.listen()
        self._ends: list[Order] = []  # orders whose end is to be told
        self._telling = False
        self._hidden = execution.entries.own  # orders that strategies hear nothing of
        self.on_killed: Callable[[], None] | None = None  # what a kill asks for is done
        self._refused = [0] * len(seats)  # orders and amendments, in the session under way

    def listen(self) -> None:
        """For as much as the seats want to hear."""
        self.hears_fills = any(seat.hears_orders or seat.hears_positions for seat in self._seats)
        self._execution.tells_fills = self.hears_fills

    def open_session(self) -> None:
        """A session begins."""
        self._refused = [0] * len(self._seats)

    def match(self, now_ns: int) -> None:
        """Fill what the bars known at an instant fill, and tell of it."""
        cursor, execution = self._cursor, self._execution
        cursor.step, cursor.stood_ns = BETWEEN_BARS, now_ns  # `stand`, without the call
        broker = execution.broker
        if self.hears_fills:
            self.tell_fills(execution.match(now_ns))
        else:
            broker.match(now_ns)
        if broker.spent or broker.pending:
            broker.settle(now_ns)
        if execution.untold:
            self.tell_untold()

    def tell_fills(self, filled: Sequence[Order]) -> None:
        """The order and position hooks after fills, where there are any."""
        if self.hears_fills:
            if self._execution.entries.kill.mode:
                self._look()
            for order in filled:
                self._tell_fill(order)
            self._cursor.symbol = -1

    def _tell_fill(self, order: Order) -> None:
        if order.order_id in self._hidden:
            return
        seat, self._cursor.symbol = self._seats[order.strategy], order.symbol_index
        told_by_its_end = not order.is_working and order.state is not FILLED
        if seat.hears_orders and not told_by_its_end:
            self._call(seat, seat.strategy.on_order, OrderView(order))
        if seat.hears_positions:
            position = self._execution.positions[order.strategy][order.symbol_index]
            self._call(seat, seat.strategy.on_position, order.symbol, PositionView(position))

    def tell_untold(self) -> None:
        """The order hook after orders that the broker ended."""
        if self._execution.entries.kill.mode:
            self._look()
        untold = self._execution.untold
        if untold:
            self._execution.untold = []
            self.tell_ends(untold)

    def _look(self) -> None:
        """After a kill: what there is to do about what has come; from now on each fill is heard."""
        execution = self._execution
        self.hears_fills = execution.tells_fills = True
        look(execution, self._cursor.now_ns)
        if self.on_killed is not None and is_done(execution):
            self.on_killed()

    def tell_ends(self, orders: Sequence[Order]) -> None:
        """The order hook after each; what a hook gives in answer, and is refused, joins them."""
        self._ends += orders
        if self._telling or not self._ends:
            return
        self._telling = True
        for _ in range(MOST_ANSWERS):  # each round tells what came of the hooks of the one before
            if not self._ends:
                break
            ends, self._ends = self._ends, []
            for order in ends:
                self._tell_end(order)
                if order.is_working or order.state is REJECTED:
                    self._count_refused(order)
        self._telling = False
        if self._ends:
            order = self._ends[0]
            text = (
                "it answers a refusal with an order that is refused again, without end: "
                f"{order.reason}."
            )
            self._call(self._seats[order.strategy], failing("on_order", text))

    def _count_refused(self, order: Order) -> None:
        """One more that was refused, or an amendment of it; a strategy that has too many fails."""
        number = order.strategy
        self._refused[number] = count = self._refused[number] + 1
        if count == MOST_REFUSED:
            text = (
                f"{count:,} of its orders and amendments were refused in this session, the last "
                f"for {order.reason}."
            )
            self._call(self._seats[number], failing("on_order", text))

    def _tell_end(self, order: Order) -> None:
        seat, cursor = self._seats[order.strategy], self._cursor
        if seat.hears_orders and order.order_id not in self._hidden:
            step, in_hand = cursor.step, cursor.symbol
            cursor.stand(cursor.now_ns)
            cursor.symbol = order.symbol_index
            self._call(seat, seat.strategy.on_order, OrderView(order))
            cursor.step, cursor.symbol = step, in_hand
