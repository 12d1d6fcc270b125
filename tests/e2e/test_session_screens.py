"""`data session`, `watch` and `system attach` on a real terminal, beside a session that goes on."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from tests.shell_house import CTRL_C, SHELL, ShellHouse, ShellTerminal, config_text

pytestmark = pytest.mark.live

FRAME = re.compile(r"[┏┳┓┡╇┩└┴┘━─]+|[│┃].*[│┃]")


class Desk:
    """A session in a process of its own, and terminals that look at it."""

    def __init__(self, house: ShellHouse) -> None:
        self.house = house
        text = config_text("followed", "2024-12-13", speed=1_200, derived_intervals=["5m"])
        (house.folder / "followed.json").write_text(text, encoding="utf-8")
        told = self.run("system", "start", "followed.json", "--detach", "--json")
        self.run_id = json.loads(told)["run_id"]

    def run(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, *SHELL, *words], cwd=self.house.folder,
            env=self.house.environment({}), capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def open(self, *words: str, size: tuple[int, int] = (24, 80)) -> ShellTerminal:
        return self.house.open(*words, size=size)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sample's bars; copied, as making it takes seconds."""
    folder = tmp_path_factory.mktemp("stored")
    environment = ShellHouse(folder).environment({})
    words = [sys.executable, *SHELL, "data", "sample"]
    subprocess.run(words, cwd=folder, env=environment, capture_output=True, check=True, timeout=60)
    return folder


@pytest.fixture
def desk(stored: Path, tmp_path: Path) -> Iterator[Desk]:
    shutil.copytree(stored, tmp_path / "house")
    house = ShellHouse(tmp_path / "house")
    yield Desk(house)
    house.close()


def table_lines(terminal: ShellTerminal) -> list[str]:
    return [line for line in terminal.lines if line[:1] in ("│", "┃", "┏", "┡", "└")]


def is_whole(terminal: ShellTerminal) -> bool:
    """Whether there is one table, and no line of it is torn."""
    lines = table_lines(terminal)
    tops = [line for line in terminal.lines if line.startswith("┏")]
    return (
        len(tops) == 1
        and len({len(line) for line in lines}) == 1
        and all(FRAME.fullmatch(line) for line in lines)
        and lines[-1].startswith("└")
    )


def fills(terminal: ShellTerminal, run_id: str, columns: int) -> bool:
    """Whether a screen shows a table that makes use of its width."""
    if terminal.lines[0] != f"Run {run_id}" or not is_whole(terminal):
        return False
    return columns - 40 < max(map(len, table_lines(terminal))) <= columns


def test_a_session_is_followed_on_a_screen_that_grows_and_shrinks_and_never_tears(
    desk: Desk,
) -> None:
    terminal = desk.open("data", "session")
    terminal.wait_until(lambda: is_whole(terminal), "a table")
    assert terminal.lines[0] == f"Run {desk.run_id}"
    first = terminal.lines[1]
    terminal.wait_until(lambda: terminal.lines[1] != first, "a later instant")
    for rows, columns in ((24, 60), (40, 150), (10, 80), (24, 100), (24, 80)):
        terminal.resize(rows, columns)
        terminal.wait_until(
            partial(fills, terminal, desk.run_id, columns), f"a table of {columns} columns"
        )
    terminal.type("q")
    assert terminal.wait_for_end() == 0
    assert f"Run {desk.run_id} goes on." in terminal.text
    assert "\x1b[?1049h" in terminal.raw.decode() and "\x1b[?1049l" in terminal.raw.decode()


def test_ctrl_c_leaves_a_screen_and_the_end_of_the_session_does(desk: Desk) -> None:
    watching = desk.open("watch", "SYN1", "--bars", "5")
    attached = desk.open("system", "attach")
    watching.wait_for("Bars of 5m")
    attached.wait_for("working orders")
    attached.type(CTRL_C)
    assert attached.wait_for_end() == 0
    assert "goes on." in attached.text
    desk.run("system", "stop")
    assert watching.wait_for_end() == 0
    told = " ".join(watching.text.split())
    assert f"Run {desk.run_id} has ended. 'runs show {desk.run_id}' tells of it." in told


def test_a_pipe_gets_a_line_a_second_and_json_an_object_a_line(desk: Desk) -> None:
    asked = (
        "data session",
        "data session --json --symbols SYN2",
        "watch SYN1",
        "watch SYN1 --json",
    )
    followers = [
        subprocess.Popen(
            [sys.executable, *SHELL, *words.split()], cwd=desk.house.folder,
            env=desk.house.environment({}), stdout=subprocess.PIPE, text=True,
        )
        for words in asked
    ]  # fmt: skip
    told = []
    for follower in followers:
        assert follower.stdout is not None
        told.append([follower.stdout.readline() for _ in range(2)])
    desk.run("system", "stop")
    for words, follower, lines in zip(asked, followers, told, strict=True):
        out, _ = follower.communicate(timeout=20)
        assert follower.returncode == 0
        if "--json" in words:
            first, second = (json.loads(line) for line in lines)
            assert first["now_ns"] < second["now_ns"]
            assert len(first["symbols"]) == 1
            assert all(json.loads(line) for line in out.splitlines())
        else:
            assert lines[0].startswith("2024-11-")
            assert lines[0] != lines[1]
            assert "has ended" in out
