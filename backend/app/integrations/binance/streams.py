"""Binance's streams: websockets on threads of their own that come back by themselves."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection

from app.core.venue import (
    Connected,
    Heartbeat,
    OnItem,
    Quote,
    Tick,
    VenueBar,
    VenueError,
    VenueUnclear,
)
from app.integrations.binance.link import Link
from app.integrations.binance.problems import judged
from app.integrations.binance.wire import (
    Filters,
    execution_of_event,
    report_of_event,
    their_symbol,
    time_ns,
)
from app.integrations.lasting_stream import OPEN_SECONDS, Chance, LastingStream

_SILENT_SECONDS: Final = 5.0  # then the other side is asked whether it lives
_UNREADABLE: Final = (
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    ArithmeticError,  # of what should be a number
    RecursionError,
    msgspec.MsgspecError,
)
FOREIGN: Final = (OSError, WebSocketException)

Hello = Callable[[ClientConnection], None]
Read = Callable[[Any], Iterator[Any]]


class BinanceStream(LastingStream):
    """Greets with `hello`, and hands on what `read` makes of each frame."""

    def __init__(
        self, link: Link, url: str, hello: Hello, read: Read, on_item: OnItem, chance: Chance
    ) -> None:
        super().__init__("binance stream", on_item, chance)
        self._link = link
        self._url = url
        self._hello = hello
        self._read = read

    def _moment_ns(self) -> int:
        return self._link.now_ns()

    def _listen(self) -> tuple[bool, str]:
        """It stands once it has been greeted."""
        stood = False
        try:
            self._link.sync()
            with self._connected(self._url) as connection:
                self._hello(connection)
                stood = True
                self._on_item(Connected(self._link.now_ns()))
                while not self._closing.is_set():
                    self._take(connection)
        except (*FOREIGN, VenueError) as error:
            return stood, f"{type(error).__name__}: {error}"
        return stood, "it was closed"

    def _take(self, connection: ClientConnection) -> None:
        """The next frame, or a sign of life where none comes."""
        try:
            frame = connection.recv(timeout=_SILENT_SECONDS)
        except TimeoutError:
            if not connection.ping().wait(_SILENT_SECONDS):
                raise VenueUnclear("It is silent.") from None
            self._on_item(Heartbeat(self._link.now_ns()))
            return
        try:
            items = list(self._read(msgspec.json.decode(frame)))
        except _UNREADABLE as error:
            raise VenueUnclear(f"A frame cannot be read ({type(error).__name__}).") from error
        for item in items:
            if self._closing.is_set():
                return
            self._on_item(item)


def market_stream(
    link: Link, symbols: Sequence[str], on_item: OnItem, chance: Chance
) -> BinanceStream:
    """Trades, the best bid and ask, and minutes of these symbols."""
    by_theirs = {their_symbol(name): name for name in symbols}
    kinds = ("trade", "bookTicker", "kline_1m")
    names = "/".join(f"{one.lower()}@{kind}" for one in by_theirs for kind in kinds)

    def read(told: Any) -> Iterator[Any]:
        data = told["data"]
        symbol = by_theirs[data["s"]]
        yield from _market_items(told["stream"].partition("@")[2], data, symbol, link)

    url = f"{link.endpoints.market_stream}?streams={names}"
    return BinanceStream(link, url, lambda connection: None, read, on_item, chance).start()


def _market_items(
    kind: str, data: Mapping[str, Any], symbol: str, link: Link
) -> Iterator[Tick | Quote | VenueBar | Heartbeat]:
    if kind == "trade":
        price, volume = float(data["p"]), float(data["q"])
        yield Tick(symbol, time_ns(data["T"]), price, volume, str(data["t"]))
    elif kind == "bookTicker":  # it tells no time
        yield Quote(symbol, link.now_ns(), float(data["b"]), float(data["a"]))
    elif data["k"]["x"]:
        bar = data["k"]
        prices = (float(bar[name]) for name in ("o", "h", "l", "c", "v"))
        yield VenueBar(symbol, time_ns(bar["t"]), *prices)
    else:
        yield Heartbeat(time_ns(data["E"]))


def order_stream(
    link: Link, filters_of: Callable[[], Mapping[str, Filters]], on_item: OnItem, chance: Chance
) -> BinanceStream:
    """The account's orders and fills, by the websocket API."""
    filters: dict[str, Filters] = {}

    def hello(connection: ClientConnection) -> None:
        filters.update(filters_of())
        method = "userDataStream.subscribe.signature"
        asked = {"id": "orders", "method": method, "params": link.signed_words()}
        connection.send(msgspec.json.encode(asked), text=True)
        try:
            answer = msgspec.json.decode(connection.recv(timeout=OPEN_SECONDS))
            status, error = int(answer["status"]), answer.get("error") or {}
        except (TimeoutError, *_UNREADABLE) as wrong:
            raise VenueUnclear("No answer to the subscription to the account.") from wrong
        if status != 200:
            host = link.endpoints.host
            raise judged(status, error.get("code"), str(error.get("msg")), "the subscription", host)

    def read(told: Any) -> Iterator[Any]:
        event = told.get("event")
        if event is None:
            return
        if event["e"] in ("eventStreamTerminated", "serverShutdown"):
            raise VenueUnclear(f"Binance ends the stream: {event['e']}.")
        of = filters.get(event.get("s", ""))
        if event["e"] != "executionReport" or of is None:
            yield Heartbeat(time_ns(event["E"]))
            return
        if event["x"] == "TRADE":
            yield execution_of_event(event, of)
        yield report_of_event(event, of.symbol)

    url = link.endpoints.requests_stream
    return BinanceStream(link, url, hello, read, on_item, chance).start()
