"""The clocks: a run's stands where its messages led; the machine's is asked in one place."""

import threading
from pathlib import Path

import pytest

from app.managers.time_manager import SessionClock, TimeManager, WallClock


def test_the_session_clock_shows_the_instant_the_run_has_led_to() -> None:
    instants = [50]
    clock = SessionClock(lambda: instants[-1])
    assert clock.now_ns() == 50
    instants.append(90)
    assert clock.now_ns() == 90


def test_the_wall_clock_moves_on_by_itself() -> None:
    clock = WallClock()
    wall_ns, monotonic_ns = clock.now_ns(), clock.monotonic_ns()
    assert clock.wait(threading.Event(), 0.002) is False
    assert clock.monotonic_ns() - monotonic_ns >= 2_000_000
    assert clock.now_ns() > wall_ns > 1_700_000_000_000_000_000


def test_a_wait_ends_when_its_event_is_set_and_bears_a_moment_already_past() -> None:
    event = threading.Event()
    assert WallClock().wait(event, -1.0) is False
    event.set()
    assert WallClock().wait(event, 60.0) is True


def test_a_run_lends_its_clock_and_takes_it_back_even_when_it_fails(tmp_path: Path) -> None:
    outer = SessionClock(lambda: 7)
    time = TimeManager(tmp_path, clock=outer)
    with pytest.raises(RuntimeError), time.use_clock(SessionClock(lambda: 2_000)):
        assert time.now_ns() == 2_000
        raise RuntimeError
    assert time.now_ns() == 7
