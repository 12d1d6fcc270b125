"""One run from its record's first line to its last: what SystemManager starts and stops."""

import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from app.core.errors import AppError, RunTimeoutError, StateError, StrategyError
from app.core.logging import without_secrets
from app.core.messages import Command
from app.core.run_states import FAILED, FINISHED, INTERRUPTED, KILLED, STOPPED, TIMEOUT
from app.managers.execution_manager.orders.kill import kill_value
from app.managers.system_manager.control.manner import Manner
from app.managers.system_manager.journal.saved_states import Chapter
from app.managers.system_manager.looking import Looking
from app.managers.system_manager.record.figures import Figures, figures_of, standing_at
from app.managers.system_manager.record.kill_story import KillStory
from app.managers.system_manager.record.run_outcome import (
    RunEnd,
    outcome_facts,
    summary_of,
    timings_of,
)
from app.managers.system_manager.record.run_record import RunRecord
from app.managers.system_manager.record.summary import Summary
from app.managers.system_manager.replay_line import ReplayLine
from app.managers.system_manager.rerun.complete_runs import CompleteRuns, equities
from app.managers.system_manager.risk.run_risk import RunRisk
from app.managers.system_manager.wiring import Run
from app.managers.time_manager import WallClock
from app.strategies.failure import HookInterrupted
from app.threads.stream.commands import KILL
from app.threads.stream.results import Results

if TYPE_CHECKING:
    from app.managers.system_manager.live.live_line import LiveLine
    from app.managers.system_manager.strategies.reloading import Reloads


_ENDS = {
    FAILED: "failed",
    STOPPED: "was stopped",
    INTERRUPTED: "was interrupted",
    TIMEOUT: "took too long",
    KILLED: "was killed",
}
_LONGEST_SECONDS = 1e9  # thirty years; the machine's waits have bounds

OnProgress = Callable[[int, int], None]  # bars so far, and the instant


class Ended(msgspec.Struct, frozen=True):
    """How a run ended: its summary, why, and the error that ended it, if one did."""

    summary: Summary
    reason: str
    error: BaseException | None


class RunSession:
    """Executes a wired run and writes its record; used once."""

    def __init__(
        self,
        run: Run,
        record: RunRecord,
        clock: WallClock,
        facts: Mapping[str, Any],
        passport: Sequence[Mapping[str, Any]],
        on_progress: OnProgress | None,
        *,
        line: "ReplayLine | LiveLine",
        risk: RunRisk,
        reloads: "Reloads | None" = None,
        others: CompleteRuns | None = None,
    ) -> None:
        self.run = run
        self._line = line
        self._record = record
        self._clock = clock
        self._facts = dict(facts)
        self._passport = passport
        self._on_progress = on_progress
        self._risk = risk  # what becomes of the account's trading state
        self._reloads = reloads  # of a live run
        self._others = others  # under the other policies, when this one has finished
        self.heard: list[int] = []  # signals, while the record was being closed
        self._ended = threading.Event()
        self.bars = 0
        self.goes_on = False  # a run that had broken off

    @cached_property
    def kill_story(self) -> KillStory:
        """When and why somebody killed it, and what that came to."""
        return KillStory(
            self.run.execution,
            self._line.standing,
            self._clock.monotonic_ns,
            self._record.local_text,
        )

    @cached_property
    def looking(self) -> Looking:
        """What it shows to whoever looks on."""
        return Looking(self.run, self.run_id, self._clock, self._line)

    @property
    def run_id(self) -> str:
        return self._record.run_id

    @property
    def has_gate(self) -> bool:
        """Whether a gate stands before a venue; it tells of halts and kills itself."""
        return self._line.goes_to_venue

    @property
    def was_paused(self) -> bool:
        """Whether it goes on after a break as a run that somebody had paused."""
        return self._line.was_paused

    @property
    def is_recovering(self) -> bool:
        """Whether it is still run again up to where it broke off."""
        return not self._line.is_recovered

    @property
    def manner(self) -> Manner:
        """How it is lived, for whoever steers it."""
        return self._line.manner

    @property
    def under_way(self) -> Run:
        """The run itself, or when that has ended the one it is compared with."""
        others = self._others
        return self.run if others is None or others.under_way is None else others.under_way

    def stop(self, reason: str) -> None:
        """Have it end in order; safe in a signal handler."""
        if self._others is not None:
            self._others.stop(reason)
        self._line.stop(lambda: self.run.pipeline.stop(reason))

    def pause(self) -> None:
        """A replay stands still; a live run streams on, and refuses entries."""
        self._line.pause()

    def resume(self) -> None:
        """It goes on."""
        self._line.resume()

    def release(self, reason: str) -> None:
        """Lift the halts of a live run, once its venue has been looked at."""
        self._line.releasing.ask(reason)

    def released(self) -> str:
        """What came of that; "" while it is under way."""
        return self._line.releasing.outcome()

    def ask_risk(self, command: Command) -> None:
        """What a person asks of the account's trading state: an input of the run."""
        self._line.ask(command)

    @property
    def reloads(self) -> "Reloads":
        """Where new code of a strategy is asked for."""
        if self._reloads is None:
            raise StateError(
                "A replay is its config and its files: change them and start it again. Only a live "
                "run is reloaded."
            )
        return self._reloads

    def kill(self, mode: str, reason: str, at: str) -> bool:
        """Nothing opens any more from this moment; then have it end when what `mode` asks for is
        done, or cannot be done as a hook hangs. False where that is under way.
        """
        if not self.kill_story.begin(mode, reason, at):
            return False
        self._line.kill(mode, self._end_killed, reason)
        if not self.has_gate:  # no hook that hangs may hold it up
            self.run.engine.expect(Command(KILL, kill_value(mode, reason)))
            self.run.pipeline.hurry()
        if self._others is not None:
            self._others.stop(KILLED)
        return True

    def _end_killed(self) -> None:
        self.kill_story.end()
        self.run.pipeline.kill(KILLED)

    def give_up(self, ended_at: str, error: str) -> None:
        """The thread that would end it never will: close its record without, as far as may be."""
        state = STOPPED if self.run.pipeline.is_hurried else FAILED
        self._record.give_up(state, ended_at, error)

    def halt(self, reason: str) -> None:
        """From now on nothing opens or increases a position; the first reason counts."""
        self._line.halt(reason)

    @property
    def started_at(self) -> str:
        return str(self._facts["started_at"])

    def take(self, results: Results) -> None:
        """What came of an input: to the journal, the record, and whoever watches."""
        self._line.admit(results, self._take)

    def _take(self, results: Results) -> None:
        self._risk.take(results)
        if results.reload is not None:
            self.reloads.take(results.reload)
        self.bars += results.bars
        self._record.take(results)
        if self._on_progress is not None:
            self._on_progress(self.bars, results.through_ns)

    def take_chapters(self, chapters: Sequence[Chapter]) -> None:
        """What came of the inputs before the state that the run goes on from."""
        for chapter in chapters:
            self.bars += chapter.bars
            for outcome in chapter.reloads:
                self.reloads.take(outcome)
            self._record.take(chapter.results())

    def execute(self, timeout_seconds: float | None, now_text: Callable[[], str]) -> Ended:
        """Run to the end, however it ends, and close the record; then what it is compared with."""
        if timeout_seconds is not None:
            seconds = min(timeout_seconds, _LONGEST_SECONDS)
            threading.Thread(
                target=self._time_out, args=(seconds,), name="run timeout", daemon=True
            ).start()
        try:
            reason, summary, error = self._execute(now_text)
            if self._others is not None and reason == FINISHED:
                reason, summary = self._compare(self._others, summary, now_text)
        finally:
            self._ended.set()
        if reason == TIMEOUT:
            error = RunTimeoutError(f"Run {summary.run_id} was stopped after {timeout_seconds} s.")
        return Ended(summary, reason, error)

    def _execute(self, now_text: Callable[[], str]) -> tuple[str, Summary, BaseException | None]:
        error: BaseException | None = None
        started_ns = self._clock.monotonic_ns()
        try:
            reason = self.run.execute()
        except KeyboardInterrupt:  # a second one, while a worker did not end
            reason = INTERRUPTED
            self._line.hurry()
        except Exception as raised:
            reason, error = FAILED, raised
        except HookInterrupted as raised:  # it came a moment too late, when the hook had returned
            reason, error = FAILED, StrategyError(f"A strategy's hook hung: {raised}")
        with self._line.undisturbed(self.heard):
            figures = self._left()
            summary = self._close(reason, error, figures, started_ns, now_text)
        if self.run.pipeline.was_interrupted and reason != INTERRUPTED:  # it had ended already
            self.heard.append(signal.SIGINT)
        return reason, summary, error

    def _left(self) -> Figures | None:
        """The figures of what is on record, where a worker goes on with the run's own."""
        left = self._line.leave()
        if left is None:
            return None
        figures, in_part = left
        self.kill_story.leave(standing_at(figures))
        self._record.keep(in_part)
        return figures

    def _close(
        self,
        reason: str,
        error: BaseException | None,
        figures: Figures | None,
        started_ns: int,
        now_text: Callable[[], str],
    ) -> Summary:
        """Close the record; without `figures` those are the run's own."""
        if self.run.pipeline.was_interrupted:
            self._line.break_off()
        seconds = (self._clock.monotonic_ns() - started_ns) / 1e9
        text = None if error is None else _told(error)
        timings = timings_of(self.run, seconds)
        ended_at = now_text()
        self.kill_story.end()
        killed = self.kill_story.told()
        with suppress(KeyboardInterrupt):  # it is closed all the same, and so is the record
            self._line.close(RunEnd(reason, ended_at, timings, text, killed))
        is_over = self._line.is_recovered  # else the next start tries it again
        self._risk.close(self.run, is_over=is_over)
        figures = figures_of(self.run) if figures is None else figures
        summary = summary_of(
            self.run, figures, self.run_id, self._record.folder, reason,
            None if self.manner.has_no_pace else seconds, self.bars, self._note(reason),
        )  # fmt: skip
        self._facts |= outcome_facts(self.run, timings, figures) | {"killed": killed}
        if self._reloads is not None:
            self._facts["reloads"] = self._reloads.facts()
        if is_over:
            self._record.finish(summary, self._facts, self._passport, ended_at, text)
        else:
            self._record.leave()
        return summary

    def _compare(
        self, others: CompleteRuns, summary: Summary, now_text: Callable[[], str]
    ) -> tuple[str, Summary]:
        """Whole runs under `worst` and `best`: what they came to, or why there are none."""

        def watch(results: Results) -> None:
            others.bars += results.bars
            if self._on_progress is not None:
                self._on_progress(others.bars, results.through_ns)

        reason, error = others.execute(self.run, watch)
        if reason == FINISHED:
            more: dict[str, Any] = {**equities(others.found), "band_note": None}
            self._facts["complete_runs"] = [run.as_json() for run in others.found]
        else:
            told = "" if error is None else ": " + _told(error).partition("\n")[0].rstrip(".")
            more = {"band_note": f"the one under {others.policy} {_ENDS[reason]}{told}"}
        summary = msgspec.structs.replace(summary, **more)
        self._record.amend(summary, self._facts, self._passport, now_text())
        return FINISHED if error is not None else reason, summary

    def _time_out(self, seconds: float) -> None:
        if not self._clock.wait(self._ended, seconds):
            self.stop(TIMEOUT)

    def _note(self, reason: str) -> str | None:
        """Why there are no whole runs under the other policies, while that is so."""
        if self._others is None:
            return None
        return "they have not ended" if reason == FINISHED else f"the run {_ENDS[reason]}"


def _told(error: BaseException) -> str:
    text = str(error) if isinstance(error, AppError) else f"{type(error).__name__}: {error}"
    return without_secrets(text)
