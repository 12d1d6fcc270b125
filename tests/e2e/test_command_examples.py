"""Every example of the help runs as it is written, as text and with --json, in one story.

The story's folder has what a clone has, the files that the examples name, the bundled sample and
two finished runs. What needs a session that goes on is in `test_session_examples.py`.
"""

import json
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.data_house import minute_rows, rows_text

from app.cli.main import main
from app.cli.tree import LAUNCHER, walk

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = [example for one in walk() for example in one.examples]

# Of a session that goes on, or of a live run: test_session_examples.py has them.
OF_SESSIONS = (
    "system start session_configs/example_session.json --detach",
    *("system attach", "system pause", "system resume", "system step", "system speed"),
    *("system halt", "system release", "system stop", "system kill", "system positions"),
    *("system orders", "system fills", "system recover", "risk flatten", "practice start"),
    *("runs rebuild", "verify", "data session", "watch", "strategies reload"),
)
# Of a terminal, or a day's work: driven by tests of their own.
ELSEWHERE = {
    "shell": "test_shell_without_prompt.py",
    "tour": "test_shell_tour.py",
    # What asks a venue: they have venues on this machine.
    "data import-api": "test_import_api.py",
    "data sources test": "test_import_api.py",
    "data sources search": "test_import_api.py",
}
# What others of the story read, and what takes something away from them.
FIRST = ("data sample", "system start session_configs/example_session.json", "risk halt")
LAST = ("data delete", "admin log-level")
RESUME = 'risk resume --reason "the loss was a bad print, and is corrected"'
# Each starts a process that loads strategies: once must do.
COSTLY = ("strategies show", "strategies params")
# Exit codes that are not 0: as it is written, and once more with --json.
CODES = {
    "data delete SYN1 --yes": (0, 3),
    RESUME: (0, 1),
    "strategies new my_dip": (0, 2),
    "report export last --output exported": (0, 2),  # nothing is written over
    "data export SYN1 syn1.csv --start 2024-11-29 --end 2024-11-29": (0, 2),
    "report export last --format parquet --what fills,trades --output exported": (0, 2),
}


def words_of(example: str) -> str:
    return example.removeprefix(f"{LAUNCHER} ")


def is_of_a_session(example: str) -> bool:
    return words_of(example).startswith(OF_SESSIONS)


def is_elsewhere(example: str) -> bool:
    return words_of(example).startswith(tuple(ELSEWHERE))


def story() -> list[str]:
    """The examples in the order in which they can be run."""
    here = [one for one in EXAMPLES if not is_of_a_session(one) and not is_elsewhere(one)]
    told = list(dict.fromkeys(words_of(one) for one in here))
    begin = [one for first in FIRST for one in told if one.startswith(first)]
    end = [one for last in LAST for one in told if one.startswith(last)]
    return [*begin, *(one for one in told if one not in (*begin, *end)), *end]


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warm_looks: None) -> Iterator[Path]:
    """A folder with what a clone has, and the files that examples name; a week is replayed."""
    shutil.copytree(ROOT / "session_configs", tmp_path / "session_configs")
    example = tmp_path / "session_configs" / "example_session.json"
    example.write_text(example.read_text().replace("2024-12-13", "2024-11-05"))
    (tmp_path / "aapl.csv").write_text(rows_text(minute_rows("2024-01-02T09:30", 5)))
    (tmp_path / "instruments.csv").write_text("symbol,tick\nSYN1,0.01\n")
    (tmp_path / "actions.csv").write_text("symbol,ex_date,kind,value\nSYN1,2024-11-06,split,2\n")
    _write_parquet(tmp_path / "btc.parquet")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", "data")
    yield tmp_path


def _write_parquet(path: Path) -> None:
    import pandas as pd

    start = pd.date_range("2024-01-02T09:30", periods=5, freq="min", tz="UTC")
    prices = {name: [10.0] * 5 for name in ("open", "high", "low", "close", "volume")}
    pd.DataFrame({"timestamp": start, **prices}).to_parquet(path)


def test_each_example_runs_as_it_is_written(
    clone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    faults = [
        fault
        for words in story()
        for fault in (*_as_written(words, capsys), *_as_json(words, capsys))
    ]
    assert faults == []


def _as_written(words: str, capsys: pytest.CaptureFixture[str]) -> Iterator[str]:
    code = main(shlex.split(words))
    said = capsys.readouterr()
    if code != CODES.get(words, (0, 0))[0]:
        yield f"{words}: ended with {code}: {said.err[-300:]}"
    elif not said.out:
        yield f"{words}: said nothing"
    elif words.endswith("--json"):
        yield from _no_json(words, said.out)


def _as_json(words: str, capsys: pytest.CaptureFixture[str]) -> Iterator[str]:
    """One JSON value on standard output, a line for each where it streams; else an error as one."""
    if words.startswith(COSTLY) or words.endswith("--json"):
        return
    code = main([*shlex.split(words), "--json"])
    said = capsys.readouterr()
    if code != CODES.get(words, (0, 0))[1]:
        yield f"{words} --json: ended with {code}: {said.err[-300:]}"
        return
    yield from _no_json(words, said.out or said.err)


def _no_json(words: str, text: str) -> Iterator[str]:
    for line in text.splitlines() or [""]:
        try:
            json.loads(line)
        except ValueError:
            yield f"{words}: no JSON: {line[:200]}"


def test_the_story_leaves_no_example_out() -> None:
    told = {words_of(one) for one in EXAMPLES}
    others = [one for one in EXAMPLES if is_of_a_session(one) or is_elsewhere(one)]
    assert told == {*story(), *(words_of(one) for one in others)}
    assert all((Path(__file__).parent / name).is_file() for name in ELSEWHERE.values())
    for words in (*OF_SESSIONS, *FIRST, *LAST, *COSTLY, *CODES, *ELSEWHERE):
        assert any(one.startswith(words) for one in told), f"{words} is no example any more"
