"""Why an order, or an amendment of one, may not leave: limits, cut-offs, what it would cost."""

from collections.abc import Callable, Sequence, Sized

from app.core.calendar import TradingSession
from app.core.errors import StrategyError
from app.core.instruments import Instrument
from app.core.money import UNITS, amount_units, to_units
from app.core.orders import MARKET, Order, Terms
from app.managers.execution_manager.books.account import Account
from app.managers.execution_manager.brokers import Broker
from app.managers.execution_manager.limits.breaker_desk import BreakerDesk
from app.managers.execution_manager.limits.buying_power import BuyingPower
from app.managers.execution_manager.limits.moment import Books
from app.managers.execution_manager.limits.order_counts import OrderCounts
from app.managers.execution_manager.limits.risk_desk import OnVerdict, RiskDesk
from app.managers.execution_manager.limits.risk_memory import RiskMemory
from app.managers.execution_manager.limits.seen import Known
from app.managers.execution_manager.limits.sure_orders import SureOrders
from app.managers.execution_manager.orders.entries import Entries, closing_units, opens
from app.managers.execution_manager.orders.parts import terms_of
from app.services.auctions import AUCTIONS, CutOffs, too_late
from app.services.risk.facts import Ask, ask_for
from app.services.risk.scopes import Limits
from app.services.risk.sizes import size_fault
from app.services.risk.verdict import text

MOST_WORKING = 5_000  # orders at once, whatever the limits: each makes all others slower
MOST_TAKEN_BACK = 100_000  # in one session, by the hooks that gave them


class OrderChecks:
    """Checks the orders of one account beside those that work at its broker."""

    def __init__(
        self,
        limits: Limits,
        instruments: Sequence[Instrument],
        cut_offs: CutOffs,
        broker: Broker,
        held_units_of: Callable[[int, int], int],
    ) -> None:
        self.power: BuyingPower | None = None  # not asked before there are prices
        self.breakers: BreakerDesk | None = None  # nor these; and none where none are asked for
        self.on_verdict: OnVerdict | None = None  # who is told of each limit that is looked at
        self._limits = limits
        self._risk: RiskDesk | None = None  # nor this; and none where there are no limits
        self._sure: SureOrders | None = None  # asked first
        self._lot_units = [to_units(one.lot) for one in instruments]
        # What an entry has to be worth, and for how many one share counts, where it has to be.
        self._least = {
            place: (to_units(one.least_value), to_units(one.multiplier))
            for place, one in enumerate(instruments)
            if one.least_value is not None
        }
        self._known: Known | None = None
        self._holds_cash_only = False
        self._cut_offs = cut_offs
        self._working = working = broker.working
        self._reducing, self._yields = broker.reducing, broker.links.yields
        # What may fill though it counts as gone; at a venue, something always may.
        self._pending: Sized = broker.pending if broker.ends_orders else (True,)
        self._held_units_of = held_units_of
        self.entries = Entries(working, held_units_of)
        self.counts = OrderCounts(limits.scopes)
        self._refused: set[int] = set()  # or taken back, in the session under way
        self._taken_back = 0  # of them
        self._cut_from: dict[int, int] = {}  # how large orders were that were cut, unsigned
        self._session: TradingSession | None = None

    def weigh_by(self, known: Known, account: Account, books: Books) -> None:
        """From now on there are prices."""
        limits, self._known = self._limits, known
        self._holds_cash_only = account.terms.holds_cash_only
        if limits.looks:
            self._risk = RiskDesk(
                limits.scopes, account, self._working, known, books, self.counts, self.power,
                self.on_verdict, limits.past, guards=limits.guards,
            )  # fmt: skip
            self._sure = self._risk.sure
        if self._risk is not None and (limits.guards):
            self.breakers = BreakerDesk(
                limits.breakers, self._risk, books, self.entries, limits.past,
                account.terms.currency,
            )  # fmt: skip

    @property
    def is_limited(self) -> bool:
        """Whether there is more to look at than the usual."""
        return self._limits.looks or bool(self._least) or bool(self.entries.closed)

    @property
    def memory(self) -> RiskMemory | None:
        """What limits of loss remember, where there are limits."""
        return None if self._risk is None else self._risk.memory

    def has_limits(self, order: Order) -> bool:
        """Whether any limit holds for an order of its strategy in its symbol."""
        risk = self._risk
        return risk is not None and risk.is_limited(order.strategy, order.symbol_index)

    def open_session(self, session: TradingSession) -> None:
        """A session begins."""
        self._session = session
        self._refused.clear()
        self._cut_from.clear()
        self._taken_back = 0
        self.counts.open_session()
        if self._risk is not None:
            self._risk.open_session(session.date)
        if self.breakers is not None:
            self.breakers.open_session(session)

    def take_back(self, order: Order) -> None:
        """Its own hook takes an order back: it never leaves, nor does what waits for it."""
        if self._taken_back >= MOST_TAKEN_BACK:
            raise StrategyError(
                f"{MOST_TAKEN_BACK:,} orders of this session were taken back by the hook that gave "
                "them: give those that are meant."
            )
        self._taken_back += 1
        self.refused(order)

    def refused(self, order: Order) -> None:
        """Somebody else has refused it: what would wait for it is refused, too."""
        self._refused.add(order.order_id)

    def refusal(self, order: Order, now_ns: int) -> str:
        """Why an order is refused, or "". One that was only too large may be smaller now."""
        reason = "" if self._is_clear(order, now_ns) else self._refusal(order, now_ns)
        if reason:
            self.refused(order)
            if self.breakers is not None:
                self.breakers.note_refusal(reason, now_ns)
        elif (
            order.kind is not MARKET or order.reduce_only or self._reducing or self._pending
        ) and self._asks_what_opens:
            self._note(order)
        return reason

    def _note(self, order: Order, more_units: int = 0) -> None:
        """An order passes, or more of one: as far as orders go now, they may beside exits."""
        held_units = self._held_units_of(order.strategy, order.symbol_index)
        self._yields.note(order, held_units, more_units)

    @property
    def _asks_what_opens(self) -> bool:
        """Whether it matters how much an order may open, more than the account's means."""
        return self._limits.looks or bool(self.entries.closed) or self._holds_cash_only

    def reduces_too(self, order: Order, aim_units: Sequence[Sequence[int]]) -> bool:
        """Have an order only reduce that takes out what other exits would, too; whether it does."""
        if self.entries.takes_out_too(order, aim_units):
            order.reduce_only = True
        return order.reduce_only

    def rethink(self) -> None:
        """The account has changed beside its orders: nothing that was worked out holds."""
        if self._risk is not None:
            self._risk.rethink()
        if self.power is not None:
            self.power.forget_orders()

    def weigh(self, order: Order, now_ns: int) -> str:
        """As `refusal`, of an order that nobody gave: it is not counted, and no peak is seen."""
        counts, memory = self.counts.state(), None if self.memory is None else self.memory.state()
        try:
            return self._refusal(order, now_ns)
        finally:
            self._cut_from.pop(order.order_id, None)
            self.counts.restore(counts)
            if self._risk is not None and memory is not None:
                self._risk.memory.restore(memory)
                self._risk.rethink()
            if self.power is not None:
                self.power.forget_orders()

    def _is_clear(self, order: Order, now_ns: int) -> bool:
        """Whether limits and means surely approve of an order, and nothing else is to be asked:
        then it counts as one that has left.
        """
        return (
            self._sure is not None
            and not (order.reduce_only or order.parent or self.entries.closed)
            and order.kind not in AUCTIONS  # bounds do not speak of what those fill
            and order.units % self._lot_units[order.symbol_index] == 0
            and len(self._working) < MOST_WORKING
            and not (self._least and self._value_fault(order, terms_of(order)))
            and self._sure.rules[order.strategy][order.symbol_index].clear(order, now_ns)
        )

    def _refusal(self, order: Order, now_ns: int) -> str:
        if self.entries.closed and (why := self.entries.block(order)):
            return why
        if order.kind in AUCTIONS and self._session is not None:
            late = too_late(order.kind, now_ns, self._session, self._cut_offs)
            if late:
                return late
        if order.parent in self._refused:
            return f"entry_refused: order {order.parent}, which it would wait for, never left"
        reason = size_fault(order.units, self._lot_units[order.symbol_index])
        if reason or order.reduce_only:
            if not reason and order.parent:
                self._follow_cut(order, now_ns)
            if not reason and self._risk is not None:
                self._risk.follow(order)
            return reason
        reason = self.entries.refusal(order, order.units) if self.entries.closed else ""
        reason = reason or self._crowd_fault(order)
        if self._least and not reason:
            reason = self._value_fault(order, terms_of(order))
        risk, ask, ruling = self._risk, None, None
        if risk is not None:
            ask = self._ask(order, now_ns)
            if ask is None:
                risk.follow(order)
            elif not reason:
                ruling = risk.ruling(ask)
        if ruling is not None:
            reason = ruling.reason
            if self._limits.cuts and self._cut(order, abs(ruling.verdict.units), reason):
                reason = ""
        if not reason and self.power is not None and order.order_id not in self.entries.own:
            reason = self.power.refusal(order)
        if reason and self._cut(order, self._closing_units(order), reason):
            if risk is not None:
                risk.follow(order)
            return ""  # nothing keeps anybody from getting out
        return self._passed(ask, reason)

    def _crowd_fault(self, order: Order) -> str:
        """Why no more orders may work than do, or ""; what closes is asked nothing."""
        if len(self._working) < MOST_WORKING:
            return ""
        held_units = self._held_units_of(order.strategy, order.symbol_index)
        if not opens(order, order.units, self._working, held_units):
            return ""
        return f"too_many_orders: {len(self._working)} work already, and no run has more"

    def _value_fault(self, order: Order, terms: Terms) -> str:
        """Why what is left of an order that opens is worth too little by these terms, or "";
        without a price nobody knows.
        """
        if self._known is None:
            return ""
        least_units, multiplier_units = self._least.get(order.symbol_index, (0, UNITS))
        price = terms.limit or terms.stop or self._known.mark(order.symbol_index)
        units = terms.units - order.filled_units
        worth_units = amount_units(abs(units), price, multiplier_units)
        if worth_units >= least_units or not price:
            return ""
        held_units = self._held_units_of(order.strategy, order.symbol_index)
        if closing_units(order, units, self._working, held_units) == abs(units):
            return ""
        return f"too_little_value: {text(worth_units)} is under {text(least_units)}"

    def _closing_units(self, order: Order) -> int:
        """How much of an order only takes out what is held."""
        held_units = self._held_units_of(order.strategy, order.symbol_index)
        return closing_units(order, order.units, self._working, held_units)

    def _cut(self, order: Order, units: int, reason: str) -> bool:
        """Whether an order is made smaller, to that size in whole lots."""
        lot_units = self._lot_units[order.symbol_index]
        left = units // lot_units * lot_units
        if not 0 < left < abs(order.units):
            return False
        asked_units = self._cut_from.setdefault(order.order_id, abs(order.units))  # cut again
        order.reason = f"cut from {text(asked_units)}: {reason}"
        order.units = left if order.units > 0 else -left
        return True

    def _follow_cut(self, order: Order, now_ns: int) -> None:
        """An exit was given with its entry, and for no more: so it is, where that was cut."""
        entry = self._working.get(order.parent)
        before_units = self._cut_from.get(order.parent, 0)
        if entry and entry.created_ns == now_ns and abs(order.units) <= before_units:
            self._cut(order, abs(entry.units), f"order {order.parent}, its entry, was cut")

    def amend_refusal(self, order: Order, terms: Terms, now_ns: int) -> str:
        """Why an order keeps its terms, or ""."""
        reason = self.entries.block(order) or self._amend_refusal(order, terms, now_ns)
        if reason and self.breakers is not None:
            self.breakers.note_refusal(reason, now_ns)
        return reason

    def _amend_refusal(self, order: Order, terms: Terms, now_ns: int) -> str:
        more = terms.units - order.filled_units - self._working.left_of(order)
        if abs(terms.units) <= abs(order.filled_units):
            return "already_filled: as much of it, or more, has filled"
        grows = more != 0 and (more > 0) == (order.units > 0)
        reason = ""
        if grows and self.entries.closed:
            reason = self.entries.refusal(order, terms.units - order.filled_units)
        if not reason and (grows or more % self._lot_units[order.symbol_index]):
            reason = size_fault(terms.units, self._lot_units[order.symbol_index])
        if reason or order.reduce_only:
            return reason
        if self._least and (reason := self._value_fault(order, terms)):
            return reason
        if not grows:
            reason = self._price_refusal(order, terms, now_ns)
            if more and not reason:
                self._yields.lessen(order, more)
            return reason
        risk, ask = self._risk, self._ask_to_amend(order, terms, more, now_ns)
        if risk is not None and ask is not None:
            ruling = risk.ruling(ask)
            if ruling is not None:
                return ruling.reason
        symbol, power = order.symbol_index, self.power
        reason = "" if power is None else power.fault(symbol, more, terms.limit)
        if not reason:
            if self._asks_what_opens:
                self._note(order, more)
            self.rethink()  # more may fill than was counted on
        return self._passed(ask, reason)

    def _price_refusal(self, order: Order, terms: Terms, now_ns: int) -> str:
        """Why an order that does not grow may not have other prices, or ""."""
        if self._risk is None or not _pays_more(order, terms):
            return ""
        ask = self._ask_to_amend(order, terms, 0, now_ns)
        ruling = None if ask is None else self._risk.ruling_on_prices(ask)
        return "" if ruling is None else ruling.reason

    def _passed(self, ask: Ask | None, reason: str) -> str:
        """What was asked leaves now, unless there is a reason; that is given back."""
        if ask is not None and not reason:
            self.counts.note(ask)
        return reason

    def _ask(self, order: Order, now_ns: int) -> Ask | None:
        """What limits are asked of an order: nothing of one that only takes a position out, for no
        limit keeps anybody from getting out.
        """
        held_units = self._held_units_of(order.strategy, order.symbol_index)
        is_asked = opens(order, order.units, self._working, held_units)
        return ask_for(order, now_ns) if is_asked else None

    def _ask_to_amend(self, order: Order, terms: Terms, more_units: int, now_ns: int) -> Ask | None:
        """The same of an amendment, by which so much more may fill than before."""
        strategy, symbol, units = order.strategy, order.symbol_index, terms.units
        held_units = self._held_units_of(strategy, symbol)
        if not opens(order, units - order.filled_units, self._working, held_units):
            return None
        return Ask(strategy, symbol, more_units, units, order.kind, terms.limit, now_ns, terms.stop)


def _pays_more(order: Order, terms: Terms) -> bool:
    """Whether a price of an order becomes worse by an amendment."""
    return any(
        new is not None and (old is None or (new > old if order.units > 0 else new < old))
        for old, new in ((order.limit, terms.limit), (order.stop, terms.stop))
    )
