"""What the conformance suite asks of whoever brings a venue: open it, move its market, break it.

One class a venue, made anew for each case from the bars it is to see. Time in cases is counted in
minutes from the start of the first of them; a bench begins five minutes before that, with an open
session that ends after ten bars and another one of flat bars on the next day of trading.
"""

import queue
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final, NamedTuple, Protocol

from app.core.bars import BarColumns
from app.core.money import UNITS
from app.core.orders import DAY, GTC, Terms
from app.core.venue import Abilities, Execution, Stream, Venue, VenueOrder, VenueReport

Row = tuple[float, float, float, float, float]  # open, high, low, close, volume
FLAT: Final[Row] = (100.0, 100.5, 99.5, 100.0, 1000.0)
BARS: Final = 10  # of a session
WAIT_SECONDS: Final = 10.0  # for what comes by itself, at most

# What can be made to go wrong. On the way, at the method of `Venue` that `where` names:
TIMEOUT_BEFORE, TIMEOUT_AFTER = "timeout_before_accept", "timeout_after_accept"
STATUS, GARBAGE, ERROR_BODY = "http_status", "http_garbage", "http_error_body"
RATE_LIMIT, EXPIRED = "rate_limit", "expired"  # too many requests; the session is over
# On a stream; there EXPIRED ends the subscription to the orders:
MARKET, ORDERS = "market", "orders"
DROP, TWICE, CUT, FILL_LOST = "drop", "duplicate", "disconnect", "fill_lost"
# At the venue, to the order that comes next or is asked about:
HIDDEN, REJECT_LATER, ID_ROLLBACK = "not_found", "reject_after_accept", "id_rollback"
CANCEL_RACED, AMEND_RACED = "cancel_raced", "amend_raced"
FILL_AFTER_CANCEL, PARTIAL_CUT = "fill_after_cancel", "partial_then_disconnect"

# What a bench can do, beside trading. A venue's own bench can do all of it.
FAULTS = "faults"  # answers that fail, news that get lost, orders that race
ADDRESS = "address"  # it is reached at one, where there can be nobody
STREAMS, HISTORY = "streams", "history"  # news that come by themselves; stored bars
BY_HAND = "by hand"  # somebody trades the account past the adapter
RESTART = "restart"  # the venue ends, and comes again with its books
MANY = "many adapters"  # of one account, one after the other or side by side
THREADS = "threads"  # calls from several at once
CHECKS = "checks"  # it is given orders that nothing has looked at before
NAMES = "client ids"  # its orders bear the ids they were given
SECRETS = "secrets"  # its adapter is given some
POWERS: Final = (
    FAULTS, ADDRESS, STREAMS, HISTORY, BY_HAND, RESTART, MANY, THREADS, CHECKS, NAMES, SECRETS,
)  # fmt: skip


class Fault(NamedTuple):
    """What goes wrong, so many times; `seconds` by the clock of the venue, a timeout by ours."""

    kind: str
    where: str = ""
    count: int | None = 1
    seconds: float = 0.0
    status: int = 503
    done: bool = False  # what was asked is carried out all the same


class Facts(NamedTuple):
    """What is traded at a bench, and what the account begins with."""

    symbols: tuple[str, str]
    currency: str
    tick: float
    lot_units: int
    cash_units: int
    share: float = 0.1  # of a bar's volume, that all orders together can get
    page_rows: int = 10  # what the venue tells at most in one answer, where it tells it in pages
    secrets: tuple[str, ...] = ()  # that the adapter was given


class Bench(Protocol):
    """A venue under test."""

    name: ClassVar[str]
    lacks: ClassVar[Mapping[str, str]]  # powers it has not, and why: those cases are not its own
    abilities: ClassVar[Abilities]  # what its adapter declares
    facts: ClassVar[Facts]

    def __init__(self, rows: Sequence[Row]) -> None: ...

    def open(self) -> Venue:
        """Another adapter of the one account; `close` of the bench closes it."""
        ...

    def open_nowhere(self) -> Venue:
        """An adapter where no venue is."""
        ...

    def minute(self, number: int, seconds: int = 0) -> int:
        """A moment: so long after the first bar's start."""
        ...

    def to(self, number: int, seconds: int = 0) -> None:
        """Have the venue live through all up to that moment."""
        ...

    def to_next_session(self) -> None:
        """Go on to when the first bar of the next session has closed."""
        ...

    def settle(self) -> None:
        """Have the streams bring what there is, where they have no thread that does."""
        ...

    def arm(self, *faults: Fault) -> None:
        """These go wrong from now on, none of those before."""
        ...

    def by_hand(self, order: VenueOrder | None = None, cancel: str = "") -> None:
        """Place or cancel an order past the adapter."""
        ...

    def restart(self) -> None:
        """End the venue as a crash does, and begin it again at the same address."""
        ...

    def close(self) -> None: ...


# -- what cases say ------------------------------------------------------------------------------


def order(
    bench: Bench,
    client_id: str,
    count: float,
    kind: str = "market",
    *,
    tif: str = "",
    symbol: str = "",
    reduce_only: bool = False,
    **prices: float | None,
) -> VenueOrder:
    """An order for a count of the thing traded, negative sells; it lasts a day where it can."""
    return VenueOrder(
        client_id=client_id,
        symbol=symbol or bench.facts.symbols[0],
        kind=kind,
        tif=tif or (DAY if DAY in bench.abilities.tifs else GTC),
        terms=terms(count, **prices),
        reduce_only=reduce_only,
    )


def terms(
    count: float,
    limit: float | None = None,
    stop: float | None = None,
    trail: float | None = None,
    trail_percent: float | None = None,
) -> Terms:
    return Terms(round(count * UNITS), limit, stop, trail, trail_percent)


def rows(*first: Row) -> tuple[Row, ...]:
    """A session of bars: these, and flat ones up to its end."""
    return (*first, *[FLAT] * (BARS - len(first)))


def at(price: float, volume: float = 1000.0) -> Row:
    """A bar of one price."""
    return (price, price, price, price, volume)


def told(venue: Venue, client_id: str) -> VenueReport:
    """What the venue says of an order that it knows."""
    report = venue.order(client_id)
    assert report is not None, f"the venue does not know {client_id}"
    return report


def fills_of(venue: Venue, client_id: str) -> list[Execution]:
    return [one for one in venue.executions(0) if one.client_id == client_id]


def counts(venue: Venue) -> dict[str, float]:
    """What is held, in counts, without what is not."""
    return {symbol: units / UNITS for symbol, units in venue.positions().items() if units}


def listed(bars: BarColumns) -> list[tuple[float, ...]]:
    names = ("start_ns", "open", "high", "low", "close", "volume")
    return list(zip(*(getattr(bars, name).tolist() for name in names), strict=True))


def until(is_so: Callable[[], bool], what: str) -> None:
    """Wait, with a bound, for what another thread or process brings about."""
    end = time.monotonic() + WAIT_SECONDS
    while not is_so():
        assert time.monotonic() < end, f"waited {WAIT_SECONDS} s for {what}"
        time.sleep(0.005)


class Ear:
    """Hears a stream; what it brought is waited for with a bound."""

    def __init__(self, bench: Bench, begin: Callable[[Callable[[Any], None]], Stream]) -> None:
        self.items: list[Any] = []
        self._bench = bench
        self._queue: queue.Queue[Any] = queue.Queue()
        self.stream = begin(self._queue.put)

    def next(self, *kinds: type) -> Any:
        """The next item of one of these kinds; the others are kept in `items`."""
        self._bench.settle()
        while True:
            item = self._queue.get(timeout=WAIT_SECONDS)
            self.items.append(item)
            if isinstance(item, kinds):
                return item

    def rest(self) -> list[Any]:
        """What has come and was not waited for."""
        self._bench.settle()
        while not self._queue.empty():
            self.items.append(self._queue.get())
        return self.items
