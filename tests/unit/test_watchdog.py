"""The watchdog's counting, and where it says a hook is; real hangs are in tests/e2e."""

import sys
import threading
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.strategies.failure import HookInterrupted
from app.threads.hooks.seats import Seat
from app.threads.watch.watchdog import HookWatch, Mark, hook_in, interrupt

HERE = (1_000, 3, "one", "on_bar")
OTHERS = [None, HERE, (1_000, 4, *HERE[2:]), (1_001, 3, *HERE[2:]), (1_000, 3, "two", "on_bar")]


def test_a_hook_that_goes_on_is_reported_once_then_interrupted_then_left_behind() -> None:
    watch = HookWatch()
    duties = [watch.look(HERE, 1.0, 3.0) for _ in range(10)]
    assert duties == ["", "", "", "report", *["interrupt"] * 4, "abandon", "abandon"]


@given(st.lists(st.sampled_from(OTHERS)), st.floats(0.1, 100))
def test_an_engine_that_moves_on_at_each_look_is_never_reported(
    marks: list[Mark | None], seconds: float
) -> None:
    watch, before = HookWatch(), None
    for mark in marks:
        if mark != before:
            assert watch.look(mark, seconds, 0.001) == ""
        before = mark


def test_a_process_that_was_stopped_for_an_hour_has_no_hook_that_took_an_hour() -> None:
    watch = HookWatch()
    watch.look(HERE, 1.0, 30.0)
    assert watch.look(HERE, 3_600.0, 30.0) == ""
    assert watch.seconds < 5


def test_what_a_hook_may_take_can_shrink_while_it_runs() -> None:
    watch = HookWatch()
    for _ in range(5):
        assert watch.look(HERE, 1.0, 30.0) == ""
    assert watch.look(HERE, 1.0, 1.0) == "report"


class Spinner:
    """Stands in for a strategy of this very file."""

    def __init__(self) -> None:
        self.spinning = threading.Event()
        self.raised: BaseException | None = None

    def on_bar(self) -> None:
        try:
            self.deeper()
        except HookInterrupted as error:
            self.raised = error

    def deeper(self) -> None:
        self.spinning.set()
        while True:
            pass


class Taken:
    """What the watchdog needs of a seat."""

    def __init__(self, name: str, strategy: object) -> None:
        self.name = name
        self.strategy = strategy
        self.sources = frozenset({__file__})


def test_a_hanging_hook_is_found_by_its_line_and_interrupted_in_its_thread() -> None:
    other, spinner = Spinner(), Spinner()
    seats = cast("list[Seat]", [Taken("first", other), Taken("second", spinner)])
    thread = threading.Thread(target=spinner.on_bar, daemon=True)
    thread.start()
    assert spinner.spinning.wait(5)
    assert thread.ident is not None
    hook = hook_in(sys._current_frames()[thread.ident], seats)
    assert hook is not None
    assert (hook.strategy, hook.hook) == ("second", "on_bar")
    assert hook.place.startswith("test_watchdog.py:")
    assert hook.place.endswith("in deeper")
    interrupt(thread.ident, "it took too long")
    thread.join(5)
    assert not thread.is_alive()
    assert str(spinner.raised) == "it took too long"


@pytest.mark.parametrize("sources", [frozenset(), frozenset({"elsewhere.py"})])
def test_a_thread_outside_of_strategies_is_in_no_hook(sources: frozenset[str]) -> None:
    seat = Taken("one", object())
    seat.sources = sources
    assert hook_in(sys._getframe(), cast("list[Seat]", [seat])) is None
    assert hook_in(None, cast("list[Seat]", [seat])) is None
