"""A look at a data folder's runs in a few milliseconds: nothing is made, and no server is waited
for. It is for the greeting. Whatever it cannot read it leaves out; commands say what is wrong.
"""

import json
import re
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from app.core.accounts import account_of
from app.core.processes import is_running

_SQLITE: Final = "sqlite:///"
_FILE: Final = "mismartera.db"
_UNDER_WAY: Final = (
    "SELECT run_id, pid, mode = 'live', config FROM runs WHERE state = 'running' ORDER BY 1"
)
_DRIVER: Final = re.compile(r"^postgres(ql)?(\+psycopg)?://")
_WAIT_SECONDS: Final = 2  # the least that there is
_ANY: Final = "SELECT 1 FROM runs LIMIT 1"


class Unfinished(NamedTuple):
    """A run without an end: one that goes on, or whose process is gone."""

    run_id: str
    account: str | None  # of a live run
    goes_on: bool
    real_money: bool = False


class Glance(NamedTuple):
    """What was seen."""

    has_runs: bool
    unfinished: tuple[Unfinished, ...]


def glance(data_folder: Path, database_url: str | None) -> Glance:
    """What the database says; the runs' folders alone where it says nothing."""
    runs = data_folder / "runs"
    has_folders = runs.is_dir() and any(runs.iterdir())
    with suppress(sqlite3.Error, OSError, ValueError):
        path = _file_of(data_folder, database_url)
        if path is not None and path.is_file():
            uri = f"{path.resolve().as_uri()}?mode=ro"
            with closing(sqlite3.connect(uri, uri=True, timeout=0.1)) as connection:
                has_runs = connection.execute(_ANY).fetchone() is not None
                rows = connection.execute(_UNDER_WAY).fetchall()
            return Glance(has_runs, tuple(_unfinished(*row) for row in rows))
    if database_url is not None and has_folders and not database_url.startswith("sqlite"):
        found = (_unfinished(*row) for row in _asked(database_url))
        return Glance(True, tuple(one for one in found if (runs / one.run_id).is_dir()))
    return Glance(has_folders, ())


def _asked(url: str) -> list[Any]:
    """What a PostgreSQL server says, of everybody's runs; nothing where it does not at once."""
    try:
        import psycopg
    except ImportError:
        return []
    try:
        libpqs = _DRIVER.sub("postgresql://", url)
        with psycopg.connect(libpqs, connect_timeout=_WAIT_SECONDS) as connection:
            return connection.execute(_UNDER_WAY.replace("config", "config::text")).fetchall()
    except (psycopg.Error, ValueError):
        return []


def _file_of(data_folder: Path, url: str | None) -> Path | None:
    if url is None:
        return data_folder / _FILE
    return Path(url.removeprefix(_SQLITE)) if url.startswith(_SQLITE) else None


def _unfinished(run_id: str, pid: int, is_lived: int, config: str) -> Unfinished:
    told = json.loads(config)
    is_real = bool((told.get("live") or {}).get("real_money"))
    return Unfinished(run_id, account_of(told) if is_lived else None, is_running(pid), is_real)
