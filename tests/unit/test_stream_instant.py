"""What happens inside an instant, hook by hook, and which bar an order gets."""

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, ClassVar

import numpy as np
import pytest
from tests.market import (
    Outcome,
    config_of,
    execute,
    market_of,
    minute_starts,
    weekday_sessions,
)

from app.core.bars import BarColumns
from app.core.calendar import TradingSession
from app.core.instruments import Adjustment
from app.core.intervals import MINUTE_NS
from app.strategies import Bar, OrderView, Strategy
from app.strategies.views import PositionView

Act = Callable[["Logger"], None]
BLOCKS = pytest.mark.parametrize("block_rows", [1, 2, 8192])


class Logger(Strategy):
    """Writes down every hook; `acts` says what to do at which of them."""

    log: ClassVar[list[str]] = []
    acts: ClassVar[dict[str, Act]] = {}

    def note(self, text: str) -> None:
        line = f"{self.now:%H:%M} {type(self).__name__} {text}"
        self.log.append(line)
        if line in self.acts:
            self.acts[line](self)

    def on_session_open(self, session: TradingSession) -> None:
        held = " ".join(f"{s}={self.position(s).quantity}" for s in self.symbols)
        self.note(f"open {held}")

    def on_bar(self, bar: Bar) -> None:
        self.note(f"bar {bar.symbol} {bar.interval}")

    def on_order(self, order: OrderView) -> None:
        self.note(f"order {order.order_id} {order.symbol} {order.state} {order.filled}")

    def on_position(self, symbol: str, position: PositionView) -> None:
        self.note(f"position {symbol} {position.quantity}")

    def on_timer(self, name: str) -> None:
        self.note(f"timer {name}")

    def on_session_close(self, session: TradingSession) -> None:
        self.note("close")


class One(Logger):
    intervals: ClassVar[tuple[str, ...]] = ("1m", "3m")


class Two(Logger):
    pass


@pytest.fixture(autouse=True)
def clean_log() -> Iterator[None]:
    yield
    Logger.log.clear()
    Logger.acts.clear()


def flat_bars(starts: Any, volume: float = 1_000.0) -> BarColumns:
    """Bars that open at 10, 11, 12, ... and close half above."""
    opens = 10.0 + np.arange(len(starts))
    volumes = np.full(len(starts), volume)
    return BarColumns(np.array(starts), opens, opens + 0.75, opens - 0.25, opens + 0.5, volumes)


def gapless(count: int, minutes: int = 3) -> tuple[TradingSession, ...]:
    """Sessions that begin where the one before ends, from ten o'clock on."""
    (first,) = weekday_sessions(dt.date(2024, 6, 3), 1, 60)
    start_ns = first.open_ns + 30 * MINUTE_NS
    return tuple(
        TradingSession(
            "24/7",
            dt.date(2024, 6, 3 + number),
            start_ns + number * minutes * MINUTE_NS,
            start_ns + (number + 1) * minutes * MINUTE_NS,
        )
        for number in range(count)
    )


def starts_of(sessions: tuple[TradingSession, ...], missing: tuple[int, ...] = ()) -> list[int]:
    """Every minute of the sessions, but for the ones with these numbers."""
    all_of = [ns for s in sessions for ns in range(s.open_ns, s.close_ns, MINUTE_NS)]
    return [ns for number, ns in enumerate(all_of) if number not in missing]


def play(
    sessions: tuple[TradingSession, ...],
    bars: dict[str, BarColumns],
    *kinds: type[Logger],
    block_rows: int = 8192,
    adjustments: tuple[Adjustment, ...] = (),
    participation: float | None = None,
) -> Outcome:
    """Run the strategies over these bars."""
    config = config_of(
        list(bars),
        [f"{__name__}:{kind.__name__}" for kind in kinds],
        execution={"participation": participation},
        engine={"block_rows": block_rows, "runner": "inline"},
    )
    columns = {(symbol, "1m"): item for symbol, item in bars.items()}
    return execute(config, market_of(sessions, columns, list(bars), adjustments=adjustments))


@BLOCKS
def test_an_instant_runs_fills_hooks_bars_timers_close_actions_and_open_in_this_order(
    block_rows: int,
) -> None:
    sessions = gapless(2)
    starts = starts_of(sessions)
    split = Adjustment("A", sessions[1].date, Decimal(2), Decimal(0), 0.5, 2.0)
    Logger.acts = {
        "10:01 One bar A 1m": lambda s: s.timer("tick", s.now + dt.timedelta(minutes=2)),
        "10:02 One bar A 1m": lambda s: s.order("B", 5),
        "10:02 Two bar A 1m": lambda s: s.order("A", 7),
        "10:03 One bar B 3m": lambda s: s.order("A", 1),
    }
    play(
        sessions,
        {"A": flat_bars(starts), "B": flat_bars(starts)},
        One,
        Two,
        block_rows=block_rows,
        adjustments=(split,),
    )
    assert [line for line in Logger.log if line.startswith("10:03")] == [
        "10:03 One order 1 B FILLED 5",
        "10:03 One position B 5",
        "10:03 Two order 2 A FILLED 7",
        "10:03 Two position A 7",
        "10:03 One bar A 1m",
        "10:03 Two bar A 1m",
        "10:03 One bar B 1m",
        "10:03 Two bar B 1m",
        "10:03 One bar A 3m",
        "10:03 One bar B 3m",
        "10:03 One timer tick",
        "10:03 One close",
        "10:03 Two close",
        "10:03 One open A=0 B=5",
        "10:03 Two open A=14 B=0",
    ]
    after = Logger.log.index("10:03 Two open A=14 B=0") + 1
    assert Logger.log[after] == "10:04 One order 3 A FILLED 2"


@BLOCKS
def test_all_fills_of_an_instant_come_before_its_first_hook(block_rows: int) -> None:
    sessions = gapless(1)
    held: list[Decimal] = []
    Logger.acts = {
        "10:01 Two bar A 1m": lambda s: (s.order("A", 1), s.order("B", 2), None)[-1],
        "10:02 Two order 1 A FILLED 1": lambda s: held.append(s.position("B").quantity),
    }
    starts = starts_of(sessions)
    bars = {"A": flat_bars(starts), "B": flat_bars(starts)}
    play(sessions, bars, Two, block_rows=block_rows)
    assert held == [Decimal(2)]


@BLOCKS
def test_an_order_given_on_a_bar_gets_the_open_of_the_next(block_rows: int) -> None:
    sessions = gapless(1)
    Logger.acts = {"10:01 Two bar A 1m": lambda s: s.order("A", 1)}
    outcome = play(sessions, {"A": flat_bars(starts_of(sessions))}, Two, block_rows=block_rows)
    (fill,) = outcome.fills
    assert fill[4:8] == (
        11.0,
        0,
        sessions[0].open_ns + MINUTE_NS,
        sessions[0].open_ns + 2 * MINUTE_NS,
    )


@BLOCKS
def test_an_order_given_at_the_open_gets_the_first_open(block_rows: int) -> None:
    sessions = gapless(1)
    Logger.acts = {"10:00 Two open A=0": lambda s: s.order("A", -3)}
    outcome = play(sessions, {"A": flat_bars(starts_of(sessions))}, Two, block_rows=block_rows)
    assert [fill[3:5] for fill in outcome.fills] == [(-3_00000000, 10.0)]


@BLOCKS
def test_an_order_given_at_the_close_fills_at_the_next_open(block_rows: int) -> None:
    sessions = weekday_sessions(dt.date(2024, 6, 7), 2, 3)  # over a weekend
    Logger.acts = {"09:33 Two close": lambda s: None if s.orders() else s.order("A", 4)}
    outcome = play(sessions, {"A": flat_bars(starts_of(sessions))}, Two, block_rows=block_rows)
    assert [fill[4] for fill in outcome.fills] == [13.0]
    assert [row[5] for row in outcome.orders] == ["FILLED", "CANCELED"]


@BLOCKS
def test_it_expires_at_that_session_s_close_when_no_bar_comes(block_rows: int) -> None:
    sessions = weekday_sessions(dt.date(2024, 6, 3), 2, 3)
    days = iter([True, False])
    Logger.acts = {"09:33 Two close": lambda s: s.order("A", 4) if next(days) else None}
    bars = {
        "A": flat_bars(starts_of(sessions, missing=(3, 4, 5))),
        "B": flat_bars(starts_of(sessions)),
    }
    outcome = play(sessions, bars, Two, block_rows=block_rows)
    assert not outcome.fills
    (row,) = outcome.orders
    assert row[4:] == (
        sessions[0].close_ns,
        "EXPIRED",
        0,
        "the session closed",
        sessions[1].close_ns,
    )
    assert Logger.log[-2:] == ["09:33 Two order 1 A EXPIRED 0", "09:33 Two close"]


@BLOCKS
def test_without_a_bar_there_is_no_fill_until_there_is_one(block_rows: int) -> None:
    sessions = gapless(1, minutes=6)
    Logger.acts = {"10:01 Two bar A 1m": lambda s: s.order("A", 1)}
    bars = {
        "A": flat_bars(starts_of(sessions, missing=(1, 2, 3))),
        "B": flat_bars(starts_of(sessions)),
    }
    outcome = play(sessions, bars, Two, block_rows=block_rows)
    assert [(fill[4], fill[6]) for fill in outcome.fills] == [
        (11.0, sessions[0].open_ns + 4 * MINUTE_NS)
    ]


@BLOCKS
def test_participation_is_shared_by_all_orders_and_the_rest_works_on(block_rows: int) -> None:
    sessions = gapless(1, minutes=6)

    def both(strategy: Logger) -> None:
        strategy.order("A", 15)
        strategy.order("A", -8)

    Logger.acts = {"10:01 One bar A 1m": both, "10:01 Two bar A 1m": lambda s: s.order("A", 3)}
    bars = {"A": flat_bars(starts_of(sessions), volume=109.9)}  # a tenth in whole lots: 10
    outcome = play(sessions, bars, One, Two, block_rows=block_rows, participation=0.1)
    filled = [(fill[1], fill[3] // 10**8, fill[4]) for fill in outcome.fills]
    assert filled == [(1, 10, 11.0), (1, 5, 12.0), (2, -5, 12.0), (2, -3, 13.0), (3, 3, 13.0)]
    assert "10:02 One order 1 A PARTIAL 10" in Logger.log
    assert "10:03 One order 1 A FILLED 15" in Logger.log


@BLOCKS
def test_a_day_order_s_rest_expires_with_the_session(block_rows: int) -> None:
    sessions = gapless(2)
    Logger.acts = {"10:01 Two bar A 1m": lambda s: s.order("A", 50)}
    bars = {"A": flat_bars(starts_of(sessions), volume=100.0)}
    outcome = play(sessions, bars, Two, block_rows=block_rows, participation=0.1)
    (row,) = outcome.orders
    assert (row[5], row[6] // 10**8, row[8]) == ("EXPIRED", 20, sessions[0].close_ns)
    assert "10:03 Two order 1 A EXPIRED 20" in Logger.log
    assert "10:03 Two open A=20" in Logger.log


@BLOCKS
def test_a_timer_set_when_an_order_fills_runs_at_its_time(block_rows: int) -> None:
    sessions = gapless(1, minutes=9)
    Logger.acts = {
        "10:03 One bar A 3m": lambda s: s.order("A", 1),
        "10:04 One order 1 A FILLED 1": lambda s: s.timer("soon", s.now + dt.timedelta(minutes=1)),
    }
    One.intervals = ("3m",)  # no bar comes between the fill and the timer
    try:
        bars = {"A": flat_bars(starts_of(sessions))}
        play(sessions, bars, One, block_rows=block_rows)
    finally:
        One.intervals = ("1m", "3m")
    assert Logger.log[2:6] == [
        "10:04 One order 1 A FILLED 1",
        "10:04 One position A 1",
        "10:05 One timer soon",
        "10:06 One bar A 3m",
    ]


@BLOCKS
def test_timers_run_between_bars_and_between_sessions(block_rows: int) -> None:
    sessions = weekday_sessions(dt.date(2024, 6, 7), 2, 3)

    def ask(strategy: Logger) -> None:
        strategy.timer("half", strategy.now + dt.timedelta(seconds=90))
        strategy.timer("evening", dt.time(20, 15))
        strategy.timer("never", dt.time(21))
        strategy.cancel_timer("never")

    Logger.acts = {"09:30 Two open A=0": ask}
    play(sessions, {"A": flat_bars(starts_of(sessions))}, Two, block_rows=block_rows)
    assert Logger.log[:8] == [
        "09:30 Two open A=0",
        "09:31 Two bar A 1m",
        "09:31 Two timer half",
        "09:32 Two bar A 1m",
        "09:33 Two bar A 1m",
        "09:33 Two close",
        "20:15 Two timer evening",
        "09:30 Two open A=0",
    ]


@BLOCKS
def test_a_refusal_is_told_to_its_strategy_and_reaches_no_broker(block_rows: int) -> None:
    sessions = gapless(1)
    Logger.acts = {"10:01 Two bar A 1m": lambda s: s.order("A", "0.5")}
    bars = {"A": flat_bars(starts_of(sessions))}
    outcome = play(sessions, bars, Two, block_rows=block_rows)
    assert "10:01 Two order 1 A REJECTED 0" in Logger.log
    assert outcome.orders[0][7] == "not_whole_lots: 0.5 is no multiple of 1"
    assert not outcome.fills


@BLOCKS
def test_each_strategy_has_positions_of_its_own_in_one_account(block_rows: int) -> None:
    sessions = gapless(1)
    held: dict[str, Decimal] = {}
    Logger.acts = {
        "10:01 One bar A 1m": lambda s: s.order("A", 5),
        "10:01 Two bar A 1m": lambda s: s.order("A", -2),
        "10:03 One close": lambda s: held.update(One=s.position("A").quantity),
        "10:03 Two close": lambda s: held.update(Two=s.position("A").quantity, cash=s.cash),
    }
    play(sessions, {"A": flat_bars(starts_of(sessions))}, One, Two, block_rows=block_rows)
    assert held == {"One": 5, "Two": -2, "cash": 100_000 - 3 * 11}


@BLOCKS
def test_order_target_counts_what_is_held_working_and_just_proposed(block_rows: int) -> None:
    sessions = gapless(1, minutes=5)

    def twice(strategy: Logger) -> None:
        strategy.order_target("A", 10)
        strategy.order_target("A", 10)
        strategy.order_target("A", 4)

    Logger.acts = {
        "10:01 Two bar A 1m": twice,
        "10:02 Two bar A 1m": lambda s: s.order_target("A", 4),
        "10:03 Two bar A 1m": lambda s: s.order_target("A", -1),
    }
    bars = {"A": flat_bars(starts_of(sessions))}
    outcome = play(sessions, bars, Two, block_rows=block_rows)
    assert [row[3] // 10**8 for row in outcome.orders] == [10, -6, -5]


@BLOCKS
def test_equity_is_read_at_the_last_close_known_never_at_a_later_one(block_rows: int) -> None:
    sessions = weekday_sessions(dt.date(2024, 6, 3), 2, 3)
    split = Adjustment("A", sessions[1].date, Decimal(2), Decimal(0), 0.5, 2.0)
    equity: list[Decimal] = []
    Logger.acts = {
        "09:31 Two bar A 1m": lambda s: s.order("A", 10) if not equity else None,
        "09:33 Two close": lambda s: equity.append(s.equity),
        "09:30 Two open A=20 B=0": lambda s: equity.append(s.equity),
    }
    starts = starts_of(sessions, missing=(3,))  # nothing trades in the second day's first minute
    bars = {"A": flat_bars(starts), "B": flat_bars(starts_of(sessions))}
    play(sessions, bars, Two, block_rows=block_rows, adjustments=(split,))
    gain = Decimal(10) * (Decimal("12.5") - 11)
    assert equity[:2] == [100_000 + gain, 100_000 + gain]


class Averages(Strategy):
    """Notes what its average reads with each bar."""

    read: ClassVar[list[tuple[str, float, float]]] = []

    def setup(self) -> None:
        self.read.clear()
        self.average = self.indicator("SMA", 2)

    def on_bar(self, bar: Bar) -> None:
        if self.average.ready:
            self.read.append((bar.symbol, bar.close, self.average.value))


def test_an_indicator_reads_its_own_symbol_where_gaps_let_the_turns_go_on() -> None:
    sessions = weekday_sessions(dt.date(2024, 6, 3), 2, 10)
    starts = minute_starts(sessions)
    lacks = {"AAA": 10, "BBB": 9}  # the next session's first minute, and the last one's last
    bars = {}
    for base, (symbol, gap) in zip((10.0, 1_000.0), lacks.items(), strict=True):
        own = np.delete(starts, gap)
        prices = base + np.arange(len(own))
        bars[symbol, "1m"] = BarColumns(own, *[prices] * 4, np.full(len(own), 1e6))
    config = config_of([*lacks], [f"{__name__}:Averages"], engine={"runner": "inline"})
    execute(config, market_of(sessions, bars, [*lacks]))
    assert len(Averages.read) > 30
    assert [read for read in Averages.read if abs(read[1] - read[2]) > 1] == []
