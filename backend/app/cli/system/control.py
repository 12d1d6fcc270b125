"""`system attach`, `pause`, `stop`, `kill` and more: a session that runs, from any terminal."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.context import Context
from app.cli.parameters import (
    UNTIL_ENDED_SECONDS,
    AsJson,
    Count,
    Reason,
    RunningRun,
    Timeout,
)
from app.cli.terminal.figures import money_text, stale_lines
from app.cli.terminal.output import console, print_json, print_table, print_zoned, say
from app.core.errors import AppError, RunTimeoutError, StateError

if TYPE_CHECKING:
    from app.managers.system_manager.control.client import ControlClient
    from app.managers.system_manager.control.messages import View

app = typer.Typer()


_LOOK_SECONDS = 0.1
_LOOKS = 50  # at a session that takes its steps

SHORT_COLUMNS = (
    *("run_id", "state", "trading_state", "mode", "real_money", "config", "pid", "now"),
    *("bars", "equity", "positions", "orders", "alarms", "no_entries", "stale_seconds"),
)


@app.command()
def attach(run: RunningRun = None, as_json: AsJson = False) -> None:
    """Follow a session until it ends. Ctrl+C detaches; the session goes on.

    A screen on a terminal; a line a second in a pipe, with --json one object a line.

    \b
    Example:
      ./start_cli.sh system attach
    """
    from app.cli.system.attached import AccountPage
    from app.cli.watch.following import follow

    with Context().session(run) as client:
        follow(client, client.view, AccountPage(), as_json)


@app.command()
def pause(run: RunningRun = None, as_json: AsJson = False) -> None:
    """A replay stands still; a live run streams on, exits pass and entries are refused.

    \b
    Example:
      ./start_cli.sh system pause
    """
    _ask(run, "pause", "", as_json)


@app.command()
def resume(run: RunningRun = None, as_json: AsJson = False) -> None:
    """It goes on; a halt is not lifted.

    \b
    Example:
      ./start_cli.sh system resume
    """
    _ask(run, "resume", "", as_json)


@app.command()
def step(
    run: RunningRun = None,
    count: Count = 1,
    as_json: AsJson = False,
) -> None:
    """Let a paused replay take some instants; its time after them is told.

    \b
    Example:
      ./start_cli.sh system step --count 5
    """
    with Context().session(run) as client:
        client.ask("step", str(count))
        now = _now_after_steps(client)
        if as_json:
            print_json({"run_id": client.session.run_id, "done": "step", "now": now})
        else:
            where = f"stands at {now}" if now else "has ended with that"
            text = f"Run {client.session.run_id} {where}."
            console.print(text, markup=False, highlight=False)


@app.command()
def speed(
    to: Annotated[str, typer.Argument(metavar="SPEED", help="'max', or a multiple of real time.")],
    run: RunningRun = None,
    as_json: AsJson = False,
) -> None:
    """Change a replay's pace.

    \b
    Example:
      ./start_cli.sh system speed 60
    """
    _ask(run, "speed", to, as_json)


@app.command()
def halt(
    run: RunningRun = None,
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """From now on a session takes exits only: the run's own halt, which ends with it.

    An entry that works already stays, and can fill: 'risk halt' calls it off. It is no trading
    state: that is the account's, outlives its runs, and is set by 'risk halt'.

    \b
    Example:
      ./start_cli.sh system halt --reason "news at noon"
    """
    _ask(run, "halt", reason, as_json)


@app.command()
def release(
    reason: Reason,
    run: RunningRun = None,
    timeout: Timeout = 30.0,
    as_json: AsJson = False,
) -> None:
    """Lift a live run's halt, once its venue agrees with its books.

    \b
    Example:
      ./start_cli.sh system release --reason "news at noon are out"
    """
    import threading

    from app.managers.time_manager import WallClock

    with Context().session(run) as client:
        client.ask("release", reason)
        for _ in range(int(timeout / _LOOK_SECONDS) + 1):
            text = client.ask("released")
            if text:
                break
            WallClock().wait(threading.Event(), _LOOK_SECONDS)
        else:
            raise RunTimeoutError(f"The venue has not been looked at within {timeout:g} s.")
        if as_json:
            print_json({"run_id": client.session.run_id, "done": "release"})
        else:
            console.print(text, markup=False)


@app.command()
def stop(
    run: RunningRun = None,
    reason: Reason = "",
    timeout: Timeout = UNTIL_ENDED_SECONDS,
    as_json: AsJson = False,
) -> None:
    """End a session in order, wait for that, and print what it came to.

    \b
    Example:
      ./start_cli.sh system stop
    """
    _end(run, "stop", reason, timeout, as_json)


@app.command()
def kill(
    run: RunningRun = None,
    mode: Annotated[
        str, typer.Option(metavar="freeze|flatten", help="What becomes of positions.")
    ] = "freeze",
    reason: Reason = "",
    timeout: Timeout = UNTIL_ENDED_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Let no order that opens leave any more, and end a session then, also one that hangs.

    \b
    Example:
      ./start_cli.sh system kill --mode flatten
    """
    from app.managers.execution_manager.orders.kill import kill_value
    from app.managers.system_manager.control.messages import check_kill_mode

    check_kill_mode(mode)
    _end(run, "kill", kill_value(mode, " ".join(reason.split())), timeout, as_json)


@app.command()
def positions(run: RunningRun = None, as_json: AsJson = False) -> None:
    """What a session holds, what was paid for it, and what came of it so far.

    \b
    Example:
      ./start_cli.sh system positions --json
    """
    view = _view(run)
    _show("Positions", view, view.positions, as_json)


@app.command()
def orders(run: RunningRun = None, as_json: AsJson = False) -> None:
    """A session's working orders.

    \b
    Example:
      ./start_cli.sh system orders
    """
    view = _view(run)
    _show("Working orders", view, view.orders, as_json)


@app.command()
def fills(run: RunningRun = None, as_json: AsJson = False) -> None:
    """A session's latest fills.

    \b
    Example:
      ./start_cli.sh system fills
    """
    view = _view(run)
    _show("Latest fills", view, view.fills, as_json)


def seen(folder: Path) -> list["View"]:
    """Every session that runs, as it stands; one that does not answer is left out."""
    from app.managers.system_manager.control.client import connect, running

    found = []
    for run_id in running(folder):
        try:
            with connect(folder, run_id) as client:
                found.append(client.view())
        except AppError as error:
            say(f"Run {run_id}: {error}", to_errors=True)
    return found


def short_row(view: "View") -> list[Any]:
    """A session in a line, as SHORT_COLUMNS names it."""
    return [
        *(view.run_id, view.state, view.trading_state, view.mode, view.real_money),
        *(view.config, view.pid, view.now),
        *(view.bars, view.equity, len(view.positions), view.orders_working, len(view.alarms)),
        *(view.no_entries, view.stale_seconds),
    ]


def print_sessions(views: Sequence["View"]) -> None:
    """A line each; times are those of the market, whose zone is named."""
    rows = [dict(zip(SHORT_COLUMNS, short_row(view), strict=True)) for view in views]
    for row in rows:
        row |= {"equity": money_text(row["equity"]), "real_money": row["real_money"] or None}
        del row["stale_seconds"]  # told below
    print_zoned("Sessions", rows, [view.zone for view in views])
    for view in views:
        for line in stale_lines(view):
            console.print(f"Run {view.run_id}: {line}", markup=False)


def _ask(run: str | None, command: str, value: str, as_json: bool) -> None:
    with Context().session(run) as client:
        text = client.ask(command, value)
        if as_json:
            print_json({"run_id": client.session.run_id, "done": command})
        else:
            console.print(text, markup=False)


def _now_after_steps(client: "ControlClient") -> str | None:
    """The session's time once it has taken its steps, or as far as it has come in time; None when
    they led to its end.
    """
    import threading

    from app.managers.system_manager.control.client import SessionEnded
    from app.managers.time_manager import WallClock

    before = ""
    for _ in range(_LOOKS):
        try:
            seen = client.view()
        except SessionEnded:
            return None
        if seen.now == before and not seen.steps_left:
            break
        before = "" if seen.steps_left else seen.now
        WallClock().wait(threading.Event(), _LOOK_SECONDS)
    return seen.now


def _end(run: str | None, command: str, value: str, timeout: float, as_json: bool) -> None:
    """Have it end, wait until its record is closed, and print that."""
    from app.repositories.run_repository import RunRepository

    with Context().session(run) as client:
        run_id = client.session.run_id
        text = client.ask(command, value)
        if not as_json:
            console.print(text, markup=False)
        if not client.wait_for_end(timeout):
            raise RunTimeoutError(
                f"Run {run_id} has not ended within {timeout:g} s. Wait longer, use 'system kill', "
                f"or end its process {client.session.pid}."
            )
    ended = RunRepository(Context().engine).get_run(run_id)
    if ended["summary"] is None:
        why = f": {ended['error']}" if ended["error"] else ", as its process died."
        raise StateError(f"Run {run_id} ended without a summary{why}")
    if as_json:
        print_json(ended["summary"])
    else:
        from app.cli.runs.notes import notes_on
        from app.managers.system_manager.record.summary import figure_rows

        print_table(f"Run {run_id}", ("figure", "value"), figure_rows(ended["summary"]))
        for note in notes_on(ended["summary"]):
            console.print(note, markup=False)


def _view(run: str | None) -> "View":
    with Context().session(run) as client:
        return client.view()


def _show(title: str, view: "View", rows: Sequence[Any], as_json: bool) -> None:
    import msgspec

    found: list[dict[str, Any]] = [msgspec.to_builtins(row) for row in rows]
    if as_json:
        print_json(found)
    elif not found:
        console.print(f"{title} of run {view.run_id} at {view.now}: none.", markup=False)
    else:
        zone = dt.datetime.fromisoformat(view.now).tzinfo
        columns = [name.removesuffix("_ns") for name in found[0]]
        cells = [[_cell(name, value, zone) for name, value in row.items()] for row in found]
        print_table(f"{title} of run {view.run_id} at {view.now}", columns, cells)
    for line in stale_lines(view):
        if as_json:
            say(f"Run {view.run_id}: {line}", to_errors=True)  # the rows are no place for it
        else:
            console.print(line, markup=False)


def _cell(name: str, value: object, zone: dt.tzinfo | None) -> object:
    """An instant as the market's time; all else as it is."""
    if not (name.endswith("_ns") and isinstance(value, int)):
        return value
    return f"{dt.datetime.fromtimestamp(value // 10**9, zone):%Y-%m-%d %H:%M:%S}"
