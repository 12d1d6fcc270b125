"""Where alarms go: the log, whoever listens, and a command of the user's own.

Telling never blocks and never raises. The command is a list of words, never a shell's line; it
gets the alarm as JSON on its input, and has a thread, a bound and a time-out of its own.
"""

import subprocess
import threading
from collections.abc import Callable, Sequence
from queue import Empty, Full, Queue

import msgspec
from loguru import logger

from app.core.logging import redact
from app.core.processes import end_group
from app.core.seams import Clock

BOUND = 100  # alarms that wait for the command
TIMEOUT_SECONDS = 10.0
_POLL_SECONDS = 0.1

Listener = Callable[["Alarm"], None]


class Alarm(msgspec.Struct, frozen=True):
    """What the command reads on its input, and a listener is given."""

    at_ns: int
    what: str
    details: str


class AlarmNotifier:
    """The Notifier of a live session; `failures` and `dropped` count what the command missed."""

    def __init__(
        self, clock: Clock, command: Sequence[str] = (), timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        self._clock = clock
        self._command = list(command)
        self._timeout_seconds = timeout_seconds
        self._waiting: Queue[Alarm] = Queue(BOUND)
        self._listeners: list[Listener] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="notifier", daemon=True)
        self.failures = 0
        self.dropped = 0

    def start(self) -> None:
        """Begin to run the command, if there is one."""
        if self._command and not self._stopped.is_set():
            self._thread.start()

    def stop(self, seconds: float = TIMEOUT_SECONDS) -> None:
        """Let the command hear what waits, for no longer than this."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def attach(self, listener: Listener) -> Callable[[], None]:
        """Tell this one too, on whatever thread an alarm comes; the answer detaches it."""
        self._listeners = [*self._listeners, listener]

        def detach() -> None:
            self._listeners = [one for one in self._listeners if one is not listener]

        return detach

    def alarm(self, what: str, details: str) -> None:
        """Tell everybody; a listener that fails is not asked to be told by somebody else."""
        alarm = Alarm(self._clock.now_ns(), redact(what), redact(details))
        logger.warning("Alarm, {}: {}", alarm.what, alarm.details)
        for listener in self._listeners:
            try:
                listener(alarm)
            except Exception as error:
                logger.warning("A listener of alarms failed: {}", error)
        if self._command:
            try:
                self._waiting.put_nowait(alarm)
            except Full:
                self.dropped += 1
                logger.warning("notify.command lags behind: {} alarms dropped", self.dropped)

    def _run(self) -> None:
        while True:
            try:
                alarm = self._waiting.get(timeout=_POLL_SECONDS)
            except Empty:
                if self._stopped.is_set():
                    return
                continue
            why = self._tell_command(msgspec.json.encode(alarm))
            if why:
                self.failures += 1
                logger.warning("notify.command failed ({} times): {}", self.failures, why)

    def _tell_command(self, text: bytes) -> str:
        """Run the command once; why it failed, or ""."""
        try:
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # so that what it starts ends with it
            )
        except OSError as error:
            return f"{self._command[0]}: {error.strerror}"
        try:
            process.communicate(text, self._timeout_seconds)
        except subprocess.TimeoutExpired:
            end_group(process.pid)
            process.communicate()
            return f"it took longer than {self._timeout_seconds:g} s and was ended"
        except OSError as error:
            process.wait()
            return f"it does not read: {error.strerror}"
        return f"it ended with {process.returncode}" if process.returncode else ""
