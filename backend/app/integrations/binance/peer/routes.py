"""The peer's REST: a request in, a status, a body and headers out."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

from app.core.venue import VenueTime
from app.integrations.binance.peer import account, market, orders
from app.integrations.binance.peer.faults import Mishap
from app.integrations.binance.peer.ground import Ground
from app.integrations.binance.peer.signatures import Account, check_rest
from app.integrations.binance.peer.weights import weight_of
from app.integrations.binance.peer.wrong import Wrong
from app.integrations.practice.venue.checks import Refusal
from app.integrations.practice.wire import DUPLICATE, ENDED, UNKNOWN_ORDER

Act = Callable[[Ground, Mapping[str, str], VenueTime], Any]

PLACE: Final = "POST /api/v3/order"
_ACTS: Final[Mapping[str, Act]] = {
    "GET /api/v3/ping": lambda ground, asked, at: {},
    "GET /api/v3/time": market.time,
    "GET /api/v3/exchangeInfo": market.exchange_info,
    "GET /api/v3/klines": market.klines,
    "GET /api/v3/account": account.account,
    "GET /api/v3/myTrades": account.my_trades,
    "GET /api/v3/openOrders": orders.open_orders,
    PLACE: orders.place,
    "GET /api/v3/order": orders.order,
    "DELETE /api/v3/order": orders.cancel,
    "GET /sapi/v1/account/apiRestrictions": account.restrictions,
}
_SIGNED: Final = ("/api/v3/order", "/api/v3/openOrders", "/api/v3/account", "/api/v3/myTrades")
_CODES: Final = {UNKNOWN_ORDER: -2013, DUPLICATE: -2010, ENDED: -2011}


class Told(NamedTuple):
    """An answer; with `silent` the connection ends instead."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    silent: bool = False


class Routes:
    """Serves one account."""

    def __init__(self, ground: Ground, whose: Account) -> None:
        self.weights = ground.weights
        self.mishaps: list[Mishap] = []
        self.asked: list[str] = []
        self._ground = ground
        self._account = whose

    def answer(self, method: str, path: str, raw: str, key: str, at: VenueTime) -> Told:
        """Serve a request; `raw` is its query and its body, as they were sent."""
        route = f"{method} {path}"
        self.asked.append(route)
        mishap = next((one for one in self.mishaps if one.route == route), None)
        if mishap is not None:
            self.mishaps.remove(mishap)
            if not mishap.after:
                return self._failed(mishap)
        try:
            body = self._served(route, raw, key, at)
        except Wrong as wrong:
            return self._wrong(wrong, at.venue_ns)
        if mishap is not None:
            return self._failed(mishap)
        return Told(200, _bytes(body), self.weights.headers(of_order=route == PLACE))

    def _served(self, route: str, raw: str, key: str, at: VenueTime) -> Any:
        asked = dict(parse_qsl(raw))
        self.weights.add(weight_of(route, asked), at.venue_ns)
        if route not in _ACTS:
            raise Wrong(404, -1099, "Not found, authenticated, or authorized.")
        path = route.partition(" ")[2]
        if path in _SIGNED or path.startswith("/sapi"):
            check_rest(self._account, raw, key, at)
        if route == PLACE:
            self.weights.add_order(at.venue_ns)
        try:
            return _ACTS[route](self._ground, asked, at)
        except Refusal as refusal:
            raise Wrong(400, _CODES.get(refusal.code, -1013), str(refusal)) from refusal

    def _wrong(self, wrong: Wrong, now_ns: int) -> Told:
        headers = self.weights.headers()
        if wrong.status == 429:
            headers["Retry-After"] = str(self.weights.seconds_to_wait(now_ns))
        return Told(wrong.status, _bytes(wrong.told()), headers)

    def _failed(self, mishap: Mishap) -> Told:
        headers = self.weights.headers()
        if mishap.status in (418, 429):
            headers["Retry-After"] = str(mishap.retry_after)
        return Told(mishap.status, mishap.told(), headers, mishap.silent)


def _bytes(told: Any) -> bytes:
    return json.dumps(told).encode()
