"""In the shell: making a config and a strategy, and asking what there is and if all is well."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.shell_house import (
    CTRL_C,
    ENTER,
    ShellHouse,
    ShellTerminal,
    shell,
    shell_house,
    stocked,
)

__all__ = ["shell", "shell_house", "stocked"]

pytestmark = pytest.mark.shell

ROOT = Path(__file__).resolve().parents[2]


def answer(shell: ShellTerminal, question: str, text: str = "") -> None:
    """Wait for a question, and answer it; what was asked before is not waited for again."""
    shell.wait_until(
        lambda: question in shell.screen.all_lines[shell.screen.cursor_line], repr(question), 40
    )
    shell.type(text + ENTER)


def test_a_config_is_asked_for_in_the_shell_and_started_from_it(
    shell: ShellTerminal, shell_house: ShellHouse
) -> None:
    shell.type("config new" + ENTER)
    answer(shell, "What is the run called [my run]", "mine")
    answer(shell, "Replay history, or trade live [replay]")
    shell.wait_for("Stored 1m bars on XNYS: SYN1")
    answer(shell, "Symbols [SYN1 SYN2]", "SYN?")
    answer(shell, "Symbols [SYN1 SYN2]", "SYN1")
    answer(shell, "First date [2024-11-01]", "2024-11-04")
    answer(shell, "Last date [2024-12-13]", "2024-11-05")
    answer(shell, "Strategy, by its number or name [SmaCross]", "3")
    answer(shell, "fast, a whole number from 2 to 50 [10]", "500")
    shell.wait_for("fast: 500 is not a whole number from 2 to 50.")
    answer(shell, "fast, a whole number from 2 to 50 [10]", "5")
    answer(shell, "slow, a whole number from 5 to 200 [30]")
    answer(shell, "Cash of the account [100000]")
    answer(shell, "Bound what one symbol may be worth? [y/N]")
    answer(shell, "Stop entries after a loss in one day? [y/N]", "y")
    answer(shell, "Per cent of equity [3]")
    answer(shell, "Protect each position by a stop-loss? [y/N]")
    answer(shell, "Be flat before each close? [y/N]")
    shell.wait_for("To be written to session_configs/mine.json")
    answer(shell, "Write it? [Y/n]")
    shell.ready()
    path = shell_house.folder / "session_configs" / "mine.json"
    written = json.loads(path.read_text(encoding="utf-8"))
    assert written["strategies"][0]["params"] == {"fast": 5, "slow": 30}
    assert written["risk"] == {"max_daily_loss_percent": 3}
    lines = "\n".join(shell.run("config check session_configs/mine.json"))
    assert "session_configs/mine.json: ok" in lines
    assert shell.leave() == 0


def test_ctrl_c_amid_the_questions_leaves_nothing_and_the_prompt_is_back(
    shell: ShellTerminal, shell_house: ShellHouse
) -> None:
    shell.type("config new" + ENTER)
    answer(shell, "What is the run called [my run]", "gone")
    shell.wait_for("Replay history, or trade live [replay]")
    shell.type(CTRL_C)
    shell.ready()
    assert not (shell_house.folder / "session_configs").exists()
    assert any("SmaCross" in line for line in shell.run("strategies list", 40))
    assert shell.leave() == 0


def test_a_dumb_terminal_is_asked_as_well(shell_house: ShellHouse) -> None:
    terminal = shell_house.open("config", "new", "here.json", TERM="dumb", NO_COLOR="1")
    for count in range(1, 15):
        terminal.wait_until(lambda: terminal.text.count("]:") >= count, f"question {count}", 40)  # noqa: B023
        terminal.type(ENTER)
    assert terminal.wait_for_end() == 0
    assert b"\x1b[" not in terminal.raw
    assert (shell_house.folder / "here.json").exists()


def test_a_strategy_made_in_the_shell_passes_the_type_checker_and_pytest(
    shell: ShellTerminal, shell_house: ShellHouse
) -> None:
    assert any("Written:" in line for line in shell.run("strategies new my_dip"))
    lines = "\n".join(shell.run("strategies show MyDip", 40))
    assert "my_dip.py" in lines
    files = ["strategies/my_dip.py", "strategies/tests/test_my_dip.py"]
    settings = str(ROOT / "pyproject.toml")
    cache = str(ROOT / ".mypy_cache")
    for words in (
        ["mypy", "--config-file", settings, "--cache-dir", cache, *files],
        ["pytest", "-q", "-p", "no:cacheprovider", files[1]],
    ):
        done = subprocess.run(
            [sys.executable, "-m", *words],
            cwd=shell_house.folder,
            env={**os.environ, "MYPYPATH": str(ROOT / "backend")},
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_doctor_is_asked_in_the_shell(shell: ShellTerminal) -> None:
    lines = "\n".join(shell.run("doctor --only database --only terminal", 40))
    assert "schema" in lines
    assert "80 columns" in lines
