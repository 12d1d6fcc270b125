"""The price of limits: one order held against twenty rules of the account.

The same run is made with the rules and without; what is between them, divided by the orders, is
the price of a check. Nothing is refused, which is the costly case: every rule has its say.
Processes of the same program differ by more than that, whatever each repeats: so it is the median
of several.
"""

from collections import deque
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from statistics import median
from time import perf_counter_ns
from typing import Any, Final, NamedTuple

import numpy as np

from app.core.bars import Bar
from app.core.calendar import TradingSession
from app.core.config import SessionConfig
from app.core.config_risk import RiskConfig
from app.core.intervals import MINUTE_NS
from app.managers.system_manager.system_manager import SystemManager
from app.managers.system_manager.wiring import Run
from app.strategies import Strategy
from app.threads.stream.results import Results
from benchmarks.house import CASH, config_of, fill_store, open_system, plain_market
from benchmarks.measure import BenchError, fresh, interleaved
from benchmarks.outcome import Outcome, Row

SYMBOLS: Final = ("RISK0", "RISK1", "RISK2", "RISK3")
GROUPS: Final = {"even": SYMBOLS[::2], "odd": SYMBOLS[1::2]}
_ROUNDS: Final = 2  # in each process
QUIET_MINUTES: Final = 5  # before the close, in which nothing is ordered

# What a cautious trader would set for an account of ten million that holds 100 shares of each.
RULES: Final[dict[str, Any]] = {
    "max_order_quantity": 500,
    "max_order_value": 150_000,
    "max_position_quantity": 500,
    "max_position_value": 150_000,
    "max_position_percent": 5,
    "max_gross_value": 500_000,
    "max_net_value": 400_000,
    "max_leverage": 1.5,
    "max_group_percent": 10,
    "max_open_positions": 10,
    "max_open_orders": 20,
    "max_daily_loss": 50_000,
    "max_drawdown_percent": 10,
    "max_orders_per_second": 20,
    "max_orders_per_minute": 30,
    "max_orders_per_day": 5_000,
    "duplicate_seconds": 30,
    "max_volatility_percent": 5,
    "no_entries_first_minutes": 1,
    "no_entries_last_minutes": QUIET_MINUTES,
}


class Turner(Strategy):
    """Holds 100 of each symbol, long, then short, and turns with every bar; far below the prices
    a purchase of each rests.
    """

    quiet_ns = 0

    def setup(self) -> None:
        self.resting = set[str]()

    def on_session_open(self, session: TradingSession) -> None:
        self.quiet_ns = session.close_ns - QUIET_MINUTES * MINUTE_NS

    def on_bar(self, bar: Bar) -> None:
        if self.now_ns >= self.quiet_ns:
            return
        if bar.symbol not in self.resting:
            self.resting.add(bar.symbol)
            self.order(bar.symbol, 10, limit=Decimal("0.01"), tif="gtc")
        held = self.position(bar.symbol).quantity
        self.order(bar.symbol, -200 if held > 0 else 200 if held else 100)


class Measured(NamedTuple):
    """How many orders there were, and the microseconds of a check: by the rules, and by hand."""

    orders: int
    check_us: float
    hand_us: float


class _Timed(NamedTuple):
    ns: int
    orders: int
    fingerprint: str


def risk(folder: Path, count: int, repeats: int) -> Outcome:
    """The time of one check, beside the same twenty comparisons by hand."""
    config = fresh(fill_store, folder, SYMBOLS, count // len(SYMBOLS))
    processes = [fresh(measure, folder, config) for _ in range(repeats)]
    orders = processes[0].orders
    check_us = median(one.check_us for one in processes)
    hand_us = median(one.hand_us for one in processes)
    figures = {
        "rules": len(RULES),
        "orders": orders,
        "us_per_check": round(check_us, 3),
        "hand_us_per_check": round(hand_us, 3),
        "ratio_to_hand": round(check_us / hand_us, 3),
    }
    by_hand = f"{hand_us:.2f} us by hand"
    row = Row(f"of {len(RULES)} rules", f"{check_us:.2f} us a check", by_hand, check_us / hand_us)
    return Outcome("risk", figures, (row,))


def config_with(config: SessionConfig, rules: Mapping[str, Any]) -> SessionConfig:
    """A run over the same bars, under these rules."""
    own = config_of(
        config.symbols, config.replayed.end, f"{__name__}:{Turner.__name__}", runner="inline"
    )
    limits = {**rules, "groups": GROUPS} if rules else {}
    return own.model_copy(update={"risk": RiskConfig.model_validate(limits)})


def measure(folder: Path, config: SessionConfig) -> Measured:
    """As this process finds it."""
    system = open_system(folder)
    without, within = (config_with(config, rules) for rules in ({}, RULES))
    free, held = interleaved(
        [lambda: _timed(system, without), lambda: _timed(system, within)], _ROUNDS
    )
    if free[0].fingerprint != held[0].fingerprint:
        raise BenchError("The rules have refused an order: then there is nothing to compare.")
    count = held[0].orders
    without_ns, within_ns = (min(one.ns for one in runs) for runs in (free, held))
    hand_ns = min(_by_hand_ns(count) for _ in range(_ROUNDS))
    return Measured(count, (within_ns - without_ns) / count / 1e3, hand_ns / count / 1e3)


def execute(
    system: SystemManager,
    config: SessionConfig,
    on_results: Callable[[Results], None] = lambda results: None,
) -> Run:
    """The run of a config, done."""
    run = Run(config, plain_market(system, config), Path(), on_results)
    run.execute()
    return run


def _timed(system: SystemManager, config: SessionConfig) -> _Timed:
    begin_ns = perf_counter_ns()
    run = execute(system, config)
    ns = perf_counter_ns() - begin_ns
    return _Timed(ns, run.execution.order_count, run.execution.diary.fingerprint.hexdigest())


def _by_hand_ns(count: int) -> int:
    """The same twenty comparisons for these symbols and no others, in whole shares and cents."""
    prices = np.random.default_rng(0).integers(9_990, 10_010, count).tolist()
    held, last, ranges = [0] * 4, [10_000] * 4, [0] * 4
    latest: dict[tuple[int, int], int] = {}
    left = deque[int]()  # the minutes of the last orders
    cash = peak = opening = int(CASH) * 100
    begin_ns = perf_counter_ns()
    for number, price in enumerate(prices):
        symbol, minute = number % 4, number // 4
        ranges[symbol], last[symbol] = abs(price - last[symbol]), price
        units = -200 if held[symbol] > 0 else 200 if held[symbol] else 100
        would_be = held[symbol] + units
        worth = [shares * at for shares, at in zip(held, last, strict=True)]
        equity = cash + sum(worth)
        peak = max(peak, equity)
        most = (abs(would_be) + 10) * price  # ten rest
        gross = sum(map(abs, worth)) - abs(worth[symbol]) + most
        while left and left[0] < minute:
            left.popleft()
        if (
            abs(units) > 500
            or abs(units) * price > 15_000_000
            or abs(would_be) + 10 > 500
            or most > 15_000_000
            or most * 20 > equity
            or gross > 50_000_000
            or abs(sum(worth) + (units + 10) * price) > 40_000_000
            or gross * 2 > equity * 3
            or (abs(worth[symbol - 2]) + most) * 10 > equity
            or sum(map(bool, held)) >= 10
            or 4 + symbol >= 20
            or opening - equity >= 5_000_000
            or (peak - equity) * 10 >= peak
            or len(left) >= 20
            or len(left) >= 30
            or number % 1_540 >= 5_000
            or minute - latest.get((symbol, units), -2) < 1
            or ranges[symbol] * 20 > price
            or minute % 390 < 0
            or minute % 390 > 390
        ):
            raise BenchError("A comparison by hand refuses an order.")
        left.append(minute)
        latest[symbol, units] = minute
        held[symbol] = would_be
        cash -= units * price
    return perf_counter_ns() - begin_ns
