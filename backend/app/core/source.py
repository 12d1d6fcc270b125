"""What a data source is asked, and what it says: history in pages, symbols, limits, live items.

No source is named here. Live items are those of a venue's market stream (`core.venue`), and so
are the errors: `VenueRefused` is a plain no, `VenueUnclear` no answer that can be read, and may be
asked again. Two more are of sources alone:

    VenueRefused
    ├── UnknownSymbol   exit code 3; it names what was probably meant
    └── SourceBusy      no requests are wanted for some seconds; nothing was looked at
"""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final, Protocol

import msgspec

from app.core.bars import BarColumns
from app.core.errors import NotFoundError, did_you_mean
from app.core.venue import OnItem, Stream, VenueRefused, VenueTime

BARS, TICKS, QUOTES = "bars", "ticks", "quotes"  # what a source can have live
LIVE: Final = (BARS, TICKS, QUOTES)
_NO_LETTER: Final = re.compile("[^A-Z0-9]")


class UnknownSymbol(VenueRefused):
    exit_code = NotFoundError.exit_code


class SourceBusy(VenueRefused):
    """Too many requests were sent, by whomever at this address."""

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class SourceFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What can be had of a source, and at which pace."""

    has: str  # in a line
    usual_url: str  # "" for one that has no address
    intervals: tuple[str, ...]
    page_bars: int  # of one answer, at most
    back: str  # how far its history reaches
    weight_per_minute: int = 0  # that may be used up; 0: as much as one likes
    page_weight: int = 0  # of a page
    needs_keys: bool = False
    live: tuple[str, ...] = LIVE
    has_own_time: bool = False  # its clock need not show ours


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A symbol that a source knows; sizes are None where it does not tell them."""

    symbol: str
    market: str
    theirs: str  # as it is written there
    is_trading: bool = True
    currency: str | None = None
    tick: Decimal | None = None
    lot: Decimal | None = None
    least_value: Decimal | None = None


class BarPage(msgspec.Struct, frozen=True):
    """Closed bars, oldest first, each once.

    Every bar that the source has and that starts before `through_ns` is in this page or lies
    before it: the next page is asked for from there. Where it is the start that was asked for,
    there is no more by now.
    """

    bars: BarColumns
    through_ns: int


class DataSource(Protocol):
    """Where bars come from. Calls block, on one thread; a live stream brings its own."""

    @property
    def facts(self) -> SourceFacts: ...
    def time(self) -> VenueTime: ...
    def search(self, text: str) -> Sequence[Listed]:
        """The symbols that have this in them, the nearest first; all of them for ""."""
        ...

    def listed(self, symbol: str) -> Listed:
        """One symbol, or UnknownSymbol."""
        ...

    def page(self, symbol: str, interval: str, start_ns: int, end_ns: int) -> BarPage:
        """As many bars as it gives at once of those that start from here to before `end_ns`."""
        ...

    def live(self, symbols: Sequence[str], on_item: OnItem) -> Stream: ...
    def close(self) -> None: ...


def pages(
    source: DataSource, symbol: str, interval: str, start_ns: int, end_ns: int
) -> Iterator[BarPage]:
    """Every page of a stretch of time, until its end or now."""
    while start_ns < end_ns:
        page = source.page(symbol, interval, start_ns, end_ns)
        if page.through_ns <= start_ns:
            return
        yield page
        start_ns = page.through_ns


def found_among(all_listed: Sequence[Listed], text: str) -> list[Listed]:
    """The symbols with a text in them, in capitals or not, with a slash or not; nearest first."""
    wanted = bare(text)

    def distance(one: Listed) -> tuple[int, int, str]:
        name = bare(one.symbol)
        return (name != wanted) + (not name.startswith(wanted)), len(name), one.symbol

    return sorted((one for one in all_listed if wanted in bare(one.symbol)), key=distance)


def check_interval(source: str, facts: SourceFacts, interval: str) -> None:
    """Refuse what a source has no bars of."""
    if interval not in facts.intervals:
        raise VenueRefused(
            f"The source '{source}' has no bars of {interval}; it has {', '.join(facts.intervals)}."
        )


def unknown_symbol(source: str, symbol: str, known: Sequence[str]) -> UnknownSymbol:
    """The error, with what was meant: BTCUSDT is BTC/USDT before it is what looks like it."""
    same = [name for name in known if bare(name) == bare(symbol)]
    hint = f" Did you mean '{same[0]}'?" if same else did_you_mean(symbol, known)
    return UnknownSymbol(
        f"'{symbol}' is no symbol of the source '{source}'.{hint} 'data sources search {source}"
        " TEXT' lists what it has."
    )


def bare(symbol: str) -> str:
    """Letters and digits alone."""
    return _NO_LETTER.sub("", symbol.upper())
