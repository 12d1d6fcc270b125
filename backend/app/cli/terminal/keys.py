"""What is pressed while a command follows something, and when its terminal changes size."""

import os
import select
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any, Self

_NAMES = {
    b"q": "q", b"\x1b[A": "up", b"\x1b[B": "down", b"k": "up", b"j": "down", b"\x1b[5~": "page up",
    b"\x1b[6~": "page down", b" ": "page down", b"\x1b[H": "home", b"\x1b[F": "end",
    b"\x1b[1~": "home", b"\x1b[4~": "end", b"g": "home", b"G": "end",
}  # fmt: skip
_LONGEST = 16

Handler = Callable[[int, FrameType | None], Any] | int | None


class Keys:
    """Takes single keys while it is open, where they come from a terminal. Ctrl+C stays as it is,
    and counts as `q` as well: the error that it raises may be lost on its way, in a callback; or
    there is none, as whoever started the program has it ignored (a script's background job).

    Only the main thread hears of signals: elsewhere a change of size is seen at the next turn.
    """

    def __init__(self) -> None:
        self._fd = sys.stdin.fileno() if _is_terminal() else -1
        self._before: list[Any] = []
        self._wake: tuple[int, int] | None = None
        self._handler: Handler = None
        self._on_interrupt: Handler = None
        self._is_left = False

    def __enter__(self) -> Self:
        if self._fd >= 0:
            import termios
            import tty

            self._before = termios.tcgetattr(self._fd)
            tty.setcbreak(self._fd)
        with suppress(ValueError):  # not the main thread
            self._handler = signal.signal(signal.SIGWINCH, self._resized)
            self._wake = os.pipe()
            os.set_blocking(self._wake[1], False)
            self._on_interrupt = signal.getsignal(signal.SIGINT)
            if callable(self._on_interrupt) or self._fd >= 0:
                signal.signal(signal.SIGINT, self._interrupted)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._wake is not None:
            signal.signal(signal.SIGWINCH, self._handler or signal.SIG_DFL)
            if self._on_interrupt is not None:
                signal.signal(signal.SIGINT, self._on_interrupt)
            for end in self._wake:
                os.close(end)
            self._wake = None
        if self._before:
            import termios

            termios.tcsetattr(self._fd, termios.TCSADRAIN, self._before)

    def wait(self, seconds: float) -> str:
        """The next key by its name, or "" when none came in time or the size has changed."""
        ends = [end for end in (self._fd, self._wake[0] if self._wake else -1) if end >= 0]
        ready, _, _ = select.select(ends, [], [], 0.0 if self._is_left else seconds)
        if self._is_left:
            return "q"
        if self._wake is not None and self._wake[0] in ready:
            os.read(self._wake[0], _LONGEST)
        if self._fd not in ready:
            return ""
        pressed = os.read(self._fd, _LONGEST)
        if not pressed:  # the terminal has gone: nothing comes any more
            self._fd = -1
        return _NAMES.get(pressed, "")

    def _interrupted(self, number: int, frame: FrameType | None) -> None:
        self._is_left = True
        self._resized(number, frame)  # wake whoever waits
        if callable(self._on_interrupt):
            self._on_interrupt(number, frame)

    def _resized(self, number: int, frame: FrameType | None) -> None:
        if self._wake is not None:
            with suppress(OSError):  # full: it will wake anyway
                os.write(self._wake[1], b"\0")


def _is_terminal() -> bool:
    try:
        return sys.stdin.isatty()
    except (AttributeError, ValueError):  # none, or closed
        return False
