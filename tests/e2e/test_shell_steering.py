"""Sessions run and steered from the prompt: interrupted, paused, looked at, left behind."""

import sqlite3
from collections.abc import Iterator

import pytest
from tests.shell_house import (
    CTRL_C,
    CTRL_D,
    ENTER,
    PROMPT,
    ShellHouse,
    ShellTerminal,
    shell,
    shell_house,
    stocked,
)

from app.core.processes import is_running

__all__ = ["shell", "shell_house", "stocked"]

pytestmark = pytest.mark.shell

# Longer with its first bar than the test waits for anything.
CRAWLING = """
from pathlib import Path
from threading import Event

from app.strategies import Strategy

class Crawling(Strategy):
    def on_bar(self, bar):
        Path("crawling").touch()
        Event().wait(60)
"""


@pytest.fixture
def running(shell_house: ShellHouse, shell: ShellTerminal) -> Iterator[ShellTerminal]:
    """A shell with a paced session in the background, an hour of it a second."""
    out = "\n".join(shell.run("system start paced.json"))
    assert "runs as process" in out
    shell.wait_until(lambda: "RUNNING" in prompt_of(shell), "the session in the prompt")
    yield shell


def prompt_of(shell: ShellTerminal) -> str:
    """The prompt's line as it stands."""
    lines = [line for line in shell.lines if PROMPT.match(line)]
    return lines[-1] if lines else ""


def pid_of(house: ShellHouse) -> int:
    (pid,) = [run["pid"] for run in house.runs() if run["state"] == "running"]
    return int(pid)


def state_of(house: ShellHouse) -> str:
    """Of the newest run, as it is recorded."""
    try:
        return str(house.runs()[0]["state"])
    except sqlite3.OperationalError:
        return ""


def test_ctrl_c_in_mid_replay_stops_the_run_and_the_shell_lives(
    shell_house: ShellHouse, shell: ShellTerminal
) -> None:
    shell.type("system start paced.json --wait" + ENTER)
    shell.wait_until(lambda: state_of(shell_house) == "running", "the run")
    shell.interrupt()
    assert state_of(shell_house) == "stopped"
    assert "stopped" in shell.text
    assert "MisMartera" in "\n".join(shell.run("version"))


def test_a_second_ctrl_c_does_not_wait_for_a_slow_strategy(
    shell_house: ShellHouse, shell: ShellTerminal
) -> None:
    strategies = shell_house.folder / "strategies"
    strategies.mkdir()
    (strategies / "crawling.py").write_text(CRAWLING, encoding="utf-8")
    config = (shell_house.folder / "first.json").read_text(encoding="utf-8")
    use = "app.strategies.examples.sma_cross:SmaCross"
    (shell_house.folder / "crawling.json").write_text(config.replace(use, "crawling.py"))
    shell.type("system start crawling.json" + ENTER)
    shell.wait_until((shell_house.folder / "crawling").exists, "the strategy's first bar")
    shell.type(CTRL_C)
    shell.take(2.0)
    assert state_of(shell_house) == "running"  # the first one waits for the strategy
    shell.interrupt()
    assert state_of(shell_house) == "stopped"
    assert "MisMartera" in "\n".join(shell.run("version"))


def test_a_session_is_steered_from_the_prompt_and_the_prompt_tells_its_state(
    running: ShellTerminal,
) -> None:
    assert "stands still" in "\n".join(running.run("system pause"))
    running.wait_until(lambda: "PAUSED" in prompt_of(running), "a paused session in the prompt")
    assert running.run("system step --count 3")
    assert running.run("system speed 7200")
    running.run("system resume")
    running.wait_until(lambda: "RUNNING" in prompt_of(running), "a running session in the prompt")
    assert "stopped" in "\n".join(running.run("system stop"))
    running.wait_until(lambda: "RUNNING" not in prompt_of(running), "a prompt without a session")


@pytest.mark.parametrize("view", ["data session", "watch SYN1"])
def test_a_live_view_takes_another_size_and_is_left_by_ctrl_c(
    running: ShellTerminal, view: str
) -> None:
    running.type(view + ENTER)
    running.wait_for("SYN1")
    running.resize(20, 60)
    running.take(1.2)  # more than one refresh in the new size
    running.interrupt()
    assert "Traceback" not in running.text
    assert "MisMartera" in "\n".join(running.run("version"))
    out = running.run("system status")
    assert max(map(len, out)) <= 60
    assert "RUNNING" in "\n".join(out)  # the session goes on


def test_ctrl_d_asks_while_a_session_runs_and_the_session_goes_on(
    shell_house: ShellHouse, running: ShellTerminal
) -> None:
    pid = pid_of(shell_house)
    running.type(CTRL_D)
    running.wait_for("Leave?")
    running.type("n" + ENTER)
    running.ready()
    running.type(CTRL_D)
    running.wait_until(lambda: running.text.count("Leave?") == 2, "the question")
    running.type("y" + ENTER)
    assert running.wait_for_end() == 0
    assert is_running(pid)
    other = shell_house.open()  # and is found by the next one
    other.wait_for("1 session runs")
    assert "stopped" in "\n".join(other.run("system stop"))


def test_a_paced_session_waits_in_the_foreground_where_that_is_asked_for(
    shell_house: ShellHouse, shell: ShellTerminal
) -> None:
    shell.type("system start paced.json --wait" + ENTER)
    shell.wait_until(lambda: state_of(shell_house) == "running", "the run")
    shell.wait_for("replaying")
    shell.interrupt()
    assert state_of(shell_house) == "stopped"
