"""What the outside sees: nothing from the future, and the same however the stream is cut."""

import datetime as dt
import threading
from bisect import bisect_right
from collections.abc import Iterator
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from tests.market import config_of, market_of, minute_starts, random_bars, weekday_sessions, wired
from tests.random_market import Spec, specs

from app.core.config import SessionConfig, StrategyConfig
from app.core.intervals import interval_ns
from app.core.messages import Message
from app.managers.system_manager.wiring import Run
from app.threads.session_data import SessionData

BLOCKS = (1, 5, 400)


def watched(run: Run) -> list[SessionData]:
    """Execute a run inline, and look at it after every message of its feed."""
    seen: list[SessionData] = []

    def messages() -> Iterator[Message]:
        for message in run.feed.messages():
            yield message
            found = run.engine.publish(1.0)
            assert found is not None
            seen.append(found)

    run.pipeline.run(messages())
    if run.pipeline.cause is not None:
        raise run.pipeline.cause.error
    last = run.engine.publish(1.0)
    assert last is not None
    return [*seen, last]


def plain_config(spec: Spec, block_rows: int) -> SessionConfig:
    """The market's config with a strategy that reads little, so that many cuts can be tried."""
    cross = StrategyConfig(use="app.strategies.examples.sma_cross:SmaCross", params={"slow": 12})
    config: SessionConfig = spec.config(block_rows)
    return config.model_copy(update={"strategies": (cross,)})


@given(specs())
@settings(max_examples=10)
def test_a_snapshot_is_the_same_however_the_stream_is_cut(spec: Spec) -> None:
    by_size = []
    for size in BLOCKS:
        seen = watched(wired(plain_config(spec, size), spec.market())[0])
        by_size.append({found.now_ns: found for found in seen if found.session is not None})
    for coarse in by_size[1:]:
        assert coarse.keys() <= by_size[0].keys()
        for now_ns, found in coarse.items():
            assert found == by_size[0][now_ns]
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
            assert shown is None or shown.start_ns == rows[-1]
            assert all(bar.start_ns < snapshot.now_ns for bar in symbol.bars.values())


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
    found = small_run().engine.publish(0.0)
    assert found is not None
    assert found.session is None
    assert found.now_ns == SESSIONS[1].open_ns
    assert (found.cash, found.equity) == (Decimal(100_000), Decimal(100_000))
    assert [(s.symbol, s.bars, s.indicators, s.quantity) for s in found.symbols] == [
        ("AAA", {}, {}, Decimal(0))
    ]


def test_the_last_snapshot_stays_after_the_end() -> None:
    run = small_run()
    found = watched(run)[-1]
    assert (found.now_ns, found.session) == (SESSIONS[-1].close_ns, SESSIONS[-1].date)
    assert found.equity == run.final_equity()
    assert found.cash + found.symbols[0].quantity * Decimal(
        repr(float(BARS["AAA", "1m"].close[-1]))
    ) == pytest.approx(found.equity)
    assert run.engine.publish(0.0) == found


def test_indicators_are_labelled_by_output_and_interval_and_shown_once_ready() -> None:
    snapshots = watched(small_run())
    early = snapshots[1].symbols[0].indicators
    late = snapshots[-1].symbols[0].indicators
    assert not [label for label in early if "BBANDS" in label]
    assert [label for label in late if label.startswith("BBANDS")] == [
        f"BBANDS(4, 2.0, 2.0, 0).{name} on 1h" for name in ("upperband", "middleband", "lowerband")
    ]
    closes = BARS["AAA", "1m"].close
    assert late["SMA(10) on 1m"] == pytest.approx(closes[-10:].mean())


def test_a_snapshot_waits_for_the_block_under_way_but_not_for_ever() -> None:
    """While a hook takes its time, the one told last is told again."""
    run = small_run()
    before = run.engine.publish(1.0)
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
        assert run.engine.publish(0.02) is before
        assert run.engine.publish(-1.0) is before
    finally:
        leave.set()
        runner.join(20)
    assert run.engine.publish(1.0) != before


def test_many_threads_may_look_at_once_while_it_runs() -> None:
    run = small_run(block_rows=7)
    found: list[SessionData] = []
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            one = run.engine.publish(5.0)
            assert one is not None
            found.append(one)

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    run.execute()
    over.set()
    for thread in threads:
        thread.join(10)
    assert found
    plain = {one.now_ns: one for one in watched(small_run(block_rows=7))}
    end_ns = max(plain)
    for one in found:
        if one.session is not None and one.now_ns < end_ns:
            assert plain[one.now_ns] == one
        elif one.session is not None:  # the run's end cancels what works, at its last instant
            assert msgspec.structs.replace(one, orders=plain[end_ns].orders) == plain[end_ns]


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
        held = {symbol.symbol: symbol.quantity for symbol in found.symbols}
        if found.fills_made == len(found.fills):
            for symbol, quantity in held.items():
                assert quantity == sum(
                    (fill.quantity for fill in found.fills if fill.symbol == symbol), Decimal(0)
                )
    assert shown[-1].orders == ()
