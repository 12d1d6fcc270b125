"""An analysis engine that somebody watches: each bar that is shown, each hook that is called."""

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from app.core.bars import Bar
from app.core.orders import Order, Terms
from app.managers.execution_manager.watched_execution import Heard, OrderWitness
from app.strategies.indicator import BETWEEN_BARS, Indicator
from app.threads.analysis_engine import BarHook
from app.threads.engines.guarded_engine import GuardedEngine
from app.threads.engines.killed_engine import KilledEngine
from app.threads.hooks.seats import Seat
from app.threads.stream.plan import Plan
from app.threads.stream.results import Results

COMMAND = "a command"


class Witness(OrderWitness, Protocol):
    """Sees a run from within; whatever it looks at is as it is for the strategies just then."""

    sees_base: bool  # base bars too where no strategy wants them: each instant at which any ends

    def begin(self, engine: "WatchedEngine") -> None:
        """This is the engine; its hooks have not begun."""
        ...

    def sees(self, bar: Bar) -> None:
        """A bar is about to be shown to those who want its interval, if anybody does."""
        ...

    def called(self, seat: Seat) -> None:
        """Another hook of a strategy is about to be called."""
        ...

    def took(self, results: Results) -> None:
        """What came of an input."""
        ...


class Onlooker:
    """A witness whom nothing concerns: others are made of it, each with what it looks at."""

    sees_base = False
    _engine: "WatchedEngine"

    def begin(self, engine: "WatchedEngine") -> None:
        self._engine = engine

    def sees(self, bar: Bar) -> None:
        pass

    def called(self, seat: Seat) -> None:
        pass

    def took(self, results: Results) -> None:
        pass

    def proposes(self, order: Order, terms: Terms | None, now_ns: int) -> None:
        pass

    def decided(self, order: Order, heard: list[Heard], reason: str, *, has_limits: bool) -> None:
        pass


class WatchedEngine(KilledEngine):
    """Runs as any other; only a run that is told again has one."""

    def __init__(self, witness: Witness, *parts: Any) -> None:
        self._witness = witness
        self._bar: Bar | None = None  # shown last
        self._hook = ""  # of those that are no bar's, the one that runs
        super().__init__(*parts)
        witness.begin(self)

    @property
    def bar_in_hand(self) -> Bar | None:
        """None between bars."""
        return None if self._cursor.step == BETWEEN_BARS else self._bar

    @property
    def hook(self) -> str:
        """Which one runs now, or has just returned."""
        return self._hook or (COMMAND if self.bar_in_hand is None else "on_bar")

    @property
    def seats(self) -> list[Seat]:
        """The strategies' seats."""
        return self._seats

    @property
    def plan(self) -> Plan:
        """What the stream computes."""
        return self._plan

    @property
    def symbol_in_hand(self) -> int:
        """What an indicator without a symbol reads now; -1 where that is nothing."""
        bar = self.bar_in_hand
        return self._cursor.symbol if bar is None else self._plan.symbols.index(bar.symbol)

    def reading(self, indicator: Indicator, symbol: int, back: int) -> float | None:
        """What an indicator says now, or some bars ago; None while it is not ready. One without a
        symbol is read of that in hand, and of this one where there is none.
        """
        cursor = self._cursor
        before, cursor.symbol = cursor.symbol, symbol
        try:
            value = self.view.value(indicator, back)
        finally:
            cursor.symbol = before
        return None if value != value else value

    def _bar_hook(self) -> BarHook:
        on_bar, sees, wanted = super()._bar_hook(), self._witness.sees, self._wanted
        if self._witness.sees_base and self._plan.base_interval not in wanted:
            self._wanted = (self._plan.base_interval, *wanted)

        def watched(bar: Bar) -> None:
            if bar.interval in wanted:
                self._bar = bar
                sees(bar)
                on_bar(bar)
            else:
                sees(bar)

        return watched

    def _call(self, seat: Seat, hook: Callable[..., None], *args: object) -> None:
        before, self._hook = self._hook, hook.__name__
        if self._hook == "on_timer":
            self._hook += f" '{args[0]}'"
        try:
            if self._hook.startswith("on_"):
                self._witness.called(seat)
            super()._call(seat, hook, *args)
        finally:
            self._hook = before


class WatchedGuardedEngine(WatchedEngine, GuardedEngine):
    """The same, of a run whose account has a trading state."""


def engine_of(witness: Witness | None, *, guards: bool) -> Callable[..., KilledEngine]:
    """The engine of a run: one with breakers where its account has a trading state, and one that
    tells a witness where somebody watches.
    """
    if witness is None:
        return GuardedEngine if guards else KilledEngine
    return partial(WatchedGuardedEngine if guards else WatchedEngine, witness)
