"""The data commands as a user types them."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Cli = Callable[..., "subprocess.CompletedProcess[str]"]
ROWS = "timestamp,open,high,low,close,volume\n2024-01-02T09:30,10,11,9,10.5,7\n"
BAD = ROWS + "2024-01-02T09:31,10,9,11,10.5,7\n"


def write(folder: Path, text: str, name: str = "bars.csv") -> str:
    (folder / name).write_text(text)
    return name


def test_the_sample_is_made_listed_shown_and_deleted(cli: Cli) -> None:
    made = json.loads(cli("data", "sample", "--json").stdout)
    assert made["symbols"] == ["SYN1", "SYN2", "THIN"]
    listed = json.loads(cli("data", "list", "--json").stdout)
    assert [row["symbol"] for row in listed] == ["SYN1", "SYN2", "THIN"]
    assert all(row["synthetic"] for row in listed)
    assert "synthetic" in cli("data", "list").stdout
    shown = json.loads(
        cli("data", "show", "SYN2", "--interval", "1d", "--count", "2", "--json").stdout
    )
    assert (shown["derived_from"], len(shown["bars"])) == ("1m", 2)
    deleted = cli("data", "delete", "SYN1", "--yes", "--json")
    assert json.loads(deleted.stdout)["bars"] == listed[0]["bars"]
    assert len(json.loads(cli("data", "list", "--json").stdout)) == 2


def test_an_import_reports_and_goes_out_again(cli: Cli, tmp_path: Path) -> None:
    report = json.loads(
        cli("data", "import-csv", write(tmp_path, BAD), "--symbol", "AAA", "--json").stdout
    )
    assert (report["rows"], report["added"]) == (2, 1)
    assert report["findings"][0]["line"] == 3
    again = cli("data", "import-csv", "bars.csv", "--symbol", "AAA")
    assert "1 the same" in again.stdout
    assert "high is not the highest" in again.stdout
    assert cli("data", "export", "AAA", "out.parquet").returncode == 0
    back = cli("data", "import-parquet", "out.parquet", "--symbol", "BBB", "--json")
    assert json.loads(back.stdout)["added"] == 1
    sunday = write(tmp_path, ROWS.replace("2024-01-02", "2024-01-07"), "sunday.csv")
    none = cli("data", "import-csv", sunday, "--symbol", "AAA")
    assert (none.returncode, none.stderr) == (
        1,
        "error: No row of sunday.csv could be used, most often as the bar lies outside any trading "
        "session. Nothing was stored. Are its bars daily (--interval 1d), or its times those of "
        "another zone (--timezone)?\n",
    )
    assert "outside any trading session" in none.stdout


def test_sessions_beside_their_hours_are_refused_or_stored_with_a_warning(
    cli: Cli, tmp_path: Path
) -> None:
    ends = [f"2024-01-02 {at // 60:02}:{at % 60:02},10,11,9,10" for at in range(571, 961)]
    named = write(tmp_path, "\n".join(["timestamp,open,high,low,close", *ends]) + "\n")
    refused = cli("data", "import-csv", named, "--symbol", "AAA")
    assert refused.returncode == 1
    assert "Import it with --label end, or with --label start if" in refused.stderr
    taken = cli("data", "import-csv", named, "--symbol", "AAA", "--label", "start")
    assert (taken.returncode, "Take care: in 1 of 1 whole sessions" in taken.stdout) == (0, True)
    right = cli("data", "import-csv", named, "--symbol", "BBB", "--label", "end")
    assert (right.returncode, "Take care" in right.stdout) == (0, False)


def test_a_file_without_names_is_read_by_those_that_its_refusal_gives(
    cli: Cli, tmp_path: Path
) -> None:
    named = write(tmp_path, "20240102 093000;10,5;11;9;10;1.200\n")
    refused = cli("data", "import-csv", named, "--symbol", "AAA")
    names = refused.stderr.split(" if that is")[0].split()[-1]
    words = ("data", "import-csv", named, "--symbol", "AAA", "--names", names)
    assert "--decimal comma for 12,5" in cli(*words).stderr.replace("\n", " ")
    assert cli(*words, "--decimal", "comma").returncode == 0
    shown = json.loads(cli("data", "show", "AAA", "--json").stdout)["bars"]
    assert (shown[0]["open"], shown[0]["volume"]) == (10.5, 1200.0)


@pytest.mark.parametrize(("nights", "is_told"), [(1, True), (0, False)])
def test_a_file_of_which_much_lies_outside_all_sessions_is_told_what_that_often_is(
    cli: Cli, tmp_path: Path, nights: int, is_told: bool
) -> None:
    head, *rows = ROWS.splitlines()
    others = [row.replace("2024-01-02", "2024-01-07") for row in rows] * nights
    path = write(tmp_path, "\n".join([head, *rows, *others]) + "\n", "round_the_clock.csv")
    done = cli("data", "import-csv", path, "--symbol", "AAA")
    assert done.returncode == 0
    words = "lie outside all sessions of XNYS: is its market another one (--market 24/7)"
    assert (words in " ".join(done.stdout.split())) is is_told


def test_quality_is_told_per_session(cli: Cli, tmp_path: Path) -> None:
    cli("data", "import-csv", write(tmp_path, ROWS), "--symbol", "AAA")
    told = json.loads(cli("data", "quality", "AAA", "--json").stdout)
    assert told["sessions"][0]["session"] == "2024-01-02"
    assert told["sessions"][0]["expected"] == 390


def test_actions_and_instruments_are_imported_and_listed(cli: Cli, tmp_path: Path) -> None:
    actions = write(tmp_path, "symbol,ex_date,kind,value\nAAA,2024-06-10,split,2\n", "a.csv")
    counts = json.loads(cli("data", "actions", "import", actions, "--json").stdout)
    assert counts == {"added": 1, "same": 0, "changed": 0}
    [action] = json.loads(cli("data", "actions", "list", "--json").stdout)
    assert (action["symbol"], action["value"]) == ("AAA", "2")
    cli("data", "instruments", "set", "ES", "--market", "CMES", "--tick", "0.25")
    instruments = write(tmp_path, "symbol,lot\nAAA,100\n", "i.csv")
    cli("data", "instruments", "import", instruments)
    listed = json.loads(cli("data", "instruments", "list", "--json").stdout)
    assert [(row["symbol"], row["tick"], row["lot"]) for row in listed] == [
        ("ES", "0.25", "1"),
        ("AAA", "0.01", "100"),
    ]


@pytest.mark.parametrize(
    ("words", "exit_code", "said"),
    [
        (("import-csv", "none.csv", "--symbol", "AAA"), 3, "is not there"),
        (("import-csv", "bars.csv"), 2, "--symbol"),
        (("import-csv", "bars.csv", "--symbol", "aaa"), 2, "Did you mean 'AAA'"),
        (("import-csv", "bars.csv", "--symbol", "AAA", "--strict"), 1, "line 3"),
        (("import-csv", "bars.csv", "--symbol", "AAA", "--column", "close"), 2, "OURS=THEIRS"),
        (("import-csv", "bars.csv", "--symbol", "AAA", "--market", "XNYX"), 3, "XNYX"),
        (("import-parquet", "bars.csv", "--symbol", "AAA"), 1, "Parquet"),
        (("show", "AAA"), 3, "data import-csv"),
        (("show", "AAA", "--adjust", "sideways"), 2, "raw or back"),
        (("export", "AAA", "out.csv"), 3, "No bars of AAA"),
        (("quality", "AAA"), 3, "No bars of AAA"),
        (("delete", "AAA", "--yes"), 3, "No bars of AAA"),
        (("actions", "import", "bars.csv"), 1, "unknown column"),
        (("instruments", "set", "AAA", "--tick", "none"), 2, "above zero"),
        (("nothing",), 2, "nothing"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line_with_its_exit_code(
    cli: Cli, tmp_path: Path, words: tuple[str, ...], exit_code: int, said: str
) -> None:
    write(tmp_path, BAD)
    done = cli("data", *words)
    assert (done.returncode, done.stdout) == (exit_code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / "data").rglob("*.parquet"))


def test_nothing_is_deleted_without_a_yes(cli: Cli, tmp_path: Path) -> None:
    cli("data", "import-csv", write(tmp_path, ROWS), "--symbol", "AAA")
    asked = cli("data", "delete", "AAA")
    assert (asked.returncode, asked.stderr.splitlines()[-1]) == (
        2,
        "error: Nobody answered, and nothing was done; --yes asks nobody.",
    )
    assert len(json.loads(cli("data", "list", "--json").stdout)) == 1
