"""A session process: its control socket while it runs, and its way out of the terminal.

A detached session is the same command in a process of its own. Over a pipe it tells when it runs;
if it does not come to that, what it wrote tells why.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple

from app.cli.terminal.output import say
from app.core.errors import AppError, StateError
from app.core.import_path import PYTHON
from app.managers.time_manager.clock import WallClock

if TYPE_CHECKING:
    from app.core.calendar import TradingSession
    from app.core.settings import Settings
    from app.managers.system_manager.control.messages import Alarm
    from app.managers.system_manager.control.server import ControlServer
    from app.managers.system_manager.run_session import RunSession

LOG_NAME = "session.log"
_LEAVE_SECONDS = 10.0  # that a run may take to end once a hook was left behind
_EARLY_BYTES = 1_000_000
PROGRAM: Final = (*PYTHON, "app.cli.main")


class Detached(NamedTuple):
    """A session that this process has sent to the background."""

    run_id: str
    process: "subprocess.Popen[bytes]"


detached_here: list[Detached] = []  # in order; a shell wants to know what it started


class Serving:
    """Serves a system's run from its beginning until `close`."""

    def __init__(
        self, settings: "Settings", ready: int | None, confirmed: str | None = None
    ) -> None:
        from app.managers.system_manager.system_manager import SystemManager

        self.system: SystemManager = SystemManager(settings, self._begin, confirmed)
        self._folder = settings.data_folder
        self._ready = ready  # a pipe to whoever started this process, and waits
        self._server: ControlServer | None = None
        self._run: RunSession | None = None
        self._closed = threading.Event()
        self.system.alarms.on_alarm = self._heed

    def sessions(self) -> "Sequence[TradingSession]":
        """Those of the replay that runs; none of a live run, which goes at its venue's pace."""
        from app.cli.context import Context

        config = None if self._run is None else self._run.run.config
        if config is None or config.replay is None:
            return ()
        times = Context(config.market).time
        return times.known_sessions(config.replay.start, config.replay.end)

    def close(self) -> None:
        """The run has ended and is recorded."""
        self._closed.set()
        if self._server is not None:
            self._server.close()

    def _begin(self, session: "RunSession") -> None:
        from loguru import logger

        from app.managers.system_manager.control.server import ControlServer
        from app.managers.system_manager.control.sockets import SUFFIX, make_control_folder
        from app.managers.system_manager.steering.desk import ControlDesk

        self._run = session
        desk = ControlDesk(self.system, session)
        try:
            path = make_control_folder(self._folder) / f"{session.run_id}{SUFFIX}"
            self._server = ControlServer(path, desk, desk.view, WallClock(), desk.tell)
        except (StateError, OSError, RuntimeError) as error:  # it runs all the same
            logger.warning("The session cannot be steered from other terminals. {}", error)
        if self._ready is not None:
            self._tell_ready(session)

    def _heed(self, alarm: "Alarm") -> None:
        from app.threads.watch.watchdog import LEFT_BEHIND

        if alarm.what == LEFT_BEHIND:
            threading.Thread(target=self._leave, args=(alarm,), daemon=True).start()

    def _leave(self, alarm: "Alarm") -> None:
        """End the process if the run cannot: its hook has the very thread that would end it."""
        if WallClock().wait(self._closed, _LEAVE_SECONDS) or self._run is None:
            return
        try:
            self._run.give_up(alarm.at, alarm.details)
            say(f"error: {alarm.details}", to_errors=True)
            sys.stderr.flush()
        finally:
            self.close()
            os._exit(AppError.exit_code)

    def _tell_ready(self, session: "RunSession") -> None:
        log = self._folder / "runs" / session.run_id / LOG_NAME
        told = {"run_id": session.run_id, "pid": os.getpid(), "log": str(log)}
        alarms = [f"{one.what}: {one.details}" for one in self.system.alarms.latest()]
        assert self._ready is not None
        with suppress(OSError), log.open("ab") as file:  # else its words go where they went
            file.write(os.pread(2, _EARLY_BYTES, 0))
            file.flush()
            for number in (1, 2):
                os.dup2(file.fileno(), number)
        with suppress(BrokenPipeError), os.fdopen(self._ready, "w") as pipe:
            json.dump({**told, "goes_on": session.goes_on, "alarms": alarms}, pipe)


def detach(words: Sequence[str]) -> dict[str, Any]:
    """Have these words of `system` run a session in a process of its own; its run, or the error
    that refused it.
    """
    read, write = os.pipe()
    with tempfile.TemporaryFile() as early:
        process = subprocess.Popen(
            [*PROGRAM, "system", *words, "--json", "--ready", str(write)],
            stdin=subprocess.DEVNULL,
            stdout=early,
            stderr=early,
            pass_fds=(write,),
            start_new_session=True,
        )
        os.close(write)
        try:
            with os.fdopen(read) as pipe:
                told = pipe.read()  # until it is told, or the process has ended
        except BaseException:  # Ctrl+C: nobody would learn of the session
            process.terminate()
            raise
        if told:
            found: dict[str, Any] = json.loads(told)
            detached_here.append(Detached(found["run_id"], process))
            return found
        code = process.wait()
        raise _refusal(early, code)


def _refusal(early: IO[bytes], code: int) -> AppError:
    """What a session's process said before it ended."""
    early.seek(0)
    for line in reversed(early.read().decode(errors="replace").splitlines()):
        with suppress(ValueError, TypeError, KeyError):
            error = AppError(json.loads(line)["error"])
            error.exit_code = code if code > 0 else AppError.exit_code
            return error
    how = f"by signal {-code}" if code < 0 else f"with code {code}"
    return StateError(f"The session's process ended {how} before it ran.")
