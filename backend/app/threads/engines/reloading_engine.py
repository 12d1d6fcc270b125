"""An analysis engine whose strategies' code can be replaced between two instants.

The new code gets the seat of the old, with its positions, its orders and its timers. Where it does
not take over, the old code stays there as it was, and why is told with the input's results.
"""

from collections.abc import Iterator

from msgspec.structs import replace

from app.core.errors import StrategyError
from app.strategies.base import Strategy
from app.strategies.failure import HookInterrupted
from app.threads.analysis_engine import AnalysisEngine, Input
from app.threads.data_processor import SessionPart
from app.threads.hooks.seats import Seat
from app.threads.stream.commands import is_ending
from app.threads.stream.reloading import News, Reloading, ReloadOutcome
from app.threads.stream.results import Results
from app.threads.stream.run_state import StateGiven

HALF_CHANGED = (
    "It has failed in a hook, and what it remembers may be half changed. Reload it with --fresh: "
    "it begins with nothing but its positions, orders and timers."
)


def no_state(strategy: Strategy) -> str:
    """Why nothing can be carried over from or to this one."""
    return (
        f"{type(strategy).__name__} has no save_state and load_state: what the strategy remembers "
        "would be lost. Give it both, or reload it with --fresh: it begins with nothing but its "
        "positions, orders and timers."
    )


class ReloadingEngine(AnalysisEngine):
    """Runs as any other while nobody asks for that."""

    def step(self, message: Input) -> Iterator[object]:
        """A state comes with the code that was in force."""
        if isinstance(message, StateGiven):
            with self._under_way:
                for one in message.reloaded:
                    self._take_up(one)
                if message.part is not None:  # read before the next bars come, too
                    self._renumber((message.part,))
        return super().step(message)

    def today(self, timeout_seconds: float) -> tuple[SessionPart | None, int] | None:
        """For other threads: the session under way or the last one, and how far all is known.

        None while a block takes longer.
        """
        if not self._under_way.acquire(timeout=timeout_seconds):
            return None
        try:
            part = self.outlook.part if self.outlook.has_session else None
            return part, self._through_ns
        finally:
            self._under_way.release()

    def _answer(self, message: News) -> None:
        if not isinstance(message, Reloading):
            super()._answer(message)
            return
        self._compute(message)
        refused = message.candidate.problem or self._refusal(message)
        if not refused:
            refused = self._exchange(message)
        self._tell_outcome(message, refused)
        if not refused:
            self._begin_anew(message)
        self._news.tell_untold()

    def _compute(self, message: Reloading) -> None:
        """The plan and the session as they are from here on."""
        self._plan = message.plan
        if message.part is not None and self._cursor.span >= 0:
            self.outlook.parts, self._cursor.span = (message.part,), 0
        self._renumber(self.outlook.parts)

    def _renumber(self, parts: tuple[SessionPart, ...]) -> None:
        numbers = {item: number for number, item in enumerate(self._plan.declared)}
        self.view.renumber(numbers, parts)

    def _refusal(self, message: Reloading) -> str:
        """Why the run does not let anybody take that seat just now."""
        old, new = self._seat_of(message), message.candidate.seat
        assert new is not None, "its problem would have been told"
        is_out = self._isolation is not None and old.number in self._isolation.stopped
        if is_ending(self.execution) or self.execution.entries.kill.mode:
            return "The run is ending."
        if message.reload.fresh:
            return ""
        lacking = [seat for seat in (old, new) if not seat.keeps_state]
        if lacking:
            return no_state(lacking[0].strategy)
        return HALF_CHANGED if is_out else ""

    def _seat_of(self, message: Reloading) -> Seat:
        return next(seat for seat in self._seats if seat.name == message.reload.strategy)

    def _exchange(self, message: Reloading) -> str:
        """Hand over from the old code to the new; why not, if that raises."""
        old, new = self._seat_of(message), message.candidate.seat
        assert new is not None
        try:
            saved = None if message.reload.fresh else old.saved_state()
            new.join(self)
            self._seats[old.number] = new  # the watchdog looks after it as well
            if saved is not None:
                new.load_state(saved)
                new.check_state()
            elif self._course.is_open:
                new.call(new.strategy.on_session_open, self.outlook.session)
        except (StrategyError, HookInterrupted) as error:
            self._seats[old.number] = old
            self.view.leave(new.handles)
            self.drop_proposals()
            return str(error)
        self.view.leave(old.handles)
        return ""

    def _take_up(self, message: Reloading) -> None:
        """A run goes on from a state: with the code that was in force, which will load its own."""
        old, new = self._seat_of(message), message.candidate.seat
        if new is None:
            raise StrategyError(
                f"The code of {old.name} that was in force, as the journal has it, cannot be used "
                f"any more: {message.candidate.problem}"
            )
        self._compute(message)
        new.join(self)
        self._seats[old.number] = new
        self.view.leave(old.handles)
        self._settle(new, message)

    def _settle(self, new: Seat, message: Reloading) -> None:
        new.reloaded_by = message.command
        if self._isolation is not None:
            self._isolation.take_back(new.number)
        self._calling = self._seats[0]
        self._rebind()
        self._news.listen()

    def _begin_anew(self, message: Reloading) -> None:
        new = self._seat_of(message)
        self._settle(new, message)
        if self.proposals:  # of its first hook
            self._take(self.proposals, self._cursor.now_ns)

    def _rebind(self) -> None:
        """Show bars to those who have the seats now."""
        self._wanted = tuple(
            name
            for name in self._plan.intervals
            if any(name in seat.intervals for seat in self._seats)
        )
        self._on_bar = self._bar_hook()

    def _tell_outcome(self, message: Reloading, refused: str) -> None:
        """With the results of this input."""
        reload, tell = message.reload, self._on_results
        outcome = ReloadOutcome(
            message.sequence, self._cursor.now_ns, reload.strategy, reload.use, reload.hash,
            reload.params, reload.fresh, refused,
        )  # fmt: skip

        def told(results: Results) -> None:
            self._on_results = tell
            tell(replace(results, reload=outcome))

        self._on_results = told
