"""The root command. A noun's module is imported when that noun is used: `--help` is fast."""

import importlib
import json
import os
import signal
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from app import __version__
from app.cli import ascii_terminal
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
SUBNOUNS = (("data", "instruments"), ("data", "actions"))
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
def init_db(as_json: bool = typer.Option(False, "--json", help="One JSON object.")) -> None:
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
def version(as_json: bool = typer.Option(False, "--json", help="One JSON object.")) -> None:
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
    run_id: str = typer.Argument(metavar="RUN", help="A run's id, or its beginning."),
    runner: str = typer.Option("inline", help="On one thread ('inline'), or on four ('pool')."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object."),
) -> None:
    """Run a live run again from its journal: exit code 0 if it decides the same, else 1.

    \b
    Examples:
      ./start_cli.sh verify 20261121
      ./start_cli.sh verify 20261121 --runner pool --json
    """
    from app.cli.verify import verify_run

    verify_run(run_id, runner, as_json)


RunId = Annotated[str, typer.Option("--run", metavar="RUN", help="A run's id, or its beginning.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object.")]


@root.command()
def why(
    order: Annotated[int, typer.Argument(metavar="ORDER", min=1, help="An order's number.")],
    run_id: RunId,
    as_json: AsJson = False,
) -> None:
    """Why a run gave an order, and what became of it: bar, indicators, limits, fills.

    The run is run again for it: exit code 1 when it decides otherwise now.

    \b
    Example:
      ./start_cli.sh why 12 --run 20261121
    """
    from app.cli.why import why_order

    why_order(order, run_id, as_json)


@root.command()
def why_not(
    symbol: Annotated[str, typer.Argument(metavar="SYMBOL")],
    time: Annotated[str, typer.Argument(metavar="TIME", help="In the market's zone.")],
    run_id: RunId,
    as_json: AsJson = False,
) -> None:
    """What strategies saw of a symbol at an instant, what they proposed, and each refusal.

    A bar is shown at its end: what was known at 10:31 includes the minute from 10:30.

    \b
    Example:
      ./start_cli.sh why-not SYN1 "2024-11-01 10:31" --run 20261121 --json
    """
    from app.cli.why import why_not

    why_not(symbol, time, run_id, as_json)


@root.command()
def shell(
    script: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Run the lines of a file, and leave.")
    ] = None,
    lines: Annotated[
        str | None, typer.Option("-c", metavar="LINES", help="Run these lines, and leave.")
    ] = None,
    keeps_going: Annotated[
        bool, typer.Option("--keep-going", help="Run on after a line that failed.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="With lines that are given: each answers in JSON.")
    ] = False,
) -> None:
    """Open the interactive shell, or run lines of it: the exit code is the first failed one's.

    \b
    Examples:
      ./start_cli.sh shell
      ./start_cli.sh shell -c "version; data list"
      ./start_cli.sh shell --script morning.txt --keep-going
    """
    from app.cli.shell.opening import open_shell

    raise typer.Exit(open_shell(script, lines, keeps_going, as_json))


@root.command()
def watch(
    symbol: Annotated[str, typer.Argument(metavar="SYMBOL")],
    run: Annotated[
        str | None,
        typer.Argument(help="A run's id, or its beginning; not needed when only one runs."),
    ] = None,
    bars: Annotated[int, typer.Option(min=1, max=500, help="How many of the last bars.")] = 10,
    once: Annotated[bool, typer.Option("--once", help="As it stands, and no more.")] = False,
    as_json: AsJson = False,
) -> None:
    """Follow one symbol of a session closely: bars, indicators, position, orders, fills.

    A screen on a terminal (q or Ctrl+C leaves), a line a second in a pipe, with --json one object
    a line; with --once one page or one object.

    \b
    Examples:
      ./start_cli.sh watch SYN1
      ./start_cli.sh watch SYN1 --bars 30 --once
    """
    from app.cli.watching import watch_symbol

    watch_symbol(symbol, run, bars, once, as_json)


@root.command()
def tour(
    folder: Annotated[
        Path | None, typer.Option(help="A new folder to practise in; else one in the data folder.")
    ] = None,
    assume_yes: Annotated[
        bool, typer.Option("--yes", help="Run each step without asking.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """The first five minutes: replay a sample, change a parameter, compare, write a strategy.

    Each step tells what it does and shows its command: Enter runs it, s skips it, q leaves.
    It works in a folder of its own. Off a terminal it runs without asking.

    \b
    Examples:
      ./start_cli.sh tour
      ./start_cli.sh tour --yes --folder practice
    """
    from app.cli.tour import take_tour

    take_tour(folder, assume_yes, as_json)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; no traceback reaches the console."""
    args = list(sys.argv[1:] if argv is None else argv)
    if not args and sys.stdin.isatty() and sys.stdout.isatty():
        args = ["shell"]
    if not args or (len(args) == 1 and args[0] in NOUNS) or tuple(args) in SUBNOUNS:
        args.append("--help")  # bare words list what can follow
    try:
        ascii_terminal.adapt()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # the shell's child begins deaf
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
        return _report(record_defect(error), AppError.exit_code, args)
    return outcome if isinstance(outcome, int) else 0


@cache
def root_group() -> TyperGroup:
    """The root with its own commands; a noun in it is empty until it is loaded."""
    return typer.main.get_group(root)


@cache
def load_noun(noun: str) -> TyperGroup:
    """The noun's own command group, its help as plain as the root's."""
    group = typer.main.get_group(importlib.import_module(f"app.cli.{noun}").app)
    _make_plain(group)
    return group


def _make_plain(command: Any) -> None:
    command.rich_markup_mode = None
    for part in getattr(command, "commands", {}).values():
        _make_plain(part)


def _usage_message(error: typer.TyperException) -> str:
    """Typer's message, and where the right words are listed."""
    context = getattr(error, "ctx", None)
    words = context.command_path if context is not None else PROGRAM
    message = error.format_message()
    end = "" if message.endswith((".", "?")) else "."
    return f"{message}{end} See '{words} --help'."


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
