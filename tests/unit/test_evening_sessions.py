"""What people ask of markets whose sessions open on the evening before their date."""

import datetime as dt
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from app.core.config import SessionConfig
from app.core.errors import NotFoundError, UsageError
from app.managers.system_manager.needs.market import MarketTime
from app.managers.system_manager.record.recorded_run import RecordedRun
from app.managers.system_manager.why.asking import until
from app.managers.time_manager import TimeManager
from app.results.columns import EquityColumns
from app.results.sources import Sources
from app.results.tables import Tables

MARKET = "CME_Equity"


@pytest.fixture(scope="module")
def time(tmp_path_factory: pytest.TempPathFactory) -> TimeManager:
    return TimeManager(tmp_path_factory.mktemp("calendars"))


def ns(text: str) -> int:
    """A moment of Chicago's winter."""
    zone = dt.timezone(dt.timedelta(hours=-6))
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()) * 10**9


def config(**parts: Any) -> SessionConfig:
    base = {"name": "x", "market": MARKET, "symbols": ("ES",), "strategies": [{"use": "x.py"}]}
    return SessionConfig.model_validate({**base, **parts})


def live_days(time: TimeManager, first: str, last: str, count: int) -> list[str]:
    """The days of a live run whose curve goes from one moment to another."""
    row = {
        "run_id": "x",
        "config": config(mode="live").model_dump(),
        "summary": {"sessions": count},
    }
    tables = Tables(RecordedRun(row, {}), cast(Sources, SimpleNamespace(time=time)))
    instants = np.array([ns(first), ns(last)], np.int64)
    tables.equity = EquityColumns(instants, np.full(2, 100.0))
    return [str(session.date) for session in tables.trading_sessions]


@pytest.mark.parametrize(
    ("first", "last", "dates"),
    [
        ("2024-12-01T17:01", "2024-12-01T22:00", ["2024-12-02"]),  # a Sunday evening
        ("2024-12-02T17:01", "2024-12-02T22:00", ["2024-12-03"]),
        ("2024-12-02T10:00", "2024-12-02T18:00", ["2024-12-02", "2024-12-03"]),
        ("2024-12-02T10:00", "2024-12-02T16:00", ["2024-12-02"]),
        ("2024-12-05T17:01", "2024-12-08T18:00", ["2024-12-06", "2024-12-09"]),
    ],
)
def test_a_live_evening_is_of_the_day_it_trades_for(
    time: TimeManager, first: str, last: str, dates: list[str]
) -> None:
    assert live_days(time, first, last, len(dates)) == dates


def test_a_replay_can_be_asked_of_its_first_evening(time: TimeManager) -> None:
    replay = config(replay={"start": "2024-12-02", "end": "2024-12-06"})
    asked = until(replay, ns("2024-12-01T18:00"), time).replayed
    assert str(asked.start) == "2024-12-02"
    with pytest.raises(UsageError, match="2024-12-01 is not in the config's dates"):
        until(replay, ns("2024-12-01T16:59"), time)
    with pytest.raises(UsageError, match="2024-12-07 is not in the config's dates"):
        until(replay, ns("2024-12-07T10:00"), time)


def test_history_before_all_calendars_is_refused_as_what_it_is(time: TimeManager) -> None:
    first = time.next_session(dt.date(1997, 1, 2), "XTKS")
    expected = r"no 3 sessions of history before 1997-01-06: .*1996 is beyond.*ask for less history"
    with pytest.raises(NotFoundError, match=expected):
        MarketTime(time, "XTKS").sessions_before(first, 3)
