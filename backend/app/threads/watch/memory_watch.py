"""Whether a run takes too much memory, and what is to be done about it, look by look. Pure.

The system would end the whole process, without a word. A strategy that keeps what it is shown is
interrupted before, in its hook; a run that is found between hooks, look after look, is ended.
"""

from typing import Final, Literal

from app.core.memory import free_mb, used_mb

SHARE: Final = 0.75  # of what is free at the start, unless somebody says how much
STUBBORN_SECONDS: Final = 5.0  # that a hook may ignore its interruption; then it is left behind
_IDLE_SECONDS: Final = 0.5  # that no hook is found while too much is taken
_CLOSE_LOOK_SECONDS: Final = 0.05

Duty = Literal["interrupt", "abandon", "end", ""]


class MemoryWatch:
    """Watches the memory of one run, from its start."""

    def __init__(self, most_mb: int | None) -> None:
        self._is_given = most_mb is not None
        self.most_mb: float | None = most_mb
        if most_mb is None and (free := free_mb()) is not None:
            self.most_mb = (used_mb() or 0.0) + SHARE * free
        self._used_mb = 0.0
        self._over_seconds = self._idle_seconds = 0.0
        self.is_news = False  # that too much is taken

    def __str__(self) -> str:
        whose = "of engine.memory_mb" if self._is_given else "that this machine could spare"
        used, most = f"{self._used_mb:,.0f} MB", f"{self.most_mb:,.0f} MB"
        return f"the process takes {used} of memory, and {most} {whose} are the most"

    def next_look_seconds(self, longest_seconds: float) -> float:
        """Near the bound it is looked at more often: memory is taken by the gigabyte a second."""
        near = self.most_mb is not None and self._used_mb > self.most_mb / 2
        return min(longest_seconds, _CLOSE_LOOK_SECONDS) if near else longest_seconds

    def is_over(self, used_mb: float | None) -> bool:
        """Whether that is more than may be taken."""
        self._used_mb = used_mb or 0.0
        over = self.most_mb is not None and self._used_mb > self.most_mb
        self.is_news = over and not self._over_seconds
        if not over:
            self._over_seconds = self._idle_seconds = 0.0
        return over

    def look(self, in_hook: bool, since_seconds: float) -> Duty:
        """What to do about it, so long after the last look."""
        since_seconds = min(since_seconds, _IDLE_SECONDS)  # a process may have been stopped
        self._over_seconds += since_seconds
        if in_hook:
            self._idle_seconds = 0.0
            return "interrupt" if self._over_seconds <= STUBBORN_SECONDS else "abandon"
        self._idle_seconds += since_seconds
        return "end" if self._idle_seconds > _IDLE_SECONDS else ""
