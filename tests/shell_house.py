"""A real terminal and a program in it: what a user types goes in, what the screen shows comes out.

The program runs in a pty; pyte plays the terminal, and answers what a terminal is asked. Every
wait has a bound and says what the screen showed when it ran out.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from itertools import chain, islice
from pathlib import Path
from typing import Any

import pexpect
import pyte
import pytest

from app.core.processes import is_running
from app.repositories.database import open_database, sqlite_url
from app.repositories.run_repository import RunRepository

CTRL_C, CTRL_D, CTRL_L, CTRL_R = "\x03", "\x04", "\x0c", "\x12"
CTRL_U, CTRL_Z = "\x15", "\x1a"
TAB, ENTER, UP, DOWN, ESCAPE = "\t", "\r", "\x1b[A", "\x1b[B", "\x1b"
PASTE_BEGIN, PASTE_END = "\x1b[200~", "\x1b[201~"
PROMPT = re.compile(r"^system@mismartera:.* ?> ?")
SHELL = ("-m", "app.cli.main")
SECONDS = 20.0  # that a wait may take
_LOOK_SECONDS = 0.05
_KEPT_LINES = 5_000
_MOST_ROWS = 4  # that a line which is typed may take


class Screen(pyte.HistoryScreen):
    """A terminal's screen, which answers through the pty."""

    def __init__(self, columns: int, rows: int) -> None:
        super().__init__(columns, rows, history=_KEPT_LINES, ratio=0.5)
        self.answer: Callable[[str], None] = lambda text: None

    def write_process_input(self, data: str) -> None:
        self.answer(data)

    @property
    def all_lines(self) -> list[str]:
        """What has scrolled away, and what is shown."""
        return self.lines_from(0)

    def lines_from(self, first: int) -> list[str]:
        """All lines from one on; the others are let be, for thousands may have scrolled away."""
        top = self.history.top
        shown = (self.buffer[row] for row in range(max(0, first - len(top)), self.lines))
        return [
            "".join(line[column].data for column in range(self.columns)).rstrip()
            for line in chain(islice(top, first, None), shown)
        ]

    @property
    def cursor_line(self) -> int:
        """Of all lines, the one the cursor is on."""
        return len(self.history.top) + self.cursor.y


class Terminal:
    """One program in a terminal of its own."""

    def __init__(
        self,
        words: Sequence[str],
        folder: Path,
        environment: dict[str, str],
        size: tuple[int, int] = (24, 80),
    ) -> None:
        """`size` is rows and columns; the first word is the program."""
        self.raw = b""  # all that it has written
        self.screen = Screen(size[1], size[0])
        self._stream = pyte.ByteStream(self.screen)
        self._child = pexpect.spawn(
            words[0],
            list(words[1:]),
            cwd=str(folder),
            env=environment,  # type: ignore[arg-type]
            dimensions=size,
            timeout=None,
        )
        self._child.delaybeforesend = None
        self.screen.answer = self._answer
        self.pid = self._child.pid
        self.has_ended = False

    # -- what goes in ----------------------------------------------------------------------------

    def type(self, text: str) -> None:
        """Keys, as they are."""
        self._child.send(text)

    def paste(self, text: str) -> None:
        """Text that comes from the clipboard, marked as terminals do."""
        self.type(f"{PASTE_BEGIN}{text}{PASTE_END}")

    def resize(self, rows: int, columns: int) -> None:
        """The window has another size from now on; the program is told."""
        self.screen.resize(rows, columns)
        self._child.setwinsize(rows, columns)  # the kernel sends SIGWINCH

    def signal(self, number: int) -> None:
        """To the program alone."""
        os.kill(self.pid, number)

    # -- what comes out --------------------------------------------------------------------------

    @property
    def lines(self) -> list[str]:
        """The screen, without what follows each line's last character."""
        return [line.rstrip() for line in self.screen.display]

    @property
    def text(self) -> str:
        """All lines so far, those that have scrolled away first."""
        return "\n".join(self.screen.all_lines)

    def colours(self) -> list[str]:
        """The numbers of each escape sequence so far that sets colours or styles."""
        return [found.decode() for found in re.findall(rb"\x1b\[([0-9;]*)m", self.raw)]

    def wait_until(self, is_so: Callable[[], object], what: str, seconds: float = SECONDS) -> None:
        """Take in what the program writes until it is so."""
        end = time.monotonic() + seconds
        while not is_so():
            ended = self._read(_LOOK_SECONDS)
            if not ended and time.monotonic() < end:
                continue
            if is_so():
                return
            shown = "\n".join(self.screen.all_lines[-60:])
            assert not ended, f"{what}: not before the program ended\n{shown}"
            assert time.monotonic() < end, f"{what}: not within {seconds:g} s\n{shown}"

    def wait_for(self, text: str, seconds: float = SECONDS) -> None:
        """Until the text is on the screen, or has scrolled away."""
        self.wait_until(lambda: text in self.text, repr(text), seconds)

    def wait_for_end(self, seconds: float = SECONDS) -> int:
        """Until the program has ended; its exit code, or minus the signal that ended it."""
        end = time.monotonic() + seconds
        while not (self._read(_LOOK_SECONDS) and not self._child.isalive()):
            assert time.monotonic() < end, f"it has not ended\n{self.text[-3000:]}"
        status = self._child.exitstatus
        return -int(self._child.signalstatus or 0) if status is None else int(status)

    def take(self, seconds: float) -> None:
        """Take in what is written for so long: to see that something does not come."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self._read(_LOOK_SECONDS):
            pass

    def close(self) -> None:
        """End the program, whatever it is about."""
        with suppress(ProcessLookupError, OSError):
            os.kill(self.pid, signal.SIGKILL)
        with suppress(pexpect.ExceptionPexpect, OSError):
            self._child.close(force=True)

    def _read(self, seconds: float) -> bool:
        """Whether the program has written its last."""
        try:
            new = self._child.read_nonblocking(65_536, timeout=seconds)
        except pexpect.TIMEOUT:
            return False
        except pexpect.EOF:
            self.has_ended = True
            return True
        self.raw += new
        self._stream.feed(new)
        return False

    def _answer(self, text: str) -> None:
        with suppress(OSError):
            self._child.send(text)


class ShellTerminal(Terminal):
    """The interactive shell, with its prompt."""

    def ready(self, seconds: float = SECONDS) -> None:
        """Until the prompt waits for a line."""
        self.wait_until(lambda: self.typed() == "", "an empty prompt", seconds)

    def typed(self) -> str | None:
        """What stands between prompt and cursor; None where the cursor is at no prompt.

        A line that is longer than the screen is wide goes on below its prompt; what follows a
        shorter one, as where a prompt was interrupted, is not typed at it. What is suggested behind
        the cursor is not typed either.
        """
        row, parts = self.screen.cursor_line, [""]
        first = max(0, row - _MOST_ROWS)
        for line in reversed(self.screen.lines_from(first)[: row + 1 - first]):
            if len(parts) == 1:
                line = f"{line:<{self.screen.columns}}"[: self.screen.cursor.x]
            elif len(line) < self.screen.columns - 1:  # of a full one, a last space is not seen
                return None
            found = PROMPT.match(line)
            if found:
                return "".join([line[found.end() :], *reversed(parts)]).rstrip()
            parts.append(line)
        return None

    def run(self, line: str, seconds: float = SECONDS) -> list[str]:
        """Type a line, and wait for the next prompt; the lines that came in between.

        What is told above the prompt may come at any moment, and paints it anew.
        """
        self.ready(seconds)
        self.type(line)
        self.wait_until(lambda: _squeezed(self.typed() or "") == _squeezed(line), f"{line!r} typed")
        self.type(ENTER)
        self.wait_until(lambda: self.typed() == "", f"the prompt behind {line!r}", seconds)
        end = self.screen.cursor_line
        lines = self.screen.all_lines[:end]
        rows = [row for row, shown in enumerate(lines) if _typed_in(shown)]
        if not rows:  # the line has cleared the screen
            return lines
        prompt = PROMPT.match(lines[rows[-1]])
        wrapped = (prompt.end() + len(line) - 1) // self.screen.columns if prompt else 0
        return lines[rows[-1] + 1 + wrapped :]

    def interrupt(self, seconds: float = SECONDS) -> None:
        """Ctrl+C, and wait for the prompt that comes of it, below the one where it was typed."""
        before = len(self.raw)
        row = -1 if self.typed() is None else self.screen.cursor_line
        self.type(CTRL_C)
        self.wait_until(
            lambda: (
                b"mismartera:" in self.raw[before:]
                and self.screen.cursor_line > row
                and self.typed() == ""
            ),
            "a prompt after Ctrl+C",
            seconds,
        )

    def leave(self) -> int:
        """Ctrl+D at an empty prompt, and yes where sessions go on; the exit code."""
        self.ready()
        self.type(CTRL_D)
        asked = self.text.count("Leave?")
        self.wait_until(lambda: self.has_ended or self.text.count("Leave?") > asked, "its end")
        if not self.has_ended:
            self.type("y" + ENTER)
        return self.wait_for_end()


def _typed_in(line: str) -> str:
    """What stands behind the prompt in this line; nothing where there is none."""
    found = PROMPT.match(line)
    return line[found.end() :].strip() if found else ""


def _squeezed(text: str) -> str:
    """Without spaces: where a line wraps, one may be lost."""
    return text.replace(" ", "")


class ShellHouse:
    """A data folder, a folder of strategies, and the terminals over them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self._terminals: list[Terminal] = []

    def open(
        self, *words: str, size: tuple[int, int] = (24, 80), **environment: str
    ) -> ShellTerminal:
        """A shell, or a command, in a terminal; its environment with what is given."""
        program = [sys.executable, *SHELL, *words]
        terminal = ShellTerminal(program, self.folder, self.environment(environment), size)
        self._terminals.append(terminal)
        return terminal

    def environment(self, more: dict[str, str]) -> dict[str, str]:
        """As a user has it; nothing of the terminal that the tests run in."""
        unwanted = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "LC_ALL", "LC_CTYPE")
        plain = {name: value for name, value in os.environ.items() if name not in unwanted}
        own = {
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            "MISMARTERA_DATA_FOLDER": str(self.data),
            "MISMARTERA_STRATEGIES_FOLDER": str(self.folder / "strategies"),
        }
        return {**plain, **own, **more}

    def runs(self) -> list[dict[str, Any]]:
        """All runs on record, the newest first."""
        engine = open_database(sqlite_url(self.data))
        try:
            return [dict(run) for run in RunRepository(engine).list_runs(1_000)]
        finally:
            engine.dispose()

    def close(self) -> None:
        """End what is left: terminals, and the sessions that go on without them."""
        for terminal in self._terminals:
            terminal.close()
        if not (self.data / "mismartera.db").exists():
            return
        for run in self.runs():
            if run["state"] == "running" and is_running(run["pid"]):
                with suppress(ProcessLookupError):
                    os.kill(run["pid"], signal.SIGKILL)


def config_text(name: str, end: str, **parts: Any) -> str:
    """A config of the sample's bars from the first of November on."""
    given = {
        "name": name,
        "symbols": ["SYN1", "SYN2"],
        "replay": {"start": "2024-11-01", "end": end, "speed": parts.pop("speed", "max")},
        "strategies": [
            {"use": "app.strategies.examples.sma_cross:SmaCross", "params": parts.pop("params", {})}
        ],
        **parts,
    }
    return json.dumps(given, indent=2) + "\n"


@pytest.fixture(scope="session")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with bars, configs and two runs; copied, as making it takes seconds."""
    return _stocked(tmp_path_factory.getbasetemp())


@cache  # each module that imports a fixture has one of its own, with a session of its own
def _stocked(base: Path) -> Path:
    folder = base / "stocked"
    folder.mkdir()
    for name, end, parts in (
        ("first", "2024-11-04", {}),
        ("second", "2024-11-04", {"params": {"fast": 5}}),
        ("slow", "2024-11-04", {"speed": 1}),
        ("paced", "2024-12-13", {"speed": 3600}),  # three minutes of it
    ):
        text = config_text(name, end, **parts)  # type: ignore[arg-type]
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
    house = ShellHouse(folder)
    for words in (("system", "start", "first.json"), ("system", "start", "second.json")):
        subprocess.run(
            [sys.executable, *SHELL, *words],
            cwd=folder,
            env=house.environment({}),
            capture_output=True,
            timeout=60,
            check=True,
        )
    return folder


@pytest.fixture
def shell_house(stocked: Path, tmp_path: Path) -> Iterator[ShellHouse]:
    """A stocked house of a test's own; what it leaves running is ended."""
    shutil.copytree(stocked, tmp_path / "house")
    made = ShellHouse(tmp_path / "house")
    yield made
    made.close()


@pytest.fixture
def shell(shell_house: ShellHouse) -> ShellTerminal:
    """A shell in that house, at its prompt."""
    terminal = shell_house.open()
    terminal.ready()
    return terminal
