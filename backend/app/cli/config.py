"""`config`: check session configs before a run, and the schema editors complete them by."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.output import print_json, print_table, value_text
from app.cli.parameters import AsJson
from app.core.errors import AppError

if TYPE_CHECKING:
    from pydantic import BaseModel

    from app.core.config import SessionConfig
    from app.core.config_json import Fault
    from app.managers.system_manager.system_manager import SystemManager

app = typer.Typer(help="Check a session config; its schema.")

Files = Annotated[list[Path], typer.Argument(metavar="CONFIG", help="Session configs: JSON files.")]


@app.command()
def check(files: Files, as_json: AsJson = False) -> None:
    """All that is wrong with session configs; when nothing is, what they would run.

    \b
    Exit codes:
      3  a file is not there
      4  a file has problems

    \b
    Example:
      ./start_cli.sh config check session_configs/example_session.json
    """
    system = cache(_system)  # once for all files, and not where none can be read
    outcomes = [(path, _load(path, system)) for path in files]
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
        _write(output, json.dumps(exported, indent=2) + "\n")
        if as_json:
            print_json({"file": str(output)})
        else:
            typer.echo(f"The schema is in {output}")
    elif as_json:
        print_json(exported)
    else:
        typer.echo(json.dumps(exported, indent=2))


def _load(path: Path, system: "Callable[[], SystemManager]") -> "SessionConfig | AppError":
    from app.core.config import load_session_config

    try:
        config = load_session_config(path, _check_indicator)
    except AppError as error:
        return error  # it names the file
    try:
        system().check(config)
    except AppError as error:
        return type(error)(f'"{path}": {error}')
    return config


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


def _described(path: Path, outcome: "SessionConfig | AppError") -> dict[str, Any]:
    from app.core.config_json import InvalidConfigError

    if isinstance(outcome, InvalidConfigError):
        errors = [{"path": where, "message": what} for where, what in outcome.problems]
    elif isinstance(outcome, AppError):
        errors = [{"path": "", "message": str(outcome)}]
    else:
        config = outcome.model_dump(mode="json")
        return {"file": str(path), "ok": True, "errors": [], "config": config}
    return {"file": str(path), "ok": False, "errors": errors, "config": None}


def _given(part: "BaseModel | None") -> str | None:
    """What a part of a config says, without its defaults; nothing of one that says nothing."""
    said = {} if part is None else part.model_dump(mode="json", exclude_defaults=True)
    return ", ".join(f"{key}: {value_text(value)}" for key, value in said.items()) or None


def _print_outcome(path: Path, outcome: "SessionConfig | AppError") -> None:
    if isinstance(outcome, AppError):
        typer.echo(f"error: {outcome}", err=True)
        return
    history = ", ".join(f"{word}: {count}" for word, count in outcome.history.items())
    rows = [
        ("name", outcome.name),
        ("market", outcome.market),
        ("symbols", ", ".join(outcome.symbols)),
        ("sessions", _sessions(outcome)),
        ("intervals", ", ".join((outcome.base_interval, *outcome.derived_intervals))),
        ("history sessions", history or "as many as its indicators need"),
        ("indicators", ", ".join(indicator.name for indicator in outcome.indicators) or None),
        ("strategies", ", ".join(strategy.label for strategy in outcome.strategies)),
        ("account", f"{outcome.account.cash} {outcome.account.currency}"),
        ("sizing", _given(outcome.sizing)),
        ("risk", _given(outcome.risk)),
        ("protection", _given(outcome.protection) or "as its strategies declare"),
    ]
    typer.echo(f"{path}: ok")
    print_table("It would run", ("what", "value"), rows)


def _sessions(config: "SessionConfig") -> str:
    if config.replay is not None:
        return f"{config.replay.start} to {config.replay.end}, speed {config.replay.speed}"
    live = config.lived
    orders = "simulated" if live.broker == "paper" else "sent to it"
    return f"{live.sessions}, live at the venue '{live.venue}', orders {orders}"


def _write(path: Path, text: str) -> None:
    """Replace the file in one step, so that no reader sees half of it."""
    draft = path.with_name(f".{path.name}.part")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise AppError(f"'{path}' cannot be written: {error.strerror}.") from None
