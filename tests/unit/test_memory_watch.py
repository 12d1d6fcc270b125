"""Memory is watched look by look: who takes too much is interrupted, then left behind, or ended."""

import mmap
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loguru import logger

from app.core.errors import StrategyError
from app.core.memory import free_mb, used_mb
from app.strategies.failure import HookInterrupted
from app.threads.watch.memory_watch import SHARE, STUBBORN_SECONDS, MemoryWatch
from app.threads.watch.watchdog import Watchdog, limited


def test_this_process_takes_some_memory_and_there_is_some_left() -> None:
    before = used_mb()
    assert before is not None
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    with mmap.mmap(-1, 50_000_000, flags=flags) as kept:  # none that was there before
        kept.write(b"x" * len(kept))
        assert 30 < (used_mb() or 0) - before < 200
    assert (free_mb() or 0) > 1


def test_unless_it_is_said_most_of_what_is_free_may_be_taken() -> None:
    most, free = MemoryWatch(None).most_mb, free_mb()
    assert most is not None
    assert free is not None
    assert SHARE * 0.5 * free < most < free + 10_000


def test_a_hook_is_interrupted_at_each_look_and_left_behind_in_the_end() -> None:
    watch, duties = MemoryWatch(100), []
    for _ in range(14):
        assert watch.is_over(101.0)
        duties.append(watch.look(in_hook=True, since_seconds=0.4))
    count = int(STUBBORN_SECONDS / 0.4)
    assert duties == ["interrupt"] * count + ["abandon"] * (14 - count)


def test_a_run_that_is_found_between_hooks_alone_is_ended() -> None:
    watch = MemoryWatch(100)
    assert watch.is_over(101.0)
    assert [watch.look(in_hook=False, since_seconds=0.2) for _ in range(3)] == ["", "", "end"]


@given(st.lists(st.floats(0, 200)))
def test_it_is_news_once_until_there_is_enough_again(used: list[float]) -> None:
    watch, was_over = MemoryWatch(100), False
    for one in used:
        over = watch.is_over(one)
        assert over == (one > 100)
        assert watch.is_news == (over and not was_over)
        assert watch.next_look_seconds(1.0) == (0.05 if one > 50 else 1.0)
        if over:
            watch.look(in_hook=True, since_seconds=0.1)
        was_over = over


def test_it_says_how_much_is_taken_and_by_whose_word_it_is_too_much() -> None:
    watch = MemoryWatch(1_900)
    watch.is_over(1_956.4)
    assert str(watch) == (
        "the process takes 1,956 MB of memory, and 1,900 MB of engine.memory_mb are the most"
    )


def hang() -> None:
    """In a frame of its own: Python leaves a loop's jump back out of the `try` round the loop."""
    while True:
        pass


def test_what_does_not_return_in_time_is_interrupted_and_what_does_is_not() -> None:
    with limited(30):
        pass
    with pytest.raises(StrategyError, match=r"hung: it did not return for 0\.05 s"), limited(0.05):
        hang()


def test_what_ignores_that_is_interrupted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.threads.watch.watchdog.LOOK_SECONDS", 0.01)
    with pytest.raises(StrategyError), limited(0.01):
        for _ in range(2):
            with suppress(HookInterrupted):
                hang()
        hang()


@pytest.mark.parametrize(
    ("memory_mb", "taken", "count"), [(100, None, 1), (100, 50.0, 0), (None, None, 0)]
)
def test_a_bound_that_cannot_be_held_is_not_taken_without_a_word(
    monkeypatch: pytest.MonkeyPatch, memory_mb: int | None, taken: float | None, count: int
) -> None:
    for name in ("app.threads.watch.watchdog.used_mb", "app.threads.watch.memory_watch.used_mb"):
        monkeypatch.setattr(name, lambda: taken)  # macOS does not tell
    monkeypatch.setattr("app.threads.watch.memory_watch.free_mb", lambda: taken)
    said: list[str] = []
    sink = logger.add(said.append, level="WARNING")
    nothing: Any = None
    dog = Watchdog(nothing, nothing, (), 30.0, memory_mb, nothing, None)
    dog.start()
    dog.stop()
    logger.remove(sink)
    assert [one for one in said if "engine.memory_mb does not hold" in one] == said
    assert len(said) == count
