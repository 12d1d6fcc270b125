"""`doctor`: each thing broken for real is found, and its remedy, carried out, puts it right."""

import fcntl
import json
import os
import resource
import shlex
import socket
import sqlite3
import struct
import subprocess
import termios
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from tests.own_ports import free_ports

from app.cli.doctor import examining, folder, machine, standing
from app.cli.doctor.finding import Finding, Ground, Verdict, ok
from app.cli.main import main
from app.cli.tree import node
from app.core.settings import Settings
from app.repositories.database import SCHEMA_REVISION
from app.repositories.run_repository import RunRepository

PASSWORD = "hunter2hunter2"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder, its data folder beside."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", "data")
    monkeypatch.setenv("PYTHONHASHSEED", "0")
    (tmp_path / "data").mkdir()
    return tmp_path


class Doctor:
    """Runs the command in this process, and keeps what it says."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys
        self.said = ""

    def look(self, *checks: str) -> list[Finding]:
        words = [word for check in checks for word in ("--only", check)]
        self.capsys.readouterr()
        code = main(["doctor", "--json", "--seconds", "20", *words])
        self.said, err = self.capsys.readouterr()
        assert err == ""
        told: dict[str, Any] = json.loads(self.said)
        found = [Finding(**one) for one in told["findings"]]
        assert (code, told["ok"]) == ((1, False) if "failing" in _states(found) else (0, True))
        for one in found:
            assert (one.remedy is None) == (one.state == "ok")
            if one.remedy is not None and one.remedy.startswith("./start_cli.sh "):
                assert node(_verbs(one.remedy)) is not None, one.remedy
        return found

    def one(self, check: str) -> Finding:
        """The only finding of a check."""
        (found,) = self.look(check)
        return found

    def cure(self, found: Finding) -> None:
        """Do what it says, and see that all is well."""
        assert found.remedy is not None
        words = shlex.split(found.remedy)
        if words[0] == "./start_cli.sh":
            assert main(words[1:]) == 0
        else:
            subprocess.run(["bash", "-c", found.remedy], check=True, timeout=30)
        assert _states(self.look(found.check)) == {"ok"}


def _states(found: list[Finding]) -> set[str]:
    return {one.state for one in found}


def _verbs(remedy: str) -> list[str]:
    words = shlex.split(remedy)[1:]
    if words[0] == "--setup":  # the launcher's own
        return []
    return words[:1] if words[0] in ("doctor", "init-db") else words[:2]


@pytest.fixture
def doctor(desk: Path, capsys: pytest.CaptureFixture[str]) -> Doctor:
    return Doctor(capsys)


def test_all_is_looked_at_and_a_fresh_folder_is_well(desk: Path, doctor: Doctor) -> None:
    found = doctor.look()
    names = [one.check for one in found]
    assert names == ["settings", *examining.ALWAYS, *examining.BY_SETTINGS]
    assert "failing" not in _states(found)
    assert list((desk / "data").iterdir()) == []  # it leaves nothing behind


def test_people_get_a_table_and_what_to_do(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (desk / "data" / "mismartera.db").write_bytes(b"no database at all" * 100)
    assert main(["doctor", "--only", "database", "--only", "hash seed"]) == 1
    out = capsys.readouterr().out
    assert "PYTHONHASHSEED is 0" in out
    assert "  database (failing): mkdir -p data/mismartera.db.damaged && find data " in out
    assert out.endswith("1 ok, 0 warning, 1 failing\n")


def test_a_check_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--only", "databse"]) == 2
    assert "There is no check 'databse', but settings, python, " in capsys.readouterr().err


# -- what is stored ------------------------------------------------------------------------------


def test_a_file_that_is_no_database_is_moved_away(desk: Path, doctor: Doctor) -> None:
    (desk / "data" / "mismartera.db").write_bytes(b"no database at all" * 100)
    found = doctor.one("database")
    assert found.state == "failing"
    assert "file is not a database" in found.what
    doctor.cure(found)


def test_a_torn_page_is_found_and_the_file_moved_away(desk: Path, doctor: Doctor) -> None:
    assert main(["init-db"]) == 0
    path = desk / "data" / "mismartera.db"
    assert doctor.one("database").what.endswith(f": schema {SCHEMA_REVISION}, its pages are whole")
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        page = database.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'runs'"
        ).fetchone()[0]
    database.close()
    content = bytearray(path.read_bytes())
    content[(page - 1) * 4096 + 7] = 200  # its free bytes, as it counts them
    path.write_bytes(content)
    found = doctor.one("database")
    assert found.state == "failing"
    assert "mismartera.db is damaged: " in found.what
    content[(page - 1) * 4096 : page * 4096] = b"\x5a" * 4096
    path.write_bytes(content)
    found = doctor.one("database")
    assert "database disk image is malformed" in found.what
    doctor.cure(found)


def test_an_old_schema_is_brought_up_to_date(desk: Path, doctor: Doctor) -> None:
    from alembic import command
    from alembic.config import Config

    from app.repositories.database import open_database, sqlite_url

    engine = open_database(sqlite_url(desk / "data"))
    with engine.execution_options(write_lock=True).begin() as connection:
        config = Config()
        config.set_main_option("script_location", "app.models:migrations")
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
    engine.dispose()
    found = doctor.one("database")
    assert found.what.endswith("has the schema 0003, which is not this program's")
    doctor.cure(found)


def test_a_live_run_whose_process_is_gone_is_told(
    desk: Path, doctor: Doctor, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    url = engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("MISMARTERA_DATABASE_URL", url)
    runs = RunRepository(engine)
    config = {"live": {"account": "my own"}}
    for run_id, pid in (("1", ended.pid), ("2", os.getpid()), ("3", ended.pid)):
        runs.start_run(run_id, name="n", mode="live", config=config, started_at="2026", pid=pid)
    for run_id in ("1", "2", "4"):  # the third is as a replay is
        part = desk / "data" / "runs" / run_id / "journal" / "part-0001.journal"
        part.parent.mkdir(parents=True)
        part.write_bytes(b"anything")
    broken, forgotten = doctor.look("runs")
    assert broken.what == "run 1 broke off, and may have orders at its venue"
    assert broken.remedy == "./start_cli.sh system recover --account 'my own' --dry-run"
    assert forgotten.what == "run 4 has a journal, and the database does not know it"
    assert forgotten.remedy == "./start_cli.sh runs rebuild 4"
    runs.finish_run("1", state="failed", ended_at="2026", error="given up")
    runs.start_run("4", name="n", mode="live", config={}, started_at="2026", pid=os.getpid())
    engine.dispose()
    assert doctor.one("runs").what == "2 under way, no live run broke off"
    assert doctor.one("real money").what == "no run and no config trades it"
    config = {"live": {"account": "my own", "real_money": "I trade real money"}}
    runs.start_run("5", name="n", mode="live", config=config, started_at="2026", pid=ended.pid)
    told = doctor.one("real money")
    assert told.what == "run 5 trades REAL MONEY and broke off"
    assert told.remedy == "./start_cli.sh system recover --account 'my own' --dry-run"


def test_runs_of_a_database_that_is_not_looked_at_are_not_known(
    desk: Path, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MISMARTERA_DATABASE_URL", "postgresql://me@db.example.com/trading")
    found = doctor.look("database", "runs", "real money")
    assert [one.what for one in found[1:]] == [
        "not known: see the database",
        "runs are not known; no config trades it",
    ]


def test_a_damaged_file_of_bars_is_put_aside(desk: Path, doctor: Doctor) -> None:
    path = desk / "data" / "bars" / "XNYS" / "SYN1" / "1m" / "2024.parquet"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"PAR1 and then nothing")
    found = [one for one in doctor.look("bars") if one.state != "ok"]
    assert [one.state for one in found] == ["failing"]
    assert "data/bars/XNYS/SYN1/1m/2024.parquet cannot be read" in found[0].what
    doctor.cure(found[0])


def test_a_market_of_which_only_the_zone_was_asked_for_is_no_warning(
    desk: Path, doctor: Doctor
) -> None:
    assert main(["time", "now", "--market", "24/7"]) == 0
    kept = desk / "data" / "calendars" / "24%2F7"
    for year in kept.glob("2*.json"):
        year.unlink()
    assert (doctor.one("calendars").state, (kept / "market.json").is_file()) == ("ok", True)


def test_a_calendar_of_an_older_library_is_made_anew(desk: Path, doctor: Doctor) -> None:
    market = desk / "data" / "calendars" / "XNYS" / "market.json"
    market.parent.mkdir(parents=True)
    market.write_text('{"name": "XNYS", "source": "an older one"}', encoding="utf-8")
    found = doctor.one("calendars")
    assert found.what == "XNYS is of another version of the library, or damaged"
    doctor.cure(found)


# -- the data folder -----------------------------------------------------------------------------


def test_a_file_in_the_place_of_the_data_folder_is_moved(desk: Path, doctor: Doctor) -> None:
    (desk / "data").rmdir()
    (desk / "data").write_text("a file", encoding="utf-8")
    found = doctor.one("data folder")
    assert (found.state, found.remedy) == ("failing", "mv data data.moved")
    doctor.cure(found)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_opened(desk: Path, doctor: Doctor) -> None:
    (desk / "data").chmod(0o500)
    found = doctor.one("data folder")
    assert "cannot be written: Permission denied" in found.what
    doctor.cure(found)


def test_a_disk_that_takes_no_more_is_told(desk: Path, doctor: Doctor) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ground = Ground(Settings(), desk, desk, 0)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        told = list(folder.check_folder(ground))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert told == [
        ("failing", "data cannot be written: File too large",
         "export MISMARTERA_DATA_FOLDER=/path/of/another/folder")
    ]  # fmt: skip


def test_little_room_is_a_warning_and_none_is_failing(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert doctor.one("disk space").state == "ok"
    monkeypatch.setattr(folder, "LITTLE_BYTES", 1 << 60)
    assert doctor.one("disk space").state == "warning"
    monkeypatch.setattr(folder, "LEAST_BYTES", 1 << 60)
    assert "runs cannot be recorded" in doctor.one("disk space").what


def test_a_slow_disk_is_told_with_its_time(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "SLOW_MS", 0.0)
    found = doctor.one("data folder")
    assert found.state == "warning"
    assert " ms to be safe" in found.what


# -- settings and what they name -----------------------------------------------------------------


def test_a_setting_that_cannot_be_used_is_taken_out(
    desk: Path, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MISMARTERA_DATA_FOLDR", "x")
    (desk / ".env").write_text("MISMARTERA_LOG_LEVEL=LOUD\n", encoding="utf-8")
    found = [one for one in doctor.look() if one.check == "settings"]
    assert [one.state for one in found] == ["failing", "failing"]
    assert {one.remedy for one in found} == {"unset MISMARTERA_DATA_FOLDR", "${EDITOR:-vi} .env"}
    assert any("Did you mean 'MISMARTERA_DATA_FOLDER'?" in one.what for one in found)
    monkeypatch.delenv("MISMARTERA_DATA_FOLDR")
    (desk / ".env").unlink()
    assert doctor.one("settings").state == "ok"


def test_secrets_are_told_by_name_and_their_file_is_closed_to_others(
    desk: Path, doctor: Doctor
) -> None:
    url = f"postgresql://trader:{PASSWORD}@db.example.com/trading"
    (desk / ".env").write_text(f"MISMARTERA_DATABASE_URL={url}\n", encoding="utf-8")
    (desk / ".env").chmod(0o644)
    found = doctor.look("credentials", "database", "runs")
    assert found[-1].what == "set: MISMARTERA_DATABASE_URL"
    assert "at db.example.com; not looked at" in found[0].what
    assert PASSWORD not in doctor.said
    doctor.cure(found[-2])


@pytest.mark.parametrize("name", [".env", "data", "strategies", "session_configs"])
def test_what_any_user_may_change_is_told(desk: Path, doctor: Doctor, name: str) -> None:
    (desk / ".env").write_text("", encoding="utf-8")
    for made in ("strategies", "session_configs"):
        (desk / made).mkdir()
    assert doctor.one("credentials").state == "ok"
    (desk / name).chmod(0o777)
    found, rest = doctor.look("credentials")
    assert (found.state, rest.state) == ("warning", "ok")
    assert found.what.startswith("any user of this machine may change ")
    doctor.cure(found)


def test_an_account_file_that_cannot_be_read_is_failing(
    desk: Path, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MISMARTERA_ACCOUNT_LIMITS", "limits.json")
    assert "There is no account file" in doctor.one("account limits").what
    (desk / "limits.json").write_text('{"max_order_valeu": 5}', encoding="utf-8")
    found = doctor.one("account limits")
    assert (found.state, found.remedy) == ("failing", "${EDITOR:-vi} limits.json")
    (desk / "limits.json").write_text('{"max_order_value": 5}', encoding="utf-8")
    assert doctor.one("account limits").state == "ok"


def test_a_config_that_is_wrong_is_told_and_its_remedy_says_all_of_it(
    desk: Path, doctor: Doctor, capsys: pytest.CaptureFixture[str]
) -> None:
    (desk / "session_configs").mkdir()
    path = desk / "session_configs" / "bad one.json"
    path.write_text('{"name": "x"}', encoding="utf-8")
    (desk / "session_configs" / "schema.json").write_text("{}", encoding="utf-8")
    found = doctor.one("session configs")
    assert found.state == "warning"
    assert found.remedy is not None
    assert main(shlex.split(found.remedy)[1:]) == 4
    assert "symbols: it is missing." in capsys.readouterr().err
    path.unlink()
    assert doctor.one("session configs").state == "ok"


@pytest.mark.usefixtures("warm_looks")
def test_a_strategy_that_does_not_load_is_told_beside_those_that_do(
    desk: Path, doctor: Doctor
) -> None:
    (desk / "strategies").mkdir()
    (desk / "strategies" / "bad.py").write_text("import os\nos._exit(0)\n", encoding="utf-8")
    found = doctor.one("strategies")
    assert found.what == (
        "bad.py cannot be loaded: it ended its process with exit code 0 while it was loaded."
    )
    assert found.remedy == "./start_cli.sh strategies list"
    (desk / "strategies" / "bad.py").unlink()
    assert doctor.one("strategies").what == "0 files in strategies, each can be loaded"


def test_a_socket_nobody_listens_at_is_swept_by_its_remedy(desk: Path, doctor: Doctor) -> None:
    control = desk / "data" / "control"
    control.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind("data/control/20240101-000000-gone.sock")
    found = doctor.one("control sockets")
    assert found.what == "nobody listens at 20240101-000000-gone.sock"
    doctor.cure(found)
    assert list(control.glob("*.sock")) == []


def test_a_port_that_is_taken_is_told(desk: Path) -> None:
    port = free_ports(1)
    with socket.create_server(("127.0.0.1", port)):
        (told,) = standing.check_ports(Ground(Settings(), desk, desk, port))
        assert told[0] == "warning"
        assert f"the practice venue's port {port} is taken" in told[1]
    assert next(iter(standing.check_ports(Ground(Settings(), desk, desk, port))))[0] == "ok"


# -- the machine ---------------------------------------------------------------------------------


def test_a_low_limit_of_open_files_is_told_with_what_lifts_it(doctor: Doctor) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        found = doctor.one("open files")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert (found.state, found.what) == ("warning", "only 256 may be open at once")
    assert found.remedy is not None
    done = subprocess.run(["bash", "-c", f"{found.remedy} && ulimit -n"], capture_output=True)
    assert int(done.stdout) >= machine.LEAST_FILES


def test_a_terminal_that_is_too_narrow_or_speaks_no_utf8_is_told(
    desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", 24, 60, 0, 0))
    with os.fdopen(slave, "w", encoding="latin-1") as output, monkeypatch.context() as patch:
        patch.setattr("sys.stdout", output)
        told = list(machine.check_terminal(Ground(Settings(), desk, desk, 0)))
    os.close(master)
    assert [state for state, _, _ in told] == ["warning", "warning"]
    assert told[0][1].startswith("output is latin-1: ")
    assert "60 columns" in told[1][1]


def test_the_kernel_tells_how_wrong_its_clock_may_be_or_nothing() -> None:
    told = machine.kernel_clock()
    assert told is None or (0 <= told[0] <= 16_000_001 and isinstance(told[1], bool))


def test_a_clock_that_nobody_holds_right_is_told(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "kernel_clock", lambda: (16_000_000, True))
    assert doctor.one("clock").remedy == "sudo timedatectl set-ntp true"
    monkeypatch.setattr(machine, "kernel_clock", lambda: (1_500, False))
    assert doctor.one("clock").what == "steady, held right to within 2 ms at most"


def test_without_a_hash_seed_there_is_a_warning(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONHASHSEED")
    found = doctor.one("hash seed")
    assert (found.state, found.remedy) == ("warning", "export PYTHONHASHSEED=0")


# -- the checks themselves -----------------------------------------------------------------------


def test_a_check_that_raises_or_hangs_is_a_finding_beside_the_others(desk: Path) -> None:
    released = threading.Event()

    def hangs(ground: Ground) -> Iterator[Verdict]:
        released.wait(30)
        yield ok("too late")

    def raises(ground: Ground) -> Iterator[Verdict]:
        yield ok("lost")
        raise RuntimeError("out of order")

    checks = {"one": lambda _: [ok("well")], "two": hangs, "three": raises}
    found = examining.each_apart(checks, Ground(Settings(), desk, desk, 0), 0.1)
    released.set()
    assert [(one.check, one.state) for one in found] == [
        ("one", "ok"), ("two", "failing"), ("three", "failing")
    ]  # fmt: skip
    assert found[1].what == "it did not come to an end within 0.1 s"
    assert found[1].remedy == "./start_cli.sh doctor --only two --seconds 30"
    assert found[2].what == "it could not be looked at: RuntimeError: out of order"
