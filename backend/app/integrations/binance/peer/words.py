"""Binance's words for the account: orders, trades, the events of the user stream."""

from collections.abc import Mapping
from typing import Any, Final

from app.core.money import amount_units, from_units
from app.core.orders import (
    ACCEPTED,
    CANCELED,
    EXPIRED,
    FILLED,
    IOC,
    LIMIT,
    MARKET,
    PARTIAL,
    REJECTED,
    STOP,
    STOP_LIMIT,
)
from app.core.venue import Execution, VenueReport
from app.integrations.practice.venue.books import CoinFee, Entry

MS: Final = 1_000_000  # nanoseconds
STATES: Final = {
    ACCEPTED: "NEW",
    PARTIAL: "PARTIALLY_FILLED",
    FILLED: "FILLED",
    CANCELED: "CANCELED",
    EXPIRED: "EXPIRED",
    REJECTED: "REJECTED",
}
KINDS: Final = {"MARKET": MARKET, "LIMIT": LIMIT, "STOP_LOSS": STOP, "STOP_LOSS_LIMIT": STOP_LIMIT}
_THEIR_KINDS: Final = {ours: theirs for theirs, ours in KINDS.items()}


def number_of(name: str) -> int:
    """`V12` as 12: Binance's ids are numbers."""
    return int(name[1:])


def text(units: int) -> str:
    return format(from_units(units), "f")


def price_text(price: float | None) -> str:
    return f"{price or 0:.8f}"


def symbol_text(symbol: str) -> str:
    return symbol.replace("/", "")


def name_of(entry: Entry) -> str:
    """Its client id; one given by hand has one of the web page's."""
    return entry.client_id or f"web_{number_of(entry.venue_id)}"


def order_of(report: VenueReport, entry: Entry) -> dict[str, Any]:
    """What REST tells of an order."""
    return {
        "symbol": symbol_text(report.symbol),
        "orderId": number_of(report.venue_id),
        "orderListId": -1,
        "clientOrderId": name_of(entry),
        "price": price_text(report.limit),
        "origQty": text(abs(report.units)),
        "executedQty": text(abs(report.filled_units)),
        "status": STATES[report.state],
        "timeInForce": _tif(entry),
        "type": _THEIR_KINDS[report.kind],
        "side": _side(report.units),
        "stopPrice": price_text(report.stop),
        "updateTime": report.at_ns // MS,
    }


def trade_of(one: Execution, fee: CoinFee | None, entry: Entry) -> dict[str, Any]:
    """A row of `myTrades`."""
    return {
        "symbol": symbol_text(one.symbol),
        "id": number_of(one.execution_id),
        "orderId": number_of(one.venue_id),
        "price": price_text(one.price),
        "qty": text(abs(one.units)),
        "quoteQty": text(abs(amount_units(one.units, one.price))),
        "commission": text(fee.units if fee else 0),
        "commissionAsset": _asset(fee, one.symbol),
        "time": one.at_ns // MS,
        "isBuyer": entry.order.units > 0,
        "isMaker": fee is not None and fee.is_maker,
        "isBestMatch": True,
    }


def events_of(
    item: Execution | VenueReport, fee: CoinFee | None, entry: Entry, filled_units: int, now_ns: int
) -> list[dict[str, Any]]:
    """The `executionReport`s that one change of an order brings; so much had filled by then."""
    order, name = entry.order, name_of(entry)
    is_latest = filled_units == order.filled_units
    event = {
        "e": "executionReport", "E": now_ns // MS, "s": symbol_text(order.symbol), "c": name,
        "C": "", "S": _side(order.units), "o": _THEIR_KINDS[order.kind], "f": _tif(entry),
        "q": text(abs(order.units)), "p": price_text(order.limit), "P": price_text(order.stop),
        "r": "NONE", "i": number_of(entry.venue_id), "n": "0", "N": None,
        "X": STATES[order.state if is_latest else PARTIAL], "z": text(abs(filled_units)),
        "l": "0", "L": "0", "t": -1,
    }  # fmt: skip
    if isinstance(item, Execution):
        return [event | {
            "x": "TRADE", "l": text(abs(item.units)), "L": price_text(item.price),
            "N": _asset(fee, item.symbol), "n": text(fee.units if fee else 0),
            "t": number_of(item.execution_id), "T": item.at_ns // MS,
            "m": fee is not None and fee.is_maker,
        }]  # fmt: skip
    if item.state in (FILLED, PARTIAL):
        return []  # it was told with its fill
    if item.state == CANCELED:
        event |= {"C": name, "c": "y" * 22}
    return [event | {"x": STATES[item.state], "T": item.at_ns // MS}]


def _asset(fee: CoinFee | None, symbol: str) -> str:
    return symbol.partition("/")[2] if fee is None else fee.asset


def _tif(entry: Entry) -> str:
    return "IOC" if entry.order.tif == IOC else "GTC"


def _side(units: int) -> str:
    return "BUY" if units > 0 else "SELL"


def account_position(balances: Mapping[str, tuple[int, int]], now_ns: int) -> dict[str, Any]:
    """What is free and locked of coins, after a change."""
    at = now_ns // MS
    rows = [
        {"a": asset, "f": text(free), "l": text(locked)}
        for asset, (free, locked) in balances.items()
    ]
    return {"e": "outboundAccountPosition", "E": at, "u": at, "B": rows}


def balance_update(asset: str, units: int, now_ns: int) -> dict[str, Any]:
    """What came or went other than by trading."""
    at = now_ns // MS
    return {"e": "balanceUpdate", "E": at, "a": asset, "d": text(units), "T": at}
