"""What the shell says when it opens."""

import os
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine

from app.cli.shell.greeting import greeting
from app.core.settings import Settings
from app.core.trading_state import HALTED, RiskPast, Trip
from app.models.tables import Base
from app.repositories.account_risk import AccountRisk, AccountRisks
from app.repositories.database import open_database, sqlite_url
from app.repositories.run_repository import RunRepository

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 2**22 + 1  # above the highest process id there can be


def settings(folder: Path) -> Settings:
    return Settings(data_folder=folder, database_url=None)


def runs_of(folder: Path) -> RunRepository:
    folder.mkdir()
    engine = open_database(sqlite_url(folder))
    Base.metadata.create_all(engine)
    return RunRepository(engine)


def begin(
    runs: RunRepository,
    run_id: str,
    pid: int,
    mode: str = "replay",
    live: dict[str, str] | None = None,
) -> None:
    runs.start_run(
        run_id,
        name="demo",
        mode=mode,
        config={"live": live},
        started_at="2026-01-05T10:00:00Z",
        pid=pid,
    )


def held(text: str) -> str:
    """It fits a narrow terminal, and one that knows no more than ASCII."""
    assert text.isascii()
    assert max(map(len, text.splitlines())) <= 80
    return text


def test_runs_on_a_server_are_told_where_their_folders_are_here(
    tmp_path: Path, engine: Engine
) -> None:
    url = engine.url.render_as_string(hide_password=False)
    given = Settings(data_folder=tmp_path, database_url=SecretStr(url))
    runs = RunRepository(engine)
    real = {"account": "mine", "real_money": "I trade real money"}
    begin(runs, "20260105-100000-mine", NOBODY, "live", real)
    begin(runs, "20260105-100000-here", os.getpid())
    for name in ("20260105-100000-mine", "20260105-100000-here"):
        (tmp_path / "runs" / name).mkdir(parents=True)
    text = held(greeting(given))
    assert "1 session runs: 20260105-100000-here." in text
    assert "REAL MONEY: 20260105-100000-mine trades it." in text
    assert "'system recover --account mine --dry-run'" in " ".join(text.split())


def test_a_server_that_is_away_or_shared_with_others_changes_no_greeting(
    tmp_path: Path, postgresql_url: str
) -> None:
    engine = open_database(postgresql_url)
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    begin(RunRepository(engine), "20260105-100000-theirs", NOBODY, "live", {"account": "theirs"})
    engine.dispose()
    (tmp_path / "runs" / "20260105-100000-over").mkdir(parents=True)
    for url in (postgresql_url, "postgresql://me@127.0.0.1:1/bars", "postgresql://me@[/bars"):
        given = Settings(data_folder=tmp_path, database_url=SecretStr(url))
        assert len(held(greeting(given)).splitlines()) == 1


def test_a_fresh_clone_is_greeted_with_three_commands_and_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    text = held(greeting(settings(tmp_path / "data")))
    commands = [line.split("  ")[1] for line in text.splitlines() if line.startswith("  ")]
    assert commands == [
        "tour",
        "system start session_configs/example_session.json",
        "strategies new my_first",
    ]
    assert list(tmp_path.iterdir()) == []


def test_where_there_is_no_example_it_names_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = held(greeting(settings(tmp_path / "data")))
    assert "example_session" not in text
    assert "config new" in text


def test_later_it_is_one_line(tmp_path: Path) -> None:
    runs = runs_of(tmp_path / "data")
    begin(runs, "20260105-100000-demo", os.getpid())
    runs.finish_run("20260105-100000-demo", state="finished", ended_at="2026-01-05T10:00:01Z")
    (line,) = held(greeting(settings(tmp_path / "data"))).splitlines()
    assert "'help'" in line


def test_what_runs_what_broke_off_and_who_may_not_trade_is_told(tmp_path: Path) -> None:
    data = tmp_path / "data"
    runs = runs_of(data)
    begin(runs, "20260105-100000-going", os.getpid())
    begin(runs, "20260105-100001-abandoned", NOBODY)
    begin(runs, "20260105-100002-broken", NOBODY, "live", {"account": "paper"})
    trips = (Trip("daily_loss", HALTED, "lost 600 of 500", 0),)
    AccountRisks(data).change("paper", lambda _: AccountRisk("paper", past=RiskPast(trips=trips)))
    text = held(greeting(settings(data)))
    assert "1 session runs: 20260105-100000-going." in text
    assert "abandoned" not in text
    assert "20260105-100002-broken of the account 'paper' broke off" in text
    assert "'system recover --account paper --dry-run'" in text.replace("\n ", "")
    assert "The account 'paper' is HALTED (daily_loss)" in text


def test_a_live_run_that_broke_off_is_told_of_though_its_config_says_nothing_of_being_live(
    tmp_path: Path,
) -> None:
    begin(runs_of(tmp_path / "data"), "20260105-100002-broken", NOBODY, "live")
    text = held(greeting(settings(tmp_path / "data")))
    assert "20260105-100002-broken of the account 'default' broke off" in text


def test_many_sessions_are_counted_and_some_named(tmp_path: Path) -> None:
    runs = runs_of(tmp_path / "data")
    for number in range(5):
        begin(runs, f"run-{number}", os.getpid())
    text = held(greeting(settings(tmp_path / "data")))
    assert "5 sessions run: run-0, run-1, run-2 and 2 more." in text


def test_a_database_that_cannot_be_read_keeps_nobody_out(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "runs" / "20260105-100000-demo").mkdir(parents=True)
    (data / "mismartera.db").write_bytes(b"no database")
    (data / "risk").mkdir()
    (data / "risk" / "default.json").write_bytes(b"{")
    (line,) = held(greeting(settings(data))).splitlines()
    assert "'help'" in line
