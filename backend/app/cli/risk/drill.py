"""`risk drill`: rehearse the emergency stop of a config in a replay."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.context import Context
from app.cli.parameters import AsJson, At, ConfigFile, Freeze
from app.cli.runs.moments import Moments
from app.cli.terminal.figures import money_text
from app.cli.terminal.output import console, print_json, print_table
from app.cli.terminal.progress import counting

if TYPE_CHECKING:
    from app.core.config import SessionConfig
    from app.managers.execution_manager.orders.kill import Standing
    from app.managers.system_manager.drill.drill import DrillReport

app = typer.Typer()


@app.command()
def drill(
    config: ConfigFile,
    at: At = None,
    is_freeze: Freeze = False,
    is_stuck: Annotated[
        bool, typer.Option("--stuck", help="As a strategy hangs at that time.")
    ] = False,
    within: Annotated[
        int, typer.Option(metavar="BARS", min=1, help="That it may take until all is flat.")
    ] = 5,
    as_json: AsJson = False,
) -> None:
    """Rehearse the emergency stop in a replay: does all it promises hold?

    It is no run: nothing of it is kept. A live config is drilled on a session of stored bars.
    Without --at it is stopped where there is something to stop.

    \b
    Exit codes:
      1  something of it does not hold

    \b
    Examples:
      ./start_cli.sh risk drill session_configs/example_session.json
      ./start_cli.sh risk drill session_configs/example_session.json --at "2024-11-01 10:31"
    """
    from app.core.config import load_session_config
    from app.managers.execution_manager.orders.kill import FLATTEN, FREEZE
    from app.managers.system_manager.drill.drill import drill as rehearse
    from app.services.indicators import faults

    given = load_session_config(config, faults)
    context = Context(given.market)
    with counting("rehearsing", "bars") as on_count:
        drilled, report = rehearse(
            given,
            FREEZE if is_freeze else FLATTEN,
            None if at is None else Moments(context.time).ns_of(at),
            within,
            is_stuck,
            context.settings,
            context.data,
            context.time,
            on_count,
        )
    told = _told(config, drilled, report, context)
    if as_json:
        print_json(told)
    else:
        _print(told)
    if not report.ok:
        raise typer.Exit(1)


def _told(
    path: Path, drilled: "SessionConfig", report: "DrillReport", context: Context
) -> dict[str, Any]:
    def text(ns: int) -> str | None:
        return context.time.to_local(ns).isoformat(sep=" ", timespec="seconds") if ns else None

    return {
        "config": str(path),
        "sessions": f"{drilled.replayed.start} to {drilled.replayed.end}",
        "mode": report.mode,
        "at": text(report.at_ns),
        "found": _standing(report.found),
        "done_at": text(report.done_ns),
        "done_bars": report.done_bars,
        "left": _standing(report.left),
        "refused_after": report.refused,
        "closing_orders": report.closing_orders,
        "equity": report.equity,
        "final_equity": report.final_equity,
        "unstopped_equity": report.unstopped_equity,
        "checks": [{"check": c.check, "ok": c.ok, "found": c.found} for c in report.checks],
        "ok": report.ok,
    }


def _standing(found: "Standing") -> dict[str, Any]:
    from app.core.money import from_units

    positions = {name: str(from_units(units)) for name, units in found.positions.items()}
    return {"orders": found.orders, "opening": found.opening, "positions": positions}


def _print(told: dict[str, Any]) -> None:
    print_table(f"Drill of {told['config']}", ("what", "value"), list(_rows(told)))
    rows = [(one["check"], "yes" if one["ok"] else "NO", one["found"]) for one in told["checks"]]
    print_table("What the stop promises", ("check", "holds", "found"), rows)
    console.print("All of it holds." if told["ok"] else "It does not hold.")


def _rows(told: dict[str, Any]) -> Iterator[tuple[str, object]]:
    yield "sessions", told["sessions"]
    yield "stop", f"{told['mode']}, at {told['at']}"
    for name in ("found", "left"):
        standing = told[name]
        held = ", ".join(f"{quantity} {one}" for one, quantity in standing["positions"].items())
        orders = f"orders: {standing['orders']}, that may open: {standing['opening']}"
        yield name, f"{orders}, held: {held or 'nothing'}"
    yield "done at", told["done_at"]
    yield "bars until then", told["done_bars"]
    yield "orders refused after it", told["refused_after"]
    yield "orders that closed", told["closing_orders"]
    yield "equity at the stop", money_text(Decimal(told["equity"]))
    yield "equity at the end", money_text(Decimal(told["final_equity"]))
    unstopped = told["unstopped_equity"]
    yield "had nobody stopped it", None if unstopped is None else money_text(Decimal(unstopped))
