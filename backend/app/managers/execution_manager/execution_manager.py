"""Proposals in, orders and fills out: risk, the fingerprint, the broker and the ledger."""

import datetime as dt
from decimal import Decimal
from operator import itemgetter

import msgspec

from app.core.fingerprint import Fingerprint
from app.core.instruments import Adjustment, Instrument
from app.core.money import amount_units, to_units
from app.core.orders import (
    ACCEPTED,
    CANCEL_PENDING,
    CANCELED,
    EXPIRED,
    FILLED,
    GTC,
    INSTANT,
    LIMIT,
    MARKET,
    PARTIAL,
    REJECTED,
    Cancel,
    FillRow,
    Order,
)
from app.core.transfers import Conversion
from app.managers.execution_manager.account import Account, AccountTerms, RateChange
from app.managers.execution_manager.bar_book import BarBook
from app.managers.execution_manager.buying_power import BuyingPower, Prices
from app.managers.execution_manager.sim_broker import BY_STRATEGY, FillRules, SimBroker
from app.services.fees import FeeSchedule, Filled, fee_units, schedule_at
from app.services.risk import MOST_UNITS as MOST
from app.services.risk import Limits, refusal
from app.services.slippage import split_price

Action = tuple[int, int, float]  # instant, symbol, price factor of its corporate actions


FREE = "zero"  # fees


class Records(msgspec.Struct, frozen=True):
    """What has happened since the last time it was taken, in order.

    `changes` are those of the account: fills, and corporate actions in the form of a fill.
    """

    orders: list[Order]
    fills: list[FillRow]
    changes: list[FillRow]
    actions: list[Action]
    rates: list[RateChange]


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
        fees: str = FREE,
        terms: AccountTerms | None = None,
    ) -> None:
        self._symbols = [instrument.symbol for instrument in instruments]
        self.lot_units = [to_units(instrument.lot) for instrument in instruments]
        self._limits = limits
        self._limited = limits != Limits()
        self.tick_units = [to_units(instrument.tick) for instrument in instruments]
        self.broker = SimBroker(self.lot_units, self.tick_units, rules, self._fill, self._lapse)
        self._fees_named = fees
        self._fees: FeeSchedule | None = None  # that of the session under way; None: free
        terms = terms or AccountTerms(instruments[0].currency)
        self.account = Account(terms, cash, instruments, len(strategies))
        self.ledger = self.account.own
        self._ledgers = self.account.by_symbol
        self._one_book = self.account.is_single
        self.positions = self.account.positions
        self._prices: Prices | None = None
        self._power: BuyingPower | None = None  # not asked before there are prices
        self._sure_units = [MOST] * len(instruments)  # less than that passes while nothing works
        self.fingerprint = Fingerprint(strategies, self._symbols)
        # position and working orders together: what each strategy is on its way to hold
        self.aim_units = [[0] * len(instruments) for _ in strategies]
        self.held_units = [0] * len(instruments)  # over all strategies
        self.actions: list[Action] = []  # since the records were last taken
        self.order_count = 0
        self.fill_count = 0
        # Happenings since then, in order. What is made of them is made when they are taken: in
        # one go it costs half of what it would cost one by one.
        self._happened: list[Order | Cancel | FillRow | Conversion] = []
        self._hashed = 0  # of them, how many are in the fingerprint
        self._ended: list[Order] = []
        self._adjusted: list[FillRow] = []
        self._rates: list[RateChange] = []
        self._filled: list[Order] = []  # in the instant under way
        self.lapsed: list[Order] = []  # that ended then by the broker's doing; whoever tells clears

    def value_by(self, prices: Prices) -> None:
        """From now on there are prices: orders are held against the account's buying power."""
        self._prices = prices
        self._power = BuyingPower(
            self.account, self.held_units, lambda: self.broker.working, prices
        )
        self._sure_units = self._power.sure_units

    def load(self, book: BarBook) -> None:
        """Go on with the next block of bars."""
        self.broker.load(book)
        if self._power is not None:
            self._power.forget()

    def open_session(self, date: dt.date, now_ns: int) -> None:
        """A session begins: its fees, its rates, and what debts cost since the one before."""
        if self._fees_named != FREE:
            self._fees = schedule_at(self._fees_named, date)
        mark = None if self._prices is None else self._prices.mark
        if self.account.open_session(date, mark):
            self._rates += self.account.rate_changes(now_ns)
            self._note(0, now_ns)

    def convert(self, conversion: Conversion, now_ns: int) -> None:
        """Change money of one currency into another, at the session's rates."""
        self._happened.append(msgspec.structs.replace(conversion, at_ns=now_ns))
        self.account.convert(conversion.source, conversion.target, conversion.units)
        self._note(0, now_ns)

    def _note(self, symbol: int, now_ns: int) -> None:
        """The account has changed without a fill."""
        if self._power is not None:
            self._power.forget_orders()
        held, cash = self.held_units[symbol], self.account.cash_units()
        self._adjusted.append((0, 0, symbol, 0, 0.0, 0, now_ns, now_ns, 0, held, cash))

    def submit(self, order: Order, now_ns: int) -> None:
        """Take a proposed order: refused by risk, or accepted by the broker."""
        self.order_count = order.order_id = self.order_count + 1
        order.created_ns = now_ns
        self._happened.append(order)
        symbol, units, aims = order.symbol_index, order.units, self.aim_units[order.strategy]
        aimed = aims[symbol] + units
        sure_units, broker = self._sure_units[symbol], self.broker
        if (
            self._limited
            or units % self.lot_units[symbol]
            or not -sure_units < units < sure_units
            or broker.working
            or order.kind is not MARKET
        ):
            reason = self._refusal(order, aimed)
            if reason:
                self._end(order, REJECTED, now_ns, reason)
                return
        order.state = ACCEPTED  # it was new: no need to look whether that is legal
        if order.stop is None:
            aims[symbol] = aimed
        broker.accept(order)

    def _refusal(self, order: Order, aimed: int) -> str:
        """What limit an order breaks, or what it lacks to be paid for; "" when nothing."""
        units, lot_units = order.units, self.lot_units[order.symbol_index]
        if self._limited or units % lot_units or not -MOST < units < MOST:
            reason = refusal(units, aimed + self._besides(order), lot_units, self._limits)
            if reason:
                return reason
        return "" if self._power is None else self._power.refusal(order)

    def _besides(self, order: Order) -> int:
        """What may fill on an order's side and is in no aim: stops, and cancels that can lose."""
        return sum(
            other.units - other.filled_units
            for other in self.broker.working.values()
            if (other.strategy, other.symbol_index) == (order.strategy, order.symbol_index)
            and (other.units > 0) == (order.units > 0)
            and (other.stop is not None or other.state is CANCEL_PENDING)
        )

    def cancel(self, order: Order, now_ns: int) -> bool:
        """Take an order back; whether it ended at once. One that has ended stays as it is."""
        if not order.is_working or order.state is CANCEL_PENDING:
            return False
        self._happened.append(Cancel(order, now_ns))
        if self.broker.cancel(order, now_ns):
            self._finish(order, CANCELED, now_ns, BY_STRATEGY)
            return True
        if order.stop is None:
            self._aim_without(order)
        order.to(CANCEL_PENDING)
        return False

    def match(self, now_ns: int) -> list[Order]:
        """Fill what can fill on the bars known now, and book it; the orders it happened to."""
        filled: list[Order] = []
        self._filled = filled
        self.broker.match(now_ns)
        return filled

    def _fill(self, order: Order, units: int, price: float, start_ns: int, now_ns: int) -> None:
        """Book an execution."""
        strategy, symbol = order.strategy, order.symbol_index
        ledger = self._ledgers[symbol]
        fee = 0 if self._fees is None else self._fee(self._fees, order, units, price)
        ledger.fill(self.positions[strategy][symbol], units, price, fee)
        self.held_units[symbol] = held = self.held_units[symbol] + units
        if order.stop is not None or order.state is CANCEL_PENDING:  # no part of the aim so far
            self.aim_units[strategy][symbol] += units
        self.fill_count = number = self.fill_count + 1
        cash = ledger.cash_units if self._one_book else self.account.cash_units()
        power = self._power
        if power is not None and (cash < power.floor_units or (held < 0 and units < 0)):
            power.forget_orders()
        order_id = order.order_id
        self._happened.append(
            (number, order_id, symbol, units, price, fee, start_ns, now_ns, strategy, held, cash)
        )
        order.filled_units = done = order.filled_units + units
        if done == order.units:
            order.to(FILLED)
            order.ended_ns = now_ns
            self._ended.append(order)
        elif order.state is not CANCEL_PENDING:
            order.to(PARTIAL)
        self._filled.append(order)

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

    def expire(self, close_ns: int, last_start_ns: int) -> list[Order]:
        """At a session's close its orders end, but for those that are good till cancelled.

        What could not get the session's last bar any more belongs to the next session.
        """
        last_ns = last_start_ns - self.broker.latency_ns
        late = [
            order
            for order in self.broker.working.values()
            if (order.tif != GTC and order.created_ns <= last_ns) or order.state is CANCEL_PENDING
        ]
        for order in late:
            leaves = order.state is CANCEL_PENDING
            state, reason = (CANCELED, BY_STRATEGY) if leaves else (EXPIRED, "the session closed")
            self._give_up(order, state, close_ns, reason)
        return late

    def cancel_all(self, now_ns: int, reason: str) -> list[Order]:
        """End every working order."""
        working = list(self.broker.working.values())
        for order in working:
            self._give_up(order, CANCELED, now_ns, reason)
        return working

    def adjust(self, symbol: int, adjustment: Adjustment, last: float, now_ns: int) -> None:
        """Apply a session's corporate actions to what is held: splits first, then dividends.

        What a split leaves of a lot is paid out at the `last` price before it, in its new terms.
        """
        ledger = self._ledgers[symbol]
        for strategy, positions in enumerate(self.positions):
            position = positions[symbol]
            before = position.units
            if adjustment.split_ratio != 1:
                ledger.split(position, adjustment.split_ratio)
                fraction = abs(position.units) % self.lot_units[symbol]
                if fraction and last:
                    units = -fraction if position.units > 0 else fraction
                    ledger.fill(position, units, last / float(adjustment.split_ratio))
                self.aim_units[strategy][symbol] += position.units - before
                self.held_units[symbol] += position.units - before
            if adjustment.dividend and position.units:
                ledger.dividend(position, adjustment.dividend)
        if adjustment.split_ratio != 1:
            self._split_orders(symbol, adjustment.split_ratio, now_ns)
        if self._power is not None:
            self._power.forget()
        self._note(symbol, now_ns)
        self.actions.append((now_ns, symbol, adjustment.price_factor))

    def _split_orders(self, symbol: int, ratio: Decimal, now_ns: int) -> None:
        """Working orders in the terms of the new shares: whole lots, prices on the tick."""
        self._hash()  # they were given in the old terms
        lot_units, tick_units = self.lot_units[symbol], self.tick_units[symbol]
        new, old = ratio.as_integer_ratio()
        for order in [o for o in self.broker.working.values() if o.symbol_index == symbol]:
            left = order.units - order.filled_units
            lots = abs(left) * new // (old * lot_units)
            if not lots:
                self._lapse(order, CANCELED, now_ns, f"a split by {ratio} left no whole lot")
                continue
            now_left = lots * lot_units if left > 0 else -lots * lot_units
            if order.stop is None and order.state is not CANCEL_PENDING:
                self.aim_units[order.strategy][symbol] += now_left - left
            order.units = order.filled_units + now_left
            up = order.units < 0
            order.limit, order.stop = (
                None if price is None else split_price(price, ratio, tick_units, up)
                for price in (order.limit, order.stop)
            )
            self.broker.look_again(order, now_ns)

    def take_records(self) -> Records:
        """What has happened since the last call, in order."""
        self._hash()
        changes = fills = [entry for entry in self._happened if isinstance(entry, tuple)]
        if self._adjusted:  # fills come first in their instant
            changes = sorted(fills + self._adjusted, key=itemgetter(INSTANT))
        records = Records(self._ended, fills, changes, self.actions, self._rates)
        self._happened, self._ended, self._adjusted, self.actions = [], [], [], []
        self._rates = []
        self._hashed = 0
        return records

    def _hash(self) -> None:
        self.fingerprint.add(self._happened[self._hashed :])
        self._hashed = len(self._happened)

    def trades(self) -> int:
        """Round trips closed, over all strategies."""
        return sum(position.trades for row in self.positions for position in row)

    def _lapse(self, order: Order, state: str, now_ns: int, reason: str) -> None:
        """An order ended by the broker's doing."""
        self._give_up(order, state, now_ns, reason)
        self.lapsed.append(order)

    def _give_up(self, order: Order, state: str, now_ns: int, reason: str) -> None:
        self.broker.remove(order)
        self._finish(order, state, now_ns, reason)

    def _finish(self, order: Order, state: str, now_ns: int, reason: str) -> None:
        """An order ends unfilled, or not wholly filled: nobody aims with it any more."""
        if order.stop is None and order.state is not CANCEL_PENDING:
            self._aim_without(order)
        self._end(order, state, now_ns, reason)

    def _aim_without(self, order: Order) -> None:
        left = order.units - order.filled_units
        self.aim_units[order.strategy][order.symbol_index] -= left

    def _end(self, order: Order, state: str, now_ns: int, reason: str) -> None:
        order.to(state)
        order.reason = reason
        order.ended_ns = now_ns
        self._ended.append(order)
