"""The database on real files: made, brought up to date, and refused when it is not ours."""

import datetime as dt
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from decimal import Decimal
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text
from sqlalchemy.engine import make_url

from app.core.errors import ConfigError, DataError
from app.core.instruments import CorporateAction
from app.core.money import UNITS
from app.core.orders import FILLED, LIMIT, Order
from app.core.settings import Settings
from app.managers.system_manager.system_manager import SystemManager
from app.models import migrations
from app.models.tables import Base
from app.repositories.action_repository import ActionRepository
from app.repositories.database import (
    MIGRATIONS,
    SCHEMA_REVISION,
    database_errors,
    ensure_database,
    open_database,
    sqlite_url,
)
from app.repositories.run_repository import RunRepository

MAKE = """
import sys
from app.repositories.database import ensure_database, open_database
ensure_database(open_database(sys.argv[1]))
"""

OLD_RUN = """
INSERT INTO runs (run_id, name, mode, state, pid, started_at, config)
VALUES ('old', 'demo', 'replay', 'finished', 1, '2025-01-02T10:00:00Z', '{}')
"""
OLD_ORDER = """
INSERT INTO orders VALUES
('old', 1, 'SmaCross', 'AAPL', 'market', 'buy', '100', '100', 'FILLED', NULL, 5, 65)
"""


def back_to_the_first_schema(engine: Engine) -> None:
    """Empty the database, and make it as the first migration did."""
    config = Config()
    config.set_main_option("script_location", MIGRATIONS)
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        Base.metadata.drop_all(connection)
        connection.execute(text("DROP TABLE alembic_version"))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")


def test_the_first_time_makes_every_table_and_the_second_changes_nothing(tmp_path: Path) -> None:
    engine = open_database(sqlite_url(tmp_path / "new" / "folder"))
    assert ensure_database(engine) is True
    assert set(inspect(engine).get_table_names()) == {*Base.metadata.tables, "alembic_version"}
    assert ensure_database(engine) is False


def test_the_migrations_make_exactly_the_tables_of_the_models(engine: Engine) -> None:
    assert ensure_database(engine) is False
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_bulk_tables_have_no_row_id_as_the_models_say(tmp_path: Path) -> None:
    engine = open_database(sqlite_url(tmp_path))
    ensure_database(engine)
    with engine.connect() as connection:
        for name, table in Base.metadata.tables.items():
            made = connection.scalar(
                text("SELECT sql FROM sqlite_master WHERE name = :name"), {"name": name}
            )
            is_bulk = table.dialect_options["sqlite"]["with_rowid"] is False
            assert ("WITHOUT ROWID" in made) is is_bulk, name


def test_the_revision_the_program_knows_is_the_newest_migration() -> None:
    scripts = ScriptDirectory(str(Path(migrations.__file__).parent))
    assert scripts.get_current_head() == SCHEMA_REVISION


def test_sqlite_writes_ahead_waits_and_checks_references(tmp_path: Path) -> None:
    with open_database(sqlite_url(tmp_path)).connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "busy_timeout", "foreign_keys")
        }
    assert pragmas == {"journal_mode": "wal", "busy_timeout": 10_000, "foreign_keys": 1}


def test_a_failed_migration_leaves_nothing_behind(tmp_path: Path) -> None:
    engine = open_database(sqlite_url(tmp_path))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE fills (mine INTEGER)"))  # the last one made
    with pytest.raises(DataError, match="already exists"):
        ensure_database(engine)
    assert inspect(engine).get_table_names() == ["fills"]


def test_a_database_of_the_first_schema_gets_the_new_columns_and_keeps_its_rows(
    engine: Engine,
) -> None:
    back_to_the_first_schema(engine)
    with engine.begin() as connection:
        connection.execute(text(OLD_RUN))
        connection.execute(text(OLD_ORDER))
        before = connection.execute(text("SELECT * FROM orders")).mappings().one()
    assert ensure_database(engine) is True
    with engine.connect() as connection:
        found = connection.execute(text("SELECT * FROM orders")).mappings().one()
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    new = ["tif", "limit_price", "stop_price", "fee"]
    new += ["trail", "trail_percent", "reduce_only", "parent_id", "oco_group"]
    assert dict(found) == {**before, **dict.fromkeys(new)}
    assert ensure_database(engine) is False


def test_an_old_run_is_read_beside_a_new_one(engine: Engine) -> None:
    back_to_the_first_schema(engine)
    with engine.begin() as connection:
        connection.execute(text(OLD_RUN))
        connection.execute(text(OLD_ORDER))
    ensure_database(engine)
    repository = RunRepository(engine)
    repository.start_run("new", name="demo", mode="replay", config={}, started_at="2026", pid=1)
    given = Order(1, 0, "AAPL", 0, UNITS, 1, state=FILLED, kind=LIMIT, limit=9.5, fee_units=UNITS)
    repository.add_orders("new", [given], ["SmaCross"])
    kept = {run: repository.get_orders(run)[0] for run in ("old", "new")}
    assert (kept["old"]["quantity"], kept["old"]["limit_price"], kept["old"]["fee"]) == (
        "100",
        None,
        None,
    )
    assert (kept["old"]["reduce_only"], kept["new"]["reduce_only"]) == (None, False)
    assert repository.get_order_changes("old") == []
    assert (kept["new"]["quantity"], kept["new"]["limit_price"], kept["new"]["fee"]) == (
        "1",
        9.5,
        "1",
    )


def test_a_step_that_fails_leaves_the_older_schema_as_it_was(engine: Engine) -> None:
    back_to_the_first_schema(engine)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE orders ADD COLUMN fee INTEGER"))  # the last one added
    with pytest.raises(DataError, match=r"duplicate column|already exists"):
        ensure_database(engine)
    assert "tif" not in {column["name"] for column in inspect(engine).get_columns("orders")}
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "0001"


def test_processes_that_start_together_make_one_database(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path)
    started = [
        subprocess.Popen([sys.executable, "-c", MAKE, url], stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    ends = [(process.communicate(timeout=60)[1], process.returncode) for process in started]
    assert ends == [("", 0)] * 3
    assert ensure_database(open_database(url)) is False


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mismartera.db"
    path.write_text("these are my notes, not a database " * 100, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        ensure_database(open_database(sqlite_url(tmp_path)))
    assert str(path) in str(caught.value)
    assert "Move the file away" in str(caught.value)


def test_a_database_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    engine = open_database(sqlite_url(tmp_path))
    ensure_database(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DataError, match=r"newer version .*schema 9999.* Update the program"):
        ensure_database(engine)


def test_a_folder_may_have_any_name(tmp_path: Path) -> None:
    folder = tmp_path / "a b?c%20#d@e:f"
    assert ensure_database(open_database(sqlite_url(folder))) is True
    assert (folder / "mismartera.db").exists()


def test_a_data_folder_that_python_code_makes_is_its_owner_s(tmp_path: Path) -> None:
    system = SystemManager(Settings(data_folder=tmp_path / "new"))
    assert system.data_manager.instruments("XNYS") == ()
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


def test_a_folder_in_the_place_of_the_file_is_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / "mismartera.db").mkdir()
    with pytest.raises(DataError, match="unable to open database file"):
        ensure_database(open_database(sqlite_url(tmp_path)))


def test_a_folder_that_cannot_be_made_is_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(ConfigError, match="cannot be made"):
        open_database(sqlite_url(tmp_path / "file" / "folder"))


@pytest.mark.parametrize(("url", "said"), [
    ("nonsense", "is not a database URL"),
    ("sqlite", "is not a database URL"),
    ("://", "is not a database URL"),
    ("sqlite+nothing://x", "is not a database URL"),
    ("mysql+pymysql://me:hunter2@host/bars", "names a database of mysql, which is not supported"),
    ("postgresql://me:one@hunter2@host/bars", "has an '@' too many: write a password's as %40"),
    ("oracle9://x", "names a database of oracle9, which is not supported"),
])  # fmt: skip
def test_a_url_that_is_none_is_refused_with_examples(url: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said + ".*; use sqlite:///path") as caught:
        open_database(url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("key", ["password", "sslpassword", "options"])
def test_what_a_url_carries_behind_its_name_is_told_by_no_error(key: str) -> None:
    url = f"postgresql://me:hunter2@127.0.0.1:1/bars?connect_timeout=1&{key}=hunter2"
    with pytest.raises(DataError, match="cannot be used") as caught:
        ensure_database(open_database(url))
    assert "postgresql+psycopg://me:***@127.0.0.1:1/bars " in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_missing_driver_is_named_with_the_way_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)  # as if it were not installed
    with pytest.raises(ConfigError, match=r"'psycopg', which .* --setup postgres"):
        open_database("postgresql://me:hunter2@localhost/bars")


def test_a_database_in_use_is_waited_for_then_reported(tmp_path: Path) -> None:
    engine = open_database(sqlite_url(tmp_path))
    ensure_database(engine)
    holder = sqlite3.connect(make_url(sqlite_url(tmp_path)).database or "", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout=10")
        with (
            pytest.raises(DataError, match="Another process has been writing"),
            database_errors(engine),
        ):
            connection.exec_driver_sql("DELETE FROM runs")
    holder.close()


def test_two_who_write_at_once_wait_for_each_other(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path)
    ensure_database(open_database(url))
    split, dividend = (
        CorporateAction("AAA", dt.date(2024, 1, day), kind, Decimal(2))
        for day, kind in ((2, "split"), (3, "dividend"))
    )
    with ThreadPoolExecutor() as threads:
        others: list[Future[tuple[int, int, int]]] = []

        def given() -> Iterator[CorporateAction]:
            yield split  # it is looked for, and then another wants to write
            other = ActionRepository(open_database(url))
            others.append(threads.submit(other.put, "XNYS", [dividend]))
            wait(others, timeout=0.1)
            yield split

        repository = ActionRepository(open_database(url))
        assert repository.put("XNYS", given())[0] == 1
        assert others[0].result() == (1, 0, 0)
    assert [one.kind for one in repository.of("XNYS")] == ["split", "dividend"]
