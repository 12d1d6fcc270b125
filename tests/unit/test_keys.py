"""Keys from a real terminal, one at a time, and what becomes of the terminal."""

import io
import os
import pty
import signal
import termios
import threading
from collections.abc import Iterator

import pytest

from app.cli.terminal.keys import Keys


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The side of a terminal that types; the other one is standard input."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "r") as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        yield ours
    os.close(ours)


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        (b"q", "q"), (b"\x1b[A", "up"), (b"\x1b[B", "down"), (b"\x1b[5~", "page up"),
        (b"\x1b[6~", "page down"), (b" ", "page down"), (b"\x1b[H", "home"), (b"G", "end"),
        (b"x", ""), (b"\x1b[99~", ""),
    ],
)  # fmt: skip
def test_a_key_is_told_by_its_name_without_a_line_being_ended(
    hand: int, typed: bytes, key: str
) -> None:
    with Keys() as keys:
        os.write(hand, typed)
        assert keys.wait(5.0) == key
        assert keys.wait(0.0) == ""


def test_the_terminal_is_left_as_it_was(hand: int) -> None:
    before = termios.tcgetattr(hand)
    handler = signal.getsignal(signal.SIGWINCH)
    with pytest.raises(KeyboardInterrupt), Keys():
        assert termios.tcgetattr(hand) != before
        raise KeyboardInterrupt
    assert termios.tcgetattr(hand) == before
    assert signal.getsignal(signal.SIGWINCH) is handler


def test_a_change_of_size_ends_a_wait_at_once(hand: int) -> None:
    with Keys() as keys:
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGWINCH)).start()
        assert keys.wait(60.0) == ""


@pytest.mark.parametrize("stdin", [io.StringIO("q"), None])
def test_where_nothing_can_be_pressed_it_only_waits(
    monkeypatch: pytest.MonkeyPatch, stdin: object
) -> None:
    monkeypatch.setattr("sys.stdin", stdin)
    with Keys() as keys:
        assert keys.wait(0.01) == ""


def test_a_thread_of_its_own_hears_keys_and_no_signals(hand: int) -> None:
    found: list[str] = []

    def press() -> None:
        with Keys() as keys:
            os.write(hand, b"q")
            found.append(keys.wait(5.0))

    thread = threading.Thread(target=press)
    thread.start()
    thread.join(10)
    assert found == ["q"]


def test_an_interrupt_that_is_lost_on_its_way_counts_as_q(hand: int) -> None:
    before = signal.signal(signal.SIGINT, lambda number, frame: None)  # as one lost in a callback
    try:
        own = signal.getsignal(signal.SIGINT)
        with Keys() as keys:
            os.kill(os.getpid(), signal.SIGINT)
            assert keys.wait(60.0) == "q"
        assert signal.getsignal(signal.SIGINT) is own
    finally:
        signal.signal(signal.SIGINT, before)


def test_ctrl_c_on_a_terminal_counts_though_whoever_started_the_program_has_it_ignored(
    hand: int,
) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Keys() as keys:
            threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
            assert keys.wait(60.0) == "q"
            assert keys.wait(60.0) == "q"
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_ctrl_c_stays_ignored_where_no_terminal_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Keys() as keys:
            os.kill(os.getpid(), signal.SIGINT)
            assert keys.wait(0.01) == ""
    finally:
        signal.signal(signal.SIGINT, before)
