"""The lines of earlier, kept between sessions: without secrets, for their owner alone."""

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from prompt_toolkit.history import History

from app.cli.shell.words import without_secrets

FILE_NAME = "history"
MOST_KEPT = 5_000


class LineHistory(History):
    """One line of the file is one entry, the newest last; several shells may append to it."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._path = folder / FILE_NAME

    def load_history_strings(self) -> Iterable[str]:
        """The newest first."""
        entries = self._read()
        kept = list(dict.fromkeys(reversed(entries)))[:MOST_KEPT]
        if len(entries) > 2 * MOST_KEPT:
            self._rewrite(reversed(kept))
        return kept

    def store_string(self, string: str) -> None:
        with suppress(OSError):  # a full disk does not take the prompt away
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(_stored(string))

    def append_string(self, string: str) -> None:
        """Keep a line that was given: none that begins with a space, none twice in a row."""
        line = without_secrets(string).rstrip()
        if not line or line[0].isspace() or line == next(iter(self._loaded_strings), None):
            return
        with suppress(ValueError):
            self._loaded_strings.remove(line)
        super().append_string(line)

    def newest(self, text: str, most: int) -> list[str]:
        """The newest entries that hold the text, the newest last."""
        found = [line for line in self.load_history_strings() if text.lower() in line.lower()]
        return found[:most][::-1]

    def _read(self) -> list[str]:
        try:
            text = self._path.read_bytes().decode("utf-8", errors="replace")
        except OSError:
            return []
        return [_unescaped(line) for line in text.split("\n") if line]

    def _rewrite(self, entries: Iterable[str]) -> None:
        draft = self._path.with_name(f".{FILE_NAME}.part")
        with suppress(OSError):
            descriptor = os.open(draft, os.O_WRONLY | os.O_TRUNC | os.O_CREAT, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.writelines(map(_stored, entries))
            draft.replace(self._path)


def _stored(entry: str) -> bytes:
    escaped = entry.replace("\\", "\\\\").replace("\n", "\\n")
    return f"{escaped}\n".encode(errors="replace")


def _unescaped(line: str) -> str:
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], line)
