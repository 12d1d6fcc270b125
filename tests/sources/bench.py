"""What the suite of data sources asks of whoever brings one: bars, a clock, and things going wrong.

Every bench has ten minutes of bars of two symbols, or of them without the minutes 4 and 5; a page
of it holds three. Its clock stands still and is moved by hand, from before the first.
"""

import queue
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final, NamedTuple, Protocol

import numpy as np

from app.core.bars import BarColumns
from app.core.intervals import MINUTE_NS
from app.core.source import DataSource, pages
from app.core.venue import Stream

MINUTES: Final = 10
HOLE: Final = (4, 5)
PAGE: Final = 3
WAIT_SECONDS: Final = 10.0

# What a bench can do besides. A source's own bench says why it cannot.
LIMIT = "limit"  # it counts what is asked for, and turns away what is too much
LENGTHS = "lengths"  # it has longer bars than minutes
ROWS = "rows"  # it can be made to answer with rows of its choice
POWERS: Final = (LIMIT, LENGTHS, ROWS)

# What goes wrong with the next page.
STATUS, GARBAGE, SILENT, BUSY = "status", "garbage", "silent", "busy"


def price(number: int) -> float:
    """What a minute's bar opens at."""
    return 100.0 + number / 4


def made(first_ns: int, is_holed: bool) -> BarColumns:
    """The bars of a bench, each unlike the others."""
    numbers = np.array([n for n in range(MINUTES) if not (is_holed and n in HOLE)], np.int64)
    opens = 100.0 + numbers / 4
    starts = first_ns + numbers * MINUTE_NS
    return BarColumns(starts, opens, opens + 0.5, opens - 0.5, opens + 0.25, 10.0 + numbers)


class SourceBench(Protocol):
    """A source under test."""

    name: ClassVar[str]
    lacks: ClassVar[Mapping[str, str]]
    symbols: ClassVar[tuple[str, str]]
    misspelt: ClassVar[str]  # of the first of them

    def __init__(self, is_holed: bool) -> None: ...
    def open(self) -> DataSource: ...
    def open_nowhere(self) -> DataSource: ...
    def minute(self, number: int, seconds: int = 0) -> int: ...
    def to(self, number: int, seconds: int = 0) -> None: ...
    def arm(self, kind: str) -> None:
        """The next page goes wrong in this way, once."""
        ...

    def arm_rows(self, *minutes: int) -> None:
        """The next page holds the bars of these minutes, in this order."""
        ...

    def limit(self, pages_of_a_minute: int) -> None:
        """How many pages it gives in a minute, about."""
        ...

    def turned_away(self) -> int:
        """How many requests were too much."""
        ...

    def asked(self) -> int:
        """How many requests there were."""
        ...

    def cut(self) -> None:
        """End every stream's connection."""
        ...

    def close(self) -> None: ...


class Case(NamedTuple):
    number: int
    says: str
    play: Callable[[SourceBench], None]
    powers: frozenset[str]
    is_holed: bool

    @property
    def name(self) -> str:
        return f"S{self.number:02}"


CASES: Final[list[Case]] = []


def case(
    *powers: str, is_holed: bool = False
) -> Callable[[Callable[[SourceBench], None]], Callable[[SourceBench], None]]:
    """A case, numbered as it stands; what it demands is its docstring's one sentence."""

    def taken(play: Callable[[SourceBench], None]) -> Callable[[SourceBench], None]:
        says = " ".join((play.__doc__ or "").split())
        CASES.append(Case(len(CASES) + 1, says, play, frozenset(powers), is_holed))
        return play

    return taken


def demand(kind: type[SourceBench], case: Case) -> None:
    bench = kind(case.is_holed)
    try:
        case.play(bench)
    finally:
        bench.close()


# -- what cases say --------------------------------------------------------------------------------


def read(
    bench: SourceBench, source: DataSource, first: int, end: int, interval: str = "1m"
) -> list[int]:
    """The minutes whose bars all pages of a stretch bring, in the order in which they come."""
    found = pages(source, bench.symbols[0], interval, bench.minute(first), bench.minute(end))
    return [number for page in found for number in numbers(bench, page.bars)]


def numbers(bench: SourceBench, bars: BarColumns) -> list[int]:
    return [(start - bench.minute(0)) // MINUTE_NS for start in bars.start_ns.tolist()]


def listen(source: DataSource, symbol: str) -> tuple[Stream, Callable[[type], Any]]:
    """A live stream, and a way to wait for an item of a kind."""
    heard: queue.Queue[Any] = queue.Queue()
    stream = source.live([symbol], heard.put)

    def wait_for(kind: type) -> Any:
        while not isinstance(item := heard.get(timeout=WAIT_SECONDS), kind):
            pass
        return item

    return stream, wait_for
