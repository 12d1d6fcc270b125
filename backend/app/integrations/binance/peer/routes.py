"""The peer's REST: what is asked by which path, who has to sign, and what turns it down."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

from app.core.venue import VenueTime
from app.integrations.binance.peer import account, market, orders
from app.integrations.binance.peer.faults import Faults
from app.integrations.binance.peer.ground import Ground
from app.integrations.binance.peer.signatures import Account, check_rest
from app.integrations.binance.peer.weights import weight_of
from app.integrations.binance.peer.wrong import Wrong, answer_of
from app.integrations.practice.venue.checks import Refusal
from app.integrations.practice.venue.exchange import Answer, Request
from app.integrations.practice.wire import DUPLICATE, ENDED, UNKNOWN_ORDER

Act = Callable[[Ground, Mapping[str, str], VenueTime], Any]


class Route(NamedTuple):
    """What is done, the name that faults have for it, and whether it must be signed."""

    act: Act
    name: str
    is_signed: bool = False


PLACE, TEST = "POST /api/v3/order", "POST /api/v3/order/test"
REPLACE: Final = "POST /api/v3/order/cancelReplace"
ROUTES: Final[Mapping[str, Route]] = {
    "GET /api/v3/ping": Route(market.ping, "time"),
    "GET /api/v3/time": Route(market.time, "time"),
    "GET /api/v3/exchangeInfo": Route(market.exchange_info, "about"),
    "GET /api/v3/klines": Route(market.klines, "bars"),
    "GET /api/v3/trades": Route(market.trades, "bars"),
    "GET /api/v3/aggTrades": Route(market.agg_trades, "bars"),
    "GET /api/v3/ticker/price": Route(market.price, "bars"),
    "GET /api/v3/ticker/bookTicker": Route(market.best, "bars"),
    "GET /api/v3/account": Route(account.account, "cash", True),
    "GET /api/v3/myTrades": Route(account.my_trades, "executions", True),
    "GET /api/v3/openOrders": Route(orders.open_orders, "open_orders", True),
    PLACE: Route(orders.place, "place", True),
    "GET /api/v3/order": Route(orders.order, "order", True),
    "DELETE /api/v3/order": Route(orders.cancel, "cancel", True),
    "DELETE /api/v3/openOrders": Route(orders.cancel_all, "cancel", True),
    "GET /api/v3/allOrders": Route(orders.all_orders, "order", True),
    TEST: Route(orders.test, "place", True),
    REPLACE: Route(orders.cancel_replace, "amend", True),
    "GET /sapi/v1/account/apiRestrictions": Route(account.restrictions, "about", True),
}
_CODES: Final = {UNKNOWN_ORDER: -2013, DUPLICATE: -2010, ENDED: -2011}


class Routes:
    """Serves one account."""

    def __init__(self, ground: Ground, whose: Account) -> None:
        self.weights = ground.weights
        self.faults = Faults(ground.venue.menu, self.weights)
        self._ground = ground
        self._account = whose

    def answer(self, request: Request, at: VenueTime) -> Answer:
        """Serve a request at a moment."""
        route = f"{request.method} {request.path}"
        name = ROUTES[route].name if route in ROUTES else ""
        before = self.faults.before(name, at)
        if before is not None:
            return before
        return self.faults.after(name, self._answered(route, request, at))

    def _answered(self, route: str, request: Request, at: VenueTime) -> Answer:
        try:
            told = self._served(route, request, at)
        except Wrong as wrong:
            headers = self.weights.headers()
            if wrong.status in (418, 429):
                headers["Retry-After"] = str(self.weights.seconds_to_wait(at.venue_ns))
            return answer_of(wrong, headers)
        return Answer(200, json.dumps(told).encode(), headers=self._headers(route))

    def _headers(self, route: str) -> dict[str, str]:
        return self.weights.headers(of_order=route in (PLACE, REPLACE))

    def _served(self, route: str, request: Request, at: VenueTime) -> Any:
        raw = request.raw_query + request.body.decode(errors="replace")
        asked = dict(parse_qsl(raw))
        self.weights.add(weight_of(route, asked), at.venue_ns)
        if route not in ROUTES:
            raise Wrong(404, -1099, "Not found, authenticated, or authorized.")
        if ROUTES[route].is_signed:
            check_rest(self._account, raw, request.headers.get("x-mbx-apikey", ""), at)
        if route in (PLACE, REPLACE):
            self.weights.add_order(at.venue_ns)
        try:
            return ROUTES[route].act(self._ground, asked, at)
        except Refusal as refusal:
            raise Wrong(400, _CODES.get(refusal.code, -1013), str(refusal)) from refusal
