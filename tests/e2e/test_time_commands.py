"""`time`: what a user sees, what a script reads, and what both get for bad words."""

import datetime as dt
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Run = Callable[..., "CompletedProcess[str]"]


@pytest.fixture(scope="module")
def calendars(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """One data folder for many commands, so that only the first builds a calendar."""
    return {"MISMARTERA_DATA_FOLDER": str(tmp_path_factory.mktemp("data"))}


def read(result: "CompletedProcess[str]") -> dict[str, object]:
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    told = json.loads(result.stdout)
    assert isinstance(told, dict)
    return told


def test_now_tells_the_time_and_whether_the_market_trades(
    cli: Run, calendars: dict[str, str]
) -> None:
    before = dt.datetime.now(dt.UTC).replace(microsecond=0)
    told = read(cli("time", "now", "--market", "24/7", "--json", **calendars))
    shown = dt.datetime.fromisoformat(str(told["time"]))
    assert before <= shown <= dt.datetime.now(dt.UTC)
    assert (told["zone"], told["is_open"]) == ("UTC", True)
    assert told["session"] == str(shown.date())
    assert told["closes"] == told["next_open"]
    text = cli("time", "now", **calendars).stdout
    assert "XNYS is closed; its next session opens" in text or "XNYS is open; the session" in text


def test_session_shows_a_half_day_in_local_time_and_utc(
    cli: Run, calendars: dict[str, str]
) -> None:
    told = read(cli("time", "session", "2024-11-29", "--json", **calendars))
    assert told == {
        "market": "XNYS",
        "date": "2024-11-29",
        "zone": "America/New_York",
        "open": "2024-11-29T09:30:00-05:00",
        "close": "2024-11-29T13:00:00-05:00",
        "breaks": [],
        "early_close": True,
        "pre_open": "2024-11-29T04:00:00-05:00",
        "post_close": "2024-11-29T17:00:00-05:00",
    }
    text = cli("time", "session", "2025-06-02", "--market", "XTKS", **calendars).stdout
    shown = [line.split("│")[1].strip() for line in text.splitlines() if line.startswith("│")]
    assert shown == ["opens", "break starts", "break ends", "closes"]
    assert "2025-06-02 11:30:00 JST" in text
    assert "2025-06-02 02:30:00" in text


@pytest.mark.parametrize(
    ("words", "exit_code", "said"),
    [
        (("session", "1970-01-01"), 3, "on 1970-01-01, a holiday; the next on 1970-01-02."),
        (("session", "2025-07-04"), 3, "a holiday; the one before is on 2025-07-03, the next on"),
        (("session", "2025-07-05"), 3, "no session on 2025-07-05, a Saturday"),
        (("session", "tomorrow"), 2, "'tomorrow' is not a date; write it as 2025-11-28"),
        (("session", "2025-07-04T09:30"), 2, "is not a date"),
        (("session", "9999-12-31"), 3, "9999 is beyond it"),
        (("holidays", "1929"), 3, "The calendar of XNYS reaches from 1970"),
        (("holidays", "this"), 2, "See 'help time holidays'."),
        (("now", "--market", "NSYE"), 3, "no market 'NSYE'. Did you mean"),
        (("import-holidays", "--from", "2025", "--to", "2024"), 2, "is after the last, 2024"),
    ],
)
def test_bad_words_end_with_their_reason(
    cli: Run, calendars: dict[str, str], words: tuple[str, ...], exit_code: int, said: str
) -> None:
    result = cli("time", *words, **calendars)
    assert result.returncode == exit_code
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


def test_holidays_lists_closures_and_early_closes(cli: Run, calendars: dict[str, str]) -> None:
    told = read(cli("time", "holidays", "2018", "--json", **calendars))
    assert "2018-12-05" in told["holidays"]  # type: ignore[operator]
    assert told["early_closes"] == [
        {"date": "2018-07-03", "close": "2018-07-03T13:00:00-04:00"},
        {"date": "2018-11-23", "close": "2018-11-23T13:00:00-05:00"},
        {"date": "2018-12-24", "close": "2018-12-24T13:00:00-05:00"},
    ]
    text = cli("time", "holidays", "2018", **calendars).stdout
    assert "2018-12-05 │ Wednesday │ closed" in text
    assert "2018-11-23 │ Friday    │ closes 13:00" in text


def test_an_import_fills_the_table_and_is_the_same_the_second_time(
    cli: Run, tmp_path: Path
) -> None:
    words = ("time", "import-holidays", "--market", "XTKS", "--from", "2023", "--json")
    report = read(cli(*words, "--to", "2024"))
    assert (report["first_year"], report["last_year"], report["sessions"]) == (2023, 2024, 491)
    assert read(cli(*words, "--to", "2024")) == report
    with closing(sqlite3.connect(tmp_path / "data" / "mismartera.db")) as database:
        (rows,) = database.execute("SELECT count(*) FROM calendar_sessions").fetchone()
    assert rows == 491


def test_an_import_takes_by_default_the_years_the_library_knows(cli: Run) -> None:
    report = read(cli("time", "import-holidays", "--market", "XSAU", "--json"))
    assert report["first_year"] == 2021
    assert "XSAU 2021 to " in cli("time", "import-holidays", "--market", "XSAU").stdout
