"""The shell at its prompt: keys, pastes, history, Ctrl+C and Ctrl+D, news from other threads."""

import asyncio
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput

from app.cli.shell.notices import PromptNotices
from app.cli.shell.seams import Standing
from app.cli.shell.shell import Commands, Shell
from app.cli.shell.terminal import Terminal, took_text
from app.core.errors import EXIT_INTERRUPTED

ENTER, UP, CTRL_C, CTRL_D, CTRL_R = "\r", "\x1b[A", "\x03", "\x04", "\x12"
ESCAPE = "\x1b"
CANCELLED = "cancelled"


def pasted(text: str) -> str:
    return f"\x1b[200~{text}\x1b[201~"


class Running:
    """Sessions that run, and were started here."""

    def __init__(self) -> None:
        self.runs: list[str] = []
        self.is_closed = False
        self.is_held = False
        self.told: list[tuple[str, str]] = []

    def standing(self) -> Standing | None:
        return Standing("replay", "RUNNING", "10:31:05") if self.runs else None

    def begun(self, run_id: str) -> None:
        self.runs.append(run_id)

    def running_here(self) -> Sequence[str]:
        return self.runs

    @contextmanager
    def held(self) -> Iterator[None]:
        self.is_held = True
        yield
        self.is_held = False

    def waiting(self) -> Sequence[tuple[str, str]]:
        told, self.told = self.told, []
        return told

    def close(self) -> None:
        self.is_closed = True


class Seat:
    """Somebody at a terminal: what they type, what runs of it, and what they are told."""

    def __init__(self, folder: Path, keys: PipeInput) -> None:
        self.keys = keys
        self.ran: list[tuple[str, ...]] = []
        self.shown: list[str] = []
        self.sessions = Running()
        self.when: dict[str, Callable[[], object]] = {}
        self.notices = PromptNotices(lambda text, style: self.shown.append(text))
        known = ["version", "runs", "slow"]
        commands = Commands(self._run, known, known.__contains__, lambda words: None, str)
        self.shell = Shell(commands, folder)
        self.terminal = Terminal(self.shell, self.sessions, self.notices, folder)

    def _run(self, words: Sequence[str]) -> int:
        self.ran.append(tuple(words))
        for word in words:
            self.when.get(word, int)()
        return 3 if "fails" in words else 0

    def types(self, *parts: str | Callable[[], object]) -> int:
        """Each part when the screen has been drawn after the one before, as people do.

        What can be called happens at that moment.
        """
        waiting = deque(parts)

        def send(application: object) -> None:
            part = waiting.popleft() if waiting else ""
            if isinstance(part, str):
                self.keys.send_text(part)
            else:
                part()

        prompt = self.terminal._prompt
        assert prompt is not None
        prompt.app.after_render += send
        try:
            return self.terminal.converse()
        finally:
            prompt.app.after_render -= send

    def prompt(self) -> str:
        return "".join(text for _, text in self.terminal._fragments())


@pytest.fixture
def seat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interruptible: None) -> Iterator[Seat]:
    monkeypatch.setenv("TERM", "xterm")
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        yield Seat(tmp_path, keys)


def test_lines_run_until_ctrl_d(seat: Seat) -> None:
    assert seat.types("version", ENTER, "runs list; runs show x", ENTER, CTRL_D) == 0
    assert seat.ran == [("version",), ("runs", "list"), ("runs", "show", "x")]
    assert seat.sessions.is_closed


def test_what_happens_in_sessions_waits_while_a_command_runs_and_is_told_after_it(
    seat: Seat,
) -> None:
    def happens() -> None:
        assert seat.sessions.is_held
        seat.sessions.told.append(("a fill", "bold"))
        seat.shown.append("output")

    seat.when["version"] = happens
    seat.types("version", ENTER, CTRL_D)
    assert seat.shown == ["output", "a fill"]
    assert not seat.sessions.is_held


def test_exit_leaves(seat: Seat) -> None:
    assert seat.types("exit", ENTER) == 0


def test_the_exit_code_of_the_last_command_is_in_the_prompt_until_one_succeeds(seat: Seat) -> None:
    seat.when["now"] = lambda: seat.shown.append(seat.prompt())
    seat.types("runs fails", ENTER, "runs now", ENTER, "runs now", ENTER, CTRL_D)
    assert seat.shown == ["system@mismartera: [3] > ", "system@mismartera: > "]


def test_ctrl_c_clears_the_line_and_runs_nothing(seat: Seat) -> None:
    assert seat.types("runs half", CTRL_C, CTRL_C, "version", ENTER, CTRL_D) == 0
    assert seat.ran == [("version",)]


def test_what_is_pasted_runs_line_by_line_and_only_after_enter(seat: Seat) -> None:
    text = "version\r\nruns list\n"
    assert seat.types(pasted(text), CTRL_C, pasted(text), ENTER, CTRL_D) == 0
    assert seat.ran == [("version",), ("runs", "list")]


def test_control_characters_of_a_paste_do_nothing(seat: Seat) -> None:
    assert seat.types(pasted("version \x03\x04\x1b[31m\x07\tx"), ENTER, CTRL_D) == 0
    assert seat.ran == [("version", "[31m", "x")]


def test_up_finds_lines_by_their_beginning_and_ctrl_r_by_any_part(seat: Seat) -> None:
    seat.types(
        *("version --json", ENTER, "runs list", ENTER),
        *("ver", UP, ENTER),
        *(CTRL_R, "lis", ENTER, CTRL_D),
    )
    assert seat.ran == [
        ("version", "--json"), ("runs", "list"), ("version", "--json"), ("runs", "list"),
    ]  # fmt: skip


def test_a_line_that_ctrl_r_found_can_be_changed_before_it_runs(seat: Seat) -> None:
    seat.types("runs list", ENTER, CTRL_R, "lis", ESCAPE, "\x05", " --json", ENTER, CTRL_D)
    assert seat.ran == [("runs", "list"), ("runs", "list", "--json")]


def test_history_is_there_the_next_time_and_can_be_listed(
    seat: Seat, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seat.types("version", ENTER, " runs secret", ENTER, "runs list", ENTER, CTRL_D)
    again = Seat(tmp_path, seat.keys)
    again.types(UP, UP, ENTER, "history runs", ENTER, CTRL_D)
    assert again.ran == [("version",)]
    assert capsys.readouterr().out.splitlines()[-2:] == ["runs list", "history runs"]


def test_ctrl_c_ends_the_command_that_runs_and_nothing_else(
    seat: Seat, capsys: pytest.CaptureFixture[str]
) -> None:
    seat.when["slow"] = lambda: os.kill(os.getpid(), signal.SIGINT)
    assert seat.types("slow; version", ENTER, "runs list", ENTER, CTRL_D) == 0
    assert seat.ran == [("slow",), ("runs", "list")]
    assert "error: interrupted\nNot run: version" in capsys.readouterr().err


def test_ctrl_c_between_commands_is_nobody_s(seat: Seat) -> None:
    seat.terminal._history.append_string = lambda string: os.kill(  # type: ignore[method-assign]
        os.getpid(), signal.SIGINT
    )
    assert seat.types("version", ENTER, "runs list", ENTER, CTRL_D) == 0


@pytest.mark.parametrize(
    ("answer", "stays"), [("n\n", True), ("y\n", False), ("\n", False), (EOFError, False),
                          (KeyboardInterrupt, True)]
)  # fmt: skip
def test_leaving_is_asked_where_sessions_run_that_were_started_here(
    seat: Seat,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: Any,
    stays: bool,
) -> None:
    def answered(question: str) -> str:
        if not isinstance(answer, str):
            raise answer
        return answer

    monkeypatch.setattr("builtins.input", answered)
    seat.sessions.runs.append("20261121-x")
    seat.when["end"] = seat.sessions.runs.clear
    assert seat.types(CTRL_D, "runs end", ENTER, CTRL_D) == 0
    assert "Still running, started here: 20261121-x." in capsys.readouterr().out
    assert (("runs", "end") in seat.ran) is stays


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_go_leaves_in_order_with_the_history_kept(
    seat: Seat, tmp_path: Path, number: signal.Signals
) -> None:
    before = signal.getsignal(number)
    seat.when["slow"] = lambda: os.kill(os.getpid(), number)
    assert seat.types("slow", ENTER, "version", ENTER) == EXIT_INTERRUPTED
    assert seat.ran == [("slow",)]
    assert seat.sessions.is_closed
    assert (tmp_path / "history").read_text(encoding="utf-8") == "slow\n"
    assert signal.getsignal(number) is before


def test_a_signal_to_go_is_heeded_at_the_prompt(seat: Seat) -> None:
    def soon() -> None:
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGTERM)).start()

    seat.when["version"] = soon
    assert seat.types("version", ENTER, "half a li") == EXIT_INTERRUPTED


def test_news_from_a_thread_is_shown_above_the_prompt(seat: Seat) -> None:
    def told(text: str, style: str) -> None:
        seat.shown.append(text)
        seat.keys.send_text(CTRL_D)

    seat.notices._show = told

    def soon() -> None:
        threading.Timer(0.05, seat.notices.tell, ("a fill\x1b[2J",)).start()

    seat.when["version"] = soon
    assert seat.types("version", ENTER) == 0
    assert seat.shown == ["a fill\ufffd[2J"]


def test_news_while_a_command_runs_wait_for_its_end(seat: Seat) -> None:
    def tell() -> None:
        seat.notices.tell("a fill")
        assert seat.shown == []

    seat.when["slow"] = tell
    assert seat.types("slow", ENTER, CTRL_D) == 0
    assert seat.shown == ["a fill"]


def test_a_defect_at_the_prompt_is_told_and_at_worst_the_prompt_is_plain(
    seat: Seat, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = iter(["version", "exit"])
    monkeypatch.setattr("builtins.input", lambda question: next(lines))

    def fails() -> None:
        raise ZeroDivisionError("no news")

    seat.notices.flush = fails  # type: ignore[method-assign]

    def heal() -> Sequence[tuple[str, str]]:
        if seat.terminal._prompt is None:
            seat.notices.__dict__.pop("flush", None)
        return ()

    seat.sessions.waiting = heal  # type: ignore[method-assign]
    assert seat.terminal.converse() == 0
    assert seat.ran == [("version",)]
    assert capsys.readouterr().err == "error: no news\n" * 3


def test_a_stray_error_beside_the_line_is_told_above_the_prompt(seat: Seat) -> None:
    def fails() -> None:
        raise ZeroDivisionError("in a task")

    def told(text: str, style: str) -> None:
        seat.shown.append(text)
        seat.keys.send_text(CTRL_D)

    seat.notices._show = told
    assert seat.types(lambda: asyncio.get_running_loop().call_soon(fails)) == 0
    assert seat.shown == ["error: in a task"]


def test_a_dumb_terminal_is_asked_plainly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    lines = iter(["version", "runs fails"])
    asked: list[str] = []

    def answered(question: str) -> str:
        asked.append(question)
        try:
            return next(lines)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr("builtins.input", answered)
    with create_pipe_input() as keys:
        seat = Seat(tmp_path, keys)
        assert seat.terminal.converse() == 0
    assert seat.ran == [("version",), ("runs", "fails")]
    assert asked == ["system@mismartera: > "] * 2 + ["system@mismartera: [3] > "]
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1.04, "1.0 s"), (119.94, "119.9 s"), (120.0, "2 min 0 s"), (125.4, "2 min 5 s"),
     (72_061.0, "1,201 min 1 s")],
)  # fmt: skip
def test_how_long_a_command_took_is_told_in_minutes_where_they_are_many(
    seconds: float, text: str
) -> None:
    assert took_text(seconds) == text
