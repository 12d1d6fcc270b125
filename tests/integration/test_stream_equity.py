"""The equity curve, the drawdown and the equity a strategy reads, recomputed at every instant."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.market import (
    SCALE,
    Outcome,
    config_of,
    execute,
    market_of,
    minute_starts,
    weekday_sessions,
)
from tests.random_market import Spec, specs
from tests.stream_strategies import Reader

from app.core.bars import COLUMNS, BarColumns
from app.core.config import ReportConfig
from app.core.instruments import Adjustment
from app.core.money import UNITS
from app.strategies import Bar, Strategy, TradingSession

OPENING = 100_000.0
Event = tuple[int, int, str, int, object]  # moment, rank in it, what, symbol, value


class EquityReader(Reader):
    """Notes the account's equity on every bar."""

    def on_bar(self, bar: Bar) -> None:
        self.seen.append((self.now_ns, "equity", float(self.equity)))
        super().on_bar(bar)


def events_of(spec: Spec, outcome: Outcome) -> Iterator[Event]:
    """Fills, then closes, then corporate actions of each moment."""
    for fill in outcome.fills:
        yield fill[7], 0, "fill", fill[2], (fill[3] / UNITS, fill[4], fill[5] / UNITS, fill[8])
    sessions, bars = spec.calendar()[spec.history :], spec.bars()
    hours = [session.segments(spec.extended) for session in sessions]
    for symbol, name in enumerate(spec.symbols):
        columns = bars[name, spec.base]
        known = spec.known_ns(columns.start_ns).tolist()
        for row, start_ns in enumerate(columns.start_ns.tolist()):
            if any(parts[0].start_ns <= start_ns < parts[-1].end_ns for parts in hours):
                yield known[row], 1, "mark", symbol, float(columns.close[row])
    first = {s.date: parts[0].start_ns for s, parts in zip(sessions, hours, strict=True)}
    for item in spec.adjustments(bars):
        if item.session_date in first:
            symbol = spec.symbols.index(item.symbol)
            yield first[item.session_date], 2, "action", symbol, item


def naive_curve(spec: Spec, outcome: Outcome) -> list[tuple[int, float]]:
    """Equity after all that happened at each instant with a bar."""
    cash, marks = OPENING, [0.0] * len(spec.symbols)
    held = [[0.0] * len(spec.symbols) for _ in spec.strategies]
    curve: dict[int, float] = {}
    instants = set()
    for moment_ns, _, what, symbol, value in sorted(
        events_of(spec, outcome), key=lambda event: event[:2]
    ):
        if isinstance(value, Adjustment):
            ratio = float(value.split_ratio)
            for own in held:
                own[symbol] *= ratio
                if marks[symbol]:  # whole shares are kept, the rest is paid out
                    whole = float(int(own[symbol]))
                    cash += (own[symbol] - whole) * marks[symbol] / ratio
                    own[symbol] = whole
                cash += own[symbol] * float(value.dividend)
            marks[symbol] *= value.price_factor
        elif isinstance(value, tuple):
            held[value[3]][symbol] += value[0]
            cash -= value[0] * value[1] + value[2]
        else:
            assert isinstance(value, float) and what == "mark"
            marks[symbol] = value
            instants.add(moment_ns)
        worth = (sum(map(float.__mul__, own, marks)) for own in held)
        curve[moment_ns] = cash + sum(worth)
    return [(ns, value) for ns, value in curve.items() if ns in instants]


@given(specs(), st.sampled_from([1, 7, 390, 8192]))
@settings(max_examples=8 * SCALE)
def test_the_curve_and_its_drawdown_are_those_of_a_loop_over_every_instant(
    spec: Spec, block_rows: int
) -> None:
    outcome = execute(spec.config(block_rows), spec.market())
    expected = naive_curve(spec, outcome)
    assert [ns for ns, _ in outcome.equity] == [ns for ns, _ in expected]
    assert [v for _, v in outcome.equity] == pytest.approx([v for _, v in expected], rel=1e-10)
    peak, worst = OPENING, 0.0
    for _, value in outcome.equity:
        peak = max(peak, value)
        worst = max(worst, (peak - value) / peak)
    assert outcome.max_drawdown == worst
    by_session = {"report": ReportConfig(equity="session")}
    coarse = execute(spec.config(block_rows).model_copy(update=by_session), spec.market())
    assert coarse.fingerprint == outcome.fingerprint
    assert coarse.max_drawdown == worst
    closes = [s.segments(spec.extended)[-1].end_ns for s in spec.calendar()[spec.history :]]
    assert [ns for ns, _ in coarse.equity] == closes
    values = dict(outcome.equity)
    assert all(values.get(ns, value) == value for ns, value in coarse.equity)


@given(specs(), st.sampled_from([1, 7, 8192]))
@settings(max_examples=10 * SCALE)
def test_the_equity_a_strategy_reads_is_the_curve_s(spec: Spec, block_rows: int) -> None:
    alone = msgspec.structs.replace(spec, strategies=("Reader",), gapless=False)
    config = alone.config(block_rows)
    opens = config.execution.model_copy(update={"market_fill": "next_open"})
    config = config.model_copy(update={"execution": opens})
    use = f"{__name__}:EquityReader"
    readers = tuple(item.model_copy(update={"use": use}) for item in config.strategies)
    outcome = execute(config.model_copy(update={"strategies": readers}), alone.market())
    curve = dict(outcome.equity)
    # What is for the close fills, and is charged, after the last hook of a bar has read.
    closes = {session.close_ns for session in alone.calendar()}
    notes = [note for note in outcome.seen[0] if note[1] == "equity" and note[0] not in closes]
    read = [(note[0], note[2]) for note in notes]
    assert [value for _, value in read] == pytest.approx([curve[ns] for ns, _ in read], rel=1e-10)


class Holder(Strategy):
    """Buys a hundred at the first open and holds them."""

    def on_session_open(self, session: TradingSession) -> None:
        self.order_target(self.symbols[0], 100)


@pytest.mark.parametrize("block_rows", [1, 7, 8192])
@pytest.mark.parametrize(
    ("ratio", "dividend"), [("2", "0"), ("0.1", "0"), ("1", "2.5"), ("3", "0.75")]
)
def test_a_split_or_dividend_makes_no_spike(block_rows: int, ratio: str, dividend: str) -> None:
    sessions = weekday_sessions(dt.date(2024, 6, 3), 3, 20)
    after = 60.0 / float(ratio) - float(dividend)
    action = Adjustment(
        "A", sessions[1].date, Decimal(ratio), Decimal(dividend), after / 60.0, float(ratio)
    )
    starts = minute_starts(sessions)
    prices = np.where(starts < sessions[1].open_ns, 60.0, after)
    volume = np.full(len(starts), 10_000.0)
    flat = BarColumns(starts, prices, prices, prices, prices, volume)
    traded = np.ones(len(starts), np.bool_)
    traded[20:23] = False  # A has no bar yet when its action shows in the curve
    late = BarColumns(*(getattr(flat, name)[traded] for name in COLUMNS))
    config = config_of(
        ["A", "B"],
        [f"{__name__}:Holder"],
        execution={"participation": None},
        engine={"block_rows": block_rows, "runner": "inline"},
    )
    bars = {("A", "1m"): late, ("B", "1m"): flat}
    outcome = execute(config, market_of(sessions, bars, ["A", "B"], adjustments=[action]))
    assert len(outcome.equity) == 60
    assert [value for _, value in outcome.equity] == pytest.approx([OPENING] * 60, abs=1e-6)
    assert float(outcome.final_equity) == pytest.approx(OPENING, abs=1e-6)
