"""The live feed on real threads: a venue that talks while errands run and the pipeline works."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from tests.live_house import bars_of
from tests.market import differences, execute, outcome_of, wired
from tests.random_market import Spec

from app.core.bars import BarColumns
from app.core.inbox import Inbox
from app.core.intervals import MINUTE_NS, SECOND_NS
from app.core.messages import BrokerNews, Message
from app.core.order_events import Acknowledged
from app.core.venue import Connected, VenueTime
from app.managers.data_manager.errands import Errands
from app.managers.data_manager.live_feed import LiveFeed
from app.managers.data_manager.live_stream import LiveTerms
from app.managers.time_manager import OffsetClock

pytestmark = pytest.mark.live

SPEC = Spec(
    seed=4, base="1m", sessions=2, history=1, minutes=24, half_days=frozenset({1}), gapless=False,
    broken=False, extended=False, keep=(1.0, 1.0), empty=frozenset(), actions=(),
    strategies=("Reader",), declared={}, participation=None, allow_short=True,
)  # fmt: skip
RATE = 600.0  # the venue's day in some seconds


class TalkingVenue:
    """Streams each bar when its own clock shows that it has closed, on a thread of its own."""

    def __init__(self, clock: OffsetClock, bars: dict[str, BarColumns]) -> None:
        self._clock = clock
        self._bars = bars
        self._closed = threading.Event()
        self._talking: threading.Thread | None = None

    def bars(self, symbol: str, interval: str, start_ns: int, end_ns: int) -> BarColumns:
        columns = self._bars[symbol]
        first, end = np.searchsorted(columns.start_ns, (start_ns, end_ns - MINUTE_NS + 1))
        return columns.slice(int(first), int(max(first, end)))

    def market_stream(
        self, symbols: Sequence[str], on_item: Callable[[Any], None]
    ) -> "TalkingVenue":
        on_item(Connected(self._clock.now_ns()))
        bars = [bar for name in symbols for bar in bars_of(name, self._bars[name])]
        coming = sorted(bars, key=lambda bar: bar.start_ns)
        now_ns = self._clock.now_ns()

        def talk() -> None:
            for bar in coming:
                due_ns = bar.start_ns + MINUTE_NS
                if due_ns < now_ns:
                    continue
                if self._closed.wait(self._clock.seconds_until(due_ns)):
                    return
                on_item(bar)

        self._talking = threading.Thread(target=talk, daemon=True)
        self._talking.start()
        return self

    def close(self) -> None:
        self._closed.set()
        if self._talking is not None:
            self._talking.join(10.0)
            assert not self._talking.is_alive()


def feed_of(spec: Spec, run: Any, market: Any, lead_ns: int) -> tuple[LiveFeed, Inbox, Errands]:
    wanted = run.feed._wanted
    clock = OffsetClock(VenueTime(wanted.sessions[0].open_ns - lead_ns, RATE))
    bars = {name: columns for (name, _), columns in spec.bars().items()}
    inbox, errands = Inbox(), Errands("errands")
    terms = LiveTerms(grace_ns=20 * MINUTE_NS, silent_ns=10**18, stale_ns=10**18)
    feed = LiveFeed(
        market.source, wanted, terms, TalkingVenue(clock, bars), inbox, clock, errands.run  # type: ignore[arg-type]
    )  # fmt: skip
    return feed, inbox, errands


def test_a_live_session_on_threads_comes_to_what_its_replay_comes_to() -> None:
    market = SPEC.market()
    run, results = wired(SPEC.config(runner="pool"), market)
    feed, _, errands = feed_of(SPEC, run, market, 10 * SECOND_NS)
    run.feed = feed  # type: ignore[assignment]
    outcome = outcome_of(run, results)
    assert outcome.orders, "a market in which nothing happens proves nothing"
    assert not differences(execute(SPEC.config(), SPEC.market()), outcome)
    assert errands.close(10.0)


def test_a_stop_ends_the_stream_at_once_and_leaves_no_thread_behind() -> None:
    market = SPEC.market()
    run, _ = wired(SPEC.config(), market)
    feed, inbox, errands = feed_of(SPEC, run, market, 10**6 * SECOND_NS)
    heard: list[Message] = []
    first = threading.Event()

    def listen() -> None:
        for message in feed.messages():
            heard.append(message)
            if isinstance(message, BrokerNews):
                first.set()

    thread = threading.Thread(target=listen)
    thread.start()
    inbox.put(Acknowledged(1))
    assert first.wait(10.0)
    feed.stop()
    thread.join(10.0)
    assert not thread.is_alive()
    assert errands.close(10.0)
    assert not any(one.name == "errands" for one in threading.enumerate())
