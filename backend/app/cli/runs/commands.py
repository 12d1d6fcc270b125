"""`runs list`, `show`, `orders` and `rebuild`: what ran before, and what came of it."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from app.cli.context import DEFAULT_MARKET, Context
from app.cli.parameters import AsJson, Count, PastRun
from app.cli.terminal.output import console, print_json, print_table
from app.cli.terminal.progress import counting
from app.core.errors import StateError
from app.core.orders import REJECTED
from app.core.run_states import ABANDONED, RUNNING

if TYPE_CHECKING:
    from sqlalchemy import Engine, RowMapping

app = typer.Typer(help="Past runs: what they were given and what came of it.")

ORDER_COLUMNS = (
    *("order_id", "strategy", "symbol", "kind", "side", "quantity", "filled"),
    *("limit_price", "stop_price", "state", "reason"),
)
_SPARE = ("bars", "sessions")
SUMMARY_COLUMNS = ("sessions", "bars", "orders", "fills", "final_equity")


@app.command("list")
def list_runs(
    count: Count = 20,
    as_json: AsJson = False,
) -> None:
    """The newest runs, one a line.

    \b
    Example:
      ./start_cli.sh runs list --count 5
    """
    repository = _repository()
    runs = [described(run, repository.engine) for run in repository.list_runs(count)]
    if as_json:
        print_json(runs)
    elif not runs:
        console.print("No runs yet. 'system start CONFIG' makes one.")
    else:
        columns = ("run_id", "state", *SUMMARY_COLUMNS)
        print_table("Runs", columns, [_cells(run, columns) for run in runs], spare=_SPARE)


_APART = ("summary", "config", "reloads")  # of a run, shown behind its figures


@app.command("show")
def show_run(
    run_id: PastRun,
    as_json: AsJson = False,
) -> None:
    """One run: its state, its summary, its config.

    \b
    Example:
      ./start_cli.sh runs show last
    """
    repository = _repository()
    run = described(repository.get_run(run_id), repository.engine)
    orders, fills = repository.counts(run["run_id"])
    refused = repository.refused_count(run["run_id"])
    recorded = {"orders": orders, "refused": refused, "fills": fills}
    if not orders and run["state"] in (RUNNING, ABANDONED):
        recorded = dict.fromkeys(recorded)  # not known here: 0 would be untrue
    run |= {**recorded, "reloads": _reloads(run)}
    if as_json:
        print_json(run)
        return
    from app.cli.runs.notes import outlived_text
    from app.managers.system_manager.record.summary import figure_rows, left_text

    summary = run["summary"] or {}
    strategies = summary.get("strategies", [])  # runs of old have none
    reloads = run["reloads"]
    beside = {name: run[name] for name in run if name not in (*summary, *_APART)}
    rows = figure_rows({**summary, **{name: run[name] for name in run if name in summary}})
    rows += [
        (name.replace("_", " "), "-" if value is None else str(value))
        for name, value in beside.items()
        if value is not None or name in recorded
    ]
    print_table(f"Run {run['run_id']}", ("what", "value"), rows)
    for words in (left_text(summary), outlived_text(repository, run["run_id"])):
        if words is not None:
            console.print(words, markup=False)
    if strategies:
        from app.managers.system_manager.record.attribution import as_cells

        print_table("Strategies", list(strategies[0]), [as_cells(one) for one in strategies])
    if reloads:
        columns = ("at", "strategy", "use", "hash", "fresh", "outcome")
        print_table("Reloads", columns, [[one[name] for name in columns] for one in reloads])
    console.print("Config, as far as it is not left to its defaults (--json has all of it):")
    console.print_json(data=_said(run["config"]))


def _said(config: dict[str, Any]) -> dict[str, Any]:
    """What a config says itself; all of one that this version would not read."""
    from pydantic import ValidationError

    from app.core.config import SessionConfig

    try:
        found = SessionConfig.model_validate(config)
    except ValidationError:
        return config
    return found.model_dump(mode="json", exclude_defaults=True)


@app.command("orders")
def show_orders(
    run_id: PastRun,
    is_refused: Annotated[
        bool, typer.Option("--refused", help="Only what limits or the venue refused, and why.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """A run's orders, each with what was done to it after it was given, and why it ended.

    A line below an order tells what was done to it: 'cut', 'cancel', 'amend', 'amend refused',
    'reduce', 'priced', and more where it went to a venue.

    \b
    Examples:
      ./start_cli.sh runs orders last
      ./start_cli.sh runs orders last --refused
    """
    repository = _repository()
    run = repository.get_run(run_id)
    recorded = repository.get_orders(run["run_id"])
    if not recorded:
        _need_end(described(run, repository.engine))
    changes: dict[int, list[dict[str, Any]]] = {}
    for change in repository.get_order_changes(run["run_id"]):
        told = {name: change[name] for name in change if name not in ("run_id", "order_id")}
        changes.setdefault(change["order_id"], []).append(told)
    orders = [
        {**order, "changes": changes.get(order["order_id"], [])}
        for order in recorded
        if not is_refused or order["state"] == REJECTED
    ]
    if as_json:
        print_json(orders)
    elif not orders:
        which = "orders that were refused" if is_refused else "orders"
        console.print(f"Run {run['run_id']} has no {which}.")
    else:
        time = Context(run["config"].get("market", DEFAULT_MARKET)).time
        rows = [row for order in orders for row in _order_rows(order, time.to_local)]
        title = f"Orders of run {run['run_id']}"
        print_table(title, ("at", *ORDER_COLUMNS), rows, time.zone())


@app.command("rebuild")
def rebuild(
    run_id: PastRun,
    as_json: AsJson = False,
) -> None:
    """Make a live run's rows and files again from its journal, be it finished or broken off.

    One that broke off gets what it had come to, and stays unfinished.

    \b
    Example:
      ./start_cli.sh runs rebuild last
    """
    from app.managers.system_manager.rerun.rebuilding import rebuild_run

    context = Context()
    runs = context.settings.runs_folder
    with counting("running it again", "inputs") as on_count:
        made = rebuild_run(run_id, runs, context.engine, context.time, context.data.store, on_count)
    state = described(_repository().get_run(made.run_id), context.engine)["state"]
    summary = msgspec.structs.replace(made, state=state)
    if as_json:
        print_json(summary.as_json())
    else:
        print_table(f"Run {summary.run_id}", ("figure", "value"), summary.rows())


def _need_end(run: Mapping[str, Any]) -> None:
    """Orders are recorded when a run ends: before that none here does not mean that it has none."""
    if run["state"] == RUNNING:
        raise StateError(
            f"Run {run['run_id']} is under way: its orders are recorded when it has ended."
            " Until then 'system orders' has those that work, 'system fills' the latest fills."
        )
    if run["state"] == ABANDONED:
        remedy = " 'runs rebuild' makes those of a live run of its journal."
        raise StateError(f"Run {run['run_id']} broke off before its orders were recorded.{remedy}")


def _order_rows(
    order: Mapping[str, Any], local: Callable[[int], dt.datetime]
) -> Iterator[list[object]]:
    """An order's line, and one below it for each change: what it has from then on."""

    def at(ns: int) -> str:
        return f"{local(ns):%Y-%m-%d %H:%M:%S}"

    yield [at(order["created_ns"]), *[order[name] for name in ORDER_COLUMNS]]
    for change in order["changes"]:
        told = {**change, "order_id": order["order_id"], "state": change["what"]}
        yield [at(change["at_ns"]), *[told.get(name, "") for name in ORDER_COLUMNS]]


def _reloads(run: Mapping[str, Any]) -> list[dict[str, Any]]:
    """New code that its strategies were given, or refused; a live run's journal has it."""
    from app.managers.system_manager.journal.journal_feed import journal_of
    from app.managers.system_manager.record.run_outcome import reload_facts
    from app.repositories.journal_reader import JOURNAL_FOLDER

    context = Context()
    folder = context.settings.runs_folder
    if not (folder / run["run_id"] / JOURNAL_FOLDER).exists():
        return []
    market = run["config"].get("market", DEFAULT_MARKET)
    local = Context(market).time.to_local
    found = journal_of(run, folder).reloads()
    return [reload_facts(one, lambda ns: local(ns, market).isoformat()) for one in found]


def _repository() -> Any:
    from app.repositories.run_repository import RunRepository

    return RunRepository(Context().engine)


def described(run: "Mapping[str, Any] | RowMapping", engine: "Engine") -> dict[str, Any]:
    """The run as stored; a run whose process is gone is said to be `abandoned`."""
    from app.managers.time_manager import WallClock
    from app.repositories.account_locks import is_under_way

    described = dict(run)
    if run["state"] == RUNNING and not is_under_way(run, engine, WallClock()):
        described["state"] = ABANDONED
    return described


def _cells(run: Mapping[str, Any], columns: tuple[str, ...]) -> list[object]:
    facts = {**(run["summary"] or {}), **run}
    return [_cell(facts.get(column)) for column in columns]


def _cell(value: object) -> object:
    if isinstance(value, float):
        return f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else value
