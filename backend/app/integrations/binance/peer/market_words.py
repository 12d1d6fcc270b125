"""Binance's words for market data: what is listed, bars, trades, prices, and their streams."""

from bisect import bisect_right
from collections.abc import Iterator
from typing import Any, Final

from app.core.bars import BarColumns
from app.core.intervals import MINUTE_NS
from app.core.venue import Tick, VenueBar
from app.integrations.binance.peer.words import KINDS, MS, price_text, symbol_text, text
from app.integrations.practice.venue.checks import Sizes

_TRADES_AT_MS: Final = (0, 20_000, 40_000, 59_000)  # within a minute
_TRADES_OF_A_BAR: Final = len(_TRADES_AT_MS)
_CENT: Final = 0.01  # half of the spread that is told


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


def listed(
    symbol: str, sizes: Sizes, min_notional_units: int, most_units: int, least_units: int
) -> dict[str, Any]:
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
                "filterType": "MARKET_LOT_SIZE",
                "minQty": text(least_units),
                "maxQty": text(most_units),
                "stepSize": "0.00000000",
            },
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


def unclosed_kline(symbol: str, start_ns: int, price: float, now_ns: int) -> dict[str, Any]:
    """A minute under way, of which only the price it began at is known."""
    theirs, at, told = symbol_text(symbol), start_ns // MS, price_text(price)
    bar = {
        "t": at, "T": at + 59_999, "s": theirs, "i": "1m", "x": False, "n": 0,
        "o": told, "h": told, "l": told, "c": told, "v": "0.00000000",
    }  # fmt: skip
    return {"e": "kline", "E": now_ns // MS, "s": theirs, "k": bar}
