"""Orders at the peer: given, asked for, taken back, replaced."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from app.core.money import amount_units, to_units
from app.core.orders import GTC, IOC, Terms
from app.core.venue import VenueOrder, VenueReport, VenueTime
from app.integrations.binance.peer.account import check_balance
from app.integrations.binance.peer.asked import needed, rows_of, whole
from app.integrations.binance.peer.ground import Ground
from app.integrations.binance.peer.words import KINDS, MS, number_of, order_of
from app.integrations.binance.peer.wrong import Wrong
from app.integrations.practice.venue.books import Entry

_PRICES: Final = {  # that a type needs
    "MARKET": (),
    "LIMIT": ("price",),
    "STOP_LOSS": ("stopPrice",),
    "STOP_LOSS_LIMIT": ("price", "stopPrice"),
}
_SIDES: Final = {"BUY": 1, "SELL": -1}
_TIFS: Final = {"GTC": GTC, "IOC": IOC}
_REPLACED: Final = {"cancelOrderId": "orderId", "cancelOrigClientOrderId": "origClientOrderId"}
_LONGEST_NAME: Final = 36


def place(ground: Ground, asked: Mapping[str, str], at: VenueTime) -> Any:
    order = _checked(ground, asked, at)
    before = ground.books.by_client.get(order.client_id)
    if before is not None and not before.is_working:
        del ground.books.by_client[before.client_id]  # the name of what has ended is free again
    told = _told(ground, ground.venue.place(order, at.venue_ns))
    return told | {"transactTime": at.venue_ns // MS}


def test(ground: Ground, asked: Mapping[str, str], at: VenueTime) -> Any:
    """Looked at as an order is, and not given."""
    _checked(ground, asked, at)
    return {}


def order(ground: Ground, asked: Mapping[str, str], at: VenueTime) -> Any:
    return _told(ground, _entry(ground, asked, at, -2013).report(at.venue_ns))


def cancel(ground: Ground, asked: Mapping[str, str], at: VenueTime) -> Any:
    entry = _entry(ground, asked, at, -2011)
    if not entry.is_working:
        raise Wrong(400, -2011, "Unknown order sent.")
    return _canceled(ground, entry, asked.get("newClientOrderId"), at)


def cancel_all(ground: Ground, asked: Mapping[str, str], at: VenueTime) -> Any:
    symbol = ground.symbol(asked)
    ground.venue.open_orders(at.venue_ns)  # it lives through what is due
    found = [one for one in ground.books.live.values() if one.order.symbol == symbol]
    if not found:
        raise Wrong(400, -2011, "Unknown order sent.")
    return [_canceled(ground, entry, None, at) for entry in found]


def cancel_replace(ground: Ground, asked: Mapping[str, str], at: VenueTime) -> Any:
    """A cancel and a new order in one request; -2022 and -2021 tell which of them went wrong."""
    mode, symbol = needed(asked, "cancelReplaceMode"), ground.symbol(asked)
    named = {ours: asked[theirs] for theirs, ours in _REPLACED.items() if theirs in asked}
    told: dict[str, Any] = {"cancelResult": "SUCCESS", "newOrderResult": "NOT_ATTEMPTED",
                            "cancelResponse": None, "newOrderResponse": None}  # fmt: skip
    try:
        told["cancelResponse"] = cancel(ground, {"symbol": symbol.replace("/", ""), **named}, at)
    except Wrong as wrong:
        told |= {"cancelResult": "FAILURE", "cancelResponse": wrong.told()}
        if mode != "ALLOW_FAILURE":
            raise _failed(told) from wrong
    try:
        told["newOrderResponse"] = place(ground, asked, at)
        told["newOrderResult"] = "SUCCESS"
    except Wrong as wrong:
        told |= {"newOrderResult": "FAILURE", "newOrderResponse": wrong.told()}
        raise (_half(told) if told["cancelResult"] == "SUCCESS" else _failed(told)) from wrong
    if told["cancelResult"] != "SUCCESS":
        raise _half(told)
    return told


def _half(told: Mapping[str, Any]) -> Wrong:
    return Wrong(409, -2021, "Order cancel-replace partially failed.", told)


def _failed(told: Mapping[str, Any]) -> Wrong:
    return Wrong(400, -2022, "Order cancel-replace failed.", told)


def open_orders(ground: Ground, asked: Mapping[str, str], at: VenueTime) -> Any:
    symbol = ground.symbol(asked) if "symbol" in asked else None
    reports = ground.venue.open_orders(at.venue_ns)
    return [_told(ground, one) for one in reports if symbol in (None, one.symbol)]


def all_orders(ground: Ground, asked: Mapping[str, str], at: VenueTime) -> Any:
    """The orders of a symbol, from a number on, else the latest."""
    symbol, first, count = ground.symbol(asked), whole(asked, "orderId"), rows_of(asked)
    ground.venue.open_orders(at.venue_ns)
    found = [
        _told(ground, entry.report(at.venue_ns))
        for number, entry in ground.books.entries.items()
        if entry.order.symbol == symbol and (first is None or number >= first)
    ]
    return found[-count:] if first is None else found[:count]


def _checked(ground: Ground, asked: Mapping[str, str], at: VenueTime) -> VenueOrder:
    """An order as Binance takes it; its filters and balances are looked at."""
    symbol = ground.symbol(asked)
    side, kind = needed(asked, "side"), needed(asked, "type")
    if side not in _SIDES:
        raise Wrong(400, -1117, "Invalid side.")
    if kind not in KINDS:
        raise Wrong(400, -1116, "Invalid orderType.")
    units = to_units(_amount(asked, "quantity")) * _SIDES[side]
    prices = {name: float(_amount(asked, name)) for name in _PRICES[kind]}
    for name in ("price", "stopPrice"):
        if name in asked and name not in prices:
            raise Wrong(400, -1106, f"Parameter '{name}' sent when not required.")
    limit, stop = prices.get("price"), prices.get("stopPrice")
    tif = needed(asked, "timeInForce") if limit is not None else "GTC"
    if tif not in _TIFS:
        raise Wrong(400, -1115, "Invalid timeInForce.")
    _check_filters(ground, symbol, units, prices)
    bounds = ground.least_at_market_units, ground.most_at_market_units
    if limit is None and not bounds[0] <= abs(units) <= bounds[1]:
        raise Wrong(400, -1013, "Filter failure: MARKET_LOT_SIZE")
    price = limit or stop or ground.last_price(symbol, at.venue_ns)
    if amount_units(abs(units), price) < ground.min_notional_units:
        raise Wrong(400, -1013, "Filter failure: NOTIONAL")
    check_balance(ground, symbol, units, price)
    if stop is not None:
        _check_stop(ground, symbol, units, stop, at)
    name = asked.get("newClientOrderId") or f"peer{len(ground.books.entries) + 1:018d}"
    if len(name) > _LONGEST_NAME:
        raise Wrong(400, -1100, "Illegal characters found in parameter 'newClientOrderId'.")
    terms = Terms(units, limit, stop, None, None)
    return VenueOrder(client_id=name, symbol=symbol, kind=KINDS[kind], tif=_TIFS[tif], terms=terms)


def _check_filters(ground: Ground, symbol: str, units: int, prices: Mapping[str, float]) -> None:
    sizes = ground.sizes[symbol]
    if not units or units % sizes.lot_units:
        raise Wrong(400, -1013, "Filter failure: LOT_SIZE")
    for price in prices.values():
        if not 0.0 < price < 1e9 or to_units(price) % sizes.tick_units:
            raise Wrong(400, -1013, "Filter failure: PRICE_FILTER")


def _check_stop(ground: Ground, symbol: str, units: int, stop: float, at: VenueTime) -> None:
    """None that would trigger at once is taken."""
    price = ground.last_price(symbol, at.venue_ns)
    if price >= stop if units > 0 else price <= stop:
        raise Wrong(400, -2010, "Stop price would trigger immediately.")


def _amount(asked: Mapping[str, str], name: str) -> Decimal:
    text = needed(asked, name)
    try:
        amount = Decimal(text)
    except InvalidOperation as error:
        raise Wrong(400, -1100, f"Illegal characters found in parameter '{name}'.") from error
    if not amount.is_finite() or not 0 <= amount < 10**10:
        raise Wrong(400, -1100, f"Illegal characters found in parameter '{name}'.")
    if amount.normalize().as_tuple().exponent < -8:  # type: ignore[operator]
        raise Wrong(400, -1111, f"Parameter '{name}' has too much precision.")
    return amount


def _entry(ground: Ground, asked: Mapping[str, str], at: VenueTime, code: int) -> Entry:
    symbol = ground.symbol(asked)
    ground.venue.open_orders(at.venue_ns)  # it lives through what is due
    number, name = whole(asked, "orderId"), asked.get("origClientOrderId")
    if number is None and not name:
        raise Wrong(400, -1102, "Param 'origClientOrderId' or 'orderId' must be sent.")
    books = ground.books
    entry = books.entries.get(number) if number is not None else books.by_client.get(name or "")
    if entry is None or entry.order.symbol != symbol or entry.hidden_until_ns > at.venue_ns:
        message = "Unknown order sent." if code == -2011 else "Order does not exist."
        raise Wrong(400, code, message)
    return entry


def _canceled(ground: Ground, entry: Entry, name: str | None, at: VenueTime) -> dict[str, Any]:
    """One that was given by hand goes by its number."""
    told = _told(ground, ground.venue.cancel_entry(entry, at.venue_ns))
    new_name = name or f"{'x' * 10}{number_of(entry.venue_id):012d}"
    return told | {"origClientOrderId": told["clientOrderId"], "clientOrderId": new_name}


def _told(ground: Ground, report: VenueReport) -> dict[str, Any]:
    return order_of(report, ground.entry(report.venue_id))
