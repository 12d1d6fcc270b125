"""The average cross on bars in cents, against an independent calculation in whole numbers."""

import datetime as dt
from collections.abc import Iterator

import numpy as np
import pytest
from tests.market import (
    SCALE,
    config_of,
    execute,
    market_of,
    minute_starts,
    random_bars,
    weekday_sessions,
)
from tests.reference import Trade, sides, sma_cross

from app.core.money import UNITS

CASH_CENTS = 100_000_00

FULL = 500_000
CHEAP = [(1, 8192, FULL), (1, 390, FULL), (2, 7, 40_000), (3, 1, 8_000)]
MATRIX = [(seed, size, FULL) for seed in (1, 2, 3) for size in (8192, 390, 7, 1)]


def half_days() -> frozenset[int]:
    return frozenset(range(40, 1300, 60))


def proof(seed: int, block_rows: int, length: int) -> Iterator[tuple[list[Trade], int]]:
    """What the stream makes of it, then what the whole numbers say."""
    sessions = weekday_sessions(dt.date(2010, 1, 4), 1300, half_days=half_days())
    starts = minute_starts(sessions)[:length]
    bars = random_bars(starts, seed)
    sessions = tuple(s for s in sessions if s.open_ns <= starts[-1])
    config = config_of(
        ["CENT"],
        ["app.strategies.examples.sma_cross:SmaCross"],
        account={"cash": CASH_CENTS // 100},
        execution={"participation": None},
        engine={"block_rows": block_rows, "runner": "inline"},
    )
    outcome = execute(config, market_of(sessions, {("CENT", "1m"): bars}, ["CENT"]))
    rows = {start_ns: row for row, start_ns in enumerate(starts.tolist())}
    trades = [
        (rows[start_ns], units // UNITS, round(price * 100))
        for _, _, _, units, price, _, start_ns, *_ in outcome.fills
    ]
    yield trades, int(outcome.final_equity * 100)
    opens, closes = (
        np.rint(column * 100).astype(int).tolist() for column in (bars.open, bars.close)
    )
    ends = np.searchsorted(starts, [session.close_ns for session in sessions]).tolist()
    assert sides(closes, 10, 30).count(0) > length // 1000, "without ties it would be easy"
    yield sma_cross(opens, closes, ends, CASH_CENTS)


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("seed", "block_rows", "length"), CHEAP if SCALE == 1 else MATRIX)
def test_the_average_cross_makes_exactly_the_trades_of_whole_numbers(
    seed: int, block_rows: int, length: int
) -> None:
    (trades, equity), (exact_trades, exact_equity) = proof(seed, block_rows, length)
    assert len(exact_trades) > length // 40
    assert trades == exact_trades
    assert equity == exact_equity
