"""What commands say at their edges, word by word: run in this process, by the same `main`."""

import errno
import io
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.data_house import HEADER, minute_rows, rows_text

from app.cli.main import main
from app.core.errors import EXIT_INTERRUPTED
from app.repositories.database import ensure_database, open_database, sqlite_url
from app.repositories.run_repository import RunRepository

BARS = rows_text(minute_rows("2024-01-02T09:30", 5))
NAMED = rows_text(
    [f"{row},{('MSFT', 'AAP')[place % 2]}" for place, row in enumerate(BARS.splitlines()[1:])],
    f"{HEADER},symbol",
)


class Said(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


Say = Callable[..., Said]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One data folder with a few bars; its calendar is built once."""
    made = tmp_path_factory.mktemp("edges")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MISMARTERA_DATA_FOLDER", str(made / "data"))
        patch.chdir(made)
        (made / "bars.csv").write_text(BARS)
        (made / "named.csv").write_text(NAMED)
        assert main(["data", "import-csv", "bars.csv", "--symbol", "AAA"]) == 0
        yield made


@pytest.fixture
def say(folder: Path, capsys: pytest.CaptureFixture[str]) -> Say:
    def run(*words: str) -> Said:
        capsys.readouterr()
        code = main(words)
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return run


def answer(said: Said) -> Any:
    assert said.code == 0, said.err
    return json.loads(said.out)


# Words that used to end as defects, or worse


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (("delete", "AAA", "--interval", "../AAA/1m", "--yes"), 2,
         "'../AAA/1m' is not an interval; use minutes (5m), hours (1h) or 1d, lower case."),
        (("quality", "AAA", "--interval", "1M"), 2,
         "'1M' is not an interval; use minutes (5m), hours (1h) or 1d, lower case."),
        (("export", "AAA", "out.csv", "--interval", ""), 2,
         "'' is not an interval; use minutes (5m), hours (1h) or 1d, lower case."),
        (("show", "AAA", "--start", "soon"), 2,
         "'soon' is neither a date (2024-12-31) nor a time (2024-12-31T09:30)."),
        (("show", "AAA", "--end", "2023-12-30", "--start", "2024-01-01"), 2,
         "The range ends at 2023-12-30, before it starts at 2024-01-01."),
        *(
            ((*words, "--start", "2024-01-03", "--end", "2024-01-02"), 2,
             "The range ends at 2024-01-02, before it starts at 2024-01-03.")
            for words in (("show", "AAA"), ("quality", "AAA"), ("export", "AAA", "out.csv"))
        ),
        (("import-csv", "bars.csv", "--symbol", "AAA", "--interval", "5m"), 1,
         "bars.csv was refused: the bars lie 1 minute apart, not 5m; import them with"
         " --interval 1m. Nothing was stored."),
        (("import-csv", "named.csv", "--symbol", "AAPL"), 1,
         "named.csv has no row of AAPL; its symbols are AAP, MSFT. Did you mean 'AAP'?"
         " Name the one that is meant with --file-symbol."),
        (("show", "AAA", "--interval", "1h", "--adjust", "BACK"), 2,
         "adjust is raw or back, not 'BACK'. Did you mean 'back'?"),
        (("show", "AAB"), 3,
         "No bars of AAB on XNYS are stored. Did you mean 'AAA'? See `data list`, or import them"
         " with `data import-csv` or `data import-api`."),
        (("quality", "AAA", "--interval", "1h"), 3,
         "No 1h bars of AAA on XNYS are stored; there are 1m."),
        (("export", "AAA", "out"), 2,
         "Bars are exported as csv or parquet, not ''; have the file's name end in .csv, or in"
         " .parquet."),
        (("export", "AAA", "out.csv", "--start", "2024-01-03"), 3,
         "No bars of XNYS AAA 1m lie in the range asked for."),
        (("import-csv", "bars.csv", "--symbol", "AAA", "--price-scale", "0"), 2,
         "Prices cannot be divided by 0.0; give a number > 0."),
        (("import-csv", "bars.csv", "--symbol", "AAA", "--label", "middle"), 2,
         "A bar's label is its 'start' or its 'end', not 'middle'."),
        (("import-csv", "bars.csv", "--symbol", "AAA", "--timezone", "Mars"), 2,
         "'Mars' is not a time zone; use a name such as America/New_York or UTC."),
        (("import-csv", "bars.csv", "--symbol", "AAA", "--timezone", "america/newyork"), 2,
         "'america/newyork' is not a time zone; use a name such as America/New_York or UTC."
         " Did you mean 'America/New_York'?"),
        (("import-csv", "bars.csv", "--symbol", ""), 2,
         "'' is not a symbol: up to 32 capitals, digits and . / : _ -, such as AAPL or BTC/USDT."),
        (("import-csv", "bar.csv", "--symbol", "AAA"), 3,
         "The file bar.csv is not there; give the path of one file to import."
         " Did you mean 'bars.csv'?"),
        (("import-csv", "bars.csv", "--symbol", "AAA", "--column", "=Last"), 2,
         "'' is not a column of ours; there are timestamp, date, time, open, high, low, close,"
         " volume, bid_open, bid_high, bid_low, bid_close, bid_size, ask_open, ask_high, ask_low,"
         " ask_close, ask_size, symbol."),
        (("import-csv", "bars.csv", "--symbol", "AAA", "--column", "close="), 2,
         "--column wants OURS=THEIRS, such as close=Last; found 'close='."),
        (("import-csv", "bars.csv", "--symbol", "AAA", "--column", "close=clos"), 1,
         "The file has no column 'clos' (asked for as close); it has timestamp, open, high, low,"
         " close, volume. Did you mean 'close'?"),
        (("import-csv", ".", "--symbol", "AAA"), 3,
         "The file . is a folder; give the path of one file to import."),
        (("instruments", "set", "AAA", "--lot", "1e-400"), 2,
         "The lot '1e-400' is out of reach; give at most 30 digits, from 1e-12 to 1e+12."),
        (("instruments", "set", "AAA", "--currency", "usd"), 2,
         "'usd' is not a currency; use a code such as USD or USDT."),
        (("instruments", "import", "none.csv"), 3,
         "The file none.csv is not there; give the path of a CSV file."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)  # fmt: skip
def test_a_data_command_says_what_is_wrong_in_these_words(
    say: Say, folder: Path, words: tuple[str, ...], code: int, error: str
) -> None:
    said = say("data", *words)
    assert said == (code, "", f"error: {error}\n")
    told = say("data", *words, "--json")
    assert (told.code, json.loads(told.err)) == (code, {"error": error, "exit_code": code})
    assert answer(say("data", "list", "--json"))[0]["bars"] == 5


@pytest.mark.parametrize("end", ["9999-12-31", "9999-12-31T23:59", "2024-01-02"])
def test_a_range_may_end_with_time_itself(say: Say, end: str) -> None:
    shown = answer(say("data", "show", "AAA", "--end", end, "--json"))
    assert shown["bars_in_range"] == 5
    words = ("data", "export", "AAA", "out.csv", "--end", end, "--replace", "--json")
    assert answer(say(*words)) == {"file": "out.csv", "bars": 5}


def test_an_export_onto_a_file_is_refused_unless_it_is_to_be_replaced(
    say: Say, folder: Path
) -> None:
    there = folder / "mine.csv"
    there.write_text("notes of mine")
    said = say("data", "export", "AAA", "mine.csv")
    assert (said.code, said.out) == (2, "")
    assert said.err == (
        "error: mine.csv is there already; nothing was written. Name another file, or give "
        "--replace.\n"
    )
    assert there.read_text() == "notes of mine"
    said = say("data", "export", "AAA", "mine.csv", "--replace")
    assert said[:2] == (0, "5 bars written to mine.csv\n")
    assert len(there.read_text().splitlines()) == 6


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("data", "instruments", "set", "AAA", "--tick", "0,01"),
         "The tick '0,01' is not a number above zero. A number here has no comma: write 0.01."),
        (("practice", "start", "--rate", "0,5"),
         "found '0,5', allowed is a number. A number here has no comma: write 0.5."),
        (("practice", "start", "--participation", "0,5"),
         "which is no number. A number here has no comma: write 0.5."),
        (("config", "new", "x.json", "--cash", "1,5"),
         "allowed is a number. A number here has no comma: write 1.5."),
        (("why", "last", "1"),
         "found 'last', allowed is a whole number. A run is named by --run: --run last."),
        (("why", "x"), "found 'x', allowed is a whole number. See"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)  # fmt: skip
def test_a_word_that_is_no_number_is_told_what_was_meant(
    say: Say, words: tuple[str, ...], told: str
) -> None:
    said = say(*words)
    assert said.code == 2 and told in said.err


def test_numbers_of_a_file_with_commas_are_named_as_that(say: Say, folder: Path) -> None:
    (folder / "commas.csv").write_text(
        "timestamp;open;high;low;close;volume\n"
        "2024-01-02 10:00;100,5;101;100;101;7\n"
        "2024-01-02 10:01;100.5;101;100;101;x\n"
        "2024-01-02 10:02;100.5;101;100;101;7\n"
    )
    said = say("data", "import-csv", "commas.csv", "--symbol", "CCC", "--market", "24/7", "--json")
    reasons = {one["line"]: one["reason"] for one in answer(said)["findings"]}
    assert "written with a comma: say --decimal comma for 12,5" in reasons[2]
    assert "missing or not a finite number" in reasons[3]
    said = say("data", "import-csv", "commas.csv", "--symbol", "DDD", "--market", "24/7")
    assert "commas.csv: 3 rows; 1 bar added, 0 the same" in said.out


def test_an_export_onto_a_folder_leaves_it_empty(say: Say, folder: Path) -> None:
    (folder / "taken.csv").mkdir()
    said = say("data", "export", "AAA", "taken.csv")
    assert said == (1, "", "error: taken.csv cannot be written: Is a directory.\n")
    assert not [path for path in folder.iterdir() if ".part" in path.name]


def test_a_schema_onto_a_folder_leaves_no_draft(say: Say, folder: Path) -> None:
    (folder / "taken.json").mkdir()
    said = say("config", "schema", "--output", "taken.json")
    assert said == (1, "", "error: 'taken.json' cannot be written: Is a directory.\n")
    said = say("config", "schema", "--output", "bars.csv/schema.json")
    assert said == (1, "", "error: 'bars.csv/schema.json' cannot be written: Not a directory.\n")
    assert not [path for path in folder.iterdir() if ".part" in path.name]


def test_a_disk_in_the_way_is_no_defect(
    say: Say, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bars").write_text("in the way")
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", str(tmp_path))
    said = say("data", "import-csv", "bars.csv", "--symbol", "AAA", "--market", "24/7")
    assert said.code == 1
    assert said.err.startswith("error: Bars of 24/7 AAA 1m cannot be stored: ")
    assert "defect" not in said.err


def test_a_config_that_is_no_plain_file_is_not_waited_for(say: Say, folder: Path) -> None:
    os.mkfifo(folder / "pipe.json")
    assert say("system", "start", "pipe.json") == Said(
        4, "", 'error: "pipe.json" is not a file; give the path of a JSON file.\n'
    )


class FullDisk(io.StringIO):
    """A standard output that leads to a disk without room."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_what_the_system_refuses_is_told_with_the_remedy_and_is_no_defect(
    say: Say, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("sys.stdout", FullDisk())
        assert main(["data", "list"]) == 1
    told = "error: No space left on device; make room, or write elsewhere.\n"
    assert capsys.readouterr().err == told
    said = say("data", "import-csv", "x" * 5000, "--symbol", "AAA")
    assert said.code == 1
    assert said.err == f"error: File name too long: '{'x' * 200}'; give a shorter one.\n"


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("can't start new thread"),
        BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN)),
    ],
)
def test_a_system_that_gives_no_more_is_no_defect(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    def refuse() -> None:
        raise error

    monkeypatch.setattr("app.cli.main.root_group", refuse)
    assert main(["data", "list"]) == 1
    told = "error: the system gives this process no more memory or threads; "
    assert capsys.readouterr().err.startswith(told)


def test_where_it_does_not_run_it_says_so_and_where_it_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.platform", "win32")
    assert main(["version"]) == 1
    assert capsys.readouterr().err == "error: it runs on Linux and macOS; on Windows use WSL.\n"


def test_streams_that_were_closed_take_nothing_from_a_command(
    say: Say, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As after `>&-` and `2>&-`: nothing is said then, and the exit code is the same."""
    for name in ("stdout", "stderr", "stdin"):
        monkeypatch.setattr(f"sys.{name}", None)
    assert [main(["data", "list"]), main(["runs", "show", "none"])] == [0, 3]
    assert capsys.readouterr() == ("", "")


def test_a_word_that_is_no_text_is_told_as_that(say: Say) -> None:
    said = say("data", "show", "\udcc4\udcff")
    assert (said.code, said.err) == (
        2, r"error: '\udcc4\udcff' is no text in UTF-8; write it anew." "\n"
    )  # fmt: skip


def test_what_a_user_interrupts_says_so(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("app.cli.data.commands.Context", interrupt)
    assert say("data", "list") == (EXIT_INTERRUPTED, "", "error: interrupted\n")
    told = json.loads(say("data", "list", "--json").err)
    assert told == {"error": "interrupted", "exit_code": 130}


# Settings and the log level


def test_a_stored_word_that_is_no_level_is_replaced_by_the_command_that_is_named(
    say: Say, folder: Path
) -> None:
    stored = folder / "data" / "log-level"
    stored.write_text("LOUD\n")
    refused = say("runs", "list")
    assert refused.code == 4
    assert "'LOUD' is not a log level" in refused.err
    assert say("admin", "log-level", "warning").code == 0
    assert stored.read_text() == "WARNING\n"
    assert answer(say("admin", "log-level", "--json"))["level"] == "WARNING"
    stored.unlink()
    assert answer(say("admin", "log-level", "--json"))["level"] == "INFO"


def test_a_level_that_is_none_is_refused_and_not_stored(say: Say, folder: Path) -> None:
    said = say("admin", "log-level", "WARNNING")
    assert said.code == 2
    assert said.err == (
        "error: 'WARNNING' is not a log level; use one of TRACE, DEBUG, INFO, SUCCESS, WARNING,"
        " ERROR, CRITICAL. Did you mean 'WARNING'?\n"
    )
    assert not (folder / "data" / "log-level").exists()


def test_the_environment_wins_over_the_stored_level_and_says_so(
    say: Say, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOG_LEVEL", "error")
    said = say("admin", "log-level", "DEBUG")
    assert said.out.startswith("ERROR (log file: ")
    assert "wins over the stored level" in said.out
    assert (folder / "data" / "log-level").read_text() == "DEBUG\n"
    (folder / "data" / "log-level").unlink()


def test_a_level_that_cannot_be_stored_ends_with_4(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", str(tmp_path / "file"))
    said = say("admin", "log-level", "DEBUG")
    assert said.code == 4
    assert said.err.startswith("error: The level cannot be stored in ")
    assert "Set MISMARTERA_DATA_FOLDER to a folder you may write to." in said.err


def test_an_env_file_that_is_no_text_ends_with_4(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_bytes(b"NAME=caf\xe9\n")
    said = say("runs", "list")
    assert (said.code, said.out) == (4, "")
    assert ".env is not UTF-8 text (byte 8); save it as UTF-8." in said.err


# Runs


@pytest.fixture
def runs(folder: Path) -> Iterator[RunRepository]:
    engine = open_database(sqlite_url(folder / "data"))
    ensure_database(engine)
    yield RunRepository(engine)
    engine.dispose()


def begin(runs: RunRepository, run_id: str, pid: int) -> None:
    runs.start_run(
        run_id, name="demo", mode="replay", config={"name": "demo"},
        started_at=f"2026-01-05T10:00:0{pid % 10}Z", pid=pid,
    )  # fmt: skip


def test_a_run_under_way_is_running_and_one_without_its_process_is_abandoned(
    say: Say, runs: RunRepository
) -> None:
    begin(runs, "alive-1", os.getpid())
    begin(runs, "dead-1", 2**22 + 1)
    states = {run["run_id"]: run["state"] for run in answer(say("runs", "list", "--json"))}
    assert states == {"alive-1": "running", "dead-1": "abandoned"}
    assert answer(say("runs", "show", "dead", "--json"))["state"] == "abandoned"
    said = say("runs", "show", "aliv-1")
    assert said == (
        3, "", "error: There is no run 'aliv-1'. Did you mean 'alive-1'? 'runs list' shows them.\n"
    )  # fmt: skip
    assert len(answer(say("runs", "list", "--count", "1", "--json"))) == 1


# Calendars


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (("session", "2024-02-30"), 2, "'2024-02-30' is not a date; write it as 2025-11-28."),
        (("session", "2025-01-09"), 3,
         "XNYS has no session on 2025-01-09, a holiday; the one before is on 2025-01-08, the next"
         " on 2025-01-10."),
        (("session", "2025-01-11"), 3,
         "XNYS has no session on 2025-01-11, a Saturday; the one before is on 2025-01-10, the next"
         " on 2025-01-13."),
        (("import-holidays", "--from", "2030", "--to", "2029"), 2,
         "The first year, 2030, is after the last, 2029."),
    ],
)  # fmt: skip
def test_a_time_command_says_what_is_wrong_in_these_words(
    say: Say, words: tuple[str, ...], code: int, error: str
) -> None:
    assert say("time", *words) == (code, "", f"error: {error}\n")


def test_a_half_day_is_marked_in_the_table_and_in_json(say: Say) -> None:
    said = say("time", "session", "2024-11-29")
    assert "XNYS Friday 2024-11-29, closes early" in said.out
    assert answer(say("time", "session", "2024-11-29", "--json"))["early_close"] is True
    assert "closes early" not in say("time", "session", "2024-11-27").out


# Imports tell what became of each row


def test_an_import_names_what_it_could_not_use(say: Say, folder: Path) -> None:
    header = "time,open,high,low,close,colour"
    rows = [row.rsplit(",", 1)[0] + ",red" for row in minute_rows("2024-01-03T09:30", 3)]
    bad = ["2024-01-03T09:33,1,2,3,4,red"] * 25
    (folder / "odd.csv").write_text(rows_text([*rows, *bad], header))
    said = say("data", "import-csv", "odd.csv", "--symbol", "ODD")
    assert said.code == 0
    assert "odd.csv: 28 rows; 3 bars added, 0 the same, 0 changed" in said.out
    assert "Columns not used: colour" in said.out
    assert "Rows kept out or moved (5 more; see --json)" in said.out
    report = answer(say("data", "import-csv", "odd.csv", "--symbol", "ODD", "--json"))
    assert (report["same"], len(report["findings"])) == (3, 25)
    assert report["ignored_columns"] == ["colour"]
    assert say("data", "delete", "ODD", "--yes").code == 0


def test_an_import_that_lists_not_all_it_kept_out_counts_it_by_reason(
    say: Say, folder: Path
) -> None:
    bad = ["2024-01-03T09:31,1,2,3,4,5"] * 25 + ["2024-01-03T20:30,1,1,1,1,5"] * 3
    (folder / "odd.csv").write_text(rows_text([*minute_rows("2024-01-03T09:30", 1), *bad]))
    said = say("data", "import-csv", "odd.csv", "--symbol", "ODD")
    listed, counts = said.out.split("Rows kept out, by reason")
    assert "lies outside" not in listed
    assert re.search(r"high is not the highest or low not the lowest price +│ +25 │", counts)
    assert re.search(r"the bar lies outside any trading session +│ +3 │", counts)
    assert say("data", "delete", "ODD", "--yes").code == 0


def test_hours_that_span_the_open_are_moved_and_told(say: Say, folder: Path) -> None:
    rows = [f"2024-01-03T{hour:02}:00,10,11,9,10.5,7" for hour in range(9, 16)]
    (folder / "hours.csv").write_text(rows_text(rows))
    words = ("data", "import-csv", "hours.csv", "--symbol", "HRS", "--interval", "1h")
    assert "Moved to a session's open, which they span: 1 bar." in say(*words).out
    assert answer(say(*words, "--json"))["same"] == 7
    assert say("data", "delete", "HRS", "--interval", "1h", "--yes").code == 0


def test_rows_of_another_symbol_are_told_at_the_import(say: Say) -> None:
    said = say("data", "import-csv", "named.csv", "--symbol", "MSFT")
    assert "named.csv: 5 rows; 3 bars added" in said.out
    assert said.out.count("another symbol: AAP") == 2
    assert "Columns not used" not in said.out
    assert say("data", "import-csv", "named.csv", "--symbol", "MSFT", "--strict").code == 1
    assert say("data", "delete", "MSFT", "--yes").code == 0


def test_a_damaged_file_hides_no_other_series_and_can_be_deleted(say: Say, folder: Path) -> None:
    assert say("data", "import-csv", "bars.csv", "--symbol", "TORN").code == 0
    (torn,) = (folder / "data" / "bars").rglob("TORN/1m/*.parquet")
    torn.write_bytes(torn.read_bytes()[:500])
    listed = say("data", "list", "--json")
    symbols = [row["symbol"] for row in json.loads(listed.out)]
    assert (listed.code, "AAA" in symbols, "TORN" in symbols) == (1, True, False)
    assert f"{torn} cannot be read as bars" in listed.err
    assert "AAA" in say("data", "list").out
    assert say("data", "delete", "TORN", "--yes").out == (
        "what is stored, a part of it damaged, of XNYS TORN 1m deleted\n"
    )
    assert say("data", "list").code == 0


def test_actions_and_instruments_of_nothing_say_none(say: Say) -> None:
    assert say("data", "actions", "list", "ZZZ").out == "Actions on XNYS: none.\n"
    assert answer(say("data", "actions", "list", "ZZZ", "--json")) == []
    assert say("data", "instruments", "list", "--market", "XLON").out == "Instruments: none.\n"


def test_an_instrument_is_shown_as_it_was_set(say: Say) -> None:
    row = answer(
        say("data", "instruments", "set", "ES", "--market", "CMES", "--tick", ".25", "--json")
    )
    assert (row["tick"], row["lot"], row["currency"]) == ("0.25", "1", "USD")
    said = say("data", "instruments", "set", "ES", "--market", "CMES", "--multiplier", "50")
    assert "0.25" in said.out
    assert "50" in said.out
