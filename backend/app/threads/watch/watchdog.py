"""The watchdog: finds a strategy's hook that does not return, interrupts it, or leaves it behind.

It costs a hook nothing: about once a second it looks whether the engine's thread is inside a
strategy, and whether the engine has moved on since the last time; and how much memory is taken.
"""

import ctypes
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import get_ident
from types import FrameType
from typing import Literal

import msgspec
from loguru import logger

from app.core.errors import StateError, StrategyError
from app.core.memory import used_mb
from app.core.seams import Alarm
from app.managers.time_manager.clock import WallClock
from app.strategies.failure import HookInterrupted
from app.strategies.indicator import Cursor
from app.threads.analysis_engine import AnalysisEngine
from app.threads.engines.killed_engine import KilledEngine
from app.threads.hooks.seats import Seat
from app.threads.watch.memory_watch import STUBBORN_SECONDS, MemoryWatch
from app.threads.worker import Pipeline

LOOK_SECONDS = 1.0
STOPPED_SECONDS = 10.0  # that a hook may still take once the run was told to stop
KILLED_SECONDS = 1.0  # and once it was killed

HOOK_HANGS = "hook hangs"  # the alarm's name
LEFT_BEHIND = "hook left behind"  # and if it does not end

Duty = Literal["", "report", "interrupt", "abandon"]
Mark = tuple[int, int, str, str]  # the instant, the step, and whose hook it is


class Hook(msgspec.Struct, frozen=True):
    """A strategy's hook that is running, and where in the strategy's files it is."""

    strategy: str
    hook: str
    place: str

    def __str__(self) -> str:
        return f"Strategy {self.strategy} has not returned from {self.hook}, at {self.place}"


class HookWatch:
    """Counts how long the engine has stood in a hook, look by look. Pure.

    Only time between two looks near each other counts: a process that was stopped for an hour has
    no hook that took an hour.
    """

    def __init__(self) -> None:
        self._mark: Mark | None = None
        self.seconds = 0.0
        self._overdue_seconds = 0.0

    def look(self, mark: Mark | None, since_seconds: float, allowed_seconds: float) -> Duty:
        """What to do `since_seconds` after the last look; `mark` is None outside of hooks."""
        if mark is None or mark != self._mark:
            self._mark, self.seconds, self._overdue_seconds = mark, 0.0, 0.0
            return ""
        passed_seconds = min(since_seconds, 2 * LOOK_SECONDS)
        self.seconds += passed_seconds
        if self.seconds < allowed_seconds:
            return ""
        first = not self._overdue_seconds
        self._overdue_seconds += passed_seconds
        if first:
            return "report"
        return "interrupt" if self._overdue_seconds <= STUBBORN_SECONDS else "abandon"


class Watchdog:
    """Watches one run's engine on a thread of its own, from `start` to `stop`."""

    def __init__(
        self,
        pipeline: Pipeline,
        cursor: Cursor,
        seats: Sequence[Seat],
        hook_seconds: float,
        memory_mb: int | None,
        alarm: Alarm,
        replayed: KilledEngine | None,
    ) -> None:
        """Without `memory_mb`, of the memory that is free now most may be taken. The engine of a
        replay that was told to stop, or was killed, and goes on is told itself.
        """
        self._pipeline = pipeline
        self._cursor = cursor
        self._seats = seats
        self._worker = AnalysisEngine.name
        self._hook_seconds = hook_seconds
        self._clock = WallClock()
        self._alarm = alarm
        self._replayed = replayed
        self._watch = HookWatch()
        self._memory = MemoryWatch(memory_mb)
        self._ended = threading.Event()
        self.left_behind: Hook | None = None

    def start(self) -> None:
        if self._memory.most_mb is not None and used_mb() is None:
            logger.warning(
                "engine.memory_mb does not hold: this system does not tell what is taken"
            )
        threading.Thread(target=self._run, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        self._ended.set()

    def _run(self) -> None:
        last_ns = self._clock.monotonic_ns()
        longest_seconds = min(LOOK_SECONDS, self._hook_seconds / 4)
        while not self._clock.wait(self._ended, self._memory.next_look_seconds(longest_seconds)):
            now_ns = self._clock.monotonic_ns()
            self.look((now_ns - last_ns) / 1e9)
            last_ns = now_ns
            if self.left_behind is not None:
                return

    def look(self, since_seconds: float) -> None:
        """Look once, and do what is to be done."""
        if self._replayed is not None:
            self._hasten(self._replayed)
        hook, mark = self._seen()
        if self._memory.is_over(used_mb()):
            self._end_for_memory(hook, since_seconds)
            return
        duty = self._watch.look(mark, since_seconds, self._allowed_seconds())
        if hook is None or not duty:
            return
        seconds = self._watch.seconds
        if duty == "abandon":
            self._abandon(hook, f"after {seconds:.0f} s")
            return
        if duty == "report":
            self._alarm(HOOK_HANGS, f"{hook}, after {seconds:.0f} s; it is being interrupted.")
        if self._seen()[1] == mark:  # telling took a while, and it may have returned
            text = f"it did not return for {seconds:.0f} s and was interrupted"
            interrupt(self._pipeline.threads[self._worker], text)

    def _hasten(self, engine: KilledEngine) -> None:
        if self._pipeline.stop_reason is not None:
            engine.end_soon(self._pipeline.stop_reason)
        elif self._pipeline.is_hurried:
            engine.kill_soon()

    def _abandon(self, hook: Hook, why: str) -> None:
        self.left_behind = hook
        self._alarm(LEFT_BEHIND, f"{hook}, {why}; it would not end.")
        text = f"{hook}, {why}. It would not end and was left behind."
        self._pipeline.abandon(self._worker, StrategyError(text))

    def _end_for_memory(self, hook: Hook | None, since_seconds: float) -> None:
        """Too much is taken: interrupt the hook that runs; between hooks, end the run."""
        memory, thread = self._memory, self._pipeline.threads.get(self._worker, 0)
        is_near = hook is not None or is_handing_out(sys._current_frames().get(thread))
        duty = memory.look(is_near, since_seconds)
        if memory.is_news:
            self._alarm("too much memory", f"The run is ended: {memory}.")
        if duty == "interrupt":
            interrupt(thread, f"{memory}; it was interrupted")
        elif duty == "abandon" and hook is not None:
            self._abandon(hook, str(memory))
        elif duty:
            self._pipeline.fail(self._worker, StateError(f"The run was ended: {memory}."))

    def _seen(self) -> tuple[Hook | None, Mark | None]:
        """The hook that runs, and where the engine stands in it."""
        thread = self._pipeline.threads.get(self._worker)
        hook = None if thread is None else hook_in(sys._current_frames().get(thread), self._seats)
        if hook is None:
            return None, None
        return hook, (self._cursor.now_ns, self._cursor.step, hook.strategy, hook.hook)

    def _allowed_seconds(self) -> float:
        if self._pipeline.is_hurried:
            return min(self._hook_seconds, KILLED_SECONDS)
        if self._pipeline.is_stopping:
            return min(self._hook_seconds, STOPPED_SECONDS)
        return self._hook_seconds


def hook_in(frame: FrameType | None, seats: Sequence[Seat]) -> Hook | None:
    """The hook that a thread's stack is in, if any; the line is the innermost of the strategy's."""
    sources = {source: seat for seat in reversed(seats) for source in seat.sources}
    own: list[FrameType] = []
    while frame is not None:
        if frame.f_code.co_filename in sources:
            own.append(frame)
        frame = frame.f_back
    if not own:
        return None
    inner, outer = own[0], own[-1]
    seat = sources[outer.f_code.co_filename]
    owner = outer.f_locals.get("self")
    seat = next((one for one in seats if one.strategy is owner), seat)
    place = f"{Path(inner.f_code.co_filename).name}:{inner.f_lineno} in {inner.f_code.co_name}"
    return Hook(seat.name, outer.f_code.co_name, place)


def is_handing_out(frame: FrameType | None) -> bool:
    """Whether a thread is between two bars' hooks, where it can be interrupted as in one.

    A hook that is one long call of C code gives the interpreter back only when it has returned.
    """
    return frame is not None and frame.f_code is AnalysisEngine._hand_out.__code__


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Interrupt what this thread does meanwhile once it has taken so long, and again until it ends.

    For what strategies do before there is a run to watch; C code that does not return goes on.
    """
    clock, ended, turn, thread = WallClock(), threading.Event(), threading.Lock(), get_ident()

    def watch() -> None:
        left_seconds = seconds
        while not clock.wait(ended, left_seconds):
            with turn:
                if not ended.is_set():
                    interrupt(thread, f"it did not return for {seconds:g} s and was interrupted")
            left_seconds = LOOK_SECONDS

    threading.Thread(target=watch, name="setup watch", daemon=True).start()
    try:
        yield
    except HookInterrupted as error:  # it came a moment too late
        raise StrategyError(f"A strategy's setup hung: {error}.") from None
    finally:
        with turn:
            ended.set()


def interrupt(thread: int, text: str) -> None:
    """Raise `HookInterrupted` in a thread, as soon as it runs Python."""
    kind = type(HookInterrupted.__name__, (HookInterrupted,), {"text": text})
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(kind))
