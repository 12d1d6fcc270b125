"""Books what a live broker tells of the run's orders: transitions, fills, halts.

Each event is an input with its place in the order of inputs, and told once; what happens here is a
pure function of them. The venue's word counts: a fill of an order that had ended is booked as well.
"""

from collections.abc import Iterable

from app.core.errors import AppError
from app.core.money import divide_half_even
from app.core.order_events import (
    Acknowledged,
    Amended,
    ChangeRefused,
    Ended,
    Filled,
    GateActed,
    GateFilled,
    GateGave,
    Halted,
    OrderEvent,
    Refused,
    Resumed,
    Uncertain,
    Voided,
)
from app.core.orders import (
    ACCEPTED,
    AMEND_PENDING,
    CANCEL_PENDING,
    CANCELED,
    PARTIAL,
    REJECTED,
    SUBMITTED,
    UNKNOWN,
    Order,
    Terms,
)
from app.managers.execution_manager.entries import ALL_SYMBOLS
from app.managers.execution_manager.execution_manager import ExecutionManager
from app.managers.execution_manager.live_broker import LiveBroker, terms_of

_NEVER_SENT = "void: decided again in recovery, and never sent"


JOURNAL = "journal"  # the source of the halt while nothing can be made durable


class UnknownOrder(AppError):
    """An event names an order that this run never gave: a defect of whoever reports."""


class OrderReports:
    """Of one account; a simulated broker tells of nothing, and then only halts are heard."""

    def __init__(self, execution: ExecutionManager) -> None:
        self._execution = execution
        broker = execution.broker
        self._broker = broker if isinstance(broker, LiveBroker) else LiveBroker(execution)
        self._applied: set[tuple[str, int]] = set()  # executions, by id and instant

    def state(self) -> list[tuple[str, int]]:
        """The executions that are booked."""
        return sorted(self._applied)

    def restore(self, state: Iterable[tuple[str, int]]) -> None:
        """These are booked."""
        self._applied = set(state)

    def take(self, events: Iterable[OrderEvent], now_ns: int) -> list[Order]:
        """Book what is told; the orders that filled, for the hooks."""
        filled: list[Order] = []
        for event in events:
            match event:
                case Filled():
                    filled += self._fill(event, now_ns)
                case GateFilled():
                    self._fill_of_gate(event, now_ns)
                case Halted(symbol=symbol, reason=reason, source=source):
                    self._execution.close_entries(symbol, reason, source)
                case Resumed(symbol=symbol, source=source):
                    self._execution.close_entries(symbol, "", source)
                    if source == JOURNAL:
                        self._broker.ask_again(now_ns)
                case GateActed(what=what, reason=reason):
                    if what in ("latched", "released"):
                        closed = reason if what == "latched" else ""
                        self._execution.close_entries(ALL_SYMBOLS, closed, "latch")
                case GateGave():
                    pass  # its fills say what comes of it
                case _:
                    self._change(event, self._order(event.order_id), now_ns)
        return filled

    def _order(self, order_id: int) -> Order:
        try:
            return self._broker.known[order_id]
        except KeyError:
            raise UnknownOrder(
                f"The broker tells of order {order_id}, which was never given."
            ) from None

    # -- transitions -------------------------------------------------------------------------------

    def _change(self, event: OrderEvent, order: Order, now_ns: int) -> None:
        if not order.is_working:
            return  # it ended before this was told
        match event:
            case Acknowledged():
                if order.state in (SUBMITTED, UNKNOWN):
                    self._go_on(order)
            case Uncertain(reason=reason):
                if order.state is not UNKNOWN:
                    order.to(UNKNOWN)
                self._execution.diary.note("uncertain", order, now_ns, reason)
            case Refused(reason=reason):
                self._refuse(order, reason, now_ns)
            case Ended(state=state, reason=reason):
                self._execution.lapsed(order, state, now_ns, reason or order.reason)
            case Voided():
                self._refuse(order, _NEVER_SENT, now_ns)
            case Amended(terms=terms):
                self._amend(order, terms, now_ns)
            case ChangeRefused(reason=reason):
                self._keep(order, reason, now_ns)

    def _refuse(self, order: Order, reason: str, now_ns: int) -> None:
        """It is not at the venue, or no more."""
        never = order.state in (SUBMITTED, UNKNOWN) and not order.filled_units
        self._execution.lapsed(order, REJECTED if never else CANCELED, now_ns, reason)

    def _go_on(self, order: Order) -> None:
        """It works at the venue, as far as it has filled; unless it is to be changed."""
        order.to(PARTIAL if order.filled_units else ACCEPTED)
        if order.order_id in self._broker.ending:
            order.to(CANCEL_PENDING)
        elif order.order_id in self._broker.pending:
            order.to(AMEND_PENDING)

    def _amend(self, order: Order, terms: Terms, now_ns: int) -> None:
        self._broker.amended(order, terms)
        if terms != terms_of(order):
            self._execution.amended(order, terms, now_ns, now_ns)
        if order.is_working:
            self._broker.follow_up(order, now_ns)
        if order.state is AMEND_PENDING and order.order_id not in self._broker.pending:
            self._go_on(order)

    def _keep(self, order: Order, reason: str, now_ns: int) -> None:
        """The venue did not cancel or amend it: it goes on as it was."""
        self._broker.change_refused(order)
        order.reason = reason
        self._execution.diary.note("change refused", order, now_ns, reason)
        self._execution.untold.append(order)
        self._aim_again(order)
        if order.state in (CANCEL_PENDING, AMEND_PENDING):
            self._go_on(order)
        self._broker.follow_up(order, now_ns)

    def _aim_again(self, order: Order) -> None:
        """A plain order goes on that was to be cancelled."""
        linked = order.parent or order.reduce_only or order.group
        if not order.aimed and order.stop is None and not linked:
            order.aimed = True
            left = order.units - order.filled_units
            self._execution.aim_units[order.strategy][order.symbol_index] += left

    # -- fills -------------------------------------------------------------------------------------

    def _fill(self, event: Filled, now_ns: int) -> list[Order]:
        order = self._order(event.order_id)
        key = event.execution_id, event.at_ns
        if key in self._applied:
            return []
        self._applied.add(key)
        done = order.filled_units + event.units
        if not order.is_working:
            self._book(event, order.strategy, order.symbol_index, event.units, now_ns)
            order.filled_units = done
            self._execution.diary.note("late fill", order, now_ns)
            self._broker.after_late_fill(order, event.units, now_ns)
            return [order]
        if abs(done) > abs(order.units):  # an amendment came too late; the venue's word counts
            if order.aimed:
                self._execution.aim_units[order.strategy][order.symbol_index] += done - order.units
            order.units = done
        self._execution.filled(
            order, event.units, event.price, event.at_ns, now_ns, event.fee_units
        )
        self._broker.after_fill(order, event.units, now_ns)
        return [order]

    def _fill_of_gate(self, event: GateFilled, now_ns: int) -> None:
        """A fill that no strategy asked for: it closes what strategies hold, in their order; what
        is left of it is the first one's.
        """
        key = event.execution_id, event.at_ns
        if key in self._applied:
            return
        self._applied.add(key)
        left = event.units
        for strategy, row in enumerate(self._execution.positions):
            held = row[event.symbol].units
            if left and held * left < 0:
                units = left if abs(left) <= abs(held) else -held
                self._book(event, strategy, event.symbol, units, now_ns)
                self._broker.after_fill_of_gate(strategy, event.symbol, units, now_ns)
                left -= units
        if left:
            self._book(event, 0, event.symbol, left, now_ns)

    def _book(
        self, event: Filled | GateFilled, strategy: int, symbol: int, units: int, now_ns: int
    ) -> None:
        """Book a part of an execution, with its part of the fee."""
        execution, account = self._execution, self._execution.account
        fee = divide_half_even(event.fee_units * abs(units), abs(event.units))
        account.by_symbol[symbol].fill(account.positions[strategy][symbol], units, event.price, fee)
        execution.held_units[symbol] = held = execution.held_units[symbol] + units
        execution.aim_units[strategy][symbol] += units
        execution.fill_count = number = execution.fill_count + 1
        execution.rethink()
        order_id = event.order_id if isinstance(event, Filled) else 0
        at, left = (event.at_ns, now_ns, strategy), (held, account.cash_units())
        execution.diary.happened.append(
            (number, order_id, symbol, units, event.price, fee, *at, *left)
        )
