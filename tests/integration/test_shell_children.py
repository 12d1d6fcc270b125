"""Commands in processes of their own: what they end with, and who hears Ctrl+C."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from app.cli.shell import children
from app.cli.shell.children import run_child
from app.managers.time_manager.clock import WallClock

DEAF = """
import pathlib, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
pathlib.Path(sys.argv[1]).write_text("awake")
signal.pause()
"""
BLOCKED = """
import signal, sys
sys.exit(7 if signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []) else 8)
"""
SECONDS = 20.0
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, interruptible: None) -> Callable[[str], None]:
    def use(code: str) -> None:
        monkeypatch.setattr(children, "PROGRAM", (sys.executable, "-S", "-c", code))

    return use


def once(is_so: Callable[[], bool], *acts: Callable[[], object]) -> None:
    """On a thread: wait until it is so, then act."""
    nothing = threading.Event()

    def wait() -> None:
        clock = WallClock()
        end_ns = clock.monotonic_ns() + int(SECONDS * 1e9)
        while not is_so() and clock.monotonic_ns() < end_ns:
            clock.wait(nothing, 0.01)
        for act in acts:
            act()
            clock.wait(nothing, 0.05)  # signals of one number that come at once are one

    threading.Thread(target=wait, daemon=True).start()


def press(number: signal.Signals) -> Callable[[], None]:
    """As the terminal does it, but to this process alone."""
    return lambda: os.kill(os.getpid(), number)


@pytest.mark.parametrize("words", [["0"], ["3"], ["130"]])
def test_its_exit_code_is_the_command_s(
    program: Callable[[str], None], words: Sequence[str]
) -> None:
    program("import sys; sys.exit(int(sys.argv[1]))")
    assert run_child(words) == int(words[0])


def test_a_child_that_a_signal_ended_is_told(
    program: Callable[[str], None], capsys: Capture
) -> None:
    program("import os; os.kill(os.getpid(), 11)")
    assert run_child([]) == 139
    assert "ended by signal 11 (SIGSEGV)" in capsys.readouterr().err


def test_it_begins_deaf_to_ctrl_c_and_the_shell_is_not(program: Callable[[str], None]) -> None:
    program(BLOCKED)
    assert run_child([]) == 7
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_the_shell_outlives_ctrl_c_and_says_how_a_deaf_child_is_ended(
    program: Callable[[str], None], tmp_path: Path, capsys: Capture
) -> None:
    program(DEAF)
    awake = tmp_path / "awake"
    interrupt = press(signal.SIGINT)
    once(awake.exists, interrupt, interrupt, interrupt, press(signal.SIGQUIT))
    before = signal.getsignal(signal.SIGINT)
    assert run_child([str(awake)]) == 137
    told = capsys.readouterr().err
    assert told.count("has not ended yet. Ctrl+\\ ends it at once") == 1
    assert signal.getsignal(signal.SIGINT) is before


def test_where_the_shell_must_end_so_must_its_child(
    program: Callable[[str], None], tmp_path: Path
) -> None:
    program(DEAF)
    awake = tmp_path / "awake"

    class Leaving(BaseException):
        pass

    def leave(number: int, frame: object) -> None:
        raise Leaving

    before = signal.signal(signal.SIGTERM, leave)
    once(awake.exists, press(signal.SIGTERM))
    try:
        with pytest.raises(Leaving):
            run_child([str(awake)])
    finally:
        signal.signal(signal.SIGTERM, before)
    with suppress(ChildProcessError):
        assert os.waitpid(-1, os.WNOHANG) == (0, 0)
