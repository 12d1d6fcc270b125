"""Market data of the peer: what is listed, and bars."""

from collections.abc import Mapping
from typing import Any, Final

from app.core.intervals import interval_ns
from app.integrations.binance.peer.ground import Ground
from app.integrations.binance.peer.weights import limits
from app.integrations.binance.peer.words import MS, klines_of, text

_USUAL_ROWS: Final = 500


def exchange_info(ground: Ground, asked: Mapping[str, str], now_ns: int) -> Any:
    return {
        "timezone": "UTC",
        "serverTime": now_ns // MS,
        "rateLimits": limits(),
        "exchangeFilters": [],
        "symbols": [_listed(ground, ours) for ours in ground.sizes],
    }


def _listed(ground: Ground, symbol: str) -> Any:
    base, quote = symbol.split("/")
    sizes = ground.sizes[symbol]
    tick, lot = text(sizes.tick_units), text(sizes.lot_units)
    return {
        "symbol": base + quote,
        "status": "TRADING",
        "baseAsset": base,
        "quoteAsset": quote,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "tickSize": tick},
            {"filterType": "LOT_SIZE", "minQty": lot, "stepSize": lot},
            {"filterType": "NOTIONAL", "minNotional": text(ground.min_notional_units)},
        ],
    }


def klines(ground: Ground, asked: Mapping[str, str], now_ns: int) -> Any:
    symbol, length_ns = ground.symbol(asked), interval_ns(asked["interval"])
    start_ns, end_ns = int(asked["startTime"]) * MS, int(asked["endTime"]) * MS + 1
    bars = ground.known_bars(symbol, start_ns, min(end_ns, now_ns))
    return klines_of(bars, length_ns)[: int(asked.get("limit", _USUAL_ROWS))]
