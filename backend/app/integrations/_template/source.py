"""A data source, without the source: copy it, and write what raises NotImplementedError.

Numbers like S07 are cases of the suite of sources (docs/DATA.md). It is not registered, so nothing
can be imported from it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from app.core.bars import BarColumns
from app.core.intervals import interval_ns
from app.core.source import (
    BarPage,
    Listed,
    SourceBusy,
    SourceFacts,
    check_interval,
    found_among,
    unknown_symbol,
)
from app.core.venue import OnItem, Stream, VenueRefused, VenueTime, VenueUnclear
from app.integrations._template.adapter import Client

FACTS: Final = SourceFacts(  # S01
    has="what is to be had there, in a line",
    usual_url="https://example.invalid",
    intervals=("1m", "5m", "1h", "1d"),
    page_bars=1_000,
    back="how far back it goes",
    weight_per_minute=600,
    page_weight=1,
)
_UNCLEAR: Final = (OSError, ValueError, RuntimeError)  # all that the library can raise


class TemplateSource:
    """Asked on one thread, and without keys where there is a way without them."""

    def __init__(self, name: str, client: Client, facts: SourceFacts = FACTS) -> None:
        """Opening asks nothing: the first question may find nobody there (S21)."""
        self.facts = facts
        self._name = name
        self._client = client
        self._all: list[Listed] = []
        self._streams: list[Stream] = []

    def time(self) -> VenueTime:
        """The source's clock, not ours (S02): by it a bar has closed."""
        return VenueTime(int(self._sent("time")["now_ns"]))

    def search(self, text: str) -> Sequence[Listed]:
        """Every symbol as a config writes it (S03); asked for once (S04)."""
        if not self._all:
            self._all = [_listed(words) for words in self._sent("symbols")["all"]]
        return found_among(self._all, text)

    def listed(self, symbol: str) -> Listed:
        """One of them, or what was probably meant (S05)."""
        for one in self.search(symbol):
            if one.symbol == symbol:
                return one
        raise unknown_symbol(self._name, symbol, [one.symbol for one in self.search("")])

    def page(self, symbol: str, interval: str, start_ns: int, end_ns: int) -> BarPage:
        """Closed bars from the start on, as many as come at once (S05-S16).

        Where the page is full, the next begins behind its last bar; else all is in that has closed
        by now. Answers that cannot be what was asked for are unclear (S17, S18).
        """
        self.listed(symbol)
        check_interval(self._name, self.facts, interval)
        closed_ns = min(end_ns, self.time().venue_ns - interval_ns(interval) + 1)
        if closed_ns <= start_ns:
            return BarPage(_bars([]), start_ns)
        words = {"symbol": symbol, "interval": interval, "from": start_ns, "to": closed_ns}
        bars = _bars(self._sent("bars", **words)["rows"])
        starts = bars.start_ns
        if np.any(starts[1:] <= starts[:-1]) or len(bars) > self.facts.page_bars:
            raise VenueUnclear(f"The bars of {symbol} are not those that were asked for.")
        is_full = len(bars) == self.facts.page_bars
        return BarPage(bars, int(starts[-1]) + interval_ns(interval) if is_full else closed_ns)

    def live(self, symbols: Sequence[str], on_item: OnItem) -> Stream:
        """The market's stream, as a venue's adapter has it (S22, S23)."""
        raise NotImplementedError

    def close(self) -> None:
        """End the streams; later calls are unclear (S24)."""
        for stream in self._streams:
            stream.close()
        self._client.close()

    def _sent(self, method: str, **words: object) -> Mapping[str, Any]:
        """The one place where foreign errors are translated, and the pace is kept (S19, S20)."""
        try:
            told = self._client.send(method, words)
        except _UNCLEAR as error:
            raise VenueUnclear(f"No answer to {method} ({type(error).__name__}).") from error
        if "wait_seconds" in told:
            raise SourceBusy(f"It wants no {method} now.", float(told["wait_seconds"]))
        if "refused" in told:
            raise VenueRefused(f"It refused {method}: {told['refused']}")
        return told


def _listed(words: Mapping[str, Any]) -> Listed:
    """Its name in ours, BTC/USDT; sizes by way of Decimal, never of a float."""
    raise NotImplementedError


def _bars(rows: Sequence[Sequence[Any]]) -> BarColumns:
    """Rows as columns at once: no object a bar."""
    raise NotImplementedError
