"""Binance's words and ours: symbols, amounts, orders, trades and bars."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

import numpy as np

from app.core.bars import BarColumns
from app.core.money import from_units, to_units
from app.core.orders import (
    ACCEPTED,
    CANCEL_PENDING,
    CANCELED,
    EXPIRED,
    FILLED,
    GTC,
    IOC,
    LIMIT,
    MARKET,
    PARTIAL,
    REJECTED,
    STOP,
    STOP_LIMIT,
)
from app.core.venue import Execution, VenueOrder, VenueRefused, VenueReport

MILLISECOND_NS: Final = 1_000_000
KINDS: Final = {
    MARKET: "MARKET",
    LIMIT: "LIMIT",
    STOP: "STOP_LOSS",
    STOP_LIMIT: "STOP_LOSS_LIMIT",
}
_OUR_KINDS: Final = {theirs: ours for ours, theirs in KINDS.items()} | {"LIMIT_MAKER": LIMIT}
TIFS: Final = {GTC: "GTC", IOC: "IOC"}
STATES: Final = {
    "NEW": ACCEPTED,
    "PENDING_NEW": ACCEPTED,
    "PARTIALLY_FILLED": PARTIAL,
    "FILLED": FILLED,
    "CANCELED": CANCELED,
    "PENDING_CANCEL": CANCEL_PENDING,
    "REJECTED": REJECTED,
    "EXPIRED": EXPIRED,
    "EXPIRED_IN_MATCH": EXPIRED,
}
# Ids that Binance and its own faces give to orders; ours have a hyphen and no such beginning.
_FOREIGN_ID: Final = re.compile(r"(web_|ios_|android_|electron_|x-).*|[A-Za-z0-9]{22}")
_OUR_ID: Final = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")


class Filters(NamedTuple):
    """What a symbol's orders must respect."""

    symbol: str
    base: str
    quote: str
    tick: Decimal
    lot: Decimal
    min_notional: Decimal
    most: Decimal  # of one order at market; 0: no bound
    least: Decimal  # of any order


def their_symbol(symbol: str) -> str:
    """`BTC/USDT` as `BTCUSDT`."""
    base, slash, quote = symbol.partition("/")
    if not (slash and base.isalnum() and quote.isalnum()) or symbol != symbol.upper():
        raise VenueRefused(f"'{symbol}' is no symbol of Binance; write it as BTC/USDT.")
    return base + quote


def filters_of(told: Mapping[str, Any]) -> Filters:
    """One symbol of `exchangeInfo`."""
    by_kind = {one["filterType"]: one for one in told["filters"]}
    sizes = [by_kind[name] for name in ("LOT_SIZE", "MARKET_LOT_SIZE") if name in by_kind]
    bounds = [_size(one["maxQty"]) for one in sizes]
    notional = by_kind.get("NOTIONAL") or by_kind.get("MIN_NOTIONAL") or {"minNotional": "0"}
    return Filters(
        f"{told['baseAsset']}/{told['quoteAsset']}",
        told["baseAsset"],
        told["quoteAsset"],
        _size(by_kind["PRICE_FILTER"]["tickSize"]),
        _size(by_kind["LOT_SIZE"]["stepSize"]),
        _size(notional["minNotional"]),
        min((most for most in bounds if most), default=Decimal(0)),
        max(_size(one["minQty"]) for one in sizes),
    )


def _size(told: str) -> Decimal:
    """Of so many digits as the books have: 1E-999999999 would be text of a gigabyte."""
    return from_units(to_units(told))


def order_words(order: VenueOrder) -> dict[str, str]:
    """An order as `POST /api/v3/order` takes it; what Binance has not is refused here."""
    terms, kind = order.terms, order.kind
    if kind not in KINDS:
        raise VenueRefused(f"Binance has no {kind} orders; it has {', '.join(KINDS)}.")
    if not _OUR_ID.fullmatch(order.client_id):
        raise VenueRefused(f"'{order.client_id}' is no client id that Binance takes.")
    if order.reduce_only and terms.units > 0:
        raise VenueRefused("A spot account is never short: a buy can reduce nothing there.")
    words = {
        "symbol": their_symbol(order.symbol),
        "side": "BUY" if terms.units > 0 else "SELL",
        "type": KINDS[kind],
        "quantity": amount_text(abs(terms.units)),
        "newClientOrderId": order.client_id,
        "newOrderRespType": "RESULT",
    }
    if kind in (LIMIT, STOP_LIMIT):
        words |= {"price": price_text(terms.limit), "timeInForce": _tif(order)}
    elif kind == STOP and order.tif != GTC:
        raise VenueRefused(_no_day(order))
    if kind in (STOP, STOP_LIMIT):
        words["stopPrice"] = price_text(terms.stop)
    return words


def _tif(order: VenueOrder) -> str:
    if order.tif not in TIFS:
        raise VenueRefused(_no_day(order))
    return TIFS[order.tif]


def _no_day(order: VenueOrder) -> str:
    fits = "gtc" if order.kind == STOP else "gtc or ioc"
    return f"Binance has no {order.kind} order with the tif {order.tif}; give it {fits}."


def amount_text(units: int) -> str:
    """A quantity in digits alone, never as 1E-8."""
    return format(from_units(units), "f")


def price_text(price: float | None) -> str:
    if price is None:
        raise VenueRefused("The order's price is missing.")
    return format(Decimal(repr(float(price))), "f").removesuffix(".0")


def time_ns(milliseconds: Any) -> int:
    return int(milliseconds) * MILLISECOND_NS


def our_id(told: str) -> str:
    """A client id; "" for one that was not given through this program."""
    return "" if _FOREIGN_ID.fullmatch(told) else told


def report_of(told: Mapping[str, Any], symbol: str, at_ns: int) -> VenueReport:
    """What REST tells about an order; why it was rejected, it does not say."""
    name = told.get("origClientOrderId") or told["clientOrderId"]
    reason = "Binance rejected it" if told["status"] == "REJECTED" else ""
    return _report(
        name, told["orderId"], symbol, told["status"], told["type"], told["side"],
        told["origQty"], told["executedQty"], told["price"], told.get("stopPrice", "0"), at_ns,
        reason,
    )  # fmt: skip


def report_of_event(told: Mapping[str, Any], symbol: str) -> VenueReport:
    """What an `executionReport` of the user stream tells about its order."""
    reason = told["r"] if told["r"] not in ("NONE", "") else ""
    return _report(
        told["C"] or told["c"], told["i"], symbol, told["X"], told["o"], told["S"],
        told["q"], told["z"], told["p"], told["P"], time_ns(told["E"]), reason,
    )  # fmt: skip


def _report(
    name: str,
    venue_id: Any,
    symbol: str,
    state: str,
    kind: str,
    side: str,
    asked: str,
    filled: str,
    limit: str,
    stop: str,
    at_ns: int,
    reason: str = "",
) -> VenueReport:
    sign = 1 if side == "BUY" else -1
    return VenueReport(
        client_id=our_id(name),
        venue_id=str(venue_id),
        symbol=symbol,
        state=STATES[state],
        units=sign * to_units(asked),
        filled_units=sign * to_units(filled),
        kind=_OUR_KINDS.get(kind, kind.lower()),
        at_ns=at_ns,
        limit=float(limit) or None,
        stop=float(stop) or None,
        reason=reason,
    )


def execution_of(told: Mapping[str, Any], filters: Filters, client_id: str) -> Execution:
    """A trade of `myTrades`."""
    sign = 1 if told["isBuyer"] else -1
    return Execution(
        execution_id=f"{filters.symbol}/{told['id']}",  # Binance counts a symbol's trades
        client_id=client_id,
        venue_id=str(told["orderId"]),
        symbol=filters.symbol,
        units=sign * to_units(told["qty"]),
        price=float(told["price"]),
        fee_units=to_units(told["commission"]),
        at_ns=time_ns(told["time"]),
        fee_currency=_fee_currency(told["commissionAsset"], filters),
    )


def execution_of_event(told: Mapping[str, Any], filters: Filters) -> Execution:
    """A fill as the user stream tells it."""
    sign = 1 if told["S"] == "BUY" else -1
    return Execution(
        execution_id=f"{filters.symbol}/{told['t']}",
        client_id=our_id(told["C"] or told["c"]),
        venue_id=str(told["i"]),
        symbol=filters.symbol,
        units=sign * to_units(told["l"]),
        price=float(told["L"]),
        fee_units=to_units(told["n"] or "0"),
        at_ns=time_ns(told["T"]),
        fee_currency=_fee_currency(told["N"] or "", filters),
    )


def _fee_currency(asset: str, filters: Filters) -> str:
    return "" if asset == filters.quote else asset


def bars_of(rows: Sequence[Sequence[Any]]) -> BarColumns:
    """Rows of `klines`."""
    starts = np.array([time_ns(row[0]) for row in rows], np.int64)
    columns = [np.array([float(row[i]) for row in rows], np.float64) for i in range(1, 6)]
    return BarColumns(starts, *columns)
