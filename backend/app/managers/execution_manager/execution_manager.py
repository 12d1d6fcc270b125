"""Proposals in, orders and fills out: risk, the fingerprint, the broker and the ledger."""

from collections.abc import Callable
from decimal import Decimal

from app.core.calendar import TradingSession
from app.core.fingerprint import (
    FILL,
    ORDER,
    Fingerprint,
    amendment,
    cancel,
    conversion,
    is_plain,
    refusal,
    ticket,
)
from app.core.instruments import Adjustment, Instrument
from app.core.money import to_units
from app.core.order_events import Intent
from app.core.orders import (
    ACCEPTED,
    AMEND_PENDING,
    CANCEL_PENDING,
    CANCELED,
    DAY,
    EXPIRED,
    FILLED,
    GTC,
    MARKET,
    PARTIAL,
    REJECTED,
    UNKNOWN,
    Order,
    Terms,
)
from app.core.transfers import Conversion
from app.managers.execution_manager.books.account import Account, AccountTerms
from app.managers.execution_manager.books.corporate_actions import CorporateActions
from app.managers.execution_manager.books.diary import Diary
from app.managers.execution_manager.books.fee_book import FeeBook, FeesAt
from app.managers.execution_manager.brokers import Broker
from app.managers.execution_manager.exits.protection import Protection
from app.managers.execution_manager.limits.buying_power import BuyingPower
from app.managers.execution_manager.limits.order_checks import OrderChecks
from app.managers.execution_manager.limits.seen import Known
from app.managers.execution_manager.orders.ends import BY_STRATEGY, NOTHING_LEFT, SESSION_CLOSED
from app.managers.execution_manager.sim.bar_book import BarBook
from app.managers.execution_manager.sim.fill_rules import Ambiguity, FillRules, Owner
from app.managers.execution_manager.sim.sim_broker import SimBroker
from app.services.auctions import AUCTIONS
from app.services.risk.scopes import Limits
from app.services.risk.sizes import MOST_UNITS as MOST

Last = tuple[float, int]  # a symbol's last close in a session, and the start of that bar


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
        terms: AccountTerms | None = None,
        make_broker: Callable[[Owner], Broker] | None = None,
    ) -> None:
        self.lot_units = [to_units(instrument.lot) for instrument in instruments]
        self.tick_units = [to_units(instrument.tick) for instrument in instruments]
        sizes = self.lot_units, self.tick_units
        self.broker: Broker = make_broker(self) if make_broker else SimBroker(*sizes, rules, self)
        self._fees = None if fees is None else FeeBook(fees)
        terms = terms or AccountTerms(instruments[0].currency)
        self.account = Account(terms, cash, instruments, len(strategies))
        self.ledger, self._ledgers = self.account.own, self.account.by_symbol
        self._one_book, self.positions = self.account.is_single, self.account.positions
        self.protection: Protection | None = None  # a `ProtectedExecution` has one
        self._prices: Known | None = None
        self._power: BuyingPower | None = None  # not asked before there are prices
        self._sure_units = [MOST] * len(instruments)  # less than that passes while nothing works,
        self._covers: Callable[[int, int], bool] = lambda symbol, units: False  # or for this
        # position and working orders together: what each strategy is on its way to hold
        self.aim_units = [[0] * len(instruments) for _ in strategies]
        self.held_units = [0] * len(instruments)  # over all strategies
        held_of = self.held_units_of
        self._checks = OrderChecks(limits, instruments, rules.cut_offs, self.broker, held_of)
        self.entries = self._checks.entries
        self._limited = self._checks.is_limited  # an order has more to pass than the usual
        self.order_count = self.fill_count = self._group_count = 0  # and the last ones' numbers
        self.diary = Diary(Fingerprint(strategies, [item.symbol for item in instruments]))
        self._happened = self.diary.happened
        self._actions = CorporateActions(
            self.account, self.broker, self.diary, sizes,
            self.aim_units, self.held_units, self,
        )  # fmt: skip
        self.tells_fills = True  # whether it keeps whom they happened to, for somebody to hear
        self._filled: list[Order] = []  # in the instant under way
        self.untold: list[Order] = []  # ended by the broker's doing; whoever tells clears

    def value_by(self, prices: Known) -> None:
        """From now on there are prices: orders are held against the account's buying power."""
        self._prices = prices
        power = BuyingPower(self.account, self.held_units, self.broker.working, prices)
        self._power = self._checks.power = power
        self._sure_units, self._covers = power.sure_units, power.covers
        self._checks.weigh_by(prices, self.account, self)

    def load(self, book: BarBook) -> None:
        """Go on with the next block of bars."""
        self.broker.load(book)
        if self._power is not None:
            self._power.forget()

    def open_session(self, session: TradingSession, end_ns: int, now_ns: int) -> None:
        """A session begins: its fees, its rates, and what debts cost since the one before."""
        self._checks.open_session(session)
        if self._fees is not None:
            self._fees.open_session(session.date)
        mark = None if self._prices is None else self._prices.mark
        if self.account.open_session(session.date, mark):
            self.diary.rates += self.account.rate_changes(now_ns)
            self.note_change(0, now_ns)
        for order in self.broker.open_session(session, end_ns, now_ns):
            self.lapsed(order, EXPIRED, now_ns, "after_cut_off: it came too late for the open")

    def convert(self, asked: Conversion, now_ns: int) -> None:
        """Change money of one currency into another, at the session's rates."""
        self._happened.append(conversion(asked, now_ns))
        self.account.convert(asked.source, asked.target, asked.units)
        self.note_change(0, now_ns)

    def note_change(self, symbol: int, now_ns: int) -> None:
        """The account has changed without a fill."""
        self.rethink()
        left = self.account.left_by(symbol, self.held_units[symbol])
        self.diary.adjust((0, 0, symbol, 0, 0.0, 0, now_ns, now_ns, 0, *left))

    def submit(self, order: Order, now_ns: int) -> None:
        """Take a proposed order: refused by risk, or accepted by the broker."""
        order.created_ns = now_ns
        symbol, units = order.symbol_index, order.units
        sure_units, broker = self._sure_units[symbol], self.broker
        plain = order.kind is MARKET and order.tif is DAY and order.aimed  # `is_plain`, at once
        if (
            not plain
            or self._limited
            or units % self.lot_units[symbol]
            or not -sure_units < units < sure_units
            or (broker.working and (broker.reducing or not self._covers(symbol, units)))
        ):
            if broker.reducing and self._checks.reduces_too(order, self.aim_units):
                plain = False
            if reason := self._checks.refusal(order, now_ns):
                self._refuse(order, reason, now_ns)
                return
            if order.units != units:
                units = order.units
                plain = not self._checks.reduces_too(order, self.aim_units) and plain
                self.diary.note("cut", order, now_ns, order.reason)
        entry = ORDER(b"O", order.strategy, symbol, now_ns, units) if plain else ticket(order)
        self._happened.append(entry)
        order.state = ACCEPTED  # it was new: no need to look whether that is legal
        if order.aimed:
            self.aim_units[order.strategy][symbol] += units
        broker.accept(order)

    def _refuse(self, order: Order, reason: str, now_ns: int) -> None:
        head = b"" if is_plain(order) else ticket(order)
        self._happened.append(head + refusal(order, now_ns, reason))
        self._end(order, REJECTED, now_ns, reason)

    def new_group(self) -> int:
        """A number for orders that end each other."""
        self._group_count += 1
        return self._group_count

    def withdraw(self, order: Order, now_ns: int) -> None:
        """An order was taken back by the very hook that proposed it: it goes on record alone."""
        order.created_ns = now_ns
        self._checks.take_back(order)
        self._end(order, CANCELED, now_ns, "taken back by the hook that gave it")

    def cancel(self, order: Order, now_ns: int) -> bool:
        """Take an order back; whether it ended at once. One that has ended stays as it is."""
        if not order.is_working or order.state is CANCEL_PENDING:
            return False
        self._happened.append(cancel(order, now_ns))
        self.diary.note("cancel", order, now_ns)
        order.reason = ""  # of an amendment that was refused, say
        if self.broker.cancel(order, now_ns):
            self._finish(order, CANCELED, now_ns, BY_STRATEGY)
            return True
        self._aim(order, order.filled_units)
        order.aimed = False
        if order.state is not UNKNOWN:
            order.to(CANCEL_PENDING)
        return False

    def amend(self, order: Order, terms: Terms, now_ns: int) -> bool:
        """Give an order other terms; False when that is refused, and its reason says why."""
        if not order.is_working or order.state is CANCEL_PENDING:
            return True
        self._happened.append(amendment(order, terms, now_ns))
        reason = self._checks.amend_refusal(order, terms, now_ns)
        if reason:
            self._happened.append(refusal(order, now_ns, reason))
            self.diary.note("amend refused", order, now_ns, reason)
            order.reason = reason
            return False
        if not self.broker.amend(order, terms, now_ns) and order.state is not UNKNOWN:
            order.to(AMEND_PENDING)
        return True

    # -- what the broker tells ---------------------------------------------------------------------

    def amended(self, order: Order, terms: Terms, since_ns: int, now_ns: int) -> None:
        """Other terms are in force; what has filled by then, stays filled."""
        filled = order.filled_units
        units = filled if abs(filled) > abs(terms.units) else terms.units
        self._aim(order, units)
        order.units, order.limit, order.stop = units, terms.limit, terms.stop
        order.trail, order.trail_percent = terms.trail, terms.trail_percent
        order.reason = ""  # of one before that was refused
        self.diary.note("amend", order, since_ns)
        self.rethink()  # more works than was counted on
        if units == filled:
            self.lapsed(order, FILLED if filled else CANCELED, now_ns, NOTHING_LEFT)
        elif order.state is AMEND_PENDING:
            order.to(PARTIAL if filled else ACCEPTED)

    def reduced(self, order: Order, units: int, now_ns: int) -> None:
        """An order has become smaller with one it is linked to."""
        if order.is_working:
            self._aim(order, units)
            order.units = units
            self.diary.note("reduce", order, now_ns)

    def uncertain(self, bar: Ambiguity) -> None:
        """A bar left open what it did."""
        currency = self.account.currencies[bar.symbol]
        self.diary.note_uncertain(bar, self.account.in_own_units(bar.band_units, currency))

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
        self.broker.remove(order)
        self._finish(order, state, now_ns, reason)
        self.untold.append(order)

    def filled(
        self, order: Order, units: int, price: float, start_ns: int, now_ns: int, fee: int = 0
    ) -> None:
        """Book an execution; `fee` is what a venue charged, in place of what we reckon."""
        strategy, symbol = order.strategy, order.symbol_index
        ledger, position = self._ledgers[symbol], self.positions[strategy][symbol]
        if self._fees is not None:
            fee = self._fees.charge(order, units, price, position.multiplier_units)
        ledger.fill(position, units, price, fee)
        self.held_units[symbol] = held = self.held_units[symbol] + units
        if not order.aimed:
            self.aim_units[strategy][symbol] += units
        self.fill_count = number = self.fill_count + 1
        cash = ledger.cash_units if self._one_book else self.account.cash_units()
        power = self._power
        if power is not None and (cash < power.floor_units or (held < 0 and units < 0)):
            power.forget_orders()
        diary, order_id = self.diary, order.order_id  # what follows is `diary.book`, at once
        diary.happened.append(FILL(b"F", strategy, symbol, now_ns, start_ns, units, price))
        diary.fills.append(
            (number, order_id, symbol, units, price, fee, start_ns, now_ns, strategy, held, cash)
        )
        order.filled_units = done = order.filled_units + units if order.filled_units else units
        if done == order.units:
            if order.state is ACCEPTED:  # most often: no need to look whether that is legal
                order.state = FILLED
            else:
                order.to(FILLED)
            order.reason = ""  # of an amendment that was refused, say
            order.ended_ns = now_ns
            diary.ended.append(order)
        elif order.state is not CANCEL_PENDING and order.state is not AMEND_PENDING:
            order.to(PARTIAL)
        if self.tells_fills:
            self._filled.append(order)

    def rethink(self) -> None:
        """The account has changed beside its orders: what they may cost is to be asked anew."""
        self._checks.rethink()

    def take_intents(self) -> tuple[Intent, ...]:
        """What the venue is to be asked for, since the last call."""
        intents = tuple(self.broker.outbox)
        self.broker.outbox.clear()
        return intents

    def close_entries(self, symbol: int, reason: str, source: str) -> None:
        """A symbol, or all, takes no entries from now on; without a reason, it does again."""
        self.entries.close(symbol, reason, source)
        self._limited = self._checks.is_limited

    # -- the run of time ---------------------------------------------------------------------------

    def match(self, now_ns: int) -> list[Order]:
        """Fill what can fill on the bars known now, and book it; the orders it happened to."""
        self._filled = []
        self.broker.match(now_ns)
        return self._filled

    def match_close(self, now_ns: int) -> list[Order]:
        """At the end of an instant: fill the orders that were given for its close."""
        self._filled = []
        self.broker.match_close(now_ns)
        return self._filled

    def match_auction(self, now_ns: int, last_of: Callable[[int], Last | None]) -> list[Order]:
        """At a session's close: fill the orders for it at each symbol's last close in it."""
        self._filled, orders = [], self.broker.for_the_close()
        for symbol in sorted({order.symbol_index for order in orders}):
            last = last_of(symbol)
            if last is not None:
                self.broker.match_auction(symbol, *last, now_ns)
        for order in orders:
            self.lapsed(order, EXPIRED, now_ns, "nothing of it could fill at the close")
        return self._filled

    def expire(self, close_ns: int, last_start_ns: int) -> None:
        """At a session's close its orders end, but for those that are good till cancelled.

        What could not get the session's last bar any more belongs to the next session.
        """
        if not (self.broker.ends_orders and self.broker.working):
            return
        self.broker.settle(close_ns)  # no bar is under way any more
        last_ns = last_start_ns - self.broker.latency_ns
        late = [
            order
            for order in self.broker.working.values()
            if (
                self.broker.of_session(order)
                if order.kind in AUCTIONS
                else order.tif != GTC
                and order.created_ns <= last_ns
                and not self.broker.links.waits(order)  # its session is that of its entry's fill
            )
        ]
        self._end_all(late, EXPIRED, close_ns, SESSION_CLOSED)

    def cancel_all(self, now_ns: int, reason: str) -> None:
        """End every working order; those of a live broker work on, and go on record as they are."""
        if not self.broker.ends_orders:
            self.diary.ended += self.broker.working.values()
            return
        self._end_all(list(self.broker.working.values()), CANCELED, now_ns, reason)

    def _end_all(self, orders: list[Order], state: str, now_ns: int, reason: str) -> None:
        with self.broker.at_once():
            for order in orders:
                if order.state is CANCEL_PENDING:
                    self.lapsed(order, CANCELED, now_ns, order.reason or BY_STRATEGY)
                else:
                    self.lapsed(order, state, now_ns, reason)

    def adjust(self, symbol: int, adjustment: Adjustment, last: float, now_ns: int) -> None:
        """Apply a session's corporate actions; `last` is the symbol's last price before them."""
        self._actions.apply(symbol, adjustment, last, now_ns)
        if self._power is not None:
            self._power.forget()
        self.note_change(symbol, now_ns)

    def _finish(self, order: Order, state: str, now_ns: int, reason: str) -> None:
        """An order ends unfilled, or not wholly filled: nobody aims with it any more."""
        self._aim(order, order.filled_units)
        self.broker.links.yields.lessen(order, order.units - order.filled_units)
        self._end(order, state, now_ns, reason)
        self.broker.release(order, now_ns)

    def _aim(self, order: Order, units: int) -> None:
        """So much of an order is on its way to what its strategy aims at, if it counts there."""
        if order.aimed:
            self.aim_units[order.strategy][order.symbol_index] += units - order.units

    def _end(self, order: Order, state: str, now_ns: int, reason: str) -> None:
        order.to(state)
        order.reason = reason
        order.ended_ns = now_ns
        self.diary.ended.append(order)
