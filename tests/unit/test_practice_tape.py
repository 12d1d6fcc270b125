"""The practice venue's tape and clock: what is shown when, once, and from anywhere on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.practice_house import SESSIONS, Row, Sim, items_of, minute, order

from app.core.errors import UsageError
from app.core.venue import Tick, VenueBar, VenueTime
from app.integrations.practice.venue.clock import VenueClock
from app.integrations.practice.venue.tape import Close, Tape
from app.integrations.practice.wire import MARKET_STREAM

LOW_FIRST: Row = (100.0, 104.0, 99.0, 103.0, 400.0)


def tape_of(ticks: bool = False) -> Tape:
    return Tape(Sim([LOW_FIRST])._load, ("AAA", "BBB"), SESSIONS, ticks=ticks)


def test_a_bar_is_shown_at_its_close_and_a_session_s_end_after_its_last_bar() -> None:
    tape = tape_of()
    tape.seek(minute(-5))
    assert tape.next_ns() == minute(1)
    shown = list(tape.due(minute(10)))
    assert [due.at_ns for due in shown[:4]] == [minute(1), minute(1), minute(2), minute(2)]
    assert [getattr(due.what, "symbol", "") for due in shown[:2]] == ["AAA", "BBB"]
    assert len(shown) == 21
    assert isinstance(shown[-1].what, Close)


def test_ticks_make_the_bar_they_come_before() -> None:
    tape = tape_of(ticks=True)
    tape.seek(minute(-5))
    shown = [due for due in tape.due(minute(1)) if getattr(due.what, "symbol", "") == "AAA"]
    ticks = [due.what for due in shown if isinstance(due.what, Tick)][:4]
    assert [tick.price for tick in ticks] == [100.0, 99.0, 104.0, 103.0]
    assert [tick.at_ns for tick in ticks] == [minute(0, s) for s in (0, 20, 40, 59)]
    assert sum(tick.volume for tick in ticks) == 400.0
    (bar,) = [due.what for due in shown if isinstance(due.what, VenueBar)]
    assert bar == VenueBar("AAA", minute(0), *LOW_FIRST)


@given(
    stops=st.lists(st.integers(minute(-6), minute(12, day=1)), max_size=8),
    begin=st.integers(minute(-6), minute(12, day=1)),
    ticks=st.booleans(),
)
def test_all_is_shown_once_and_in_order_however_time_is_cut(
    stops: list[int], begin: int, ticks: bool
) -> None:
    whole, parts = tape_of(ticks), tape_of(ticks)
    end = minute(11, day=1)
    whole.seek(minute(-6))
    parts.seek(begin)
    expected = [due for due in whole.due(end) if due.at_ns > begin]
    shown = [due for stop in [*sorted(stops), end] for due in parts.due(stop)]
    assert shown == expected
    assert [due.at_ns for due in shown] == sorted(due.at_ns for due in shown)


def test_a_tick_fills_what_came_before_it_at_its_own_price() -> None:
    sim = Sim([LOW_FIRST], ticks=True, participation="1")
    sim.to(minute(0, 10))
    sim.place(order("market", 10))
    sim.place(order("stop", 5, "stop", stop=103.5))
    sim.to(minute(1))
    assert sim.fills() == [("market", 10, 99.0, 0), ("stop", 5, 104.0, 0)]


def test_the_stream_shows_bars_as_they_close() -> None:
    sim = Sim([LOW_FIRST])
    assert items_of(sim.to(minute(0, 59)), MARKET_STREAM) == []
    assert items_of(sim.to(minute(1)), MARKET_STREAM) == [VenueBar("AAA", minute(0), *LOW_FIRST)]
    assert items_of(sim.to(minute(1)), MARKET_STREAM) == []


def test_history_ends_with_the_last_closed_bar() -> None:
    sim = Sim()
    for now_ns, bars in ((minute(0, 59), 0), (minute(1), 1), (minute(5, 30), 5)):
        assert len(sim.venue.bars("AAA", "1m", 0, 1 << 61, now_ns)) == bars
    assert len(sim.venue.bars("AAA", "1m", minute(1), minute(3), minute(9))) == 2
    assert len(sim.venue.bars("AAA", "1d", 0, 1 << 61, minute(9))) == 0
    assert len(sim.venue.bars("AAA", "1d", 0, 1 << 61, minute(5, day=1))) == 10


def test_the_clock_runs_at_its_rate_and_never_back() -> None:
    clock = VenueClock(1_000, 50, rate=60.0)
    assert [clock.now_ns(wall) for wall in (49, 50, 51, 150)] == [1_000, 1_000, 1_060, 7_000]
    assert clock.told(51) == VenueTime(1_060, 60.0)
    assert clock.wall_ns_until(1_600, 50) == 11


def test_a_paused_clock_stands_and_can_be_moved() -> None:
    clock = VenueClock(1_000, 0)
    clock.pause(10, True)
    assert clock.told(500) == VenueTime(1_010, 0.0)
    assert clock.wall_ns_until(2_000, 500) is None
    clock.advance_to(3_000, 600)
    assert clock.now_ns(900) == 3_000
    clock.pause(1_000, False)
    clock.run_at(2.0, 1_100)
    assert clock.now_ns(1_200) == 3_000 + 100 + 200


@pytest.mark.parametrize("rate", [0.0, -1.0, 1e7, float("nan")])
def test_a_clock_that_would_not_run_is_refused(rate: float) -> None:
    with pytest.raises(UsageError, match="rate"):
        VenueClock(0, 0, rate)
    with pytest.raises(UsageError, match="rate"):
        VenueClock(0, 0).run_at(rate, 5)


def test_a_clock_is_not_turned_back() -> None:
    clock = VenueClock(1_000, 0)
    with pytest.raises(UsageError, match="cannot go back"):
        clock.advance_to(999, 0)
    with pytest.raises(UsageError, match="too far"):
        clock.advance_to(1 << 62, 0)


@given(
    steps=st.lists(st.tuples(st.integers(0, 10**15), st.sampled_from(["", "pause", "go", "rate"]))),
    rate=st.floats(0.001, 1e6),
)
def test_the_venue_s_time_never_goes_back_whatever_is_done_to_its_clock(
    steps: list[tuple[int, str]], rate: float
) -> None:
    clock, wall, shown = VenueClock(0, 0), 0, [0]
    for step, what in steps:
        wall += step
        if what in ("pause", "go"):
            clock.pause(wall, what == "pause")
        elif what == "rate":
            clock.run_at(rate, wall)
        shown.append(clock.now_ns(wall))
    assert shown == sorted(shown)
