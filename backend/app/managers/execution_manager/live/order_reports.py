"""Books what a live broker tells of the run's orders: transitions, fills, halts.

Each event is an input with its place in the order of inputs, and told once; what happens here is a
pure function of them. The venue's word counts: a fill of an order that had ended is booked as well.
"""

from collections.abc import Iterable
from hashlib import blake2b

from app.core.errors import AppError
from app.core.halts import ALL_SYMBOLS, JOURNAL, LATCH
from app.core.money import divide_half_even
from app.core.order_events import (
    NEVER_HAD,
    REACHED,
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
    Place,
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
    FILLED,
    PARTIAL,
    REJECTED,
    SUBMITTED,
    UNKNOWN,
    Order,
    Terms,
    adoption_id,
)
from app.managers.execution_manager.books.coin_fees import CoinFees, Coins
from app.managers.execution_manager.execution_manager import ExecutionManager
from app.managers.execution_manager.live.live_broker import LiveBroker
from app.managers.execution_manager.live.refused_stops import go_on, hold_back, way_on
from app.managers.execution_manager.live.shared_broker import closing_of_opened
from app.managers.execution_manager.orders.parts import terms_of

_Told = Acknowledged | Refused | Uncertain | Ended | Amended | ChangeRefused | Voided
_NEVER_SENT = "void: decided again in recovery, and never sent"
_DIGEST_BYTES = 15  # no two of all the executions there are will ever have the same
_TOO_LATE = "never sent: the run had ended"


class UnknownOrder(AppError):
    """An event names an order that this run never gave: a defect of whoever reports."""


class OrderReports:
    """Books for one account; a simulated broker tells of nothing, and then only halts are heard."""

    def __init__(self, execution: ExecutionManager) -> None:
        self._execution = execution
        broker = execution.broker
        self._broker = broker if isinstance(broker, LiveBroker) else LiveBroker(execution)
        self._applied: set[bytes] = set()  # executions, by a digest of id and instant
        symbols = [position.symbol for position in execution.positions[0]]
        coins = Coins(symbols, execution.lot_units, self._price_of)
        self._fees = CoinFees(execution.account, coins)

    def state(self) -> list[bytes]:
        """The executions that are booked."""
        return sorted(self._applied)

    def restore(self, state: Iterable[bytes]) -> None:
        """These are booked."""
        self._applied = set(state)

    def take(self, events: Iterable[OrderEvent], now_ns: int) -> list[Order]:
        """Book what is told; the orders that filled, for the hooks."""
        filled: list[Order] = []
        if self._broker is self._execution.broker:
            self._execution.match(now_ns)  # no bar does: what had filled before is let go of
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
                    if what == "latched":
                        self._execution.close_entries(ALL_SYMBOLS, reason, LATCH)
                case GateGave():
                    pass  # its fills say what comes of it
                case _:
                    self._change(event, self._order(event.order_id), now_ns)
        return filled

    def _price_of(self, symbol: int) -> float:
        prices = self._execution._prices
        return 0.0 if prices is None else prices.mark(symbol)

    def take_last(self, events: Iterable[OrderEvent], now_ns: int) -> None:
        """Book what is told when the stream has ended; what would follow is asked of nobody."""
        self.take(events, now_ns)
        for intent in self._execution.take_intents():
            if isinstance(intent, Place):
                order = self._order(intent.order_id)
                if not self._broker.put_aside(order, now_ns):
                    self._refuse(order, _TOO_LATE, now_ns)
        self._execution.untold.clear()
        self._execution.cancel_all(now_ns, _TOO_LATE)

    def _order(self, order_id: int) -> Order:
        try:
            return self._broker.known[order_id]
        except KeyError:
            raise UnknownOrder(
                f"The broker tells of order {order_id}, which was never given."
            ) from None

    # -- transitions -------------------------------------------------------------------------------

    def _change(self, event: _Told, order: Order, now_ns: int) -> None:
        if not order.is_working or not self._broker.is_current(event.order_id, order):
            return  # it, or this part of it, ended before this was told
        match event:
            case Acknowledged():
                if order.state in (SUBMITTED, UNKNOWN):
                    self._go_on(order)
            case Uncertain(reason=reason):
                if order.state is not UNKNOWN:
                    order.to(UNKNOWN)
                self._execution.diary.note("uncertain", order, now_ns, reason)
            case Refused():
                self._hear_refused(event, order, now_ns)
            case Ended(state=state, reason=reason, filled_units=told):
                if state != CANCELED or not self._broker.put_aside(order, now_ns, told):
                    state = FILLED if order.filled_units == order.units else state
                    self._execution.lapsed(order, state, now_ns, reason or order.reason)
            case Voided():
                self._refuse(order, _NEVER_SENT, now_ns)
            case Amended(terms=terms):
                self._amend(order, terms, now_ns)
            case ChangeRefused(reason=reason):
                self._keep(order, reason, now_ns)

    def _hear_refused(self, event: Refused, order: Order, now_ns: int) -> None:
        """A stop of what is held goes on in another way; else it is not at the venue any more."""
        if event.cause not in (REACHED, NEVER_HAD) and hold_back(self._broker, order):
            self._tell_refused(order, event.reason, now_ns)
            return
        way = way_on(self._broker, order, event)
        if not way:
            if not self._broker.put_aside(order, now_ns):
                self._refuse(order, event.reason, now_ns)
            return
        self._execution.diary.note(way, order, now_ns, event.reason)
        go_on(self._broker, order, way, now_ns)
        if order.is_working:
            order.reason = event.reason
            self._execution.untold.append(order)

    def _refuse(self, order: Order, reason: str, now_ns: int) -> None:
        """An order is not at the venue, or no more."""
        never = order.state in (SUBMITTED, UNKNOWN) and not order.filled_units
        self._execution.lapsed(order, REJECTED if never else CANCELED, now_ns, reason)

    def _go_on(self, order: Order) -> None:
        """An order works at the venue, as far as it has filled; unless it is to be changed."""
        order.to(PARTIAL if order.filled_units else ACCEPTED)
        if order.order_id in self._broker.ending:
            order.to(CANCEL_PENDING)
        elif order.order_id in self._broker.pending:
            order.to(AMEND_PENDING)

    def _amend(self, order: Order, terms: Terms, now_ns: int) -> None:
        taken = self._broker.amended(order, terms)
        if taken != terms_of(order):
            self._execution.amended(order, taken, now_ns, now_ns)
        if order.is_working:
            self._broker.follow_up(order, now_ns)
        if order.state is AMEND_PENDING and order.order_id not in self._broker.pending:
            self._go_on(order)

    def _keep(self, order: Order, reason: str, now_ns: int) -> None:
        """The venue did not cancel or amend it: it goes on as it was."""
        self._broker.change_refused(order)
        self._tell_refused(order, reason, now_ns)
        self._aim_again(order)
        if order.state in (CANCEL_PENDING, AMEND_PENDING):
            self._go_on(order)
        self._broker.follow_up(order, now_ns)

    def _tell_refused(self, order: Order, reason: str, now_ns: int) -> None:
        order.reason = reason
        self._execution.diary.note("change refused", order, now_ns, reason)
        self._execution.untold.append(order)

    def _aim_again(self, order: Order) -> None:
        """A plain order goes on that was to be cancelled."""
        linked = order.parent or order.reduce_only or order.group
        if not order.aimed and order.stop is None and not linked:
            order.aimed = True
            left = order.units - order.filled_units
            self._execution.aim_units[order.strategy][order.symbol_index] += left

    # -- fills -------------------------------------------------------------------------------------

    def _is_first(self, event: Filled | GateFilled) -> bool:
        """Whether an execution has not been told before."""
        name = f"{event.execution_id} {event.at_ns}".encode()
        key = blake2b(name, digest_size=_DIGEST_BYTES).digest()
        if key in self._applied:
            return False
        self._applied.add(key)
        return True

    def _fill(self, told: Filled, now_ns: int) -> list[Order]:
        order = self._order(told.order_id)
        if not self._is_first(told):
            return []
        event = self._broker.past_splits.in_todays_shares(order.symbol_index, told)
        self._book_of(order, event, told.units, now_ns)
        if event is not told:
            self._follow_split(order.symbol_index, told.units, event, now_ns)
        return [order]

    def _book_of(self, order: Order, event: Filled, told_units: int, now_ns: int) -> None:
        """Book an execution of an order of the run's."""
        done = order.filled_units + event.units
        kept = self._fees.taken(event, order.symbol_index)
        held_units = self._execution.held_units_of(order.strategy, order.symbol_index)
        if not order.is_working:
            self._book(kept, order.strategy, order.symbol_index, kept.units, now_ns)
            order.filled_units = done
            self._broker.known.add(order)
            self._execution.diary.note("late fill", order, now_ns)
            self._broker.after_late_fill(order, event.units, now_ns)
            self._give_exits(order, kept.units, now_ns)
            if self._execution.protection is not None:
                self._execution.protection.filled(
                    order, kept.units, event.price, held_units, now_ns, is_late=True
                )
            self._close_opened(order, kept.units, held_units, now_ns)
            return
        if abs(done) > abs(order.units):  # an amendment came too late; the venue's word counts
            if order.aimed:
                self._execution.aim_units[order.strategy][order.symbol_index] += done - order.units
            order.units = done
            self._execution.rethink()
        promised_units = order.units
        if not self._broker.count(event.order_id, order, event.units, told_units):
            order.units = _more_than(done, promised_units)  # it works on, though it may be whole
        if kept.units != event.units:
            self._go_without(order, event.units - kept.units)
        self._execution.filled(order, kept.units, kept.price, kept.at_ns, now_ns, kept.fee_units)
        order.units = promised_units
        self._show_loose(now_ns)
        self._broker.after_fill(order, event.units, now_ns)
        self._close_opened(order, kept.units, held_units, now_ns)

    def _show_loose(self, now_ns: int) -> None:
        """The equity has what no strategy holds, too."""
        for symbol in self._execution.account.loose:
            self._execution.note_change(symbol, now_ns)

    def _go_without(self, order: Order, units: int) -> None:
        """So much of an order has filled for its fee: nobody holds it, and no exit takes it out."""
        order.filled_units += units
        if order.aimed:
            self._execution.aim_units[order.strategy][order.symbol_index] -= units
        self._broker.links.spend(order, units)

    def _follow_split(
        self, symbol: int, told_units: int, event: Filled | GateFilled, now_ns: int
    ) -> None:
        """An execution of before a split is booked: less than a lot is paid out, as it was then,
        and the gate hears of the shares.
        """
        execution, paid_units = self._execution, 0
        for strategy, row in enumerate(execution.positions):
            held = row[symbol].units
            part = abs(held) % execution.lot_units[symbol]
            if part:
                units = -part if held > 0 else part
                execution.account.by_symbol[symbol].fill(row[symbol], units, event.price)
                execution.held_units[symbol] += units
                execution.aim_units[strategy][symbol] += units
                paid_units += units
        execution.note_change(symbol, now_ns)
        self._broker.hold_more(symbol, event.units + paid_units - told_units)

    def _give_exits(self, entry: Order, units: int, now_ns: int) -> None:
        """What an entry has filled after its end gets the exits that were declared for it."""
        execution = self._execution
        held_units = execution.held_units_of(entry.strategy, entry.symbol_index)
        for order in self._broker.exits.after_late_fill(
            entry, units, held_units, execution.new_group
        ):
            self._give(order, "given late", f"order {entry.order_id} filled late", now_ns)

    def _close_opened(self, order: Order, units: int, held_units: int, now_ns: int) -> None:
        """What an exit has filled beyond its strategy's position, where no venue saw to that."""
        now_units = self._execution.held_units_of(order.strategy, order.symbol_index)
        closing = closing_of_opened(self._broker, order, units, held_units, now_units)
        if closing is not None:
            why = f"order {order.order_id} filled more than was held"
            self._give(closing, "opened by an exit", why, now_ns)

    def _give(self, order: Order, what: str, why: str, now_ns: int) -> None:
        """An order that no hook gave; it protects."""
        execution = self._execution
        execution.order_count = order.order_id = execution.order_count + 1
        with execution.entries.let_out():
            execution.submit(order, now_ns)
        execution.diary.note(what, order, now_ns, why)
        if order.state is REJECTED:  # risk said no, and no hook could see
            execution.untold.append(order)

    def _fill_of_gate(self, told: GateFilled, now_ns: int) -> None:
        """A fill that no strategy asked for: it closes what strategies hold, in their order; what
        is left of it is the first one's.
        """
        if not self._is_first(told):
            return
        today = self._broker.past_splits.in_todays_shares(told.symbol, told)
        event = self._fees.taken(today, told.symbol)
        left = event.units
        for strategy, row in enumerate(self._execution.positions):
            held = row[event.symbol].units
            if left and held * left < 0:
                units = left if abs(left) <= abs(held) else -held
                self._book(event, strategy, event.symbol, units, now_ns)
                self._broker.after_fill_of_gate(strategy, event.symbol, units, now_ns)
                left -= units
        if left or not event.units:
            self._book(event, 0, event.symbol, left, now_ns)
        if today is not told:
            self._follow_split(event.symbol, told.units, event, now_ns)

    def _book(
        self, event: Filled | GateFilled, strategy: int, symbol: int, units: int, now_ns: int
    ) -> None:
        """Book a part of an execution, with its part of the fee."""
        execution, account = self._execution, self._execution.account
        fee = event.fee_units
        if units != event.units:
            fee = divide_half_even(fee * abs(units), abs(event.units))
        account.by_symbol[symbol].fill(account.positions[strategy][symbol], units, event.price, fee)
        execution.held_units[symbol] = held = execution.held_units[symbol] + units
        execution.aim_units[strategy][symbol] += units
        if isinstance(event, GateFilled) and event.is_no_fill:
            number = adoption_id(symbol)
        else:
            execution.fill_count = number = execution.fill_count + 1
        execution.rethink()
        order_id = self._order(event.order_id).order_id if isinstance(event, Filled) else 0
        at, left = (event.at_ns, now_ns, strategy), (held, account.cash_units())
        execution.diary.book((number, order_id, symbol, units, event.price, fee, *at, *left))
        self._show_loose(now_ns)


def _more_than(done: int, units: int) -> int:
    """An order's size by which it is not whole."""
    return units if done != units else units + (1 if units > 0 else -1)
