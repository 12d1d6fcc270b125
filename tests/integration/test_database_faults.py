"""SQL is a projection: damaged, locked or read-only it sends no order astray, is refused with the
way out, and a live run's rows come back from its journal.
"""

import gc
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import STDOUT

import pytest
from tests.live_run_house import LiveRunHouse
from tests.processes import run

pytestmark = pytest.mark.live

PAGE_BYTES = 4096


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LiveRunHouse, str]]:
    """A run that has ended, and its id; the venue lives on."""
    folder = tmp_path_factory.mktemp("recorded")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MISMARTERA_DATA_FOLDER", str(folder / "data"))
        house = LiveRunHouse(folder, at="2024-11-01T13:00", rate=900)
        yield house, house.to_the_end(house.config())
        house.close()


@pytest.fixture
def house(recorded: tuple[LiveRunHouse, str]) -> Iterator[LiveRunHouse]:
    """It; its database is put back afterwards."""
    house = recorded[0]
    put_together(database(house))
    shutil.copy(database(house), house.folder / "whole.db")
    yield house
    for path in house.data.glob("mismartera.db*"):
        path.unlink()
    shutil.copy(house.folder / "whole.db", database(house))


def database(house: LiveRunHouse) -> Path:
    return house.data / "mismartera.db"


def put_together(path: Path) -> None:
    """Have the file hold all that was written; nobody has it open then."""
    gc.collect()
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    connection.close()


def said(house: LiveRunHouse, *words: str, **more: str) -> tuple[int, str]:
    """A command's exit code and all it says."""
    environment = {**house.environment, "MISMARTERA_DATA_FOLDER": str(house.data), **more}
    done = run(words, house.folder, environment, timeout=90, stderr=STDOUT)
    assert "Traceback" not in done.stdout, done.stdout
    return done.returncode, " ".join(done.stdout.split())


def tear(path: Path) -> None:
    """Half of each page but the first two is from another time."""
    lots, content = random.Random(7), bytearray(path.read_bytes())
    for start in range(2 * PAGE_BYTES, len(content), PAGE_BYTES):
        content[start : start + PAGE_BYTES // 2] = lots.randbytes(PAGE_BYTES // 2)
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: 5 * PAGE_BYTES // 2])


def garble_head(path: Path) -> None:
    path.write_bytes(b"no database any more" + path.read_bytes()[20:])


@pytest.mark.parametrize("damage", [tear, cut, garble_head])
def test_a_damaged_database_is_refused_and_its_rows_come_back(
    damage: Callable[[Path], None], recorded: tuple[LiveRunHouse, str], house: LiveRunHouse
) -> None:
    run_id, file = recorded[1], database(house)
    rows = house.rows(run_id)
    assert len(rows["fills"]) > 10
    put_together(file)
    damage(file)
    placed = len(house.practice.adapter.executions(0))  # type: ignore[union-attr]
    for words in (("runs", "list"), ("system", "start", str(house.config()))):
        code, told = said(house, *words)
        assert code == 1, told
        assert f"The database {file} cannot be used: " in told
        assert "Move the file away" in told and "runs rebuild" in told
    assert len(house.practice.adapter.executions(0)) == placed  # type: ignore[union-attr]

    for path in house.data.glob("mismartera.db*"):
        path.rename(path.with_name(f"damaged-{path.name}"))
    code, told = said(house, "runs", "rebuild", run_id)
    assert code == 0, told
    rows["run"][0]["pid"] = 0  # of the process that ended long ago
    assert house.rows(run_id) == rows


def test_a_database_that_is_locked_refuses_a_start_and_is_read_meanwhile(
    recorded: tuple[LiveRunHouse, str], house: LiveRunHouse
) -> None:
    lock = sqlite3.connect(database(house), isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    code, told = said(house, "runs", "list")
    assert (code, recorded[1] in told) == (0, True), told
    code, told = said(house, "system", "start", str(house.config()))
    assert code == 1, told
    assert "database is locked. Another process has been writing for long; try again." in told
    lock.rollback()
    lock.close()


def test_a_database_that_is_read_only_refuses_a_start_and_can_be_read(
    recorded: tuple[LiveRunHouse, str], house: LiveRunHouse
) -> None:
    url = f"sqlite:///file:{database(house)}?mode=ro&uri=true"
    code, told = said(house, "runs", "list", MISMARTERA_DATABASE_URL=url)
    assert (code, recorded[1] in told) == (0, True), told
    code, told = said(house, "system", "start", str(house.config()), MISMARTERA_DATABASE_URL=url)
    assert code == 1, told
    assert "attempt to write a readonly database. Check that it can be reached and" in told


def test_a_run_that_broke_off_is_not_forgotten_with_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", str(tmp_path / "data"))
    house = LiveRunHouse(tmp_path, at="2024-11-01T13:00", rate=900)
    try:
        config = house.config()
        process = house.start(config, "--json")
        house.until_it_trades(6)
        process.kill()
        process.communicate(timeout=20)
        (run_id,) = [path.name for path in (house.data / "runs").iterdir()]
        for path in house.data.glob("mismartera.db*"):
            path.unlink()
        code, told = said(house, "system", "start", str(config))
        assert code == 1, told
        assert f"Run {run_id} broke off, and the database does not know it." in told
        assert f"'runs rebuild {run_id}'" in told
        assert said(house, "runs", "rebuild", run_id)[0] == 0
        assert house.to_the_end(config) == run_id
        assert len(house.rows(run_id)["fills"]) >= 6
    finally:
        house.close()
