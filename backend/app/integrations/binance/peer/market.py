"""Market data of the peer: the time, what is listed, bars, trades, prices."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from app.core.bars import BarColumns
from app.core.intervals import DAY_NS, MINUTE_NS
from app.core.venue import VenueTime
from app.integrations.binance.peer.asked import needed, rows_of, whole
from app.integrations.binance.peer.ground import Ground
from app.integrations.binance.peer.intervals import length_of, longer
from app.integrations.binance.peer.market_words import book_ticker, klines_of, listed, trades_of
from app.integrations.binance.peer.weights import limits
from app.integrations.binance.peer.words import MS, price_text
from app.integrations.binance.peer.wrong import Wrong

_TRADES_BACK_NS: Final = DAY_NS


def ping(ground: Ground, asked: Mapping[str, str], at: VenueTime) -> Any:
    return {}


def time(ground: Ground, asked: Mapping[str, str], at: VenueTime) -> Any:
    """Binance tells no rate: that is the peer's own, for clocks that follow it."""
    return {"serverTime": at.venue_ns // MS, "rate": at.rate}


def exchange_info(ground: Ground, asked: Mapping[str, str], at: VenueTime) -> Any:
    return {
        "timezone": "UTC",
        "serverTime": at.venue_ns // MS,
        "rateLimits": limits(ground.weights.limit),
        "exchangeFilters": [],
        "symbols": [
            listed(
                ours,
                ground.sizes[ours],
                ground.min_notional_units,
                ground.most_at_market_units,
                ground.least_at_market_units,
            )
            for ours in _named(ground, asked)
        ],
    }


def klines(ground: Ground, asked: Mapping[str, str], at: VenueTime) -> Any:
    """Pages of bars by when they open, both ends included; the one under way is the last."""
    symbol, count = ground.symbol(asked), rows_of(asked)
    length_ns = length_of(needed(asked, "interval"))
    start_ns, end_ns = (_moment(asked, name) for name in ("startTime", "endTime"))
    last_ns = at.venue_ns if end_ns is None else min(end_ns, at.venue_ns)
    # A bar that opens in between is told whole, as far as it is known.
    until_ns = (last_ns // length_ns + 1) * length_ns
    if start_ns is None:
        minutes = known_minutes(ground, symbol, until_ns - count * length_ns, until_ns, at)
        bars = longer(minutes, length_ns)
        return klines_of(bars.slice(max(len(bars) - count, 0), len(bars)), length_ns)
    first_ns, span_ns = -(-start_ns // length_ns) * length_ns, count * length_ns
    while True:
        page_ns = min(first_ns + span_ns, until_ns)
        minutes = known_minutes(ground, symbol, first_ns, page_ns, at)
        bars = longer(minutes, length_ns)
        if len(bars) >= count or page_ns >= until_ns:
            return klines_of(bars.slice(0, count), length_ns)
        span_ns *= 4  # there are minutes without a trade


def known_minutes(
    ground: Ground, symbol: str, first_ns: int, until_ns: int, at: VenueTime
) -> BarColumns:
    """Minutes that start in between, the one under way as it began: the rest is to come."""
    closed_ns = at.venue_ns - at.venue_ns % MINUTE_NS
    bars = ground.load(symbol, first_ns, min(until_ns, at.venue_ns + 1))
    if not len(bars) or bars.start_ns[-1] < closed_ns:
        return bars
    begun = bars.open[-1:]
    parts = (bars.start_ns, bars.open, *(
        np.concatenate((column[:-1], now)) for column, now in (
            (bars.high, begun), (bars.low, begun), (bars.close, begun), (bars.volume, [0.0]),
        )
    ))  # fmt: skip
    return BarColumns(*parts)


def trades(ground: Ground, asked: Mapping[str, str], at: VenueTime) -> Any:
    """The latest of them."""
    symbol = ground.symbol(asked)
    bars = ground.load(symbol, at.venue_ns - _TRADES_BACK_NS, at.venue_ns - MINUTE_NS + 1)
    return trades_of(bars)[-rows_of(asked) :]


def agg_trades(ground: Ground, asked: Mapping[str, str], at: VenueTime) -> Any:
    """Between two moments, or from a number on; without either the latest."""
    symbol, count = ground.symbol(asked), rows_of(asked)
    start_ns, end_ns = (_moment(asked, name) for name in ("startTime", "endTime"))
    known_ns = at.venue_ns - MINUTE_NS + 1
    first = whole(asked, "fromId")
    if first is not None:
        start_ns = max(first // 4 * MINUTE_NS, 0)
    begin_ns = at.venue_ns - _TRADES_BACK_NS if start_ns is None else start_ns - MINUTE_NS
    bars = ground.load(symbol, begin_ns, known_ns)
    if start_ns is not None:
        bars = bars.slice(0, min(len(bars), count // 4 + 3))
    found = [
        {"a": one["id"], "p": one["price"], "q": one["qty"], "f": one["id"], "l": one["id"],
         "T": one["time"], "m": one["isBuyerMaker"], "M": True}
        for one in trades_of(bars)
        if (start_ns is None or first is not None or one["time"] * MS >= start_ns)
        and (end_ns is None or one["time"] * MS <= end_ns)
        and (first is None or one["id"] >= first)
    ]  # fmt: skip
    return found[-count:] if start_ns is None else found[:count]


def price(ground: Ground, asked: Mapping[str, str], at: VenueTime) -> Any:
    rows = [
        {"symbol": ours.replace("/", ""), "price": price_text(ground.last_price(ours, at.venue_ns))}
        for ours in _named(ground, asked)
    ]
    return rows[0] if "symbol" in asked else rows


def best(ground: Ground, asked: Mapping[str, str], at: VenueTime) -> Any:
    """The best bid and ask."""
    rows = [
        book_ticker(ours, ground.last_price(ours, at.venue_ns)) for ours in _named(ground, asked)
    ]
    return rows[0] if "symbol" in asked else rows


def _named(ground: Ground, asked: Mapping[str, str]) -> Sequence[str]:
    """The symbols that are asked for; all where none is named."""
    if "symbol" in asked:
        return [ground.symbol(asked)]
    if "symbols" not in asked:
        return list(ground.sizes)
    try:
        names = json.loads(asked["symbols"])
    except ValueError:
        names = None
    if not isinstance(names, list):
        raise Wrong(400, -1100, "Illegal characters found in parameter 'symbols'.")
    return [ground.symbol({"symbol": str(name)}) for name in names]


def _moment(asked: Mapping[str, str], name: str) -> int | None:
    found = whole(asked, name)
    return None if found is None else found * MS
