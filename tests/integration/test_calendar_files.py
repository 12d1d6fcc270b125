"""Calendar files: damage, staleness and rivalry cost time, never an answer."""

import datetime as dt
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.errors import ConfigError, DataError, NotFoundError, UsageError
from app.managers.time_manager import TimeManager, library
from app.repositories.calendar_files import CalendarFiles

YEAR = (dt.date(2024, 1, 1), dt.date(2024, 12, 31))
FILE = Path("calendars", "XNYS", "2024.json")

ASK = """
import datetime, pathlib, sys
from app.managers.time_manager import TimeManager
time = TimeManager(pathlib.Path(sys.argv[1]))
sessions = time.sessions_between(datetime.date(2019, 1, 1), datetime.date(2024, 12, 31))
time.is_open()
print(len(sessions), sum(session.close_ns for session in sessions), time.zone())
print([name for name in ("pandas", "pandas_market_calendars", "sqlalchemy", "numpy", "pydantic")
       if name in sys.modules])
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose calendar of New York has been built."""
    made = tmp_path_factory.mktemp("data")
    TimeManager(made).sessions_between(*YEAR)
    return made


def ask(folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", ASK, str(folder)], stdout=-1, text=True)


def answer(process: "subprocess.Popen[str]") -> list[str]:
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return output.splitlines()


def test_processes_that_build_one_calendar_together_agree(tmp_path: Path) -> None:
    first, second = ask(tmp_path), ask(tmp_path)
    sessions = answer(first)[0]
    assert answer(second)[0] == sessions
    assert sessions.startswith("1510 ")
    assert not list(tmp_path.rglob("*.part"))
    assert answer(ask(tmp_path)) == [sessions, "[]"]  # and a warm start imports nothing heavy


def test_threads_may_ask_at_once(tmp_path: Path) -> None:
    time = TimeManager(tmp_path)
    years = [year for year in range(2000, 2030) for _ in range(2)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda year: time.holidays(year), years))
    assert found == [time.holidays(year) for year in years]


Junk = tuple[str, bytes | int]
damage: st.SearchStrategy[Junk] = st.one_of(
    st.tuples(st.just("overwritten"), st.binary(max_size=200)),
    st.tuples(st.just("cut"), st.integers(0, 50_000)),
    st.tuples(
        st.just("without"), st.sampled_from([b'"source":', b'"close_ns":', b'"zone":', b"}"])
    ),
)


def damaged(content: bytes, junk: Junk) -> bytes:
    how, what = junk
    if isinstance(what, int):
        return content[: what % len(content)]
    return what if how == "overwritten" else content.replace(what, b"")


@settings(max_examples=15)
@given(junk=damage, name=st.sampled_from(["2024", "market"]))
def test_a_damaged_file_is_made_again(folder: Path, junk: Junk, name: str) -> None:
    path = (folder / FILE).with_stem(name)
    whole = path.read_bytes()
    expected = TimeManager(folder).sessions_between(*YEAR)
    path.write_bytes(damaged(whole, junk))
    assert TimeManager(folder).sessions_between(*YEAR) == expected
    assert path.read_bytes() == whole


@pytest.mark.parametrize("name", ["2024", "market"])
def test_a_file_made_from_another_version_of_the_library_is_made_again(
    folder: Path, name: str
) -> None:
    path = (folder / FILE).with_stem(name)
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"pandas_market_calendars ", b"pandas_market_calendars 0."))
    assert len(TimeManager(folder).sessions_between(*YEAR)) == 252
    assert path.read_bytes() == whole


def test_a_file_in_the_place_of_another_is_not_taken_for_it(folder: Path) -> None:
    files = CalendarFiles(folder / "calendars", library.source())
    content = (folder / FILE).read_bytes()
    (folder / FILE).with_stem("2050").write_bytes(content)
    assert files.year("XNYS", 2050) is None
    assert files.year("XNYS", 2024) is not None


def test_markets_whose_names_differ_little_do_not_share_a_file(tmp_path: Path) -> None:
    time = TimeManager(tmp_path)
    for market in ("24/7", "24/5"):
        time.sessions_between(*YEAR, market)
    assert len(time.sessions_between(*YEAR, "24/7")) == 366
    assert len(time.sessions_between(*YEAR, "24/5")) == 262
    assert {path.parent.parent for path in tmp_path.rglob("2024.json")} == {tmp_path / "calendars"}


def test_a_folder_that_cannot_be_written_still_gives_answers(tmp_path: Path) -> None:
    (tmp_path / "calendars").write_text("a file where the folder should be")
    time = TimeManager(tmp_path)
    assert len(time.sessions_between(*YEAR)) == 252
    with pytest.raises(DataError, match="The calendar of XNYS cannot be stored"):
        time.import_holidays("XNYS", 2024, 2024)


def test_an_import_makes_years_anew_and_reports_them(folder: Path) -> None:
    time = TimeManager(folder)
    before = time.sessions_between(*YEAR)
    (folder / FILE).unlink()
    report = time.import_holidays("XNYS", 2023, 2024)
    assert (report.sessions, report.early_closes) == (502, 5)
    assert (folder / FILE).exists()
    assert time.sessions_between(*YEAR) == before


@pytest.mark.parametrize(
    ("market", "first", "last", "error", "said"),
    [
        ("XNYS", 2024, 2023, UsageError, "The first year, 2024, is after the last, 2023"),
        ("XNYS", 1492, 2023, NotFoundError, "reaches from 1970 to 2200; 1492 is beyond"),
        ("XNYS", 2023, 20250, NotFoundError, "20250 is beyond it"),
        ("Nowhere", 2023, 2024, NotFoundError, "no market 'Nowhere'"),
    ],
)
def test_an_import_of_what_cannot_be_is_refused(
    tmp_path: Path, market: str, first: int, last: int, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        TimeManager(tmp_path).import_holidays(market, first, last)
    assert not list(tmp_path.rglob("*.json"))


def test_markets_of_every_kind_have_proper_sessions_or_are_refused_plainly() -> None:
    import pandas_market_calendars

    known = pandas_market_calendars.get_calendar_names()
    incomplete = ["XBEL", "XSGO"]  # listed by the library, yet it raises when asked for sessions
    for name in [*sorted(known)[::10], *incomplete]:
        try:
            (year,) = library.build_years(library.find_market(name), 2025, 2025)
        except ConfigError as error:
            assert f"lists '{name}' but" in str(error)
            continue
        segments = [segment for session in year.sessions for segment in session.segments()]
        edges = [edge for segment in segments for edge in (segment.start_ns, segment.end_ns)]
        assert edges == sorted(edges), name
        assert len(year.sessions) > 200, name
        assert len(year.weekdays) >= 5, name
