"""What a run of real money needs: its name, typed at a terminal or given as an option."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from app.core.config_json import read_json
from app.core.errors import AppError, UsageError

if TYPE_CHECKING:
    from app.core.config import SessionConfig

REAL_MONEY: Final = "REAL MONEY"
ConfirmedName = Annotated[
    str | None,
    typer.Option(
        "--confirm-real-money",
        metavar="NAME",
        help="The config's name, where it trades real money: nobody is asked then.",
    ),
]


def is_real(config: object) -> bool:
    """Whether a config, as it is kept with a run, trades real money."""
    live = config.get("live") if isinstance(config, Mapping) else None
    return isinstance(live, Mapping) and live.get("real_money") is not None


def confirmed_of(path: Path, given: str | None) -> str | None:
    """The name that was confirmed for a config's file; who sits at a terminal is asked.

    A glance at the file: what is faulty in it is told by whoever reads it in earnest.
    """
    try:
        found = read_json(path)
    except AppError:
        return given
    if given is not None or not is_real(found):
        return given
    from app.core.config import load_session_config

    return _asked(load_session_config(path))


def confirmed_for(config: "SessionConfig", given: str | None) -> str | None:
    """The same for a run that goes on."""
    if given is not None or config.lived.real_money is None:
        return given
    return _asked(config)


def _asked(config: "SessionConfig") -> str:
    from app.cli.terminal.asking import is_at_terminal
    from app.cli.terminal.printable import printable

    live = config.lived
    told = (
        f"Config '{config.name}' trades {REAL_MONEY} at {live.venue}: {', '.join(config.symbols)},"
        f" account '{live.account}' in {config.account.currency}."
    )
    if not is_at_terminal():
        raise UsageError(
            f"{told} Nobody is at a terminal to confirm it: give --confirm-real-money NAME, with"
            " the config's name."
        )
    typer.secho(printable(told), fg="red", bold=True, err=True)
    answer: Any = typer.prompt("Type its name to start it", default="", show_default=False)
    if str(answer).strip() != config.name:
        raise UsageError("That is not its name: nothing was started.")
    return config.name
