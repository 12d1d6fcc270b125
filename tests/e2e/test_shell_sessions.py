"""Sessions in the background of a shell: what happens there stands above the prompt, untorn."""

import os
import re
import signal

import pytest
from tests.shell_house import (
    CTRL_D,
    CTRL_U,
    ENTER,
    ShellHouse,
    ShellTerminal,
    config_text,
    shell,
    shell_house,
    stocked,
)

__all__ = ["shell", "shell_house", "stocked"]

pytestmark = pytest.mark.shell

FILL = re.compile(
    r"^\d\d:\d\d:\d\d  \S.{11}  (buy |sell) +[\d,]+ SYN\d +at +[\d,.]+  (flat|holds -?[\d,]+)"
    r"( \(\d+ fills\))?$"
)


def begin(shell: ShellTerminal, house: ShellHouse, name: str, speed: float) -> str:
    """A session in the background; its run's id."""
    text = config_text(name, "2024-11-04", speed=speed)
    (house.folder / f"{name}.json").write_text(text, encoding="utf-8")
    shell.run(f"system start {name}.json")
    return str(house.runs()[0]["run_id"])


def test_fills_stand_above_a_line_that_is_being_typed_and_leave_it_whole(
    shell_house: ShellHouse, shell: ShellTerminal
) -> None:
    run_id = begin(shell, shell_house, "morning", 1500)
    shell.wait_for("started: replay at speed 1500, equity 100,000.00 USD")
    shell.type("runs show " + run_id)
    shell.wait_until(lambda: shell.text.count("  holds ") >= 4, "some fills")
    shell.wait_until(lambda: shell.typed() == f"runs show {run_id}", "the line, whole")
    told = [line for line in shell.screen.all_lines if "  buy " in line or "  sell " in line]
    assert [line for line in told if not FILL.match(line)] == []
    shell.type(CTRL_U)
    shell.run("events off")
    shell.take(0.5)
    count = shell.text.count("SYN1")
    shell.take(1.0)
    assert shell.text.count("SYN1") == count
    shell.type("system kill" + ENTER)
    shell.wait_for(f"'runs show {run_id}' tells of it")
    shell.wait_until(lambda: " idle" in shell.lines[shell.screen.cursor.y], "an idle prompt")


def test_a_session_that_is_killed_is_told_of_while_the_prompt_stands(
    shell_house: ShellHouse, shell: ShellTerminal
) -> None:
    begin(shell, shell_house, "doomed", 60)
    shell.wait_for("doomed        started: replay at speed 60")
    os.kill(shell_house.runs()[0]["pid"], signal.SIGKILL)
    shell.wait_for("BROKE OFF: its process has died", 3)
    shell.ready()


def test_another_shell_follows_what_this_one_started_and_leaves_it_running(
    shell_house: ShellHouse, shell: ShellTerminal
) -> None:
    run_id = begin(shell, shell_house, "shared", 60)
    other = shell_house.open()
    other.ready()
    assert run_id in other.text
    other.run("follow")
    other.wait_for("is running: replay at speed 60")
    shell.run("system pause")
    other.wait_for("shared        paused")
    other.wait_until(lambda: "PAUSED" in other.lines[other.screen.cursor.y], "the state")
    assert f"The prompt speaks of {run_id}." in "\n".join(other.run("focus"))
    assert "No session 'x' runs" in "\n".join(other.run("follow x"))
    assert "takes one word at most" in "\n".join(other.run("events on off"))
    other.run("unfollow")
    assert other.leave() == 0
    shell.type(CTRL_D)
    shell.wait_for("Still running, started here")
    shell.wait_for("Leave? [Y/n]")  # typed before, an answer is echoed before the question
    shell.type("n" + ENTER)
    shell.run("system stop")


def test_a_dumb_terminal_is_told_between_its_commands(shell_house: ShellHouse) -> None:
    shell = shell_house.open(TERM="dumb")
    begin(shell, shell_house, "plain", 1500)
    shell.take(1.5)
    assert "  buy " not in shell.text
    shell.run("version")
    shell.wait_for("  buy ")
    shell.run("system kill")
    assert b"\x1b" not in shell.raw
