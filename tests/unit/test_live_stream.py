"""A venue's stream by script: blocks, time, late bars, and what the venue is asked."""

import datetime as dt
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.live_house import House, Script, bars_of, blocks_of, closing, rows_of
from tests.market import Memory, minute_starts, random_bars, weekday_sessions

from app.core.bars import COLUMNS, BarColumns
from app.core.calendar import TradingSession
from app.core.inbox import Heard, Past
from app.core.intervals import HOUR_NS, MINUTE_NS, SECOND_NS
from app.core.messages import Backfill, Bars, BrokerNews, Command, GapFound, History, Message
from app.core.order_events import Acknowledged, Halted, Resumed
from app.core.venue import Connected, Disconnected, Heartbeat, Quote, Tick, VenueBar
from app.managers.data_manager.live_wishes import Wish, Wishes
from app.managers.data_manager.stored_bars import Wanted

SESSIONS = weekday_sessions(dt.date(2024, 3, 7), 3, minutes=10)  # over the weekend of DST
OPEN_NS = SESSIONS[0].open_ns
NAMES = ("AAA", "BBB")
QUIET: dict[str, Any] = {"stale_ns": 10**18, "silent_ns": 10**18, "beat_ns": HOUR_NS}


def wanted(sessions: Sequence[TradingSession] = SESSIONS[:1], **parts: Any) -> Wanted:
    base: dict[str, Any] = {
        "market": "XNYS",
        "symbols": NAMES,
        "base_interval": "1m",
        "intervals": ("1m",),
        "history": {},
        "extended_hours": False,
        "sessions": tuple(sessions),
        "sessions_before": (),
        "adjustments": (),
        "block_rows": 8192,
    }
    return Wanted(**{**base, **parts})


def bank(sessions: Sequence[TradingSession] = SESSIONS[:1]) -> dict[str, BarColumns]:
    starts = minute_starts(sessions)
    return {name: random_bars(starts, seed) for seed, name in enumerate(NAMES)}


def known(starts: np.ndarray) -> np.ndarray:
    return starts + MINUTE_NS


def house(
    script: Script,
    now_ns: int = OPEN_NS - MINUTE_NS,
    want: Wanted | None = None,
    bars: dict[str, BarColumns] | None = None,
    bound_items: int = 10**9,
    **terms: Any,
) -> House:
    want = wanted() if want is None else want
    return House(Memory({}), want, script, now_ns, bars, bound_items, **{**QUIET, **terms})


def timed(of: House) -> list[tuple[int, Message]]:
    """Every message with the moment it was given at."""
    messages = [(of.clock.at_ns, message) for message in of.feed.messages()]
    assert isinstance(messages[0][1], History)
    return messages[1:]


def at(number: float, second: float = 0.0) -> int:
    """A moment of the first session, in minutes since its open."""
    return OPEN_NS + int(number * MINUTE_NS) + int(second * SECOND_NS)


def bar(symbol: str, number: int, price: float = 50.0) -> VenueBar:
    return VenueBar(symbol, at(number), price, price + 1, price - 1, price, 100.0)


def tick(symbol: str, at_ns: int, price: float = 50.0, volume: float = 1.0) -> Tick:
    return Tick(symbol, at_ns, price, volume)


def when_closed(messages: Sequence[tuple[int, Message]]) -> dict[int, int]:
    """By minute, the moment its bars were let through."""
    return {
        int(message.block.start_ns[0]): at_ns
        for at_ns, message in messages
        if isinstance(message, Bars) and len(message.block)
    }


# -- bars out of ticks -----------------------------------------------------------------------------

ticks = st.lists(
    st.builds(
        Tick,
        st.sampled_from([*NAMES, "ZZZ"]),
        st.integers(-MINUTE_NS, 11 * MINUTE_NS).map(lambda ns: OPEN_NS + ns),
        st.integers(1, 900).map(lambda cents: cents / 100),
        st.integers(0, 9999).map(lambda thousandths: thousandths / 1000),
    ),
    max_size=50,
    unique_by=lambda one: (one.symbol, one.at_ns),
)


def folded(given_: Sequence[Tick]) -> list[tuple[float, ...]]:
    """The minute bars of some trades, the plain way."""
    found = []
    for number in range(10):
        for symbol, name in enumerate(NAMES):
            own = [t for t in given_ if t.symbol == name and at(number) <= t.at_ns < at(number + 1)]
            own.sort(key=lambda t: t.at_ns)
            if own:
                prices = [t.price for t in own]
                values = prices[0], max(prices), min(prices), prices[-1]
                volume = sum(round(t.volume * 1e8) for t in own) / 1e8
                found.append((symbol, at(number), at(number + 1), *values, volume))
    return found


@given(ticks, st.data())
@settings(deadline=None)
def test_trades_in_any_order_twice_or_late_within_grace_give_the_same_bars(
    given_: list[Tick], data: st.DataObject
) -> None:
    delays = st.lists(st.integers(0, 2 * SECOND_NS - 1), min_size=1, max_size=2)
    script = [(t.at_ns + delay, t) for t in given_ for delay in data.draw(delays)]
    messages = house(script).messages()
    assert rows_of(blocks_of(messages)) == folded(given_)
    assert not any(isinstance(message, Backfill) for message in messages)


@given(ticks, st.integers(0, 20))
@settings(deadline=None)
def test_a_crowded_inbox_changes_no_bar(given_: list[Tick], bound: int) -> None:
    script = [(at(t.at_ns // MINUTE_NS - OPEN_NS // MINUTE_NS + 1, 1), t) for t in given_]
    of = house(script, bound_items=bound)
    assert rows_of(blocks_of(of.messages())) == folded(given_)
    assert of.feed.counts["conflated"] == of.inbox.conflated


def test_two_trades_that_an_id_tells_apart_both_count() -> None:
    script = [(at(1), Tick("AAA", at(0, 5), 50.0, 2.0, trade)) for trade in ("1", "2", "2")]
    of = house(script)
    assert rows_of(blocks_of(of.messages())) == [(0, at(0), at(1), 50.0, 50.0, 50.0, 50.0, 4.0)]
    assert of.feed.counts == {"duplicates": 1, "conflated": 0}


@pytest.mark.parametrize("bad", [(math.nan, 1.0), (0.0, 1.0), (50.0, -1.0), (math.inf, 1.0)])
def test_a_trade_that_makes_no_sense_is_counted_and_no_more(bad: tuple[float, float]) -> None:
    of = house([(at(0, 5), Tick("AAA", at(0, 5), *bad))])
    assert not rows_of(blocks_of(of.messages()))
    assert of.feed.counts["bad"] == 1


def test_minutes_of_the_venue_s_make_longer_bars() -> None:
    script = [(at(number + 1, 0.1), bar("AAA", number, 50.0 + number)) for number in range(10)]
    messages = timed(house(script, want=wanted(base_interval="5m", symbols=NAMES[:1])))
    assert rows_of(blocks_of([message for _, message in messages])) == [
        (0, at(0), at(5), 50.0, 55.0, 49.0, 54.0, 500.0),
        (0, at(5), at(10), 55.0, 60.0, 54.0, 59.0, 500.0),
    ]
    assert when_closed(messages) == {at(0): at(5, 0.1), at(5): at(10, 0.1)}


# -- when a minute is let through ------------------------------------------------------------------


def test_a_minute_goes_as_soon_as_every_symbol_has_its_bar_else_after_the_grace() -> None:
    script: list[tuple[int, Heard]] = [
        (at(1, 0.1), bar("BBB", 0)),
        (at(1, 0.3), bar("AAA", 0)),
        (at(2, 0.2), bar("AAA", 1)),
    ]
    messages = timed(house(script))
    assert when_closed(messages) == {at(0): at(1, 0.3), at(1): at(2, 2.0)}
    block = blocks_of([message for _, message in messages if len(message.block)])[0]  # type: ignore[union-attr]
    assert block.symbol.tolist() == [0, 1] and block.through_ns == at(1)


def test_where_trades_come_in_order_one_of_the_next_minute_ends_the_wait() -> None:
    script: list[tuple[int, Heard]] = [(at(0, 5), tick("AAA", at(0, 5)))]
    script += [(at(1, second), tick(name, at(1, second))) for second, name in enumerate(NAMES)]
    assert when_closed(timed(house(script, in_order=True)))[at(0)] == at(1, 1)
    assert when_closed(timed(house(script)))[at(0)] == at(1, 2)


def test_a_trade_from_the_future_lets_nothing_through_before_its_time() -> None:
    script = [(at(0, 5), tick("AAA", at(0, 5)))]
    script += [(at(0, 6), tick(name, at(8))) for name in NAMES]
    assert when_closed(timed(house(script, in_order=True)))[at(0)] == at(1)


def test_time_moves_between_minutes_but_never_past_one_that_is_not_whole() -> None:
    messages = timed(house([(at(1, 1.5), bar("AAA", 0))], beat_ns=SECOND_NS))
    through = [(at_ns, m.block.through_ns) for at_ns, m in messages if isinstance(m, Bars)]
    early = [(at_ns, ns) for at_ns, ns in through if at_ns <= at(1, 3)]
    assert early[0] == (at(0), at(0))
    assert (at(0, 30), at(0, 30)) in early
    held = [ns for at_ns, ns in early if at(1) <= at_ns < at(1, 2)]
    assert all(ns < at(1) for ns in held)
    assert early[-3:] == [(at(1, 2), at(1)), (at(1, 2), at(1, 2)), (at(1, 3), at(1, 3))]


items = st.one_of(
    st.builds(Tick, st.sampled_from(NAMES), st.integers(-90, 700).map(lambda s: at(0, s)),
              st.sampled_from([1.0, 2.5]), st.just(1.0)),
    st.builds(bar, st.sampled_from(NAMES), st.integers(0, 9), st.sampled_from([5.0, 7.0])),
    st.builds(Acknowledged, st.integers(1, 99)),
    st.builds(Command, st.sampled_from(["pause", "resume"])),
    st.sampled_from([Heartbeat(0), Connected(0), Disconnected(0, "gone")]),
    st.just(GapFound(0, at(2), at(4))),
)  # fmt: skip


@given(st.data())
@settings(max_examples=20, deadline=None)
def test_bars_in_any_order_twice_or_late_within_grace_are_the_same_blocks(
    data: st.DataObject,
) -> None:
    bars = bank()
    delays = st.lists(st.integers(0, 2 * SECOND_NS - 1), min_size=1, max_size=2)
    script = [
        (at_ns + delay, one)
        for at_ns, one in closing(bars, known, 0)
        for delay in data.draw(delays)
    ]
    messages = house(script).messages()
    assert not backfills(messages)
    assert rows_of(blocks_of(messages)) == rows_of(
        blocks_of(house(closing(bars, known)).messages())
    )


@given(st.lists(st.tuples(st.integers(-90, 660).map(lambda s: at(0, s)), items), max_size=40))
@settings(deadline=None)
def test_whatever_comes_time_only_grows_and_keeps_its_promise(script: Script) -> None:
    of = house(script, bars=bank(), beat_ns=10 * SECOND_NS, silent_ns=30 * SECOND_NS)
    messages = timed(of)
    through_ns, named = 0, set()
    for at_ns, message in messages:
        if not isinstance(message, Bars):
            continue
        block = message.block
        assert through_ns < block.through_ns <= max(at_ns, OPEN_NS)
        assert (block.known_ns > through_ns).all() and (block.known_ns <= block.through_ns).all()
        assert block.symbol.tolist() == sorted(set(block.symbol.tolist()))
        through_ns = block.through_ns
        named |= {span.session.date for span in block.spans}
    assert through_ns == SESSIONS[0].close_ns and named == {SESSIONS[0].date}
    ordered = sorted(script, key=lambda entry: entry[0])
    heard = [one for _, one in ordered if isinstance(one, Acknowledged | Command)]
    told: list[object] = []
    for _, message in messages:
        if isinstance(message, BrokerNews):
            told += [e for e in message.events if isinstance(e, Acknowledged)]
        elif isinstance(message, Command):
            told.append(message)
    late = [one for at_ns, one in ordered if at_ns > at(10, 30)]
    assert told == heard[: len(told)] and len(heard) - len(told) <= len(late)


def test_sessions_open_and_close_by_the_calendar_without_a_single_bar() -> None:
    messages = timed(house([], want=wanted(SESSIONS)))
    through = [(at_ns, m.block.through_ns) for at_ns, m in messages if isinstance(m, Bars)]
    for of in SESSIONS:
        assert (of.open_ns, of.open_ns) in through
        assert (of.close_ns + 2 * SECOND_NS, of.close_ns) in through
    spans = [m.block.spans for _, m in messages if isinstance(m, Bars)]
    assert [s.session.date for group in spans for s in group if s.session == SESSIONS[1]]
    assert through[-1][1] == SESSIONS[-1].close_ns


# -- what comes late, twice, or otherwise ----------------------------------------------------------


def backfills(messages: Sequence[Message]) -> list[tuple[float, ...]]:
    return [
        (symbol, *(getattr(table, name)[row] for name in COLUMNS[:1] + COLUMNS[4:5]))
        for message in messages
        if isinstance(message, Backfill)
        for symbol, table in message.bars.items()
        for row in range(len(table))
    ]


def test_a_bar_that_comes_after_its_minute_is_backfilled() -> None:
    script = [(at(1, 1), bar("AAA", 0)), (at(1, 5), bar("BBB", 0, 60.0))]
    messages = house(script).messages()
    assert backfills(messages) == [(1, at(0), 60.0)]
    assert [row[0] for row in rows_of(blocks_of(messages))] == [0]


def test_of_one_start_equal_bars_are_one_and_another_value_corrects() -> None:
    script = [
        (at(1, 0.5), bar("AAA", 0, 50.0)),
        (at(1, 0.6), bar("AAA", 0, 51.0)),  # in time: replaces
        (at(1, 9), bar("AAA", 0, 51.0)),  # the same again: nothing
        (at(3, 5), bar("AAA", 0, 52.0)),  # passed, and different: a correction
    ]
    messages = house(script).messages()
    assert [row[6] for row in rows_of(blocks_of(messages))] == [51.0]
    assert backfills(messages) == [(0, at(0), 52.0)]


def test_a_late_trade_corrects_the_bar_it_belongs_to() -> None:
    script = [(at(0, 5), tick("AAA", at(0, 5), 50.0)), (at(1, 9), tick("AAA", at(0, 50), 58.0))]
    (late,) = [m for m in house(script).messages() if isinstance(m, Backfill)]
    table = late.bars[0]
    assert (table.high[0], table.close[0], table.volume[0]) == (58.0, 58.0, 2.0)


def test_a_trade_that_is_later_than_a_quarter_of_an_hour_changes_nothing() -> None:
    sessions = weekday_sessions(dt.date(2024, 3, 7), 1, minutes=40)
    for minutes, count in ((10, 1), (20, 0)):
        of = house([(at(minutes), tick("AAA", at(0, 5)))], want=wanted(sessions))
        assert len(backfills(of.messages())) == count
        assert of.feed.counts.get("late", 0) == 1 - count


def test_a_bar_of_a_session_that_is_over_comes_too_late() -> None:
    script = [(SESSIONS[1].open_ns + SECOND_NS, bar("AAA", 3))]
    of = house(script, want=wanted(SESSIONS[:2]))
    assert not backfills(of.messages())
    assert of.feed.counts["late"] == 1


def test_the_last_bar_of_a_session_may_be_corrected_until_the_next_begins() -> None:
    script = [(SESSIONS[0].close_ns + HOUR_NS, bar("AAA", 9, 77.0))]
    assert backfills(house(script, want=wanted(SESSIONS[:2])).messages()) == [(0, at(9), 77.0)]


# -- history of the venue --------------------------------------------------------------------------


def from_minute(bars: dict[str, BarColumns], first: int, end: int = 10) -> Script:
    return closing({name: columns.slice(first, end) for name, columns in bars.items()}, known)


def test_a_start_in_mid_session_catches_up_before_it_goes_on() -> None:
    bars = bank()
    start_ns = at(4, 30)
    messages = timed(house(from_minute(bars, 5), start_ns, bars=bars))
    (_, opening), (caught_ns, caught) = messages[:2]
    assert isinstance(opening, Bars) and opening.block.through_ns == OPEN_NS
    assert [span.session for span in opening.block.spans] == [SESSIONS[0]]
    assert isinstance(caught, Backfill) and caught_ns == start_ns
    assert [len(table) for table in caught.bars.values()] == [4, 4]
    rows = rows_of(blocks_of([message for _, message in messages]))
    assert {row[1] for row in rows} == {at(number) for number in range(5, 10)}


def test_the_minute_under_way_at_the_start_is_asked_for_when_it_is_over() -> None:
    bars = bank()
    script: list[tuple[int, Heard]] = [(at(4, 30), Connected(at(4, 30)))]
    script += [(at(4, 40), tick(name, at(4, 40), 1.0)) for name in NAMES]  # but half of it
    of = house([*script, *from_minute(bars, 5)], at(4, 30), bars=bars)
    rows = rows_of(blocks_of(of.messages()))
    assert [row[6] for row in rows[:2]] == [bars[name].close[4] for name in NAMES]
    assert of.venue.asked[-2:] == [(name, at(4), at(5)) for name in NAMES]


def test_a_history_that_fails_is_asked_again_and_waited_for_only_so_long() -> None:
    bars = bank()
    of = house(from_minute(bars, 5), at(4, 30), bars=bars, beat_ns=SECOND_NS)
    of.venue.failing = 2
    messages = timed(of)
    caught = [(at_ns, m) for at_ns, m in messages if isinstance(m, Backfill)]
    assert [at_ns for at_ns, _ in caught] == [at(4, 35)]
    of = house(from_minute(bars, 5), at(4, 30), bars=bars, catch_up_ns=2 * MINUTE_NS)
    of.venue.failing = 10**6
    through = [(at_ns, m.block.through_ns) for at_ns, m in timed(of) if isinstance(m, Bars)]
    assert through[:3] == [(at(4, 30), OPEN_NS), (at(6, 30), at(5)), (at(6, 30), at(6))]


def test_a_symbol_is_asked_for_one_stretch_at_a_time() -> None:
    wishes = Wishes(NAMES)
    wishes.add(0, 10, 20)
    wishes.add(0, 5, 12)
    assert list(wishes.take(0)) == [Wish("AAA", 5, 20)]
    wishes.add(0, 30, 40)
    assert list(wishes.take(0)) == [] and wishes
    wishes.answered(Past("AAA", 5, 20, None), now_ns=0)  # it could not be asked
    assert list(wishes.take(SECOND_NS)) == []
    assert list(wishes.take(5 * SECOND_NS)) == [Wish("AAA", 5, 40)]
    wishes.answered(Past("AAA", 5, 40, bank()["AAA"]), now_ns=0)
    assert not wishes


def test_what_was_missed_while_the_stream_was_gone_is_asked_for_and_overlap_is_nothing() -> None:
    bars = bank()
    script = [*from_minute(bars, 0, 3), *from_minute(bars, 7)]
    script.append((at(3, 10), Disconnected(at(3, 10), "reset")))
    script.append((at(6, 30), Connected(at(6, 30))))
    for name in NAMES:  # the venue says some again
        script += [(at(6, 31), one) for one in bars_of(name, bars[name].slice(1, 6))]
    of = house(script, bars=bars)
    messages = of.messages()
    live = {row[1] for row in rows_of(blocks_of(messages))}
    late = {row[1] for row in backfills(messages)}
    assert live == {at(number) for number in (0, 1, 2, 6, 7, 8, 9)}
    assert late == {at(number) for number in (3, 4, 5)}
    assert of.venue.asked[0] == ("AAA", at(2), at(6))


def test_a_gap_is_answered_from_history_and_a_thin_minute_with_nothing() -> None:
    bars = bank()
    script = from_minute(bars, 0)
    script = [entry for entry in script if entry[1].start_ns != at(3)]  # type: ignore[union-attr]
    script.append((at(6), GapFound(1, at(3), at(4))))
    of = house(script, bars=bars)
    assert backfills(of.messages()) == [(1, at(3), bars["BBB"].close[3])]
    none = {name: columns.slice(0, 0) for name, columns in bars.items()}
    of = house(script, bars=none)
    assert not backfills(of.messages())
    assert of.venue.asked == [("BBB", at(3), at(4))]


def test_a_defect_of_the_adapter_ends_the_stream_with_its_error() -> None:
    of = house([(at(3), GapFound(0, at(1), at(2)))])
    of.venue.bars = lambda *words: 1 / 0  # type: ignore[method-assign,assignment,return-value]
    with pytest.raises(ZeroDivisionError):
        of.messages()
    assert not any(stream.is_open for stream in of.venue.streams)


# -- silence ---------------------------------------------------------------------------------------


def news(messages: Sequence[tuple[int, Message]]) -> list[tuple[int, object]]:
    return [(at_ns, e) for at_ns, m in messages if isinstance(m, BrokerNews) for e in m.events]


def test_a_symbol_without_data_is_halted_until_it_flows_again() -> None:
    beats = [(at(0, second), Heartbeat(0)) for second in range(-60, 640, 5)]
    script = [(at(1, 1), bar("AAA", 0)), (at(1, 1), bar("BBB", 0)), (at(2, 1), bar("AAA", 1))]
    script += [(at(number + 1, 1), bar("AAA", number)) for number in range(2, 10)]
    script += [(at(5, 1), bar("BBB", 4)), (at(7), Quote("BBB", at(7), 1.0, 1.1))]
    terms = {"stale_ns": 150 * SECOND_NS, "silent_ns": 15 * SECOND_NS, "beat_ns": SECOND_NS}
    found = news(timed(house([*beats, *script], **terms)))
    assert found == [
        (at(3, 32), Halted(1, "no data of BBB for 150 s", "feed")),
        (at(5, 1), Resumed(1, "data flows again", "feed")),
        (at(9, 31), Halted(1, "no data of BBB for 150 s", "feed")),
    ]


def test_a_silent_socket_halts_all_and_is_opened_anew() -> None:
    script = [(at(0, second), Heartbeat(0)) for second in (0, 10, 20, 90)]
    of = house([(at(0), Connected(at(0))), *script], silent_ns=15 * SECOND_NS, beat_ns=SECOND_NS)
    messages = timed(of)
    found = [entry for entry in news(messages) if entry[0] < at(1, 45)]
    reason = "the market stream is silent, without a heartbeat for 15 s"
    assert found == [
        (at(-1, 15) + 1, Halted(-1, reason, "feed")),
        (at(0), Resumed(-1, "data flows again", "feed")),
        (at(0, 35) + 1, Halted(-1, reason, "feed")),
        (at(1, 30), Resumed(-1, "data flows again", "feed")),
    ]
    assert len(of.venue.streams) > 3
    assert not any(stream.is_open for stream in of.venue.streams)


def test_a_lost_connection_halts_at_once_and_is_left_to_its_adapter_for_a_while() -> None:
    script = [(at(1), Disconnected(at(1), "reset by peer")), (at(1, 20), Connected(at(1, 20)))]
    beats = [(at(0, second), Heartbeat(0)) for second in [*range(-60, 60, 10), *range(85, 640, 10)]]
    of = house([*beats, *script], silent_ns=15 * SECOND_NS, beat_ns=SECOND_NS)
    assert news(timed(of)) == [
        (at(1), Halted(-1, "the market stream is gone: reset by peer", "feed")),
        (at(1, 25), Resumed(-1, "data flows again", "feed")),
    ]
    assert len(of.venue.streams) == 1


def test_a_new_connection_makes_nothing_that_was_heard_any_younger() -> None:
    beats = [(at(0, second), Heartbeat(0)) for second in range(-60, 640, 5)]
    script = [(at(1, 1), bar("BBB", 0)), (at(2), Disconnected(at(2), "reset"))]
    script += [(at(2, 3), Connected(at(2, 3)))]
    script += [(at(number + 1, 1), bar("AAA", number)) for number in range(10)]
    terms = {"stale_ns": 150 * SECOND_NS, "silent_ns": 15 * SECOND_NS, "beat_ns": SECOND_NS}
    halts = [mark for mark in news(timed(house([*beats, *script], **terms))) if mark[1].symbol == 1]
    assert halts == [(at(3, 32), Halted(1, "no data of BBB for 150 s", "feed"))]


def test_a_stream_that_cannot_be_opened_is_opened_again_after_a_while() -> None:
    of = house([], silent_ns=15 * SECOND_NS, beat_ns=SECOND_NS)
    of.venue.refusing = 1
    (first, *_) = news(timed(of))
    reason = "the market stream is gone: The venue does not answer."
    assert first == (at(-1), Halted(-1, reason, "feed"))
    assert len(of.venue.streams) > 1


# -- events and commands ---------------------------------------------------------------------------


def test_what_comes_of_the_close_is_heard_for_a_while_after_it() -> None:
    script = [
        (at(10, 20), Acknowledged(1)),
        (at(10, 25), bar("AAA", 9)),
        (at(10, 40), Acknowledged(2)),
    ]
    messages = timed(house(script))
    assert news(messages) == [(at(10, 20), Acknowledged(1))]
    assert [type(m) for at_ns, m in messages if at_ns > at(10, 10)] == [BrokerNews, Backfill]
    assert max(m.block.through_ns for _, m in messages if isinstance(m, Bars)) == at(10)


def test_what_comes_together_is_one_instant_a_command_parts_it_and_time_comes_first() -> None:
    script: list[tuple[int, Heard]] = [
        (at(2, 7), Acknowledged(1)),
        (at(2, 7), Acknowledged(2)),
        (at(2, 7), Command("pause")),
        (at(2, 7), Acknowledged(3)),
        (at(3, 1), Acknowledged(4)),
    ]
    messages = [m for at_ns, m in timed(house(script)) if at(2, 5) < at_ns < at(3, 2)]
    assert [type(m) for m in messages] == [Bars, BrokerNews, Command, BrokerNews, Bars, BrokerNews]
    assert [m.block.through_ns for m in messages if isinstance(m, Bars)] == [at(2, 7), at(3) - 1]
    assert messages[1] == BrokerNews((Acknowledged(1), Acknowledged(2)))


def test_a_spread_is_that_of_the_quote_in_force_when_the_bar_opens() -> None:
    quotes = [(at(-0.5), 0.02), (at(1), 0.03), (at(1, 1), 0.09), (at(2, 59), 0.05)]
    script: list[tuple[int, Heard]] = [(ns, Quote("AAA", ns, 10.0, 10.0 + by)) for ns, by in quotes]
    script.append((at(1, 2), Quote("AAA", at(1, 2), 11.0, 10.0)))  # crossed: of no use
    script.append((at(1, 3), Quote("AAA", at(1, 0.5), 10.0, 10.7)))  # overtaken
    script += [(at(number + 1, 1), bar("AAA", number)) for number in range(5)]
    of = house(script, want=wanted(symbols=NAMES[:1], quotes=True))
    spreads = [b.spread[0] for b in blocks_of(of.messages()) if len(b) and b.spread is not None]
    assert spreads == [0.02, 0.03, 0.09, 0.05, 0.05]
    assert of.feed.counts["bad"] == 1
