"""What a database on a server does, and no file: it is restarted, goes away, and hangs."""

import socket
from collections.abc import Callable, Iterator

import psycopg
import pytest
from sqlalchemy import Engine

from app.core.errors import DatabaseAway, DataError
from app.core.money import UNITS
from app.core.orders import RecordedFill
from app.repositories import database
from app.repositories.database import database_errors, ensure_database, open_database
from app.repositories.run_repository import RunRepository

END_ALL = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


@pytest.fixture
def engine(postgresql_url: str) -> Iterator[Engine]:
    engine = open_database(postgresql_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    ensure_database(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def other(postgresql_url: str) -> Iterator[Engine]:
    """The same server, by connections of its own."""
    engine = open_database(postgresql_url)
    yield engine
    engine.dispose()


def test_a_connection_that_a_restart_has_ended_is_made_anew(engine: Engine, other: Engine) -> None:
    runs = RunRepository(engine)
    runs.start_run("r1", name="demo", mode="replay", config={}, started_at="2026", pid=1)
    with other.connect() as connection:
        connection.exec_driver_sql(END_ALL)
    runs.finish_run("r1", state="finished", ended_at="2026")
    assert runs.get_run("r1")["state"] == "finished"


def test_a_server_that_ends_what_is_under_way_is_away(engine: Engine, other: Engine) -> None:
    with (
        pytest.raises(DatabaseAway, match="cannot be used: terminating connection"),
        database_errors(engine),
        engine.begin() as connection,
    ):
        connection.exec_driver_sql("SELECT 1")
        with other.connect() as killing:
            killing.exec_driver_sql(END_ALL)
        connection.exec_driver_sql("SELECT 1")


def test_rows_that_another_holds_are_waited_for_as_long_as_on_sqlite(
    engine: Engine, other: Engine, postgresql_url: str
) -> None:
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW lock_timeout").scalar() == "10s"
    mark = "&" if "?" in postgresql_url else "?"
    hasty = open_database(f"{postgresql_url}{mark}options=-c%20lock_timeout%3D50")
    RunRepository(engine).start_run(
        "r1", name="demo", mode="replay", config={}, started_at="2026", pid=1
    )
    with other.begin() as connection:
        connection.exec_driver_sql("LOCK TABLE runs")
        with pytest.raises(DatabaseAway, match=r"lock timeout\. Another process has been writing"):
            RunRepository(hasty).finish_run("r1", state="finished", ended_at="2026")
    hasty.dispose()


def test_a_server_that_takes_a_connection_and_says_nothing_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(database._BOUNDS, "connect_timeout", 2)  # the least that libpq takes
    with socket.create_server(("127.0.0.1", 0)) as silent:
        engine = open_database(f"postgresql://me@127.0.0.1:{silent.getsockname()[1]}/bars")
        with pytest.raises(DatabaseAway, match="timeout"):
            ensure_database(engine)


def test_how_long_a_server_may_be_silent_is_said_by_the_url_where_it_says_so(
    postgresql_url: str,
) -> None:
    mark = "&" if "?" in postgresql_url else "?"
    for words, expected in (("", "10"), (f"{mark}connect_timeout=90", "90")):
        engine = open_database(postgresql_url + words)
        with engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert isinstance(driver, psycopg.Connection)
            told = driver.info.get_parameters()
        assert (told["connect_timeout"], told["tcp_user_timeout"]) == (expected, "15000")
        engine.dispose()


def test_rows_are_stored_all_or_none_whatever_ends_their_way(engine: Engine, other: Engine) -> None:
    runs = RunRepository(engine)
    runs.start_run("r1", name="demo", mode="replay", config={}, started_at="2026", pid=1)

    def fills(trouble: Callable[[], object]) -> Iterator[RecordedFill]:
        for number in range(1, 20_001):
            yield (number, number, 0, UNITS, 150.25, 0, 1, 2)
            if number == 10_000:
                trouble()

    def end_all() -> None:
        with other.connect() as connection:
            connection.exec_driver_sql(END_ALL)

    def fail() -> None:
        raise ValueError("a file that is torn")

    with pytest.raises(ValueError, match="torn"):
        runs.add_fills("r1", fills(fail), ["AAPL"])
    with pytest.raises(DatabaseAway, match="cannot be used"):
        runs.add_fills("r1", fills(end_all), ["AAPL"])
    with pytest.raises(DataError, match="refused a record: duplicate key"):
        runs.add_fills("r1", [*fills(tuple), (5, 5, 0, UNITS, 1.0, 0, 1, 2)], ["AAPL"])
    assert runs.counts("r1") == (0, 0)
    runs.add_fills("r1", fills(tuple), ["AAPL"])
    assert runs.counts("r1") == (0, 20_000)
