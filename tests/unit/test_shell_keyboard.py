"""The keyboard at the prompt, in a terminal."""

import os
import pty
import select
import termios
from collections.abc import Iterator
from io import TextIOWrapper

import pytest

from app.cli.shell.keyboard import Keyboard

CTRL_C, CTRL_D, ENTER = b"\x03", b"\x04", b"\r"


@pytest.fixture
def terminal() -> Iterator[tuple[int, TextIOWrapper]]:
    outer, inner = pty.openpty()
    with os.fdopen(inner, "r") as keys:
        yield outer, keys
    os.close(outer)


@pytest.mark.parametrize("key", [CTRL_C, CTRL_D, ENTER])
def test_a_key_of_the_moment_in_which_a_line_is_printed_is_not_lost(
    terminal: tuple[int, TextIOWrapper], key: bytes
) -> None:
    outer, keys = terminal
    keyboard = Keyboard(keys)
    with keyboard.raw_mode():
        with keyboard.cooked_mode():
            os.write(outer, key)
        assert select.select([keys], [], [], 5)[0]
        assert os.read(keys.fileno(), 9) == key


def test_behind_the_prompt_the_terminal_is_as_it_was(
    terminal: tuple[int, TextIOWrapper],
) -> None:
    _, keys = terminal
    before = termios.tcgetattr(keys)
    keyboard = Keyboard(keys)
    with keyboard.raw_mode(), keyboard.cooked_mode():
        assert termios.tcgetattr(keys) != before
    assert termios.tcgetattr(keys) == before
