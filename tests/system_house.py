"""A SystemManager over a folder of its own, with bars of two symbols and strategies as files."""

import datetime as dt
import json
import shutil
import textwrap
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import RowMapping

from app.core.calendar import TradingSession
from app.core.config import SessionConfig
from app.core.intervals import MINUTE_NS
from app.core.settings import Settings
from app.managers.system_manager.system_manager import SystemManager
from app.repositories.bar_store_files import Series
from app.repositories.database import ensure_database, open_database, sqlite_url
from app.repositories.run_repository import RunRepository
from tests.market import random_bars, weekday_sessions

FIRST, LAST = "2024-06-03", "2024-06-07"  # five whole sessions of New York

TRADER = """
from app.strategies import Strategy

class Trader(Strategy):
    def on_bar(self, bar):
        minute = self.now.minute
        if minute % 10 == 0:
            self.order_target(bar.symbol, 100 if minute % 20 else -50)
"""


class SystemHouse:
    """One data folder, and the systems that share it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.strategies = folder.parent / "strategies"
        self.strategies.mkdir(exist_ok=True)
        self.system = self.another()
        self.strategy("trader.py", TRADER)

    def another(self, **settings: Any) -> SystemManager:
        """One more system over the same folder."""
        return SystemManager(
            Settings(
                data_folder=self.folder,
                strategies_folder=self.strategies,
                database_url=settings.pop("database_url", None),
                **settings,
            )
        )

    def strategy(self, name: str, text: str) -> str:
        """A file of the strategies folder; its name, for `use`."""
        (self.strategies / name).write_text(textwrap.dedent(text), encoding="utf-8")
        return name

    def config(self, **parts: Any) -> SessionConfig:
        """A config of these five sessions; `use` and `speed` go where they belong."""
        dates = {"start": parts.pop("start", FIRST), "end": parts.pop("end", LAST)}
        base = {
            "name": "proof run",
            "symbols": ("AAA", "BBB"),
            "replay": {**dates, "speed": parts.pop("speed", "max")},
            "strategies": [{"use": parts.pop("use", "trader.py")}],
        }
        return SessionConfig.model_validate({**base, **parts})

    def file(self, config: SessionConfig, name: str = "config.json") -> Path:
        """A config as a file."""
        path = self.folder.parent / name
        path.write_text(config.model_dump_json(), encoding="utf-8")
        return path

    def runs(self) -> RunRepository:
        """The runs in SQL."""
        return RunRepository(open_database(sqlite_url(self.folder)))

    def row(self, run_id: str) -> RowMapping:
        """A run's row in SQL."""
        return self.runs().get_run(run_id)

    def facts(self, run_id: str) -> dict[str, Any]:
        """A run's run.json."""
        text = (self.folder / "runs" / run_id / "run.json").read_text(encoding="utf-8")
        found: dict[str, Any] = json.loads(text)
        return found


def sessions() -> tuple[TradingSession, ...]:
    """The sessions there are bars of."""
    return weekday_sessions(dt.date(2024, 6, 3), 5)


@pytest.fixture(scope="session")
def stored_market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with calendars, an empty database and bars; copied, as making it takes long."""
    return _made(tmp_path_factory.getbasetemp())


@cache  # each module that imports a fixture has one of its own, with a session of its own
def _made(base: Path) -> Path:
    folder = base / "stored-market" / "data"
    engine = open_database(sqlite_url(folder))
    ensure_database(engine)
    engine.dispose()
    system = SystemManager(Settings(data_folder=folder, database_url=None))
    time = system.time_manager
    time.zone("24/7")
    days = time.sessions_between(sessions()[0].date, sessions()[-1].date)
    starts = np.concatenate([np.arange(s.open_ns, s.close_ns, MINUTE_NS) for s in days])
    for seed, symbol in enumerate(("AAA", "BBB")):
        bars = random_bars(starts, seed)
        system.data_manager.store.merge(Series("XNYS", symbol, "1m"), bars, {})
    return folder


@pytest.fixture
def system_house(
    stored_market: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SystemHouse]:
    """A house of its own; a run that a test left under way is stopped."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(stored_market, tmp_path / "data")
    house = SystemHouse(tmp_path / "data")
    yield house
    house.system.stop()
