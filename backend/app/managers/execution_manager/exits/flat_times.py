"""From when on strategies are to hold nothing, until their session is over."""

from collections.abc import Sequence

from app.managers.execution_manager.exits.trades import NEVER_NS
from app.services.protection import Cover


class FlatTimes:
    """By strategy, in the session under way; each is to be acted on once."""

    def __init__(self, covers: Sequence[Cover | None]) -> None:
        self._before_ns = [0 if one is None else one.flat_ns for one in covers]  # the close
        self.end_session()

    def state(self) -> tuple[list[int], list[int]]:
        """The times, and those that are still to be acted on."""
        return list(self._at_ns), list(self._due_ns)

    def restore(self, at_ns: Sequence[int], due_ns: Sequence[int]) -> None:
        """As they were."""
        self._at_ns, self._due_ns = list(at_ns), list(due_ns)

    def open_session(self, close_ns: int) -> None:
        """A session begins that closes then."""
        self._at_ns = [close_ns - one if one else NEVER_NS for one in self._before_ns]
        self._due_ns = list(self._at_ns)

    def end_session(self) -> None:
        """It is over, and they may hold again."""
        self._at_ns = [NEVER_NS] * len(self._before_ns)
        self._due_ns = list(self._at_ns)

    def is_flat(self, strategy: int, now_ns: int) -> bool:
        """Whether a strategy is to hold nothing from now on."""
        return self._at_ns[strategy] <= now_ns

    def next_ns(self) -> int:
        """When one has to be acted on."""
        return min(self._due_ns)

    def take_due(self, now_ns: int) -> list[int]:
        """The strategies whose time has come since the last call."""
        due = [number for number, at_ns in enumerate(self._due_ns) if at_ns <= now_ns]
        for number in due:
            self._due_ns[number] = NEVER_NS
        return due
