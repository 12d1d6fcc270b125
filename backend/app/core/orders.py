"""Orders and fills: their states, the one table of legal transitions, and the records."""

from typing import Final

import msgspec

from app.core.errors import AppError

NEW, SUBMITTED, ACCEPTED, PARTIAL = "NEW", "SUBMITTED", "ACCEPTED", "PARTIAL"
AMEND_PENDING, CANCEL_PENDING = "AMEND_PENDING", "CANCEL_PENDING"
FILLED, CANCELED, REJECTED, EXPIRED = "FILLED", "CANCELED", "REJECTED", "EXPIRED"
RUN_ENDED: Final = "the run ended"  # the reason of those that worked until then begins so
UNKNOWN = "UNKNOWN"  # a broker's answer was ambiguous; it says later what became of the order

_ENDS = {FILLED, CANCELED, EXPIRED}
_WORKING = {PARTIAL, AMEND_PENDING, CANCEL_PENDING, UNKNOWN, *_ENDS}
TRANSITIONS: dict[str, frozenset[str]] = {
    NEW: frozenset({SUBMITTED, ACCEPTED, REJECTED, CANCELED}),
    SUBMITTED: frozenset({ACCEPTED, REJECTED, *_WORKING}),  # a fill can come before its ack
    ACCEPTED: frozenset({SUBMITTED, *_WORKING}),  # one that waited for its entry goes out
    PARTIAL: frozenset(_WORKING),
    AMEND_PENDING: frozenset({ACCEPTED, *_WORKING}),  # the old terms can still fill
    # It can still fill, and a venue can say no to the cancel, or to the order itself.
    CANCEL_PENDING: frozenset({CANCEL_PENDING, ACCEPTED, PARTIAL, REJECTED, UNKNOWN, *_ENDS}),
    UNKNOWN: frozenset({ACCEPTED, PARTIAL, AMEND_PENDING, CANCEL_PENDING, REJECTED, *_ENDS}),
    FILLED: frozenset(),
    CANCELED: frozenset(),
    REJECTED: frozenset(),
    EXPIRED: frozenset(),
}

MARKET, LIMIT, STOP, STOP_LIMIT = "market", "limit", "stop", "stop_limit"
TRAILING_STOP = "trailing_stop"
MARKET_ON_OPEN, MARKET_ON_CLOSE = "market_on_open", "market_on_close"
STOPS: Final = (STOP, STOP_LIMIT, TRAILING_STOP)
KINDS: Final = (
    MARKET, LIMIT, STOP, STOP_LIMIT, TRAILING_STOP, MARKET_ON_OPEN, MARKET_ON_CLOSE,
)  # fmt: skip
DAY, GTC, IOC = "day", "gtc", "ioc"  # until its session closes, for good, or at once
TIFS: Final = (DAY, GTC, IOC)


class IllegalTransition(AppError):
    """An order was asked to do what its state forbids: a defect, never a user's fault."""


class Guard(msgspec.Struct, frozen=True, gc=False):
    """Marks an exit that the run's protection gave: how far it is from its entry's price."""

    units: int = 0  # of price, or of percent; 0: its price is not measured from there
    of_percent: bool = False


class Order(msgspec.Struct, gc=False, eq=False, array_like=True):
    """One order. Quantities are signed units: positive buys, negative sells."""

    order_id: int
    strategy: int  # index in the config's order
    symbol: str
    symbol_index: int
    units: int
    created_ns: int
    state: str = NEW
    filled_units: int = 0
    reason: str = ""
    ended_ns: int = 0
    kind: str = MARKET
    tif: str = DAY
    limit: float | None = None
    stop: float | None = None
    triggered: bool = False  # its stop was touched
    fee_units: int = 0  # charged so far
    value_units: int = 0  # traded so far, unsigned
    maker_units: int = 0  # of it as a maker
    aimed: bool = True  # counts as on its way to what its strategy aims at: a plain order does
    trail: float | None = None  # a trailing stop follows at this distance,
    trail_percent: float | None = None  # or at this share of the price
    reduce_only: bool = False
    parent: int = 0  # the order it waits for
    group: int = 0  # of orders that end each other
    guard: Guard | None = None  # none: a strategy gave it
    guarded: bool = False  # its strategy has given exits with it

    def to(self, state: str) -> None:
        """Move to `state`, if the table allows it."""
        if state not in TRANSITIONS[self.state]:
            raise IllegalTransition(
                f"Order {self.order_id} cannot go from {self.state} to {state}."
            )
        self.state = state

    @property
    def side(self) -> str:
        """ "buy" or "sell"."""
        return "buy" if self.units > 0 else "sell"

    @property
    def is_working(self) -> bool:
        """Whether it can still fill."""
        return bool(TRANSITIONS[self.state])


_WORDS: Final = {word: word for word in (*TRANSITIONS, *KINDS, *TIFS)}


def in_our_words(order: Order) -> None:
    """An order that was read: its words are these very objects, by which they are known."""
    order.state, order.kind = _WORDS[order.state], _WORDS[order.kind]
    order.tif = _WORDS[order.tif]


class Terms(msgspec.Struct, frozen=True, gc=False):
    """What an amendment makes of an order."""

    units: int
    limit: float | None
    stop: float | None
    trail: float | None
    trail_percent: float | None


# A change of an order after it was given: its number, the instant, what it was; units, limit and
# stop that it has from then on; why, where it was refused.
OrderChange = tuple[int, int, str, int, float | None, float | None, str]
# One execution as a run's record keeps it: fill id, order id, symbol index, signed units, price,
# fee in units, start of the bar it happened on, or the venue's time of it, and the instant it was
# known: where a run went on after a break that is the earlier. Plain tuples:
# thousands are made a second. Fill ids count from 1; below 0 is what the run was given to hold at
# its start, which counts as no fill.
RecordedFill = tuple[int, int, int, int, float, int, int, int]
# In a run there follow the strategy's number, and what it left: units held over all strategies,
# and cash.
FillRow = tuple[int, int, int, int, float, int, int, int, int, int, int]
SYMBOL: Final = 2  # places in both
UNITS: Final = 3
PRICE: Final = 4
FEE: Final = 5
BEGAN: Final = 6
INSTANT: Final = 7
HELD: Final = 9
CASH: Final = 10


def happened_ns(fill: RecordedFill | FillRow) -> int:
    """When an execution is told to have happened: not before it did at its venue."""
    return max(fill[BEGAN], fill[INSTANT])


def adoption_id(symbol: int) -> int:
    """The fill id of what a run was given to hold of a symbol."""
    return -1 - symbol
