"""The examples that teach do what they say, by rules written out once more without the project."""

import datetime as dt
from collections.abc import Sequence
from itertools import pairwise

import msgspec
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.market import (
    Outcome,
    config_of,
    execute,
    market_of,
    minute_starts,
    random_bars,
    weekday_sessions,
)

from app.core.bars import BarColumns
from app.core.calendar import TradingSession
from app.core.intervals import MINUTE_NS
from app.core.money import UNITS

Fills = list[tuple[int, int]]  # start of the bar, shares


def replay(
    use: str,
    sessions: Sequence[TradingSession],
    bars: BarColumns,
    *,
    extended_hours: bool = False,
    **params: float,
) -> Outcome:
    config = config_of(
        ["AAA"],
        [{"use": f"app.strategies.examples.{use}", "params": params}],
        execution={"participation": None},
        engine={"runner": "inline"},
        extended_hours=extended_hours,
    )
    return execute(config, market_of(sessions, {("AAA", "1m"): bars}, ["AAA"]))


def rising_bars(starts: npt.NDArray[np.int64]) -> BarColumns:
    """Each bar closes a cent above all that came before it."""
    close = 100.0 + np.arange(1, len(starts) + 1) / 100
    return BarColumns(starts, close, close, close - 0.01, close, np.full(len(starts), 1_000.0))


def fills_of(outcome: Outcome) -> Fills:
    return [(row[6], row[3] // UNITS) for row in outcome.fills]


# -- the opening range breakout --------------------------------------------------------------------


def breakout(
    sessions: Sequence[TradingSession], bars: BarColumns, minutes: int, leave: int, shares: int
) -> Fills:
    """Buy after the first close above the range; sell `leave` minutes before the end."""
    fills: Fills = []
    for session in sessions:
        rows = np.flatnonzero(
            (bars.start_ns >= session.open_ns) & (bars.start_ns < session.close_ns)
        )
        leave_ns = session.close_ns - leave * MINUTE_NS
        high, bought = None, False
        for row in rows:
            start_ns, known_ns = int(bars.start_ns[row]), int(bars.start_ns[row]) + MINUTE_NS
            if known_ns <= session.open_ns + minutes * MINUTE_NS:
                high = max(high or 0.0, float(bars.high[row]))
            elif (
                high is not None and not bought and known_ns <= leave_ns and bars.close[row] > high
            ):
                bought = True
                fills.append((start_ns + MINUTE_NS, shares))
        if bought:
            fills.append((max(leave_ns, fills[-1][0]), -shares))
    return fills


@given(
    seed=st.integers(0, 10**6),
    minutes=st.sampled_from([5, 7, 15]),
    leave=st.sampled_from([1, 10, 20]),
    quantity=st.sampled_from([1, 100]),
)
@settings(max_examples=12)
def test_the_breakout_buys_once_a_session_and_is_flat_before_the_close(
    seed: int, minutes: int, leave: int, quantity: int
) -> None:
    sessions = weekday_sessions(dt.date(2024, 3, 6), 4, 60, frozenset({1}))
    bars = random_bars(minute_starts(sessions), seed)
    params = {"minutes": minutes, "leave_minutes": leave, "quantity": quantity}
    outcome = replay("opening_range:OpeningRangeBreakout", sessions, bars, **params)
    assert fills_of(outcome) == breakout(sessions, bars, minutes, leave, quantity)
    assert sum(shares for _, shares in fills_of(outcome)) == 0


@pytest.mark.parametrize("minutes", [9, 10])
def test_the_breakout_leaves_alone_a_session_that_is_over_within_its_leave_minutes(
    minutes: int,
) -> None:
    """Sessions 0 and 2 are short; in the others it buys and sells as ever."""
    sessions = weekday_sessions(dt.date(2024, 3, 6), 4, 2 * minutes, frozenset({0, 2}))
    bars = rising_bars(minute_starts(sessions))
    params = {"minutes": 5, "leave_minutes": 10}
    outcome = replay("opening_range:OpeningRangeBreakout", sessions, bars, **params)
    leave = [session.close_ns - 10 * MINUTE_NS for session in sessions]
    assert fills_of(outcome) == [
        (sessions[day].open_ns + 6 * MINUTE_NS, 100) if shares > 0 else (leave[day], -100)
        for day in (1, 3)
        for shares in (100, -100)
    ]


def test_the_breakout_leaves_before_the_close_when_the_market_opens_before_its_open() -> None:
    [plain] = weekday_sessions(dt.date(2024, 3, 6), 1, 60)
    session = msgspec.structs.replace(plain, pre_open_ns=plain.open_ns - 60 * MINUTE_NS)
    bars = rising_bars(np.arange(session.pre_open_ns, session.close_ns, MINUTE_NS))
    use = "opening_range:OpeningRangeBreakout"
    outcome = replay(use, [session], bars, extended_hours=True, minutes=5, leave_minutes=10)
    assert [shares for _, shares in fills_of(outcome)] == [100, -100]
    assert fills_of(outcome)[1][0] == session.close_ns - 10 * MINUTE_NS


# -- the reversion of the RSI ----------------------------------------------------------------------


def five_minute_closes(session: TradingSession, bars: BarColumns) -> list[tuple[int, float]]:
    """When each five minutes are over, and their last close."""
    closes: dict[int, float] = {}
    for start_ns, close in zip(bars.start_ns.tolist(), bars.close.tolist(), strict=True):
        if session.open_ns <= start_ns < session.close_ns:
            place = (start_ns - session.open_ns) // (5 * MINUTE_NS)
            end_ns = session.open_ns + (place + 1) * 5 * MINUTE_NS
            closes[min(end_ns, session.close_ns)] = close
    return sorted(closes.items())


def wilder(closes: Sequence[float], period: int) -> list[float | None]:
    """Wilder's RSI as he wrote it: a plain average first, then his smoothing."""
    moves = [after - before for before, after in pairwise(closes)]
    found: list[float | None] = [None] * min(period, len(closes))
    if len(moves) < period:
        return found
    up = sum(max(move, 0.0) for move in moves[:period]) / period
    down = sum(max(-move, 0.0) for move in moves[:period]) / period
    for number in range(period - 1, len(moves)):
        if number >= period:
            up = (up * (period - 1) + max(moves[number], 0.0)) / period
            down = (down * (period - 1) + max(-moves[number], 0.0)) / period
        found.append(100.0 * up / (up + down) if up + down else 0.0)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_the_reversion_buys_below_and_sells_above_its_levels(seed: int) -> None:
    sessions = weekday_sessions(dt.date(2024, 3, 6), 4, 390)
    bars = random_bars(minute_starts(sessions), seed)
    outcome = replay("rsi_reversion:RsiReversion", sessions, bars, period=5)
    wanted: Fills = []
    held, before = 0, list[tuple[int, float]]()
    for session in sessions:
        today = five_minute_closes(session, bars)
        values = wilder([close for _, close in [*before, *today]], 5)
        for row in range(len(before), len(values)):
            was, now = values[row - 1] if row else None, values[row]
            if was is None or now is None:
                continue
            target = 100 if was >= 30.0 > now else 0 if was <= 55.0 < now else held
            if target != held:
                known_ns = (before + today)[row][0]
                later = bars.start_ns[bars.start_ns >= known_ns]
                wanted += [(int(later[0]), target - held)] if len(later) else []
                held = target
        before = today
    assert len(wanted) > 10
    assert fills_of(outcome) == wanted
