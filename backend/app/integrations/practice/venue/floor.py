"""The venue's floor: where the tape meets the orders, and every change goes through the books.

What happens is recorded, then told to the streams; `commit` makes what was recorded durable, and
nothing is handed out before.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from heapq import heappop, heappush
from typing import NamedTuple

from app.core.bars import BarColumns
from app.core.instruments import Adjustment
from app.core.orders import CANCELED, EXPIRED, IOC, MARKET_ON_CLOSE, MARKET_ON_OPEN, Order
from app.core.venue import Execution, Tick, VenueBar, VenueReport
from app.integrations.practice.venue import faults
from app.integrations.practice.venue.actions import adjusted
from app.integrations.practice.venue.books import (
    Adjusted,
    BookEvent,
    Books,
    CoinFee,
    Entry,
    Followed,
    Stated,
    Traded,
)
from app.integrations.practice.venue.checks import Sizes
from app.integrations.practice.venue.crossing import Shown, cross
from app.integrations.practice.venue.faults import FaultMenu
from app.integrations.practice.venue.stream_faults import Sent
from app.integrations.practice.venue.tape import Close, Due, Tape
from app.integrations.practice.wire import MARKET_STREAM, ORDER_STREAM, STREAMS, StreamItem
from app.services.auctions import AUCTIONS
from app.services.matching import Prices

Keep = Callable[[Sequence[BookEvent]], None]  # makes a step durable
History = Callable[[str, str, int, int], BarColumns]  # bars of a symbol and interval
Action = Callable[[int], None]
Charge = Callable[[Order, Execution, Books], CoinFee | None]  # what is kept of a fill


def _nothing(order: Order, execution: Execution, books: Books) -> None:
    """Where nothing is charged."""


class Terrain(NamedTuple):
    """What a venue stands on."""

    market: str
    sizes: Mapping[str, Sizes]  # by symbol: these are traded
    history: History
    participation: Decimal = Decimal("0.1")  # of a bar's volume, for all orders together
    cash: Mapping[str, int] = {}  # what new books begin with
    adjustments: Sequence[Adjustment] = ()  # corporate actions, by their sessions
    charge: Charge = _nothing


class Floor:
    """One account's orders at one market; stepped by the venue."""

    def __init__(
        self, terrain: Terrain, tape: Tape, books: Books, keep: Keep, menu: FaultMenu
    ) -> None:
        self.terrain = terrain
        self.tape = tape
        self.books = books
        self._menu = menu
        self._keep = keep
        self._events: list[BookEvent] = []
        self._sent: list[Sent] = []
        self._later: list[tuple[int, int, Action]] = []  # moment, a number to tell equals apart
        self._given = 0

    def take_sent(self) -> list[Sent]:
        """What the streams are to carry, durable by now."""
        sent, self._sent = self._sent, []
        return sent

    def next_ns(self) -> int | None:
        """When something happens by itself again."""
        moments = [self.tape.next_ns(), self._later[0][0] if self._later else None]
        return min((at_ns for at_ns in moments if at_ns is not None), default=None)

    def work(self, now_ns: int) -> None:
        """Live through all up to now."""
        for due in self.tape.due(now_ns):
            self._do_what_is_late(due.at_ns)
            self._show(due)
        self._do_what_is_late(now_ns)
        self.commit()

    def _show(self, due: Due) -> None:
        what, at_ns = due.what, due.at_ns
        if isinstance(what, Close):
            self._close(what, at_ns)
            return
        if isinstance(what, Adjustment):
            self._adjust(what, at_ns)
            return
        if isinstance(what, Tick):
            prices = Prices(what.price, what.price, what.price, what.price)
            self._match(what.symbol, Shown(at_ns, prices, what.volume), at_ns)
        elif not self.tape.ticks:
            self._match(what.symbol, _shown(what), at_ns)
        self.send(MARKET_STREAM, what)

    def _adjust(self, action: Adjustment, at_ns: int) -> None:
        """A split ends the symbol's orders: they were given in other shares."""
        symbol, books = action.symbol, self.books
        if action.split_ratio != 1:
            for entry in [one for one in books.live.values() if one.order.symbol == symbol]:
                self.end(entry, CANCELED, f"{symbol} is split by {action.split_ratio}", at_ns)
        held, sizes = books.held_units(symbol), self.terrain.sizes[symbol]
        if held:
            last = self.tape.last_price(symbol, at_ns)
            kept, paid = adjusted(action, held, last, sizes)
            cash = {sizes.currency: books.cash.get(sizes.currency, 0) + paid}
            self.record(Adjusted({symbol: kept}, cash, at_ns))

    def _match(self, symbol: str, shown: Shown, at_ns: int) -> None:
        entries = [
            entry
            for entry in self.books.live.values()
            if entry.order.symbol == symbol and entry.since_ns <= shown.start_ns
        ]
        if not entries:
            return
        for entry in entries:
            if entry.order.kind == MARKET_ON_OPEN and self._is_of(entry, shown.start_ns):
                self.trade(entry, self.rest(entry), shown.prices.open, at_ns)
        plain = [entry.order for entry in entries if entry.order.kind not in AUCTIONS]
        held = self.books.held_units(symbol)
        sizes, share = self.terrain.sizes[symbol], self.terrain.participation
        fills, left = cross(shown, plain, sizes, held, share)
        for order in plain:
            stand = left[order.order_id]
            if (stand.stop, stand.triggered) != (order.stop, order.triggered):
                self.record(Followed(order.order_id, stand.stop, stand.triggered, at_ns))
        for fill in fills:
            entry = self.books.entries[fill.order.order_id]
            self._trade_or_break_off(entry, fill.units, fill.price, at_ns)
        for entry in entries:
            if entry.order.tif == IOC:
                self.end(entry, CANCELED, "what an ioc order cannot fill at once ends", at_ns)

    def _trade_or_break_off(self, entry: Entry, units: int, price: float, at_ns: int) -> None:
        lot = self.terrain.sizes[entry.order.symbol].lot_units
        half = abs(units) // 2 // lot * lot
        if half and self._menu.fires(faults.PARTIAL_DISCONNECT):
            self.trade(entry, half if units > 0 else -half, price, at_ns)
            self.hang_up()
        else:
            self.trade(entry, units, price, at_ns)

    def _close(self, close: Close, at_ns: int) -> None:
        session = close.session
        for entry in list(self.books.live.values()):
            order = entry.order
            if not entry.until_ns or entry.until_ns > session.close_ns:
                continue
            if order.kind == MARKET_ON_CLOSE:
                price = self.tape.last_price(order.symbol, at_ns, session.open_ns)
                if price is not None:
                    self.trade(entry, self.rest(entry), price, at_ns)
            self.end(entry, EXPIRED, "the session has closed", at_ns)

    def end(self, entry: Entry, state: str, reason: str, now_ns: int) -> None:
        if entry.is_working:
            self.record(Stated(entry.order.order_id, state, reason, now_ns))
            self.tell(entry, now_ns)

    def trade(self, entry: Entry, units: int, price: float, now_ns: int) -> None:
        if not units:
            return
        execution = Execution(
            execution_id=self.books.next_execution_id(),
            client_id=entry.client_id,
            venue_id=entry.venue_id,
            symbol=entry.order.symbol,
            units=units,
            price=price,
            fee_units=0,
            at_ns=now_ns,
        )
        fee = self.terrain.charge(entry.order, execution, self.books)
        self.record(Traded(entry.order.order_id, execution, fee))
        self.send(ORDER_STREAM, execution)
        self.tell(entry, now_ns)

    def _is_of(self, entry: Entry, start_ns: int) -> bool:
        """Whether a bar is of the session an order is for."""
        session = self.tape.session_closing_after(start_ns)
        return session is not None and session.close_ns == entry.until_ns

    def rest(self, entry: Entry) -> int:
        order = entry.order
        rest = order.units - order.filled_units
        if not order.reduce_only:
            return rest
        held = self.books.held_units(order.symbol)
        return min(rest, max(-held, 0)) if rest > 0 else max(rest, -max(held, 0))

    def do_later(self, at_ns: int, action: Callable[[int], None]) -> None:
        self._given += 1
        heappush(self._later, (at_ns, self._given, action))

    def _do_what_is_late(self, now_ns: int) -> None:
        while self._later and self._later[0][0] <= now_ns:
            at_ns, _, action = heappop(self._later)
            action(at_ns)

    def hang_up(self) -> None:
        self._sent += [Sent(stream, None) for stream in STREAMS]

    def tell(self, entry: Entry, now_ns: int) -> VenueReport:
        report = entry.report(now_ns)
        self.send(ORDER_STREAM, report)
        return report

    def send(self, stream: str, item: StreamItem) -> None:
        self._sent.append(Sent(stream, item))

    def record(self, event: BookEvent) -> None:
        self.books.apply(event)
        self._events.append(event)

    def commit(self) -> None:
        """Make durable what was recorded; what cannot be stays to be kept by the next one."""
        if self._events:
            self._keep(self._events)
            self._events = []


def _shown(bar: VenueBar) -> Shown:
    return Shown(bar.start_ns, Prices(bar.open, bar.high, bar.low, bar.close), bar.volume)
