"""A run whose hook hung hangs again when it is run again, and is interrupted again.

A kill does not wait for `hook_seconds`: neither is that waited for again, and simulated orders are
killed amid the same block.
"""

from collections.abc import Iterable

from app.core.messages import Command, Message
from app.core.run_states import FAILED, INTERRUPTED, KILLED
from app.managers.system_manager.journal.journal_feed import RunJournal
from app.managers.system_manager.record.run_outcome import RunEnd
from app.managers.system_manager.wiring import Run
from app.strategies.failure import HookInterrupted
from app.threads.stream.commands import KILL


class HungAgain:
    """What is known of that, for whoever runs a journal again; used once."""

    def __init__(self, journal: RunJournal, end: RunEnd | None, runner: str = "inline") -> None:
        self._end = end
        self._hung_in: int | None = None
        self._kill: Command | None = None
        self.is_so = False  # a hook has hung again
        if end is not None and end.ended == KILLED:
            self._kill = _first_kill(journal.outline())
            # on several threads inputs before it may still be under way
            self._hung_in = journal.hung_in() if runner == "inline" else None

    def begin(self, run: Run) -> None:
        """This is the run; it has not begun."""
        if self._kill is not None:
            run.engine.expect(self._kill)

    def hear(self, run: Run, message: Message) -> None:
        """It is given this next."""
        if message.sequence == self._hung_in:
            run.pipeline.hurry()

    def is_as_then(self, error: BaseException) -> bool:
        """Whether it raised this then too: it failed; or a hook hung while it was killed, while
        somebody would not wait for it, or while its process died.
        """
        ended = None if self._end is None else self._end.ended
        self.is_so = any(isinstance(one, HookInterrupted) for one in (error, error.__cause__))
        return ended == FAILED or (self.is_so and ended in (None, KILLED, INTERRUPTED))


def _first_kill(messages: Iterable[Message]) -> Command | None:
    commands = (one for one in messages if isinstance(one, Command))
    return next((one for one in commands if one.name == KILL), None)
