"""What a run is measured by begins and ends with the run, whatever else is stored of its days."""

from collections.abc import Sequence
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from app.core.bars import BarColumns
from app.core.intervals import MINUTE_NS
from app.results.benchmark import benchmark_returns
from app.results.columns import SessionColumns
from app.services.trades import Action

DAY = 10


def tables(
    starts: Sequence[int],
    curve: list[int],
    interval: str = "1m",
    actions: Sequence[Action] = (),
) -> Any:
    """Two days of ten minutes each; a bar's open tells its minute, and its close is one higher."""
    start_ns = np.array(starts, np.int64) * MINUTE_NS
    opens = 100.0 + np.array(starts)
    days = np.array(["2024-01-01", "2024-01-02"], "datetime64[D]")
    ends_ns = np.array([DAY, 2 * DAY], np.int64) * MINUTE_NS
    columns = BarColumns(start_ns, opens, opens + 1, opens, opens + 1, np.ones(len(starts)))
    return SimpleNamespace(
        sessions=SessionColumns(days, ends_ns - DAY * MINUTE_NS, ends_ns, np.ones(2)),
        symbols=("A",),
        actions=actions,
        bars=lambda symbol: columns,
        equity=SimpleNamespace(instant_ns=np.array(curve, np.int64) * MINUTE_NS),
        through_ns=curve[-1] * MINUTE_NS,
        base_interval=interval,
    )


@pytest.mark.parametrize("stored", [16, 18, 20])
def test_bars_stored_after_a_runs_end_change_no_benchmark(stored: int) -> None:
    returns, lacks = benchmark_returns(tables(range(stored), [1, DAY, 16]), ["A"])
    assert lacks is None
    assert np.prod(1 + returns) == pytest.approx(1.16)


def test_the_benchmark_of_a_run_that_began_amid_a_day_begins_there() -> None:
    returns, lacks = benchmark_returns(tables(range(20), [5, DAY, 16]), ["A"])
    assert lacks is None
    assert np.prod(1 + returns) == pytest.approx(116 / 104)


def test_a_first_bar_that_was_moved_to_the_open_is_what_the_benchmark_begins_with() -> None:
    """Bars of two minutes lie at even ones, but for the first of each day: the second begins
    before that one is known.
    """
    starts = [1, 2, 4, 6, 8, 11, 12, 14, 16, 18]
    returns, lacks = benchmark_returns(tables(starts, [3, 2 * DAY], "2m"), ["A"])
    assert lacks is None
    assert np.prod(1 + returns) == pytest.approx(119 / 101)


def test_what_is_bought_on_a_day_of_a_split_or_a_dividend_is_bought_behind_them() -> None:
    at_its_open = Action(0, 0, Decimal(2), Decimal(30))
    plain, _ = benchmark_returns(tables(range(20), [1, 2 * DAY]), ["A"])
    found, _ = benchmark_returns(tables(range(20), [1, 2 * DAY], actions=[at_its_open]), ["A"])
    assert found.tolist() == plain.tolist()
    begun_later, _ = benchmark_returns(tables(range(20), [5, 20], actions=[at_its_open]), ["A"])
    assert np.prod(1 + begun_later) == pytest.approx(120 / 104)


def test_a_symbol_without_a_bar_since_its_split_is_worth_its_old_shares_at_their_old_price() -> (
    None
):
    """It has no bar on the second day: what it closed at is in the terms of before."""
    of_second = Action(DAY * MINUTE_NS, 0, Decimal(2), Decimal(1))
    found, _ = benchmark_returns(tables(range(DAY), [1, 2 * DAY], actions=[of_second]), ["A"])
    assert np.prod(1 + found) == pytest.approx(110 / 100)
    whole, _ = benchmark_returns(tables(range(20), [1, 2 * DAY], actions=[of_second]), ["A"])
    assert np.prod(1 + whole) == pytest.approx(2 * 120 / 100 * (1 + 1 / 120))
