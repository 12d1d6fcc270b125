"""What a venue says, turned into the messages a replay gives; free of threads and of any clock.

`take` hears one item, `advance` gives what is due by now, `wishes` what the venue is to be asked.
A block holds all bars of a minute: it is let through when the minute is over and every symbol has
its bar, or is known to have none, or after a grace. Between two minutes an empty block moves
`through_ns`, but never past the end of a minute that is not let through.
"""

from bisect import bisect_right
from collections.abc import Iterator
from typing import assert_never

import msgspec

from app.core.bars import Block, Table, fields_of
from app.core.halts import ALL_SYMBOLS
from app.core.inbox import Past, Trades
from app.core.intervals import MINUTE_NS, SECOND_NS
from app.core.messages import Backfill, Bars, BrokerNews, GapFound, Message
from app.core.venue import (
    Connected,
    Disconnected,
    Heartbeat,
    MarketItem,
    Quote,
    Tick,
    VenueBar,
)
from app.managers.data_manager.live_bars import LiveBars
from app.managers.data_manager.live_watch import LiveWatch
from app.managers.data_manager.live_wishes import Wish, Wishes
from app.managers.data_manager.stored_bars import Wanted, bounds_of, spans_of


class LiveTerms(msgspec.Struct, frozen=True):
    """How a live feed waits, and for what; all times are the venue's."""

    venue_interval: str = "1m"  # of the bars it streams
    in_order: bool = False  # a tick shows that no earlier one of its symbol will come
    grace_ns: int = 2 * SECOND_NS
    beat_ns: int = SECOND_NS  # about how often time moves between two minutes of a session
    stale_ns: int = 120 * SECOND_NS  # without an item of a symbol, in regular hours
    silent_ns: int = 15 * SECOND_NS  # without any item, heartbeats included
    catch_up_ns: int = 30 * SECOND_NS  # how long a start waits for the bars of its session so far
    linger_ns: int = 30 * SECOND_NS  # after the last close, for fills at it and late bars


class LiveStream:
    """One run's stream; moments handed in are the venue's and never go back.

    With `through_ns` the run goes on from there: sessions that closed since are closed first.
    """

    def __init__(
        self, wanted: Wanted, terms: LiveTerms, now_ns: int, through_ns: int | None = None
    ) -> None:
        self._wanted, self._terms = wanted, terms
        self._numbers = {name: number for number, name in enumerate(wanted.symbols)}
        self._bounds = bounds_of(wanted.sessions, wanted.extended_hours)
        self._starts: list[int] = self._bounds[0].tolist()
        self._end_ns = int(self._bounds[1][-1])
        self.bars = LiveBars(wanted, terms.venue_interval, terms.in_order)
        self._watch = LiveWatch(
            wanted.symbols, wanted.sessions, terms.stale_ns, terms.silent_ns, now_ns
        )
        self._wishes = Wishes(wanted.symbols)
        over = bisect_right(self._bounds[1].tolist(), now_ns)
        self._through_ns = int(self._bounds[1][over - 1]) if over else 0
        if through_ns is not None:
            self._through_ns = through_ns
        self._over_ns = max(self._end_ns, now_ns) + terms.linger_ns
        self._begun = over - 1  # the newest session that is named
        self._hold_ns = 0  # until when today's bars so far are waited for
        self._again: tuple[int, int] | None = None  # a slot that was not heard whole, and when
        self._begin(over, now_ns)

    def is_over(self, now_ns: int) -> bool:
        """Whether the last session is over, and what came of its close has been waited for."""
        return self._through_ns >= self._end_ns and now_ns >= self._over_ns

    def take(self, item: MarketItem | Trades | Past | GapFound, now_ns: int) -> None:
        """One item, as it came."""
        match item:
            case Tick():
                self.bars.take_tick(item)
                self._hear(item.symbol, now_ns)
            case Trades():
                self.bars.take_trades(item)
                self._hear(item.symbol, now_ns)
            case VenueBar():
                self.bars.take_bar(item)
                self._hear(item.symbol, now_ns)
            case Quote():
                self.bars.take_quote(item)
                self._hear(item.symbol, now_ns)
            case Heartbeat():
                self._watch.hear(ALL_SYMBOLS, now_ns)
            case Connected():
                self._ask_for_what_was_missed(now_ns)
                self._watch.connect(now_ns)
            case Disconnected():
                self._watch.disconnect(item.reason)
            case Past():
                self.bars.take_past(item)
                self._wishes.answered(item, now_ns)
            case GapFound():
                self._wishes.add(item.symbol, item.from_ns, item.to_ns)
            case _:
                assert_never(item)

    def advance(self, now_ns: int) -> Iterator[Message]:
        """What is due by now, and time when it has stood for a beat."""
        yield from self._halts(now_ns)
        yield from self._due(now_ns)
        marks = self._watch.resumptions(now_ns)
        if marks:
            yield from self._time(now_ns, 1)
            yield BrokerNews(tuple(marks))
        yield from self._time(now_ns, self._beat_ns(now_ns))

    def stand_at(self, now_ns: int) -> Iterator[Message]:
        """What is due by now, and time as far as it may go: something else happens now."""
        yield from self._halts(now_ns)
        yield from self._due(now_ns)
        yield from self._time(now_ns, 1)

    def wishes(self, now_ns: int) -> Iterator[Wish]:
        """What history to ask the venue for now, each once; an answer comes back as `Past`."""
        if self._again is not None and now_ns >= self._again[1]:
            slot, self._again = self._again[0], None
            for symbol in range(len(self._wanted.symbols)):
                if not self.bars.has_whole(slot, symbol):
                    slots = self.bars.slots
                    self._wishes.add(symbol, slots.start_ns[slot], slots.end_ns[slot])
        return self._wishes.take(now_ns)

    def wants_reopening(self, now_ns: int) -> bool:
        """Whether the stream has fallen silent and is to be opened anew; said once a silence."""
        return self._watch.wants_reopening(now_ns)

    def due_ns(self, now_ns: int) -> int:
        """When to call `advance` at the latest."""
        moments = [now_ns + self._beat_ns(now_ns), self._watch.last_ns + self._terms.silent_ns + 1]
        if self.bars.next < len(self.bars.slots):
            end_ns = self.bars.slots.end_ns[self.bars.next]
            moments += [end_ns, end_ns + self._terms.grace_ns]
        moments += self._starts[self._begun + 1 : self._begun + 2]
        moments += [self._hold_ns, self._wishes.retry_ns, self._over_ns]
        if self._again is not None:
            moments.append(self._again[1])
        return min(at_ns for at_ns in moments if at_ns > now_ns)

    # -- the start and what was missed ---------------------------------------------------------

    def _begin(self, session: int, now_ns: int) -> None:
        """Slots that have ended are not let through: they are caught up with."""
        slots = self.bars.slots
        passed = slots.open_at(now_ns)
        self.bars.skip(passed)
        if session < len(self._starts):
            self.bars.begin_session(session)
            first = slots.first[session]
            if first < passed:
                self._hold_ns = now_ns + self._terms.catch_up_ns
                self._ask_all(slots.start_ns[first], slots.end_ns[passed - 1])

    def _ask_for_what_was_missed(self, now_ns: int) -> None:
        """From the slot before the last sign of life on; the slot under way, when it is over."""
        slots, under_way = self.bars.slots, self.bars.slots.open_at(now_ns)
        heard = max(slots.open_at(self._watch.last_ns) - 1, slots.first[max(self._begun, 0)])
        if heard < under_way:
            self._ask_all(slots.start_ns[heard], slots.end_ns[under_way - 1])
        if slots.at(now_ns) >= 0:
            self._again = (under_way, slots.end_ns[under_way] + self._terms.grace_ns // 4)

    def _ask_all(self, start_ns: int, end_ns: int) -> None:
        for symbol in range(len(self._wanted.symbols)):
            self._wishes.add(symbol, start_ns, end_ns)

    def _hear(self, name: str, now_ns: int) -> None:
        self._watch.hear(self._numbers.get(name, ALL_SYMBOLS), now_ns)

    # -- instants ------------------------------------------------------------------------------

    def _halts(self, now_ns: int) -> Iterator[Message]:
        """What has become stale, before time moves: where the clock has leapt, bars may be due
        that came long ago, and a hook that runs on them or on the time may open nothing.
        """
        halts = self._watch.halts(now_ns)
        if halts:
            yield BrokerNews(tuple(halts))

    def _due(self, now_ns: int) -> Iterator[Message]:
        if self._is_held(now_ns):
            return
        slots = self.bars.slots
        late = self.bars.late()
        if late:  # their session opens first
            start_ns = self._session_start_ns(slots.start_ns[self.bars.next - 1])
            if self._through_ns < start_ns:
                yield self._block(self.bars.no_bars(), start_ns)
            yield Backfill(late)
        while self.bars.next < len(slots):
            slot, end_ns = self.bars.next, slots.end_ns[self.bars.next]
            due_ns = end_ns if self.bars.is_complete(slot) else end_ns + self._terms.grace_ns
            if due_ns > now_ns:
                return
            yield self._block(self.bars.close(), end_ns)

    def _time(self, now_ns: int, least_ns: int) -> Iterator[Message]:
        """Time as far as it may go, when that is far enough or begins or ends a session."""
        reach_ns = min(now_ns, self._end_ns)
        if self.bars.next < len(self.bars.slots):
            reach_ns = min(reach_ns, self.bars.slots.end_ns[self.bars.next] - 1)
        start_ns = self._session_start_ns(reach_ns)
        if self._is_held(now_ns):
            reach_ns = min(reach_ns, start_ns)
        if reach_ns <= self._through_ns or reach_ns < self._starts[0]:
            return
        crossed = self._through_ns < start_ns or reach_ns == self._end_ns
        if crossed or reach_ns - self._through_ns >= least_ns:
            yield self._block(self.bars.no_bars(), reach_ns)

    def _is_held(self, now_ns: int) -> bool:
        """Whether today's bars so far are still waited for."""
        if self._hold_ns and (now_ns >= self._hold_ns or not self._wishes):
            self._hold_ns = 0
        return self._hold_ns > 0

    def _beat_ns(self, now_ns: int) -> int:
        """How often time moves; seldom between two sessions."""
        under_way = self._begun >= 0 and now_ns < int(self._bounds[1][self._begun])
        return self._terms.beat_ns if under_way else max(self._terms.beat_ns, MINUTE_NS)

    def _session_start_ns(self, at_ns: int) -> int:
        """The start of the newest session that has begun; -1 for none."""
        begun = bisect_right(self._starts, at_ns) - 1
        return self._starts[begun] if begun >= 0 else -1

    def _block(self, table: Table, through_ns: int) -> Bars:
        sessions = self._wanted.sessions
        spans = spans_of(sessions, self._bounds, table.start_ns, self._through_ns, through_ns)
        self._through_ns = through_ns
        begun = bisect_right(self._starts, through_ns) - 1
        if begun > self._begun:
            self._begun = begun
            self.bars.begin_session(begun)
        columns = {name: getattr(table, name) for name in fields_of(table)}
        return Bars(Block(**columns, spans=spans, through_ns=through_ns))
