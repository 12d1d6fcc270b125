"""The handle of an indicator: every read, at every hook, against whole numbers of the same bars."""

import datetime as dt
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import run_script
from tests.market import config_of, execute, market_of, minute_starts, random_bars, weekday_sessions

from app.core.bars import BarColumns
from app.core.calendar import TradingSession
from app.core.errors import LookaheadError, NotReadyError, StrategyError
from app.strategies import Bar, OrderView, Strategy
from app.strategies.indicator import Indicator

FAST, SLOW = 2, 5


def sum_at(cents: list[int], period: int, back: int = 0) -> int | None:
    """The sum of the last `period` closes, `back` bars ago; None while there are too few."""
    end = len(cents) - back
    return sum(cents[end - period : end]) if end >= period else None


def side(cents: list[int], back: int = 0) -> int | None:
    """On which side the fast average is of the slow one, in whole numbers."""
    fast, slow = sum_at(cents, FAST, back), sum_at(cents, SLOW, back)
    if fast is None or slow is None:
        return None
    difference = fast * SLOW - slow * FAST
    return (difference > 0) - (difference < 0)


def level_side(cents: list[int], level: int, back: int = 0) -> int | None:
    fast = sum_at(cents, FAST, back)
    return None if fast is None else (fast > level * FAST) - (fast < level * FAST)


def cross(now: int | None, was: int | None) -> tuple[bool, bool]:
    """Whether it crossed above, and below."""
    if now is None or was is None:
        return False, False
    return now > 0 >= was, now < 0 <= was


class Oracle(Strategy):
    """Compares each read of its indicators with what the bars themselves say."""

    reads: ClassVar[list[str]] = []

    def setup(self) -> None:
        self.free = (self.indicator("SMA", FAST), self.indicator("SMA", SLOW))
        self.placed = {
            (symbol, interval): tuple(
                self.indicator("SMA", period, symbol=symbol, interval=interval)
                for period in (FAST, SLOW)
            )
            for symbol in self.symbols
            for interval in ("1m", "5m")
        }
        self.now_and_then = 0

    def on_session_open(self, session: TradingSession) -> None:
        self.timer("between", self.now + dt.timedelta(minutes=3, seconds=30))
        self._check_placed("open")

    def on_bar(self, bar: Bar) -> None:
        interval = bar.interval
        if interval == self.free[0].interval:
            self._check("bar", bar.symbol, interval, *self.free)
        self._check_placed("bar")
        self.now_and_then += 1
        if self.now_and_then % 7 == 0:
            self.order(bar.symbol, 1)

    def on_order(self, order: OrderView) -> None:
        interval = self.free[0].interval
        self._check("order", order.symbol, interval, *self.free)
        self._check_placed("order")

    def on_timer(self, name: str) -> None:
        self._check_placed("timer")

    def on_session_close(self, session: TradingSession) -> None:
        self._check_placed("close")

    def _check_placed(self, hook: str) -> None:
        for (symbol, interval), (fast, slow) in self.placed.items():
            self._check(hook, symbol, interval, fast, slow)

    def _check(
        self, hook: str, symbol: str, interval: str, fast: Indicator, slow: Indicator
    ) -> None:
        self.reads.append(hook)
        closes = self.bars(symbol, interval, 10**6).close
        cents = np.rint(closes * 100).astype(int).tolist()
        for indicator, period in ((fast, FAST), (slow, SLOW)):
            for back in (0, 1, 4):
                total = sum_at(cents, period, back)
                assert read(indicator, back) == (total and pytest.approx(total / period / 100))
            assert indicator.ready is (sum_at(cents, period) is not None)
        self._check_sides(cents, fast, slow)

    def _check_sides(self, cents: list[int], fast: Indicator, slow: Indicator) -> None:
        now, was = side(cents), side(cents, 1)
        assert (fast.above(slow), fast.below(slow)) == (now == 1, now == -1)
        assert (fast.crossed_above(slow), fast.crossed_below(slow)) == cross(now, was)
        assert (slow.crossed_below(fast), slow.crossed_above(fast)) == cross(now, was)
        for level in (10_000, 9_990 + self.now_and_then % 40):  # one that stands, one that moves
            now, was = level_side(cents, level), level_side(cents, level, 1)
            price = level / 100
            assert (fast.above(price), fast.below(price)) == (now == 1, now == -1)
            crossed = (fast.crossed_above(price), fast.crossed_below(price))
            assert crossed == cross(now, was)


class OracleOnFive(Oracle):
    """Its indicators lie on five minutes, its hooks on both."""

    intervals: ClassVar[tuple[str, ...]] = ("5m", "1m")


def read(indicator: Indicator, back: int) -> float | None:
    """The value, None while there is none: by both ways where both exist."""
    try:
        value = indicator[-back]
    except NotReadyError:
        if back == 0:
            with pytest.raises(NotReadyError):
                _ = indicator.value
        return None
    assert back or indicator.value == value
    return value


def thinned(bars: BarColumns, keep: float, seed: int) -> BarColumns:
    chosen = np.random.default_rng(seed).random(len(bars)) < keep
    return BarColumns(*(column[chosen] for column in columns_of(bars)))


def columns_of(bars: BarColumns) -> list[Any]:
    return [bars.start_ns, bars.open, bars.high, bars.low, bars.close, bars.volume]


@given(
    seed=st.integers(0, 10**6),
    kind=st.sampled_from(["Oracle", "OracleOnFive"]),
    block_rows=st.sampled_from([1, 7, 40, 8192]),
    keep=st.sampled_from([1.0, 0.8, 0.2]),
    history=st.sampled_from([{}, {"1m": "all", "5m": "all"}, {"1m": 8, "5m": 8}]),
    minutes=st.integers(6, 30),
)
@settings(max_examples=15)
def test_every_read_at_every_hook_is_that_of_the_bars_themselves(
    seed: int, kind: str, block_rows: int, keep: float, history: dict[str, Any], minutes: int
) -> None:
    sessions = weekday_sessions(dt.date(2024, 3, 6), 4, minutes, frozenset({2}))
    starts = minute_starts(sessions)
    bars = {
        ("AAA", "1m"): random_bars(starts, seed),
        ("BBB", "1m"): thinned(random_bars(starts, seed + 1), keep, seed),
    }
    config = config_of(
        ["AAA", "BBB"],
        [f"{__name__}:{kind}"],
        history=history,
        derived_intervals=("5m",),
        engine={"block_rows": block_rows, "runner": "inline"},
    )
    Oracle.reads.clear()
    execute(config, market_of(sessions, bars, ["AAA", "BBB"], first=2))
    assert {"open", "bar", "close"} <= set(Oracle.reads)


# -- what a read says that cannot be answered ------------------------------------------------------


def message(*, setup: Any, where: str, act: Any, **parts: Any) -> str:
    """What the run ends with when `act` reads what `setup` declared."""
    made: list[Any] = []
    with pytest.raises(StrategyError) as caught:
        steps = {"setup": lambda s: made.append(setup(s)), where: lambda s: act(made[0])}
        run_script(steps, **parts)
    return str(caught.value).splitlines()[0].partition(":00: ")[2] or str(caught.value)


@pytest.mark.parametrize(
    ("act", "text"),
    [
        (lambda i: i.value, "SMA(3) on 1m has no value yet; ask `.ready` first, or declare more"),
        (lambda i: i[0], "SMA(3) on 1m[0] has no value; ask `.ready` first."),
        (lambda i: i[-1], "SMA(3) on 1m[-1] has no value; ask `.ready` first."),
        (lambda i: i[1], "SMA(3) on 1m[1] asks for the future; use [0], [-1], [-2], ..."),
        (lambda i: i["upper"], "SMA(3) on 1m has no 'upper'; its outputs are real."),
    ],
)
@pytest.mark.parametrize("minutes", [6, 60])  # without and with prepared columns
def test_a_read_that_has_no_answer_says_why(act: Any, text: str, minutes: int) -> None:
    found = message(
        setup=lambda s: s.indicator("SMA", 3), where="09:32 AAA", act=act, minutes=minutes,
        history={"1m": 0},
    )  # fmt: skip
    assert found.startswith(text)


@pytest.mark.parametrize(
    ("act", "kind"), [(lambda i: i[5], LookaheadError), (lambda i: i.value, NotReadyError)]
)
def test_the_kind_of_the_error_is_kept(act: Any, kind: type[StrategyError]) -> None:
    made: list[Any] = []
    with pytest.raises(kind) as caught:
        run_script(
            {"setup": lambda s: made.append(s.indicator("SMA", 3)),
             "09:31 AAA": lambda s: act(made[0])},
        )  # fmt: skip
    assert str(caught.value).startswith("Strategy Scripted failed in on_bar at 2024-06-03 09:31:00")


@pytest.mark.parametrize("where", ["09:30 open", "09:36 close"])
def test_without_a_bar_in_hand_an_indicator_needs_a_symbol(where: str) -> None:
    text = message(setup=lambda s: s.indicator("SMA", 3), where=where, act=lambda i: i.ready)
    assert text == (
        "SMA(3) on 1m was read where no bar is in hand; declare it with symbol=... to read it "
        "from timers and session hooks."
    )


@pytest.mark.parametrize(
    "other",
    [
        lambda s: s.indicator("SMA", 2, interval="5m"),
        lambda s: s.indicator("SMA", 2, symbol="BBB"),
        lambda s: s.indicator("SMA", 2, symbol="AAA"),
    ],
)
@pytest.mark.parametrize("minutes", [6, 60])
def test_indicators_of_different_bars_are_not_compared(other: Any, minutes: int) -> None:
    text = message(
        setup=lambda s: (s.indicator("SMA", 3), other(s)),
        where="09:34 AAA",
        act=lambda pair: pair[0].crossed_above(pair[1]),
        minutes=minutes,
    )
    assert text.startswith("SMA(3) on 1m and SMA(2) on ")
    assert text.endswith(" lie on different bars; compare their values.")


def test_outputs_know_each_other_by_name() -> None:
    made: list[Any] = []
    run_script({"setup": lambda s: made.append(s.indicator("BBANDS", 4, interval="3m"))})
    (bands,) = made
    assert str(bands) == "BBANDS(4, 2.0, 2.0, 0).upperband on 3m"
    assert bands["upperband"] is bands
    assert bands["lowerband"]["middleband"]["upperband"] is bands
    assert repr(bands["lowerband"]) == "BBANDS(4, 2.0, 2.0, 0).lowerband on 3m"


def test_a_level_that_moves_with_every_bar_prepares_few_columns() -> None:
    """Else a block of n bars would take n columns of n rows."""
    made: list[Any] = []

    def compare(strategy: Any) -> tuple[bool, int]:
        (indicator,) = made
        level = 5.0 + strategy.now_ns % 1_000_003 / 1e9
        crossed = indicator.crossed_above(level)
        return crossed, len(indicator.view._crosses.get(indicator, {}))

    steps = {f"{9 + m // 60:02}:{m % 60:02} AAA": compare for m in range(35, 200)}
    steps["setup"] = lambda s: made.append(s.indicator("SMA", 3))
    answers, _ = run_script(steps, minutes=200)
    counts = [answer[1] for answer in answers[1:]]  # type: ignore[index]
    assert len(counts) == 165
    assert max(counts) == 16
