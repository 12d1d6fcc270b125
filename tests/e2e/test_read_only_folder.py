"""A data folder that can only be read: what reads works on it, what writes says what it needs."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from app.repositories.database import ensure_database, open_database, sqlite_url
from app.repositories.run_repository import RunRepository

# Root may write whatever a file's mode says: it gets a mount of its own that is read-only.
SEALED = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'

Reader = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def data(cli: Callable[..., Any], tmp_path: Path) -> Path:
    """With the sample in it; the process that made it, and what it kept open, is gone."""
    assert cli("data", "sample").returncode == 0
    return tmp_path / "data"


@pytest.fixture
def reader(data: Path) -> Iterator[Reader]:
    """A command by who can only read the folder."""
    words = []
    if os.geteuid() == 0:
        words = ["unshare", "-m", "sh", "-c", SEALED, str(data)]
        if shutil.which("unshare") is None or subprocess.run([*words, "true"]).returncode:
            pytest.skip("this machine lets nobody mount a folder read-only")

    def run(*command: str) -> "subprocess.CompletedProcess[str]":
        data.chmod(0o555)
        return subprocess.run(
            [*words, sys.executable, "-m", "app.cli.main", *command],
            cwd=data.parent, env={**os.environ, "MISMARTERA_DATA_FOLDER": str(data)},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    yield run
    data.chmod(0o755)


def begun(data: Path, name: str) -> Engine:
    """The data's database, in use, with a run in it."""
    engine = open_database(sqlite_url(data))
    ensure_database(engine)
    RunRepository(engine).start_run(
        name, name=name, mode="replay", config={"name": name}, started_at="2026-01-05T10:00:00Z",
        pid=2**22 + 1,
    )  # fmt: skip
    return engine


def test_what_only_reads_works_on_it_and_what_writes_says_why_not(
    data: Path, reader: Reader
) -> None:
    begun(data, "one").dispose()
    assert list(data.glob("*.db-*")) == [], "nobody writes"
    shutil.rmtree(data / "cache", ignore_errors=True)
    for words in (("data", "list"), ("data", "show", "SYN1"), ("system", "status")):
        done = reader(*words)
        assert (done.returncode, done.stderr) == (0, ""), words
    (run,) = json.loads(reader("runs", "list", "--json").stdout)
    assert run["run_id"] == "one"
    done = reader("admin", "log-level", "DEBUG")
    assert (done.returncode, done.stdout) == (4, "")
    assert f"The level cannot be stored in {data}: " in done.stderr


def test_what_a_process_writes_meanwhile_is_read_too(data: Path, reader: Reader) -> None:
    writer = begun(data, "under way")
    assert (data / "mismartera.db-wal").stat().st_size, "it is not in the file itself"
    (run,) = json.loads(reader("runs", "list", "--json").stdout)
    assert run["run_id"] == "under way"
    writer.dispose()
