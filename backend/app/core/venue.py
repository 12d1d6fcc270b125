"""What a venue and its adapter say to each other's sides, in plain values; no venue is named here.

An adapter translates all that its venue can answer into these, and every error into one of two:

    VenueError
    ├── VenueRefused    the venue said no, in so many words: nothing has happened there
    │   ├── StopReached     to a stop that would trigger at once: the price has passed it
    │   ├── TooSmall        to an order that is worth less than it takes
    │   └── TurnedAway      at the door: the same may be asked again after so many seconds
    └── VenueUnclear    timeout, 5xx, garbage, a lost connection: what happened is not known
"""

import hashlib
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final, Protocol, runtime_checkable

import msgspec

from app.core.bars import BarColumns
from app.core.errors import AppError
from app.core.orders import KINDS, TIFS, TRANSITIONS, Terms

MOST_LETTERS: Final = 1_000


def one_line(words: str) -> str:
    """What a venue says, as it may stand among our words: on one line, and not without end."""
    if len(words) > MOST_LETTERS:
        words = f"{words[:MOST_LETTERS]}..."
    if words.isprintable():
        return words
    return " ".join("".join(x if x.isprintable() else " " for x in words).split())


class VenueError(AppError):
    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


class VenueRefused(VenueError):
    pass


class StopReached(VenueRefused):
    pass


class TooSmall(VenueRefused):
    pass


class TurnedAway(VenueRefused):
    def __init__(self, message: str, wait_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.wait_seconds = wait_seconds  # of the venue's clock; 0: it has not said


class VenueUnclear(VenueError):
    pass


STRATEGY_SERIES, GATE_SERIES = "", "g"  # who numbered an order: the run's strategies, or its gate


def client_id(run_id: str, number: int, series: str = STRATEGY_SERIES) -> str:
    """The name an order has at a venue: a pure function of run and number, short enough for all."""
    return f"{run_mark(run_id)}-{series}{number}"


def run_mark(run_id: str) -> str:
    """What all client ids of a run begin with."""
    return "mm" + hashlib.sha256(run_id.encode()).hexdigest()[:12]


class VenueOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order as a venue is asked for it. Units are signed: negative sells."""

    client_id: str
    symbol: str
    kind: str
    tif: str
    terms: Terms
    reduce_only: bool = False


class VenueReport(msgspec.Struct, frozen=True, kw_only=True, tag="report"):
    """What an order has become at the venue; `state` is one of `core.orders`' states."""

    client_id: str  # "" for an order that was not given through this program
    venue_id: str
    symbol: str
    state: str
    units: int
    filled_units: int
    kind: str
    at_ns: int
    limit: float | None = None
    stop: float | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        """No state may come in that the table of transitions does not have."""
        if self.state not in TRANSITIONS:
            raise ValueError(f"'{self.state}' is no state of an order")
        if self.reason:
            msgspec.structs.force_setattr(self, "reason", one_line(self.reason))


class Execution(msgspec.Struct, frozen=True, kw_only=True, tag="execution"):
    """One fill at the venue; its id is never used twice."""

    execution_id: str
    client_id: str
    venue_id: str
    symbol: str
    units: int
    price: float
    fee_units: int
    at_ns: int
    fee_currency: str = ""  # or coin; "" is what the symbol is quoted in


class Tick(msgspec.Struct, frozen=True, gc=False, tag="tick"):
    """One trade on the tape. Two that are equal are one, told twice; an id tells others apart."""

    symbol: str
    at_ns: int
    price: float
    volume: float
    trade_id: str = ""


class Quote(msgspec.Struct, frozen=True, gc=False, tag="quote"):
    """The best bid and ask."""

    symbol: str
    at_ns: int
    bid: float
    ask: float


class VenueBar(msgspec.Struct, frozen=True, gc=False, tag="bar"):
    """A minute the venue has closed."""

    symbol: str
    start_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float


class Heartbeat(msgspec.Struct, frozen=True, gc=False, tag="heartbeat"):
    """Nothing happened, and the venue is alive."""

    at_ns: int


class Connected(msgspec.Struct, frozen=True, gc=False, tag="connected"):
    """A stream stands, for the first time or again: what was missed meanwhile must be asked for."""

    at_ns: int


class Disconnected(msgspec.Struct, frozen=True, gc=False, tag="disconnected"):
    """A stream is gone; its adapter tries to get it back."""

    at_ns: int
    reason: str


MarketItem = Tick | Quote | VenueBar | Heartbeat | Connected | Disconnected
OrderItem = VenueReport | Execution | Heartbeat | Connected | Disconnected
OnItem = Callable[[MarketItem | OrderItem], None]


class Abilities(msgspec.Struct, frozen=True, kw_only=True):
    """What can be asked of a venue. What cannot, its adapter refuses; nothing is sent."""

    kinds: frozenset[str] = frozenset(KINDS)
    tifs: frozenset[str] = frozenset(TIFS)
    amends: bool = True  # takes other terms for an order that works
    reduces_only: bool = True  # takes orders that can only make a position smaller
    goes_short: bool = True
    exits_twice: bool = True  # takes two orders that would each close the same holding
    remembers_ids: bool = True  # refuses a client id again whatever became of its order


class VenueTime(msgspec.Struct, frozen=True):
    """A venue's own time: what its clock showed at one moment of ours, and how fast it runs."""

    venue_ns: int
    rate: float = 1.0


class Sizes(msgspec.Struct, frozen=True):
    """What an order's prices and quantity are multiples of, and what it has to be worth."""

    tick: Decimal
    lot: Decimal
    least_value: Decimal | None = None  # in what the symbol is quoted in
    most: Decimal | None = None  # that one order at market may be,
    least: Decimal | None = None  # and has to be


class Stream(Protocol):
    """A subscription under way."""

    def close(self) -> None: ...


class Venue(Protocol):
    """An adapter. Calls block, on whatever thread makes them; streams bring their own thread.

    `order` gives None where the venue says that it knows no such order: that is not yet a refusal.
    An order goes by its id; `symbol` is its own, where whoever asks knows it, for a venue that
    finds no order without. `sizes` is None where the venue does not tell them.
    """

    @property
    def abilities(self) -> Abilities: ...
    def time(self) -> VenueTime: ...
    def place(self, order: VenueOrder) -> VenueReport: ...
    def cancel(self, client_id: str, symbol: str = "") -> VenueReport: ...
    def amend(self, client_id: str, terms: Terms, symbol: str = "") -> VenueReport: ...
    def order(self, client_id: str, symbol: str = "") -> VenueReport | None: ...
    def open_orders(self) -> Sequence[VenueReport]: ...
    def executions(self, since_ns: int) -> Sequence[Execution]: ...
    def positions(self) -> dict[str, int]: ...
    def cash(self) -> dict[str, int]: ...
    def sizes(self, symbol: str) -> Sizes | None: ...
    def bars(self, symbol: str, interval: str, start_ns: int, end_ns: int) -> BarColumns: ...
    def market_stream(self, symbols: Sequence[str], on_item: OnItem) -> Stream: ...
    def order_stream(self, on_item: OnItem) -> Stream: ...
    def close(self) -> None: ...


@runtime_checkable
class Keyed(Protocol):
    """A venue that tells what its key may do."""

    def check_key(self) -> Sequence[str]:
        """Refuse a key that is not to be used; what is only unwise about it is told."""


LIVE_STATES: Final = frozenset({"ACCEPTED", "PARTIAL", "AMEND_PENDING", "CANCEL_PENDING"})
