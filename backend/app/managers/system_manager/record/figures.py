"""What a run's summary and record are made of: its figures at one moment, all of it.

Of a run that has ended they are read from the run. A replay that is left amid a block goes on with
its books for all we know, and what it has done since the block before is not on record: its figures
are those of that block's end, which are kept as the run streams.
"""

import threading
from collections.abc import Callable, Sequence
from copy import copy
from decimal import Decimal
from operator import itemgetter

import msgspec

from app.core.money import UNITS, from_units
from app.core.orders import SYMBOL, Order
from app.core.trading_state import RiskStatus
from app.managers.execution_manager.books.account import Account
from app.managers.execution_manager.orders.kill import Standing
from app.managers.system_manager.risk.run_risk import risk_status
from app.managers.system_manager.wiring import Run
from app.threads.engines.guarded_engine import GuardedEngine
from app.threads.stream.results import Results

_RISK_SECONDS = 0.5  # for an engine that hangs
_symbol = itemgetter(SYMBOL)


class Figures(msgspec.Struct, frozen=True):
    """A run at one moment."""

    account: Account
    marks: Sequence[float]  # by symbol: its last close; 0 for none
    sessions: int  # that have begun
    orders: int
    fills: int
    max_drawdown: float
    uncertain_bars: int
    band_units: int
    fingerprint: str
    risk: RiskStatus | None  # of runs that have a trading state
    left_ns: int | None = None  # the run went on without us from this instant

    def mark(self, symbol: int) -> float:
        """Where a symbol stands."""
        return self.marks[symbol]

    def equity(self) -> Decimal:
        """Cash and positions at their last closes."""
        return from_units(self.account.equity_units(self.mark))


def figures_of(run: Run) -> Figures:
    """Those of a run that has ended."""
    execution = run.execution
    status = risk_status(run, _RISK_SECONDS)
    return _figures(run, execution.account, run.curve.marks, execution.order_count, status)


def _figures(
    run: Run, account: Account, marks: Sequence[float], orders: int, status: RiskStatus | None
) -> Figures:
    diary = run.execution.diary
    return Figures(
        account=account,
        marks=marks,
        sessions=run.engine.sessions,
        orders=orders,
        fills=run.execution.fill_count,
        max_drawdown=run.curve.fall_to(account.equity_units(marks.__getitem__) / UNITS),
        uncertain_bars=diary.uncertain_count,
        band_units=diary.band_units,
        fingerprint=diary.fingerprint.hexdigest(),
        risk=status,
    )


class OnRecord:
    """Keeps a replay's figures as of the last results that went on record, on the engine's thread
    and once a block. `leave` ends that: what the engine brings then finds the door closed.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._turn = threading.Lock()
        self._is_left = False
        self._account = run.execution.account.twin()
        self._orders = 0
        self._through_ns = run.cursor.now_ns
        self._in_part: list[Order] = []
        self._figures = self._stand()

    def admit(self, results: Results, take: Callable[[Results], None]) -> None:
        """Take them, unless the run has been left."""
        with self._turn:
            if not self._is_left:
                take(results)
                self._note(results)

    def leave(self) -> tuple[Figures, list[Order]]:
        """Take nothing more. The figures, and the orders that worked then and have fills: those
        are on record, and their orders come there when they end.
        """
        with self._turn:
            self._is_left = True
        orders = self._orders + len(self._in_part)
        figures = msgspec.structs.replace(self._figures, orders=orders, left_ns=self._through_ns)
        return figures, self._in_part

    def _note(self, results: Results) -> None:
        run, records = self._run, results.records
        moved = set(map(_symbol, records.changes))
        moved.update(action[1] for action in records.actions)
        self._account.follow(run.execution.account, moved)
        self._orders += len(records.orders)
        self._through_ns = results.through_ns
        self._figures = self._stand()
        working = run.execution.broker.working.values()
        self._in_part = [copy(order) for order in working if order.filled_units]

    def _stand(self) -> Figures:
        run, engine = self._run, self._run.engine
        status = engine.status() if isinstance(engine, GuardedEngine) else None
        return _figures(run, self._account, run.curve.marks.copy(), self._orders, status)


def standing_at(figures: Figures) -> Standing:
    """What a simulation holds that was left: with it its orders have ended."""
    held: dict[str, int] = {}
    for row in figures.account.positions:
        for position in row:
            held[position.symbol] = held.get(position.symbol, 0) + position.units
    return Standing(0, 0, {symbol: units for symbol, units in held.items() if units})
