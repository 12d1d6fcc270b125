"""What the outside sees: nothing from the future, and the same however the stream is cut."""

import datetime as dt
import threading
import time
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.market import (
    Time,
    config_of,
    market_of,
    minute_starts,
    random_bars,
    weekday_sessions,
    wired,
)
from tests.random_market import Spec, specs

from app.core.bars import Bar
from app.core.config import SessionConfig, StrategyConfig
from app.core.errors import NotFoundError, UsageError
from app.core.intervals import interval_ns
from app.core.messages import Message
from app.core.session_data import BarData, SessionData
from app.core.state import SystemState
from app.managers.system_manager.control.messages import Look
from app.managers.system_manager.looking import Looking
from app.managers.system_manager.replay_line import ReplayLine
from app.managers.system_manager.wiring import Run
from app.managers.time_manager import WallClock
from app.strategies import Strategy

BLOCKS = (1, 5, 400)


class Times:
    """The part of a TimeManager that is asked for, of New York."""

    def zone(self, market: str) -> str:
        return "America/New_York"

    def to_local(self, ns: int, market: str) -> dt.datetime:
        return Time().to_local(ns)


class Onlooker:
    """Somebody who looks at a run."""

    def __init__(self, run: Run) -> None:
        clock = WallClock()
        self.looking = Looking(run, "run-1", clock, ReplayLine(run, clock))

    def data(self, timeout_seconds: float = 1.0, **look: Any) -> SessionData:
        times: Any = Times()
        found = self.looking.data(Look(**look), SystemState.RUNNING, times, timeout_seconds)
        assert found is not None
        return found


def watched(run: Run, bars: int = 1) -> list[SessionData]:
    """Execute a run inline, and look at it after every message of its feed."""
    seen: list[SessionData] = []
    onlooker = Onlooker(run)

    def messages() -> Iterator[Message]:
        for message in run.feed.messages():
            yield message
            seen.append(onlooker.data(bars=bars))

    run.pipeline.run(messages())
    if run.pipeline.cause is not None:
        raise run.pipeline.cause.error
    return [*seen, onlooker.data(bars=bars)]


def without_time(found: SessionData) -> SessionData:
    """All but what depends on how far the stream is known: more of it may be, at one instant."""
    symbols = (
        msgspec.structs.replace(one, age_seconds=None, quality=None) for one in found.symbols
    )
    return msgspec.structs.replace(found, through_ns=0, symbols=tuple(symbols))


def plain_config(spec: Spec, block_rows: int) -> SessionConfig:
    """The market's config with a strategy that reads little, so that many cuts can be tried."""
    cross = StrategyConfig(use="app.strategies.examples.sma_cross:SmaCross", params={"slow": 12})
    config: SessionConfig = spec.config(block_rows)
    return config.model_copy(update={"strategies": (cross,)})


@given(specs())
@settings(max_examples=6)
def test_a_snapshot_is_the_same_however_the_stream_is_cut(spec: Spec) -> None:
    by_size = []
    for size in BLOCKS:
        seen = watched(wired(plain_config(spec, size), spec.market())[0])
        by_size.append({found.now_ns: found for found in seen if found.session is not None})
    for coarse in by_size[1:]:
        assert coarse.keys() <= by_size[0].keys()
        for now_ns, found in coarse.items():
            assert without_time(found) == without_time(by_size[0][now_ns])
    assert len({max(by_time) for by_time in by_size}) == 1


@given(specs())
@settings(max_examples=10)
def test_the_bars_of_a_snapshot_are_the_last_ones_known(spec: Spec) -> None:
    bars, step_ns = spec.bars(), interval_ns(spec.base)
    ends = [part.end_ns for s in spec.calendar() for part in s.segments(spec.extended)]
    starts = [part.start_ns for s in spec.calendar() for part in s.segments(spec.extended)]
    known: dict[str, list[tuple[int, int]]] = {}
    for name in spec.symbols:
        found = bars[name, spec.base].start_ns.tolist()
        inside = [(at, bisect_right(starts, at) - 1) for at in found]
        known[name] = [
            (min(at + step_ns, ends[place]), at)
            for at, place in inside
            if place >= 0 and at < ends[place]
        ]
    for snapshot in watched(wired(plain_config(spec, 5), spec.market())[0]):
        for symbol in snapshot.symbols:
            rows = [at for end, at in known[symbol.symbol] if end <= snapshot.now_ns]
            shown = symbol.bars.get(spec.base)
            assert shown is None or shown[-1].start_ns == rows[-1]
            assert all(bar.start_ns < snapshot.now_ns for (bar,) in symbol.bars.values())


SESSIONS = weekday_sessions(dt.date(2024, 6, 3), 3)
BARS = {("AAA", "1m"): random_bars(minute_starts(SESSIONS), 4)}


def small_run(block_rows: int = 100) -> Run:
    config = config_of(
        ["AAA"],
        ["app.strategies.examples.sma_cross:SmaCross"],
        derived_intervals=("1h",),
        history={"1h": 0},
        indicators=({"name": "BBANDS", "params": {"timeperiod": 4}, "interval": "1h"},),
        engine={"runner": "inline", "block_rows": block_rows},
    )
    return wired(config, market_of(SESSIONS, BARS, ["AAA"], first=1))[0]


def test_before_the_first_block_there_is_the_account_and_no_session() -> None:
    found = Onlooker(small_run()).data(0.0)
    assert found.session is None
    assert found.now_ns == SESSIONS[1].open_ns
    assert (found.cash, found.equity) == (Decimal(100_000), Decimal(100_000))
    (one,) = found.symbols
    assert (one.symbol, one.bars, one.forming, one.indicators) == ("AAA", {}, {}, {})
    assert (one.position.quantity, one.quality, one.age_seconds) == (Decimal(0), None, None)


def test_the_last_snapshot_stays_after_the_end() -> None:
    run = small_run()
    found = watched(run)[-1]
    assert (found.now_ns, found.session) == (SESSIONS[-1].close_ns, SESSIONS[-1].date)
    assert found.equity == run.final_equity()
    held = found.symbols[0].position
    assert found.cash + held.quantity * Decimal(
        repr(float(BARS["AAA", "1m"].close[-1]))
    ) == pytest.approx(found.equity)
    assert found.equity == 100_000 + held.unrealised + held.realised
    assert Onlooker(run).data(0.0) == found


def test_indicators_are_labelled_by_output_and_interval_and_count_their_bars_until_ready() -> None:
    snapshots = watched(small_run())
    early = snapshots[1].symbols[0].indicators
    late = snapshots[-1].symbols[0].indicators
    labels = [
        f"BBANDS(4, 2.0, 2.0, 0).{name} on 1h" for name in ("upperband", "middleband", "lowerband")
    ]
    assert [label for label in late if label.startswith("BBANDS")] == labels
    for label in labels:
        assert (early[label].value, early[label].bars, early[label].needs) == (None, 1, 4)
        assert late[label].value is not None
        assert late[label].bars >= late[label].needs == 4
    closes = BARS["AAA", "1m"].close
    assert late["SMA(10) on 1m"].value == pytest.approx(closes[-10:].mean())


def test_a_snapshot_waits_for_the_block_under_way_but_not_for_ever() -> None:
    """While a hook takes its time, the one told last is told again."""
    run = small_run()
    onlooker = Onlooker(run)
    assert onlooker.data().stale_seconds == 0.0
    account = onlooker.looking.moment(1.0)
    entered, leave = threading.Event(), threading.Event()

    def slow(bar: object) -> None:
        entered.set()
        leave.wait(10)

    run.seats[0].strategy.on_bar = slow  # type: ignore[method-assign]
    run.engine._on_bar = slow
    runner = threading.Thread(target=run.execute)
    runner.start()
    try:
        assert entered.wait(10)
        assert account is not None
        stale = onlooker.looking.moment(0.06)
        assert stale is not None
        assert stale[0] is account[0]
        assert run.engine.publish(-1.0) is account[0]
        began = time.monotonic()
        for _ in range(10):
            assert onlooker.data(5.0).stale_seconds > 0.0
        assert time.monotonic() - began < 5.0  # not each of them waits as long as it may
        shown = onlooker.data(0.0)
        assert shown.stale_seconds > 0.0
        assert shown.symbols[0].bars == {}
    finally:
        leave.set()
        runner.join(20)
    assert run.engine.publish(1.0) != account[0]
    assert onlooker.data().stale_seconds == 0.0


def test_many_threads_may_look_at_once_while_it_runs() -> None:
    run = small_run(block_rows=7)
    onlooker = Onlooker(run)
    found: list[SessionData] = []
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            found.append(onlooker.data(5.0))

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    run.execute()
    over.set()
    for thread in threads:
        thread.join(10)
    plain = {one.now_ns: one for one in watched(small_run(block_rows=7))}
    end_ns = max(plain)
    shown = [one for one in found if one.session is not None]
    assert shown
    for one in shown:
        same = plain[one.now_ns]
        if one.now_ns == end_ns:  # the run's end cancels what works, at its last instant
            same = msgspec.structs.replace(
                plain[end_ns], orders=one.orders, orders_working=one.orders_working, ended=one.ended
            )
        assert msgspec.structs.replace(one, stale_seconds=0.0) == same


def test_a_snapshot_shows_what_works_and_the_latest_fills_as_they_were_made() -> None:
    run = small_run(block_rows=7)
    shown = watched(run)
    filled = [one for one in shown if one.fills]
    assert filled
    for found in shown:
        assert found.fills_made >= len(found.fills)
        assert [fill.fill_id for fill in found.fills] == list(
            range(found.fills_made - len(found.fills) + 1, found.fills_made + 1)
        )
        assert all(fill.at_ns <= found.now_ns for fill in found.fills)
        assert all(order.filled < order.quantity for order in found.orders)
        held = {symbol.symbol: symbol.position.quantity for symbol in found.symbols}
        if found.fills_made == len(found.fills):
            for symbol, quantity in held.items():
                assert quantity == sum(
                    (fill.quantity for fill in found.fills if fill.symbol == symbol), Decimal(0)
                )
    assert shown[-1].orders == ()


class Noting(Strategy):
    """Notes what it reads in each hook, by symbol: bars by interval, and every indicator."""

    intervals: ClassVar[tuple[str, ...]] = ("5m", "15m", "1h", "1d")

    def setup(self) -> None:
        self.bars: dict[tuple[str, str], list[Bar]] = {}
        self.read: dict[str, dict[str, float | None]] = {}
        self.handles = [
            self.indicator("SMA", 3, interval=name) for name in type(self).intervals
        ] + [
            self.indicator("SESSION_VWAP"),
            self.indicator("OPENING_RANGE", 15)["low"],
            self.indicator("BBANDS", 4, interval="15m")["upperband"],
        ]

    def on_bar(self, bar: Bar) -> None:
        self.bars.setdefault((bar.symbol, bar.interval), []).append(bar)
        self.read[bar.symbol] = {
            str(handle): handle.value if handle.ready else None for handle in self.handles
        }
        if bar.start_ns // 60_000_000_000 % 7 == 0:
            self.order_target(bar.symbol, bar.start_ns // 60_000_000_000 % 3 * 10)


class NotingMinutes(Noting):
    """The same, on minutes too."""

    intervals: ClassVar[tuple[str, ...]] = ("1m", *Noting.intervals)


def noted_config(spec: Spec) -> SessionConfig:
    kind = NotingMinutes if spec.base == "1m" else Noting
    noting = StrategyConfig(use=f"{__name__}:{kind.__name__}")
    config: SessionConfig = spec.config(8_192)
    return config.model_copy(update={"strategies": (noting,)})


def folded(bars: list[Bar]) -> BarData:
    """Bars made into one, in plain words."""
    volume = 0.0
    for bar in bars:
        volume += bar.volume
    return BarData(
        bars[0].start_ns, bars[0].open, max(bar.high for bar in bars),
        min(bar.low for bar in bars), bars[-1].close, volume,
    )  # fmt: skip


@given(specs(), st.randoms(use_true_random=False))
@settings(max_examples=8)
def test_what_is_shown_is_what_the_strategy_read_at_that_instant(spec: Spec, random: Any) -> None:
    """A paused replay, looked at wherever its steps lead it."""
    run = Run(
        noted_config(spec), spec.market(), Path("strategies"), lambda results: None, paused=True
    )
    onlooker, strategy = Onlooker(run), run.seats[0].strategy
    assert isinstance(strategy, Noting)
    starts = {one.date: one.segments(spec.extended)[0].start_ns for one in spec.calendar()}
    looked = 0

    def look() -> None:
        shown = onlooker.data(bars=3)
        if shown.session is not None:
            check(shown, strategy, spec.base, starts[shown.session], spec.extended)

    def look_and_step(condition: object, seconds: float | None) -> None:
        nonlocal looked
        look()
        looked += 1
        run.coordinator.step_instants(random.randint(1, 40))

    run.coordinator._wait = look_and_step
    run.execute()
    look()
    assert looked


def check(
    shown: SessionData, strategy: Noting, base: str, since_ns: int, is_extended: bool
) -> None:
    """Today's bars and values are those that the strategy's last hooks of each symbol had."""
    all_noted = defaultdict(list, strategy.bars)
    for one in shown.symbols:
        noted = {
            name: [bar for bar in all_noted[one.symbol, name] if bar.start_ns >= since_ns]
            for name in one.bars
        }
        for name, bars in one.bars.items():
            given = tuple(BarData(*msgspec.structs.astuple(bar)[2:]) for bar in noted[name])
            today = tuple(bar for bar in bars if bar.start_ns >= since_ns)
            assert today == given[-3:]
        if noted.get(base):
            found = {name: figure.value for name, figure in one.indicators.items()}
            assert strategy.read[one.symbol].items() <= found.items()
        for name in {*strategy.intervals} - {base}:
            ends_ns = [bar.start_ns + interval_ns(name) for bar in noted.get(name, [])]
            begun = [bar for bar in noted.get(base, []) if bar.start_ns >= max(ends_ns, default=0)]
            assert not begun or name in one.forming or is_extended
        for bar in one.forming.values():
            parts = [part for part in noted[base] if part.start_ns >= bar.start_ns]
            assert bar == msgspec.structs.replace(folded(parts), start_ns=bar.start_ns)


def test_a_look_is_of_the_symbols_asked_for_in_their_order_and_bounded() -> None:
    symbols = [f"S{number}" for number in range(40)]
    bars = {(name, "1m"): BARS["AAA", "1m"] for name in symbols}
    config = config_of(symbols, ["app.strategies.examples.sma_cross:SmaCross"])
    onlooker = Onlooker(wired(config, market_of(SESSIONS, bars, symbols, first=1))[0])
    found = onlooker.data(symbols=("S7", "S3", "S7"))
    assert [one.symbol for one in found.symbols] == ["S7", "S3"]
    assert found.symbols_known == 40
    assert [one.symbol for one in onlooker.data(first=38, limit=5).symbols] == ["S38", "S39"]
    with pytest.raises(
        NotFoundError, match=r"no symbol 'S77'. Did you mean 'S7'\? It has S0, .*, S9, \.\.\.\."
    ):
        onlooker.data(symbols=("S77",))
    with pytest.raises(UsageError, match="501 bars of 40 symbols and 1 intervals"):
        onlooker.data(bars=501)


def test_nothing_is_made_for_a_run_that_nobody_looks_at() -> None:
    run = small_run()
    run.execute()
    assert run.engine._last_moment is None


def test_the_spread_is_that_in_force_at_the_last_bar_s_open_where_there_are_quotes() -> None:
    limits = {"max_spread_bps": 50}
    strategies = ["app.strategies.examples.sma_cross:SmaCross"]
    engine = {"runner": "inline", "block_rows": 7}
    config = config_of(["AAA"], strategies, engine=engine, risk=limits)
    market = market_of(SESSIONS, BARS, ["AAA"], first=1)
    starts, spreads = market.source.spreads("XNYS", "AAA", "1m", 0, 1 << 62)  # type: ignore[attr-defined]
    known, last = {}, 0.0  # the spread in force: where there is no quote, that of the one before
    for start_ns, spread in zip(starts.tolist(), spreads.tolist(), strict=True):
        last = known[start_ns] = spread if spread == spread else last
    shown = [one for one in watched(wired(config, market)[0]) if one.symbols[0].bars.get("1m")]
    seen = set()
    for (one,) in (found.symbols for found in shown if found.symbols[0].quality is not None):
        (bar,) = one.bars["1m"]
        if bar.start_ns < SESSIONS[1].open_ns:
            continue
        spread = known[bar.start_ns]
        expected = spread / bar.close * 10_000 if spread > 0 else None
        seen.add(expected is None)
        assert one.spread_bps == (None if expected is None else pytest.approx(expected))
    assert seen == {True, False}
    assert {one.symbols[0].spread_bps for one in watched(small_run())} == {None}
