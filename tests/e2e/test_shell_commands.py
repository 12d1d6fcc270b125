"""Every command of the help tree, in one long-lived shell and one-shot: the same JSON.

Two copies of one folder take the same lines in the same order, so that what a line changes is
changed for those behind it in both.
"""

import json
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.shell_house import ENTER, ShellHouse, ShellTerminal, shell_house, stocked

from app.cli.main import main
from app.cli.tree import walk

__all__ = ["shell_house", "stocked"]

pytestmark = pytest.mark.shell

EXACT = "exact"  # the same value, but for ids, times and places
SHAPE = "shape"  # the same names and kinds: a session went on meanwhile
Line = tuple[str, str]

# FIRST and SECOND are the two runs on record, LAST is the newest.
OF_BOOKS: tuple[Line, ...] = (
    ("init-db", EXACT),
    ("version", EXACT),
    ("doctor", SHAPE),
    ("admin log-level", EXACT),
    ("time now", SHAPE),
    ("time session 2024-11-29", EXACT),
    ("time holidays 2024", EXACT),
    ("time import-holidays --from 2024 --to 2024", SHAPE),
    ("data sample", EXACT),
    ("data export SYN1 aapl.csv --start 2024-11-29 --end 2024-11-29", EXACT),
    ("data import-csv aapl.csv --symbol AAPL --timezone UTC", EXACT),
    ("data export SYN1 btc.parquet --start 2024-11-29 --end 2024-11-29", EXACT),
    ("data import-parquet btc.parquet --symbol BTC/USDT --market 24/7", EXACT),
    ("data list", EXACT),
    ("data show AAPL --interval 5m", EXACT),
    ("data quality THIN --start 2024-12-10", EXACT),
    ("data delete AAPL --yes", EXACT),
    ("data sources list", EXACT),
    ("data instruments set ES --market CMES --tick 0.25 --multiplier 50", EXACT),
    ("data instruments import instruments.csv", EXACT),
    ("data instruments list", EXACT),
    ("data actions import actions.csv", EXACT),
    ("data actions list SYN2", EXACT),
    ("config check first.json", EXACT),
    ("config schema", EXACT),
    ("config new made.json --yes", SHAPE),
    ("strategies list", EXACT),
    ("strategies show SmaCross", EXACT),
    ("strategies params SmaCross", EXACT),
    ("strategies new my_rule", EXACT),
    ("runs list", EXACT),
    ("runs show FIRST", EXACT),
    ("runs orders FIRST", EXACT),
    ("runs rebuild FIRST", EXACT),  # a replay: it says so
    ("report show FIRST", EXACT),
    ("report html FIRST --output page.html", SHAPE),
    ("report open FIRST", SHAPE),
    ("report export FIRST --output exported", SHAPE),
    ("report compare FIRST SECOND", EXACT),
    ("verify FIRST", EXACT),
    ("why 1 --run FIRST", EXACT),
    ('why-not SYN1 "2024-11-01 10:31" --run FIRST', EXACT),
    ("risk limits first.json", EXACT),
    ("risk check first.json buy 100 SYN1", EXACT),
    ('risk halt --reason "no trading before the figures"', SHAPE),
    ("risk status", SHAPE),
    ("risk history", SHAPE),
    ("risk resume --reason calm", SHAPE),
    ("risk drill first.json", SHAPE),
    ("system recover --dry-run", EXACT),  # nothing broke off: it says so
    ("system start first.json", EXACT),
)
OF_SESSIONS: tuple[Line, ...] = (
    ("system start paced.json --detach", SHAPE),
    ("system status", SHAPE),
    ("system pause", EXACT),
    ("system step --count 5", SHAPE),
    ("system speed 7200", EXACT),
    ("system resume", EXACT),
    ("system positions", SHAPE),
    ("system orders", SHAPE),
    ("system fills", SHAPE),
    ("data session --once", SHAPE),
    ("watch SYN1 --once", SHAPE),
    ("strategies reload SmaCross", EXACT),
    ("system halt", EXACT),
    ("system release --reason mine", EXACT),
    ("system stop", SHAPE),
    ("system start paced.json --detach", SHAPE),
    ("system kill", SHAPE),
    ("system start paced.json --detach", SHAPE),
    ('risk flatten --reason "it buys without end"', SHAPE),
)
ELSEWHERE = {
    "help": "test_shell_typing.py",
    "shell": "it is what all of this is typed into",
    "tour": "test_shell_tour.py",
    "data import-api": "test_import_api.py: it asks a venue",
    "data sources test": "test_import_api.py: it asks a venue",
    "data sources search": "test_import_api.py: it asks a venue",
    "system attach": "below: it goes on until Ctrl+C",
    "practice start": "below: it serves until Ctrl+C",
}
# What refuses: nothing broke off, a replay has no journal, and is not reloaded.
REFUSED = ("runs rebuild", "verify", "strategies reload", "system recover", "system release")
# What differs from one time to the next.
VOLATILE = {"pid", "log", "replay_seconds", "bars_per_second", "started_at", "ended_at", "database"}
RUN_ID = re.compile(r"\d{8}-\d{6}-[a-z0-9-]+")


@pytest.fixture
def twins(stocked: Path, tmp_path: Path) -> Iterator[tuple[ShellHouse, ShellHouse]]:
    houses = []
    for name in ("typed", "given"):
        shutil.copytree(stocked, tmp_path / name)
        folder = tmp_path / name
        (folder / "instruments.csv").write_text("symbol,tick\nSYN1,0.01\n")
        (folder / "actions.csv").write_text("symbol,ex_date,kind,value\nSYN2,2024-12-02,split,2\n")
        houses.append(ShellHouse(folder))
    yield houses[0], houses[1]
    for house in houses:
        house.close()


def given_line(line: str, house: ShellHouse) -> str:
    """The line with runs that there are."""
    runs = [run["run_id"] for run in house.runs()]
    found = {"FIRST": "-first", "SECOND": "-second"}
    for word, end in found.items():
        if word in line:
            line = line.replace(word, next(run for run in reversed(runs) if run.endswith(end)))
    return line


def json_of(text: str) -> Any:
    """The first JSON value that stands on a line of its own."""
    for line in text.splitlines():
        if line.startswith(("{", "[")):
            try:
                return json.loads(line)
            except ValueError:
                continue
    return None


def plain(value: Any, house: ShellHouse) -> Any:
    """Without ids, times and places."""
    if isinstance(value, dict):
        return {k: "-" if k in VOLATILE else plain(v, house) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(part, house) for part in value]
    if isinstance(value, str):
        return RUN_ID.sub("RUN", value.replace(str(house.folder), "HOUSE")).replace(
            "HOUSE/data", "data"
        )
    return value


def shape(value: Any) -> Any:
    """Names and kinds alone; of a list none, as it may be empty."""
    if isinstance(value, dict):
        return {name: shape(part) for name, part in value.items()}
    if isinstance(value, list):
        return "list"
    return "number" if isinstance(value, int | float) else "value"


def typed(shell: ShellTerminal, line: str) -> Any:
    """The JSON that the shell shows for a line; as it was written, for the screen breaks it."""
    before = len(shell.raw)
    shell.run(f"{line} --json", seconds=40)
    text = shell.raw[before:].decode(errors="replace").replace("\r", "\n")
    return json_of(re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text))


def test_every_command_is_in_the_story() -> None:
    leaves = {" ".join(one.words) for one in walk() if one.words and not one.children}
    lines = [line for line, _ in (*OF_BOOKS, *OF_SESSIONS)]
    told = {leaf for leaf in leaves for line in lines if f"{line} ".startswith(f"{leaf} ")}
    assert leaves == told | {*ELSEWHERE}
    assert not told & {*ELSEWHERE}


@pytest.mark.timeout(240)
@pytest.mark.parametrize("lines", [OF_BOOKS, OF_SESSIONS], ids=["books", "sessions"])
def test_a_command_says_the_same_in_the_shell_and_one_shot(
    lines: tuple[Line, ...],
    twins: tuple[ShellHouse, ShellHouse],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    typing, giving = twins
    shell = typing.open(size=(50, 200), MISMARTERA_LOG_LEVEL="ERROR")
    shown = [(line, typed(shell, given_line(line, typing))) for line, _ in lines]
    assert shell.leave() == 0
    monkeypatch.chdir(giving.folder)
    for name, value in giving.environment({"MISMARTERA_LOG_LEVEL": "ERROR"}).items():
        monkeypatch.setenv(name, value)
    capsys.readouterr()
    faults = []
    for (line, kind), (_, in_shell) in zip(lines, shown, strict=True):
        main([*shlex.split(given_line(line, giving)), "--json"])
        said = capsys.readouterr()
        one_shot = json_of(said.out or said.err)
        left, right = plain(in_shell, typing), plain(one_shot, giving)
        if kind is SHAPE:
            left, right = shape(left), shape(right)
        is_refused = isinstance(right, dict) and "exit_code" in right
        if left is None or left != right or is_refused != line.startswith(REFUSED):
            sides = json.dumps(left)[:2_000], json.dumps(right)[:2_000]
            faults.append(f"{line}\n  in the shell: {sides[0]}\n  one-shot:     {sides[1]}")
    assert not faults, "\n".join(faults)


def test_what_serves_or_follows_is_left_by_ctrl_c(shell_house: ShellHouse) -> None:
    shell = shell_house.open(size=(30, 100))
    shell.ready()
    shell.type("practice start --symbols SYN1 --port 0" + ENTER)
    shell.wait_for("http://127.0.0.1:")
    shell.interrupt()
    shell.run("system start paced.json")
    shell.type("system attach" + ENTER)
    shell.wait_for("working orders")
    shell.interrupt()
    assert "RUNNING" in "\n".join(shell.run("system status"))
