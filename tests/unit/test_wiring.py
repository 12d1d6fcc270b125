"""From a config to a plan: which intervals, indicators and histories a run computes."""

import datetime as dt
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.market import (
    Time,
    config_of,
    execute,
    market_of,
    minute_starts,
    random_bars,
    weekday_sessions,
)

from app.core.calendar import TradingSession
from app.core.errors import AppError, ConfigError
from app.core.intervals import MINUTE_NS
from app.managers.system_manager.wiring import Run, plan_of, seats_of
from app.strategies import Bar, Strategy
from app.strategies.indicator import Cursor
from app.threads.hooks.seats import Seat
from app.threads.stream.plan import Plan

SESSIONS = weekday_sessions(dt.date(2024, 6, 3), 6)
CROSS = "app.strategies.examples.sma_cross:SmaCross"
REVERSION = "app.strategies.examples.rsi_reversion:RsiReversion"


class OddInterval(Strategy):
    """Asks for bars that a run on five minutes cannot make."""

    intervals = ("7m",)


class FirstBars(Strategy):
    """Notes at the first bar of each session whether its indicator is ready."""

    def setup(self) -> None:
        self.average = self.indicator("SMA", 300)
        self.seen: list[tuple[bool]] = []

    def on_session_open(self, session: TradingSession) -> None:
        self.first = True

    def on_bar(self, bar: Bar) -> None:
        if self.first:
            self.seen.append((self.average.ready,))
        self.first = False


class DailyCross(Strategy):
    """Notes at each open whether daily averages crossed the day before, and at each close today."""

    intervals = ("1d",)

    def setup(self) -> None:
        self.fast = self.indicator("SMA", 2, symbol="AAA")
        self.slow = self.indicator("SMA", 4, symbol="AAA")
        self.seen: list[bool] = []

    def on_session_open(self, session: TradingSession) -> None:
        self.seen.append(self.fast.crossed_above(self.slow))

    def on_bar(self, bar: Bar) -> None:
        self.seen.append(self.fast.crossed_above(self.slow))


class Doubled(Strategy):
    """Declares the same indicator twice, for all symbols and for one."""

    def setup(self) -> None:
        self.indicator("SMA", 10)
        self.indicator("SMA", 10, symbol=self.symbols[-1])
        self.indicator("SMA", 11, symbol=self.symbols[-1])


def planned(
    *strategies: str,
    session: TradingSession = SESSIONS[0],
    run: Sequence[TradingSession] = (),
    before: Sequence[TradingSession] | None = None,
    **parts: Any,
) -> Plan:
    """The plan of a run of one session, or of `run`; the sessions before it are as that one."""
    config = config_of(parts.pop("symbols", ["AAA", "BBB"]), strategies or (CROSS,), **parts)
    seats = seats_of(config, Path("strategies"), Cursor(), Time())

    def sessions_before(count: int) -> tuple[TradingSession, ...]:
        return (
            (session,) * count if before is None else tuple(before[max(0, len(before) - count) :])
        )

    return plan_of(config, seats, run or [session], sessions_before)


# -- intervals and indicators ----------------------------------------------------------------------


def test_the_base_is_always_among_the_intervals_and_the_shortest() -> None:
    plan = planned(derived_intervals=("1h", "5m", "1d"))
    assert plan.intervals == ("1m", "5m", "1h", "1d")
    assert plan.derived_intervals == ("5m", "1h", "1d")


def test_a_strategy_brings_the_intervals_it_reads() -> None:
    assert planned(REVERSION).intervals == ("1m", "5m")


def test_history_of_an_interval_has_it_computed() -> None:
    plan = planned(history={"1d": 3})
    assert plan.intervals == ("1m", "1d")
    assert plan.history["1d"] == 3


def test_a_strategy_s_interval_that_cannot_be_made_is_refused() -> None:
    with pytest.raises(AppError, match=r"7m bars cannot be made of 5m bars"):
        planned("tests.unit.test_wiring:OddInterval", base_interval="5m")


@pytest.mark.parametrize("interval", ["48h", "24h", "1440m"])
def test_a_strategy_s_interval_of_a_day_or_more_is_the_day_or_refused(interval: str) -> None:
    class Long(OddInterval):
        intervals = (interval,)

    config = config_of(["AAA"], [CROSS])
    seat = Seat(Long, 0, "long", config.symbols, "1m", {}, Cursor(), Time())
    with pytest.raises(ConfigError, match=f"{interval} bars are no shorter than a day; use 1d"):
        plan_of(config, [seat], SESSIONS[:1], lambda count: ())


def test_an_indicator_of_the_config_exists_for_every_symbol() -> None:
    indicators = ({"name": "EMA", "params": {"timeperiod": 4}, "interval": "5m"},)
    plan = planned(derived_intervals=("5m",), indicators=indicators)
    found = [(d.computation.label, d.symbol, d.interval) for d in plan.declared]
    assert found[:2] == [("EMA(4)", 0, "5m"), ("EMA(4)", 1, "5m")]


def test_what_is_declared_twice_is_computed_once() -> None:
    plan = planned("tests.unit.test_wiring:Doubled")
    found = [(d.computation.label, d.symbol) for d in plan.declared]
    assert found == [("SMA(10)", 0), ("SMA(10)", 1), ("SMA(11)", 1)]


def test_two_strategies_share_their_indicators() -> None:
    one = planned(CROSS)
    both = planned(
        {"use": CROSS, "name": "one"},  # type: ignore[arg-type]
        {"use": CROSS, "name": "other"},  # type: ignore[arg-type]
    )
    assert both.declared == one.declared


# -- history ---------------------------------------------------------------------------------------


def sma(period: int, interval: str | None = None) -> tuple[dict[str, Any], ...]:
    return ({"name": "SMA", "params": {"timeperiod": period}, "interval": interval},)


@pytest.mark.parametrize(
    ("period", "interval", "sessions"),
    [
        (30, None, 1),
        (389, None, 1),
        (390, None, 2),
        (779, None, 2),
        (780, None, 3),
        (6, "1h", 1),
        (7, "1h", 2),
        (1, "1d", 2),
        (20, "1d", 21),
    ],
)
def test_default_history_is_the_sessions_the_indicators_need(
    period: int, interval: str | None, sessions: int
) -> None:
    """At the open there are the value and the one before: of `period` + 1 bars."""
    derived = tuple({"1h", "1d"} & {interval})
    plan = planned(derived_intervals=derived, indicators=sma(period, interval))
    assert plan.history[interval or "1m"] == sessions


HALF_DAY_LAST = weekday_sessions(dt.date(2024, 6, 3), 6, half_days=frozenset({5}))
LONG = weekday_sessions(dt.date(2024, 6, 11), 3)  # 390 bars each, where a half day has 195


@pytest.mark.parametrize(("period", "sessions"), [(194, 1), (195, 2), (389, 2), (585, 3)])
def test_a_half_day_before_the_run_counts_as_what_it_is(period: int, sessions: int) -> None:
    plan = planned(run=LONG[:1], before=HALF_DAY_LAST, indicators=sma(period))
    assert plan.history["1m"] == sessions


@pytest.mark.parametrize(("period", "sessions"), [(194, 1), (389, 1), (390, 2)])
def test_a_run_that_begins_with_a_half_day_reaches_back_no_further(
    period: int, sessions: int
) -> None:
    plan = planned(run=HALF_DAY_LAST[5:], before=HALF_DAY_LAST[:5], indicators=sma(period))
    assert plan.history["1m"] == sessions


@pytest.mark.parametrize("days", [1, 2, 3])
def test_a_half_day_within_the_run_changes_nothing_of_what_is_decided_before_it(days: int) -> None:
    run = (HALF_DAY_LAST[5], *LONG)[:days]
    plan = planned(run=run, before=HALF_DAY_LAST[:5], indicators=sma(300))
    assert plan.history["1m"] == 1


def test_where_the_calendar_begins_the_first_session_stands_for_those_before() -> None:
    assert planned(run=LONG, before=(), indicators=sma(800)).history["1m"] == 3
    assert planned(run=LONG, before=HALF_DAY_LAST[5:], indicators=sma(800)).history["1m"] == 3


@given(
    period=st.integers(2, 2500),
    half_days=st.frozensets(st.integers(0, 15)),
    days=st.integers(1, 6),
)
def test_default_history_is_the_least_with_which_the_run_begins_ready(
    period: int, half_days: frozenset[int], days: int
) -> None:
    sessions = weekday_sessions(dt.date(2024, 6, 3), 20, half_days=half_days)
    run, before = sessions[16 - days : 16], sessions[: 16 - days]
    assume(sum(bars_of(one) for one in before) > period)
    found = planned(run=run, before=before, indicators=sma(period)).history["1m"]
    assert found is not None

    def least(history: int) -> int:
        return sum(map(bars_of, sessions[16 - days - history : 16 - days]))

    assert least(found - 1) < period + 1 <= least(found)


def bars_of(session: TradingSession) -> int:
    return (session.close_ns - session.open_ns) // MINUTE_NS


def test_history_that_is_enough_on_a_whole_day_is_not_refused_for_a_half_day_at_the_start() -> None:
    run = (HALF_DAY_LAST[5], *LONG)
    plan = planned(run=run, indicators=sma(700), history={"1m": 1})
    assert plan.history["1m"] == 1
    with pytest.raises(ConfigError, match=r"Declare at least 3\."):
        planned(run=run[:1], indicators=sma(700), history={"1m": 1})


def test_with_default_history_an_indicator_is_ready_at_the_first_bar_of_every_session() -> None:
    calendar = weekday_sessions(dt.date(2024, 6, 3), 8, half_days=frozenset({2, 5}))
    config = config_of(["AAA"], ["tests.unit.test_wiring:FirstBars"], engine={"runner": "inline"})
    bars = {("AAA", "1m"): random_bars(minute_starts(calendar), 1)}
    outcome = execute(config, market_of(calendar, bars, ["AAA"], first=3))
    assert outcome.seen == [[(True,)] * 5]


def test_with_default_history_daily_averages_cross_at_a_day_s_end_and_have_by_the_next_open() -> (
    None
):
    calendar = weekday_sessions(dt.date(2024, 6, 3), 40)
    config = config_of(["AAA"], ["tests.unit.test_wiring:DailyCross"], derived_intervals=["1d"])
    bars = random_bars(minute_starts(calendar), 1)
    outcome = execute(config, market_of(calendar, {("AAA", "1m"): bars}, ["AAA"], first=10))
    above = [
        closes[-2:].mean() > closes[-4:].mean()
        for day in range(8, 40)
        if len(closes := bars.close[389 : (day + 1) * 390 : 390])
    ]
    crossed = [now and not before for before, now in pairwise(above)]
    assert outcome.seen == [[one for pair in pairwise(crossed) for one in pair]]
    assert 2 < sum(crossed[1:]) < 15


def test_the_longest_of_several_indicators_decides() -> None:
    indicators = (*sma(1000), *sma(20), *sma(500))
    assert planned(indicators=indicators).history["1m"] == 3


def test_what_needs_past_sessions_gets_them() -> None:
    indicators = (
        {"name": "PREVIOUS_DAY"},
        {"name": "VOLUME_RATIO", "params": {"sessions": 7}},
    )
    assert planned(indicators=indicators).history["1m"] == 7


def test_a_break_has_no_bars_to_count_on() -> None:
    """Tokyo opens for 330 minutes with a break of 60: a session has 270 of them."""
    open_ns = SESSIONS[0].open_ns
    tokyo = TradingSession(
        "XTKS",
        SESSIONS[0].date,
        open_ns,
        open_ns + 330 * MINUTE_NS,
        breaks=((open_ns + 150 * MINUTE_NS, open_ns + 210 * MINUTE_NS),),
    )
    assert planned(session=tokyo, indicators=sma(269)).history["1m"] == 1
    assert planned(session=tokyo, indicators=sma(270)).history["1m"] == 2
    with pytest.raises(ConfigError, match="Declare at least 1"):
        planned(session=tokyo, indicators=sma(300), history={"1m": 0})


def test_extended_hours_count_when_they_are_traded() -> None:
    session = TradingSession(
        "XNYS",
        SESSIONS[0].date,
        SESSIONS[0].open_ns,
        SESSIONS[0].close_ns,
        pre_open_ns=SESSIONS[0].open_ns - 110 * MINUTE_NS,
    )
    for extended, sessions in ((False, 2), (True, 1)):
        plan = planned(session=session, extended_hours=extended, indicators=sma(499))
        assert plan.history["1m"] == sessions


@pytest.mark.parametrize(
    ("indicators", "history", "message"),
    [
        (sma(391), {"1m": 0}, "history of 1m is 0 sessions, but SMA(391) needs 390 bars before "
         "its first value: it would never be ready. Declare at least 1."),
        (sma(2000), {"1m": 4}, "SMA(2000) needs 1999 bars before its first value: it would never "
         "be ready. Declare at least 5."),
        (({"name": "PREVIOUS_DAY"},), {"1m": 0}, "PREVIOUS_DAY needs 390 bars"),
        (sma(250, "1d"), {"1d": 100}, "history of 1d is 100 sessions, but SMA(250) needs 249 "
         "bars before its first value: it would never be ready. Declare at least 249."),
    ],
)  # fmt: skip
def test_history_with_which_an_indicator_can_never_be_ready_is_refused(
    indicators: Any, history: dict[str, int], message: str
) -> None:
    derived = ("1d",) if "1d" in history else ()
    with pytest.raises(ConfigError) as raised:
        planned(derived_intervals=derived, indicators=indicators, history=history)
    assert message in str(raised.value)


@pytest.mark.parametrize("period", [2, 389, 390, 391, 780, 781, 1170, 2000])
def test_the_least_history_a_refusal_names_is_accepted_and_one_less_is_not(period: int) -> None:
    least = next(count for count in range(10) if _accepted(period, count))
    assert (least + 1) * 390 >= period
    assert least == 0 or least * 390 < period
    if least:
        with pytest.raises(ConfigError, match=rf"Declare at least {least}\."):
            planned(indicators=sma(period), history={"1m": least - 1})


def _accepted(period: int, count: int) -> bool:
    try:
        planned(indicators=sma(period), history={"1m": count})
    except ConfigError:
        return False
    return True


def test_all_of_the_run_is_never_too_little() -> None:
    plan = planned(indicators=sma(100_000), history={"1m": "all"})
    assert plan.history["1m"] is None


# -- a run -----------------------------------------------------------------------------------------


def test_a_run_stands_at_its_first_open_before_it_begins() -> None:
    bars = {("AAA", "1m"): random_bars(minute_starts(SESSIONS), 1)}
    market = market_of(SESSIONS, bars, ["AAA"], first=2)
    run = Run(config_of(["AAA"], [CROSS]), market, Path("strategies"), lambda results: None)
    assert run.cursor.now_ns == SESSIONS[2].open_ns
    assert run.final_equity() == 100_000


def test_a_run_is_executed_once() -> None:
    bars = {("AAA", "1m"): random_bars(minute_starts(SESSIONS), 1)}
    market = market_of(SESSIONS, bars, ["AAA"], first=2)
    run = Run(config_of(["AAA"], [CROSS]), market, Path("strategies"), lambda results: None)
    assert run.execute() == "finished"
    with pytest.raises(AppError, match="has run already"):
        run.execute()


def test_strategies_are_seated_in_the_config_s_order_under_their_own_names() -> None:
    config = config_of(["AAA"], [{"use": CROSS, "name": "zwei"}, REVERSION, CROSS])
    seats = seats_of(config, Path("strategies"), Cursor(), Time())
    found = [(seat.number, seat.name) for seat in seats]
    assert found == [(0, "zwei"), (1, "RsiReversion"), (2, "SmaCross")]
