"""What requests weigh, and how much may be asked for in a minute: counted as Binance counts."""

from collections.abc import Mapping
from typing import Final

from app.core.intervals import DAY_NS, MINUTE_NS, SECOND_NS
from app.integrations.binance.peer.wrong import Wrong
from app.integrations.binance.wire import MILLISECOND_NS

USED_HEADER: Final = "X-MBX-USED-WEIGHT-1M"
LIMIT: Final = 6_000  # of weight in a minute
ORDERS_10S, ORDERS_1D = 100, 200_000
_PATIENCE: Final = 20  # times that somebody is turned away in a minute before a ban
_BAN_NS: Final = 2 * MINUTE_NS
_ORDER_SPAN_NS: Final = 10 * SECOND_NS
_WEIGHTS: Final[Mapping[str, int]] = {
    "GET /api/v3/exchangeInfo": 20,
    "GET /api/v3/account": 20,
    "GET /api/v3/myTrades": 20,
    "GET /api/v3/klines": 2,
    "GET /api/v3/order": 4,
    "GET /api/v3/allOrders": 20,
    "GET /api/v3/trades": 25,
    "GET /api/v3/aggTrades": 4,
}


def weight_of(route: str, asked: Mapping[str, str]) -> int:
    """What one request weighs, by its parameters."""
    if route == "GET /api/v3/openOrders":
        return 6 if "symbol" in asked else 80
    if route == "GET /api/v3/myTrades" and "orderId" in asked:
        return 5
    if route.startswith("GET /api/v3/ticker/"):
        return 2 if "symbol" in asked else 4
    return _WEIGHTS.get(route, 1)


class Weights:
    """The counts of one address, by the peer's own clock."""

    def __init__(self) -> None:
        self.limit = LIMIT
        self.used, self.minute = 0, 0
        self._turned_away, self._banned_until_ns = 0, 0
        self._orders: dict[str, tuple[int, int]] = {}  # by span: which one it is, and its count

    def add(self, weight: int, now_ns: int) -> None:
        """Count a request; refused where the minute's weight is used up."""
        if now_ns < self._banned_until_ns:
            raise self._banned()
        if now_ns // MINUTE_NS != self.minute:
            self.minute, self.used, self._turned_away = now_ns // MINUTE_NS, 0, 0
        self.used += weight
        if self.used > self.limit:
            self._turned_away += 1
            if self._turned_away > _PATIENCE:
                self._banned_until_ns = now_ns + _BAN_NS
                raise self._banned()
            raise Wrong(
                429, -1003,
                f"Too much request weight used; current limit is {self.limit} request weight per"
                " 1 MINUTE. Please use WebSocket Streams for live updates to avoid polling the"
                " API.",
            )  # fmt: skip

    def _banned(self) -> Wrong:
        until = self._banned_until_ns // MILLISECOND_NS
        return Wrong(418, -1003, f"Way too much request weight used; IP banned until {until}.")

    def add_order(self, now_ns: int) -> None:
        """Count a new order; refused where there were too many."""
        for name, span_ns, most in (("10S", _ORDER_SPAN_NS, ORDERS_10S), ("1D", DAY_NS, ORDERS_1D)):
            span, count = self._orders.get(name, (0, 0))
            count = count + 1 if span == now_ns // span_ns else 1
            self._orders[name] = (now_ns // span_ns, count)
            if count > most:
                raise Wrong(429, -1015, f"Too many new orders; current limit is {most} per {name}.")

    def seconds_to_wait(self, now_ns: int) -> int:
        """Until a ban ends, or the next minute's count begins."""
        until_ns = max(self._banned_until_ns, (now_ns // MINUTE_NS + 1) * MINUTE_NS)
        return -(-(until_ns - now_ns) // SECOND_NS)

    def headers(self, *, of_order: bool = False) -> dict[str, str]:
        """What every answer tells of them; of an order, how many there were too."""
        told = {USED_HEADER: str(self.used)}
        if of_order:
            for name, (_, count) in self._orders.items():
                told[f"X-MBX-ORDER-COUNT-{name}"] = str(count)
        return told


def limits(weight: int) -> list[dict[str, str | int]]:
    """As `exchangeInfo` tells them."""
    rows = (
        ("REQUEST_WEIGHT", "MINUTE", 1, weight),
        ("ORDERS", "SECOND", 10, ORDERS_10S),
        ("ORDERS", "DAY", 1, ORDERS_1D),
    )
    return [
        {"rateLimitType": kind, "interval": unit, "intervalNum": number, "limit": limit}
        for kind, unit, number, limit in rows
    ]
