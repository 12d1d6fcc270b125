"""`admin log-level`: how much later commands log."""

from typing import Annotated

import typer

from app.cli.context import Context
from app.core.errors import UsageError
from app.core.logging import known_level, log_path, store_level, stored_level

app = typer.Typer(help="Housekeeping: how much is logged.")


@app.command("log-level")
def log_level(
    level: Annotated[str | None, typer.Argument(help="DEBUG, INFO, WARNING, ERROR ...")] = None,
) -> None:
    """Show the log level, or set it for later commands.

    \b
    Example:
      ./start_cli.sh admin log-level DEBUG
    """
    settings = Context().settings
    folder = settings.data_folder
    if level is not None:
        try:
            store_level(folder, known_level(level))
        except ValueError as error:
            raise UsageError(str(error)) from error
    typer.echo(f"{settings.log_level or stored_level(folder)} (log file: {log_path(folder)})")
    if level is not None and settings.log_level:
        typer.echo(
            "The environment's MISMARTERA_LOG_LEVEL or LOG_LEVEL wins over the stored level."
        )
