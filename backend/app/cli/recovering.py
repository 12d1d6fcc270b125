"""`system recover`: go on with a live run that broke off, or see what that would find."""

from typing import TYPE_CHECKING, Any

import msgspec
import typer

from app.cli.context import Context
from app.cli.output import console, print_json, print_table
from app.core.errors import NotFoundError, StateError
from app.core.money import from_units

if TYPE_CHECKING:
    from app.core.config import SessionConfig
    from app.managers.system_manager.recovery_preview import Preview


def unfinished_config(account: str) -> "tuple[str, SessionConfig]":
    """The account's run that broke off, and the config it was started with."""
    from app.managers.system_manager.journal_feed import RunJournal
    from app.managers.system_manager.live_opening import unfinished_run

    context = Context()
    runs = context.settings.data_folder / "runs"
    found = unfinished_run(context.engine, runs, account)
    if found is None:
        raise NotFoundError(
            f"No live run of the account '{account}' broke off: there is nothing to recover. "
            "'runs list' shows how runs ended."
        )
    return found, RunJournal(runs / found).header().session_config


def show_preview(account: str, as_json: bool) -> None:
    """Print what a recovery would find."""
    from app.managers.system_manager.recovery_preview import preview

    context = Context()
    run_id, _ = unfinished_config(account)
    _need_broken_off(context, account)
    runs = context.settings.data_folder / "runs"
    found = preview(runs / run_id, context.time, context.data.store)
    if as_json:
        print_json(msgspec.to_builtins(found))
        return
    _print(found)


def _need_broken_off(context: Context, account: str) -> None:
    """Refuse to call a run broken off that goes on."""
    from app.core.processes import is_gone
    from app.managers.time_manager import WallClock
    from app.repositories.account_locks import AccountLocks

    holder = AccountLocks(context.engine, WallClock()).holder(account)
    if holder is not None and not is_gone(holder.process):
        process = holder.process
        raise StateError(
            f"Run {holder.run_id} of the account '{account}' goes on as process {process.pid} on "
            f"{process.host}: there is nothing to recover."
        )


def _print(found: "Preview") -> None:
    held = ", ".join(f"{from_units(units)} {name}" for name, units in found.holdings.items())
    rows: list[tuple[str, Any]] = [
        ("inputs run again", found.inputs),
        ("orders that may still work", found.orders),
        ("holdings", held or "none"),
        ("orders go to", "the venue" if found.goes_to_venue else "a simulated broker"),
    ]
    print_table(f"Run {found.run_id} broke off", ("what", "value"), rows)
    if found.differences:
        cells = [msgspec.structs.astuple(row) for row in found.differences]
        columns = ("what", "ours", "the venue's", "what would be done")
        print_table("Differences", columns, [list(map(str, row)) for row in cells])
    elif found.goes_to_venue:
        console.print("The venue says the same: it would go on as it stands.")
    typer.echo("Nothing was changed or sent. 'system recover' without --dry-run goes on with it.")
