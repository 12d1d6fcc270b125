"""Market data of the peer: what is listed, and bars."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from app.core.bars import BarColumns
from app.core.intervals import MINUTE_NS, interval_ns
from app.core.venue import VenueTime
from app.integrations.binance.peer.ground import Ground
from app.integrations.binance.peer.weights import limits
from app.integrations.binance.peer.words import MS, klines_of, text
from app.integrations.binance.peer.wrong import Wrong
from app.integrations.binance.places import INTERVALS

_USUAL_ROWS: Final = 500
_MOST_ROWS: Final = 1_000


def ping(ground: Ground, asked: Mapping[str, str], at: VenueTime) -> Any:
    return {}


def time(ground: Ground, asked: Mapping[str, str], at: VenueTime) -> Any:
    """Binance tells no rate: that is the peer's own, for clocks that follow it."""
    return {"serverTime": at.venue_ns // MS, "rate": at.rate}


def exchange_info(ground: Ground, asked: Mapping[str, str], at: VenueTime) -> Any:
    names = [ground.symbol(asked)] if "symbol" in asked else list(ground.sizes)
    return {
        "timezone": "UTC",
        "serverTime": at.venue_ns // MS,
        "rateLimits": limits(ground.weights.limit),
        "exchangeFilters": [],
        "symbols": [_listed(ground, ours) for ours in names],
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


def klines(ground: Ground, asked: Mapping[str, str], at: VenueTime) -> Any:
    """The first rows from a start on, the last ones where there is none; the one under way too."""
    symbol, length_ns, now_ns = ground.symbol(asked), _length_ns(asked), at.venue_ns
    start_ns = -(-int(asked.get("startTime", 0)) * MS // length_ns) * length_ns
    last_ns = int(asked.get("endTime", now_ns // MS)) * MS
    end_ns = min((last_ns // length_ns + 1) * length_ns, now_ns)
    bars = _longer(ground.known_bars(symbol, start_ns, end_ns), length_ns)
    rows = min(int(asked.get("limit", _USUAL_ROWS)), _MOST_ROWS)
    first = 0 if "startTime" in asked else max(len(bars) - rows, 0)
    return klines_of(bars.slice(first, first + rows), length_ns)


def _length_ns(asked: Mapping[str, str]) -> int:
    if asked.get("interval") not in INTERVALS:
        raise Wrong(400, -1120, "Invalid interval.")
    return interval_ns(asked["interval"])


def _longer(bars: BarColumns, length_ns: int) -> BarColumns:
    """Minutes as bars of another length, which begin with the day."""
    if length_ns == MINUTE_NS or not len(bars):
        return bars
    starts = bars.start_ns // length_ns * length_ns
    firsts = np.flatnonzero(np.diff(starts, prepend=-1))
    lasts = np.append(firsts[1:], len(bars)) - 1
    return BarColumns(
        starts[firsts],
        bars.open[firsts],
        np.maximum.reduceat(bars.high, firsts),
        np.minimum.reduceat(bars.low, firsts),
        bars.close[lasts],
        np.add.reduceat(bars.volume, firsts),
    )
