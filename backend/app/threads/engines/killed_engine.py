"""An analysis engine that carries out a kill though a hook hangs, and can end its run by itself.

A replay ends at the instant at which its kill is done: so it is the same however it is cut into
blocks, and on whatever threads. A hook that is interrupted while somebody waits for a kill fails
nobody: the kill is done at that instant, and strategies are asked no more.

A replay that is stopped ends with the block under way, and is killed behind those on their way to
it; where that takes too long, as its hooks are slow, with the hook under way.
"""

from collections.abc import Callable, Iterator
from typing import Any

from app.core.bars import Bar
from app.core.errors import StrategyError
from app.core.messages import Command, EndOfStream
from app.core.orders import RUN_ENDED
from app.core.run_states import KILLED
from app.strategies.failure import HookInterrupted
from app.threads.analysis_engine import Input
from app.threads.desk.desk import ACTED
from app.threads.engines.reloading_engine import ReloadingEngine
from app.threads.hooks.seats import Seat
from app.threads.stream.commands import obey


class KilledEngine(ReloadingEngine):
    """Where orders are simulated. It runs as any other until somebody kills the run."""

    _asked: Command | None = None
    _is_mute = False  # no strategy is asked any more
    _has_ended = False
    _reason = KILLED  # why it is over
    _kills_now = False  # what was asked for comes too late

    def end_when_killed(self) -> None:
        """From now on, from any thread: a kill that is done ends the run."""
        self._news.on_killed = self._be_over

    def expect(self, kill: Command) -> None:
        """This is on its way, and may be held up by a hook that hangs. From any thread."""
        self._asked = kill

    def end_soon(self, reason: str) -> None:
        """Be over with the hook that runs, amid its block. From any thread, and more than once: in
        the moment between two hooks it may not be heard.
        """
        self._reason = reason
        self._be_over()
        self.proposals.append(ACTED)  # the loop looks whether it goes on

    def kill_soon(self) -> None:
        """Carry out what is expected with the hook that runs; as above."""
        is_done = self._asked is None or bool(self.execution.entries.kill.mode)
        if self._under_way.locked() and not is_done:
            self._kills_now = self._moved = True
            self.proposals.append(ACTED)

    def step(self, message: Input) -> Iterator[object]:
        """The last instant of a run that ends by itself is followed by the end of the stream."""
        given = super().step(message)
        return iter((EndOfStream(self._reason),)) if self.is_over else given

    def _be_over(self) -> None:
        """Let the loops end with this instant."""
        self.is_over = self._moved = True

    def _report(self, sequence: int) -> None:
        if self.is_over and not self._has_ended:
            self._has_ended = True
            self._break_off(sequence, f"{RUN_ENDED}: {self._reason}")
        else:
            super()._report(sequence)

    # -- hooks that hang -------------------------------------------------------------------------

    def _hand_out(self, bars: Iterator[Bar], end: int) -> None:
        try:
            super()._hand_out(bars, end)
        except (StrategyError, HookInterrupted) as error:
            self._step = self._cursor.step + 1
            self._cursor.stand(self._cursor.now_ns)
            self._go_on_without(error)
        if self._kills_now and not self.execution.entries.kill.mode:
            self._kill()

    def _call(self, seat: Seat, hook: Callable[..., None], *args: object) -> None:
        if self._is_mute:
            return
        try:
            super()._call(seat, hook, *args)
        except (StrategyError, HookInterrupted) as error:
            self._go_on_without(error)

    def _go_on_without(self, error: StrategyError | HookInterrupted) -> None:
        """Kill now, and ask no strategy any more; any other error is the run's."""
        causes = error, error.__cause__
        if self._asked is None or not any(isinstance(one, HookInterrupted) for one in causes):
            raise error
        self._kill()

    def _kill(self) -> None:
        assert self._asked is not None, "nobody expects a kill"
        self._is_mute, self._on_bar = True, _not_told
        self.drop_proposals()
        obey(self._asked, self.execution, self._flatten, self._cursor.now_ns)
        self._news.tell_untold()


def _not_told(bar: Any) -> None:
    """In place of the hooks of bars."""
