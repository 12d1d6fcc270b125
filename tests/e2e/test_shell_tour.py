"""`tour`, in a terminal and off one: its steps are real commands in a folder of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.shell_house import CTRL_D, ENTER, SHELL, ShellHouse

pytestmark = pytest.mark.shell

ASKS = "Enter runs it"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[ShellHouse]:
    made = ShellHouse(tmp_path)
    yield made
    made.close()


def test_off_a_terminal_it_runs_all_and_what_it_shows_can_be_typed_again(house: ShellHouse) -> None:
    done = subprocess.run(
        [sys.executable, *SHELL, "tour", "--folder", "practice", "--json"],
        cwd=house.folder,
        env=house.environment({"MISMARTERA_LOG_LEVEL": "ERROR"}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert told["folder"] == "practice"
    assert [step["command"][0] for step in told["steps"]] == [
        *("system", "system", "report", "strategies", "system"),
    ]
    assert all(step["exit_code"] == 0 for step in told["steps"])
    assert len(told["runs"]) == 3
    assert {"first.json", "second.json", "strategies/my_first.py"} <= {*told["files"]}
    assert sorted(os.listdir(house.folder)) == ["practice"]  # nothing of the user's is touched
    compare = told["steps"][2]["command"]
    again = subprocess.run(
        [sys.executable, *SHELL, *compare, "--json"],
        cwd=house.folder / "practice",
        env={k: v for k, v in house.environment({}).items() if not k.startswith("MISMARTERA_")},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    paths = [one["path"] for one in json.loads(again.stdout)["config"]]
    assert paths == ["name", "strategies[0].params.fast"]


def test_on_a_terminal_enter_runs_a_step_s_skips_it_and_q_leaves(house: ShellHouse) -> None:
    terminal = house.open("tour", size=(40, 100))
    terminal.wait_for(ASKS)
    assert "1 of 4" in terminal.text
    assert "  system start first.json" in terminal.text
    assert not (house.data / "tour" / "data").exists()  # it waits
    terminal.type(ENTER)
    terminal.wait_for("2 of 4")
    assert "final equity" in terminal.text
    terminal.wait_until(lambda: terminal.text.count(ASKS) == 2, "the second question")
    terminal.type("what?" + ENTER)
    terminal.wait_until(lambda: terminal.text.count(ASKS) == 3, "it asks again")
    terminal.type("s" + ENTER)
    terminal.wait_for("There are no two runs to compare. Skipped.")
    terminal.wait_until(lambda: terminal.text.count(ASKS) == 4, "the question of the last step")
    terminal.type("q" + ENTER)
    assert terminal.wait_for_end() == 0
    assert "You left the tour." in terminal.text
    assert "docs/STRATEGIES.md" in terminal.text
    assert len(list((house.data / "tour" / "data" / "runs").iterdir())) == 1


def test_ctrl_d_leaves_it_and_another_tour_has_another_folder(house: ShellHouse) -> None:
    for name in ("tour", "tour-2"):
        terminal = house.open("tour")
        terminal.wait_for(ASKS)
        terminal.type(CTRL_D)
        assert terminal.wait_for_end() == 0
        assert (house.data / name / "first.json").is_file()


def test_a_folder_with_something_in_it_is_left_alone(house: ShellHouse) -> None:
    (house.folder / "mine").mkdir()
    (house.folder / "mine" / "first.json").write_text("{}", encoding="utf-8")
    terminal = house.open("tour", "--folder", "mine")
    assert terminal.wait_for_end() == 2
    assert "is not empty" in terminal.text
    assert (house.folder / "mine" / "first.json").read_text(encoding="utf-8") == "{}"
