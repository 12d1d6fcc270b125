"""The root command. A noun's `commands.py` is imported when that noun is used: `--help` is fast."""

import errno
import importlib
import json
import os
import re
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import typer
from typer.core import TyperGroup

from app.cli import root_commands
from app.cli.terminal import ascii_terminal
from app.cli.terminal.printable import printable
from app.core.errors import EXIT_INTERRUPTED, AppError, UsageError, did_you_mean, of_comma
from app.core.run_ids import runs_back

NOUNS = {
    "system": "Start sessions, watch them and steer them.",
    "data": "Import, list, show and export bars.",
    "time": "The clock, trading sessions and holidays.",
    "config": "Make a session config, check it; its schema.",
    "risk": "Limits that orders are held against, what an account may do, the emergency stop.",
    "practice": "A venue of our own, to practise live trading on.",
    "strategies": "The strategies there are, what each does and can be set to.",
    "runs": "Past runs: what they were given and what came of it.",
    "report": "What a run came to: in the browser, its metrics, its tables, runs side by side.",
    "admin": "Housekeeping: how much is logged.",
}
# What other programs call what is here.
_ELSEWHERE = {
    **dict.fromkeys(("backtest", "simulate", "trade", "live"), ("system start",)),
    "import": ("data import-csv", "data import-parquet", "data import-api"),
    **dict.fromkeys(("download", "fetch"), ("data import-api",)),
    **dict.fromkeys(("symbols", "bars"), ("data list",)),
    **dict.fromkeys(("trades", "results", "performance"), ("report show",)),
}
PROGRAM = "mismartera"
_WANTED = {
    "int_parsing": "a whole number",
    "float_parsing": "a number",
    "greater_than_equal": "{ge} or more",
    "less_than_equal": "{le} or less",
}
_NO_ROOM = "make room, or write elsewhere"
_NO_RIGHT = "look after its permissions, or name another"
# What the system refuses, and what to do then: none of it is a defect of ours.
_REMEDIES = {
    errno.ENOSPC: _NO_ROOM,
    errno.EDQUOT: _NO_ROOM,
    errno.EFBIG: "raise the limit of a file's size (ulimit -f)",
    errno.EROFS: _NO_RIGHT,
    errno.EACCES: _NO_RIGHT,
    errno.EPERM: _NO_RIGHT,
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENAMETOOLONG: "give a shorter one",
}

EPILOG = """\b
Examples:
  ./start_cli.sh system start session_configs/example_session.json
  ./start_cli.sh runs list"""


class _Interrupted(Exception):
    """Ctrl-C within a command."""


class LazyNouns(TyperGroup):
    """Lists every noun by its line in NOUNS; loads the one that is resolved."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:  # Typer would end with the right code, but without a word
            raise _Interrupted from None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args[0] in NOUNS:
            self.commands[args[0]] = load_noun(args[0])
        return super().resolve_command(ctx, args)


# Else pydantic looks through every installed package at each start: 35 ms for nothing.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "true")

root = typer.Typer(
    name=PROGRAM,
    cls=LazyNouns,
    help="A day-trading backend whose replay and live sessions share one code path.",
    epilog=EPILOG,
    rich_markup_mode=None,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _noun, _help in NOUNS.items():
    root.add_typer(typer.Typer(help=_help), name=_noun)
root.add_typer(root_commands.app)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; no traceback reaches the console."""
    exit_code = _ended(argv)
    _heed_no_more(argv)
    if argv is None and threading.active_count() > 1:
        from app.cli.lingering import end_in_time

        end_in_time(exit_code)
    return exit_code


def _heed_no_more(argv: Sequence[str] | None) -> None:
    """A process of its own is ending: one more Ctrl+C finds nothing that it could end."""
    if argv is None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _ended(argv: Sequence[str] | None) -> int:
    _open_closed_streams()
    args = list(sys.argv[1:] if argv is None else argv)
    if not args and sys.stdin.isatty() and sys.stdout.isatty():
        args = ["shell"]
    try:
        ascii_terminal.adapt()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # the shell's child begins deaf
        args = spelled_out(args)
        outcome = root_group().main(args, prog_name=PROGRAM, standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read has seen enough (`| head`): as click does, end without a word.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return AppError.exit_code
    except (KeyboardInterrupt, _Interrupted):
        _heed_no_more(argv)
        return _report("interrupted", EXIT_INTERRUPTED, args)
    except AppError as error:
        return _report(str(error), error.exit_code, args)
    except typer.TyperException as error:
        return _report(_usage_message(error), UsageError.exit_code, args)
    except typer.Abort:
        return _report("aborted", EXIT_INTERRUPTED, args)
    except Exception as error:
        message, exit_code = _not_meant(error, args)
        return _report(message, exit_code, args)
    return outcome if isinstance(outcome, int) else 0


def _open_closed_streams() -> None:
    """After `>&-` there is no stream: what is written there is for nobody, as a pipe's end is.

    In this order each gets its own number back, which else the next file that is opened would have.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115


def _not_meant(error: Exception, args: Sequence[str]) -> tuple[str, int]:
    """What to say of an error that we did not raise, and the exit code; most are defects."""
    if isinstance(error, OSError) and error.errno in _REMEDIES:
        what = f"{error.strerror}: '{str(error.filename)[:200]}'" if error.filename else ""
        return f"{what or error.strerror}; {_REMEDIES[error.errno]}.", AppError.exit_code
    if isinstance(error, MemoryError):
        return f"There is not enough memory for it ({error}); give it less.", AppError.exit_code
    if isinstance(error, UnicodeEncodeError):
        for word in args:
            if not word.isascii() and word != word.encode("utf-8", "ignore").decode():
                return f"{word!a} is no text in UTF-8; write it anew.", UsageError.exit_code
    return record_defect(error), AppError.exit_code


@cache
def root_group() -> TyperGroup:
    """The root with its own commands, nouns first; a noun is empty until it is loaded."""
    group = typer.main.get_group(root)
    group.commands = {name: group.commands[name] for name in (*NOUNS, *group.commands)}
    _make_plain(group)
    return group


@cache
def load_noun(noun: str) -> TyperGroup:
    """The noun's own command group."""
    group = typer.main.get_group(importlib.import_module(f"app.cli.{noun}.commands").app)
    _make_plain(group)
    return group


def spelled_out(args: Sequence[str]) -> list[str]:
    """The words with each noun's singular made its plural; a bare noun lists what can follow."""
    words: list[str] = []
    if args[:1] == ["--version"]:  # as every program has it
        args = ["version", *args[1:]]
    group: Any = root_group()
    for word in args:
        name = known_word(word, group.commands)
        if name is None:
            return [*words, *args[len(words) :]]
        group = load_noun(name) if not words and name in NOUNS else group.commands[name]
        words.append(name)
        if not hasattr(group, "commands"):
            return [*words, *args[len(words) :]]
    return [*words, "--help"]


def known_word(word: str, commands: Mapping[str, Any]) -> str | None:
    """The word itself, or the noun whose singular it is: `run` for `runs`."""
    if word in commands:
        return word
    plural = f"{word[:-1]}ies" if re.search(r"[^aeiou]y$", word) else f"{word}s"
    return plural if hasattr(commands.get(plural), "commands") else None


def _make_plain(command: Any) -> None:
    """Its help is that of the command `help`."""
    command.rich_markup_mode = None
    command.get_help = _help_of
    for part in getattr(command, "commands", {}).values():
        _make_plain(part)


def _help_of(context: Any) -> str:
    from app.cli.help import help_text
    from app.cli.tree import node

    found = node(context.command_path.split()[1:])
    assert found is not None
    return help_text(found)


def _usage_message(error: typer.TyperException) -> str:
    """Typer's message, and where the right words are listed."""
    context = getattr(error, "ctx", None)
    path = context.command_path.split()[1:] if context is not None else ()
    message = _value_fault(error) or error.format_message()
    if option := getattr(error, "option_name", None):
        near = [*(getattr(error, "possibilities", None) or ())]
        message = f"No such option '{option}'.{did_you_mean(option, near)}" if near else message
        if re.fullmatch(r"-\d", option):
            message = "A number below 0 is none of its values"
    elif not path and (found := re.match(r"No such command '([a-z-]+)'\.", message)):
        message = f"{found[0]}{of_nouns(found[1])}" if of_nouns(found[1]) else message
    elif path == ["runs"] and (found := re.match(r"No such command '(\S+\.json)'\.", message)):
        message = f"{found[0]} Did you mean 'system start {found[1]}'?"  # 'run CONFIG'
    end = "" if message.endswith((".", "?")) else "."
    return f"{message}{end} See '{' '.join(['help', *path])}'."


def of_nouns(word: str) -> str:
    """Which nouns have a command of that name, or which command does what others call so."""
    named = [f"'{noun} {word}'" for noun in NOUNS if word in load_noun(noun).commands]
    named = named or [f"'{words}'" for words in _ELSEWHERE.get(word, ())]
    return f" Did you mean {', '.join(named)}?" if named else ""


def _value_fault(error: typer.TyperException) -> str:
    """What was found, and what is allowed; "" where it is not a value that is wrong."""
    cause: Any = error.__cause__
    if not hasattr(cause, "errors"):
        return ""
    fault = cause.errors()[0]
    wanted = _WANTED.get(fault["type"])
    if wanted is None:
        return ""
    where = error.format_message().partition(": ")[0]
    found, allowed = str(fault["input"]), wanted.format(**fault.get("ctx", {}))
    hint = of_comma(found) or _of_run(error, found)
    return f"{where}: found '{found}', allowed is {allowed}.{hint}"


def _of_run(error: Any, word: str) -> str:
    """How a run is named, where one was named in the place of something else."""
    command = getattr(getattr(error, "ctx", None), "command", None)
    takes = any("--run" in one.opts for one in getattr(command, "params", ()))
    named = takes and runs_back(word) is not None
    return f" A run is named by --run: --run {word}." if named else ""


def record_defect(error: Exception) -> str:
    """Put the traceback into the log file; return the one line for the user."""
    from app.core.logging import redact

    what = f"{type(error).__name__}: {redact(str(error))}; this is a defect"
    try:
        from app.cli.context import Context

        return f"{what}; details in {Context().log_defect(error)}"
    except Exception as second:
        return f"{what}, and the log could not be written: {second}"


def _report(message: str, exit_code: int, args: Sequence[str]) -> int:
    """Say it on standard error: for `--json` as one object, else as `error: ...`.

    What a file or an argument smuggled in may not steer the terminal.
    """
    from app.core.logging import without_secrets

    message = without_secrets(message)
    if "--json" in args:
        print(json.dumps({"error": message, "exit_code": exit_code}), file=sys.stderr)
    else:
        print(f"error: {printable(message)}", file=sys.stderr)
    return exit_code


if __name__ == "__main__":
    from app.cli.main import main as start  # what imports this module finds the one that runs

    sys.exit(start())
