"""What a line does: its statements in order, each a word of the shell or a command."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from app.cli.shell.aliases import Aliases, alias_parts
from app.cli.shell.lines import Statement, logical_lines, statements
from app.cli.shell.notices import visible
from app.cli.shell.words import SHELL_WORDS, without_program, without_prompt
from app.core.errors import EXIT_INTERRUPTED, AppError, NotFoundError, UsageError

Run = Callable[[Sequence[str]], int]
MOST_NESTED = 10  # scripts within scripts


class ShellWord(NamedTuple):
    """A word of the shell's own."""

    usage: str
    run: Callable[[Sequence[str]], None]


class Shell:
    """Runs lines. It knows nothing of the terminal they were typed at."""

    def __init__(self, run_command: Run, aliases: Aliases, keeps_going: bool = False) -> None:
        self.aliases = aliases
        self.words: dict[str, ShellWord] = {}
        self.is_leaving = False
        self.always: tuple[str, ...] = ()  # options that every command gets
        self._run_command = run_command
        self._keeps_going = keeps_going
        self._scripts: list[Path] = []
        for word, run in (
            ("help", self._help),
            ("alias", self._alias),
            ("unalias", self._unalias),
            ("exit", self._exit),
            ("quit", self._exit),
        ):
            self.words[word] = ShellWord(SHELL_WORDS[word], run)

    def run_text(self, text: str, origin: str = "", echoes: bool = False) -> int:
        """Run lines one after the other; the exit code of the first that failed, else 0.

        Nothing runs where one of them cannot be read. `origin` names a script in messages.
        """
        home = os.path.expanduser("~")
        try:
            lines = [
                (number, line, statements(line, home))
                for number, line in self._numbered(text, origin)
            ]
        except UsageError as error:
            return self._tell(error, origin)
        first = 0
        for index, (number, line, parts) in enumerate(lines):
            if echoes and parts:
                print(f"> {visible(line.strip())}", file=sys.stderr, flush=True)
            code = self._run_statements(parts)
            first = first or code
            if self.is_leaving:
                break
            if code and not self._keeps_going:
                self._tell_rest(origin, number, sum(bool(more) for *_, more in lines[index + 1 :]))
                break
        return first

    def _numbered(self, text: str, origin: str) -> list[tuple[int, str]]:
        found = []
        for number, line in logical_lines(text):
            plain = without_prompt(line)
            try:
                statements(plain)
            except UsageError as error:
                where = f"{origin}:{number}: " if origin else f"Line {number}: " * ("\n" in text)
                raise UsageError(f"{where}{error}") from None
            found.append((number, plain))
        return found

    def _run_statements(self, parts: Sequence[Statement]) -> int:
        for index, statement in enumerate(parts):
            code = self._run_guarded(statement)
            if self.is_leaving:
                return code
            if code:
                rest = "; ".join(one.text for one in parts[index + 1 :])
                if rest:
                    print(f"Not run: {visible(rest)}", file=sys.stderr, flush=True)
                return code
        return 0

    def _run_guarded(self, statement: Statement) -> int:
        """Run one statement; whatever happens in it, the shell lives."""
        try:
            return self._run(statement)
        except AppError as error:
            return self._tell(error)
        except KeyboardInterrupt:
            print("error: interrupted", file=sys.stderr, flush=True)
            return EXIT_INTERRUPTED

    def _run(self, statement: Statement) -> int:
        words = without_program(statement.words)
        if not words:
            return 0
        if words[0].startswith("@"):
            return self._run_script(words)
        statement = Statement(words, statement.text)
        for one in self.aliases.expanded(statement):
            words = without_program(one.words)
            if words[0].startswith("@"):
                code = self._run_script(words)
            elif words[0] in self.words:
                self.words[words[0]].run(words[1:])
                code = 0
            else:
                missing = [option for option in self.always if option not in words]
                code = self._run_command([*words, *missing])
            if code or self.is_leaving:
                return code
        return 0

    def _run_script(self, words: Sequence[str]) -> int:
        name, *more = words[0][1:], *words[1:]
        if not name and more:  # "@ file"
            name, *more = more
        if not name or more:
            raise UsageError("'@FILE' runs a file of lines; it takes one name and nothing else.")
        path = Path(os.path.expanduser(name))
        if path in self._scripts:
            raise UsageError(f"'{path}' runs itself; it is not run again.")
        if len(self._scripts) >= MOST_NESTED:
            raise UsageError(f"Scripts run scripts {MOST_NESTED} deep; '{path}' is not run.")
        text = read_script(path)
        self._scripts.append(path)
        try:
            return self.run_text(text, str(path), echoes=True)
        finally:
            self._scripts.pop()

    def _tell_rest(self, origin: str, number: int, rest: int) -> None:
        left = f"; {rest} more {'line' if rest == 1 else 'lines'} not run" if rest else ""
        if origin:
            print(f"{visible(origin)}:{number}: failed{left}.", file=sys.stderr, flush=True)
        elif rest:
            print(f"Line {number} failed{left}.", file=sys.stderr, flush=True)

    def _tell(self, error: AppError, origin: str = "") -> int:
        print(f"error: {visible(str(error))}", file=sys.stderr, flush=True)
        return error.exit_code

    def _exit(self, words: Sequence[str]) -> None:
        if words:
            raise UsageError("'exit' takes no arguments.")
        self.is_leaving = True

    def _alias(self, words: Sequence[str]) -> None:
        known = self.aliases.all
        if not words:
            for name in sorted(known):
                print(f"{name} = {known[name]}")
            return
        name, text = alias_parts(words)
        if text:
            self.aliases.add(name, text)
        elif name in known:
            print(f"{name} = {known[name]}")
        else:
            raise NotFoundError(f"There is no alias '{name}'. 'alias {name} WORDS' makes one.")

    def _unalias(self, words: Sequence[str]) -> None:
        if len(words) != 1:
            raise UsageError("'unalias NAME' forgets one alias.")
        self.aliases.remove(words[0])

    def _help(self, words: Sequence[str]) -> None:
        if words and words[0] in self.words:
            print(self.words[words[0]].usage)
            return
        self._run_command([*words, "--help"])
        if not words:
            print("Words of the shell:")
            for word in self.words.values():
                print(f"  {word.usage}")
            print("  @FILE: run a file of lines;  A; B: run A, then B")


def read_script(path: Path) -> str:
    """The lines of a file, or what is wrong with it."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFoundError(f"There is no file '{path}' in this folder.") from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(f"'{path}' cannot be read: {why}.") from None
