"""What the shell asks of whoever knows which sessions run."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol


class Standing(NamedTuple):
    """The session in focus, as the prompt shows it."""

    mode: str
    state: str
    clock: str  # HH:MM:SS of the session clock, in the market's zone
    more: int = 0  # other sessions that run
    real_money: bool = False


class Sessions(Protocol):
    """Knows what runs. Nothing here may block: it is asked at every refresh of the prompt."""

    def standing(self) -> Standing | None:
        """The session in focus; None when none runs."""

    def begun(self, run_id: str) -> None:
        """The shell has just sent this run to the background."""

    def running_here(self) -> Sequence[str]:
        """The ids of the runs that go on and were started from this shell."""

    def held(self) -> AbstractContextManager[None]:
        """While a command has the terminal: what happens is told after it."""

    def waiting(self) -> Sequence[tuple[str, str]]:
        """Lines, each with its style, for when a command has ended."""

    def close(self) -> None:
        """The shell leaves; the sessions go on."""
