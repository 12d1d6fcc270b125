"""Commands without a noun."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from app import __version__
from app.cli.parameters import AsJson, OfRun, PastRun, RunningRun, Symbol, Yes
from app.cli.terminal.output import say

app = typer.Typer()


@app.command("init-db")
def init_db(as_json: AsJson = False) -> None:
    """Make the database, or bring it up to date.

    \b
    Example:
      ./start_cli.sh init-db
    """
    from app.cli.context import Context
    from app.repositories.database import ensure_database, shown_url

    engine = Context().open_engine()
    changed = ensure_database(engine)
    where = shown_url(engine.url)
    if as_json:
        typer.echo(json.dumps({"database": where, "changed": changed}))
        return
    say(f"Database {'ready' if changed else 'already up to date'}: {where}")


@app.command()
def version(as_json: AsJson = False) -> None:
    """The version of this program and of Python. `--version` is the same.

    \b
    Example:
      ./start_cli.sh version --json
    """
    python = sys.version.split()[0]
    if as_json:
        typer.echo(json.dumps({"version": __version__, "python": python}))
    else:
        typer.echo(f"MisMartera {__version__} (Python {python})")


@app.command()
def doctor(
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="CHECK", help="This check alone.")
    ] = None,
    seconds: Annotated[
        float,
        typer.Option(metavar="SECONDS", min=0.1, max=3600, help="What all may take together."),
    ] = 1.5,
    as_json: AsJson = False,
) -> None:
    """Look at all that runs depend on; each finding comes with its remedy.

    \b
    Exit codes:
      1  something fails

    \b
    Examples:
      ./start_cli.sh doctor
      ./start_cli.sh doctor --only database --json
    """
    from app.cli.doctor.command import examine

    examine(only, seconds, as_json)


@app.command()
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
    from app.cli.runs.verify import verify_run

    verify_run(run_id, runner, as_json)


@app.command()
def why(
    order: Annotated[int, typer.Argument(metavar="ORDER", min=1, help="An order's number.")],
    run_id: OfRun = "last",
    as_json: AsJson = False,
) -> None:
    """Why a run gave an order, and what became of it: bar, indicators, limits, fills.

    The run is run again for it.

    \b
    Exit codes:
      1  the run decides otherwise now

    \b
    Example:
      ./start_cli.sh why 12
    """
    from app.cli.runs.why import why_order

    why_order(order, run_id, as_json)


@app.command()
def why_not(
    symbol: Symbol,
    time: Annotated[str, typer.Argument(metavar="TIME", help="A time in the market's zone.")],
    run_id: OfRun = "last",
    as_json: AsJson = False,
) -> None:
    """What strategies saw of a symbol at an instant, what they proposed, and each refusal.

    A bar is shown at its end: what was known at 10:31 includes the minute from 10:30.

    \b
    Exit codes:
      1  the run decides otherwise now

    \b
    Example:
      ./start_cli.sh why-not SYN1 "2024-11-01 10:31" --json
    """
    from app.cli.runs.why import why_not

    why_not(symbol, time, run_id, as_json)


@app.command("help")
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


@app.command()
def shell(
    script: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Run the lines of a file, and leave.")
    ] = None,
    lines: Annotated[
        str | None,
        typer.Option("--lines", "-c", metavar="LINES", help="Run these, and leave."),
    ] = None,
    keeps_going: Annotated[
        bool, typer.Option("--keep-going", help="Run on after a line that failed.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Open the interactive shell, or run lines of it: the exit code is the first failed one's.

    With --json each line that is given answers in JSON.

    \b
    Examples:
      ./start_cli.sh shell
      ./start_cli.sh shell -c "version; data list"
      ./start_cli.sh shell --script morning.txt --keep-going
    """
    from app.cli.shell.opening import open_shell

    raise typer.Exit(open_shell(script, lines, keeps_going, as_json))


@app.command()
def watch(
    symbol: Symbol,
    run: RunningRun = None,
    bars: Annotated[
        int, typer.Option(metavar="BARS", min=1, max=500, help="How many of the last.")
    ] = 10,
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
    from app.cli.watch.command import watch_symbol

    watch_symbol(symbol, run, bars, once, as_json)


@app.command()
def tour(
    folder: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="A new one to practise in; else one with the data."),
    ] = None,
    assume_yes: Yes = False,
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
