"""Lines that nobody should type: real commands with something wrong in them, and plain noise.

They run through the shell's own reading and dispatch, and through the real commands, in a folder
of their own; whatever would start a process only says that it would.
"""

import io
import random
import re
import string
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import pytest

from app.cli.shell.opening import open_commands
from app.cli.shell.shell import Shell
from app.cli.tree import LAUNCHER, walk
from app.core.errors import StateError

NOISE = (
    "\x00\x01\x03\x04\x07\x08\t\n\r\x1b\x7f\x9b\u202e\u200b\ufeff\udc80'\"\\;#@|&<>$`*?[]{}()=-é漢🂡"
)
ENDS = ("--json", "--help", "-h", "--", "--jsn", "-1", "x" * 500)
SHELL_LINES = (
    "help", "help data", "help data import-csv", "history list", "alias a runs list", "alias a b",
    "alias b a", "alias", "unalias a", "a", "ps", "@script", "@@", "exit", "quit", "version; foo",
)  # fmt: skip
_OUTSIDE = re.compile(r"(^|[\s='\"@\\;:,\[{(])(?:[/~]|\.\.)+")


def fuzzed_lines(seed: int) -> Iterator[str]:
    """Without end; the same for the same seed."""
    chance = random.Random(seed)
    examples = [example for node in walk() for example in node.examples]
    words = sorted({word for example in examples for word in example.split()})
    while True:
        kind = chance.random()
        if kind < 0.15:
            line = "".join(chance.choices(NOISE + string.printable, k=chance.randrange(1, 80)))
        elif kind < 0.35:
            line = " ".join(chance.choices(words, k=chance.randrange(1, 7)))
        else:
            line = chance.choice([*examples, *SHELL_LINES])
        for _ in range(chance.randrange(4)):
            line = _mutated(line, chance)
        yield _within(line)


def _mutated(line: str, chance: random.Random) -> str:
    at = chance.randrange(len(line) + 1)
    end = min(len(line), at + chance.randrange(1, 8))
    kind = chance.randrange(6)
    if kind == 0:
        return line[:at] + line[end:]
    if kind == 1:
        return line[:at] + chance.choice(NOISE) + line[at:]
    if kind == 2:
        return line[:at] + line[at:end][::-1] + line[end:]
    if kind == 3:
        return (
            line + " " + chance.choice(("--json", "--help", "-h", "--", "--jsn", "-1", "x" * 500))
        )
    if kind == 4:
        word = chance.choice(line.split() or [" "])
        return line.replace(word, chance.choice(("", "'", "0")), 1)
    return f"{line[:at]};{line[at:]}" if chance.random() < 0.5 else f"{line}; {line}"


def _within(line: str) -> str:
    """No path leads out of the folder, and nothing waits for a question's answer."""
    return _OUTSIDE.sub(r"\1", line.removeprefix(LAUNCHER)).replace("..", ".")


class Sandbox:
    """A shell in its folder, with no way to a process."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.started: list[Any] = []  # what would have run
        patch.chdir(folder)
        patch.setenv("MISMARTERA_DATA_FOLDER", str(folder / "data"))
        patch.setattr(subprocess, "Popen", self._refuse)
        patch.setattr(sys, "stdin", io.StringIO())
        (folder / "script").write_text("version\nruns list\nhelp nothing\n", encoding="utf-8")
        (folder / "shell").mkdir()
        self.shell = Shell(open_commands(self._run_child), folder / "shell")

    def run(self, line: str) -> int:
        """Its exit code; raises what would have ended the shell."""
        self.shell.is_leaving = False
        return self.shell.run_text(line)

    def _run_child(self, words: Sequence[str]) -> int:
        self.started.append(words)
        return 0

    def _refuse(self, words: object, *_: object, **__: object) -> NoReturn:
        self.started.append(words)
        raise StateError("No process is started here.")
