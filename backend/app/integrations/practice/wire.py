"""What the practice venue and its adapter write to each other: paths, bodies, error codes.

Bodies are JSON. Orders, reports, executions and stream items are those of `core.venue`, field by
field; times are nanoseconds UTC, quantities and money units of 1e-8.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import msgspec

from app.core.venue import (
    Connected,
    Disconnected,
    Execution,
    Heartbeat,
    MarketItem,
    OrderItem,
    Quote,
    Tick,
    VenueBar,
    VenueOrder,
    VenueReport,
)

ABOUT, TIME, ORDERS, EXECUTIONS = "/venue", "/time", "/orders", "/executions"
POSITIONS, CASH, BARS = "/positions", "/cash", "/bars"
FAULTS, MANUAL, CONTROL = "/faults", "/manual", "/control"

MARKET_STREAM, ORDER_STREAM = "market", "orders"  # the streams' paths, without the slash
STREAMS: Final = (MARKET_STREAM, ORDER_STREAM)

# The codes of a refusal, and the HTTP status each comes with.
UNKNOWN_ORDER, DUPLICATE, ENDED = "unknown_order", "duplicate", "ended"
REFUSED, MALFORMED, NO_SUCH_PATH, TOO_LARGE = "refused", "malformed", "no_such_path", "too_large"
STATUS: Final = {
    UNKNOWN_ORDER: 404,
    NO_SUCH_PATH: 404,
    DUPLICATE: 409,
    ENDED: 409,
    REFUSED: 422,
    MALFORMED: 400,
    TOO_LARGE: 413,
}

StreamItem = MarketItem | OrderItem
_Read = TypeVar("_Read")


class Problem(msgspec.Struct, frozen=True):
    """Why not: one of the codes above, and a sentence."""

    code: str
    message: str


class ErrorBody(msgspec.Struct, frozen=True):
    """The body of every answer that is not 200."""

    error: Problem


class About(msgspec.Struct, frozen=True):
    """`GET /venue`: what is traded, and where the streams are."""

    market: str
    symbols: list[str]
    stream_port: int
    ticks: bool


class Reports(msgspec.Struct, frozen=True):
    """`GET /orders`: the open ones."""

    orders: list[VenueReport]


class Executions(msgspec.Struct, frozen=True):
    """`GET /executions?since_ns=`: those at or after that moment."""

    executions: list[Execution]


class Amounts(msgspec.Struct, frozen=True):
    """`GET /positions` by symbol, `GET /cash` by currency."""

    units: dict[str, int]


class BarLists(msgspec.Struct, frozen=True):
    """`GET /bars?symbol=&interval=&start_ns=&end_ns=`: closed bars as columns."""

    start_ns: list[int]
    open: list[float]
    high: list[float]
    low: list[float]
    close: list[float]
    volume: list[float]


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of the fault menu; `where` is a route or a stream, "" any."""

    kind: str
    count: int | None = None  # how often it fires at most; None: without end
    probability: float = 1.0  # of firing where it could
    seed: int = 0
    where: str = ""
    seconds: float = 0.0  # by the venue's clock; of a timeout by the machine's
    status: int = 503  # of http_status
    after_accept: bool = False  # of http_*: the request was carried out all the same
    code: int = 0  # of Binance's error_code


class FaultList(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /faults`: these are armed from now on, instead of those before."""

    faults: list[Fault]


class FaultCounts(msgspec.Struct, frozen=True):
    """`GET /faults`: what is armed, and how often each kind fired since the start."""

    armed: list[Fault]
    fired: dict[str, int]


class Manual(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /manual`: what somebody does by hand at the venue."""

    order: VenueOrder | None = None  # its client id is not kept
    cancel: str = ""  # a client id or a venue id
    positions: dict[str, int] = {}  # what is held from now on, nothing is paid
    cash: dict[str, int] = {}


class Control(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /control`: set the venue's clock; what is left out stays."""

    pause: bool | None = None
    rate: float | None = None
    advance_to_ns: int | None = None


encode: Callable[[Any], bytes] = msgspec.json.Encoder().encode
_STREAM_ITEMS: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(
    Tick | Quote | VenueBar | Heartbeat | Connected | Disconnected | VenueReport | Execution
)


def decode_item(frame: bytes | str) -> StreamItem:
    """One frame of a stream; raises `msgspec.MsgspecError`."""
    with _unreadable():
        item: StreamItem = _STREAM_ITEMS.decode(frame)
    return item


def decode(body: bytes, kind: type[_Read]) -> _Read:
    """A body as what it should be; raises `msgspec.MsgspecError`."""
    with _unreadable():
        return msgspec.json.decode(body, type=kind)


@contextmanager
def _unreadable() -> Iterator[None]:
    """Letters that are none, and what is nested without end, are no kind of msgspec's errors."""
    try:
        yield
    except (UnicodeDecodeError, RecursionError) as error:
        raise msgspec.DecodeError(str(error)) from error
