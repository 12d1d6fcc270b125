"""The keyboard at the prompt: no key is lost while lines are printed above it."""

import os
import signal
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.input.vt100 import Vt100Input, cooked_mode

if TYPE_CHECKING:
    from prompt_toolkit.key_binding import KeyPressEvent


class Keyboard(Vt100Input):
    """Stays raw while others print: what is only printed reads no line."""

    def cooked_mode(self) -> AbstractContextManager[None]:
        """As it is: in a cooked terminal a Ctrl+D of that moment would be lost, and a Ctrl+C be
        a signal.
        """
        return nullcontext()


def keyboard() -> Keyboard | None:
    """That of a terminal; None where nobody types at one."""
    return Keyboard(sys.stdin) if sys.stdin.isatty() else None


def suspend(event: "KeyPressEvent") -> None:
    """Stand still in the background; the terminal is cooked meanwhile, as others expect it."""

    def stop() -> None:
        with cooked_mode(event.app.input.fileno()):
            os.kill(0, signal.SIGTSTP)

    run_in_terminal(stop)
