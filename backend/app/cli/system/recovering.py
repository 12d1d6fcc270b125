"""`system recover`: go on with a live run that broke off, or see what that would find."""

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import msgspec
import typer

from app.cli.context import DEFAULT_MARKET, Context
from app.cli.terminal.output import console, print_json, print_table
from app.core.errors import NotFoundError, StateError, did_you_mean
from app.core.money import from_units
from app.core.run_states import FAILED

if TYPE_CHECKING:
    from app.core.config import SessionConfig
    from app.managers.system_manager.rerun.recovery_preview import Preview


def unfinished_config(account: str) -> "tuple[str, SessionConfig]":
    """The account's run that broke off, and the config it was started with."""
    from app.managers.system_manager.journal.journal_feed import RunJournal

    context = Context()
    found = _unfinished(context, account)
    folder = context.settings.runs_folder / found
    return found, RunJournal(folder).header().session_config


def _unfinished(context: Context, account: str, *, is_given_up: bool = False) -> str:
    from app.managers.system_manager.live.live_opening import (
        elsewhere_text,
        unfinished_elsewhere,
        unfinished_runs,
    )

    engine, runs = context.engine, context.settings.runs_folder
    found = unfinished_runs(engine, runs)
    if account not in found:
        elsewhere = unfinished_elsewhere(engine, runs, account)
        if elsewhere is not None and is_given_up:
            return elsewhere
        if elsewhere is not None:
            raise StateError(elsewhere_text(elsewhere, runs, account))
        raise NotFoundError(
            f"No live run of the account '{account}' broke off: there is nothing to recover."
            f"{did_you_mean(account, found)} 'runs list' shows how runs ended."
        )
    return found[account]


def broken_off(context: Context, gone: Collection[str]) -> list[dict[str, str]]:
    """Of runs whose processes are gone, those that a recovery goes on with."""
    if not gone:
        return []
    from app.managers.system_manager.live.live_opening import unfinished_runs

    found = unfinished_runs(context.engine, context.settings.runs_folder)
    return [
        {"run_id": run_id, "account": account}
        for account, run_id in found.items()
        if run_id in gone
    ]


def show_preview(account: str, as_json: bool) -> None:
    """Print what a recovery would find."""
    from app.managers.system_manager.rerun.recovery_preview import preview

    context = Context()
    run_id = _unfinished(context, account)
    _need_broken_off(context, account)
    runs = context.settings.runs_folder
    found = preview(runs / run_id, context.time, context.data.store)
    if as_json:
        print_json(msgspec.to_builtins(found))
        return
    _print(found)


def give_up(account: str, as_json: bool) -> None:
    """Have the account's run end as failed; what it left at the venue is there as it was."""
    from app.managers.system_manager.rerun.given_up import remember_given_up
    from app.managers.time_manager import WallClock
    from app.repositories.account_risk import AccountRisks
    from app.repositories.run_repository import RunRepository

    context = Context()
    run_id = _unfinished(context, account, is_given_up=True)
    _need_broken_off(context, account)
    runs = RunRepository(context.engine)
    market = runs.get_run(run_id)["config"].get("market", DEFAULT_MARKET)  # no word of its journal
    moment = context.time.to_local(WallClock().now_ns(), market)
    runs.finish_run(
        run_id, state=FAILED, ended_at=moment.isoformat(timespec="seconds"), error="given up"
    )
    folder = context.settings.runs_folder / run_id
    risks = AccountRisks(context.settings.data_folder)
    is_known = remember_given_up(folder, account, context.time, context.data.store, risks)
    if as_json:
        print_json({"run_id": run_id, "state": FAILED, "risk_known": is_known})
        return
    if not is_known:
        console.print(
            "It cannot be run again, so the account's losses of today are those that it wrote "
            "down last; 'risk status' shows them."
        )
    console.print(
        f"Run {run_id} is given up. Its orders and positions at the venue are as they were."
    )


def _need_broken_off(context: Context, account: str) -> None:
    """Refuse to call a run broken off that goes on."""
    trader = context.trader(account)
    if trader is not None:
        process = trader.process
        raise StateError(
            f"Run {trader.run_id} of the account '{account}' goes on as process {process.pid} on "
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
