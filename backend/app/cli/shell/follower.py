"""One session followed from its control socket: looked at now and then until it has ended."""

import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from app.cli.shell.events import ALARM, STATE, Event, began, changes, ended, noted, plain
from app.core.errors import AppError, NotFoundError
from app.core.processes import is_running
from app.core.run_states import RUNNING
from app.managers.system_manager.control.client import ControlClient, SessionEnded, connect
from app.managers.system_manager.control.messages import View
from app.managers.time_manager.clock import WallClock

RecordOf = Callable[[str], Mapping[str, Any] | None]  # a run's row in SQL; None: it cannot be read
Tell = Callable[[Iterable[Event]], None]

LOOK_SECONDS = 0.25  # between two views: enough for eyes, and cheap for the session
ANSWER_SECONDS = 5.0
_FIRST_RETRY_SECONDS, _LONGEST_RETRY_SECONDS = 0.25, 5.0


class Follower:
    """Follows one session; `follow` is for a thread of its own, the rest for any."""

    def __init__(
        self, folder: Path, run_id: str, own: bool, tell: Tell, record_of: RecordOf,
        clock: WallClock,
    ) -> None:  # fmt: skip
        self.run_id = run_id
        self.own = own  # started from this shell
        self.view: View | None = None  # the newest
        self.is_lost = False  # it does not answer just now
        self.is_over = False
        self._folder = folder
        self._tell = tell
        self._record_of = record_of
        self._clock = clock
        self._left = threading.Event()
        self._client: ControlClient | None = None

    def leave(self) -> None:
        """Follow it no more; it goes on."""
        self._left.set()
        if self._client is not None:
            self._client.close()  # wakes whoever waits for an answer

    def follow(self) -> None:
        """Until the session ends, or it is left; every course of things ends in an event."""
        retry_seconds = _FIRST_RETRY_SECONDS
        try:
            while not self._left.is_set() and not self.is_over:
                if self._followed_while_connected():
                    retry_seconds = _FIRST_RETRY_SECONDS
                if self.is_over or self._clock.wait(self._left, retry_seconds):
                    return
                retry_seconds = min(retry_seconds * 2, _LONGEST_RETRY_SECONDS)
        except Exception as error:  # a defect here must not pass for silence of the session
            what = f"{type(error).__name__}: {plain(str(error))}"
            text = f"can be followed no more: {what}; 'follow {self.run_id}' tries again"
            self._tell([noted(self.run_id, self.view, ALARM, text)])
        finally:
            self.is_over = True

    def _followed_while_connected(self) -> bool:
        """Whether it was seen at all."""
        greeted = seen = False
        try:
            with connect(self._folder, self.run_id) as client:
                greeted, self._client = True, client
                client.patience(ANSWER_SECONDS)
                while not self._left.is_set():
                    self._see(client.view())
                    seen = True
                    if self._clock.wait(self._left, LOOK_SECONDS):
                        break
        except (SessionEnded, NotFoundError):
            self._hung_up()
        except AppError as error:
            self._failed(error, greeted)
        return seen

    def _see(self, view: View) -> None:
        before, self.view = self.view, view
        if before is None:
            self._tell([began(view, self.own)])
        else:
            self._tell(changes(before, view))
        if self.is_lost:
            self.is_lost = False
            self._tell([noted(self.run_id, view, STATE, "answers again")])

    def _hung_up(self) -> None:
        """The session has ended, has died, or only the connection is gone."""
        if self._left.is_set():
            return
        record = self._record_of(self.run_id)
        pid = self.view.pid if self.view else int(record["pid"]) if record else 0
        if record is not None and record["state"] == RUNNING and is_running(pid):
            self._lose("the connection is lost; it is looked for again")
            return
        if record is not None and record["state"] == RUNNING:
            record = self._record_of(self.run_id)  # it may have ended in order in between
        self.is_over = True
        self._tell([ended(self.run_id, self.view, record)])

    def _failed(self, error: AppError, greeted: bool) -> None:
        """The session is there, and does not answer or has no use for us."""
        if self._left.is_set():
            return
        if self.view is None and not greeted:  # another version, too many clients
            self.is_over = True
            text = f"cannot be followed: {plain(str(error))}"
            self._tell([noted(self.run_id, None, ALARM, text)])
        else:
            self._lose(plain(str(error)))

    def _lose(self, why: str) -> None:
        if not self.is_lost:
            self.is_lost = True
            self._tell([noted(self.run_id, self.view, ALARM, why)])
