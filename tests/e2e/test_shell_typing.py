"""Lines as a trader types them into the shell: completed, recalled, chained, pasted, mistyped."""

from pathlib import Path

import pytest
from tests.shell_house import (
    CTRL_R,
    CTRL_U,
    DOWN,
    ENTER,
    TAB,
    UP,
    ShellHouse,
    ShellTerminal,
    shell,
    shell_house,
    stocked,
)

__all__ = ["shell", "shell_house", "stocked"]

pytestmark = pytest.mark.shell


def wait_typed(shell: ShellTerminal, text: str) -> None:
    shell.wait_until(lambda: (shell.typed() or "").rstrip() == text, f"{text!r} at the prompt")


def clear(shell: ShellTerminal) -> None:
    shell.type(CTRL_U)
    wait_typed(shell, "")


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("rep", "report"),
        ("runs li", "runs list"),
        ("data import-c", "data import-csv"),
        ("runs list --co", "runs list --count"),
        ("data show THI", "data show THIN"),
        ("config check fir", "config check first.json"),
    ],
)
def test_tab_completes_what_can_only_be_one_thing(
    shell: ShellTerminal, typed: str, completed: str
) -> None:
    shell.type(typed + TAB)
    wait_typed(shell, completed)


def test_tab_offers_what_may_follow(shell: ShellTerminal) -> None:
    shell.type("data " + TAB)
    for verb in ("import-csv", "quality"):
        shell.wait_for(verb)
    clear(shell)
    shell.type("data show " + TAB)
    for symbol in ("SYN1", "SYN2", "THIN"):
        shell.wait_for(symbol)


def test_tab_completes_a_run_s_id(shell_house: ShellHouse, shell: ShellTerminal) -> None:
    second, first = (run["run_id"] for run in shell_house.runs())
    shell.type("runs show " + TAB)
    shell.wait_for(first)
    shell.wait_for(second)
    shell.type(CTRL_U + f"runs show {first[:-2]}" + TAB)
    wait_typed(shell, f"runs show {first}")


def test_lines_are_kept_from_one_shell_to_the_next(shell_house: ShellHouse) -> None:
    one = shell_house.open()
    one.run("version")
    one.run("time now --market XTKS")
    assert one.leave() == 0
    other = shell_house.open()
    other.ready()
    other.type(UP)
    wait_typed(other, "time now --market XTKS")
    other.type(UP)
    wait_typed(other, "version")
    other.type(DOWN)
    wait_typed(other, "time now --market XTKS")
    clear(other)
    other.type(CTRL_R + "vers")
    other.wait_until(lambda: "version" in other.lines[other.screen.cursor.y], "the line found")
    other.type(ENTER)
    other.wait_for("Python 3")


def test_a_chain_stops_where_it_fails(shell: ShellTerminal) -> None:
    out = "\n".join(shell.run("version; runs show nothing; time now"))
    assert "MisMartera" in out
    assert "There is no run 'nothing'" in out
    assert "XNYS" not in out


def test_an_alias_is_kept_and_goes_on_with_more_words(shell_house: ShellHouse) -> None:
    one = shell_house.open()
    one.run("alias rl runs list --count")
    assert "first" not in "\n".join(one.run("rl 1"))
    assert one.leave() == 0
    other = shell_house.open()
    assert "second" in "\n".join(other.run("rl 1"))


def test_a_file_of_lines_is_run(shell_house: ShellHouse, shell: ShellTerminal) -> None:
    text = "# what there is\nversion\n\ndata list --json; runs list --count 1\n"
    (shell_house.folder / "morning.txt").write_text(text, encoding="utf-8")
    out = "\n".join(shell.run("@morning.txt"))
    for word in ("MisMartera", '"THIN"', "second"):
        assert word in out
    assert "No such file" in "\n".join(shell.run("@evening.txt")) or "evening.txt" in shell.text


def test_help_shows_a_command_s_usage_and_an_example(shell: ShellTerminal) -> None:
    everything = "\n".join(shell.run("help"))
    assert "data" in everything
    assert "import-csv" in "\n".join(shell.run("help data"))
    page = "\n".join(shell.run("help data import-csv"))
    assert "--timezone" in page
    assert "data import-csv aapl.csv --symbol AAPL" in page


def test_a_mistyped_word_is_guessed(shell: ShellTerminal) -> None:
    assert "Did you mean 'runs'?" in "\n".join(shell.run("rnus list"))
    assert "Did you mean 'list'?" in "\n".join(shell.run("runs lst"))
    assert "--count" in "\n".join(shell.run("runs list --cuont 3"))


def test_ctrl_c_drops_the_line_and_nothing_else(shell: ShellTerminal) -> None:
    shell.type("runs delete everything")
    wait_typed(shell, "runs delete everything")
    shell.interrupt()
    assert "MisMartera" in "\n".join(shell.run("version"))


def test_pasted_lines_wait_for_enter(shell: ShellTerminal) -> None:
    shell.paste("version\nruns list --count 1\n")
    shell.wait_for("runs list --count 1")
    shell.take(0.3)
    assert "MisMartera 0" not in shell.text.rpartition("@mismartera:")[2]
    shell.type(ENTER)
    shell.wait_for("-second")


def test_a_child_that_dies_in_raw_mode_leaves_a_whole_prompt(
    shell_house: ShellHouse, shell: ShellTerminal
) -> None:
    strategies = shell_house.folder / "strategies"
    strategies.mkdir()
    (strategies / "dying.py").write_text(DYING, encoding="utf-8")
    config = (shell_house.folder / "first.json").read_text(encoding="utf-8")
    use = "app.strategies.examples.sma_cross:SmaCross"
    (shell_house.folder / "dying.json").write_text(config.replace(use, "dying.py"))
    out = "\n".join(shell.run("system start dying.json"))
    assert "signal 9" in out
    assert "MisMartera" in "\n".join(shell.run("version"))
    shell.type("typed and seen")
    wait_typed(shell, "typed and seen")


DYING = """
import os, signal, sys, tty
from app.strategies import Strategy

class Dying(Strategy):
    def on_bar(self, bar):
        tty.setraw(0)
        sys.stdout.write("\\x1b[?25l")
        sys.stdout.flush()
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_dumb_terminal_gets_no_escape_and_no_colour(shell_house: ShellHouse) -> None:
    shell = shell_house.open(TERM="dumb")
    assert "MisMartera" in "\n".join(shell.run("version"))
    assert "-second" in "\n".join(shell.run("runs list"))
    assert "import-csv" in "\n".join(shell.run("help data"))
    assert b"\x1b" not in shell.raw
    assert shell.leave() == 0


def test_no_color_is_heeded(shell_house: ShellHouse) -> None:
    shell = shell_house.open(NO_COLOR="1")
    shell.run("runs list")
    shell.run("runs show nothing")
    shell.type("runs li" + TAB)
    wait_typed(shell, "runs list")
    coloured = [
        code for code in shell.colours() if any(part in COLOURS for part in code.split(";"))
    ]
    assert coloured == []


COLOURS = {str(number) for number in (*range(30, 39), *range(40, 49), *range(90, 98))}


def test_a_terminal_without_utf_8_gets_ascii_alone(shell_house: ShellHouse) -> None:
    shell = shell_house.open(LANG="C", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    for line in ("runs list", "data list", "help data", "system start first.json", "nonsense"):
        shell.run(line)
    shell.type("data " + TAB)
    shell.wait_for("quality")
    assert max(shell.raw) < 128


@pytest.mark.parametrize("columns", [80, 40])
def test_no_line_is_wider_than_the_terminal(shell_house: ShellHouse, columns: int) -> None:
    """What a line has too much wraps; a table folds its cells, so that its frame stays whole."""
    shell = shell_house.open(size=(40, columns))
    for line in ("runs list", "data list", "data quality THIN --start 2024-12-10"):
        out = [one for one in shell.run(line) if one.strip()]
        frame = [one for one in out if one[0] in "┏┡└"]
        assert len(frame) % 3 == 0, shell.text
        assert all(one[-1] in "┓┩┘" for one in frame), shell.text


def test_the_shell_is_left_by_its_words_too(shell_house: ShellHouse) -> None:
    for word in ("exit", "quit"):
        shell = shell_house.open()
        shell.ready()
        shell.type(word + ENTER)
        assert shell.wait_for_end() == 0


def test_history_is_its_owner_s_alone(shell_house: ShellHouse, shell: ShellTerminal) -> None:
    shell.run("version")
    assert shell.leave() == 0
    folder: Path = shell_house.data / "shell"
    assert folder.stat().st_mode & 0o077 == 0


def test_the_prompt_comes_where_no_lines_can_be_kept_and_says_so(shell_house: ShellHouse) -> None:
    (shell_house.data / "shell").write_text("in its place")
    terminal = shell_house.open()
    terminal.wait_for("No lines are kept:")
    terminal.ready()
    terminal.type("version" + ENTER)
    terminal.wait_for("MisMartera ")
