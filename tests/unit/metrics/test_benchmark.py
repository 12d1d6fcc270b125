"""What a run is measured by begins and ends with the run, whatever else is stored of its days."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from app.core.bars import BarColumns
from app.results.benchmark import benchmark_returns
from app.results.columns import SessionColumns

DAY = 10


def tables(bars: int, curve: list[int]) -> Any:
    """Two days of ten bars each; every bar opens where the one before has closed, one higher."""
    start_ns = np.arange(bars, dtype=np.int64)
    opens = 100.0 + start_ns
    days = np.array(["2024-01-01", "2024-01-02"], "datetime64[D]")
    ends_ns = np.array([DAY, 2 * DAY], np.int64)
    columns = BarColumns(start_ns, opens, opens + 1, opens, opens + 1, np.ones(bars))
    return SimpleNamespace(
        sessions=SessionColumns(days, ends_ns - DAY, ends_ns, np.ones(2)),
        symbols=("A",),
        actions=(),
        bars=lambda symbol: columns,
        equity=SimpleNamespace(instant_ns=np.array(curve, np.int64)),
    )


@pytest.mark.parametrize("stored", [16, 18, 20])
def test_bars_stored_after_a_runs_end_change_no_benchmark(stored: int) -> None:
    returns, lacks = benchmark_returns(tables(stored, [1, DAY, 16]), ["A"])
    assert lacks is None
    assert np.prod(1 + returns) == pytest.approx(1.16)


def test_the_benchmark_of_a_run_that_began_amid_a_day_begins_there() -> None:
    returns, lacks = benchmark_returns(tables(20, [5, DAY, 16]), ["A"])
    assert lacks is None
    assert np.prod(1 + returns) == pytest.approx(116 / 104)
