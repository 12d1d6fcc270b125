"""A strategy that does what a test says at each hook, as `self.entry_size(...)`, in a short run."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
from tests.market import Outcome, config_of, execute, market_of, minute_starts, weekday_sessions

from app.core.bars import BarColumns
from app.core.calendar import TradingSession
from app.core.instruments import Adjustment
from app.strategies import Bar, OrderView, Strategy
from app.strategies.views import PositionView

Steps = dict[str, Callable[[Any], object]]


class Scripted(Strategy):
    """`steps` says what to do where: "setup", "09:30 open", "09:31 AAA", "09:31 order 1", ..."""

    steps: ClassVar[Steps] = {}
    answers: ClassVar[list[object]] = []

    def setup(self) -> None:
        self._do("setup")

    def on_session_open(self, session: TradingSession) -> None:
        self._at("open")

    def on_bar(self, bar: Bar) -> None:
        self._at(bar.symbol)

    def on_order(self, order: OrderView) -> None:
        self.told = order
        self._at(f"order {order.order_id}")

    def on_position(self, symbol: str, position: PositionView) -> None:
        self._at(f"position {symbol}")

    def on_timer(self, name: str) -> None:
        self._at(f"timer {name}")

    def on_session_close(self, session: TradingSession) -> None:
        self._at("close")

    def _at(self, where: str) -> None:
        self._do(f"{self.now:%H:%M} {where}")

    def _do(self, where: str) -> None:
        if where in self.steps:
            self.answers.append(self.steps[where](self))


class Second(Scripted):
    """Another one beside it, with steps of its own."""

    steps: ClassVar[Steps] = {}


class OnThree(Scripted):
    """On bars of three minutes."""

    intervals: ClassVar[tuple[str, ...]] = ("3m",)


def run_script(
    steps: Steps,
    *others: Steps,
    kind: type[Scripted] = Scripted,
    symbols: Sequence[str] = ("AAA", "BBB"),
    sessions: int = 1,
    minutes: int = 6,
    block_rows: int = 8192,
    adjustments: Sequence[Adjustment] = (),
    ranges: Sequence[float] | None = None,
    sizings: Sequence[dict[str, Any]] = (),
    **parts: Any,
) -> tuple[list[object], Outcome]:
    """What the steps answered, and what the run came to. Bars open at 10, 11, 12, ...

    `ranges` are from low to high, 1 unless given; `sizings` those of the strategies.
    """
    calendar = weekday_sessions(dt.date(2024, 6, 3), sessions, minutes)
    opens = 10.0 + np.arange(sessions * minutes)
    lows = opens - 0.25
    highs = lows + (1.0 if ranges is None else np.array(ranges))
    bars = BarColumns(
        minute_starts(calendar),
        opens, highs, lows, opens + 0.5, np.full(len(opens), 1000.0),
    )  # fmt: skip
    names = [kind.__name__, *(["Second"] if others else [])]
    own = [{"sizing": one} for one in sizings] + [{}] * (len(names) - len(sizings))
    config = config_of(
        symbols,
        [{"use": f"{__name__}:{name}", **own[at]} for at, name in enumerate(names)],
        execution={
            "participation": parts.pop("participation", None),
            **parts.pop("execution", {}),
        },
        engine={"block_rows": block_rows, "runner": "inline"},
        **parts,
    )
    columns = {(symbol, "1m"): bars for symbol in symbols}
    kind.steps, Second.steps = steps, others[0] if others else {}
    Scripted.answers.clear()
    outcome = execute(config, market_of(calendar, columns, symbols, adjustments=adjustments))
    return list(Scripted.answers), outcome
