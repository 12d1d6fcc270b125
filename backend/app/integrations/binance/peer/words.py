"""Binance's words for what the practice venue tells: orders, trades, events and bars."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from typing import Any, Final

from app.core.bars import BarColumns
from app.core.intervals import MINUTE_NS
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
from app.core.venue import Execution, Tick, VenueBar, VenueReport
from app.integrations.practice.venue.books import CoinFee, Entry
from app.integrations.practice.venue.checks import Sizes

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
_TRADES_AT_MS: Final = (0, 20_000, 40_000, 59_000)  # within a minute
_TRADES_OF_A_BAR: Final = len(_TRADES_AT_MS)
_CENT: Final = 0.01  # half of the spread that is told


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


def klines_of(bars: BarColumns, length_ns: int) -> list[list[Any]]:
    """Rows of `klines`."""
    names = BarColumns.__struct_fields__
    rows = zip(*(getattr(bars, name).tolist() for name in names), strict=True)
    return [
        [
            at // MS, *(price_text(value) for value in row), (at + length_ns) // MS - 1,
            price_text(row[-1] * row[-2]), _TRADES_OF_A_BAR, price_text(row[-1] / 2),
            price_text(row[-1] * row[-2] / 2), "0",
        ]
        for at, *row in rows
    ]  # fmt: skip


def trades_of(bars: BarColumns) -> list[dict[str, Any]]:
    """Rows of `trades`: those that the practice venue's tape makes of a minute."""
    columns = (bars.start_ns, bars.open, bars.close, bars.high, bars.low, bars.volume)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    told = []
    for at, open_, close, high, low, volume in rows:
        inner = (low, high) if close >= open_ else (high, low)
        for place, price in enumerate((open_, *inner, close)):
            told.append({
                "id": trade_number(at, place), "price": price_text(price),
                "qty": price_text(volume / _TRADES_OF_A_BAR),
                "quoteQty": price_text(price * volume / _TRADES_OF_A_BAR),
                "time": at // MS + _TRADES_AT_MS[place], "isBuyerMaker": True, "isBestMatch": True,
            })  # fmt: skip
    return told


def trade_number(at_ns: int, place: int) -> int:
    """Trades are counted by their minute, four each."""
    return at_ns // MINUTE_NS * _TRADES_OF_A_BAR + place


def listed(symbol: str, sizes: Sizes, min_notional_units: int) -> dict[str, Any]:
    """A symbol of `exchangeInfo`."""
    base, quote = symbol.split("/")
    tick, lot = text(sizes.tick_units), text(sizes.lot_units)
    return {
        "symbol": base + quote,
        "status": "TRADING",
        "baseAsset": base,
        "baseAssetPrecision": 8,
        "quoteAsset": quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "orderTypes": list(KINDS),
        "isSpotTradingAllowed": True,
        "permissions": ["SPOT"],
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": tick,
                "maxPrice": "1000000000",
                "tickSize": tick,
            },
            {"filterType": "LOT_SIZE", "minQty": lot, "maxQty": "9000000000", "stepSize": lot},
            {
                "filterType": "NOTIONAL",
                "minNotional": text(min_notional_units),
                "applyMinToMarket": True,
            },
        ],
    }


def book_ticker(symbol: str, price: float) -> dict[str, str]:
    """The best bid and ask: a cent to each side of the last price."""
    return {
        "symbol": symbol_text(symbol),
        "bidPrice": price_text(price - _CENT),
        "bidQty": "1.00000000",
        "askPrice": price_text(price + _CENT),
        "askQty": "1.00000000",
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


def market_of(item: VenueBar | Tick) -> Iterator[tuple[str, dict[str, Any]]]:
    """What the market's streams carry of a bar or a trade, by the stream's kind."""
    theirs = symbol_text(item.symbol)
    if isinstance(item, Tick):
        yield from _trade_events(theirs, item.at_ns // MS, item.price, item.volume)
        return
    at, until = item.start_ns // MS, item.start_ns // MS + 60_000
    bar = {
        "t": at, "T": until - 1, "s": theirs, "i": "1m", "x": True, "n": _TRADES_OF_A_BAR,
        "o": price_text(item.open), "h": price_text(item.high), "l": price_text(item.low),
        "c": price_text(item.close), "v": price_text(item.volume),
    }  # fmt: skip
    book = {"u": at, "s": theirs, "b": price_text(item.close - _CENT), "B": "1", "A": "1"}
    yield from _trade_events(theirs, until - 1, item.close, item.volume)
    yield "bookTicker", book | {"a": price_text(item.close + _CENT)}
    yield "kline_1m", {"e": "kline", "E": until, "s": theirs, "k": bar | {"x": False}}
    yield "kline_1m", {"e": "kline", "E": until, "s": theirs, "k": bar}


def _trade_events(
    theirs: str, at: int, price: float, volume: float
) -> Iterator[tuple[str, dict[str, Any]]]:
    """One trade, by itself and as what Binance adds up of an order's; its number is REST's."""
    place = bisect_right(_TRADES_AT_MS, at % 60_000) - 1
    number = trade_number(at * MS, place)
    told = {
        "E": at, "s": theirs, "p": price_text(price), "q": price_text(volume), "T": at, "m": True,
    }  # fmt: skip
    yield "trade", {"e": "trade", "t": number, **told}
    yield "aggTrade", {"e": "aggTrade", "a": number, "f": number, "l": number, **told}


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


def unclosed_kline(symbol: str, start_ns: int, price: float, now_ns: int) -> dict[str, Any]:
    """A minute under way, of which only the price it began at is known."""
    theirs, at, told = symbol_text(symbol), start_ns // MS, price_text(price)
    bar = {
        "t": at, "T": at + 59_999, "s": theirs, "i": "1m", "x": False, "n": 0,
        "o": told, "h": told, "l": told, "c": told, "v": "0.00000000",
    }  # fmt: skip
    return {"e": "kline", "E": now_ns // MS, "s": theirs, "k": bar}
