"""A seat: one strategy, its desk, and which hooks it really has."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from app.core.config_protection import declared_in_code
from app.core.config_sizing import SizingConfig
from app.core.errors import AppError, StrategyError, UsageError
from app.core.intervals import interval_ns
from app.core.messages import Command
from app.strategies.base import Strategy
from app.strategies.failure import failure
from app.strategies.indicator import Cursor, Indicator
from app.strategies.loader import code_files
from app.strategies.state import State, plain_state
from app.threads.desk.desk import Desk, LocalTime

if TYPE_CHECKING:
    from app.threads.analysis_engine import AnalysisEngine


class Seat:
    """Built before the run: the strategy's `setup` has declared what it reads."""

    def __init__(
        self,
        kind: type[Strategy],
        number: int,
        name: str,
        symbols: tuple[str, ...],
        base_interval: str,
        params: Mapping[str, object],
        cursor: Cursor,
        time: LocalTime,
        sizing: SizingConfig | None = None,
    ) -> None:
        self.number = number
        self.name = name
        self.reloaded_by: Command | None = None  # none: the run began with its code
        self.intervals = tuple(kind.intervals) or (base_interval,)
        self.desk = Desk(number, name, symbols, self.intervals[0], cursor, time, sizing)
        self.sources = _sources_of(kind)
        self._check_intervals(kind)
        self.keeps_state = _keeps_state(kind)
        self.protection = declared_in_code(kind.__name__, kind.protection)
        self.strategy = self._built(kind, params)
        self.hears_orders = kind.on_order is not Strategy.on_order
        self.hears_positions = kind.on_position is not Strategy.on_position
        try:
            self.strategy.setup()
        except BaseException as error:
            raise failure(name, "setup", "the start", error, self.sources) from error

    def _check_intervals(self, kind: type[Strategy]) -> None:
        for interval in self.intervals:
            try:
                interval_ns(interval)
            except (UsageError, TypeError) as error:
                raise StrategyError(
                    f"{kind.__name__}.intervals of strategy {self.name} cannot be used: {error}"
                ) from None

    def _built(self, kind: type[Strategy], params: Mapping[str, object]) -> Strategy:
        try:
            return kind(self.desk, params)
        except AppError:  # wrong parameters: these are the config's
            raise
        except BaseException as error:  # of an `__init__` of its own
            raise failure(self.name, "__init__", "the start", error, self.sources) from error

    @property
    def handles(self) -> list[Indicator]:
        """What it reads."""
        return [*self.desk.indicators, *self.desk.ranges]

    def join(self, engine: "AnalysisEngine") -> None:
        """Take the seat in a run."""
        self.desk.join(engine)
        for indicator in self.handles:
            engine.view.serve(indicator)

    def call(self, hook: Callable[..., None], *args: Any) -> None:
        """Run a hook between bars; a hook that raises proposes nothing."""
        try:
            hook(*args)
        except BaseException as error:
            raise self.failure(hook.__name__, error) from error

    def check_state(self) -> None:
        """What the strategy saves of itself, loaded again at once: what cannot be is found now."""
        saved = self.saved_state()
        self.load_state(saved)
        again = self.saved_state()
        if again != saved:
            names = [name for name in {**saved, **again} if saved.get(name) != again.get(name)]
            differs = StrategyError(
                f"it does not bring back what save_state gave: {', '.join(names)} differs."
            )
            raise self.failure("load_state", differs) from differs

    def load_state(self, saved: State) -> None:
        """Have the strategy be as when it saved this."""
        self.call(self.strategy.load_state, plain_state(saved))
        self._refuse_proposals("load_state")

    def saved_state(self) -> State:
        """What the strategy saves of itself."""
        try:
            saved = plain_state(self.strategy.save_state())
        except BaseException as error:
            raise self.failure("save_state", error) from error
        self._refuse_proposals("save_state")
        return saved

    def _refuse_proposals(self, hook: str) -> None:
        if self.desk.engine.proposals:
            refused = StrategyError("it proposes something; do that in on_session_close.")
            raise self.failure(hook, refused) from refused

    def failure(self, where: str, error: BaseException) -> StrategyError:
        """The error to end the run with."""
        self.desk.engine.drop_proposals()
        if isinstance(error, StrategyError) and error.__cause__ is not None:
            return error  # told already, by a hook within this one
        moment = f"{self.desk.now:%Y-%m-%d %H:%M:%S}"
        return failure(self.name, where, moment, error, self.sources)


def _keeps_state(kind: type[Strategy]) -> bool:
    """Whether a class has both hooks; one alone is of no use."""
    saves = kind.save_state is not Strategy.save_state
    if saves != (kind.load_state is not Strategy.load_state):
        has, lacks = ("save_state", "load_state") if saves else ("load_state", "save_state")
        raise StrategyError(f"{kind.__name__} has {has}, but no {lacks}; define both or neither.")
    return saves


def _sources_of(kind: type[Strategy]) -> frozenset[str]:
    """The files of a strategy and of what it inherits from, up to our own base class."""
    own = kind.__mro__[: kind.__mro__.index(Strategy)]
    return frozenset(name for base in own for name in code_files(base))
