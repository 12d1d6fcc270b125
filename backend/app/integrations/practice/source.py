"""The practice venue as a source: the stored bars that it has played so far, page by page."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from app.core.intervals import interval_ns
from app.core.source import (
    BarPage,
    Listed,
    SourceFacts,
    check_interval,
    found_among,
    unknown_symbol,
)
from app.core.venue import OnItem, Stream, VenueTime, VenueUnclear
from app.integrations.practice import wire
from app.integrations.practice.adapter import PracticeAdapter

FACTS: Final = SourceFacts(
    has="the bars of a practice venue, up to its time",
    usual_url="http://127.0.0.1:8790",
    intervals=("1m", "5m", "15m", "30m", "1h", "1d"),
    page_bars=5_000,
    back="as far as it has bars",
    has_own_time=True,
)
_LONGER: Final = 8  # times as much is asked for where there was nothing


class PracticeSource:
    """Asks what any client of the venue may ask."""

    def __init__(self, name: str, adapter: PracticeAdapter, facts: SourceFacts = FACTS) -> None:
        self.facts = facts
        self._name = name
        self._adapter = adapter
        self._told: wire.About | None = None

    def time(self) -> VenueTime:
        return self._adapter.time()

    def search(self, text: str) -> Sequence[Listed]:
        about = self._about()
        return found_among(
            [Listed(symbol=name, market=about.market, theirs=name) for name in about.symbols], text
        )

    def listed(self, symbol: str) -> Listed:
        about = self._about()
        if symbol not in about.symbols:
            raise unknown_symbol(self._name, symbol, about.symbols)
        return Listed(symbol=symbol, market=about.market, theirs=symbol)

    def page(self, symbol: str, interval: str, start_ns: int, end_ns: int) -> BarPage:
        """A stretch of time that can hold no more bars than a page does; a longer one while there
        are none.
        """
        self.listed(symbol)
        check_interval(self._name, self.facts, interval)
        length_ns = interval_ns(interval)
        last_ns = max(min(end_ns, self.time().venue_ns - length_ns + 1), start_ns)
        stretch_ns = self.facts.page_bars * length_ns
        while True:
            through_ns = min(start_ns + stretch_ns, last_ns)
            bars = self._adapter.bars(symbol, interval, start_ns, through_ns)
            if len(bars) or through_ns == last_ns:
                break
            stretch_ns *= _LONGER
        starts = bars.start_ns
        is_inside = not len(starts) or (starts[0] >= start_ns and starts[-1] < through_ns)
        if not is_inside or not np.all(starts[1:] > starts[:-1]):
            raise VenueUnclear(f"The bars of {symbol} are not those that were asked for.")
        if len(bars) > self.facts.page_bars:
            bars = bars.slice(0, self.facts.page_bars)
            through_ns = int(bars.start_ns[-1]) + length_ns
        return BarPage(bars, through_ns)

    def live(self, symbols: Sequence[str], on_item: OnItem) -> Stream:
        for symbol in symbols:
            self.listed(symbol)
        return self._adapter.market_stream(symbols, on_item)

    def close(self) -> None:
        self._adapter.close()

    def _about(self) -> wire.About:
        if self._told is None:
            self._told = self._adapter.about()
        return self._told
