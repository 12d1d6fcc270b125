"""Sources that get one thing wrong each: the case that is about it must fail them."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import msgspec
import numpy as np

from app.core.bars import COLUMNS, BarColumns
from app.core.intervals import HOUR_NS, MINUTE_NS
from app.core.source import BarPage, DataSource, Listed, SourceBusy, SourceFacts, UnknownSymbol
from app.core.venue import (
    Connected,
    OnItem,
    Stream,
    VenueBar,
    VenueError,
    VenueRefused,
    VenueTime,
    VenueUnclear,
)
from tests.sources.bench import SourceBench
from tests.sources.benches import BinanceSourceBench, PracticeSourceBench


class Whole:
    """Nothing is wrong with it yet."""

    def __init__(self, source: Any) -> None:
        self.source = source

    @property
    def facts(self) -> SourceFacts:
        found: SourceFacts = self.source.facts
        return found

    def time(self) -> VenueTime:
        told: VenueTime = self.source.time()
        return told

    def search(self, text: str) -> Sequence[Listed]:
        found: Sequence[Listed] = self.source.search(text)
        return found

    def listed(self, symbol: str) -> Listed:
        found: Listed = self.source.listed(symbol)
        return found

    def page(self, symbol: str, interval: str, start_ns: int, end_ns: int) -> BarPage:
        found: BarPage = self.source.page(symbol, interval, start_ns, end_ns)
        return found

    def live(self, symbols: Sequence[str], on_item: OnItem) -> Stream:
        stream: Stream = self.source.live(symbols, on_item)
        return stream

    def close(self) -> None:
        self.source.close()


BROKEN: dict[str, tuple[type[SourceBench], type[Whole]]] = {}


def fails(*cases: str, at: type[SourceBench] = PracticeSourceBench) -> Callable[[Any], Any]:
    """What fails these cases, named as their functions are."""

    def taken(kind: type[Whole]) -> type[Whole]:
        BROKEN.update(dict.fromkeys(cases, (at, kind)))
        return kind

    return taken


def bench_of(at: type[SourceBench], kind: type[Whole]) -> Any:
    """The bench, with each source that it opens broken."""

    class Bench(at):  # type: ignore[misc, valid-type]
        def open(self) -> DataSource:
            return kind(super().open())

        def open_nowhere(self) -> DataSource:
            return kind(super().open_nowhere())

    return Bench


@fails("facts_make_sense")
class FiveMinutesFirst(Whole):
    @property
    def facts(self) -> SourceFacts:
        return msgspec.structs.replace(super().facts, intervals=("5m", "1m"))


@fails("the_time_is_its_own")
class AnotherClock(Whole):
    def time(self) -> VenueTime:
        return VenueTime(super().time().venue_ns + HOUR_NS)


@fails("symbols_as_a_config_writes_them")
class TheFirstSymbol(Whole):
    def search(self, text: str) -> Sequence[Listed]:
        return super().search(text)[:1]


@fails("search_is_lenient", at=BinanceSourceBench)
class ToTheLetter(Whole):
    def search(self, text: str) -> Sequence[Listed]:
        return [one for one in super().search("") if text in one.symbol]


@fails("unknown_symbols")
class PlainNo(Whole):
    def listed(self, symbol: str) -> Listed:
        try:
            return super().listed(symbol)
        except UnknownSymbol as error:
            raise VenueRefused("No.") from error


@fails("pages_hold_what_was_asked_for", "pages_meet")
class AMinuteTooFar(Whole):
    def page(self, symbol: str, interval: str, start_ns: int, end_ns: int) -> BarPage:
        page = super().page(symbol, interval, start_ns, end_ns)
        return BarPage(page.bars, page.through_ns + MINUTE_NS)


@fails("a_moment_within_a_bar")
class WholeMinutes(Whole):
    def page(self, symbol: str, interval: str, start_ns: int, end_ns: int) -> BarPage:
        return super().page(symbol, interval, start_ns - start_ns % MINUTE_NS, end_ns)


@fails("prices_as_they_were")
class Short(Whole):
    def page(self, symbol: str, interval: str, start_ns: int, end_ns: int) -> BarPage:
        page = super().page(symbol, interval, start_ns, end_ns)
        volume: Any = page.bars.volume.astype(np.float32)
        return BarPage(msgspec.structs.replace(page.bars, volume=volume), page.through_ns)


@fails("no_bar_that_is_under_way", "no_more_by_now", "the_future", "before_the_first_bar")
class OneMore(Whole):
    """It gives the bar under way as well."""

    def page(self, symbol: str, interval: str, start_ns: int, end_ns: int) -> BarPage:
        page = super().page(symbol, interval, start_ns, end_ns)
        bars = page.bars
        last_ns = start_ns - MINUTE_NS if not len(bars) else int(bars.start_ns[-1])
        if last_ns + MINUTE_NS >= end_ns or len(bars) >= self.facts.page_bars:
            return page
        ones = [np.append(getattr(bars, name), 1.0) for name in COLUMNS[1:]]
        more = BarColumns(np.append(bars.start_ns, last_ns + MINUTE_NS), *ones)
        return BarPage(more, last_ns + 2 * MINUTE_NS)


@fails("holes", at=BinanceSourceBench)
class NoHoles(Whole):
    def page(self, symbol: str, interval: str, start_ns: int, end_ns: int) -> BarPage:
        page = super().page(symbol, interval, start_ns, end_ns)
        starts = page.bars.start_ns
        if len(starts) < 2:
            return page
        filled = np.arange(starts[0], starts[-1] + 1, MINUTE_NS)
        at = np.searchsorted(starts, filled, side="right") - 1
        return BarPage(
            BarColumns(filled, *(getattr(page.bars, name)[at] for name in COLUMNS[1:])),
            page.through_ns,
        )


@fails("unknown_intervals")
@fails("longer_bars", at=BinanceSourceBench)
class MinutesAlone(Whole):
    def page(self, symbol: str, interval: str, start_ns: int, end_ns: int) -> BarPage:
        return super().page(symbol, "1m", start_ns, end_ns)


@fails("no_answer_is_unclear", "nobody_there")
@fails("rows_that_cannot_be", at=BinanceSourceBench)
class NoAnswerIsNone(Whole):
    def page(self, symbol: str, interval: str, start_ns: int, end_ns: int) -> BarPage:
        try:
            return super().page(symbol, interval, start_ns, end_ns)
        except VenueUnclear:
            none = np.empty(0)
            bars = BarColumns(np.empty(0, np.int64), *(none for _ in COLUMNS[1:]))
            return BarPage(bars, end_ns)


@fails("turned_away", at=BinanceSourceBench)
class BusyIsUnclear(Whole):
    def page(self, symbol: str, interval: str, start_ns: int, end_ns: int) -> BarPage:
        try:
            return super().page(symbol, interval, start_ns, end_ns)
        except SourceBusy as error:
            raise VenueUnclear(str(error)) from error


@fails("under_the_limit", at=BinanceSourceBench)
class NoLimit(Whole):
    def page(self, symbol: str, interval: str, start_ns: int, end_ns: int) -> BarPage:
        told = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1}
        self.source._link.limits.learn([told | {"limit": 6_000}])
        with suppress(VenueError):
            return super().page(symbol, interval, start_ns, end_ns)
        return super().page(symbol, interval, start_ns, end_ns)


@fails("live_bars")
class Rounded(Whole):
    def live(self, symbols: Sequence[str], on_item: OnItem) -> Stream:
        def hear(item: Any) -> None:
            is_bar = isinstance(item, VenueBar)
            on_item(msgspec.structs.replace(item, close=round(item.close)) if is_bar else item)

        return super().live(symbols, hear)


@fails("live_streams_come_back")
class LostForGood(Whole):
    def live(self, symbols: Sequence[str], on_item: OnItem) -> Stream:
        stood: list[Any] = []

        def hear(item: Any) -> None:
            if isinstance(item, Connected):
                stood.append(item)
            if len(stood) < 2:
                on_item(item)

        return super().live(symbols, hear)


@fails("closed")
class NeverClosed(Whole):
    def close(self) -> None:
        pass
