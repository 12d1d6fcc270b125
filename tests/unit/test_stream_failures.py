"""Strategies that fail, look ahead or grasp for the future, and what they are told."""

import datetime as dt
from collections.abc import Callable
from typing import ClassVar

import numpy as np
import pytest
from tests.market import (
    Outcome,
    config_of,
    execute,
    market_of,
    minute_starts,
    outcome_of,
    random_bars,
    weekday_sessions,
    wired,
)

from app.core.bars import COLUMNS, Floats
from app.core.errors import ConfigError, LookaheadError, NotReadyError, StrategyError, UsageError
from app.managers.execution_manager.books.ledger import LedgerError
from app.strategies import Bar, OrderView, Strategy, TradingSession

BLOCKS = pytest.mark.parametrize("block_rows", [1, 8192])
SESSIONS = weekday_sessions(dt.date(2024, 6, 3), 2, 30)
STARTS = minute_starts(SESSIONS)


class Probe(Strategy):
    """Does what the test asks of it, at the tenth bar."""

    probe: ClassVar[Callable[["Probe"], object]]

    def setup(self) -> None:
        self.sma = self.indicator("SMA", 3)
        self.bar_count = 0
        self.seen: list[tuple[object, ...]] = []

    def on_bar(self, bar: Bar) -> None:
        self.bar_count += 1
        if self.bar_count == 10:
            type(self).probe(self)


def run(kind: type[Strategy], block_rows: int = 8192, runner: str = "inline") -> Outcome:
    """Run one strategy over two short days."""
    config = config_of(
        ["A"],
        [f"{__name__}:{kind.__name__}"],
        execution={"participation": None},
        engine={"block_rows": block_rows, "runner": runner},
    )
    return execute(config, market_of(SESSIONS, {("A", "1m"): random_bars(STARTS, 3)}, ["A"]))


def probe(action: Callable[[Probe], object], block_rows: int = 8192) -> Outcome:
    """Run a probe that does this."""
    Probe.probe = action
    return run(Probe, block_rows)


# -- reading the future --------------------------------------------------------------------------


@BLOCKS
def test_an_index_past_the_present_is_refused(block_rows: int) -> None:
    with pytest.raises(LookaheadError, match=r"SMA\(3\) on 1m\[1\] asks for the future"):
        probe(lambda s: s.sma[1], block_rows)


@BLOCKS
def test_windows_are_read_only_copies_that_lead_nowhere(block_rows: int) -> None:
    def look(strategy: Probe) -> None:
        columns = strategy.bars("A", "1m", 100)
        assert len(columns) == 10
        for name in COLUMNS:
            column = getattr(columns, name)
            assert column.base is None, "a view would lead to the bars behind it"
            with pytest.raises(ValueError, match="read-only"):
                column[0] = 1
        strategy.seen.append((len(columns),))

    assert probe(look, block_rows).seen == [[(10,)]]


@BLOCKS
def test_a_bar_and_a_window_show_the_same_present(block_rows: int) -> None:
    def look(strategy: Probe) -> None:
        columns = strategy.bars("A", n=3)
        assert strategy.sma.value == pytest.approx(columns.close.mean())
        assert columns.start_ns[-1] + 60 * 10**9 == strategy.now_ns
        strategy.seen.append(("looked",))

    assert probe(look, block_rows).seen == [[("looked",)]]


def peeking(close: Floats) -> Floats:
    """Tomorrow's close, which nobody has."""
    return np.append(close[1:], close[-1:])


def centred(close: Floats) -> Floats:
    """Less than the mean of all: it moves with every bar that is added."""
    return close - close.mean()


class Peeker(Strategy):
    """Trades on an indicator that looks ahead."""

    function: ClassVar[Callable[[Floats], Floats]] = staticmethod(peeking)

    def setup(self) -> None:
        self.ahead = self.indicator(self.function)

    def on_bar(self, bar: Bar) -> None:
        if self.ahead.ready and self.ahead.value > bar.close:
            self.order_target("A", 1)


class Centred(Peeker):
    """The same, hidden in a mean."""

    function = staticmethod(centred)


@BLOCKS
@pytest.mark.parametrize(("kind", "name"), [(Peeker, "peeking"), (Centred, "centred")])
def test_an_indicator_that_looks_ahead_stops_the_run_by_its_name(
    kind: type[Strategy], name: str, block_rows: int
) -> None:
    with pytest.raises(LookaheadError, match=rf"Indicator {name} \(.*py:\d+\) looks ahead"):
        run(kind, block_rows)


def last_minus_first(close: Floats) -> Floats:
    """An honest indicator that needs at least one row."""
    return close - close[0]


class Relative(Peeker):
    """Reads it on bars of several lengths, from sessions that begin without a bar."""

    function = staticmethod(last_minus_first)


@BLOCKS
def test_a_user_s_indicator_is_never_given_nothing(block_rows: int) -> None:
    assert run(Relative, block_rows).fingerprint == run(Relative).fingerprint


# -- strategies that raise -----------------------------------------------------------------------


class Faulty(Strategy):
    """Orders, and then divides by nothing."""

    def on_bar(self, bar: Bar) -> None:
        self.order("A", 1)
        if self.now.minute == 40:
            print(1 // (self.now.minute - 40))


@BLOCKS
@pytest.mark.parametrize("runner", ["inline", "pool"])
def test_an_error_tells_strategy_hook_moment_and_line(block_rows: int, runner: str) -> None:
    with pytest.raises(StrategyError) as raised:
        run(Faulty, block_rows, runner)
    message = str(raised.value)
    assert message.startswith("Strategy Faulty failed in on_bar at 2024-06-03 09:40:00: ")
    assert "ZeroDivisionError" in message
    lines = message.splitlines()[1:]
    assert len(lines) == 1, "no line but the strategy's own"
    assert lines[0].strip().startswith("test_stream_failures.py:")
    assert lines[0].endswith("in on_bar: print(1 // (self.now.minute - 40))")


def test_a_hook_that_raises_proposes_nothing() -> None:
    config = config_of(["A"], [f"{__name__}:Faulty"], engine={"runner": "inline"})
    market = market_of(SESSIONS, {("A", "1m"): random_bars(STARTS, 3)}, ["A"])
    built, results = wired(config, market)
    with pytest.raises(StrategyError):
        outcome_of(built, results)
    assert built.execution.order_count == 9, (
        "one a minute up to 09:39, none from the hook that fell"
    )


class Buyer(Strategy):
    """Buys on every bar."""

    def on_bar(self, bar: Bar) -> None:
        self.order("A", 1)


@pytest.mark.parametrize("kinds", [["Buyer"], ["Buyer", "Probe"]])
def test_books_that_do_not_add_up_are_not_the_strategy_s_fault(kinds: list[str]) -> None:
    Probe.probe = lambda strategy: None
    config = config_of(["A"], [f"{__name__}:{kind}" for kind in kinds], engine={"runner": "inline"})
    market = market_of(SESSIONS, {("A", "1m"): random_bars(STARTS, 3)}, ["A"])
    built, results = wired(config, market)
    built.execution.ledger.cash_units += 1
    with pytest.raises(LedgerError, match=r"^The books are off"):
        outcome_of(built, results)


class FaultyOnOrder(Strategy):
    """Fails where an order is told."""

    def on_session_open(self, session: TradingSession) -> None:
        self.order("A", 1)

    def on_order(self, order: OrderView) -> None:
        raise KeyError(order.symbol)


def test_an_error_in_a_hook_within_a_hook_names_the_inner_one() -> None:
    with pytest.raises(StrategyError, match="FaultyOnOrder failed in on_order at 2024-06-03 09:31"):
        run(FaultyOnOrder)


class FaultyInSetup(Strategy):
    """Trades before there is a market."""

    def setup(self) -> None:
        self.order("A", 1)


def test_setup_is_no_time_to_trade() -> None:
    with pytest.raises(StrategyError, match=r"setup at the start: In setup\(\) there is no market"):
        run(FaultyInSetup)


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (lambda s: s.order("B", 1), "'B' is not one of this run's symbols"),
        (lambda s: s.order("A", float("nan")), "nan is not a quantity"),
        (lambda s: s.order_target("A", float("inf")), "inf is not a quantity"),
        (lambda s: s.order("A", "many"), "'many' is not a quantity"),
        (lambda s: s.bars("A", "1h"), "no 1h bars in this run"),
        (lambda s: s.bars("A", n=0), "n is at least 1"),
        (lambda s: s.timer("past", s.now), "which is not after now"),
        (lambda s: s.indicator("SMA", 3), "too late"),
        (lambda s: s.sma["upper"], "has no 'upper'"),
        (lambda s: s.sma[-(10**6)], "has no value"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_the_reason(
    action: Callable[[Probe], object], message: str
) -> None:
    with pytest.raises(StrategyError, match=message):
        probe(action)


def test_a_value_before_there_is_one_is_an_error_that_says_so() -> None:
    class_probe = Probe.on_bar
    Probe.on_bar = lambda self, bar: self.sma.value  # type: ignore[method-assign,assignment]
    try:
        with pytest.raises(NotReadyError, match=r"SMA\(3\) on 1m has no value yet"):
            run(Probe)
    finally:
        Probe.on_bar = class_probe  # type: ignore[method-assign]


def test_history_that_can_never_be_enough_is_refused_before_the_run() -> None:
    config = config_of(["A"], [f"{__name__}:Probe"], history={"1m": 0})
    short = weekday_sessions(dt.date(2024, 6, 3), 1, 2)  # two bars a day, and the average needs 3
    market = market_of(short, {("A", "1m"): random_bars(minute_starts(short), 1)}, ["A"])
    with pytest.raises(ConfigError, match="it would never be ready"):
        execute(config, market)


def test_indicators_between_bars_ask_for_their_symbol() -> None:
    with pytest.raises(StrategyError, match="declare it with symbol="):
        run(ReaderAtOpen)


class ReaderAtOpen(Strategy):
    """Reads what belongs to no bar."""

    def setup(self) -> None:
        self.sma = self.indicator("SMA", 3)

    def on_session_open(self, session: TradingSession) -> None:
        if self.sma.ready:
            raise UsageError("there is no symbol in hand here")
