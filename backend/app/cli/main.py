"""The root command. A noun's module is imported when that noun is used: `--help` is fast."""

import importlib
import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from app import __version__
from app.cli.parameters import AsJson, OfRun, PastRun, Symbol
from app.core.errors import EXIT_INTERRUPTED, AppError, UsageError

NOUNS = {
    "system": "Start sessions, watch them and steer them.",
    "data": "Import, list, show and export bars.",
    "time": "The clock, trading sessions and holidays.",
    "config": "Check a session config; its schema.",
    "risk": "Limits that orders are held against, what an account may do, the emergency stop.",
    "practice": "A venue of our own, to practise live trading on.",
    "strategies": "The strategies there are, what each does and can be set to.",
    "runs": "Past runs: what they were given and what came of it.",
    "report": "Runs side by side: their figures, and what differs between them.",
    "admin": "Housekeeping: how much is logged.",
}
PROGRAM = "mismartera"

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


@root.callback()
def _root() -> None:
    """Without a callback, Typer would take the only command for the root."""


@root.command("init-db")
def init_db(as_json: AsJson = False) -> None:
    """Make the database, or bring it up to date.

    \b
    Example:
      ./start_cli.sh init-db
    """
    from app.cli.context import Context
    from app.repositories.database import ensure_database

    engine = Context().open_engine()
    changed = ensure_database(engine)
    where = engine.url.render_as_string(hide_password=True)
    if as_json:
        typer.echo(json.dumps({"database": where, "changed": changed}))
        return
    typer.echo(f"Database {'ready' if changed else 'already up to date'}: {where}")


@root.command()
def version(as_json: AsJson = False) -> None:
    """The version of this program and of Python.

    \b
    Example:
      ./start_cli.sh version --json
    """
    python = sys.version.split()[0]
    if as_json:
        typer.echo(json.dumps({"version": __version__, "python": python}))
    else:
        typer.echo(f"MisMartera {__version__} (Python {python})")


@root.command()
def verify(
    run_id: PastRun,
    runner: Annotated[
        str, typer.Option(metavar="inline|pool", help="On one thread, or on four.")
    ] = "inline",
    as_json: AsJson = False,
) -> None:
    """Run a live run again from its journal: does it decide the same?

    \b
    Exit codes:
      1  it decides otherwise, or its journal is damaged

    \b
    Examples:
      ./start_cli.sh verify last
      ./start_cli.sh verify last --runner pool --json
    """
    from app.cli.verify import verify_run

    verify_run(run_id, runner, as_json)


@root.command()
def why(
    order: Annotated[int, typer.Argument(metavar="ORDER", min=1, help="An order's number.")],
    run_id: OfRun,
    as_json: AsJson = False,
) -> None:
    """Why a run gave an order, and what became of it: bar, indicators, limits, fills.

    The run is run again for it.

    \b
    Exit codes:
      1  the run decides otherwise now

    \b
    Example:
      ./start_cli.sh why 12 --run last
    """
    from app.cli.why import why_order

    why_order(order, run_id, as_json)


@root.command()
def why_not(
    symbol: Symbol,
    time: Annotated[str, typer.Argument(metavar="TIME", help="A time in the market's zone.")],
    run_id: OfRun,
    as_json: AsJson = False,
) -> None:
    """What strategies saw of a symbol at an instant, what they proposed, and each refusal.

    A bar is shown at its end: what was known at 10:31 includes the minute from 10:30.

    \b
    Exit codes:
      1  the run decides otherwise now

    \b
    Example:
      ./start_cli.sh why-not SYN1 "2024-11-01 10:31" --run last --json
    """
    from app.cli.why import why_not

    why_not(symbol, time, run_id, as_json)


@root.command("help")
def help_(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="COMMAND", help="Of what: 'data', 'data import-csv'."),
    ] = None,
    is_all: Annotated[bool, typer.Option("--all", help="Every command, a line each.")] = False,
    as_json: AsJson = False,
) -> None:
    """What a command does: its usage, arguments, options, examples and relatives.

    \b
    Examples:
      ./start_cli.sh help
      ./start_cli.sh help data import-csv
      ./start_cli.sh help --all
    """
    from app.cli.help import show_help

    show_help(words or (), is_all, as_json)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; no traceback reaches the console."""
    args = list(sys.argv[1:] if argv is None else argv)
    try:
        args = spelled_out(args)
        outcome = root_group().main(args, prog_name=PROGRAM, standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read has seen enough (`| head`): as click does, end without a word.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return AppError.exit_code
    except (KeyboardInterrupt, _Interrupted):
        return _report("interrupted", EXIT_INTERRUPTED, args)
    except AppError as error:
        return _report(str(error), error.exit_code, args)
    except typer.TyperException as error:
        return _report(_usage_message(error), UsageError.exit_code, args)
    except typer.Abort:
        return _report("aborted", EXIT_INTERRUPTED, args)
    except Exception as error:
        return _report(_record_defect(error), AppError.exit_code, args)
    return outcome if isinstance(outcome, int) else 0


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
    group = typer.main.get_group(importlib.import_module(f"app.cli.{noun}").app)
    _make_plain(group)
    return group


def spelled_out(args: Sequence[str]) -> list[str]:
    """The words with each noun's singular made its plural; a bare noun lists what can follow."""
    words: list[str] = []
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
    message = error.format_message()
    end = "" if message.endswith((".", "?")) else "."
    return f"{message}{end} See '{' '.join(['help', *path])}'."


def _record_defect(error: Exception) -> str:
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
    if "--json" in args:
        print(json.dumps({"error": message, "exit_code": exit_code}), file=sys.stderr)
    else:
        shown = "".join(
            char if char.isprintable() or char == "\n" else "\ufffd" for char in message
        )
        print(f"error: {shown}", file=sys.stderr)
    return exit_code


if __name__ == "__main__":
    from app.cli.main import main as start  # what imports this module finds the one that runs

    sys.exit(start())
