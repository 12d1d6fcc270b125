"""What the analysis engine holds between two inputs, taken from it and given back."""

from collections.abc import Callable, Sequence

from loguru import logger

from app.core.errors import StrategyError
from app.managers.execution_manager.execution_manager import ExecutionManager
from app.managers.execution_manager.execution_state import execution_state, restore_execution
from app.managers.execution_manager.live.order_reports import OrderReports
from app.managers.time_manager.timers import Timers
from app.strategies.indicator import Cursor
from app.strategies.state import State
from app.threads.hooks.isolation import Isolation
from app.threads.hooks.seats import Seat
from app.threads.hooks.session_course import SessionCourse
from app.threads.stream.run_state import EngineState, RunState, StateAsked, StateGiven
from app.threads.views.equity import EquityCurve
from app.threads.views.outlook import Outlook

OnState = Callable[[int, RunState], None]  # the number of the input it is the state behind


class EngineKeeper:
    """Takes and gives one engine's state; `on_state` is given the whole run's, where there is one.

    There is none when a strategy cannot save itself just then.
    """

    def __init__(
        self,
        seats: Sequence[Seat],
        cursor: Cursor,
        execution: ExecutionManager,
        reports: OrderReports,
        rooms: tuple[EquityCurve, Outlook, Timers, SessionCourse],
        isolation: Isolation | None,
        on_state: OnState | None,
    ) -> None:
        self._seats = seats
        self._cursor = cursor
        self._execution = execution
        self._reports = reports
        self._curve, self._outlook, self._timers, self._course = rooms
        self._isolation = isolation
        self._on_state = on_state

    def take(self, message: StateAsked | StateGiven, through_ns: int) -> int:
        """Give the state, or be as it says; how far all is known."""
        if isinstance(message, StateGiven):
            return self._restore(message)
        self._answer(message, through_ns)
        return through_ns

    def _answer(self, asked: StateAsked, through_ns: int) -> None:
        """Put the engine's own to what the others have given."""
        stopped = [] if self._isolation is None else self._isolation.stopped
        if asked.quality is None or asked.processor is None or self._on_state is None:
            return
        if not all(seat.keeps_state for seat in self._seats):  # code that was put there since
            return
        try:
            saved = {s.name: s.saved_state() for s in self._seats if s.number not in stopped}
            own = self._state(saved, stopped, through_ns)
        except StrategyError as error:
            logger.warning("The session begins without a saved state: {}", error)
            return
        except Exception as error:  # a defect of ours, and no reason to end a run
            logger.opt(exception=error).error("The session begins without a saved state")
            return
        self._on_state(asked.sequence, RunState(asked.quality, asked.processor, own))

    def _state(self, saved: dict[str, State], stopped: list[int], through_ns: int) -> EngineState:
        return EngineState(
            strategies=saved,
            stopped=stopped,
            execution=execution_state(self._execution),
            executions=self._reports.state(),
            curve=self._curve.state(),
            outlook=self._outlook.state(),
            timers=self._timers.state(),
            course=self._course.state(),
            stood_ns=self._cursor.now_ns,
            symbol=self._cursor.symbol,
            through_ns=through_ns,
            reloads=[seat.reloaded_by for seat in self._seats if seat.reloaded_by is not None],
        )

    def _restore(self, given: StateGiven) -> int:
        state = given.state.engine
        self._cursor.stand(state.stood_ns)
        self._cursor.symbol = state.symbol
        restore_execution(self._execution, state.execution)
        self._reports.restore(state.executions)
        self._curve.restore(state.curve)
        self._outlook.restore(state.outlook, given.part)
        self._timers.restore(state.timers)
        self._course.restore(state.course)
        if self._isolation is not None:
            self._isolation.restore(state.stopped)
        for seat in self._seats:
            if seat.number not in state.stopped:
                seat.load_state(state.strategies[seat.name])
        return state.through_ns
