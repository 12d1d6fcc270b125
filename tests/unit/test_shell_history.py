"""The shell's history: kept between sessions, without doubles and without secrets."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cli.shell import history
from app.cli.shell.history import FILE_NAME, LineHistory
from app.cli.shell.words import without_secrets


def test_lines_are_kept_for_their_owner_alone_the_newest_first(tmp_path: Path) -> None:
    kept = LineHistory(tmp_path)
    for line in ("version", "runs list", "data list"):
        kept.append_string(line)
    assert list(LineHistory(tmp_path).load_history_strings()) == [
        "data list", "runs list", "version",
    ]  # fmt: skip
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600


def test_a_line_that_begins_with_a_space_is_not_kept(tmp_path: Path) -> None:
    kept = LineHistory(tmp_path)
    kept.append_string(" version")
    kept.append_string("  ")
    assert kept.get_strings() == []
    assert not (tmp_path / FILE_NAME).exists()


def test_a_line_given_again_is_the_newest_and_there_once(tmp_path: Path) -> None:
    kept = LineHistory(tmp_path)
    for line in ("a", "b", "a", "a"):
        kept.append_string(line)
    assert kept.get_strings() == ["b", "a"]
    assert list(LineHistory(tmp_path).load_history_strings()) == ["a", "b"]


def test_pasted_lines_come_back_as_one_entry(tmp_path: Path) -> None:
    entry = "version\nruns show a\\nb\\"
    LineHistory(tmp_path).append_string(entry)
    assert list(LineHistory(tmp_path).load_history_strings()) == [entry]


def test_the_file_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MOST_KEPT", 3)
    kept = LineHistory(tmp_path)
    for number in range(10):
        kept.append_string(f"line {number}")
    assert list(LineHistory(tmp_path).load_history_strings()) == ["line 9", "line 8", "line 7"]
    assert (tmp_path / FILE_NAME).read_text(encoding="utf-8").count("\n") == 3
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600


def test_what_holds_a_text_is_found(tmp_path: Path) -> None:
    kept = LineHistory(tmp_path)
    for line in ("runs list", "data list", "runs show X"):
        kept.append_string(line)
    assert kept.newest("RUNS", 10) == ["runs list", "runs show X"]
    assert kept.newest("", 2) == ["data list", "runs show X"]


def test_a_file_that_cannot_be_read_or_written_takes_nobody_s_prompt_away(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()
    kept = LineHistory(tmp_path)
    kept.append_string("version")
    assert list(kept.load_history_strings()) == []


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("connect --api-key abc123 --paper", "connect --api-key *** --paper"),
        ("connect --secret=abc123", "connect --secret=***"),
        ("connect --token 'a b c' x", "connect --token *** x"),
        ('connect --api-secret="a b', "connect --api-secret=***"),
        ("connect --passphrase abc; version", "connect --passphrase ***; version"),
        ("connect --api-key --paper", "connect --api-key --paper"),
        ("config new --database postgresql://me:hidden@host/db", None),
        ("note APCA_API_KEY_ID=abc123", "note APCA_API_KEY_ID=***"),
        ("risk halt --reason 'no monkey business'", "risk halt --reason 'no monkey business'"),
    ],
)
def test_secrets_are_not_kept(line: str, kept: str | None) -> None:
    expected = kept or "config new --database postgresql://me:***@host/db"
    assert without_secrets(line) == expected


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), max_size=12))
def test_whatever_is_given_comes_back_newest_first_and_once(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("history")
    kept = LineHistory(folder)
    for line in lines:
        kept.append_string(line)
    given_lines = [without_secrets(line).rstrip() for line in lines]
    expected = dict.fromkeys(one for one in reversed(given_lines) if one and not one[0].isspace())
    assert list(LineHistory(folder).load_history_strings()) == list(expected)
