"""Shares of time are of that in which a run ran: not all of its first day, or of its last."""

import datetime as dt
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from app.core.intervals import MINUTE_NS
from app.managers.system_manager.record.recorded_run import RecordedRun
from app.managers.time_manager import TimeManager
from app.results.columns import EquityColumns
from app.results.sources import Sources
from app.results.tables import Tables

NEW_YORK = dt.timezone(dt.timedelta(hours=-4))  # in summer


@pytest.fixture(scope="module")
def time(tmp_path_factory: pytest.TempPathFactory) -> TimeManager:
    return TimeManager(tmp_path_factory.mktemp("calendars"))


def minutes(time: TimeManager, first: str, last: str, state: str, **config: Any) -> float:
    """Of trading, of a run of two sessions whose curve goes from one moment to another."""
    told = {"market": "XNYS", "symbols": ("AAA",), "strategies": [], **config}
    row = {"run_id": "x", "state": state, "config": told, "summary": {"sessions": 2}}
    tables = Tables(RecordedRun(row, {}), cast(Sources, SimpleNamespace(time=time)))
    moments = [dt.datetime.fromisoformat(at).replace(tzinfo=NEW_YORK) for at in (first, last)]
    instants = np.array([int(at.timestamp()) * 10**9 for at in moments])
    tables.equity = EquityColumns(instants, np.full(2, 100.0))
    tables.fills = cast(Any, tables.equity)
    return tables.trading_time.whole_ns / MINUTE_NS


@pytest.mark.parametrize(
    ("state", "config", "expected"),
    [
        ("finished", {}, 60 + 390),
        ("stopped", {}, 60 + 90),
        ("abandoned", {}, 60 + 90),
        ("stopped", {"report": {"equity": "session"}}, 390 + 90),
        ("finished", {"replay": {"start": "2024-06-03", "end": "2024-06-04"}}, 2 * 390),
        ("failed", {"replay": {"start": "2024-06-03", "end": "2024-06-04"}}, 390 + 90),
    ],
)
def test_trading_time_is_that_in_which_the_run_ran(
    time: TimeManager, state: str, config: dict[str, Any], expected: int
) -> None:
    assert minutes(time, "2024-06-03T15:01", "2024-06-04T11:00", state, **config) == expected
