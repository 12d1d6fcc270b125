"""The venue's books: what has happened, as events, and what they add up to.

Live and after a restart the books are made by the same `apply`. Orders go by a number of the
books' own, which never rolls back; the ids that the venue tells can (a fault).
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from app.core.money import UNITS, amount_units
from app.core.orders import ACCEPTED, FILLED, PARTIAL, TRAILING_STOP, Order, Terms
from app.core.venue import LIVE_STATES, Execution, VenueOrder, VenueReport

RUNNING, PAUSED, STOPPED = "running", "paused", "stopped"


class Opened(msgspec.Struct, frozen=True, tag="opened"):
    """The first event: what the books are for."""

    market: str
    cash: dict[str, int]
    at_ns: int


class ClockSet(msgspec.Struct, frozen=True, tag="clock_set"):
    """How the venue's clock runs from `wall_ns` on, by the machine's clock since 1970."""

    at_ns: int
    wall_ns: int
    rate: float
    state: str  # RUNNING, PAUSED by a client, or STOPPED with the process


class Placed(msgspec.Struct, frozen=True, tag="placed"):
    """An order was accepted; it ends at `until_ns`, 0 for never."""

    number: int
    order: VenueOrder
    venue_id: str
    until_ns: int
    hidden_until_ns: int
    at_ns: int


class Stated(msgspec.Struct, frozen=True, tag="stated"):
    """An order's state has changed other than by a fill."""

    number: int
    state: str
    reason: str
    at_ns: int


class Changed(msgspec.Struct, frozen=True, tag="changed"):
    """An order has other terms."""

    number: int
    terms: Terms
    at_ns: int


class Followed(msgspec.Struct, frozen=True, tag="followed"):
    """What a bar left of an order: where its stop is now, and whether it was touched."""

    number: int
    stop: float | None
    triggered: bool
    at_ns: int


class CoinFee(msgspec.Struct, frozen=True):
    """What a venue of coins keeps of a fill, in the coin it takes it in."""

    asset: str
    units: int
    is_maker: bool


class Traded(msgspec.Struct, frozen=True, tag="traded"):
    """A fill; `fee` is what was kept of it beside the execution's own."""

    number: int
    execution: Execution
    fee: CoinFee | None = None

    @property
    def at_ns(self) -> int:
        return self.execution.at_ns


class Adjusted(msgspec.Struct, frozen=True, tag="adjusted"):
    """Positions and cash were set: by hand, or by a corporate action."""

    positions: dict[str, int]
    cash: dict[str, int]
    at_ns: int


class RolledBack(msgspec.Struct, frozen=True, tag="rolled_back"):
    """The ids that the venue gives begin again."""

    at_ns: int


BookEvent = (
    Opened | ClockSet | Placed | Stated | Changed | Followed | Traded | Adjusted | RolledBack
)


class Entry:
    """An order in the books."""

    __slots__ = ("client_id", "hidden_until_ns", "order", "since_ns", "until_ns", "venue_id")

    def __init__(self, placed: Placed) -> None:
        asked = placed.order
        self.client_id = asked.client_id
        self.venue_id = placed.venue_id
        self.since_ns = placed.at_ns  # when its terms came into force
        self.until_ns = placed.until_ns
        self.hidden_until_ns = placed.hidden_until_ns
        self.order = Order(
            order_id=placed.number,
            strategy=0,
            symbol=asked.symbol,
            symbol_index=0,
            units=asked.terms.units,
            created_ns=placed.at_ns,
            state=ACCEPTED,
            kind=asked.kind,
            tif=asked.tif,
            limit=asked.terms.limit,
            stop=asked.terms.stop,
            trail=asked.terms.trail,
            trail_percent=asked.terms.trail_percent,
            reduce_only=asked.reduce_only,
        )

    @property
    def is_working(self) -> bool:
        return self.order.state in LIVE_STATES

    def report(self, at_ns: int) -> VenueReport:
        """As the venue tells it."""
        order = self.order
        return VenueReport(
            client_id=self.client_id,
            venue_id=self.venue_id,
            symbol=order.symbol,
            state=order.state,
            units=order.units,
            filled_units=order.filled_units,
            kind=order.kind,
            at_ns=at_ns,
            limit=order.limit,
            stop=order.stop,
            reason=order.reason,
        )


class Books:
    """What the events so far add up to; `multipliers` are in units, by symbol."""

    def __init__(self, multipliers: Mapping[str, int], currencies: Mapping[str, str]) -> None:
        self.entries: dict[int, Entry] = {}
        self.live: dict[int, Entry] = {}  # in the order they came
        self.by_client: dict[str, Entry] = {}
        self.executions: list[Execution] = []
        self.coin_fees: list[CoinFee | None] = []  # one an execution
        self.positions: dict[str, int] = {}
        self.cash: dict[str, int] = {}
        self.adjusted_count = 0  # how often what is held was set
        self.market = ""
        self.clock: ClockSet | None = None
        self.began_ns = self.through_ns = 0  # of the first event, and of the last
        self._multipliers = multipliers
        self._currencies = currencies
        self._venue_ids = self._execution_ids = 0

    def next_venue_id(self) -> str:
        return f"V{self._venue_ids + 1}"

    def next_execution_id(self) -> str:
        return f"X{self._execution_ids + 1}"

    def apply(self, event: BookEvent) -> None:
        """Take an event in."""
        self.through_ns = max(self.through_ns, event.at_ns)
        _APPLY[type(event)](self, event)

    def held_units(self, symbol: str) -> int:
        return self.positions.get(symbol, 0)

    def _opened(self, event: Opened) -> None:
        self.market, self.cash, self.began_ns = event.market, dict(event.cash), event.at_ns

    def _clock_set(self, event: ClockSet) -> None:
        self.clock = event

    def _placed(self, event: Placed) -> None:
        entry = Entry(event)
        self.entries[event.number] = self.live[event.number] = entry
        if entry.client_id:
            self.by_client[entry.client_id] = entry
        self._venue_ids += 1

    def _stated(self, event: Stated) -> None:
        order = self.entries[event.number].order
        order.state, order.reason, order.ended_ns = event.state, event.reason, event.at_ns
        self._keep_live(order)

    def _changed(self, event: Changed) -> None:
        entry, terms = self.entries[event.number], event.terms
        order = entry.order
        order.units, order.limit = terms.units, terms.limit
        if order.kind != TRAILING_STOP or terms.stop is not None:
            order.stop = terms.stop
        elif (terms.trail, terms.trail_percent) != (order.trail, order.trail_percent):
            order.stop = None  # it follows anew at its other distance
        order.trail, order.trail_percent = terms.trail, terms.trail_percent
        entry.since_ns = event.at_ns

    def _followed(self, event: Followed) -> None:
        order = self.entries[event.number].order
        order.stop, order.triggered = event.stop, event.triggered

    def _traded(self, event: Traded) -> None:
        execution, order = event.execution, self.entries[event.number].order
        order.filled_units += execution.units
        if order.filled_units == order.units:
            order.state, order.ended_ns = FILLED, execution.at_ns
        elif order.state in LIVE_STATES:
            order.state = PARTIAL
        self._keep_live(order)
        self.executions.append(execution)
        self.coin_fees.append(event.fee)
        self._execution_ids += 1
        symbol = execution.symbol
        self.positions[symbol] = self.held_units(symbol) + execution.units
        if event.fee is not None:
            self._keep_back(event.fee, symbol)
        if not self.positions[symbol]:
            del self.positions[symbol]
        each = self._multipliers.get(symbol, UNITS)
        paid = amount_units(execution.units, execution.price, each) + execution.fee_units
        currency = self._currencies.get(symbol, "USD")
        self.cash[currency] = self.cash.get(currency, 0) - paid

    def _keep_back(self, fee: CoinFee, symbol: str) -> None:
        if fee.asset == symbol.partition("/")[0]:
            self.positions[symbol] -= fee.units
        else:
            self.cash[fee.asset] = self.cash.get(fee.asset, 0) - fee.units

    def _adjusted(self, event: Adjusted) -> None:
        held = self.positions | event.positions
        self.positions = {symbol: units for symbol, units in held.items() if units}
        self.cash = self.cash | event.cash
        self.adjusted_count += 1

    def _rolled_back(self, event: RolledBack) -> None:
        self._venue_ids = self._execution_ids = 0

    def _keep_live(self, order: Order) -> None:
        if order.state not in LIVE_STATES:
            self.live.pop(order.order_id, None)


_APPLY: Final[Mapping[type, Any]] = {
    Opened: Books._opened,
    ClockSet: Books._clock_set,
    Placed: Books._placed,
    Stated: Books._stated,
    Changed: Books._changed,
    Followed: Books._followed,
    Traded: Books._traded,
    Adjusted: Books._adjusted,
    RolledBack: Books._rolled_back,
}
