"""Short words of the user's own for longer commands, kept between sessions."""

import json
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from app.cli.shell.lines import Statement, statements
from app.core.errors import AppError, ConfigError, NotFoundError, UsageError, did_you_mean

FILE_NAME = "aliases.json"
BUILT_IN: Final = {
    "?": "help",
    "ps": "system status",
    "pos": "system positions",
    "now": "time now",
    "last": "runs list",
}
_NAME = re.compile(r"[^\s;'\"\\#@|&<>=-][^\s;'\"\\#|&<>=]*")
_LONGEST = 10_000
_DEEPEST = 50
_MOST_COMMANDS = 500


class Aliases:
    """The built-in ones, and the user's in their file."""

    def __init__(self, folder: Path, is_taken: Callable[[str], bool]) -> None:
        self._path = folder / FILE_NAME
        self._is_taken = is_taken  # does a word mean something already?
        self.fault = ""  # why the file cannot be used
        self.own = self._read()

    @property
    def all(self) -> dict[str, str]:
        """Each word and what it stands for."""
        return {**BUILT_IN, **self.own}

    def expanded(self, statement: Statement) -> list[Statement]:
        """What is run for it: arguments follow the last command of an alias."""
        return self._expanded(statement, ())

    def _expanded(self, statement: Statement, through: tuple[str, ...]) -> list[Statement]:
        name, *rest = statement.words
        if self._is_taken(name) or name not in self.all:
            return [statement]
        if name in through or len(through) >= _DEEPEST:
            raise UsageError(f"The alias '{name}' leads back to itself: change one on its way.")
        found: list[Statement] = []
        parts = statements(self.all[name])
        for part in parts:
            is_last = part is parts[-1]
            words = (*part.words, *rest) if is_last else part.words
            text = " ".join([part.text, *statement.text.split(maxsplit=1)[1:]])
            found += self._expanded(
                Statement(words, text if is_last else part.text), (*through, name)
            )
            if len(found) > _MOST_COMMANDS:
                raise UsageError(f"The alias '{name}' stands for over {_MOST_COMMANDS} commands.")
        return found

    def add(self, name: str, text: str) -> None:
        """Have the name stand for the text from now on."""
        if self._is_taken(name):
            raise UsageError(f"'{name}' means something already; take another word.")
        if not _NAME.fullmatch(name):
            raise UsageError(f"'{name}' cannot be a name: one word, without quotes or signs.")
        if len(text) > _LONGEST or not statements(text):
            raise UsageError(f"'{name}' must stand for 1 to {_LONGEST:,} characters of commands.")
        before = self.own
        self.own = {**before, name: text}
        try:
            self.expanded(Statement((name,), name))
            self._write()
        except AppError:
            self.own = before
            raise

    def remove(self, name: str) -> None:
        """Forget it."""
        if name not in self.own:
            if name in BUILT_IN:
                raise UsageError(f"'{name}' is built in; 'alias {name} WORDS' makes it yours.")
            hint = did_you_mean(name, self.own)
            raise NotFoundError(f"There is no alias '{name}' of yours.{hint}")
        before = self.own
        self.own = {one: text for one, text in before.items() if one != name}
        try:
            self._write()
        except AppError:
            self.own = before
            raise

    def _read(self) -> dict[str, str]:
        """What the file holds; a faulty one is left as it is, and takes nobody's prompt away."""
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            self.fault = f"{self._path} cannot be read: {error}. Mend or delete it."
            return {}
        if not isinstance(found, dict) or not all(isinstance(text, str) for text in found.values()):
            self.fault = f"{self._path} must be one JSON object of texts. Mend or delete it."
            return {}
        return found

    def _write(self) -> None:
        if self.fault:
            raise ConfigError(self.fault)
        draft = self._path.with_name(f".{FILE_NAME}.part")
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_TRUNC | os.O_CREAT, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(self.own, file, indent=2, ensure_ascii=False)
            draft.replace(self._path)
        except OSError as error:
            raise ConfigError(f"{self._path} cannot be written: {error.strerror}.") from None


def alias_parts(words: Sequence[str]) -> tuple[str, str]:
    """`NAME WORDS...` or `NAME=WORDS`, as people write it; the text is "" to ask for one."""
    name, *rest = words
    head, sign, tail = name.partition("=")
    if sign and head:
        rest = [tail, *rest] if tail else rest
        name = head
    elif rest and rest[0] == "=":
        rest = rest[1:]
    text = rest[0] if len(rest) == 1 else " ".join(map(_quoted, rest))
    return name, text


def _quoted(word: str) -> str:
    """A word so that it is read as one again."""
    if re.fullmatch(r"[^\s;'\"\\#|&<>]+", word):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
