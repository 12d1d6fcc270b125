"""Reloads a strategy of a live run: the new code is checked, then asked for as an input of the run.

The check is a shadow run in a process of its own; the stream does not wait for it. Whatever it
refuses has no effect on the run, and is told to whoever asked. One reload is under way at a time.
"""

import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
from loguru import logger

from app.core import message_codec as codec
from app.core.config import SessionConfig
from app.core.errors import (
    AppError,
    NotFoundError,
    RunTimeoutError,
    StateError,
    StrategyError,
    UsageError,
    did_you_mean,
)
from app.core.halts import ALL_SYMBOLS, START
from app.core.messages import Command
from app.core.seams import Alarm
from app.managers.system_manager.journal.run_header import RunHeader
from app.managers.system_manager.record.run_outcome import reload_facts
from app.managers.system_manager.record.uncertain_bars import LocalText
from app.managers.system_manager.strategies.shadow import (
    SHADOW_SECONDS,
    VERDICT,
    Task,
    Verdict,
    seen_inputs,
)
from app.managers.system_manager.wiring import Run
from app.managers.time_manager import WallClock
from app.strategies.loader import LoadError, source_of, strategy_file
from app.threads.hooks.seats import Seat
from app.threads.stream.commands import is_ending
from app.threads.stream.reloading import Reload, ReloadOutcome, reload_of

if TYPE_CHECKING:
    from app.managers.system_manager.live.live_line import LiveLine

OUTCOME_SECONDS: Final = 60.0  # for the run to come to it
DURABLE_SECONDS: Final = 30.0  # for the journal to be written then
_BLOCK_SECONDS: Final = 10.0  # for a block that is under way
_MOST_BYTES: Final = 1_000_000  # of a file
_PROGRAM: Final = ("-P", "-m", "app.managers.system_manager.strategies.shadow")


class Asked(msgspec.Struct, frozen=True):
    """What a person asks for."""

    strategy: str
    file: str = ""  # of the strategies folder; "": the one it comes from
    params: dict[str, Any] = {}  # those that change; None: back to its default
    fresh: bool = False


class Reloaded(msgspec.Struct, frozen=True):
    """What is told to them."""

    run_id: str
    strategy: str
    use: str
    hash: str
    params: dict[str, Any]
    fresh: bool
    sequence: int
    at: str
    shadow_bars: int
    shadow_orders: int


class Reloads:
    """The reloads of one live run: `ask` begins one, `outcome` tells what came of it."""

    def __init__(
        self,
        run: Run,
        line: "LiveLine",
        header: RunHeader,
        strategies: Path,
        data: Path,
        alarm: Alarm,
        local_text: LocalText,
    ) -> None:
        self._run = run
        self._line = line
        self._header = header
        self._strategies = strategies
        self._data = data
        self._alarm = alarm
        self._local_text = local_text
        self._clock = WallClock()
        self._turn = threading.Lock()
        self._thread: threading.Thread | None = None
        self._told: Reloaded | AppError | None = None
        self._came = threading.Event()
        self._came_of: ReloadOutcome | None = None
        self._is_asked = False  # and the run has not come to it
        self.outcomes: list[ReloadOutcome] = []

    # -- what came of those that were asked for ----------------------------------------------------

    def take(self, outcome: ReloadOutcome) -> None:
        """The run has come to one; also to those on record, when it goes on after a break."""
        if any(one.sequence == outcome.sequence for one in self.outcomes):
            return
        self.outcomes.append(outcome)
        self._came_of, self._is_asked = outcome, False
        self._came.set()

    def facts(self) -> list[dict[str, Any]]:
        """For the record."""
        return [reload_facts(one, self._local_text) for one in self.outcomes]

    # -- asking for one ----------------------------------------------------------------------------

    def ask(self, asked: Asked) -> str:
        """Begin with the check, on a thread of its own; what is being done."""
        with self._turn:
            if self._is_asked or (self._thread is not None and self._told is None):
                raise StateError("Another reload is under way; wait for it, and ask again.")
            self._check_run()
            reload = self._reload_of(asked)
            self._told = None
            self._thread = threading.Thread(
                target=self._go, args=(reload,), name="reload", daemon=True
            )
            self._thread.start()
        return f"The new code of {reload.strategy} is being checked."

    def outcome(self) -> Reloaded | None:
        """None while it is under way; a refusal is raised."""
        told = self._told
        if isinstance(told, AppError):
            raise told
        return told

    def _check_run(self) -> None:
        execution = self._run.execution
        if self._run.pipeline.is_stopping or is_ending(execution) or execution.entries.kill.mode:
            raise StateError("The run is ending: no strategy of it is reloaded any more.")
        if not self._line.is_recovered or (ALL_SYMBOLS, START) in execution.entries.closed:
            raise StateError("The run catches up with the time; ask again when it has.")
        journal = self._line.journal
        if journal is not None and journal.recorder.failed is not None:
            raise StateError(
                "The journal cannot be written, and after a crash the run would go on with the "
                f"code before; ask again when it can: {journal.recorder.failed}"
            )

    def _reload_of(self, asked: Asked) -> Reload:
        """The text is read once: what is checked is what is run."""
        seat = self._seat(asked.strategy)
        now = in_force(self._run.config, seat)
        use = asked.file or now.use
        name = use.partition(":")[0]
        if not name.endswith(".py"):
            raise UsageError(
                f"{seat.name} is {use}, of an installed module, and a reload takes files of "
                f"{self._strategies} alone. Save it there as a file, and give it by --file."
            )
        text = _text_of(strategy_file(self._strategies, name), use)
        use = self._within(use)
        params = {**now.params, **asked.params}
        params = {key: value for key, value in params.items() if value is not None}
        brought = {
            one.name: one.reloaded_by.sequence
            for one in self._run.seats
            if one.reloaded_by is not None
        }
        reload = Reload(seat.name, use, text, params, asked.fresh, brought)
        if not asked.fresh and (use, text, params) == (now.use, now.text, now.params):
            raise StateError(
                f"{seat.name} runs this very code already, with these parameters; --fresh has it "
                "begin anew."
            )
        return reload

    def _within(self, use: str) -> str:
        """The same, of a file as seen from its folder: the check has one of its own."""
        name, colon, class_name = use.partition(":")
        if not name.endswith(".py"):
            return use
        root = self._strategies.resolve()
        return (root / name).resolve().relative_to(root).as_posix() + colon + class_name

    def _seat(self, name: str) -> Seat:
        names = [seat.name for seat in self._run.seats]
        if name not in names:
            raise NotFoundError(
                f"The run has no strategy '{name}'; it has {', '.join(names)}."
                f"{did_you_mean(name, names)}"
            )
        return self._run.seats[names.index(name)]

    # -- on a thread of its own --------------------------------------------------------------------

    def _go(self, reload: Reload) -> None:
        try:
            verdict = self._checked(reload)
            self._run.workshop.prepare(reload)
            told = self._done(reload, verdict)
        except AppError as error:
            logger.warning("The code of {} is not reloaded: {}", reload.strategy, error)
            self._told = error
        except BaseException as error:
            logger.opt(exception=error).error("The reload of {} failed", reload.strategy)
            self._told = StateError(f"The reload failed: {type(error).__name__}: {error}")
        else:
            self._told = told

    def _checked(self, reload: Reload) -> Verdict:
        with tempfile.TemporaryDirectory(prefix="reload-") as folder:
            path = Path(folder) / "task"
            path.write_bytes(codec.encode(self._task(reload)))
            verdict = _judged(path)
        if verdict.refused:
            error = StrategyError(verdict.refused)
            error.exit_code = verdict.exit_code or 1
            raise error
        return verdict

    def _task(self, reload: Reload) -> Task:
        run, header = self._run, self._header
        seen = run.engine.today(_BLOCK_SECONDS)
        if seen is None:
            raise RunTimeoutError(
                "The run has stood in one block for too long, as a hook that hangs has it do; "
                "nothing was changed."
            )
        part, through_ns = seen
        before = in_force(run.config, self._seat(reload.strategy))
        symbols, base = len(run.config.symbols), run.config.base_interval
        inputs = [] if part is None else seen_inputs(header, part, symbols, base, through_ns)
        return Task(
            header=header.as_dict(),
            reload=reload,
            before=msgspec.structs.replace(before, use=self._within(before.use)),
            data_folder=str(self._data),
            intervals=run.plan.intervals,
            history=dict(run.plan.history),
            session=None if part is None else part.session,
            inputs=[codec.encode_message(message) for message in inputs],
        )

    def _done(self, reload: Reload, verdict: Verdict) -> Reloaded:
        """Ask the run, and wait for what comes of it."""
        self._check_run()
        self._came.clear()
        self._is_asked = True
        self._line.inbox.put(reload.command())
        if not self._clock.wait(self._came, OUTCOME_SECONDS):
            raise RunTimeoutError(
                f"The reload of {reload.strategy} was asked for, and the run has not come to it "
                f"within {OUTCOME_SECONDS:g} s. 'runs show {self._header.run_id}' tells when it has"
            )
        came = self._came_of
        assert came is not None
        if came.refused:
            self._alarm("reload refused", f"{came.strategy} goes on as it was: {came.refused}")
            raise StrategyError(came.refused)
        self._make_durable(came)
        self._alarm("strategy reloaded", f"{came.strategy} is {came.use}, {came.hash[:12]}")
        return Reloaded(
            self._header.run_id, came.strategy, came.use, came.hash, came.params, came.fresh,
            came.sequence, self._local_text(came.at_ns), verdict.bars, verdict.orders,
        )  # fmt: skip

    def _make_durable(self, came: ReloadOutcome) -> None:
        """Nobody is told of new code that a crash would take back."""
        durable = threading.Event()
        if self._line.journal is not None:
            self._line.journal.recorder.commit(durable.set)
            if not self._clock.wait(durable, DURABLE_SECONDS):
                raise RunTimeoutError(
                    f"{came.strategy} has the new code, but the journal was not written within "
                    f"{DURABLE_SECONDS:g} s: after a crash the run would go on with the code before"
                )


def in_force(config: SessionConfig, seat: Seat) -> Reload:
    """The code that has a seat now, in the words of a reload; of an installed module no text."""
    command: Command | None = seat.reloaded_by
    if command is not None:
        return reload_of(command)
    item = next(one for one in config.strategies if one.label == seat.name)
    is_file = item.use.partition(":")[0].endswith(".py")
    text = source_of(type(seat.strategy)) if is_file else ""
    return Reload(seat.name, item.use, text, dict(item.params))


def _text_of(path: Path, use: str) -> str:
    try:
        data = path.read_bytes()
        if len(data) <= _MOST_BYTES:
            return data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LoadError(use, f"it cannot be read: {error}.") from None
    raise LoadError(use, f"it has {len(data):,} bytes, and {_MOST_BYTES:,} are the most.")


def _judged(path: Path) -> Verdict:
    """What the shadow run says of a task; one that ends without a word has refused it."""
    with subprocess.Popen(
        [sys.executable, *_PROGRAM, str(path)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:  # fmt: skip
        try:
            process.wait(SHADOW_SECONDS)
            how = f"ended by itself (exit code {process.returncode})"
        except subprocess.TimeoutExpired:
            how = f"did not end within {SHADOW_SECONDS:g} s"
        finally:
            _end_all(process.pid)
    verdict = path.with_name(path.name + VERDICT)
    if not verdict.exists():
        raise StrategyError(f"The shadow run over today's bars {how}; the old code goes on.")
    return codec.decode(verdict.read_bytes(), Verdict)


def _end_all(group: int) -> None:
    """The process, and whatever its strategy began."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return
