"""The program's processes as the tests start them: warm in a test run, else in a new interpreter.

What the long tiers measure, and what depends on how an interpreter starts, is started cold.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from tests.warm_client import ask

PROGRAM = ("-m", "app.cli.main")
PIPE = subprocess.PIPE
_LONGEST_BYTES = 64  # of a process id or an exit code
_warm_place = ""  # of this test run's server of warm processes


def warm_up(place: str) -> None:
    """From now on processes are forked by this server; by none when it is ""."""
    global _warm_place
    _warm_place = place


class WarmProcess:
    """A process as `subprocess.Popen` makes them, forked where the program is in memory already."""

    def __init__(
        self,
        words: Sequence[str],
        folder: Path,
        env: Mapping[str, str],
        *,
        stdin: int | IO[Any] | None = None,
        stdout: int | IO[Any] | None = None,
        stderr: int | IO[Any] | None = None,
        text: bool = True,
    ) -> None:
        self.returncode: int | None = None
        self.stdout: IO[Any] | None = None
        self.stderr: IO[Any] | None = None
        with contextlib.ExitStack() as theirs:
            given = _file_of(subprocess.DEVNULL if stdin is None else stdin, theirs)
            said, self.stdout = _end_of(stdout, 1, text, theirs)
            errors, self.stderr = _end_of(stderr, 2, text, theirs, said)
            self._server = ask(_warm_place, words, str(folder), env, (given, said, errors))
            self.pid = int(self._server.recv(_LONGEST_BYTES))

    def poll(self) -> int | None:
        """The exit code, when it has ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            self._server.settimeout(timeout)
            try:
                self.returncode = int(self._server.recv(_LONGEST_BYTES))
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0) from None
            self._server.close()
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[Any, Any]:
        """What is left of its output and of its errors, when it has ended."""
        ends = (self.stdout, self.stderr)
        texts: list[Any] = [None, None]

        def read(place: int, end: IO[Any]) -> None:
            texts[place] = end.read()

        readers = [
            threading.Thread(target=read, args=(place, end), daemon=True)
            for place, end in enumerate(ends)
            if end is not None and not end.closed
        ]
        for reader in readers:
            reader.start()
        self.wait(timeout)
        for reader in readers:
            reader.join(timeout)
        for end in ends:
            if end is not None:
                end.close()
        return texts[0], texts[1]

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


Process = WarmProcess | subprocess.Popen[Any]


def begin(
    words: Sequence[str],
    folder: Path,
    env: Mapping[str, str] | None = None,
    *,
    is_cold: bool = False,
    **streams: Any,
) -> Process:
    """A process of the program, or with `-m` of another module, that goes on beside the others."""
    env = os.environ if env is None else env
    if _warm_place and not is_cold:
        return WarmProcess(words, folder, env, **streams)
    program = () if words[:1] == ("-m",) or words[:1] == ["-m"] else PROGRAM
    kinds: dict[str, Any] = {"stdin": subprocess.DEVNULL, "text": True, **streams}
    return subprocess.Popen([sys.executable, *program, *words], cwd=folder, env=env, **kinds)


def run(
    words: Sequence[str],
    folder: Path,
    env: Mapping[str, str] | None = None,
    timeout: float = 60.0,
    stderr: int = PIPE,
) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end."""
    process = begin(words, folder, env, stdout=PIPE, stderr=stderr)
    try:
        out, errors = process.communicate(timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    assert process.returncode is not None
    return subprocess.CompletedProcess([*words], process.returncode, out, errors)


def _file_of(stream: int | IO[Any], theirs: contextlib.ExitStack) -> int:
    """The number of a file that stays open until the process has its own."""
    if stream == subprocess.DEVNULL:
        return theirs.enter_context(open(os.devnull, "r+b")).fileno()
    return stream if isinstance(stream, int) else stream.fileno()


def _end_of(
    stream: int | IO[Any] | None,
    number: int,
    text: bool,
    theirs: contextlib.ExitStack,
    said: int = 1,
) -> tuple[int, IO[Any] | None]:
    """Where the process writes, and this side's end of it where it is a pipe."""
    if stream == subprocess.STDOUT:
        return said, None
    if stream != PIPE:
        return (number if stream is None else _file_of(stream, theirs)), None
    read, write = os.pipe()
    theirs.callback(os.close, write)
    return write, open(read, "r" if text else "rb")
