"""Proposals in, orders and fills out: risk, the fingerprint, the broker and the ledger."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

from app.core.calendar import TradingSession
from app.core.fingerprint import Fingerprint, amendment, cancel, refusal, ticket
from app.core.instruments import Adjustment, Instrument
from app.core.money import amount_units, to_units
from app.core.orders import (
    ACCEPTED,
    AMEND_PENDING,
    CANCEL_PENDING,
    CANCELED,
    DAY,
    EXPIRED,
    FILLED,
    GTC,
    LIMIT,
    MARKET,
    PARTIAL,
    REJECTED,
    Order,
    Terms,
)
from app.managers.execution_manager.diary import Diary
from app.managers.execution_manager.fill_rules import Ambiguity, FillRules
from app.managers.execution_manager.ledger import Ledger, Position
from app.managers.execution_manager.sim_broker import BY_STRATEGY, SimBroker
from app.managers.execution_manager.splits import split_order
from app.services import risk
from app.services.auctions import AUCTIONS, too_late
from app.services.fees import FeeSchedule, Filled, fee_units
from app.services.risk import MOST_UNITS as MOST
from app.services.risk import Limits

Last = tuple[float, int]  # a symbol's last close in a session, and the start of that bar
FeesAt = Callable[[dt.date], FeeSchedule]  # a session's date to what is charged in it


class ExecutionManager:
    """One account, several strategies; positions are kept per strategy and symbol."""

    def __init__(
        self,
        *,
        strategies: list[str],
        instruments: list[Instrument],
        cash: Decimal,
        limits: Limits,
        rules: FillRules,
        fees: FeesAt | None = None,
    ) -> None:
        self.lot_units = [to_units(instrument.lot) for instrument in instruments]
        self._limits = limits
        self._limited = limits != Limits()
        self.tick_units = [to_units(instrument.tick) for instrument in instruments]
        self.broker = SimBroker(self.lot_units, self.tick_units, rules, self)
        self._rules = rules
        self._fees_at = fees
        self._fees: FeeSchedule | None = None  # that of the session under way; None: free
        self.ledger = Ledger(to_units(cash))
        self.positions = [
            [Position(item.symbol, to_units(item.multiplier)) for item in instruments]
            for _ in strategies
        ]
        # position and working orders together: what each strategy is on its way to hold
        self.aim_units = [[0] * len(instruments) for _ in strategies]
        self.held_units = [0] * len(instruments)  # over all strategies
        self.order_count = 0  # and the number of the last
        self._group_count = 0
        self.fill_count = 0
        self.diary = Diary(Fingerprint(strategies, [item.symbol for item in instruments]))
        self._happened = self.diary.happened
        self._filled: list[Order] = []  # in the instant under way
        self._refused: set[int] = set()  # in the session under way
        self._session: TradingSession | None = None
        # orders that ended by the broker's doing in the instant under way; whoever tells clears
        self.untold: list[Order] = []

    def open_session(self, session: TradingSession, end_ns: int, now_ns: int) -> None:
        """A session begins: what it charges is what was in force on its day."""
        self._session = session
        self._refused.clear()
        if self._fees_at is not None:
            self._fees = self._fees_at(session.date)
        for order in self.broker.open_session(session, end_ns, now_ns):
            self.lapsed(order, EXPIRED, now_ns, "after_cut_off: it came too late for the open")

    def submit(self, order: Order, now_ns: int) -> None:
        """Take a proposed order: refused by risk, or accepted by the broker."""
        order.created_ns = now_ns
        symbol, units, aims = order.symbol_index, order.units, self.aim_units[order.strategy]
        aimed = aims[symbol] + units
        plain = order.kind is MARKET and order.tif is DAY and order.aimed
        if not plain or self._limited or units % self.lot_units[symbol] or not -MOST < units < MOST:
            reason = self._refusal(order, now_ns)
            if reason:
                self._refuse(order, reason, now_ns)
                return
        self._happened.append(order if plain else ticket(order))
        order.state = ACCEPTED  # it was new: no need to look whether that is legal
        if order.aimed:
            aims[symbol] = aimed
        self.broker.accept(order)

    def _refusal(self, order: Order, now_ns: int) -> str:
        """Why an order is refused, or ""."""
        if order.kind in AUCTIONS and self._session is not None:
            late = too_late(order.kind, now_ns, self._session, self._rules.cut_offs)
            if late:
                return late
        if order.parent in self._refused:
            return f"entry_refused: order {order.parent}, which it would wait for, was refused"
        return self._over_limits(order, order.units)

    def _over_limits(self, order: Order, more_units: int) -> str:
        """What limit an order breaks that may fill so much more; one that only reduces, none."""
        symbol = order.symbol_index
        at_most = 0
        if not order.reduce_only:
            at_most = self.aim_units[order.strategy][symbol] + more_units + self._besides(order)
        return risk.refusal(more_units, at_most, self.lot_units[symbol], self._limits)

    def _refuse(self, order: Order, reason: str, now_ns: int) -> None:
        plain = order.kind is MARKET and order.tif is DAY and order.aimed
        self._happened.append((b"" if plain else ticket(order)) + refusal(order, now_ns, reason))
        self._refused.add(order.order_id)
        self._end(order, REJECTED, now_ns, reason)

    def new_group(self) -> int:
        """A number for orders that end each other."""
        self._group_count += 1
        return self._group_count

    def withdraw(self, order: Order, now_ns: int) -> None:
        """An order was taken back by the very hook that proposed it: it goes on record alone."""
        order.created_ns = now_ns
        self._end(order, CANCELED, now_ns, "taken back by the hook that gave it")

    def _besides(self, order: Order) -> int:
        """What may fill on an order's side and is in no aim: stops, and cancels that can lose."""
        return sum(
            other.units - other.filled_units
            for other in self.broker.working.values()
            if (other.strategy, other.symbol_index) == (order.strategy, order.symbol_index)
            and (other.units > 0) == (order.units > 0)
            and not (other.aimed or other.reduce_only or other is order)
        )

    def cancel(self, order: Order, now_ns: int) -> bool:
        """Take an order back; whether it ended at once. One that has ended stays as it is."""
        if not order.is_working or order.state is CANCEL_PENDING:
            return False
        self._happened.append(cancel(order, now_ns))
        self.diary.note("cancel", order, now_ns)
        if self.broker.cancel(order, now_ns):
            self._finish(order, CANCELED, now_ns, BY_STRATEGY)
            return True
        if order.aimed:
            self._aim_without(order)
            order.aimed = False
        order.to(CANCEL_PENDING)
        return False

    def amend(self, order: Order, terms: Terms, now_ns: int) -> bool:
        """Give an order other terms; False when that is refused, and its reason says why."""
        if not order.is_working or order.state is CANCEL_PENDING:
            return True
        self.diary.hash()  # its entry may be itself, in its old terms
        self._happened.append(amendment(order, terms, now_ns))
        more = terms.units - order.units
        reason = ""
        if abs(terms.units) <= abs(order.filled_units):
            reason = "already_filled: as much of it, or more, has filled"
        elif (more > 0) == (order.units > 0) or more % self.lot_units[order.symbol_index]:
            reason = self._over_limits(order, more)
        if reason:
            self._happened.append(refusal(order, now_ns, reason))
            self.diary.note("amend refused", order, now_ns, reason)
            order.reason = reason
            return False
        if not self.broker.amend(order, terms, now_ns):
            order.to(AMEND_PENDING)
        return True

    # -- what the broker tells ---------------------------------------------------------------------

    def amended(self, order: Order, terms: Terms, now_ns: int) -> None:
        """Other terms are in force; what has filled by then, stays filled."""
        filled = order.filled_units
        units = filled if abs(filled) > abs(terms.units) else terms.units
        if order.aimed:
            self.aim_units[order.strategy][order.symbol_index] += units - order.units
        order.units, order.limit, order.stop = units, terms.limit, terms.stop
        order.trail, order.trail_percent = terms.trail, terms.trail_percent
        self.diary.note("amend", order, now_ns)
        if units == filled:
            self.lapsed(order, FILLED, now_ns, "amended to what had filled")
        elif order.state is AMEND_PENDING:
            order.to(PARTIAL if filled else ACCEPTED)

    def reduced(self, order: Order, units: int, now_ns: int) -> None:
        """An order has become smaller with one it is linked to."""
        if order.is_working:
            order.units = units
            self.diary.note("reduce", order, now_ns)

    def uncertain(self, bar: Ambiguity) -> None:
        """A bar left open what it did."""
        self.diary.uncertain.append(bar)

    def held_units_of(self, strategy: int, symbol: int) -> int:
        """What a strategy holds of a symbol."""
        return self.positions[strategy][symbol].units

    def multiplier_units_of(self, symbol: int) -> int:
        """What one unit of a symbol counts."""
        return self.positions[0][symbol].multiplier_units

    def lapsed(self, order: Order, state: str, now_ns: int, reason: str) -> None:
        """An order ended by the broker's doing; or had already, with one it is linked to."""
        if not order.is_working:
            return
        self._give_up(order, state, now_ns, reason)
        self.untold.append(order)

    def filled(self, order: Order, units: int, price: float, start_ns: int, now_ns: int) -> None:
        """Book an execution."""
        strategy, symbol, ledger = order.strategy, order.symbol_index, self.ledger
        fee = 0 if self._fees is None else self._fee(self._fees, order, units, price)
        ledger.fill(self.positions[strategy][symbol], units, price, fee)
        self.held_units[symbol] = held = self.held_units[symbol] + units
        if not order.aimed:
            self.aim_units[strategy][symbol] += units
        self.fill_count = number = self.fill_count + 1
        cash, order_id = ledger.cash_units, order.order_id
        self._happened.append(
            (number, order_id, symbol, units, price, fee, start_ns, now_ns, strategy, held, cash)
        )
        order.filled_units = done = order.filled_units + units
        if done == order.units:
            order.to(FILLED)
            order.reason = ""  # of an amendment that was refused, say
            order.ended_ns = now_ns
            self.diary.ended.append(order)
        elif order.state is not CANCEL_PENDING and order.state is not AMEND_PENDING:
            order.to(PARTIAL)
        self._filled.append(order)

    # -- the run of time ---------------------------------------------------------------------------

    def match(self, now_ns: int) -> list[Order]:
        """Fill what can fill on the bars known now, and book it; the orders it happened to."""
        filled: list[Order] = []
        self._filled = filled
        self.broker.match(now_ns)
        return filled

    def match_close(self, now_ns: int) -> list[Order]:
        """At the end of an instant: fill the orders that were given for its close."""
        filled: list[Order] = []
        self._filled = filled
        self.broker.match_close(now_ns)
        return filled

    def match_auction(self, now_ns: int, last_of: Callable[[int], Last | None]) -> list[Order]:
        """At a session's close: fill the orders for it at each symbol's last close in it."""
        filled: list[Order] = []
        self._filled = filled
        for symbol in sorted({order.symbol_index for order in self.broker.for_the_close()}):
            last = last_of(symbol)
            if last is not None:
                self.broker.match_auction(symbol, *last, now_ns)
        for order in self.broker.for_the_close():
            self.lapsed(order, EXPIRED, now_ns, "nothing of it could fill at the close")
        return filled

    def _fee(self, fees: FeeSchedule, order: Order, units: int, price: float) -> int:
        """What a fill adds to its order's fee; a minimum is paid once, with the first."""
        multiplier_units = self.positions[order.strategy][order.symbol_index].multiplier_units
        value = amount_units(abs(units), price, multiplier_units)
        order.value_units += value
        if order.kind == LIMIT and price == order.limit:  # at a better open it took
            order.maker_units += value
        filled = Filled(
            abs(order.filled_units + units), order.value_units, order.maker_units, order.units < 0
        )
        before = order.fee_units
        order.fee_units = max(before, fee_units(fees, filled))  # rates may fall while it works
        return order.fee_units - before

    def expire(self, close_ns: int, last_start_ns: int) -> None:
        """At a session's close its orders end, but for those that are good till cancelled.

        What could not get the session's last bar any more belongs to the next session.
        """
        last_ns = last_start_ns - self.broker.latency_ns
        late = [
            order
            for order in self.broker.working.values()
            if order.state is CANCEL_PENDING
            or (
                self.broker.of_session(order)
                if order.kind in AUCTIONS
                else order.tif != GTC and order.created_ns <= last_ns
            )
        ]
        self._end_all(late, EXPIRED, close_ns, "the session closed")

    def cancel_all(self, now_ns: int, reason: str) -> None:
        """End every working order."""
        self._end_all(list(self.broker.working.values()), CANCELED, now_ns, reason)

    def _end_all(self, orders: list[Order], state: str, now_ns: int, reason: str) -> None:
        for order in orders:
            if order.state is CANCEL_PENDING:
                self.lapsed(order, CANCELED, now_ns, BY_STRATEGY)
            else:
                self.lapsed(order, state, now_ns, reason)

    def adjust(self, symbol: int, adjustment: Adjustment, last: float, now_ns: int) -> None:
        """Apply a session's corporate actions to what is held: splits first, then dividends.

        What a split leaves of a lot is paid out at the `last` price before it, in its new terms.
        """
        for strategy, positions in enumerate(self.positions):
            position = positions[symbol]
            before = position.units
            if adjustment.split_ratio != 1:
                self.ledger.split(position, adjustment.split_ratio)
                fraction = abs(position.units) % self.lot_units[symbol]
                if fraction and last:
                    units = -fraction if position.units > 0 else fraction
                    self.ledger.fill(position, units, last / float(adjustment.split_ratio))
                self.aim_units[strategy][symbol] += position.units - before
                self.held_units[symbol] += position.units - before
            if adjustment.dividend and position.units:
                self.ledger.dividend(position, adjustment.dividend)
        if adjustment.split_ratio != 1:
            self._split_orders(symbol, adjustment.split_ratio, now_ns)
        held, cash = self.held_units[symbol], self.ledger.cash_units
        self.diary.adjusted.append((0, 0, symbol, 0, 0.0, 0, now_ns, now_ns, 0, held, cash))
        self.diary.actions.append((now_ns, symbol, adjustment.price_factor))

    def _split_orders(self, symbol: int, ratio: Decimal, now_ns: int) -> None:
        """Working orders in the terms of the new shares: whole lots, prices on the tick."""
        self.diary.hash()  # they were given in the old terms
        self.broker.split(symbol, ratio, now_ns)
        lot_units, tick_units = self.lot_units[symbol], self.tick_units[symbol]
        for order in [o for o in self.broker.working.values() if o.symbol_index == symbol]:
            if not order.is_working:
                continue  # it has just ended with one that it waited for
            left = order.units - order.filled_units
            more = split_order(order, ratio, lot_units, tick_units)
            if not left + more:
                self.lapsed(order, CANCELED, now_ns, f"a split by {ratio} left no whole lot")
                continue
            if order.aimed:
                self.aim_units[order.strategy][symbol] += more
            self.broker.look_again(order, now_ns)

    def trades(self) -> int:
        """Round trips closed, over all strategies."""
        return sum(position.trades for row in self.positions for position in row)

    def _give_up(self, order: Order, state: str, now_ns: int, reason: str) -> None:
        self.broker.remove(order)
        self._finish(order, state, now_ns, reason)

    def _finish(self, order: Order, state: str, now_ns: int, reason: str) -> None:
        """An order ends unfilled, or not wholly filled: nobody aims with it any more."""
        if order.aimed:
            self._aim_without(order)
        self._end(order, state, now_ns, reason)
        self.broker.release(order, now_ns)

    def _aim_without(self, order: Order) -> None:
        left = order.units - order.filled_units
        self.aim_units[order.strategy][order.symbol_index] -= left

    def _end(self, order: Order, state: str, now_ns: int, reason: str) -> None:
        order.to(state)
        order.reason = reason
        order.ended_ns = now_ns
        self.diary.ended.append(order)
