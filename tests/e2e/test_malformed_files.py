"""Hundreds of malformed files through the commands: the right exit code, one message, no trace.

Every file goes through the same `main` as a user's words; what it says, what it ends with and
what it leaves on disk is compared. How many there are is counted at the end of the module.
"""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.data_house import HEADER, minute_rows, rows_text
from tests.integration.test_data_actions import BAD_ACTIONS
from tests.integration.test_data_import_malformed import (
    BAD_ROWS,
    GOOD_PARQUET,
    REFUSED,
    REFUSED_PARQUET,
)
from tests.unit.config_cases import BROKEN_FILES, CASES, VALID, spoiled

from app.cli.main import main

GOOD = minute_rows("2024-01-02T09:30", 5)
Words = tuple[str, ...]

CONFIGS = [
    *(json.dumps(spoiled(path, value)).encode() for path, value, _, _ in CASES),
    *(content for content, _ in BROKEN_FILES),
]
STRICT = [rows_text([GOOD[0], bad, *GOOD[2:]]).encode() for bad in BAD_ROWS.values()]
TABLES = [text if isinstance(text, bytes) else text.encode() for text in REFUSED.values()]
PARQUETS = [make() for make in REFUSED_PARQUET.values()]
ACTIONS = [text.encode() for text in BAD_ACTIONS.values()]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> "Desk":
    """One data folder for all files: its calendar is built once, its bars must never change."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("desk")
        patch.setenv("MISMARTERA_DATA_FOLDER", str(folder / "data"))
        patch.chdir(folder)
        made = Desk(folder)
        made.file("good.csv", rows_text(GOOD).encode())
        assert main(["data", "import-csv", "good.csv", "--symbol", "AAA"]) == 0
        assert main(["init-db"]) == 0
        yield made  # type: ignore[misc]


class Desk:
    """Where the files are put, and what the commands leave."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file(self, name: str, content: bytes) -> str:
        (self.folder / name).write_bytes(content)
        return name

    def stored(self) -> dict[str, bytes]:
        """Everything at rest but logs, calendars and the database's own journal."""
        data = self.folder / "data"
        return {
            str(path.relative_to(data)): path.read_bytes()
            for path in sorted(data.rglob("*"))
            if path.is_file() and path.relative_to(data).parts[0] in ("bars", "runs")
        }


def refused(
    desk: Desk, capsys: pytest.CaptureFixture[str], words: Words, exit_codes: tuple[int, ...]
) -> str:
    """Run words that must be refused; what was said."""
    before = desk.stored()
    capsys.readouterr()
    code = main([*words])
    said = capsys.readouterr()
    assert code in exit_codes, (code, said.err)
    assert said.err.startswith(("error: ", '{"error"'))
    assert "Traceback" not in said.err
    assert "this is a defect" not in said.err
    assert all(char.isprintable() or char == "\n" for char in said.err)
    assert desk.stored() == before
    return said.err


def test_every_malformed_config_is_refused_with_exit_code_4(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    for content in CONFIGS:
        name = desk.file("config.json", content)
        said = refused(desk, capsys, ("config", "check", name), (4,))
        assert "config.json" in said


def test_no_malformed_config_starts_a_run(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    for content in CONFIGS[::8]:
        name = desk.file("config.json", content)
        refused(desk, capsys, ("system", "start", name), (4,))
    capsys.readouterr()
    assert main(["runs", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert not (desk.folder / "data" / "runs").exists()


def test_every_file_without_sense_is_refused_by_the_import(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    for content in TABLES:
        name = desk.file("bars.csv", content)
        said = refused(desk, capsys, ("data", "import-csv", name, "--symbol", "AAA"), (1,))
        assert said.count("\n") == 1
    for content in PARQUETS:
        name = desk.file("bars.parquet", content)
        refused(desk, capsys, ("data", "import-parquet", name, "--symbol", "AAA"), (1,))


def test_read_strictly_every_bad_row_refuses_its_file(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    for content in STRICT:
        name = desk.file("bars.csv", content)
        words = ("data", "import-csv", name, "--symbol", "AAA", "--strict")
        said = refused(desk, capsys, words, (1,))
        assert "line 3: " in said
        assert said.endswith("Nothing was stored.\n")


def test_every_bad_file_of_actions_is_refused(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    for content in ACTIONS:
        name = desk.file("actions.csv", content)
        refused(desk, capsys, ("data", "actions", "import", name), (1,))
    capsys.readouterr()
    assert main(["data", "actions", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


SHARED = settings(
    max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
TEXTS = st.text(max_size=10) | st.sampled_from(["1", "nan", "-1", "1e400", "2024-01-02T09:31", '"'])


def end_well(
    desk: Desk, capsys: pytest.CaptureFixture[str], words: Words, ends: tuple[int, ...]
) -> int:
    """Any end is good but a defect's, or one that leaves half a file."""
    capsys.readouterr()
    code = main([*words])
    said = capsys.readouterr().err
    assert code in ends, (code, said)
    assert "Traceback" not in said
    assert "this is a defect" not in said
    assert not list((desk.folder / "data").rglob("*.part"))
    return code


@SHARED
@given(rows=st.lists(st.lists(TEXTS, min_size=1, max_size=7), max_size=5), strict=st.booleans())
def test_any_csv_ends_in_a_report_or_an_error(
    desk: Desk, capsys: pytest.CaptureFixture[str], rows: list[list[str]], strict: bool
) -> None:
    text = rows_text([GOOD[0], *(",".join(row) for row in rows)])
    name = desk.file("any.csv", text.encode("utf-8", "surrogatepass"))
    words = ("data", "import-csv", name, "--symbol", "ANY", "--json")
    end_well(desk, capsys, (*words, "--strict") if strict else words, (0, 1))


@SHARED
@given(header=st.lists(st.text(max_size=8) | st.sampled_from(HEADER.split(",")), max_size=8))
def test_any_header_ends_in_a_report_or_an_error(
    desk: Desk, capsys: pytest.CaptureFixture[str], header: list[str]
) -> None:
    text = rows_text(GOOD, ",".join(header))
    name = desk.file("any.csv", text.encode("utf-8", "surrogatepass"))
    end_well(desk, capsys, ("data", "import-csv", name, "--symbol", "ANY"), (0, 1))


@SHARED
@given(at=st.integers(0, len(GOOD_PARQUET) - 1), with_=st.binary(min_size=1, max_size=4))
def test_any_damage_to_a_parquet_file_ends_in_a_report_or_an_error(
    desk: Desk, capsys: pytest.CaptureFixture[str], at: int, with_: bytes
) -> None:
    name = desk.file("any.parquet", GOOD_PARQUET[:at] + with_ + GOOD_PARQUET[at + len(with_) :])
    end_well(desk, capsys, ("data", "import-parquet", name, "--symbol", "ANP"), (0, 1))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)


@SHARED
@given(key=st.sampled_from(sorted(VALID)), value=JSON)
def test_any_config_is_said_to_be_good_or_why_it_is_not(
    desk: Desk, capsys: pytest.CaptureFixture[str], key: str, value: object
) -> None:
    name = desk.file("any.json", json.dumps({**VALID, key: value}).encode())
    end_well(desk, capsys, ("config", "check", name, "--json"), (0, 4))


@SHARED
@given(content=st.binary(max_size=200))
def test_any_bytes_are_refused_wherever_a_file_is_asked_for(
    desk: Desk, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    name = desk.file("noise", content)
    asked: list[tuple[Words, int]] = [
        (("config", "check", name), 4),
        (("data", "import-csv", name, "--symbol", "AAA"), 1),
        (("data", "import-parquet", name, "--symbol", "AAA"), 1),
        (("data", "actions", "import", name), 1),
        (("data", "instruments", "import", name), 1),
    ]
    for words, code in asked:
        refused(desk, capsys, words, (code,))


def test_files_that_are_not_there_end_with_3_wherever_one_is_asked_for(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    symbol = ("--symbol", "AAA")
    asked: list[Callable[[str], Words]] = [
        lambda name: ("config", "check", name),
        lambda name: ("system", "start", name),
        lambda name: ("data", "import-csv", name, *symbol),
        lambda name: ("data", "import-parquet", name, *symbol),
        lambda name: ("data", "actions", "import", name),
        lambda name: ("data", "instruments", "import", name),
    ]
    for words in asked:
        assert "none.json" in refused(desk, capsys, words("none.json"), (3,))


def test_the_malformed_files_by_hand_are_more_than_three_hundred() -> None:
    by_hand = len(CONFIGS) + len(TABLES) + len(PARQUETS) + len(STRICT) + len(ACTIONS)
    assert by_hand >= 300
    assert len(TABLES) + len(PARQUETS) + len(STRICT) >= 100
