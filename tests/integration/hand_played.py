"""A run over a few bars that are written down one by one, and what came of it in plain words."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

import msgspec
import numpy as np
from tests.market import ZONE, Time, config_of, market_of, outcome_of, wired

from app.core.bars import BarColumns
from app.core.calendar import TradingSession
from app.core.instruments import Adjustment
from app.core.money import from_units
from app.managers.execution_manager.books.ledger import Position
from app.strategies import Bar, OrderView, Strategy

Row = tuple[str, float, float, float, float, float]  # when, open, high, low, close, volume
Days = Mapping[str, Sequence[Row]]  # by date
Steps = dict[str, Callable[[Any], object]]  # by "date time", "date open" or "date close"
Fill = tuple[int, str, str, str, str]  # order, when known, quantity, price, fee


class Played(msgspec.Struct):
    """What a run came to; numbers as they are written."""

    fills: list[Fill]
    orders: dict[int, OrderView]
    position: Position
    cash: Decimal
    income: Decimal
    final_equity: Decimal
    answers: list[object]

    def end(self, number: int) -> tuple[str, str, str]:
        """How an order ended, when and why."""
        order = self.orders[number]
        return order.state, when(order.ended_ns), order.reason


class Script(Strategy):
    """Does at each moment what the test says."""

    steps: ClassVar[Steps] = {}
    answers: ClassVar[list[object]] = []

    def on_session_open(self, session: TradingSession) -> None:
        self._do(f"{session.date} open")

    def on_bar(self, bar: Bar) -> None:
        self._do(f"{self.now:%Y-%m-%d %H:%M}")

    def on_session_close(self, session: TradingSession) -> None:
        self._do(f"{session.date} close")

    def _do(self, moment: str) -> None:
        if moment in self.steps:
            self.answers.append(self.steps[moment](self))


def when(at_ns: int) -> str:
    return f"{Time().to_local(at_ns):%m-%d %H:%M}"


def at_ns(date: str, clock: str) -> int:
    return Time().to_ns(dt.datetime.fromisoformat(f"{date} {clock}").replace(tzinfo=ZONE))


def session_of(
    date: str, half_days: Sequence[str], pause: tuple[str, str] | None = None
) -> TradingSession:
    early = date in half_days
    close_ns = at_ns(date, "13:00" if early else "16:00")
    day = dt.date.fromisoformat(date)
    breaks = () if pause is None else ((at_ns(date, pause[0]), at_ns(date, pause[1])),)
    open_ns = at_ns(date, "09:30")
    return TradingSession("XNYS", day, open_ns, close_ns, breaks=breaks, early_close=early)


def split(date: str, ratio: Decimal) -> Adjustment:
    day = dt.date.fromisoformat(date)
    return Adjustment("AAA", day, ratio, Decimal(0), 1 / float(ratio), float(ratio))


def play(
    days: Days,
    steps: Steps,
    *,
    half_days: Sequence[str] = (),
    adjustments: Sequence[Adjustment] = (),
    base_interval: str = "1m",
    pause: tuple[str, str] | None = None,
    protection: Mapping[str, object] | None = None,
    **execution: Any,
) -> Played:
    """Run a script over these bars of AAA."""
    rows = [(at_ns(date, row[0]), *row[1:]) for date, some in days.items() for row in some]
    columns = [np.array(column, np.float64) for column in list(zip(*rows, strict=True))[1:]]
    bars = BarColumns(np.array([row[0] for row in rows], np.int64), *columns)
    Script.steps = steps
    Script.answers.clear()
    config = config_of(
        ["AAA"],
        [f"{__name__}:Script"],
        base_interval=base_interval,
        execution={"participation": None, **execution},
        protection=protection or {},
        engine={"runner": "inline", "block_rows": 3},
    )
    sessions = [session_of(date, half_days, pause) for date in days]
    market = market_of(sessions, {("AAA", base_interval): bars}, ["AAA"], adjustments=adjustments)
    run, results = wired(config, market)
    outcome = outcome_of(run, results)
    orders = [order for part in results for order in part.records.orders]
    return Played(
        fills=[
            (fill[1], when(fill[7]), text(fill[3]), repr(fill[4]), text(fill[5]))
            for fill in outcome.fills
        ],
        orders={order.order_id: OrderView(order) for order in orders},
        position=run.execution.positions[0][0],
        cash=from_units(run.execution.ledger.cash_units),
        income=from_units(run.execution.ledger.income_units),
        final_equity=run.final_equity(),
        answers=list(Script.answers),
    )


def text(units: int) -> str:
    return f"{from_units(units):f}"
