"""Orders at the peer: given, asked for, taken back."""

from collections.abc import Mapping
from typing import Any, Final

from app.core.money import amount_units, to_units
from app.core.orders import GTC, IOC, Terms
from app.core.venue import VenueOrder, VenueReport, VenueTime
from app.integrations.binance.peer.account import check_balance
from app.integrations.binance.peer.ground import Ground
from app.integrations.binance.peer.words import KINDS, MS, number_of, order_of
from app.integrations.binance.peer.wrong import Wrong
from app.integrations.practice.venue.books import Entry

_PRICES: Final = ("price", "stopPrice")


def place(ground: Ground, asked: Mapping[str, str], at: VenueTime) -> Any:
    symbol, kind = ground.symbol(asked), asked.get("type", "")
    if kind not in KINDS:
        raise Wrong(400, -1116, "Invalid orderType.")
    units = to_units(asked["quantity"]) * (1 if asked["side"] == "BUY" else -1)
    limit, stop = (float(asked[one]) if one in asked else None for one in _PRICES)
    if limit is not None and "timeInForce" not in asked:
        raise Wrong(400, -1102, "Mandatory parameter 'timeInForce' was not sent.")
    if abs(units) % ground.sizes[symbol].lot_units:
        raise Wrong(400, -1013, "Filter failure: LOT_SIZE")
    price = limit or stop or ground.last_price(symbol, at.venue_ns)
    if amount_units(abs(units), price) < ground.min_notional_units:
        raise Wrong(400, -1013, "Filter failure: NOTIONAL")
    check_balance(ground, symbol, units, price)
    before = ground.books.by_client.get(asked["newClientOrderId"])
    if before is not None and not before.is_working:
        del ground.books.by_client[before.client_id]  # the name of what has ended is free again
    order = VenueOrder(
        client_id=asked["newClientOrderId"],
        symbol=symbol,
        kind=KINDS[kind],
        tif=IOC if asked.get("timeInForce") == "IOC" else GTC,
        terms=Terms(units, limit, stop, None, None),
    )
    return _told(ground, ground.venue.place(order, at.venue_ns)) | {
        "transactTime": at.venue_ns // MS
    }


def order(ground: Ground, asked: Mapping[str, str], at: VenueTime) -> Any:
    return _told(ground, _entry(ground, asked, at, -2013).report(at.venue_ns))


def cancel(ground: Ground, asked: Mapping[str, str], at: VenueTime) -> Any:
    entry = _entry(ground, asked, at, -2011)
    if not entry.is_working:
        raise Wrong(400, -2011, "Unknown order sent.")
    told = _told(ground, ground.venue.cancel(entry.client_id, at.venue_ns))
    return told | {"origClientOrderId": told["clientOrderId"], "clientOrderId": "x" * 22}


def open_orders(ground: Ground, asked: Mapping[str, str], at: VenueTime) -> Any:
    return [_told(ground, one) for one in ground.venue.open_orders(at.venue_ns)]


def _entry(ground: Ground, asked: Mapping[str, str], at: VenueTime, code: int) -> Entry:
    symbol = ground.symbol(asked)
    ground.venue.open_orders(at.venue_ns)  # it lives through what is due
    for entry in reversed(list(ground.books.entries.values())):
        is_it = str(number_of(entry.venue_id)) == asked.get("orderId")
        is_named = entry.client_id and entry.client_id == asked.get("origClientOrderId")
        is_shown = entry.order.symbol == symbol and entry.hidden_until_ns <= at.venue_ns
        if is_shown and (is_it or is_named):
            return entry
    raise Wrong(400, code, "Unknown order sent." if code == -2011 else "Order does not exist.")


def _told(ground: Ground, report: VenueReport) -> dict[str, Any]:
    return order_of(report, ground.entry(report.venue_id))
