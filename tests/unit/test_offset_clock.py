"""A venue's time over the machine's monotonic clock: its jumps, its drift, and never backwards."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.intervals import HOUR_NS, SECOND_NS
from app.core.venue import VenueTime
from app.managers.time_manager import OffsetClock

START_NS = 1_709_683_200 * SECOND_NS


class Machine:
    """A monotonic clock moved by hand."""

    def __init__(self) -> None:
        self.ns = 7 * SECOND_NS

    def __call__(self) -> int:
        return self.ns


def clock_of(rate: float = 1.0) -> tuple[OffsetClock, Machine]:
    machine = Machine()
    return OffsetClock(VenueTime(START_NS, rate), machine), machine


def test_it_shows_the_venue_s_time_and_runs_at_its_rate() -> None:
    clock, machine = clock_of(rate=60.0)
    assert clock.now_ns() == START_NS
    machine.ns += SECOND_NS
    assert clock.now_ns() == START_NS + 60 * SECOND_NS
    assert clock.seconds_until(START_NS + 90 * SECOND_NS) == 0.5
    assert clock.seconds_until(START_NS) == 0.0


def test_the_wall_clock_set_an_hour_on_or_back_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = OffsetClock(VenueTime(START_NS))
    for jump_ns in (HOUR_NS, -HOUR_NS):
        monkeypatch.setattr(time, "time_ns", lambda jump_ns=jump_ns: START_NS + jump_ns)
        assert 0 <= clock.now_ns() - START_NS < 60 * SECOND_NS


def test_a_frozen_machine_or_a_venue_that_stands_still_stops_it() -> None:
    clock, machine = clock_of()
    assert clock.now_ns() == clock.now_ns() == START_NS
    clock.sync(VenueTime(START_NS, rate=0.0))
    machine.ns += HOUR_NS
    assert clock.now_ns() == START_NS
    assert clock.seconds_until(START_NS + 1) == 1.0
    clock.sync(VenueTime(START_NS, rate=1.0))
    machine.ns += SECOND_NS
    assert clock.now_ns() == START_NS + SECOND_NS


def test_a_small_lead_of_the_venue_is_caught_up_by_a_tenth() -> None:
    clock, machine = clock_of()
    assert clock.sync(VenueTime(START_NS + SECOND_NS // 2)) == SECOND_NS // 2
    assert clock.now_ns() == START_NS
    machine.ns += SECOND_NS
    assert clock.now_ns() == START_NS + SECOND_NS * 11 // 10
    machine.ns += 9 * SECOND_NS
    assert clock.now_ns() == pytest.approx(START_NS + SECOND_NS * 21 // 2, abs=1000)
    assert clock.sync(VenueTime(START_NS + SECOND_NS * 21 // 2)) == pytest.approx(0, abs=1000)


def test_an_hour_ahead_is_followed_at_once() -> None:
    clock, _ = clock_of()
    assert clock.sync(VenueTime(START_NS + HOUR_NS)) == HOUR_NS
    assert clock.now_ns() == START_NS + HOUR_NS


def test_an_hour_behind_is_waited_for_at_half_the_rate() -> None:
    clock, machine = clock_of()
    machine.ns += HOUR_NS
    assert clock.sync(VenueTime(START_NS)) == -HOUR_NS
    assert clock.now_ns() == START_NS + HOUR_NS
    machine.ns += HOUR_NS
    assert clock.now_ns() == START_NS + HOUR_NS + HOUR_NS // 2
    machine.ns += HOUR_NS  # the venue's shows two hours by now, and so does this
    assert clock.now_ns() == START_NS + 2 * HOUR_NS
    machine.ns += HOUR_NS
    assert clock.now_ns() == START_NS + 3 * HOUR_NS


steps = st.tuples(
    st.integers(0, 2 * HOUR_NS),
    st.none()
    | st.tuples(st.integers(-2 * HOUR_NS, 2 * HOUR_NS), st.sampled_from([0.0, 1.0, 60.0])),
)


@given(st.lists(steps, max_size=20))
def test_whatever_a_venue_says_time_never_goes_back(moves: list[tuple[int, object]]) -> None:
    clock, machine = clock_of()
    before_ns = clock.now_ns()
    for elapsed_ns, word in moves:
        machine.ns += elapsed_ns
        if word is not None:
            jump_ns, rate = word  # type: ignore[misc]
            clock.sync(VenueTime(before_ns + jump_ns, rate))
        assert clock.now_ns() >= before_ns
        before_ns = clock.now_ns()
