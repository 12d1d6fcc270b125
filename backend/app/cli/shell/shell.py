"""What a line does: its statements in order, each a word of the shell or a command."""

import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from app.cli.shell.aliases import Aliases, alias_parts
from app.cli.shell.lines import Statement, read_lines
from app.cli.shell.words import SHELL_WORDS, without_program, without_secrets
from app.cli.terminal.printable import printable
from app.core.errors import EXIT_INTERRUPTED, AppError, NotFoundError, UsageError, did_you_mean

MOST_NESTED = 10  # scripts within scripts
MOST_SCRIPT_BYTES = 1_000_000


class ShellWord(NamedTuple):
    """A word of the shell's own."""

    usage: str
    run: Callable[[Sequence[str]], int | None]  # an exit code that is not 0


class Commands(NamedTuple):
    """The commands of the command line, as the shell needs them."""

    run: Callable[[Sequence[str]], int]
    names: Sequence[str]  # that a command can begin with
    known: Callable[[str], bool]  # is this one of them, or another form of one?
    help_text: Callable[[Sequence[str]], str | None]  # of what these words name, if they do
    on_defect: Callable[[Exception], str]  # records it; the line for the user


class Shell:
    """Runs lines. It knows nothing of the terminal they were typed at."""

    def __init__(
        self, commands: Commands, folder: Path, keeps_going: bool = False, as_json: bool = False
    ) -> None:
        self.words: dict[str, ShellWord] = {}
        self.is_leaving = False
        self.aliases = Aliases(folder, self.means_something)
        self._commands = commands
        self._keeps_going = keeps_going
        self._as_json = as_json  # each command answers so, errors too
        self._scripts: list[Path] = []
        for word, run in (
            ("help", self._help),
            ("alias", self._alias),
            ("unalias", self._unalias),
            ("exit", self._exit),
            ("quit", self._exit),
        ):
            self.words[word] = ShellWord(SHELL_WORDS[word], run)

    def means_something(self, word: str) -> bool:
        """Whether it is a word of the shell or begins a command."""
        return word in self.words or self._commands.known(word)

    def defect_text(self, error: Exception) -> str:
        """A line for the user; the rest is in the log."""
        return self._commands.on_defect(error)

    def tell_defect(self, error: Exception) -> int:
        """Something of ours is wrong; the shell goes on."""
        return self._tell(AppError(self.defect_text(error)))

    def run_text(self, text: str, origin: str = "") -> int:
        """Run lines one after the other; the exit code of the first that failed, else 0.

        Nothing runs where one of them cannot be read. `origin` names the script they come from.
        """
        try:
            lines = read_lines(text, os.path.expanduser("~"), origin)
        except UsageError as error:
            return self._tell(error)
        first = 0
        for index, line in enumerate(lines):
            if origin or len(lines) > 1:
                self._say(f"> {without_secrets(line.text)}")
            code = self._run_statements(line.statements)
            first = first or code
            if self.is_leaving:
                break
            if code and not self._keeps_going:
                where = f"{origin}:{line.number}" if origin else f"Line {line.number}"
                left = len(lines) - index - 1
                if origin or left:
                    self._say(f"{where} failed{_count(left)}.")
                break
        return first

    def _run_statements(self, parts: Sequence[Statement]) -> int:
        for index, statement in enumerate(parts):
            code = self._run_guarded(statement)
            rest = "; ".join(one.text for one in parts[index + 1 :])
            if code and rest:
                self._say(f"Not run: {without_secrets(rest)}")
            if code or self.is_leaving:
                return code
        return 0

    def _run_guarded(self, statement: Statement) -> int:
        """Run one statement; whatever happens in it, the shell lives."""
        try:
            return self._run(statement)
        except AppError as error:
            return self._tell(error)
        except KeyboardInterrupt:
            interrupted = AppError("interrupted")
            interrupted.exit_code = EXIT_INTERRUPTED
            return self._tell(interrupted)
        except Exception as error:
            return self.tell_defect(error)

    def _run(self, statement: Statement) -> int:
        words = without_program(statement.words)
        if not words or words[0] == "shell":
            raise UsageError("This is the shell already: the words behind it are enough.")
        for one in self.aliases.expanded(Statement(words, statement.text)):
            code = self._run_words(without_program(one.words))
            if code or self.is_leaving:
                return code
        return 0

    def _run_words(self, words: Sequence[str]) -> int:
        name = words[0]
        if name.startswith("@"):
            return self._run_script(words)
        if name in self.words:
            return self.words[name].run(words[1:]) or 0
        if not name.startswith("-") and not self._commands.known(name):
            from app.cli.main import of_nouns

            known = [*self.words, *self.aliases.all, *self._commands.names]
            hint = of_nouns(name) or did_you_mean(name, known)
            raise UsageError(f"There is no command '{name}'.{hint} 'help' lists them.")
        return self._run_command(words)

    def _run_command(self, words: Sequence[str]) -> int:
        more = ["--json"] if self._as_json and "--json" not in words else []
        return self._commands.run([*words, *more])

    def _run_script(self, words: Sequence[str]) -> int:
        name, *more = [word for word in (words[0][1:], *words[1:]) if word] or [""]
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
            return self.run_text(text, str(path))
        finally:
            self._scripts.pop()

    def _tell(self, error: AppError) -> int:
        if self._as_json:
            told = {"error": str(error), "exit_code": error.exit_code}
            print(json.dumps(told), file=sys.stderr, flush=True)
        else:
            _say(f"error: {error}")
        return error.exit_code

    def _say(self, text: str) -> None:
        """What happens to lines, for people."""
        if not self._as_json:
            _say(text)

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

    def _help(self, words: Sequence[str]) -> int:
        if words and words[0] in self.words:
            print(self.words[words[0]].usage)
            return 0
        if words and words[0] in self.aliases.all:
            print(f"{words[0]} is an alias: {self.aliases.all[words[0]]}")
            return 0
        text = None if self._as_json else self._commands.help_text(words)
        if text is None:  # options, or words that are wrong
            return self._run_command(["help", *words])
        print(text)
        if not words:
            print("\nWords of the shell:")
            for usage in sorted({word.usage for word in self.words.values()}):
                print(f"  {usage}")
            print("  @FILE: run a file of lines")
            print("  A; B: run A, then B if A succeeded")
        return 0


def read_script(path: Path) -> str:
    """The lines of a file, or what is wrong with it."""
    try:
        if not path.exists():
            raise NotFoundError(f"There is no file '{path}'.")
        if not path.is_file():
            raise UsageError(f"'{path}' is no file of lines.")
        if path.stat().st_size > MOST_SCRIPT_BYTES:
            raise UsageError(f"'{path}' is no script: it has over {MOST_SCRIPT_BYTES:,} bytes.")
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(f"'{path}' cannot be read: {why}.") from None


def _count(left: int) -> str:
    return f"; {left} more {'line' if left == 1 else 'lines'} not run" if left else ""


def _say(text: str) -> None:
    sys.stdout.flush()
    print(printable(text), file=sys.stderr, flush=True)
