"""`admin log-level`: how much later commands log."""

from typing import Annotated

import typer

from app.cli.context import Context
from app.cli.parameters import AsJson
from app.cli.terminal.output import print_json, say
from app.core.errors import ConfigError, UsageError
from app.core.logging import known_level, log_path, store_level, stored_level

app = typer.Typer(help="Housekeeping: how much is logged.")


@app.command("log-level")
def log_level(
    level: Annotated[
        str | None,
        typer.Argument(metavar="LEVEL", help="DEBUG, INFO, WARNING, ERROR ...; shown if left out."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the log level, or set it for later commands.

    \b
    Example:
      ./start_cli.sh admin log-level DEBUG
    """
    if level is not None:  # before the log is opened: what is stored may be no level at all
        _store(level)
    settings = Context().settings
    folder = settings.data_folder
    current = settings.log_level or stored_level(folder)
    if as_json:
        print_json({"level": current, "file": str(log_path(folder))})
        return
    say(f"{current} (log file: {log_path(folder)})")
    if level is not None and settings.log_level:
        typer.echo(
            "The environment's MISMARTERA_LOG_LEVEL or LOG_LEVEL wins over the stored level."
        )


def _store(level: str) -> None:
    from app.core.settings import read_settings

    folder = read_settings().data_folder
    try:
        store_level(folder, known_level(level))
    except ValueError as error:
        raise UsageError(str(error)) from error
    except OSError as error:
        raise ConfigError(
            f"The level cannot be stored in {folder}: {error.strerror}. "
            "Set MISMARTERA_DATA_FOLDER to a folder you may write to."
        ) from error
