"""Binance's market data as a source: public klines in pages, symbols, streams; without keys."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import numpy as np
from binance.client import Client
from binance.exceptions import BinanceAPIException

from app.core.bars import BarColumns, Ints
from app.core.intervals import MINUTE_NS, SECOND_NS, interval_ns
from app.core.seams import Wall
from app.core.source import (
    BarPage,
    Listed,
    SourceBusy,
    SourceFacts,
    UnknownSymbol,
    check_interval,
    found_among,
    unknown_symbol,
)
from app.core.venue import OnItem, Stream, VenueRefused, VenueTime, VenueUnclear
from app.integrations.binance.endpoints import Endpoints, Keys
from app.integrations.binance.link import Link
from app.integrations.binance.places import PAGE_WEIGHT
from app.integrations.binance.problems import TooManyRequests
from app.integrations.binance.streams import market_stream
from app.integrations.binance.wire import MILLISECOND_NS, bars_of, filters_of, their_symbol
from app.integrations.lasting_stream import Chance

MARKET: Final = "24/7"
_UNKNOWN_SYMBOL: Final = -1121
_INFO_WEIGHT: Final = 20
_NO_KEYS: Final = Keys("", "")  # so that nothing can be signed, whatever is asked

_Read = TypeVar("_Read")


class BinanceSource:
    """Its pages wait where the weight of a minute is nearly used up."""

    def __init__(self, name: str, facts: SourceFacts, link: Link, chance: Chance) -> None:
        self.facts = facts
        self._name = name
        self._link = link
        self._chance = chance
        self._through_ns = 0  # its time when it was asked last: what had ended then is closed
        self._all: list[Listed] = []
        self._streams: list[Stream] = []

    def time(self) -> VenueTime:
        return VenueTime(self._asked(self._link.sync))

    def search(self, text: str) -> Sequence[Listed]:
        if not self._all:
            self._all = self._info({})
        return found_among(self._all, text)

    def listed(self, symbol: str) -> Listed:
        for one in self._info({"symbol": self._theirs(symbol)}):
            if one.symbol == symbol:
                return one
        raise self._unknown(symbol)

    def page(self, symbol: str, interval: str, start_ns: int, end_ns: int) -> BarPage:
        check_interval(self._name, self.facts, interval)
        theirs, length_ns = self._theirs(symbol), interval_ns(interval)
        if self._through_ns < start_ns + length_ns:
            self._through_ns = self._asked(self._link.sync)
        last_ns = min(end_ns, self._through_ns - length_ns + 1)
        if last_ns <= start_ns:
            return BarPage(bars_of([]), start_ns)
        words = {
            "symbol": theirs,
            "interval": interval,
            "startTime": -(-start_ns // MILLISECOND_NS),
            "endTime": (last_ns - 1) // MILLISECOND_NS,
            "limit": self.facts.page_bars,
        }
        bars = self._asked(lambda: self._bars(symbol, words))
        if bars is None:
            raise self._unknown(symbol)
        self._check(bars.start_ns, start_ns, last_ns, symbol)
        is_full = len(bars) == self.facts.page_bars
        return BarPage(bars, int(bars.start_ns[-1]) + length_ns if is_full else last_ns)

    def live(self, symbols: Sequence[str], on_item: OnItem) -> Stream:
        for symbol in symbols:
            self.listed(symbol)
        stream = market_stream(self._link, symbols, on_item, self._chance)
        self._streams.append(stream)
        return stream

    def close(self) -> None:
        for stream in self._streams:
            stream.close()
        self._link.close()

    def _theirs(self, symbol: str) -> str:
        try:
            return their_symbol(symbol)
        except VenueRefused as error:
            raise self._unknown(symbol) from error

    def _bars(self, symbol: str, words: Mapping[str, Any]) -> BarColumns | None:
        """None where the symbol is none."""

        def ask(client: Client) -> BarColumns | None:
            rows = _unless_unknown(lambda: client.get_klines(**words))
            if rows is None:
                return None
            if not isinstance(rows, list):
                raise TypeError("a list was asked for")
            return _columns(rows)

        return self._link.call(f"the bars of {symbol}", PAGE_WEIGHT, ask, bulk=True)

    def _check(self, starts_ns: Ints, start_ns: int, end_ns: int, symbol: str) -> None:
        """Rows that cannot be what was asked for are no answer."""
        is_in_order = bool(np.all(starts_ns[1:] > starts_ns[:-1]))
        is_inside = not len(starts_ns) or (starts_ns[0] >= start_ns and starts_ns[-1] < end_ns)
        if not is_in_order or not is_inside or len(starts_ns) > self.facts.page_bars:
            raise VenueUnclear(f"The bars of {symbol} are not those that were asked for.")

    def _info(self, words: Mapping[str, str]) -> list[Listed]:
        """What is traded, and how much may be asked: what it tells of that is kept to.

        Its time is asked for first: with it comes what this address has used up already.
        """
        if not self._through_ns:
            self._through_ns = self._asked(self._link.sync)

        def ask(client: Client) -> list[Listed]:
            told = _unless_unknown(lambda: client._get("exchangeInfo", data=dict(words)))
            if told is None:
                return []
            self._link.limits.learn(told.get("rateLimits", []))
            return [one for one in map(_listed, told["symbols"]) if one is not None]

        return self._asked(lambda: self._link.call("its symbols", _INFO_WEIGHT, ask, bulk=True))

    def _asked(self, ask: Callable[[], _Read]) -> _Read:
        try:
            return ask()
        except TooManyRequests as error:
            seconds = self._link.quiet_seconds() or self._rest_of_the_minute_seconds()
            raise SourceBusy(str(error), seconds) from error

    def _rest_of_the_minute_seconds(self) -> float:
        return (MINUTE_NS - self._link.now_ns() % MINUTE_NS) / SECOND_NS

    def _unknown(self, symbol: str) -> UnknownSymbol:
        return unknown_symbol(self._name, symbol, [one.symbol for one in self.search("")])


def open_source(
    name: str, facts: SourceFacts, endpoints: Endpoints, wall: Wall, chance: Chance
) -> BinanceSource:
    """The source at these addresses; nothing is asked yet."""
    return BinanceSource(name, facts, Link(endpoints, _NO_KEYS, wall), chance)


def _unless_unknown(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except BinanceAPIException as error:
        if error.code == _UNKNOWN_SYMBOL:
            return None
        raise


def _columns(rows: Sequence[Sequence[Any]]) -> BarColumns:
    """Rows of `klines`, their prices by columns at once."""
    starts = np.fromiter((row[0] for row in rows), np.int64, len(rows)) * MILLISECOND_NS
    values = np.array([row[1:6] for row in rows], np.float64).reshape(len(rows), 5)
    return BarColumns(starts, *(np.ascontiguousarray(values[:, place]) for place in range(5)))


def _listed(told: Mapping[str, Any]) -> Listed | None:
    """A symbol of `exchangeInfo`; None for one that cannot be written here."""
    symbol = f"{told['baseAsset']}/{told['quoteAsset']}"
    try:
        their_symbol(symbol)
    except VenueRefused:
        return None
    if not symbol.isascii():
        return None
    filters = filters_of(told)
    return Listed(
        symbol=symbol,
        market=MARKET,
        theirs=told["symbol"],
        is_trading=told["status"] == "TRADING",
        currency=filters.quote,
        tick=filters.tick or None,  # 0 is none
        lot=filters.lot or None,
        least_value=filters.min_notional or None,
    )
