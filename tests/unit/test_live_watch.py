"""What a live stream halts, and when: before anything is decided on data that is too old."""

import datetime as dt
from collections.abc import Sequence

import pytest
from tests.market import weekday_sessions

from app.core.intervals import MINUTE_NS, SECOND_NS
from app.core.messages import Bars, BrokerNews, Message
from app.core.order_events import Halted, Resumed
from app.core.venue import Connected, Disconnected, VenueBar
from app.managers.data_manager.live_stream import LiveStream, LiveTerms
from app.managers.data_manager.stored_bars import Wanted

SESSIONS = tuple(weekday_sessions(dt.date(2024, 3, 7), 1, minutes=10))
STALE = Halted(0, "no data of AAA for 100 s", "feed")
GONE = Halted(-1, "the market stream is gone: reset", "feed")


def at(number: float, second: float = 0.0) -> int:
    """A moment of the session, in minutes since its open."""
    return SESSIONS[0].open_ns + int(number * MINUTE_NS) + int(second * SECOND_NS)


def bar(number: int) -> VenueBar:
    return VenueBar("AAA", at(number), 50.0, 51.0, 49.0, 50.0, 100.0)


def stream_at(now_ns: int) -> LiveStream:
    """Connected, and silent for as long as it likes."""
    wanted = Wanted(
        market="XNYS", symbols=("AAA",), base_interval="1m", intervals=("1m",), history={},
        extended_hours=False, sessions=SESSIONS, sessions_before=(), adjustments=(),
        block_rows=8192,
    )  # fmt: skip
    terms = LiveTerms(stale_ns=100 * SECOND_NS, silent_ns=10**18, grace_ns=2 * SECOND_NS)
    stream = LiveStream(wanted, terms, now_ns)
    stream.take(Connected(now_ns), now_ns)
    list(stream.advance(now_ns))
    return stream


def told(messages: Sequence[Message]) -> list[object]:
    """Events as they are, and of blocks how many bars are in them."""
    found: list[object] = []
    for message in messages:
        if isinstance(message, BrokerNews):
            found += message.events
        elif isinstance(message, Bars):
            found.append(len(message.block))
    return found


@pytest.mark.parametrize("step", ["advance", "stand_at"])
def test_a_bar_that_a_leap_of_the_clock_makes_due_is_let_through_when_its_symbol_is_halted(
    step: str,
) -> None:
    stream = stream_at(at(0))
    stream.take(bar(0), at(0, 10))  # by this clock it has not ended: the venue's is ahead
    assert told(list(stream.advance(at(0, 10)))) == [0]
    first, *others = told(list(getattr(stream, step)(at(2))))
    assert first == STALE
    assert 1 in others


def test_time_does_not_move_either_before_what_is_stale_is_halted() -> None:
    stream = stream_at(at(0))
    assert told(list(stream.advance(at(0, 50)))) == [0]
    stream.take(bar(0), at(1, 1))
    list(stream.advance(at(1, 1)))
    assert told(list(stream.stand_at(at(2, 42)))) == [STALE, 0, 0]


def test_a_lost_connection_halts_before_the_bar_that_came_with_the_news_of_it() -> None:
    stream = stream_at(at(0))
    stream.take(bar(0), at(1, 1))
    stream.take(Disconnected(at(1, 1), "reset"), at(1, 1))
    assert told(list(stream.advance(at(1, 1)))) == [GONE, 1, 0]


def test_the_bar_that_ends_a_silence_is_let_through_before_its_symbol_is_resumed() -> None:
    stream = stream_at(at(0))
    assert told(list(stream.advance(at(1, 41)))) == [STALE, 0, 0]
    stream.take(bar(1), at(2, 1))
    resumed = Resumed(0, "data flows again", "feed")
    assert told(list(stream.advance(at(2, 1)))) == [1, 0, resumed]
