"""The sessions this shell follows: a thread each, their events for above the prompt, and which
of them the prompt speaks of.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import structs

from app.cli.shell.events import ALARM, END, Event, clock_text
from app.cli.shell.follower import Follower, RecordOf
from app.cli.shell.outbox import Outbox
from app.cli.shell.seams import Standing
from app.cli.system.serving import detached_here
from app.core.errors import AppError, NotFoundError, UsageError, did_you_mean
from app.core.trading_state import ACTIVE
from app.managers.system_manager.control.client import running
from app.managers.system_manager.control.messages import View
from app.managers.time_manager.clock import WallClock

if TYPE_CHECKING:
    from app.cli.context import Context

Show = Callable[[str, str], None]  # a line above the prompt and its style; from a thread

_SHOWING = "shows events"
_LONG_SECONDS = 3600.0
_PART_SECONDS = 1.0  # for threads to end in
_WAITING_LINES = 20  # that are shown at once after a command that had the terminal
_STYLES = {ALARM: "ansired bold", END: "bold"}


class Followed:
    """What the shell's `Sessions` are. Its threads start with the first session; `close` ends them.

    Without `show` nothing is shown by itself, only what `waiting` gives between two commands.
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
        self._news = threading.Event()
        self._closed = threading.Event()

    # -- which sessions ----------------------------------------------------------------------------

    def begun(self, run_id: str) -> None:
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
            with self._lock:
                follower = self._followers.pop(run_id)
            follower.leave()
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

    def standing(self) -> Standing | None:
        """The same as the prompt shows it."""
        view = self.focus
        if view is None:
            return None
        follower = self._followers.get(view.run_id)
        state = view.state
        if view.trading_state not in (None, ACTIVE):
            state += f" {view.trading_state}"
        if follower is not None and follower.is_lost:
            state = "NO ANSWER"
        more = len(self._active()) - 1
        return Standing(view.mode, state, clock_text(view.now), more, view.real_money)

    def running_here(self) -> list[str]:
        """The sessions that were started from this shell and run."""
        return [one.run_id for one in detached_here if one.process.poll() is None]

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
            self._news.set()

    def waiting(self) -> list[tuple[str, str]]:
        """Lines that came while a command had the terminal, each with its style."""
        events = self.outbox.take(self._clock.monotonic_ns(), _WAITING_LINES)
        return [(event.line(), _STYLES.get(event.kind, "")) for event in events]

    def close(self) -> None:
        """End the threads; the sessions go on."""
        self._closed.set()
        self._news.set()
        for follower in self._active():
            follower.leave()
        for thread in self._threads:
            thread.join(_PART_SECONDS / len(self._threads))

    def _tell(self, events: Iterable[Event]) -> None:
        self.outbox.put(map(self._labelled, events))
        self._news.set()

    def _labelled(self, event: Event) -> Event:
        """Under its config's name; where two of one config are followed, as its run is called."""
        names = [
            one.view.config for one in self._active() if one.view and one.run_id != event.run_id
        ]
        if event.label not in names:
            return event
        return structs.replace(event, label=event.run_id.partition("-")[2] or event.run_id)

    def _showing(self) -> None:
        """Show lines as they may be shown, until the end."""
        seconds = _LONG_SECONDS
        while True:
            self._clock.wait(self._news, seconds)
            if self._closed.is_set():
                return
            self._news.clear()
            if self._held or self._show is None:
                seconds = _LONG_SECONDS
                continue
            now_ns = self._clock.monotonic_ns()
            for event in self.outbox.take(now_ns):
                self._show(event.line(), _STYLES.get(event.kind, ""))
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


def record_reader(context: "Context") -> RecordOf:
    """Reads a run's row in SQL."""

    def record_of(run_id: str) -> Mapping[str, Any] | None:
        from app.repositories.run_repository import RunRepository

        try:
            engine = context.open_engine()
            try:
                return dict(RunRepository(engine).get_run(run_id))
            finally:
                engine.dispose()
        except AppError:
            return None

    return record_of
