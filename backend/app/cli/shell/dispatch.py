"""How a command runs: here, in a process of its own, or as a session in the background."""

import json
from collections.abc import Callable, Sequence
from enum import Enum
from pathlib import Path

from app.cli.shell.seams import Sessions
from app.cli.system.serving import detached_here

Run = Callable[[Sequence[str]], int]

# They run strategies' code, which must be fresh each time and leave nothing behind, or they serve.
IN_A_CHILD = (
    ("system", "start"),
    ("system", "recover"),
    ("practice", "start"),
    ("risk", "check"),
    ("risk", "drill"),
    ("config", "check"),
    ("verify",),
    ("runs", "rebuild"),
    ("why",),
    ("why-not",),
)
_SETTLED = {"--detach", "--wait", "--help", "-h"}  # with these `system start` is as it says
_LOOKS = {"--dry-run", "--give-up"}  # with these `system recover` goes on with nothing


class Place(Enum):
    """Where a command runs."""

    HERE = "in this process"
    CHILD = "in a process of its own, which has the terminal"
    BACKGROUND = "as a session in the background"


class Dispatcher:
    """Runs commands, each in its place."""

    def __init__(self, run_here: Run, run_child: Run, sessions: Sessions) -> None:
        self._run_here = run_here
        self._run_child = run_child
        self._sessions = sessions

    def run(self, words: Sequence[str]) -> int:
        """The command's exit code."""
        place = place_of(words)
        if place is Place.CHILD:
            return self._run_child(words)
        if place is Place.BACKGROUND:
            words = [*words, "--detach"]
        known = len(detached_here)
        try:
            return self._run_here(words)
        finally:
            for one in detached_here[known:]:
                self._sessions.begun(one.run_id)


def place_of(words: Sequence[str]) -> Place:
    """Where these words run."""
    if "--help" in words or "-h" in words or "--detach" in words:
        return Place.HERE  # nothing of a strategy runs for these
    if not any(tuple(words[: len(one)]) == one for one in IN_A_CHILD):
        return Place.HERE
    if tuple(words[:2]) == ("system", "start") and not _SETTLED & {*words}:
        config = next((word for word in words[2:] if word.endswith(".json")), None)
        if config is not None and _goes_on_for_long(Path(config)):
            return Place.BACKGROUND
    if tuple(words[:2]) == ("system", "recover") and not _LOOKS & {*words}:
        return Place.BACKGROUND
    return Place.CHILD


def _goes_on_for_long(config: Path) -> bool:
    """A live session, or a replay at a pace; what is faulty is refused in the foreground.

    A glance at the file: the session's own process reads it in earnest.
    """
    try:
        found = json.loads(config.expanduser().read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    if not isinstance(found, dict):
        return False
    replay = found.get("replay")
    if isinstance(replay, dict):
        return bool(replay.get("speed", "max") != "max")
    return "mode" in found  # it must be said of a session that is no replay
