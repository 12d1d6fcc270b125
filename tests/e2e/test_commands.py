"""Commands as a user starts them: exit codes, messages, speed."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.cli.main import NOUNS, main, root_group
from app.core.run_states import FINISHED
from app.repositories.database import ensure_database, open_database, sqlite_url
from app.repositories.run_repository import RunRepository

Run = Callable[..., "subprocess.CompletedProcess[str]"]
ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("sqlalchemy", "pandas", "numpy", "pyarrow", "talib", "alembic", "pandas_market_calendars")


def make_run(tmp_path: Path, run_id: str, **finish: object) -> None:
    """A run in the data folder the `cli` fixture uses."""
    engine = open_database(sqlite_url(tmp_path / "data"))
    ensure_database(engine)
    repository = RunRepository(engine)
    repository.start_run(
        run_id,
        name="demo",
        mode="replay",
        config={"name": "demo"},
        started_at="2026-01-05T10:00:00Z",
        pid=2**22 + 1,  # above the highest process id there can be
    )
    if finish:
        repository.finish_run(run_id, **finish)  # type: ignore[arg-type]
    engine.dispose()


def test_no_words_list_every_command(cli: Run) -> None:
    done = cli()
    assert done.returncode == 0
    for noun in (*NOUNS, "init-db", "version"):
        assert re.search(rf"^  {noun} ", done.stdout, re.MULTILINE), noun


def test_a_bare_noun_lists_its_verbs(cli: Run) -> None:
    done = cli("run")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: ./start_cli.sh runs COMMAND ...")


def test_version_is_the_package_s(cli: Run) -> None:
    assert cli("version").stdout.startswith("MisMartera 0.")
    assert json.loads(cli("version", "--json").stdout)["python"] == sys.version.split()[0]


def test_version_is_told_by_an_option_too(cli: Run) -> None:
    for rest in ([], ["--json"]):
        asked = cli("--version", *rest)
        assert (asked.returncode, asked.stderr) == (0, "")
        assert asked.stdout == cli("version", *rest).stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["positions"], "No such command 'positions'. Did you mean 'system positions'?"),
        (["backtest", "x.json"], "No such command 'backtest'. Did you mean 'system start'?"),
        (["import", "x.csv"], "No such command 'import'. Did you mean 'data import-csv', "),
        (["run", "a/x.json"], "'a/x.json'. Did you mean 'system start a/x.json'?"),
        (["rnus"], "No such command 'rnus'. Did you mean 'runs'?"),
        (["runs", "lst"], "No such command 'lst'. Did you mean 'list'?"),
        (["runs", "list", "--cuont", "3"], "No such option '--cuont'. Did you mean '--count'?"),
        (["runs", "list", "--count", "0"], "'--count': found '0', allowed is 1 or more."),
        (["runs", "list", "--count", "x"], "'--count': found 'x', allowed is a whole number."),
        (["runs", "show"], "Missing argument 'RUN'"),
        (["--nonsense"], "No such option: --nonsense"),
        (["risk", "check", "last", "buy", "-10", "SYN1"], "A number below 0 is none of its values"),
        (["admin", "log-level", "LOUD"], "'LOUD' is not a log level"),
    ],
)
def test_words_that_make_no_sense_end_with_2(cli: Run, words: list[str], message: str) -> None:
    done = cli(*words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_with_json_an_error_is_one_object_on_standard_error(cli: Run) -> None:
    done = cli("runs", "show", "nowhere", "--json")
    assert (done.returncode, done.stdout) == (3, "")
    assert json.loads(done.stderr) == {
        "error": "There is no run 'nowhere'. 'runs list' shows them.",
        "exit_code": 3,
    }


def test_settings_that_cannot_be_used_end_with_4(cli: Run) -> None:
    done = cli("runs", "list", MISMARTERA_LOG_LEVEL="LOUD", MISMARTERA_DATA_FODLER="x")
    assert done.returncode == 4
    assert "MISMARTERA_LOG_LEVEL: 'LOUD'" in done.stderr
    assert "Did you mean 'MISMARTERA_DATA_FOLDER'?" in done.stderr


def test_init_db_can_be_run_again(cli: Run, tmp_path: Path) -> None:
    first, second = cli("init-db"), cli("init-db")
    assert (first.returncode, second.returncode) == (0, 0)
    assert "Database ready" in first.stdout
    assert "already up to date" in second.stdout
    assert (tmp_path / "data" / "mismartera.db").exists()


def test_a_file_that_is_no_database_is_reported_in_words(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mismartera.db").write_text("notes" * 1000, encoding="utf-8")
    done = cli("runs", "list")
    assert done.returncode == 1
    assert "file is not a database. Move the file away" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_data_folder_that_cannot_be_made_is_reported_in_words(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    done = cli("runs", "list", MISMARTERA_DATA_FOLDER=str(tmp_path / "file"))
    assert done.returncode == 4
    assert "Set MISMARTERA_DATA_FOLDER" in done.stderr


def test_a_fresh_folder_has_no_runs(cli: Run) -> None:
    assert "No runs yet" in cli("runs", "list").stdout
    assert json.loads(cli("runs", "list", "--json").stdout) == []


def test_a_run_is_listed_and_shown(cli: Run, tmp_path: Path) -> None:
    summary = {"sessions": 1, "bars": 390, "final_equity": 100001.5}
    make_run(
        tmp_path, "20260105-aa", state=FINISHED, ended_at="2026-01-05T10:00:09Z", summary=summary
    )
    listed = json.loads(cli("runs", "list", "--json").stdout)
    assert [(run["run_id"], run["state"]) for run in listed] == [("20260105-aa", FINISHED)]
    assert re.search(r"20260105-aa .* 390 ", cli("runs", "list").stdout)
    shown = json.loads(cli("runs", "show", "2026", "--json").stdout)
    assert shown["summary"] == summary
    assert (shown["orders"], shown["fills"]) == (0, 0)
    page = cli("runs", "show", "2026").stdout
    assert re.search(r"final equity +│ 100,001.50 ", page)
    assert '"name": "demo"' in page


def test_a_run_whose_process_died_is_abandoned(cli: Run, tmp_path: Path) -> None:
    make_run(tmp_path, "20260105-aa")
    assert json.loads(cli("runs", "list", "--json").stdout)[0]["state"] == "abandoned"


def test_a_stored_log_level_holds_for_later_commands(cli: Run) -> None:
    assert cli("admin", "log-level").stdout.startswith("INFO ")
    assert cli("admin", "log-level", "debug").returncode == 0
    assert cli("admin", "log-level").stdout.startswith("DEBUG ")
    overruled = cli("admin", "log-level", "ERROR", MISMARTERA_LOG_LEVEL="WARNING").stdout
    assert overruled.startswith("WARNING ")
    assert "wins over the stored level" in overruled


def test_what_there_is_not_enough_memory_for_is_no_defect(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(argv: object, **options: object) -> None:
        raise MemoryError("Unable to allocate 458. MiB")

    monkeypatch.setattr(root_group(), "main", full)
    assert main(["version"]) == 1
    said = capsys.readouterr().err
    assert said == (
        "error: There is not enough memory for it (Unable to allocate 458. MiB); give it less.\n"
    )


def test_a_defect_is_one_line_and_its_traceback_is_in_the_log(tmp_path: Path) -> None:
    """The command is replaced by one that raises: the commands themselves should not."""
    broken = (
        "import sys; from app.cli import main\n"
        "def version(): raise ZeroDivisionError('oops password=hunter2')\n"
        "main.root_commands.app.command('version')(version)\n"
        "sys.exit(main.main(['version']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", broken],
        env={"MISMARTERA_DATA_FOLDER": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    log = tmp_path / "logs" / "app.log"
    assert done.returncode == 1
    assert done.stderr == (
        f"error: ZeroDivisionError: oops password=***; this is a defect; details in {log}\n"
    )
    text = log.read_text(encoding="utf-8")
    assert "Traceback (most recent call last)" in text
    assert "hunter2" not in text


def test_a_closed_pipe_ends_quietly() -> None:
    words = f"{sys.executable} -m app.cli.main --help | head -1"
    done = subprocess.run(words, shell=True, capture_output=True, text=True, check=True)
    assert (done.stdout.count("\n"), done.stderr) == (1, "")


@pytest.mark.parametrize("words", [["--help"], ["time", "now"], ["version"]])
def test_a_light_command_imports_nothing_heavy(cli: Run, tmp_path: Path, words: list[str]) -> None:
    assert cli(*words).returncode == 0  # once cold: the calendar file is made
    listed = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "app.cli.main", *words],
        env={**os.environ, "MISMARTERA_DATA_FOLDER": str(tmp_path / "data")},
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {
        line.rpartition("|")[2].strip().split(".")[0] for line in listed.stderr.splitlines()
    }
    assert not imported & set(HEAVY)
