"""What a check finds, and the ground it looks at."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from app.core.settings import Settings

State = Literal["ok", "warning", "failing"]


class Finding(msgspec.Struct, frozen=True):
    """One thing looked at: how it is, and what puts it right, a command where there is one."""

    check: str
    state: State
    what: str
    remedy: str | None = None


class Ground(msgspec.Struct, frozen=True):
    """Where to look: the settings that can be used, and where this program lies."""

    settings: "Settings"
    home: Path  # of the clone or the installation
    configs: Path
    port: int  # of the practice venue, where nothing else is said


Verdict = tuple[State, str, str | None]
Check = Callable[[Ground], Iterable[Verdict]]


def ok(what: str) -> Verdict:
    return "ok", what, None


def warning(what: str, remedy: str) -> Verdict:
    """Something that will be in the way of some work."""
    return "warning", what, remedy


def failing(what: str, remedy: str) -> Verdict:
    """Something that keeps commands from their work."""
    return "failing", what, remedy
