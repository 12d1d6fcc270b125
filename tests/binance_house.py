"""The Binance peer in threads of the tests' process, its clock moved by hand."""

import datetime as dt
import json
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request
from websockets.sync.server import ServerConnection, serve

from app.core.bars import BarColumns
from app.core.calendar import TradingSession
from app.core.intervals import DAY_NS, MINUTE_NS
from app.core.money import UNITS, to_units
from app.core.venue import VenueOrder, VenueTime
from app.integrations.binance.endpoints import Keys, endpoints_of
from app.integrations.binance.link import _client
from app.integrations.binance.peer.faults import Mishap
from app.integrations.binance.peer.fees import Fees
from app.integrations.binance.peer.ground import Ground
from app.integrations.binance.peer.routes import Routes, Told
from app.integrations.binance.peer.signatures import Account
from app.integrations.binance.peer.streams import Listener, Streams, listener_of
from app.integrations.practice.venue.checks import Sizes
from app.integrations.practice.venue.floor import Terrain
from app.integrations.practice.venue.opening import new_books
from app.integrations.practice.venue.tape import Tape
from app.integrations.practice.venue.venue import PracticeVenue
from app.integrations.practice.wire import Manual
from app.managers.time_manager.clock import WallClock
from tests.data_house import ns

KEY, SECRET = "peer-key", "peer-secret-that-is-told-nowhere"
DAY_OPEN_NS = ns("2024-11-04T00:00", dt.UTC)
BEAT_NS = 2_000_000_000


def day_of_bars(price: float, count: int = 1_440) -> BarColumns:
    """A day of minutes, each a cent higher than the last; two dollars wide."""
    starts = DAY_OPEN_NS + np.arange(count, dtype=np.int64) * MINUTE_NS
    opens = np.round(price + np.arange(count) * 0.01, 2)
    return BarColumns(starts, opens, opens + 1, opens - 1, opens, np.full(count, 50.0))


def day_session() -> TradingSession:
    return TradingSession("24/7", dt.date(2024, 11, 4), DAY_OPEN_NS, DAY_OPEN_NS + DAY_NS)


def minute(number: int) -> int:
    return DAY_OPEN_NS + number * MINUTE_NS


class BinancePeer:
    """One account; open from the start, `to` moves its clock."""

    def __init__(
        self,
        bars: Mapping[str, BarColumns],
        session: TradingSession,
        *,
        cash: str = "100000",
        fees: Fees | None = None,
    ) -> None:
        self._bars = bars
        fees = Fees(Decimal(0), Decimal(0)) if fees is None else fees
        sizes = dict.fromkeys(bars, Sizes(UNITS // 100, UNITS // 100_000, UNITS, "USDT"))
        terrain = Terrain(
            "24/7",
            sizes,
            lambda symbol, interval, start, end: self._load(symbol, start, end),
            cash={"USDT": to_units(cash)},
            charge=fees.of,
        )
        self.books = new_books(terrain)
        tape = Tape(self._load, list(bars), (session,), ticks=False)
        self.now_ns = session.open_ns - MINUTE_NS
        self.venue = PracticeVenue(terrain, tape, self.books, lambda events: None, self.now_ns)
        self.ground = Ground(self.venue, self.books, sizes, self._load, fees)
        self.routes = Routes(self.ground, Account(KEY, SECRET))
        self.streams = Streams(self.ground, Account(KEY, SECRET))
        self.weights = self.routes.weights
        self.asked, self.mishaps = self.routes.asked, self.routes.mishaps
        self.is_closed = False
        self.rate = 1.0  # that its clock is told to run at
        self._lock = threading.RLock()
        self._open()

    def _open(self) -> None:
        """Its streams are one port above its REST."""
        while True:
            self._http = _Http(("127.0.0.1", 0), _handler(self))
            port = int(self._http.server_port)
            try:
                self._streams = serve(
                    self._listen, "127.0.0.1", port + 1, compression=None,
                    process_request=self._greet,
                )  # fmt: skip
                break
            except (OSError, OverflowError):
                self._http.server_close()
        self.url = f"http://127.0.0.1:{port}"
        self._threads = [
            threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True),
            threading.Thread(target=self._streams.serve_forever, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        self.is_closed = True
        self._http.shutdown()
        self.disconnect()
        self._streams.shutdown()
        for thread in self._threads:
            thread.join(5.0)
        self._http.server_close()

    def to(self, now_ns: int) -> None:
        """Go on to a moment; the streams hear what has happened."""
        with self._lock:
            self.now_ns = now_ns
            self._publish()

    def beat(self) -> None:
        """What Binance tells every two seconds of a minute under way, and of the coins."""
        with self._lock:
            self.streams.beat(self.now_ns)

    def run(self, rate: float, wall_ns: Callable[[], int], stop: threading.Event) -> None:
        """Have its clock go by itself until it is told to stop."""
        self.rate = rate
        began_ns, began_wall_ns, beat_ns = self.now_ns, wall_ns(), self.now_ns
        while not stop.wait(0.02):
            self.to(began_ns + int((wall_ns() - began_wall_ns) * rate))
            if self.now_ns - beat_ns >= BEAT_NS:
                beat_ns = self.now_ns
                self.beat()

    def disconnect(self) -> None:
        """What Binance does to each connection after 24 hours."""
        with self._lock:
            self.streams.cut_all()

    def fail(self, route: str, **how: Any) -> None:
        self.mishaps.append(Mishap(route, **how))

    def by_hand(self, order: VenueOrder) -> None:
        """Somebody gives an order at its web page."""
        with self._lock:
            self.venue.by_hand(Manual(order=order), self.now_ns)
            self._publish()

    def charge_by(self, fees: Fees) -> None:
        """Have fills cost other fees from now on."""
        floor = self.venue._floor
        floor.terrain = floor.terrain._replace(charge=fees.of)

    def events_heard(self) -> Callable[[], list[Any]]:
        """All that the account's stream carries from now on."""
        listener = Listener((), is_user=True)
        self.streams.join(listener)

        def told() -> list[Any]:
            return [json.loads(listener.frames.get()) for _ in range(listener.frames.qsize())]

        return told

    def answer(self, method: str, path: str, raw: str, key: str) -> Told:
        with self._lock:
            told = self.routes.answer(method, path, raw, key, VenueTime(self.now_ns, self.rate))
            self._publish()
            return told

    def _publish(self) -> None:
        for _, item in self.venue.advance(self.now_ns):
            self.streams.publish(item, self.now_ns)

    def _greet(self, connection: ServerConnection, request: Request) -> None:
        """Before the handshake is answered: from then on nothing is missed."""
        listener = listener_of(request.path)
        connection.listener = listener  # type: ignore[attr-defined]
        if not listener.is_user:
            with self._lock:
                self.streams.join(listener)

    def _listen(self, connection: ServerConnection) -> None:
        listener: Listener = connection.listener  # type: ignore[attr-defined]
        with suppress(ConnectionClosed, OSError):
            if not listener.is_user or self._subscribe(connection, listener):
                while (frame := listener.frames.get()) is not None:
                    connection.send(frame)
                connection.close(1001, "24 hours")
        with self._lock:
            self.streams.leave(listener)

    def _subscribe(self, connection: ServerConnection, listener: Listener) -> bool:
        frame = connection.recv(timeout=5)
        with self._lock:
            is_in, told = self.streams.subscribe(listener, frame, VenueTime(self.now_ns, self.rate))
        connection.send(told)
        return is_in

    def _load(self, symbol: str, start_ns: int, end_ns: int) -> BarColumns:
        bars = self._bars[symbol]
        first, end = np.searchsorted(bars.start_ns, (start_ns, end_ns))
        return bars.slice(int(first), max(int(first), int(end)))


def library(peer: BinancePeer, key: str = KEY, secret: str = SECRET) -> Any:
    """The real client library, asking the peer with nothing of ours between."""
    client = _client(endpoints_of(peer.url), Keys(key, secret))
    client.timestamp_offset = (peer.now_ns - WallClock().now_ns()) // 1_000_000
    return client


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A lost connection is no news."""


def _handler(peer: BinancePeer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        disable_nagle_algorithm = True
        timeout = 60.0

        def _do(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            raw = parts.query + body
            key = self.headers.get("X-MBX-APIKEY", "")
            told = peer.answer(self.command, parts.path, raw, key)
            if peer.is_closed or told.silent:
                self.close_connection = True
                return
            self.send_response(told.status)
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json;charset=UTF-8")
            self.send_header("Content-Length", str(len(told.body)))
            self.end_headers()
            self.wfile.write(told.body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing."""

        do_GET = do_POST = do_DELETE = _do

    return Handler
