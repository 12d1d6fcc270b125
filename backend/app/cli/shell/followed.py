"""The sessions this shell follows: a thread each, their events for above the prompt, and which
of them the prompt speaks of.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from app.cli.shell.events import Event
from app.cli.shell.follower import Follower, RecordOf
from app.cli.shell.outbox import LINES_A_SECOND, Outbox
from app.core.errors import AppError, NotFoundError, UsageError, did_you_mean
from app.managers.system_manager.control_client import running
from app.managers.system_manager.control_messages import View
from app.managers.time_manager.clock import WallClock

Show = Callable[[str], None]  # lines above the prompt; from a thread

_SHOWING = "shows events"
_LONG_SECONDS = 3600.0
_PART_SECONDS = 1.0  # for threads to end in
_HELD_LINES = 20  # that are shown at once after a command that had the terminal


class Followed:
    """Starts when a session is followed; `close` ends its threads.

    Without `show` nothing is shown by itself: `waiting` gives the lines between two commands.
    """

    def __init__(
        self, folder: Path, record_of: RecordOf, show: Show | None, clock: WallClock
    ) -> None:
        self.outbox = Outbox()
        self._folder = folder
        self._record_of = record_of
        self._show = show
        self._clock = clock
        self._followers: dict[str, Follower] = {}
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._wanted = ""  # the run the prompt is to speak of, if it is followed
        self._held = 0
        self._most = LINES_A_SECOND
        self._news = threading.Event()
        self._closed = threading.Event()

    # -- which sessions ----------------------------------------------------------------------------

    def started(self, run_id: str) -> None:
        """Follow a session that was started from this shell."""
        self._follow(run_id, own=True)

    def follow(self, words: str | None = None) -> list[str]:
        """Follow the running session of this id or beginning of one, or all; which are new."""
        known = running(self._folder)
        if not known:
            raise NotFoundError("No session runs. 'system start CONFIG' starts one.")
        chosen = known if words is None else [_chosen(words, known, "runs")]
        return [run_id for run_id in chosen if self._follow(run_id, own=False)]

    def unfollow(self, words: str | None = None) -> list[str]:
        """Follow it no more, or none; they go on."""
        known = [follower.run_id for follower in self._active()]
        chosen = known if words is None else [_chosen(words, known, "is followed")]
        for run_id in chosen:
            self._followers.pop(run_id).leave()
        return chosen

    def focus_on(self, words: str) -> str:
        """Have the prompt speak of this one."""
        known = [follower.run_id for follower in self._active()]
        self._wanted = _chosen(words, known, "is followed")
        return self._wanted

    @property
    def focus(self) -> View | None:
        """The newest view of the run in focus: the one chosen, else the one followed last."""
        active = {follower.run_id: follower for follower in self._active() if follower.view}
        if self._wanted in active:
            return active[self._wanted].view
        return list(active.values())[-1].view if active else None

    @property
    def own(self) -> list[str]:
        """The sessions that were started from this shell and run."""
        return [follower.run_id for follower in self._active() if follower.own]

    @property
    def runs(self) -> list[str]:
        """The sessions that are followed."""
        return [follower.run_id for follower in self._active()]

    def _active(self) -> list[Follower]:
        with self._lock:
            return [follower for follower in self._followers.values() if not follower.is_over]

    def _follow(self, run_id: str, own: bool) -> bool:
        """Whether it was not followed yet."""
        with self._lock:
            before = self._followers.get(run_id)
            if before is not None and not before.is_over:
                return False
            follower = Follower(self._folder, run_id, own, self._tell, self._record_of, self._clock)
            self._followers.pop(run_id, None)
            self._followers[run_id] = follower  # as the newest
        self._begin(follower.follow, f"follows {run_id}")
        if self._show is not None and not any(one.name == _SHOWING for one in self._threads):
            self._begin(self._showing, _SHOWING)
        return True

    def _begin(self, work: Callable[[], None], name: str) -> None:
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(target=work, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    # -- their events ------------------------------------------------------------------------------

    @contextmanager
    def held(self) -> Iterator[None]:
        """While a command has the terminal; what came meanwhile is shown after it."""
        with self._lock:
            self._held += 1
        try:
            yield
        finally:
            with self._lock:
                self._held -= 1
                self._most = _HELD_LINES
            self._news.set()

    def waiting(self) -> list[str]:
        """What may be shown now; for whoever shows lines between two commands."""
        return self.outbox.take(self._clock.monotonic_ns(), _HELD_LINES)

    def close(self) -> None:
        """End the threads; the sessions go on."""
        self._closed.set()
        self._news.set()
        for follower in self._active():
            follower.leave()
        for thread in self._threads:
            thread.join(_PART_SECONDS)

    def _tell(self, events: Iterable[Event]) -> None:
        self.outbox.put(events)
        self._news.set()

    def _showing(self) -> None:
        """Show lines as they may be shown, until the end."""
        seconds = _LONG_SECONDS
        while True:
            self._clock.wait(self._news, seconds)
            if self._closed.is_set():
                return
            self._news.clear()
            if self._held:
                seconds = _LONG_SECONDS
                continue
            most, self._most = self._most, LINES_A_SECOND
            now_ns = self._clock.monotonic_ns()
            lines = self.outbox.take(now_ns, most)
            if lines and self._show is not None:
                with suppress(OSError, ValueError):  # the terminal has gone; the shell will notice
                    self._show("\n".join(lines))
            left = self.outbox.seconds_until_more(now_ns)
            seconds = _LONG_SECONDS if left is None else left


def _chosen(words: str, known: Sequence[str], what: str) -> str:
    found = [one for one in known if one == words] or [o for o in known if o.startswith(words)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{len(found)} sessions begin with '{words}': {', '.join(found)}.")
    others = f" There are: {', '.join(known)}." if known else ""
    raise NotFoundError(f"No session '{words}' {what}.{did_you_mean(words, known)}{others}")


def recorded(run_id: str) -> Mapping[str, Any] | None:
    """A run's row in the database of the settings; None where it cannot be read."""
    from app.cli.context import Context
    from app.repositories.run_repository import RunRepository

    try:
        return dict(RunRepository(Context().open_engine()).get_run(run_id))
    except AppError:
        return None
