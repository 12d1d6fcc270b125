"""A venue by script, and a live feed that hears it on a clock which only the script moves."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from app.core.bars import COLUMNS, BarColumns, Block
from app.core.inbox import Heard, Inbox
from app.core.intervals import SECOND_NS, interval_ns
from app.core.messages import Bars, Message
from app.core.seams import BarSource
from app.core.venue import Quote, VenueBar, VenueUnclear
from app.managers.data_manager.live_feed import LiveFeed
from app.managers.data_manager.live_stream import LiveTerms
from app.managers.data_manager.stored_bars import Wanted
from tests.market import Memory

_NONE = BarColumns(np.empty(0, np.int64), *(np.empty(0) for _ in COLUMNS[1:]))

Script = Sequence[tuple[int, Heard]]  # when, and what is heard then


class ScriptClock:
    """Stands where the script is."""

    def __init__(self, now_ns: int) -> None:
        self.at_ns = now_ns

    def now_ns(self) -> int:
        return self.at_ns

    def seconds_until(self, at_ns: int) -> float:
        return max(at_ns - self.at_ns, 0) / 1e9


class ScriptInbox(Inbox):
    """Waiting is going on in the script: to its next item, or to when the wait is over."""

    def __init__(self, script: Script, clock: ScriptClock, bound_items: int = 10**9) -> None:
        super().__init__(bound_items)
        self._script = sorted(script, key=lambda entry: entry[0])
        self._place = 0
        self._clock = clock

    def take(self, timeout_seconds: float) -> list[Heard]:
        if not len(self):
            until_ns = self._clock.at_ns + round(timeout_seconds * 1e9)
            if self._place < len(self._script):
                until_ns = min(until_ns, max(self._script[self._place][0], self._clock.at_ns))
            self._clock.at_ns = until_ns
            while self._place < len(self._script) and self._script[self._place][0] <= until_ns:
                self.put(self._script[self._place][1])
                self._place += 1
        return super().take(0.0)


class ScriptStream:
    """A subscription, open until it is closed."""

    is_open = True

    def close(self) -> None:
        self.is_open = False
        raise VenueUnclear("The connection was lost already.")


class ScriptVenue:
    """Of a venue, what a feed needs: history, and subscriptions that say nothing by themselves."""

    def __init__(self, clock: ScriptClock, bars: dict[str, BarColumns]) -> None:
        self._clock = clock
        self._bars = bars
        self.asked: list[tuple[str, int, int]] = []
        self.streams: list[ScriptStream] = []
        self.failing = 0  # so many of the next questions
        self.refusing = 0  # so many of the next subscriptions

    def bars(self, symbol: str, interval: str, start_ns: int, end_ns: int) -> BarColumns:
        """What it has of this time and had closed by now."""
        self.asked.append((symbol, start_ns, end_ns))
        if self.failing:
            self.failing -= 1
            raise VenueUnclear("The venue does not answer.")
        columns = self._bars.get(symbol, _NONE)
        closed_ns = min(end_ns, self._clock.at_ns - interval_ns(interval) + 1)
        first, end = np.searchsorted(columns.start_ns, (start_ns, closed_ns))
        return columns.slice(int(first), max(int(first), int(end)))

    def market_stream(self, symbols: Sequence[str], on_item: Callable[..., None]) -> ScriptStream:
        self.streams.append(ScriptStream())
        if self.refusing:
            self.refusing -= 1
            raise VenueUnclear("The venue does not answer.")
        return self.streams[-1]


class House:
    """A live feed with all it needs."""

    def __init__(
        self,
        source: BarSource,
        wanted: Wanted,
        script: Script,
        now_ns: int,
        venue_bars: dict[str, BarColumns] | None = None,
        bound_items: int = 10**9,
        through_ns: int | None = None,
        **terms: Any,
    ) -> None:
        self.clock = ScriptClock(now_ns)
        self.venue = ScriptVenue(self.clock, venue_bars or {})
        self.inbox = ScriptInbox(script, self.clock, bound_items)
        self.feed = LiveFeed(
            source,
            wanted,
            LiveTerms(**terms),
            self.venue,
            self.inbox,
            self.clock,
            lambda errand: errand(),
            through_ns,
        )

    def messages(self) -> list[Message]:
        """All but the history."""
        return list(self.feed.messages())[1:]


def bars_of(symbol: str, columns: BarColumns) -> Iterator[VenueBar]:
    """A symbol's bars as a venue streams them."""
    for row in zip(*(getattr(columns, name).tolist() for name in COLUMNS), strict=True):
        yield VenueBar(symbol, *row)


def closing(
    bars: dict[str, BarColumns],
    known: Callable[[np.ndarray], np.ndarray],
    delay_ns: int = 50_000_000,
) -> list[tuple[int, Heard]]:
    """Every bar a moment after it has closed."""
    return [
        (int(known_ns) + delay_ns, bar)
        for symbol, columns in bars.items()
        for known_ns, bar in zip(known(columns.start_ns), bars_of(symbol, columns), strict=True)
    ]


def quotes_of(source: Memory, symbol: str, columns: BarColumns) -> Iterator[tuple[int, Quote]]:
    """The quotes at the opens of a symbol's bars, as a source has them, when each is made."""
    first_ns, end_ns = int(columns.start_ns[0]), int(columns.start_ns[-1]) + 1
    starts, spreads = source.spreads("XNYS", symbol, "1m", first_ns, end_ns)
    for at_ns, spread in zip(starts.tolist(), spreads.tolist(), strict=True):
        if spread == spread:
            yield at_ns, Quote(symbol, at_ns, 100.0, 100.0 + spread)


def blocks_of(messages: Sequence[Message]) -> list[Block]:
    return [message.block for message in messages if isinstance(message, Bars)]


def rows_of(blocks: Sequence[Block]) -> list[tuple[float, ...]]:
    """All rows, as symbol, start, known and values."""
    names = ("symbol", "start_ns", "known_ns", *COLUMNS[1:])
    return [
        row
        for block in blocks
        for row in zip(*(getattr(block, name).tolist() for name in names), strict=True)
    ]


GRACE_NS = 2 * SECOND_NS
