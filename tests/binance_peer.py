"""A Binance on this machine: its REST and websocket wire format on the practice venue's matching.

It is asked by the real client library. Signatures and the times of requests are checked, weights
counted and told, errors have the documented codes; its clock is moved by hand.
"""

import hashlib
import hmac
import json
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, parse_qsl, urlsplit

import numpy as np
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request
from websockets.sync.server import ServerConnection, serve

from app.core.bars import BarColumns
from app.core.calendar import TradingSession
from app.core.intervals import MINUTE_NS, interval_ns
from app.core.money import UNITS, amount_units, from_units, to_units
from app.core.orders import (
    ACCEPTED,
    CANCELED,
    EXPIRED,
    FILLED,
    LIMIT,
    MARKET,
    PARTIAL,
    STOP,
    STOP_LIMIT,
    Terms,
)
from app.core.venue import Execution, Tick, VenueBar, VenueOrder, VenueReport
from app.integrations.practice.venue.books import Entry
from app.integrations.practice.venue.checks import Refusal, Sizes
from app.integrations.practice.venue.floor import Terrain
from app.integrations.practice.venue.opening import new_books
from app.integrations.practice.venue.tape import Tape
from app.integrations.practice.venue.venue import PracticeVenue
from app.integrations.practice.wire import DUPLICATE, ENDED, UNKNOWN_ORDER, Manual

KEY, SECRET = "peer-key", "peer-secret-that-is-told-nowhere"
MS = 1_000_000
STATES = {
    ACCEPTED: "NEW",
    PARTIAL: "PARTIALLY_FILLED",
    FILLED: "FILLED",
    CANCELED: "CANCELED",
    EXPIRED: "EXPIRED",
}
KINDS = {"MARKET": MARKET, "LIMIT": LIMIT, "STOP_LOSS": STOP, "STOP_LOSS_LIMIT": STOP_LIMIT}
THEIR_KINDS = {ours: theirs for theirs, ours in KINDS.items()}
WEIGHTS = {
    "/api/v3/exchangeInfo": 20,
    "/api/v3/account": 20,
    "/api/v3/myTrades": 20,
    "/api/v3/openOrders": 80,
    "/api/v3/klines": 2,
}
SIGNED = ("/api/v3/order", "/api/v3/openOrders", "/api/v3/account", "/api/v3/myTrades")


class Wrong(Exception):
    """An answer that is an error of Binance."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class Fault(NamedTuple):
    """What goes wrong at a route, once; `after` the request was carried out."""

    route: str
    status: int = 503
    code: int = -1007
    body: bytes | None = None  # instead of an error's
    after: bool = False
    silent: bool = False  # the connection ends without a word
    retry_after: int = 0


class BinancePeer:
    """One account; open from the start, `to` moves its clock."""

    def __init__(
        self, bars: Mapping[str, BarColumns], session: TradingSession, *, cash: str = "100000"
    ) -> None:
        self._bars = bars
        sizes = Sizes(UNITS // 100, UNITS // 100_000, UNITS, "USDT")
        terrain = Terrain(
            "24/7",
            dict.fromkeys(bars, sizes),
            lambda symbol, interval, start, end: self._load(symbol, start, end),
            cash={"USDT": to_units(cash)},
        )
        self.books = new_books(terrain)
        tape = Tape(self._load, list(bars), (session,), ticks=False)
        self.now_ns = session.open_ns - MINUTE_NS
        self.venue = PracticeVenue(terrain, tape, self.books, lambda events: None, self.now_ns)
        self.limit, self.used, self.minute = 6_000, 0, 0
        self.can_withdraw = self.is_closed = False
        self.faults: list[Fault] = []
        self.asked: list[str] = []
        self.min_notional = 5 * UNITS
        self._names = {name.replace("/", ""): name for name in bars}
        self._lock = threading.RLock()
        self._listeners: list[_Listener] = []
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
        at = self.now_ns // MS
        user = {"e": "outboundAccountPosition", "E": at, "u": at, "B": []}
        with self._lock:
            for listener in self._listeners:
                if listener.is_user:
                    told: Any = {"subscriptionId": 0, "event": user}
                    listener.frames.put(json.dumps(told))
                for name in [] if listener.is_user else self._names:
                    stream = f"{name.lower()}@kline_1m"
                    data = {"e": "kline", "E": at, "s": name, "k": {"x": False}}
                    if stream in listener.streams:
                        listener.frames.put(json.dumps({"stream": stream, "data": data}))

    def run(self, rate: float, wall_ns: Callable[[], int], stop: threading.Event) -> None:
        """Have its clock go by itself until it is told to stop."""
        began_ns, began_wall_ns, beat_ns = self.now_ns, wall_ns(), self.now_ns
        while not stop.wait(0.02):
            self.to(began_ns + int((wall_ns() - began_wall_ns) * rate))
            if self.now_ns - beat_ns >= 2_000 * MS:
                beat_ns = self.now_ns
                self.beat()

    def disconnect(self) -> None:
        """What Binance does to each connection after 24 hours."""
        with self._lock:
            for listener in self._listeners:
                listener.frames.put(None)

    def fail(self, route: str, **how: Any) -> None:
        self.faults.append(Fault(route, **how))

    def by_hand(self, order: VenueOrder) -> None:
        """Somebody gives an order at its web page."""
        with self._lock:
            self.venue.by_hand(Manual(order=order), self.now_ns)
            self._publish()

    # -- requests --------------------------------------------------------------------------------

    def answer(self, method: str, path: str, raw: str, key: str) -> tuple[int, bytes, Fault | None]:
        """Status and body of an answer; or the fault that is there instead."""
        with self._lock:
            route = f"{method} {path}"
            self.asked.append(route)
            fault = next((one for one in self.faults if one.route == route), None)
            if fault is not None:
                self.faults.remove(fault)
            try:
                if fault is not None and not fault.after:
                    return *_failed(fault), fault
                self._weigh(WEIGHTS.get(path, 4 if route == "GET /api/v3/order" else 1))
                if path in SIGNED or path.startswith("/sapi"):
                    self._check_signature(raw, key)
                body = json.dumps(self._act(route, dict(parse_qsl(raw)))).encode()
                if fault is not None:
                    return *_failed(fault), fault
                return 200, body, None
            except Wrong as wrong:
                told = {"code": wrong.code, "msg": wrong.message}
                return wrong.status, json.dumps(told).encode(), None
            finally:
                self._publish()

    def _weigh(self, weight: int) -> None:
        if self.now_ns // MINUTE_NS != self.minute:
            self.minute, self.used = self.now_ns // MINUTE_NS, 0
        self.used += weight
        if self.used > self.limit:
            raise Wrong(429, -1003, "Too much request weight used.")

    def _check_signature(self, raw: str, key: str) -> None:
        if key != KEY:
            raise Wrong(401, -2015, "Invalid API-key, IP, or permissions for action.")
        payload, _, signature = raw.rpartition("&signature=")
        asked = dict(parse_qsl(payload))
        self._check_signed(payload, signature, asked)

    def _check_signed(self, payload: str, signature: str, asked: Mapping[str, Any]) -> None:
        if signature != hmac.new(SECRET.encode(), payload.encode(), hashlib.sha256).hexdigest():
            raise Wrong(400, -1022, "Signature for this request is not valid.")
        window, at, now = (
            int(asked.get("recvWindow", 5000)), int(asked["timestamp"]), self.now_ns // MS,
        )  # fmt: skip
        if not (now - window <= at < now + 1000):
            raise Wrong(400, -1021, "Timestamp for this request is outside of the recvWindow.")

    def _act(self, route: str, asked: Mapping[str, str]) -> Any:
        acts = {
            "GET /api/v3/time": lambda asked: {"serverTime": self.now_ns // MS},
            "GET /api/v3/exchangeInfo": self._exchange_info,
            "GET /api/v3/klines": self._klines,
            "GET /api/v3/account": self._account,
            "GET /api/v3/myTrades": self._my_trades,
            "GET /api/v3/openOrders": self._open_orders,
            "POST /api/v3/order": self._place,
            "GET /api/v3/order": self._order,
            "DELETE /api/v3/order": self._cancel,
            "GET /sapi/v1/account/apiRestrictions": lambda asked: {
                "enableWithdrawals": self.can_withdraw,
                "enableSpotAndMarginTrading": True,
            },
        }
        if route not in acts:
            raise Wrong(404, -1099, "Not found, authenticated, or authorized.")
        try:
            return acts[route](asked)
        except Refusal as refusal:
            code = {UNKNOWN_ORDER: -2013, DUPLICATE: -2010, ENDED: -2011}.get(refusal.code, -1013)
            raise Wrong(400, code, str(refusal)) from refusal

    def _name(self, asked: Mapping[str, str]) -> str:
        if asked.get("symbol") not in self._names:
            raise Wrong(400, -1121, "Invalid symbol.")
        return self._names[asked["symbol"]]

    def _exchange_info(self, asked: Mapping[str, str]) -> Any:
        return {
            "timezone": "UTC",
            "serverTime": self.now_ns // MS,
            "rateLimits": [],
            "symbols": [self._listed(theirs, ours) for theirs, ours in self._names.items()],
        }

    def _listed(self, theirs: str, ours: str) -> Any:
        base, quote = ours.split("/")
        return {
            "symbol": theirs,
            "status": "TRADING",
            "baseAsset": base,
            "quoteAsset": quote,
            "filters": [
                {"filterType": "PRICE_FILTER", "minPrice": "0.01000000", "tickSize": "0.01000000"},
                {"filterType": "LOT_SIZE", "minQty": "0.00001000", "stepSize": "0.00001000"},
                {"filterType": "NOTIONAL", "minNotional": _text(self.min_notional)},
            ],
        }

    def _klines(self, asked: Mapping[str, str]) -> Any:
        name, length = self._name(asked), interval_ns(asked["interval"])
        start, end = int(asked["startTime"]) * MS, int(asked["endTime"]) * MS + 1
        bars = self._load(name, start, min(end, self.now_ns))
        rows = zip(
            *(getattr(bars, field).tolist() for field in BarColumns.__struct_fields__), strict=True
        )
        told = [
            [at // MS, *(f"{value:.8f}" for value in row), (at + length) // MS - 1, "0", 4, "0"]
            for at, *row in rows
        ]
        return told[: int(asked.get("limit", 500))]

    def _account(self, asked: Mapping[str, str]) -> Any:
        held = {name.split("/")[0]: units for name, units in self.books.positions.items()}
        locked = self._locked()
        return {
            "commissionRates": {"maker": "0.00100000", "taker": "0.00100000"},
            "balances": [
                {
                    "asset": asset,
                    "free": _text(units - locked.get(asset, 0)),
                    "locked": _text(locked.get(asset, 0)),
                }
                for asset, units in (held | self.books.cash).items()
            ],
        }

    def _locked(self) -> dict[str, int]:
        """What resting orders hold back."""
        locked: dict[str, int] = {}
        for entry in self.books.live.values():
            order = entry.order
            rest, (base, quote) = order.units - order.filled_units, order.symbol.split("/")
            asset, units = base, -rest
            if rest > 0:
                asset, units = quote, amount_units(rest, order.limit or order.stop or 0.0)
            locked[asset] = locked.get(asset, 0) + units
        return locked

    def _my_trades(self, asked: Mapping[str, str]) -> Any:
        name, first = self._name(asked), int(asked.get("fromId", 0))
        found = [
            _trade(one, entry)
            for one in self.books.executions
            if one.symbol == name and _number(one.execution_id) >= first
            for entry in self.books.entries.values()
            if entry.venue_id == one.venue_id
        ]
        return found[: int(asked.get("limit", 500))]

    def _open_orders(self, asked: Mapping[str, str]) -> Any:
        return [self._told(one) for one in self.venue.open_orders(self.now_ns)]

    def _place(self, asked: Mapping[str, str]) -> Any:
        name, kind = self._name(asked), asked.get("type", "")
        if kind not in KINDS:
            raise Wrong(400, -1116, "Invalid orderType.")
        units = to_units(asked["quantity"]) * (1 if asked["side"] == "BUY" else -1)
        limit, stop = (float(asked[one]) if one in asked else None for one in PRICES)
        if limit is not None and "timeInForce" not in asked:
            raise Wrong(400, -1102, "Mandatory parameter 'timeInForce' was not sent.")
        if abs(units) % 1_000:
            raise Wrong(400, -1013, "Filter failure: LOT_SIZE")
        price = limit or stop or self._last(name)
        if amount_units(abs(units), price) < self.min_notional:
            raise Wrong(400, -1013, "Filter failure: NOTIONAL")
        self._check_balance(name, units, price)
        tif = {"IOC": "ioc"}.get(asked.get("timeInForce", ""), "gtc")
        order = VenueOrder(
            client_id=asked["newClientOrderId"], symbol=name, kind=KINDS[kind], tif=tif,
            terms=Terms(units, limit, stop, None, None),
        )  # fmt: skip
        return self._told(self.venue.place(order, self.now_ns), transactTime=self.now_ns // MS)

    def _check_balance(self, name: str, units: int, price: float) -> None:
        base, quote = name.split("/")
        locked = self._locked()
        free = self.books.held_units(name) - locked.get(base, 0) + units
        if units > 0:
            free = self.books.cash[quote] - locked.get(quote, 0) - amount_units(units, price)
        if free < 0:
            raise Wrong(400, -2010, "Account has insufficient balance for requested action.")

    def _order(self, asked: Mapping[str, str]) -> Any:
        return self._told(self._entry(asked, -2013).report(self.now_ns))

    def _cancel(self, asked: Mapping[str, str]) -> Any:
        entry = self._entry(asked, -2011)
        if not entry.is_working:
            raise Wrong(400, -2011, "Unknown order sent.")
        told = self._told(self.venue.cancel(entry.client_id, self.now_ns))
        return told | {"origClientOrderId": told["clientOrderId"], "clientOrderId": "x" * 22}

    def _entry(self, asked: Mapping[str, str], code: int) -> Entry:
        name = self._name(asked)
        self.venue.open_orders(self.now_ns)  # it lives through what is due
        for entry in reversed(list(self.books.entries.values())):
            is_it = str(_number(entry.venue_id)) == asked.get("orderId")
            is_named = entry.client_id and entry.client_id == asked.get("origClientOrderId")
            if entry.order.symbol == name and (is_it or is_named):
                return entry
        raise Wrong(400, code, "Unknown order sent." if code == -2011 else "Order does not exist.")

    def _told(self, report: VenueReport, **more: Any) -> dict[str, Any]:
        number = _number(report.venue_id)
        entry = next(e for e in self.books.entries.values() if e.venue_id == report.venue_id)
        return {
            "symbol": report.symbol.replace("/", ""),
            "orderId": number,
            "orderListId": -1,
            "clientOrderId": report.client_id or f"web_{number}",
            "price": f"{report.limit or 0:.8f}",
            "origQty": _text(abs(report.units)),
            "executedQty": _text(abs(report.filled_units)),
            "status": STATES[report.state],
            "timeInForce": "IOC" if entry.order.tif == "ioc" else "GTC",
            "type": THEIR_KINDS[report.kind],
            "side": "BUY" if report.units > 0 else "SELL",
            "stopPrice": f"{report.stop or 0:.8f}",
            "updateTime": report.at_ns // MS,
        } | more

    # -- streams ---------------------------------------------------------------------------------

    def _publish(self) -> None:
        """Hand what has happened to all who listen, in Binance's words."""
        for _, item in self.venue.advance(self.now_ns):
            for listener in list(self._listeners):
                for frame in self._frames(item, listener):
                    listener.frames.put(json.dumps(frame))

    def _frames(self, item: Any, listener: "_Listener") -> list[Any]:
        if item is None:
            listener.frames.put(None)
        elif isinstance(item, Execution | VenueReport) and listener.is_user:
            return [{"subscriptionId": 0, "event": event} for event in self._events(item)]
        elif isinstance(item, VenueBar | Tick) and not listener.is_user:
            theirs = item.symbol.replace("/", "")
            told = [
                {"stream": f"{theirs.lower()}@{kind}", "data": data}
                for kind, data in _market(item, theirs)
            ]
            return [one for one in told if one["stream"] in listener.streams]
        return []

    def _events(self, item: Execution | VenueReport) -> list[Any]:
        entry = next(e for e in self.books.entries.values() if e.venue_id == item.venue_id)
        order = entry.order
        event = {
            "e": "executionReport", "E": self.now_ns // MS, "s": order.symbol.replace("/", ""),
            "c": entry.client_id or "web_1", "C": "", "S": "BUY" if order.units > 0 else "SELL",
            "o": THEIR_KINDS[order.kind], "f": "GTC", "q": _text(abs(order.units)),
            "p": f"{order.limit or 0:.8f}", "P": f"{order.stop or 0:.8f}", "r": "NONE",
            "i": _number(entry.venue_id), "X": STATES[order.state], "n": "0", "N": None,
            "z": _text(abs(order.filled_units)), "l": "0", "L": "0", "t": -1,
        }  # fmt: skip
        if isinstance(item, Execution):
            return [event | {
                "x": "TRADE", "l": _text(abs(item.units)), "L": f"{item.price:.8f}", "N": "USDT",
                "t": _number(item.execution_id), "T": item.at_ns // MS,
            }]  # fmt: skip
        if item.state in (FILLED, PARTIAL):
            return []  # it was told with its fill
        if item.state == CANCELED:
            event |= {"C": event["c"], "c": "y" * 22}
        return [event | {"x": STATES[item.state], "T": item.at_ns // MS}]

    def _greet(self, connection: ServerConnection, request: Request) -> None:
        """Before the handshake is answered: from then on nothing is missed."""
        parts = urlsplit(request.path)
        listener = _Listener(parse_qs(parts.query).get("streams", [""])[0].split("/"))
        listener.is_user = parts.path == "/ws-api/v3"
        connection.listener = listener  # type: ignore[attr-defined]
        if not listener.is_user:
            self._join(listener)

    def _listen(self, connection: ServerConnection) -> None:
        listener: _Listener = connection.listener  # type: ignore[attr-defined]
        with suppress(ConnectionClosed, OSError):
            if not listener.is_user or self._subscribe(connection, listener):
                while (frame := listener.frames.get()) is not None:
                    connection.send(frame)
                connection.close(1001, "24 hours")
        with self._lock, suppress(ValueError):
            self._listeners.remove(listener)

    def _join(self, listener: "_Listener") -> None:
        with self._lock:
            self._listeners.append(listener)

    def _subscribe(self, connection: ServerConnection, listener: "_Listener") -> bool:
        asked = json.loads(connection.recv(timeout=5))
        words = dict(asked["params"])
        signature = words.pop("signature", "")
        payload = "&".join(f"{name}={words[name]}" for name in sorted(words))
        answer: dict[str, Any] = {"id": asked["id"], "status": 200, "result": {"subscriptionId": 0}}
        try:
            with self._lock:
                if asked["method"] != "userDataStream.subscribe.signature":
                    raise Wrong(400, -1020, "This operation is not supported.")
                if words["apiKey"] != KEY:
                    raise Wrong(401, -2015, "Invalid API-key, IP, or permissions for action.")
                self._check_signed(payload, signature, words)
        except Wrong as wrong:
            told = {"code": wrong.code, "msg": wrong.message}
            answer = {"id": asked["id"], "status": wrong.status, "error": told}
        if "error" not in answer:
            self._join(listener)
        connection.send(json.dumps(answer))
        return "error" not in answer

    def _load(self, symbol: str, start_ns: int, end_ns: int) -> BarColumns:
        bars = self._bars[symbol]
        first, end = np.searchsorted(bars.start_ns, (start_ns, end_ns))
        return bars.slice(int(first), max(int(first), int(end)))

    def _last(self, name: str) -> float:
        known = self._load(name, 0, self.now_ns)
        return float(known.close[-1] if len(known) else self._bars[name].open[0])


PRICES = ("price", "stopPrice")


class _Listener:
    def __init__(self, streams: Sequence[str]) -> None:
        self.streams = streams
        self.is_user = False
        self.frames: queue.Queue[str | None] = queue.Queue()


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
            status, answer, fault = peer.answer(self.command, parts.path, raw, key)
            if peer.is_closed or (fault is not None and fault.silent):
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("X-MBX-USED-WEIGHT-1M", str(peer.used))
            if status in (418, 429):
                self.send_header("Retry-After", str(fault.retry_after if fault else 7))
            self.send_header("Content-Type", "application/json;charset=UTF-8")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing."""

        do_GET = do_POST = do_DELETE = _do

    return Handler


def _failed(fault: Fault) -> tuple[int, bytes]:
    told = {"code": fault.code, "msg": "It is armed."}
    return fault.status, json.dumps(told).encode() if fault.body is None else fault.body


def _number(name: str) -> int:
    return int(name[1:])


def _text(units: int) -> str:
    return format(from_units(units), "f")


def _trade(one: Execution, entry: Entry) -> dict[str, Any]:
    return {
        "symbol": one.symbol.replace("/", ""),
        "id": _number(one.execution_id),
        "orderId": _number(one.venue_id),
        "price": f"{one.price:.8f}",
        "qty": _text(abs(one.units)),
        "commission": _text(one.fee_units),
        "commissionAsset": "USDT",
        "time": one.at_ns // MS,
        "isBuyer": entry.order.units > 0,
    }


def _market(item: VenueBar | Tick, theirs: str) -> list[tuple[str, dict[str, Any]]]:
    if isinstance(item, Tick):
        at, price = item.at_ns // MS, f"{item.price:.8f}"
        return [("trade", _trade_event(theirs, at, price, item.volume))]
    at, until = item.start_ns // MS, item.start_ns // MS + 60_000
    price = f"{item.close:.8f}"
    bar = {
        "t": at, "T": until - 1, "s": theirs, "i": "1m", "x": True, "n": 4,
        "o": f"{item.open:.8f}", "h": f"{item.high:.8f}", "l": f"{item.low:.8f}", "c": price,
        "v": f"{item.volume:.8f}",
    }  # fmt: skip
    book = {"u": at, "s": theirs, "b": f"{item.close - 0.01:.8f}", "B": "1", "A": "1"}
    return [
        ("trade", _trade_event(theirs, until - 1, price, item.volume)),
        ("bookTicker", book | {"a": f"{item.close + 0.01:.8f}"}),
        ("kline_1m", {"e": "kline", "E": until, "s": theirs, "k": bar | {"x": False}}),
        ("kline_1m", {"e": "kline", "E": until, "s": theirs, "k": bar}),
    ]


def _trade_event(theirs: str, at: int, price: str, volume: float) -> dict[str, Any]:
    return {
        "e": "trade", "E": at, "s": theirs, "t": at, "p": price, "q": f"{volume:.8f}", "T": at,
        "m": True,
    }  # fmt: skip
