"""The shell and its processes in a real terminal: Ctrl+C, the background, and how it is left."""

import os
import signal
import sys

import pytest
from tests.shell_house import (
    CTRL_C,
    CTRL_D,
    CTRL_Z,
    ENTER,
    ShellHouse,
    ShellTerminal,
    Terminal,
    shell,
    shell_house,
    stocked,
)

from app.core.processes import is_running

__all__ = ["shell", "shell_house", "stocked"]

pytestmark = pytest.mark.shell


def answers(shell: ShellTerminal) -> None:
    """Whatever was shown above the prompt meanwhile, a command runs and is answered."""
    before = shell.text.count("(Python ")
    shell.type("version" + ENTER)
    shell.wait_until(lambda: shell.text.count("(Python ") == before + 1, "an answer")
    shell.ready()


def test_ctrl_c_in_mid_replay_ends_that_run_in_order_and_nothing_else(
    shell_house: ShellHouse, shell: ShellTerminal
) -> None:
    shell.type("system start slow.json --wait; version" + ENTER)
    shell.wait_for("2 sessions of SYN1")
    shell.type(CTRL_C)
    shell.wait_for("Not run: version")
    shell.wait_for("[130]")
    answers(shell)
    assert shell_house.runs()[0]["state"] == "stopped"
    assert "Traceback" not in shell.text


def test_ctrl_c_before_a_child_is_awake_leaves_no_traceback(shell: ShellTerminal) -> None:
    for _ in range(3):
        shell.type("verify 2026" + ENTER + CTRL_C)
        answers(shell)
    assert "Traceback" not in shell.text


def test_a_paced_session_goes_to_the_background_and_outlives_the_shell(
    shell_house: ShellHouse, shell: ShellTerminal
) -> None:
    shell.type("system start slow.json" + ENTER)
    shell.wait_for("follows it.")
    answers(shell)
    shell.type(CTRL_C)  # at the prompt it is the line's, not the session's
    answers(shell)
    shell.type(CTRL_D)
    shell.wait_for("Leave?")
    shell.type("n" + ENTER)
    answers(shell)
    shell.type(CTRL_D)
    shell.wait_until(lambda: shell.text.count("Leave?") == 2, "the question again")
    shell.type(ENTER)
    assert shell.wait_for_end() == 0
    assert shell_house.runs()[0]["state"] == "running"
    assert is_running(shell_house.runs()[0]["pid"])


def test_ctrl_z_gives_the_terminal_back_and_the_line_stands_when_it_returns(
    shell_house: ShellHouse,
) -> None:
    outer = Terminal(["bash", "--norc"], shell_house.folder, shell_house.environment({}))
    try:
        outer.type(f"{sys.executable} -m app.cli.main{ENTER}")
        outer.wait_for("system@mismartera:")
        outer.type("vers")
        outer.wait_for("> vers")
        outer.type(CTRL_Z)
        outer.wait_until(lambda: "Stopped" in outer.text and "> vers" not in outer.text, "a stop")
        outer.type(f"stty -a | grep -wo icanon{ENTER}")
        outer.wait_until(lambda: "\nicanon" in outer.text, "a cooked terminal")
        outer.type(f"fg{ENTER}")
        outer.wait_for("> vers")
        outer.type(f"ion{ENTER}")
        outer.wait_for("(Python ")
    finally:
        outer.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_shell_in_order_and_its_terminal_is_as_it_was(
    shell_house: ShellHouse, number: signal.Signals
) -> None:
    program = f"sh -c 'echo $$ > pid; exec {sys.executable} -m app.cli.main'"
    outer = Terminal(["bash", "--norc"], shell_house.folder, shell_house.environment({}))
    try:
        outer.type(f"stty -g > before; {program}; echo code $?; stty -g > after; echo done{ENTER}")
        outer.wait_for("system@mismartera:")
        outer.type("version" + ENTER)
        outer.wait_for("MisMartera 0.1.0 (")
        outer.type("half a line")
        outer.wait_for("half a line")
        os.kill(int((shell_house.folder / "pid").read_text(encoding="utf-8")), number)
        outer.wait_for("code 130")
        outer.wait_until(lambda: "\ndone" in outer.text, "the end")
    finally:
        outer.close()
    before, after = (shell_house.folder / name for name in ("before", "after"))
    assert before.read_text(encoding="utf-8") == after.read_text(encoding="utf-8")
    history = (shell_house.data / "shell" / "history").read_text(encoding="utf-8")
    assert history == "version\n"
