"""The way to Binance in the simulator: the real client library, over a transport without sockets.

What the adapter asks goes through python-binance and requests as ever, signed and parsed by them,
and is answered by the peer in the same step. The streams are greeted and read by the adapter's own
code; only the threads and websockets under them are events here.
"""

import io
import json
import queue
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

import msgspec
import numpy as np
import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from app.core.venue import Connected, Disconnected, OnItem, VenueError, VenueUnclear
from app.integrations.binance.adapter import BinanceAdapter
from app.integrations.binance.endpoints import Endpoints, Keys
from app.integrations.binance.link import Link as BinanceLink
from app.integrations.binance.peer.routes import PLACE
from app.integrations.binance.peer.wrong import Wrong, answer_of
from app.integrations.practice.venue.exchange import Answer, Request
from app.managers.time_manager import WallClock
from tests.faults.venue_side import Call, Link, _Listener
from tests.faults.world import SECOND, World

if TYPE_CHECKING:
    from tests.faults.coin_side import CoinSide

KEYS: Final = Keys("simulated-key", "simulated-secret")
_ENDPOINTS: Final = Endpoints(
    "http://peer/api", "http://peer/sapi", "ws://peer/stream", "ws://peer/ws-api/v3", True
)
_KLINES: Final = "GET /api/v3/klines"
_NOT_LOOKED_AT: Final = (-1021, -1003, -1015)  # its time was off, or it was turned away
_TIMEOUT_SECONDS: Final = 5.0
_MS: Final = 1_000_000


class CoinLink(Link):
    """One program's wire to the peer."""

    side: "CoinSide"

    def adapter(self) -> BinanceAdapter:  # type: ignore[override]
        self.streams: list[SteppedStream] = []
        link = SimLink(self)
        return BinanceAdapter(link, self.side.symbols, np.random.default_rng(1))

    def answered(self, request: Request) -> Answer:
        """What comes of a request; it may not come at all."""
        side = self.side
        self.took_seconds = 0.0
        if self.is_dead or side.is_down:
            raise requests.ConnectionError("Connection refused.")
        if side.world.now_ns < side.refuses_until_ns:
            return answer_of(Wrong(401, -2015, "Invalid API-key, IP, or permissions."), {})
        answer = side.face.answer(request, side.at)
        if not _was_not_looked_at(answer):
            self._on_request(_call_of(request, side.ours))
        if not side.is_down:
            side.pump()
        if answer.silent_seconds:
            self.took_seconds = _TIMEOUT_SECONDS
            raise requests.ReadTimeout("Read timed out.")
        if answer.is_reset:
            raise requests.ConnectionError("Connection reset by peer.")
        self.took_seconds = answer.late_seconds
        return answer

    def pump(self) -> None:
        """Have the streams bring what the peer has queued."""
        for stream in list(self.streams):
            stream.pump()

    def die(self) -> None:
        super().die()
        for stream in list(getattr(self, "streams", ())):
            stream.close()

    def lose_streams(self, reason: str) -> None:
        for stream in self.streams:
            stream.lose(reason)

    def regain_streams(self) -> None:
        """They come back by themselves."""


class SimLink(BinanceLink):
    """The adapter's way, with its library's requests answered by the wire."""

    def __init__(self, wire: CoinLink) -> None:
        super().__init__(_ENDPOINTS, KEYS, SimTime(wire.side.world))
        self.wire = wire

    def _client(self) -> Any:
        client = super()._client()
        client.session.mount("http://peer", Transport(self.wire))
        return client

    def _ahead_ms(self) -> int:
        """The library's own time is the machine's."""
        return (self.now_ns() - WallClock().now_ns()) // _MS

    def call(self, *words: Any, **counted: Any) -> Any:
        """Nobody waits for room here: who is turned away asks again."""
        return super().call(*words, **{**counted, "bulk": False})


class SimTime(WallClock):
    """The machine's clock, simulated."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now_ns(self) -> int:
        return self._world.now_ns + self._world.wall_ahead_ns

    def monotonic_ns(self) -> int:
        return self._world.now_ns


class Transport(BaseAdapter):
    """Under requests, in place of its sockets."""

    def __init__(self, wire: CoinLink) -> None:
        super().__init__()
        self._wire = wire

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        parts = urlsplit(str(request.url))
        body = request.body or b""
        body = body if isinstance(body, bytes) else str(body).encode()
        headers = {name.lower(): str(value) for name, value in request.headers.items()}
        asked = Request(str(request.method), parts.path, {}, body, parts.query, headers)
        answer = self._wire.answered(asked)
        response = requests.Response()
        response.status_code, response.raw = answer.status, io.BytesIO(answer.body)
        response.headers = CaseInsensitiveDict(answer.headers)
        response.url, response.request = str(request.url), request
        return response

    def close(self) -> None:
        """There is nothing to close."""


class SteppedStream:
    """A `BinanceStream` whose connection, and whose thread, are events."""

    def __init__(
        self,
        link: SimLink,
        url: str,
        hello: Callable[[Any], None],
        read: Callable[[Any], Any],
        on_item: OnItem,
        chance: object,
    ) -> None:
        parts = urlsplit(url)
        self._path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        self._link, self._hello, self._read = link, hello, read
        self._wire = link.wire
        self._out = _Listener(self._wire, parts.path, on_item)
        self._frames: Any = None
        self._is_closed = False

    def start(self) -> "SteppedStream":
        self._wire.side.pump()  # what was before is not for it
        self._wire.streams.append(self)
        self._connect()
        return self

    def close(self) -> None:
        self._is_closed = True
        self._leave()
        self._out.close()
        if self in self._wire.streams:
            self._wire.streams.remove(self)

    def lose(self, reason: str) -> None:
        """The connection is gone; it comes back a little later."""
        if self._frames is not None:
            self._leave()
            self._out.bring(Disconnected(self._wire.side.now_ns, reason))
            self._connect_soon()

    def pump(self) -> None:
        while self._frames is not None:
            try:
                frame = self._frames._frames.get_nowait()
            except queue.Empty:
                return
            if frame is None or self._frames._is_cut.is_set():
                self.lose("the peer has ended it")
                return
            try:
                items = list(self._read(msgspec.json.decode(frame)))
            except VenueError as error:
                self.lose(str(error))
                return
            for item in items:
                self._out.bring(item)

    # -- what the adapter's greeting says and hears ------------------------------------------------

    def send(self, frame: bytes, text: bool = True) -> None:
        self._wire.side.face.heard(self._frames, frame, self._wire.side.at)

    def recv(self, timeout: float) -> bytes:
        frame: bytes = self._frames._frames.get_nowait()
        return frame

    def _connect(self) -> None:
        side = self._wire.side
        if self._is_closed or self._wire.is_dead:
            return
        try:
            if side.is_down:
                raise VenueUnclear("Connection refused.")
            self._link.sync()
            self._frames = side.face.joined(self._path, side.at)
            self._hello(self)
        except VenueError:
            self._leave()
            self._connect_soon()
            return
        self._out.bring(Connected(side.now_ns))

    def _connect_soon(self) -> None:
        world = self._wire.side.world
        world.after(SECOND // 4 + world.some_ns(SECOND), self._connect)

    def _leave(self) -> None:
        if self._frames is not None and not self._wire.side.is_down:
            self._wire.side.face.left(self._frames)
        self._frames = None


def _was_not_looked_at(answer: Answer) -> bool:
    """Then it is signed and sent once more, at once or when it may be, as the same."""
    try:
        return json.loads(answer.body)["code"] in _NOT_LOOKED_AT
    except (ValueError, KeyError, TypeError):
        return False


def _call_of(request: Request, ours: Mapping[str, str]) -> Call:
    """What the watch wants to know of a request."""
    route = f"{request.method} {request.path}"
    told = parse_qs(f"{request.raw_query}&{request.body.decode()}")
    name = told.get("newClientOrderId", [""])[0] if route == PLACE else ""
    symbol = ours.get(told.get("symbol", [""])[0], "") if route == _KLINES else ""
    return Call(request.method, request.path, name, symbol)
