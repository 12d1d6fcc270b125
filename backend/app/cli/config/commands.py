"""`config`: make session configs, check them before a run, and the schema editors use."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from app.cli.config.told import would_run
from app.cli.config_text import SCHEMA
from app.cli.new_files import write_text
from app.cli.parameters import AsJson, End, Start, Yes
from app.cli.terminal.output import print_json, print_table, say
from app.core.errors import AppError

if TYPE_CHECKING:
    from app.core.config import SessionConfig
    from app.core.config_json import Fault
    from app.managers.system_manager.foreseeing import Foreseen
    from app.managers.system_manager.system_manager import SystemManager

app = typer.Typer(help="Make a session config, check it; its schema.")

Text = Annotated[str | None, typer.Option(metavar="TEXT", help="What its runs are called.")]
Files = Annotated[list[Path], typer.Argument(metavar="CONFIG", help="Session configs: JSON files.")]


class Checked(NamedTuple):
    """A config with nothing wrong, and what its run would compute, with what strategies declare."""

    config: "SessionConfig"
    foreseen: "Foreseen"


def _text(metavar: str, help_line: str) -> Any:
    return typer.Option(metavar=metavar, help=help_line)


def _number(help_line: str) -> Any:
    return _text("NUMBER", help_line)


@app.command()
def check(files: Files, as_json: AsJson = False) -> None:
    """All that is wrong with session configs; when nothing is, what they would run.

    The schema.json beside them is passed over.

    \b
    Exit codes:
      3  a file is not there
      4  a file has problems

    \b
    Example:
      ./start_cli.sh config check session_configs/example_session.json
    """
    system = cache(_system)  # once for all files, and not where none can be read
    configs = [path for path in files if path.name != SCHEMA]  # a wildcard finds it, too
    outcomes = [(path, _load(path, system)) for path in configs or files]
    if as_json:
        checked = [_described(path, outcome) for path, outcome in outcomes]
        print_json({"ok": all(file["ok"] for file in checked), "files": checked})
    else:
        for path, outcome in outcomes:
            _print_outcome(path, outcome)
    codes = {outcome.exit_code for _, outcome in outcomes if isinstance(outcome, AppError)}
    if codes:
        raise typer.Exit(max(codes))


@app.command()
def schema(
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write it to this file instead of showing it."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The JSON schema of session configs; one that names it as "$schema" completes in editors.

    \b
    Example:
      ./start_cli.sh config schema --output session_configs/schema.json
    """
    from app.core.config import export_schema

    exported = export_schema()
    if output is not None:
        write_text(output, json.dumps(exported, indent=2) + "\n", over=True)
        if as_json:
            print_json({"file": str(output)})
        else:
            say(f"The schema is in {output}")
    elif as_json:
        print_json(exported)
    else:
        typer.echo(json.dumps(exported, indent=2))


@app.command()
def new(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="Where to write it.")] = None,
    yes: Yes = False,
    name: Text = None,
    mode: Annotated[str | None, _text("replay|live", "Replay history, or trade.")] = None,
    market: Annotated[str | None, _text("MARKET", "MIC of the market, or 24/7.")] = None,
    symbols: Annotated[str | None, _text("SYMBOLS", "Such as 'SYN1 SYN2'.")] = None,
    start: Start = None,
    end: End = None,
    venue: Annotated[str | None, _text("NAME", "Of a live run.")] = None,
    broker: Annotated[str | None, _text("paper|venue", "Of a live run: who fills.")] = None,
    sessions: Annotated[str | None, _text("COUNT", "Of a live run: how many.")] = None,
    strategy: Annotated[str | None, _text("STRATEGY", "As 'strategies show' takes it.")] = None,
    param: Annotated[
        list[str] | None, typer.Option("--param", metavar="NAME=VALUE", help="Of the strategy.")
    ] = None,
    cash: Annotated[str | None, _text("MONEY", "Of the account.")] = None,
    size_percent: Annotated[str | None, _number("Of equity, to enter with.")] = None,
    max_position_percent: Annotated[
        str | None, _number("Of equity, that one symbol may be worth.")
    ] = None,
    max_daily_loss_percent: Annotated[
        str | None, _number("Of equity; after it no entries that day.")
    ] = None,
    stop_loss_percent: Annotated[
        str | None,
        _number("Below an entry, where each position is left."),
    ] = None,
    flat_minutes: Annotated[str | None, _number("Before a close to be flat.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write a session config from answers.

    It asks for each part, checks each answer, and shows all before it writes. Off a terminal, with
    --yes and with --json it asks nothing: options and defaults answer.

    \b
    Examples:
      ./start_cli.sh config new --yes --symbols SYN1 --strategy SmaCross --param fast=5
      ./start_cli.sh config new --name "my live run" --mode live --yes
    """
    from app.cli.config.made import make_config

    options = {
        "name": name, "mode": mode, "symbols": symbols, "start": start, "end": end,
        "venue": venue, "broker": broker, "sessions": sessions, "strategy": strategy,
        "cash": cash, "size-percent": size_percent, "max-position-percent": max_position_percent,
        "max-daily-loss-percent": max_daily_loss_percent, "stop-loss-percent": stop_loss_percent,
        "flat-minutes": flat_minutes,
    }  # fmt: skip
    given = {key: value for key, value in options.items() if value is not None}
    make_config(file, given, param or [], market, asks=not (yes or as_json), as_json=as_json)


def _load(path: Path, system: "Callable[[], SystemManager]") -> Checked | AppError:
    from app.core.config import load_session_config
    from app.core.config_json import InvalidConfigError

    try:
        config = load_session_config(path, _check_indicator)
    except InvalidConfigError as error:
        return system().all_faults(error, path)
    except AppError as error:
        return error  # it names the file
    try:
        return Checked(config, system().check(config))
    except InvalidConfigError as error:
        return error.of(path)
    except AppError as error:
        return type(error)(f'"{path}": {error}')


def _system() -> "SystemManager":
    """Loading strategies and sessions takes the whole system, but no data."""
    from app.cli.context import Context
    from app.managers.system_manager.system_manager import SystemManager

    return SystemManager(Context().settings)


def _check_indicator(
    name: str, params: Mapping[str, object], inputs: Sequence[str] | None
) -> "list[Fault]":
    """Ask the catalogue, which takes a second to import, only when there is something to ask."""
    from app.services.indicators import faults

    return faults(name, params, inputs)


def _described(path: Path, outcome: Checked | AppError) -> dict[str, Any]:
    from app.core.config_json import InvalidConfigError

    if isinstance(outcome, InvalidConfigError):
        errors = [{"path": where, "message": what} for where, what in outcome.problems]
    elif isinstance(outcome, AppError):
        errors = [{"path": "", "message": str(outcome)}]
    else:
        return {
            "file": str(path), "ok": True, "errors": [],
            "warnings": list(outcome.foreseen.warnings),
            "config": outcome.config.model_dump(mode="json"), "would_run": would_run(*outcome),
        }  # fmt: skip
    unknown: dict[str, Any] = {"warnings": [], "config": None, "would_run": None}
    return {"file": str(path), "ok": False, "errors": errors, **unknown}


def _print_outcome(path: Path, outcome: Checked | AppError) -> None:
    if isinstance(outcome, AppError):
        say(f"error: {outcome}", to_errors=True)
        return
    say(f"{path}: ok")
    print_table("It would run", ("what", "value"), list(would_run(*outcome).items()))
    for words in outcome.foreseen.warnings:
        say(f"warning: {words}", to_errors=True)
