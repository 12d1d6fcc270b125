"""A live run as a user has one: a practice venue as a process, and the run as another."""

import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from app.core.progress import OnCount
from app.managers.data_manager import DataManager
from app.managers.system_manager.record.summary import Summary
from app.managers.system_manager.rerun.rebuilding import rebuild_run
from app.managers.time_manager import TimeManager
from app.repositories.database import ensure_database, open_database, sqlite_url
from app.repositories.run_repository import RunRepository
from tests.practice_house import Practice
from tests.processes import PIPE, Process, begin, run

TRADER = """
from app.strategies import Strategy

class Trader(Strategy):
    def on_bar(self, bar):
        minute = self.now.minute
        self.order_target(bar.symbol, 20 if minute % 2 else -10)
        if minute % 5 == 0:
            self.order(bar.symbol, 5, limit=round(bar.close * 0.5, 2), tif="gtc")
"""


class LiveRunHouse:
    """One data folder with its venue; the strategy trades every minute."""

    def __init__(self, folder: Path, *, at: str, rate: int, symbols: str = "SYN1,SYN2") -> None:
        self.folder = folder
        self.data = folder / "data"
        self.strategies = folder / "strategies"
        self.strategies.mkdir()
        (self.strategies / "trader.py").write_text(TRADER, encoding="utf-8")
        self.practice = Practice(folder, "--symbols", symbols, "--at", at, "--rate", str(rate))
        self.practice.start()
        self.started: list[Process] = []

    @property
    def engine(self) -> Engine:
        """The database."""
        engine = open_database(sqlite_url(self.data))
        ensure_database(engine)
        return engine

    @property
    def runs(self) -> RunRepository:
        """The runs in SQL."""
        return RunRepository(self.engine)

    @property
    def times(self) -> TimeManager:
        return TimeManager(self.data, "XNYS")

    @property
    def bars(self) -> DataManager:
        """The bars at rest."""
        return DataManager(self.data, self.times, lambda: self.engine)

    def config(self, **parts: Any) -> Path:
        """A live config as a file."""
        live = {"venue": "practice", "broker": "venue", "url": self.practice.url}
        config: dict[str, Any] = {
            "name": "kept",
            "mode": "live",
            "symbols": self.practice.words[1].split(","),
            "live": {**live, **parts.pop("live", {})},
            "strategies": [{"use": "trader.py"}],
            **parts,
        }
        path = self.folder / "live.json"
        path.write_text(json.dumps(config), encoding="utf-8")
        return path

    def start(self, config: Path, *words: str) -> Process:
        """The run's process."""
        given = ["system", "start", str(config), *words]
        process = begin(given, self.folder, self.environment, stdout=PIPE, stderr=PIPE)
        self.started.append(process)
        return process

    def to_the_end(self, config: Path) -> str:
        """Run it until the venue's day is over; the run's id."""
        process = self.start(config, "--json")
        out, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        return str(json.loads(out)["run_id"])

    @property
    def environment(self) -> Mapping[str, str]:
        """Of the run's process."""
        own = {"MISMARTERA_STRATEGIES_FOLDER": str(self.strategies), "PYTHONHASHSEED": "0"}
        return {**os.environ, **own}

    def until_it_trades(self, fills: int) -> None:
        """Wait for so many fills at the venue."""
        venue = self.practice.adapter
        assert venue is not None
        for _ in range(600):
            if len(venue.executions(0)) >= fills:
                return
            threading.Event().wait(0.05)
        raise AssertionError(f"there were no {fills} fills in 30 s")

    def command(self, *words: str) -> Any:
        """What a command prints for scripts."""
        environment = {**self.environment, "MISMARTERA_DATA_FOLDER": str(self.data)}
        done = run([*words, "--json"], self.folder, environment)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def rebuild(self, words: str, on_count: OnCount | None = None) -> Summary:
        """`runs rebuild`."""
        store = self.bars.store
        return rebuild_run(words, self.data / "runs", self.engine, self.times, store, on_count)

    def rows(self, run_id: str) -> dict[str, list[dict[str, Any]]]:
        """All that SQL has of a run."""
        runs = self.runs
        return {
            "run": [dict(runs.get_run(run_id))],
            "orders": [dict(row) for row in runs.get_orders(run_id)],
            "changes": [dict(row) for row in runs.get_order_changes(run_id)],
            "fills": [dict(row) for row in runs.get_fills(run_id)],
        }

    def forget_rows(self, run_id: str, *tables: str) -> None:
        """Delete what these tables have of a run."""
        with self.engine.begin() as connection:
            for table in tables:
                connection.execute(
                    text(f"DELETE FROM {table} WHERE run_id = :run"), {"run": run_id}
                )

    def files(self, run_id: str) -> dict[str, bytes]:
        """The files of a run's folder, by name."""
        folder = self.data / "runs" / run_id
        return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}

    def close(self) -> None:
        """End what was started here, and has not ended."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.communicate(timeout=20)
        self.practice.close()
