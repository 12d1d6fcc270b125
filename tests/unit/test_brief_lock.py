"""The lock of the order gate: one owner at a time, and none that waits for its turn meanwhile."""

import sys
import threading
import time
from collections.abc import Iterator

import pytest

from app.threads.machine.brief_lock import BriefLock


@pytest.fixture
def endless_turns() -> Iterator[None]:
    """Whoever runs keeps the interpreter until it lets go by itself."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(100)
    yield
    sys.setswitchinterval(before)


def _spin(seconds: float) -> None:
    """Keep the interpreter busy: no call in it lets another thread run."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def test_nobody_is_given_the_lock_before_its_turn_of_the_interpreter(endless_turns: None) -> None:
    lock, is_waiting, has_entered = BriefLock(), threading.Event(), threading.Event()

    def wait_for_it() -> None:
        is_waiting.set()
        with lock:
            has_entered.set()

    other = threading.Thread(target=wait_for_it)
    with lock:
        other.start()
        is_waiting.wait()
        time.sleep(0.02)  # by now it waits for the lock
    _spin(0.02)  # free, and the other awake; but it has no turn yet
    with lock:
        assert not has_entered.is_set()
    other.join()
    assert has_entered.is_set()


def test_one_thread_at_a_time_is_within() -> None:
    lock, within, most = BriefLock(), 0, 0

    def work() -> None:
        nonlocal within, most
        for _ in range(50):
            with lock:
                within += 1
                most = max(most, within)
                time.sleep(0)  # others run, and must not come in
                within -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (within, most) == (0, 1)


def test_an_error_within_frees_it() -> None:
    lock = BriefLock()
    with pytest.raises(ValueError, match="within"), lock:
        raise ValueError("within")
    with lock:
        pass
