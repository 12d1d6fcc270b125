"""Asks a process of its own about strategies, and outlives whatever their code does to it."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

import msgspec

from app.cli.terminal.printable import printable
from app.core.errors import AppError
from app.managers.time_manager.clock import WallClock

CHILD = [sys.executable, "-P", "-m", "app.cli.strategies.child"]
LOOK_SECONDS = 5.0  # that an import and a setup may take
START_SECONDS: Final = 20.0  # that the process itself may take to start, on a busy machine
STUBBORN_SECONDS = 1.5  # and what ignores its interruption is killed
_MOST_BYTES: Final = 10_000_000  # of one answer


class Answer(msgspec.Struct, frozen=True):
    """What came of one look: what was found, or what is wrong."""

    found: Any
    error: str | None
    code: int  # the exit code of that error
    printed: str = ""  # by their code, while it was looked at


def ask(what: str, of: Sequence[Any]) -> list[Answer]:
    """Look at each; what kills, hangs or leaves the process is an answer, too."""
    answers: list[Answer] = []
    while len(answers) < len(of):
        answers += _some(what, of[len(answers) :], LOOK_SECONDS)
    return answers


def _some(what: str, of: Sequence[Any], seconds: float) -> list[Answer]:
    """As many as one process lives for, at least one."""
    request = json.dumps({"what": what, "of": list(of), "seconds": seconds}, default=str)
    process = subprocess.Popen(
        CHILD,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert process.stdin is not None and process.stdout is not None
    answers: list[Answer] = []
    try:
        with suppress(BrokenPipeError), process.stdin:
            process.stdin.write(request.encode())
        lines = _Lines(process.stdout.fileno())
        limit_seconds = START_SECONDS
        while len(answers) < len(of):
            line = lines.next(limit_seconds + seconds + STUBBORN_SECONDS)
            limit_seconds = 0.0
            if not line:
                answers.append(_lost(process, seconds, line is None))
                break
            answers.append(msgspec.convert(_harmless(msgspec.json.decode(line)), Answer))
        return answers
    finally:
        _end(process)
        process.stdout.close()


def _lost(process: "subprocess.Popen[bytes]", seconds: float, is_late: bool) -> Answer:
    """It gave no answer: it hangs, or is gone."""
    if is_late:
        error = f"it did not return for {seconds:g} s, and could not be interrupted."
        return Answer(None, error, AppError.exit_code)
    with suppress(subprocess.TimeoutExpired):
        process.wait(1.0)
    code = process.poll()
    if code is None:
        how = "it closed its output"
    elif code < 0:
        how = f"it died by {signal.Signals(-code).name}"
    else:
        how = f"it ended its process with exit code {code}"
    return Answer(None, f"{how} while it was loaded.", AppError.exit_code)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Nothing of theirs is left behind, children that they started included."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _harmless(value: Any) -> Any:
    """The same without what could steer the terminal: texts are theirs."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, list):
        return [_harmless(part) for part in value]
    if isinstance(value, dict):
        return {_harmless(key): _harmless(part) for key, part in value.items()}
    return value


class _Lines:
    """Lines of a pipe, each waited for so long at most."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._held = b""
        self._clock = WallClock()

    def next(self, seconds: float) -> bytes | None:
        """The next line; empty at the end, None when it does not come in time."""
        until_ns = self._clock.monotonic_ns() + int(seconds * 1e9)
        while b"\n" not in self._held:
            left_seconds = (until_ns - self._clock.monotonic_ns()) / 1e9
            if len(self._held) > _MOST_BYTES or left_seconds <= 0:
                return None
            if not select.select([self._number], [], [], left_seconds)[0]:
                return None
            more = os.read(self._number, 65_536)
            if not more:
                return b""
            self._held += more
        line, _, self._held = self._held.partition(b"\n")
        return line
