"""SystemManager: one system, its state, its managers, and the run it has under way."""

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from loguru import logger

from app.core.config import SessionConfig
from app.core.config_json import InvalidConfigError
from app.core.errors import StateError, UsageError
from app.core.folders import make_private
from app.core.logging import info_for_file
from app.core.run_states import FAILED, INTERRUPTED, STOPPED
from app.core.session_data import SessionData
from app.core.settings import Settings, get_settings
from app.core.state import StateMachine, SystemState
from app.managers.data_manager import DataManager
from app.managers.execution_manager.orders.kill import kill_value
from app.managers.system_manager.control.alarms import Alarms
from app.managers.system_manager.control.messages import Look, check_kill_mode
from app.managers.system_manager.foreseeing import Foreseen, Given
from app.managers.system_manager.record.summary import Summary
from app.managers.system_manager.record.undisturbed import let_through
from app.managers.system_manager.run_builder import RunBuilder
from app.managers.system_manager.run_session import (
    Ended,
    OnProgress,
    RunSession,
)
from app.managers.system_manager.wiring import Run
from app.managers.time_manager import SessionClock, TimeManager, WallClock
from app.threads.machine.pacing import Speed

if TYPE_CHECKING:
    from sqlalchemy import Engine

MARKET = "XNYS"


class SystemManager:
    """Wires everything. One run at a time; an ordinary class, so build as many as you like."""

    def __init__(
        self,
        settings: Settings | None = None,
        on_begin: Callable[[RunSession], None] | None = None,
        confirmed: str | None = None,
    ) -> None:
        """`on_begin` is told of each run that begins, before its first bar; `confirmed` names the
        config that may trade real money.
        """
        self._settings = settings or get_settings()
        self._on_begin = on_begin
        self._confirmed = confirmed
        self._clock = WallClock()
        self.alarms = Alarms(lambda: self._builder.now_text(MARKET))
        self._states = StateMachine()
        self._commands = threading.RLock()  # one pause, resume or clearing stop at a time
        self._session: RunSession | None = None
        self._wired: Run | None = None  # until its record is closed
        self._ended: Ended | None = None
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None

    # -- managers --------------------------------------------------------------------------------

    @property
    def state(self) -> SystemState:
        """What the system is doing."""
        return self._states.state

    @cached_property
    def time_manager(self) -> TimeManager:
        return TimeManager(self._settings.data_folder, MARKET, self._clock)

    @cached_property
    def data_manager(self) -> DataManager:
        return DataManager(
            folder=self._settings.data_folder,
            time=self.time_manager,
            engine_factory=lambda: self._engine,
        )

    def get_time_manager(self) -> TimeManager:
        """The one source of time."""
        return self.time_manager

    def get_data_manager(self) -> DataManager:
        """Bars, instruments, corporate actions."""
        return self.data_manager

    @cached_property
    def _engine(self) -> "Engine":
        from app.repositories.database import ensure_database, open_database, url_of

        with suppress(OSError):  # the database says what is wrong with it
            make_private(self._settings.data_folder)
        engine = open_database(url_of(self._settings))
        ensure_database(engine)
        return engine

    @cached_property
    def _builder(self) -> RunBuilder:
        return RunBuilder(
            self._settings, self.data_manager, self.time_manager, lambda: self._engine,
            self._clock, self.alarms, self._confirmed,
        )  # fmt: skip

    # -- a config --------------------------------------------------------------------------------

    def check(self, config: Given) -> Foreseen:
        """What a run of this config would compute; an error when it could not start."""
        _check_config(config)
        return self._builder.check(config)

    def all_faults(self, error: InvalidConfigError, path: Path) -> InvalidConfigError:
        """A file's faults with those of all that it names: its market, its strategies."""
        return self._builder.all_faults(error, path)

    # -- a run -----------------------------------------------------------------------------------

    def start(
        self,
        config: Given,
        *,
        paused: bool = False,
        on_progress: OnProgress | None = None,
        band: bool = False,
    ) -> str:
        """Start a run in the background; its id. `wait` or `stop` ends it. `band` as in `run`."""
        session = self._prepare(config, paused, on_progress, band)
        self._thread = threading.Thread(
            target=self._run_in_background, args=(session,), name="run", daemon=True
        )
        self._thread.start()
        return session.run_id

    def run(
        self,
        config: Given,
        *,
        timeout_seconds: float | None = None,
        on_progress: OnProgress | None = None,
        band: bool = False,
    ) -> Summary:
        """Run to the end on this thread; an error that ended it is raised, after it is recorded.

        With `band` the same is run under `worst` and `best` too, for what they come to.
        """
        _check_timeout(timeout_seconds)
        session = self._prepare(config, False, on_progress, band)
        ended = self._execute(session, timeout_seconds)
        if ended.reason != INTERRUPTED:
            let_through(session.heard)
        if ended.error is not None:
            raise ended.error
        return ended.summary

    def wait(self, timeout_seconds: float | None = None) -> Summary | None:
        """Wait for the run that `start` began; None when it is still under way by then."""
        if self._thread is None:
            raise StateError("Nothing was started; call start(config) first.")
        self._thread.join(timeout_seconds)
        if self._thread.is_alive():
            return None
        if self._failure is not None:
            raise self._failure
        return None if self._ended is None else self._ended.summary

    def stop(self) -> Summary | None:
        """Stop the run under way, also one that is starting, and clear an error.

        It waits for the run's end; a callback of the run itself asks for it by `interrupt`.
        """
        settled = (SystemState.STOPPED, SystemState.ERROR)
        self._states.wait_for(*settled, SystemState.RUNNING, SystemState.PAUSED)
        if self._session is not None and self.is_running:
            self._session.stop(STOPPED)
            self._states.wait_for(*settled)
        if self._thread is not None:
            self._thread.join()
        with self._commands:
            if self.state is SystemState.ERROR:
                self._states.to(SystemState.STOPPING)
                self._states.to(SystemState.STOPPED)
        return None if self._ended is None else self._ended.summary

    def interrupt(self, reason: str = INTERRUPTED) -> bool:
        """Have the run end in order, if there is one; safe in a signal handler.

        A run that is wired is one already: from then on its record may have begun.
        """
        if self._wired is None:
            return False
        if self._session is not None and self._session.run is self._wired:
            self._session.stop(reason)
        else:
            self._wired.pipeline.stop(reason)
        return True

    def halt(self, reason: str = "halted") -> None:
        """From now on the run takes exits only: nothing opens or increases a position."""
        session = self._running()
        session.halt(reason)
        if not session.has_gate:
            self.alarms.alarm("halted", reason)

    def release(self, reason: str) -> None:
        """Lift a live run's halt, once its venue agrees with its books; `released` says when."""
        self._running().release(reason)

    def released(self) -> str:
        """What came of the release, or "" while the venue is looked at; a refusal is raised."""
        return self._running().released()

    def kill(self, mode: str = "freeze", reason: str = "") -> None:
        """Latch the run, then flatten or freeze, and end it when that is done, or cannot be as a
        strategy hangs; it does not wait for that.
        """
        check_kill_mode(mode)
        session = self._running()
        at = self._builder.now_text(session.run.config.market)
        if session.kill(mode, reason, at) and not session.has_gate:
            self.alarms.alarm("killed", kill_value(mode, reason))

    @property
    def is_running(self) -> bool:
        """Whether a run is under way, paused or not."""
        return self.state in (SystemState.RUNNING, SystemState.PAUSED)

    @property
    def policy(self) -> str:
        """The same-bar policy of the run under way; with `band` there are several in turn."""
        return "" if self._session is None else self._session.under_way.config.execution.same_bar

    @property
    def config(self) -> SessionConfig | None:
        """The config of the run under way, or of the last one."""
        return None if self._session is None else self._session.run.config

    @property
    def ended(self) -> Ended | None:
        """How the last run ended, and why."""
        return self._ended

    def pause(self) -> None:
        """A replay stands still."""
        with self._commands:
            self._running().pause()
            self._states.to(SystemState.PAUSED)

    def resume(self) -> None:
        """It goes on."""
        with self._commands:
            session = self._running()
            self._states.to(SystemState.RUNNING)
            session.resume()

    def step(self, instants: int = 1) -> None:
        """Let a paused replay take so many instants."""
        self._running().run.coordinator.step_instants(instants)

    def set_speed(self, speed: Speed) -> None:
        """Change a replay's pace."""
        self._running().run.coordinator.set_speed(speed)

    def session_data(
        self, symbols: Sequence[str] = (), bars: int = 1, timeout_seconds: float = 1.0
    ) -> SessionData | None:
        """The run as it stands, or as it ended: these symbols, or all, with so many bars at most;
        as it stood last, with its age, when a block takes longer than the timeout.
        """
        return self.look(Look(tuple(symbols), bars), timeout_seconds)

    def look(self, look: Look, timeout_seconds: float) -> SessionData | None:
        """The same, for whoever turns pages."""
        session = self._session
        if session is None:
            return None
        return session.looking.data(look, self.state, self.time_manager, timeout_seconds)

    # -- inside ----------------------------------------------------------------------------------

    def _running(self) -> RunSession:
        if self._session is None or not self.is_running:
            raise StateError(f"No run is under way: the system is {self.state}.")
        return self._session

    def _prepare(
        self,
        config: Given,
        paused: bool,
        on_progress: OnProgress | None,
        band: bool,
    ) -> RunSession:
        _check_config(config)
        try:
            self._states.to(SystemState.STARTING)
        except StateError as error:
            has_failed = self.state is SystemState.ERROR
            why = "The last run failed" if has_failed else "There is one run at a time"
            raise StateError(f"{error} {why}: call stop() first.") from None
        try:
            session = self._builder.build(config, paused, on_progress, band, self._be_wired)
        except BaseException as error:
            self._wired = None
            self._states.to(SystemState.STOPPING)
            self._states.to(SystemState.STOPPED)
            if isinstance(error, InvalidConfigError) and isinstance(config, Path | str):
                raise error.of(Path(config)) from None
            raise
        self._session, self._ended, self._failure = session, None, None
        is_paused = paused or session.was_paused
        self._states.to(SystemState.PAUSED if is_paused else SystemState.RUNNING)
        if self._on_begin is not None:
            self._on_begin(session)
        return session

    def _be_wired(self, run: Run) -> None:
        self._wired = run

    def _run_in_background(self, session: RunSession) -> None:
        with suppress(Exception):  # kept in `_failure`; `wait` raises it
            self._execute(session, None)

    def _execute(self, session: RunSession, timeout_seconds: float | None) -> Ended:
        market = session.run.config.market
        try:
            with self.time_manager.use_clock(SessionClock(lambda: session.under_way.cursor.now_ns)):
                ended = session.execute(timeout_seconds, lambda: self._builder.now_text(market))
        except BaseException as error:
            self._failure = error
            self._states.to(SystemState.ERROR)
            raise
        finally:
            self._wired = None
        self._ended, self._failure = ended, ended.error
        if ended.summary.state == FAILED:
            self._states.to(SystemState.ERROR)
        else:
            self._states.to(SystemState.STOPPING)
            self._states.to(SystemState.STOPPED)
        # The summary, which is printed next, says the same; of a failed run there is none.
        tell = logger.info if ended.summary.state == FAILED else info_for_file
        tell("Run {} {}", ended.summary.run_id, ended.summary.state)
        return ended


def _check_config(config: object) -> None:
    if not isinstance(config, SessionConfig | Mapping | Path | str):
        raise UsageError(
            f"{str(config)[:80]!r} is no session config: give the path of one, or a dict of its"
            " keys."
        )


@lru_cache(maxsize=1)
def get_system_manager() -> SystemManager:
    """The one system of this process, for the faces."""
    return SystemManager()


def _check_timeout(seconds: float | None) -> None:
    """Refuse what is not a time to wait."""
    if seconds is not None and not seconds > 0:  # nan is not above 0 either
        raise UsageError(f"A timeout of {seconds} s makes no sense; give seconds above 0.")
