"""The live feed: the messages of a replay, made of what a venue says while it happens."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Protocol, get_args

from app.core.inbox import Heard, Inbox, Past
from app.core.messages import BrokerNews, Command, Message
from app.core.order_events import OrderEvent
from app.core.seams import BarSource
from app.core.venue import (
    Disconnected,
    Execution,
    MarketItem,
    OrderItem,
    Stream,
    Venue,
    VenueError,
    VenueReport,
)
from app.managers.data_manager.errands import Errand, Run
from app.managers.data_manager.live_stream import LiveStream, LiveTerms
from app.managers.data_manager.live_wishes import Wish
from app.managers.data_manager.stored_bars import HistorySources, StoredBars, Wanted

_EVENTS = frozenset(get_args(OrderEvent))


class VenueClock(Protocol):
    """The venue's time as this machine knows it."""

    def now_ns(self) -> int: ...

    def seconds_until(self, at_ns: int) -> float:
        """How long this machine must wait for a moment of the venue's."""
        ...


class LiveFeed:
    """A Feed. Everything comes through `inbox`; blocking calls to the venue are errands.

    `messages` drives it on the thread that iterates; a simulator calls `open`, then `step`.
    """

    def __init__(
        self,
        source: BarSource,
        wanted: Wanted,
        terms: LiveTerms,
        venue: Venue,
        inbox: Inbox,
        clock: VenueClock,
        run_errand: Run,
        through_ns: int | None = None,
    ) -> None:
        """`through_ns` is how far an earlier life of the run had come."""
        self._stored = StoredBars(source, wanted)
        self._wanted = wanted
        self._terms = terms
        self._venue = venue
        self._inbox = inbox
        self._clock = clock
        self._run_errand = run_errand
        self._through_ns = through_ns
        self._stream: LiveStream | None = None
        self._opening = threading.Lock()  # held while a subscription is changed
        self._subscription: Stream | None = None
        self._stopped = False
        self._failure: Exception | None = None  # of an errand: a defect, of the adapter's mostly

    @property
    def history_sources(self) -> HistorySources:
        """Which past bars it gave."""
        return self._stored.history_sources

    @property
    def counts(self) -> dict[str, int]:
        """What was of no use, by reason, and how many ticks and quotes were conflated."""
        bars = self._stream.bars.counts if self._stream is not None else {}
        return {**bars, "conflated": self._inbox.conflated}

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come: the last session is over, or the feed was stopped."""
        return self._stopped or self._core.is_over(self._clock.now_ns())

    def messages(self) -> Iterator[Message]:
        """History, then what happens until the last session is over."""
        try:
            yield self.open()
            while not self.is_over:
                now_ns = self._clock.now_ns()
                seconds = self._clock.seconds_until(self._core.due_ns(now_ns))
                yield from self.step(self._inbox.take(seconds))
        finally:
            self.close()

    def open(self) -> Message:
        """Subscribe, and give the history that the run begins with."""
        history = self._stored.history()
        now_ns = self._clock.now_ns()
        self._stream = LiveStream(self._wanted, self._terms, now_ns, self._through_ns)
        self._run_errand(partial(self._do, self._subscribe))
        self._run_wishes(now_ns)
        return history

    def step(self, items: Sequence[Heard]) -> Iterator[Message]:
        """What follows from these items and from the time it is now."""
        if self._failure is not None:
            raise self._failure
        stream, now_ns = self._core, self._clock.now_ns()
        events: list[OrderEvent] = []
        for item in items:
            if type(item) in _EVENTS:
                events.append(item)  # type: ignore[arg-type]
                continue
            if isinstance(item, Command):
                yield from self._news(events, now_ns)
                yield from stream.stand_at(now_ns)
                yield item
            else:
                stream.take(item, now_ns)  # type: ignore[arg-type]
        yield from self._news(events, now_ns)
        yield from stream.advance(now_ns)
        self._run_wishes(now_ns)

    def stop(self) -> None:
        """End the stream; from any thread."""
        self._stopped = True
        self._inbox.wake()

    def close(self) -> None:
        """Give the subscription up."""
        with self._opening:
            self._stopped = True
            self._unsubscribe()

    # -- leaves --------------------------------------------------------------------------------

    @property
    def _core(self) -> LiveStream:
        assert self._stream is not None, "open the feed first"
        return self._stream

    def _news(self, events: list[OrderEvent], now_ns: int) -> Iterator[Message]:
        """Events that came with no command between them are one instant."""
        if events:
            yield from self._core.stand_at(now_ns)
            yield BrokerNews(tuple(events))
            events.clear()

    def _run_wishes(self, now_ns: int) -> None:
        if self._core.wants_reopening(now_ns):
            self._run_errand(partial(self._do, self._subscribe))
        for wish in self._core.wishes(now_ns):
            self._run_errand(partial(self._do, partial(self._ask, wish)))

    def _do(self, errand: Errand) -> None:
        """An error nobody has named ends the stream, where it is driven."""
        try:
            errand()
        except Exception as error:
            self._failure = error
            self._inbox.wake()

    def _subscribe(self) -> None:
        """Open the market stream, in place of the one there was."""
        with self._opening:
            if self._stopped:
                return
            self._unsubscribe()
            try:
                self._subscription = self._venue.market_stream(self._wanted.symbols, self._hear)
            except VenueError as error:
                self._inbox.put(Disconnected(self._clock.now_ns(), str(error)))

    def _unsubscribe(self) -> None:
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            with suppress(VenueError):  # it is given up, whatever becomes of it
                subscription.close()

    def _ask(self, wish: Wish) -> None:
        """Ask the venue's history; the answer, or that there was none, goes the way of all."""
        try:
            bars = self._venue.bars(
                wish.symbol, self._wanted.base_interval, wish.start_ns, wish.end_ns
            )
        except VenueError:
            bars = None
        self._inbox.put(Past(wish.symbol, wish.start_ns, wish.end_ns, bars))

    def _hear(self, item: MarketItem | OrderItem) -> None:
        if not isinstance(item, VenueReport | Execution):
            self._inbox.put(item)
