"""What a line does in the shell: order, failures, scripts, its words; commands are recorded."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from app.cli.shell.shell import MOST_NESTED, Commands, Shell
from app.core.errors import AppError

NAMES = ["runs", "data", "version", "bad", "stop", "defect", "interrupted"]


class Recorded:
    """Commands that only note that they were asked."""

    def __init__(self) -> None:
        self.words: list[tuple[str, ...]] = []

    def run(self, words: Sequence[str]) -> int:
        self.words.append(tuple(words))
        if words[0] == "defect":
            raise ZeroDivisionError("by nothing")
        if words[0] == "interrupted":
            raise KeyboardInterrupt
        return {"bad": 3, "stop": 2}.get(words[0], 0)


@pytest.fixture
def recorded() -> Recorded:
    return Recorded()


def commands_of(recorded: Recorded) -> Commands:
    return Commands(
        recorded.run,
        NAMES,
        NAMES.__contains__,
        lambda words: None if "nothing" in words else f"about {' '.join(words)}",
        lambda error: f"{error}; a defect",
    )


def made(recorded: Recorded, folder: Path, keeps_going: bool = False) -> Shell:
    return Shell(commands_of(recorded), folder, keeps_going)


@pytest.fixture
def shell(recorded: Recorded, tmp_path: Path) -> Shell:
    return made(recorded, tmp_path)


Capture = pytest.CaptureFixture[str]


def test_statements_run_in_order(shell: Shell, recorded: Recorded) -> None:
    assert shell.run_text("runs list; version --json") == 0
    assert recorded.words == [("runs", "list"), ("version", "--json")]


def test_the_program_s_name_in_front_is_left_out(shell: Shell, recorded: Recorded) -> None:
    assert shell.run_text("./start_cli.sh runs; mismartera data; $ x/start_cli.sh version") == 2
    assert recorded.words == [("runs",), ("data",)]
    recorded.words.clear()
    assert shell.run_text("$ ../start_cli.sh version") == 0
    assert recorded.words == [("version",)]


@pytest.mark.parametrize("line", ["./start_cli.sh", "mismartera shell", "shell -c version"])
def test_the_shell_is_not_opened_within_itself(shell: Shell, capsys: Capture, line: str) -> None:
    assert shell.run_text(line) == 2
    assert "This is the shell already" in capsys.readouterr().err


def test_what_follows_a_failure_is_told_and_not_run(
    shell: Shell, recorded: Recorded, capsys: Capture
) -> None:
    assert shell.run_text("version; bad x; runs list; data") == 3
    assert recorded.words == [("version",), ("bad", "x")]
    assert "Not run: runs list; data" in capsys.readouterr().err


def test_lines_run_up_to_the_first_that_fails(
    shell: Shell, recorded: Recorded, capsys: Capture
) -> None:
    assert shell.run_text("version\nbad\nruns\ndata") == 3
    assert recorded.words == [("version",), ("bad",)]
    assert capsys.readouterr().err == "> version\n> bad\nLine 2 failed; 2 more lines not run.\n"


def test_nothing_runs_where_one_line_cannot_be_read(
    shell: Shell, recorded: Recorded, capsys: Capture
) -> None:
    assert shell.run_text("version\nruns 'list") == 2
    assert recorded.words == []
    assert "Line 2: The quote" in capsys.readouterr().err


def test_with_keep_going_all_run_and_the_first_failure_counts(
    recorded: Recorded, tmp_path: Path
) -> None:
    shell = made(recorded, tmp_path, keeps_going=True)
    assert shell.run_text("version\nbad\nstop\nruns") == 3
    assert recorded.words == [("version",), ("bad",), ("stop",), ("runs",)]


def test_a_script_echoes_its_lines_and_names_the_one_that_failed(
    shell: Shell, recorded: Recorded, tmp_path: Path, capsys: Capture
) -> None:
    script = tmp_path / "a b.txt"
    script.write_text("# a comment\nversion\n\nbad; runs\ndata\n", encoding="utf-8")
    assert shell.run_text(f"@'{script}'; version") == 3
    assert recorded.words == [("version",), ("bad",)]
    told = capsys.readouterr().err
    assert told == (
        f"> version\n> bad; runs\nNot run: runs\n{script}:4 failed; 1 more line not run.\n"
        "Not run: version\n"
    )


def test_what_a_script_holds_as_a_secret_is_not_shown(
    shell: Shell, recorded: Recorded, tmp_path: Path, capsys: Capture
) -> None:
    script = tmp_path / "a"
    script.write_text("bad; runs --api-key hush\nruns --token=hush\n", encoding="utf-8")
    assert shell.run_text(f"@{script}") == 3
    assert "--api-key ***" in (told := capsys.readouterr().err)
    assert "hush" not in told


def test_scripts_run_scripts_relative_to_the_working_folder(
    shell: Shell, recorded: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("one").write_text("@two\nruns\n", encoding="utf-8")
    Path("two").write_text("version\n", encoding="utf-8")
    assert shell.run_text("@ one") == 0
    assert recorded.words == [("version",), ("runs",)]


def test_a_script_that_runs_itself_is_refused(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("one").write_text("@two\n", encoding="utf-8")
    Path("two").write_text("@one\n", encoding="utf-8")
    assert shell.run_text("@one") == 2
    assert "'one' runs itself" in capsys.readouterr().err


def test_scripts_within_scripts_have_a_bound(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    for number in range(MOST_NESTED + 1):
        Path(f"s{number}").write_text(f"@s{number + 1}\n", encoding="utf-8")
    assert shell.run_text("@s0") == 2
    assert f"{MOST_NESTED} deep" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("@", 2, "takes one name"),
        ("@a b", 2, "takes one name"),
        ("@nothing-there", 3, "There is no file 'nothing-there'"),
        ("@.", 2, "'.' is no file of lines"),
        ("@" + "x" * 300, 2, "cannot be read: File name too long"),
        ("@/dev/zero", 2, "'/dev/zero' is no file of lines"),
        ("@big", 2, "has over 1,000,000 bytes"),
        ("@bytes", 2, "it is not UTF-8 text"),
    ],
)
def test_a_script_that_cannot_be_read_is_told(
    shell: Shell,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
    line: str,
    code: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bytes").write_bytes(b"\xff\xfe")
    Path("big").write_bytes(b"version\n" * 200_000)
    assert shell.run_text(line) == code
    assert message in capsys.readouterr().err


def test_a_wrong_word_is_told_with_the_right_one(shell: Shell, capsys: Capture) -> None:
    for wrong, right in (("vrsion", "version"), ("hlep", "help"), ("histroy", "runs")):
        assert shell.run_text(wrong) == 2
        told = capsys.readouterr().err
        assert told.count("\n") == 1
        assert f"There is no command '{wrong}'." in told
        assert (f"Did you mean '{right}'?" in told) is (wrong != "histroy")
    assert shell.run_text("positions") == 2
    assert "Did you mean 'system positions'? 'help' lists them." in capsys.readouterr().err


def test_aliases_are_made_shown_used_and_forgotten(
    shell: Shell, recorded: Recorded, capsys: Capture
) -> None:
    assert shell.run_text("alias v version; v --json; alias v") == 0
    assert recorded.words == [("version", "--json")]
    assert capsys.readouterr().out == "v = version\n"
    assert shell.run_text("unalias v; v") == 2
    assert shell.run_text("alias nothing") == 3
    assert shell.run_text("unalias") == 2


def test_exit_leaves_and_runs_nothing_after_it(shell: Shell, recorded: Recorded) -> None:
    for word in ("exit", "quit"):
        shell.is_leaving = False
        assert shell.run_text(f"{word}; version\nversion") == 0
        assert shell.is_leaving
    assert recorded.words == []


def test_help_tells_of_commands_and_of_the_shell_s_own_words(
    shell: Shell, recorded: Recorded, capsys: Capture
) -> None:
    assert shell.run_text("help data list; help alias; help ps; help nothing; help") == 0
    assert recorded.words == [("help", "nothing")]  # it tells what is wrong with that
    told = capsys.readouterr().out
    assert "about data list\nalias [NAME [WORDS]]: show short words, or make one\n" in told
    assert "ps is an alias: system status\nabout \n" in told
    assert "@FILE" in told


def test_with_json_each_command_answers_so_and_errors_do_too(
    recorded: Recorded, tmp_path: Path, capsys: Capture
) -> None:
    shell = Shell(commands_of(recorded), tmp_path, keeps_going=True, as_json=True)
    assert shell.run_text("version; version --json\nfoo; version") == 2
    assert recorded.words == [("version", "--json"), ("version", "--json")]
    told = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [one["exit_code"] for one in told] == [2]


def test_a_defect_and_an_interrupt_leave_the_shell_alive(shell: Shell, capsys: Capture) -> None:
    assert shell.run_text("defect") == AppError.exit_code
    assert shell.run_text("interrupted") == 130
    assert capsys.readouterr().err == "error: by nothing; a defect\nerror: interrupted\n"
