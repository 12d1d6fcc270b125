"""The terminal's screen: how wide it is, and lines put on it without tearing what stands there."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from app.cli.terminal.output import DEFAULT_WIDTH

_DUMB = ("", "dumb", "unknown")
_SHOW_CURSOR = "\x1b[?25h\x1b[0m"
_NO_NEWLINE = "%"  # marks output that did not end its line


def is_dumb() -> bool:
    """Whether it only ever appends: no cursor, no colours, nothing drawn again."""
    return os.environ.get("TERM", "") in _DUMB


def width() -> int:
    """Its columns now; it may be resized at any time."""
    try:
        return os.get_terminal_size(sys.__stdout__.fileno()).columns or DEFAULT_WIDTH  # type: ignore[union-attr]
    except (OSError, ValueError, AttributeError):
        return DEFAULT_WIDTH


def show_line(text: str, style: str) -> None:
    """A line where the cursor is."""
    if is_dumb() or not sys.stdout.isatty():
        print(text, flush=True)
        return
    from prompt_toolkit import print_formatted_text
    from prompt_toolkit.formatted_text import FormattedText

    print_formatted_text(FormattedText([(style, text)]))


def begin_line() -> None:
    """Leave output that did not end its line as it is; what comes begins on the next."""
    sys.stdout.flush()
    if not is_dumb() and sys.stdout.isatty():
        sys.stdout.write(f"{_NO_NEWLINE}{' ' * (width() - 1)}\r\x1b[K")
        sys.stdout.flush()


def clear() -> None:
    """An empty screen."""
    if not is_dumb() and sys.stdout.isatty():
        sys.stdout.write("\x1b[2J\x1b[H")
        sys.stdout.flush()


@contextmanager
def kept() -> Iterator[None]:
    """However a command ended, the terminal is as it was before: echo, lines, cursor."""
    if not sys.stdin.isatty():
        yield
        return
    import termios

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    try:
        yield
    finally:
        with suppress(termios.error, OSError):  # the terminal has gone
            if termios.tcgetattr(descriptor) != before:
                termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
            if sys.stdout.isatty() and not is_dumb():
                sys.stdout.write(_SHOW_CURSOR)
                sys.stdout.flush()
