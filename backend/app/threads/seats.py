"""A seat: one strategy, its desk, and which hooks it really has."""

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from app.core.errors import StrategyError
from app.strategies.base import Strategy
from app.strategies.failure import failure
from app.strategies.indicator import Cursor
from app.threads.desk import Desk, LocalTime

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
    ) -> None:
        self.number = number
        self.name = name
        self.intervals = kind.intervals or (base_interval,)
        self.desk = Desk(number, name, symbols, self.intervals[0], cursor, time)
        self._source = inspect.getsourcefile(kind) or ""
        self.strategy = kind(self.desk, params)
        self.hears_orders = kind.on_order is not Strategy.on_order
        self.hears_positions = kind.on_position is not Strategy.on_position
        try:
            self.strategy.setup()
        except Exception as error:
            raise failure(name, "setup", "the start", error, self._source) from error

    def join(self, engine: "AnalysisEngine") -> None:
        """Take the seat in a run."""
        self.desk.join(engine)
        for indicator in self.desk.indicators:
            engine.view.serve(indicator)

    def call(self, hook: Callable[..., None], *args: Any) -> None:
        """Run a hook between bars; a hook that raises proposes nothing."""
        try:
            hook(*args)
        except Exception as error:
            raise self.failure(hook.__name__, error) from error

    def failure(self, where: str, error: Exception) -> StrategyError:
        """The error to end the run with."""
        self.desk.proposals.clear()
        if isinstance(error, StrategyError) and error.__cause__ is not None:
            return error  # told already, by a hook within this one
        return failure(self.name, where, f"{self.desk.now:%Y-%m-%d %H:%M:%S}", error, self._source)
