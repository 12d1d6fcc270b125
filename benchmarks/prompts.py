"""The interactive shell at a terminal of its own: how soon its prompt stands, and stands again."""

import os
import pty
import select
import struct
import sys
import termios
from collections.abc import Mapping
from contextlib import suppress
from fcntl import ioctl
from pathlib import Path
from time import perf_counter_ns

from benchmarks.measure import BenchError

LINE = "version"  # has next to no work of its own
_PROMPT_NAME, _PROMPT_END = b"mismartera:", b" >"
_ANSWER = b"Python 3"  # of that line
_SIZE = struct.pack("4H", 24, 80, 0, 0)
_CHUNK_BYTES = 65_536
_SECONDS = 20.0  # that a prompt may take


def prompts(folder: Path, environment: Mapping[str, str]) -> tuple[float, float]:
    """Milliseconds from nothing to the prompt, and from a line's Enter to the next prompt."""
    pid, terminal = pty.fork()
    if not pid:
        os.chdir(folder)
        os.execve(
            sys.executable,
            [sys.executable, "-m", "app.cli.main"],
            {**environment, "TERM": "xterm-256color"},
        )
    ioctl(terminal, termios.TIOCSWINSZ, _SIZE)
    begin_ns = perf_counter_ns()
    try:
        _await(terminal, b"")
        prompt_ms = (perf_counter_ns() - begin_ns) / 1e6
        begin_ns = perf_counter_ns()
        os.write(terminal, f"{LINE}\r".encode())
        _await(terminal, _ANSWER)
        return prompt_ms, (perf_counter_ns() - begin_ns) / 1e6
    finally:
        with suppress(OSError):
            os.write(terminal, b"\x04")  # an empty line and Ctrl+D: it leaves
        os.waitpid(pid, 0)
        os.close(terminal)


def _await(terminal: int, answer: bytes) -> None:
    """Until a prompt stands behind the answer."""
    seen = b""
    end_ns = perf_counter_ns() + int(_SECONDS * 1e9)
    while True:
        _, found, behind = seen.partition(answer) if answer else (b"", b"", seen)
        name = behind.find(_PROMPT_NAME)
        if (found or not answer) and name >= 0 and _PROMPT_END in behind[name:]:
            return
        if not select.select([terminal], [], [], (end_ns - perf_counter_ns()) / 1e9)[0]:
            raise BenchError(f"The shell shows no prompt in {_SECONDS:g} s: {seen!r}")
        seen += os.read(terminal, _CHUNK_BYTES)
