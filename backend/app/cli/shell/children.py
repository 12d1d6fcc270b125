"""A command in a process of its own that shares the shell's terminal.

Ctrl+C reaches it as it would without the shell, which waits for it and lives on.
"""

import signal
import subprocess
import sys
from collections.abc import Sequence
from types import FrameType

from app.cli.shell import screen
from app.cli.system.serving import PROGRAM
from app.core.signals import handled_by

_PATIENCE = 3  # interrupts after which is told how a process that does not heed them is ended
_SIGNAL_BASE = 128  # as every shell tells of a process that a signal ended


def run_child(words: Sequence[str]) -> int:
    """Run the command to its end; its exit code."""
    process: subprocess.Popen[bytes] | None = None
    count = 0

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal count
        count += 1
        if process is not None and count >= _PATIENCE:
            _say(f"Process {process.pid} has not ended yet. Ctrl+\\ ends it at once, unsaved.")

    def on_quit(number: int, frame: FrameType | None) -> None:
        if process is not None:
            process.kill()

    with screen.kept(), handled_by({signal.SIGINT: on_interrupt, signal.SIGQUIT: on_quit}):
        sys.stdout.flush()
        process = _started(words)
        try:
            code = process.wait()
        except BaseException:  # the shell itself must end: in order, and its command too
            process.terminate()
            process.wait()
            raise
    if code < 0:
        _say(f"error: the command was ended by signal {-code} ({signal.Signals(-code).name})")
        return _SIGNAL_BASE - code
    return code


def _started(words: Sequence[str]) -> "subprocess.Popen[bytes]":
    """It is born deaf to Ctrl+C, until `main` can heed it without a traceback."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return subprocess.Popen([*PROGRAM, *words])
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
