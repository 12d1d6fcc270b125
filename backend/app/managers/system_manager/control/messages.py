"""What a session and its clients say to each other over the control socket, and how it is framed.

A frame is four bytes of length, then one JSON object. A client opens with `Hello`; it is answered
with `Welcome`, or with `Goodbye` that says what to do. From then on each `Ask` gets one `Answer`,
and whoever has subscribed gets a `View` now and then.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Annotated, TypeVar

import msgspec

from app import __version__
from app.core.errors import DataError, UsageError, did_you_mean
from app.core.order_views import FillData, OrderData
from app.managers.execution_manager.orders.kill import KILL_MODES

PROTOCOL = 1  # rises when a message changes its meaning
UNKNOWN = "A session knows no command"  # how an older one refuses a newer client's
LONGEST_ASK_BYTES = 16_384
LONGEST_TOLD_BYTES = 8 * 1024 * 1024
MOST_SYMBOLS = 1_000  # that are told of at once
_LENGTH_BYTES = 4

_Message = TypeVar("_Message")


def check_kill_mode(mode: str) -> None:
    """Refuse what is no way to kill a session."""
    if mode not in KILL_MODES:
        raise UsageError(
            f"A session is killed by {' or '.join(KILL_MODES)}, not '{mode}'."
            f"{did_you_mean(mode, KILL_MODES)}"
        )


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """A client's first words; every version of the protocol has these."""

    protocol: int
    program: str = __version__


class Ask(msgspec.Struct, frozen=True, tag="ask"):
    """Do this, and tell under this id whether it was done."""

    id: int
    command: str
    value: str = ""


class Welcome(msgspec.Struct, frozen=True, tag="welcome"):
    """The session that is served here."""

    protocol: int
    program: str
    run_id: str
    pid: int


class Answer(msgspec.Struct, frozen=True, tag="answer"):
    """What came of an `Ask`; what was refused carries the exit code of its error."""

    id: int
    text: str
    exit_code: int = 0


class Goodbye(msgspec.Struct, frozen=True, tag="goodbye"):
    """The last message before the server hangs up, and why: because the session has ended?"""

    reason: str
    ended: bool = False


class Alarm(msgspec.Struct, frozen=True):
    """Something that somebody should know."""

    at: str
    what: str
    details: str


class Position(msgspec.Struct, frozen=True):
    """What is held of a symbol and what came of it, by the last close that is known."""

    symbol: str
    quantity: Decimal
    close: float | None
    average_price: Decimal | None = None  # paid for it
    unrealised: Decimal = Decimal(0)
    realised: Decimal = Decimal(0)
    currency: str = ""


class View(msgspec.Struct, frozen=True, kw_only=True, tag="view"):
    """The session as it stands."""

    run_id: str
    config: str
    mode: str
    real_money: bool = False  # its orders cost money
    state: str
    trading_state: str | None = None  # None: the run has none
    pid: int
    started_at: str
    speed: float | str
    now: str  # of the session clock, in the market's zone
    bars: int
    currency: str
    cash: Decimal
    equity: Decimal
    positions: tuple[Position, ...]  # those that are not flat
    orders: tuple[OrderData, ...]  # that work; the newest
    orders_working: int
    fills: tuple[FillData, ...]  # the newest last
    fills_made: int
    alarms: tuple[Alarm, ...]
    steps_left: int = 0  # instants that a paused replay is still to take
    stale_seconds: int = 0  # since it was so: a block takes long, or a hook hangs
    zone: str = ""  # the market's; "" of a session that an older program began
    no_entries: str = ""  # why nothing may open in any symbol
    is_recovering: bool = False  # what it shows happened before the break that it goes on after


class Look(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is wanted of a session's data: these symbols, or all, and so many bars an interval."""

    symbols: tuple[str, ...] = ()
    bars: Annotated[int, msgspec.Meta(ge=1)] = 1
    first: Annotated[int, msgspec.Meta(ge=0)] = 0  # symbols to pass over
    limit: Annotated[int, msgspec.Meta(ge=1)] = MOST_SYMBOLS


Told = Welcome | Answer | Goodbye | View

_encode = msgspec.json.Encoder().encode
_decode_hello: Callable[[bytes], Hello] = msgspec.json.Decoder(Hello).decode
_decode_ask: Callable[[bytes], Ask] = msgspec.json.Decoder(Ask).decode
_decode_told: Callable[[bytes], Told] = msgspec.json.Decoder(Told).decode


def framed(message: Hello | Ask | Told) -> bytes:
    """A message as it travels."""
    body = _encode(message)
    return len(body).to_bytes(_LENGTH_BYTES, "big") + body


def hello_of(body: bytes) -> Hello:
    """A frame's body as a client's first words."""
    return _decoded(_decode_hello, body)


def ask_of(body: bytes) -> Ask:
    """A frame's body as what a client asks."""
    return _decoded(_decode_ask, body)


def told_of(body: bytes) -> Told:
    """A frame's body as what a session tells."""
    return _decoded(_decode_told, body)


def _decoded(decode: Callable[[bytes], _Message], body: bytes) -> _Message:
    try:
        return decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise DataError(f"A message cannot be read: {error}.") from None


class Frames:
    """Cuts a stream of bytes into the bodies of its frames."""

    def __init__(self, longest_bytes: int) -> None:
        self._longest_bytes = longest_bytes
        self._held = bytearray()

    def add(self, data: bytes) -> Iterator[bytes]:
        """The bodies that are whole with these bytes; a DataError at one that is too long."""
        self._held += data
        while len(self._held) >= _LENGTH_BYTES:
            length = int.from_bytes(self._held[:_LENGTH_BYTES], "big")
            if length > self._longest_bytes:
                raise DataError(
                    f"A message of {length} bytes is longer than the {self._longest_bytes} allowed."
                )
            end = _LENGTH_BYTES + length
            if len(self._held) < end:
                return
            body = bytes(self._held[_LENGTH_BYTES:end])
            del self._held[:end]
            yield body
