"""A shadow run judges new code as the run itself would."""

import datetime as dt
from pathlib import Path

import pytest
from tests.integration.test_reloads import SYMBOLS, bars, sees
from tests.market import config_of, market_of, weekday_sessions

from app.core.config import SessionConfig
from app.core.errors import ConfigError
from app.core.venue import Abilities
from app.managers.system_manager.journal.run_header import header_of
from app.managers.system_manager.strategies.shadow import Shadow, Task
from app.managers.system_manager.venue.holdings import Holdings
from app.threads.stream.reloading import Reload

FULL_DAYS = weekday_sessions(dt.date(2024, 11, 4), 2)
(HALF_DAY,) = weekday_sessions(dt.date(2024, 11, 6), 1, half_days=frozenset({0}))


def judged(folder: Path, bars_back: int) -> None:
    """A check, on a half day, of code that looks so far back."""
    given = config_of(SYMBOLS, [{"use": "one.py", "name": "one"}], derived_intervals=["5m"])
    content = {**given.model_dump(mode="json"), "mode": "live", "replay": None}
    config = SessionConfig.model_validate(content)
    market = market_of((*FULL_DAYS, HALF_DAY), bars(), SYMBOLS, 2)
    header = header_of("run", config, market, 2, {}, 0, Holdings(), "", Abilities())
    text = sees([0], ("1m",)).replace('"SMA", 9', f'"SMA", {bars_back}')
    reload = Reload("one", "one.py", text, {})
    intervals, history = ("1m", "5m"), {"1m": 2, "5m": 2}
    task = Task(
        header.as_dict(), reload, reload, str(folder), intervals, dict(history), HALF_DAY, []
    )
    strategies = folder / "strategies"
    strategies.mkdir()
    Shadow(task, strategies).verdict()


def test_on_a_half_day_code_may_look_back_on_whole_days(tmp_path: Path) -> None:
    judged(tmp_path, 700)


def test_what_the_run_does_not_keep_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="this run keeps 2"):
        judged(tmp_path, 1200)
