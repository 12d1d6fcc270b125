"""`strategies reload`: new code for a strategy of a session that goes on."""

import json
import threading
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.parameters import AsJson, RunningRun, Timeout
from app.cli.terminal.output import print_json, print_table
from app.core.errors import RunTimeoutError, UsageError

if TYPE_CHECKING:
    from app.managers.system_manager.control.client import ControlClient

app = typer.Typer()

_LOOK_SECONDS = 0.1


@app.command("reload")
def reload_strategy(
    name: Annotated[
        str, typer.Argument(metavar="STRATEGY", help="A strategy, as the run's config names it.")
    ],
    run: RunningRun = None,
    file: Annotated[
        str,
        typer.Option(
            "--file",
            metavar="FILE",
            help="A .py file of the strategies folder, with :Class if it holds several; "
            "else the one it comes from.",
        ),
    ] = "",
    params: Annotated[
        list[str] | None,
        typer.Option(
            "--params",
            metavar="NAME=VALUE",
            help="A parameter to change; NAME= sets it back. Once for each.",
        ),
    ] = None,
    fresh: Annotated[
        bool,
        typer.Option(
            "--fresh", help="Carry nothing over: it begins with its positions and orders alone."
        ),
    ] = False,
    timeout: Timeout = 240.0,
    as_json: AsJson = False,
) -> None:
    """Replace a strategy's code in a live session, which goes on.

    The file is read anew and checked by a run over today's bars. What it remembers is carried over
    by its save_state and load_state. When it is refused, the code before goes on untouched.

    \b
    Examples:
      ./start_cli.sh strategies reload SmaCross --file sma_cross.py --fresh
      ./start_cli.sh strategies reload SmaCross --params fast=12 --params slow=24 --fresh
    """
    import msgspec

    from app.cli.context import Context

    asked = {"strategy": name, "file": file, "params": _given(params or []), "fresh": fresh}
    with Context().session(run) as client:
        client.ask("reload", msgspec.json.encode(asked).decode())
        told = _outcome(client, timeout)
    if as_json:
        print_json(told)
        return
    rows = [(what, value) for what, value in told.items() if what not in ("strategy", "params")]
    rows += [(f"parameter {key}", value) for key, value in told["params"].items()]
    print_table(f"{told['strategy']} has new code", ("what", "value"), rows)


def _outcome(client: "ControlClient", seconds: float) -> dict[str, Any]:
    """Wait until it is known; a refusal is raised."""
    from app.managers.time_manager import WallClock

    clock, never = WallClock(), threading.Event()
    for _ in range(int(seconds / _LOOK_SECONDS) + 1):
        text = client.ask("reloaded")
        if text:
            told: dict[str, Any] = json.loads(text)
            return told
        clock.wait(never, _LOOK_SECONDS)
    raise RunTimeoutError(
        f"What comes of the reload was not known within {seconds:g} s; it goes on. "
        "'runs show' tells when it is."
    )


def _given(words: list[str]) -> dict[str, Any]:
    """Values as a config has them: numbers, true and false, else text."""
    given: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"--params is NAME=VALUE, as fast=12, and '{word}' is not.")
        given[name.strip()] = _value(text.strip())
    return given


def _value(text: str) -> object:
    if not text:
        return None
    try:
        value: object = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, bool | int | float | str) else text
