"""The Binance peer in threads of the tests' process, its clock moved by hand."""

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from app.core.bars import BarColumns
from app.core.calendar import TradingSession
from app.core.intervals import DAY_NS, MINUTE_NS
from app.core.money import UNITS, to_units
from app.core.venue import VenueOrder, VenueTime
from app.integrations.binance.endpoints import Keys, endpoints_of
from app.integrations.binance.link import _client
from app.integrations.binance.peer.face import BinanceFace
from app.integrations.binance.peer.fees import Fees
from app.integrations.binance.peer.ground import Ground
from app.integrations.binance.peer.signatures import Account
from app.integrations.binance.peer.wrong import Wrong, answer_of
from app.integrations.practice import wire
from app.integrations.practice.venue.checks import Sizes
from app.integrations.practice.venue.clock import VenueClock
from app.integrations.practice.venue.exchange import Answer, Request
from app.integrations.practice.venue.floor import Terrain
from app.integrations.practice.venue.opening import new_books
from app.integrations.practice.venue.process import VenueProcess
from app.integrations.practice.venue.tape import Tape
from app.integrations.practice.venue.venue import PracticeVenue
from app.managers.time_manager.clock import WallClock
from tests.data_house import ns

KEY, SECRET = "peer-key", "peer-secret-that-is-told-nowhere"
DAY_OPEN_NS = ns("2024-11-04T00:00", dt.UTC)


def day_of_bars(price: float, count: int = 1_440) -> BarColumns:
    """A day of minutes, each a cent higher than the last; two dollars wide."""
    starts = DAY_OPEN_NS + np.arange(count, dtype=np.int64) * MINUTE_NS
    opens = np.round(price + np.arange(count) * 0.01, 2)
    return BarColumns(starts, opens, opens + 1, opens - 1, opens, np.full(count, 50.0))


def day_session() -> TradingSession:
    return TradingSession("24/7", dt.date(2024, 11, 4), DAY_OPEN_NS, DAY_OPEN_NS + DAY_NS)


def minute(number: int) -> int:
    return DAY_OPEN_NS + number * MINUTE_NS


class Mishap(NamedTuple):
    """What goes wrong at a route, once; `after` the request was carried out."""

    route: str
    status: int = 503
    code: int = -1007
    body: bytes | None = None  # instead of an error's
    after: bool = False
    silent: bool = False  # the connection ends without a word
    retry_after: int = 0  # seconds

    def answer(self) -> Answer:
        if self.silent:
            return Answer(0, b"", is_reset=True)
        headers = {"Retry-After": str(self.retry_after)} if self.status in (418, 429) else {}
        if self.body is None:
            return answer_of(Wrong(self.status, self.code, "It is armed."), headers)
        return Answer(self.status, self.body, headers=headers)


class NotingFace(BinanceFace):
    """Notes what was asked, and has any answer at all be given instead of its own."""

    def __init__(self, ground: Ground, whose: Account) -> None:
        super().__init__(ground, whose)
        self.asked: list[str] = []
        self.mishaps: list[Mishap] = []

    def answer(self, request: Request, at: VenueTime) -> Answer:
        route = f"{request.method} {request.path}"
        self.asked.append(route)
        mishap = next((one for one in self.mishaps if one.route == route), None)
        if mishap is None:
            return super().answer(request, at)
        self.mishaps.remove(mishap)
        if mishap.after:
            super().answer(request, at)
        return mishap.answer()


class BinancePeer:
    """One account; open from the start, its clock stands still and `to` moves it."""

    def __init__(
        self,
        bars: Mapping[str, BarColumns],
        session: TradingSession,
        *,
        cash: str = "100000",
        fees: Fees | None = None,
        ticks: bool = False,
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
        tape = Tape(self._load, list(bars), (session,), ticks=ticks)
        start_ns = session.open_ns - MINUTE_NS
        self.venue = PracticeVenue(terrain, tape, self.books, lambda events: None, start_ns)
        self.ground = Ground(self.venue, self.books, sizes, self._load, fees)
        self.face = NotingFace(self.ground, Account(KEY, SECRET))
        self.weights = self.face.routes.weights
        self.asked = self.face.asked
        wall = WallClock()
        wall_ns = wall.now_ns()
        self._clock = VenueClock(start_ns, wall_ns)
        self._clock.pause(wall_ns, True)
        about = wire.About("24/7", list(bars), 0, ticks)
        self._process = VenueProcess(self.venue, self._clock, about, wall, 0, self.face)
        self._process.start()
        self.url = self._process.url

    @property
    def now_ns(self) -> int:
        return self._process.time().venue_ns

    def close(self) -> None:
        self._process.close()

    def to(self, now_ns: int) -> None:
        """Go on to a moment; the streams hear what has happened."""
        self.post(wire.CONTROL, wire.Control(advance_to_ns=now_ns))

    def run(self, rate: float) -> None:
        """Have its clock go by itself."""
        self.post(wire.CONTROL, wire.Control(pause=False, rate=rate))

    def arm(self, *faults: wire.Fault) -> None:
        """As `POST /faults` does it."""
        self.post(wire.FAULTS, wire.FaultList(list(faults)))

    def disconnect(self) -> None:
        """What Binance does to each connection after 24 hours."""
        self.arm(wire.Fault("day_disconnect", 1))

    def fail(self, route: str, **how: Any) -> None:
        self.face.mishaps.append(Mishap(route, **how))

    def by_hand(self, order: VenueOrder | None = None, **words: Any) -> None:
        """Somebody gives an order at its web page, or sets what is held."""
        self.post(wire.MANUAL, wire.Manual(order=order, **words))

    def post(self, path: str, body: object) -> None:
        """Through the practice venue's own door."""
        answer = self._process.serve(Request("POST", path, {}, wire.encode(body)))
        assert answer.status == 200, answer.body

    def charge_by(self, fees: Fees) -> None:
        """Have fills cost other fees from now on."""
        self.ground.fees = fees
        floor = self.venue._floor
        floor.terrain = floor.terrain._replace(charge=fees.of)

    def _load(self, symbol: str, start_ns: int, end_ns: int) -> BarColumns:
        bars = self._bars[symbol]
        first, end = np.searchsorted(bars.start_ns, (start_ns, end_ns))
        return bars.slice(int(first), max(int(first), int(end)))


class Heard:
    """All that one websocket connection brings, as it is written."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def ask(self, method: str, params: Any = None) -> Any:
        asked = {"id": method, "method": method, "params": params or {}}
        self.connection.send(json.dumps(asked))
        return self.next()

    def next(self) -> Any:
        return json.loads(self.connection.recv(timeout=5))

    def ended(self) -> int | None:
        """The code the peer has ended the connection with."""
        with pytest.raises(ConnectionClosed):
            self.connection.recv(timeout=5)
        return self.connection.close_code

    def until(self, name: str) -> Any:
        """The next event of a kind."""
        while True:
            told = self.next()
            event = told.get("event") or told.get("data") or told
            if event.get("e") == name:
                return event


@contextmanager
def listening(peer: BinancePeer, path: str) -> Iterator[Heard]:
    """A websocket connection to the peer."""
    parts = urlsplit(peer.url)
    url = f"ws://{parts.hostname}:{int(parts.port or 0) + 1}{path}"
    with connect(url, compression=None, proxy=None) as connection:
        yield Heard(connection)


@contextmanager
def account_events(peer: BinancePeer) -> Iterator[Heard]:
    """The account's events, subscribed to as the library signs it."""
    client = library(peer)
    words = client._sign_ws_params({}, client._generate_ws_api_signature)
    with listening(peer, "/ws-api/v3") as heard:
        assert heard.ask("userDataStream.subscribe.signature", words)["status"] == 200
        yield heard


def library(peer: BinancePeer, key: str = KEY, secret: str = SECRET) -> Any:
    """The real client library, asking the peer with nothing of ours between."""
    client = _client(endpoints_of(peer.url), Keys(key, secret))
    client.timestamp_offset = (peer.now_ns - WallClock().now_ns()) // 1_000_000
    return client
