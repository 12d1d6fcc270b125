"""`risk flatten`: the emergency stop of sessions that run, in one command."""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.context import Context
from app.cli.parameters import (
    UNTIL_ENDED_SECONDS,
    AsJson,
    Freeze,
    Reason,
    RunningRun,
    Timeout,
)
from app.cli.terminal.output import console, errors, print_json, print_table
from app.core.errors import NotFoundError, RunTimeoutError, StateError, UsageError
from app.core.run_states import ABANDONED, RUNNING

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from app.managers.system_manager.control.client import ControlClient

app = typer.Typer()

_LOOK_SECONDS = 0.5  # between two looks at how far it has come
_ANSWER_SECONDS = 10.0


@app.command()
def flatten(
    reason: Reason,
    run: RunningRun = None,
    is_freeze: Freeze = False,
    is_all: Annotated[bool, typer.Option("--all", help="Every session that runs.")] = False,
    timeout: Timeout = UNTIL_ENDED_SECONDS,
    as_json: AsJson = False,
) -> None:
    """The emergency stop: latch a session, cancel its orders, close its positions, end it.

    From this moment no order that opens leaves, though a strategy hangs. Asked for again it says
    how the first one went, with exit code 0.

    \b
    Exit codes:
      1  not all of it is done: see to it at the venue by hand
      5  it is latched, and has not ended in the time given

    \b
    Examples:
      ./start_cli.sh risk flatten --reason "it buys without end"
      ./start_cli.sh risk flatten --freeze --all --reason "the line to the venue is bad"
    """
    from app.managers.execution_manager.orders.kill import FLATTEN, FREEZE, kill_value

    if not reason.strip():
        raise UsageError("--reason is empty; say in a few words why the session is stopped.")
    if run is not None and is_all:
        raise UsageError("--all stops every session, and RUN names one: leave one of them out.")
    value = kill_value(FREEZE if is_freeze else FLATTEN, " ".join(reason.split()))
    found = list(_stopped(run, is_all, value, timeout))
    if as_json:
        print_json(found if is_all else found[0])
    else:
        for one in found:
            _print(one)
    left = [one["run_id"] for one in found if not one["done"]]
    if left:
        raise StateError(f"Not all is done in {', '.join(left)}: see to it at the venue by hand.")


def _stopped(run: str | None, is_all: bool, value: str, timeout: float) -> Iterator[dict[str, Any]]:
    """What came of each session, after all of them have been latched."""
    from app.managers.system_manager.control.client import connect, running

    folder = Context().settings.data_folder
    names: Sequence[str | None] = (running(folder) if is_all else []) or [run]
    clients = []
    try:
        for name in names:
            try:
                clients.append(connect(folder, name))
            except NotFoundError as error:
                yield _ended_before(run, error)
                return
        is_again = [_is_again(client, value) for client in clients]
        for client, again in zip(clients, is_again, strict=True):
            _wait(client, timeout)
            yield {**_outcome(client.session.run_id), "again": again}
    finally:
        for client in clients:
            client.close()


def _is_again(client: "ControlClient", value: str) -> bool:
    """Latch a session; whether somebody had asked for the same before."""
    from app.managers.execution_manager.orders.kill import FLATTEN, kill_of

    told = client.ask("killed")
    before = json.loads(told)["mode"] if told else ""
    client.ask("kill", value)
    return before in (FLATTEN, kill_of(value)[0])


def _wait(client: "ControlClient", timeout: float) -> None:
    """Until the session hangs up; on a terminal with what is left."""
    from app.managers.system_manager.control.client import SessionEnded
    from app.managers.time_manager import WallClock

    clock, run_id = WallClock(), client.session.run_id
    since_ns = clock.monotonic_ns()
    while clock.monotonic_ns() - since_ns < timeout * 1e9:
        if client.wait_for_end(min(_LOOK_SECONDS, timeout)):
            return
        client.patience(_ANSWER_SECONDS)
        try:
            told = json.loads(client.ask("killed"))
        except SessionEnded:
            return
        errors.print(f"Run {run_id}: {_left(told)}", markup=False)
        clock.wait(threading.Event(), _LOOK_SECONDS)
    raise RunTimeoutError(
        f"Run {run_id} is latched, and has not ended within {timeout:g} s. Ask again to wait "
        f"longer, or end its process {client.session.pid}."
    )


def _outcome(run_id: str) -> dict[str, Any]:
    """What the record of a run that has ended says of its kill."""
    path = Context().settings.runs_folder / run_id / "run.json"
    try:
        told = json.loads(path.read_text(encoding="utf-8")).get("killed")
    except (OSError, ValueError):
        told = None
    if told is None:
        raise NotFoundError(
            f"The record of run {run_id} tells of no emergency stop. 'runs show {run_id}' shows "
            "how it ended."
        )
    return {"run_id": run_id, **told}


def _ended_before(run: str | None, error: NotFoundError) -> dict[str, Any]:
    """A session that was stopped so already, and has ended."""
    from app.repositories.run_repository import RunRepository

    repository = RunRepository(Context().engine)
    try:
        last = repository.list_runs(1)[0] if run is None else repository.get_run(run)
    except (NotFoundError, IndexError):
        raise error from None
    try:
        return {**_outcome(last["run_id"]), "again": True}
    except NotFoundError:
        raise (
            error if run is None else NotFoundError(_why_not(dict(last), repository.engine))
        ) from None


def _why_not(run: Mapping[str, Any], engine: "Engine") -> str:
    """Why a run that is known cannot be stopped: no other is offered in its place."""
    from app.cli.runs.commands import described

    run_id, state = run["run_id"], described(run, engine)["state"]
    if state == RUNNING:
        return (
            f"Run {run_id} is in process {run['pid']}, which does not listen, so nothing was "
            "stopped. Ask again; if that stays so, end the process and see to the venue by hand."
        )
    at_venue = (run["config"].get("live") or {}).get("broker") == "venue"
    left = " What it left works on at the venue: see to it there." if at_venue else ""
    if state == ABANDONED:
        left += " 'system recover' goes on with it." if at_venue else ""
        return f"Run {run_id} broke off, so nothing was stopped.{left}"
    return (
        f"Run {run_id} has ended ({state}, {run['ended_at']}), so nothing was stopped.{left} "
        f"'runs show {run_id}' tells how it ended."
    )


def _print(told: dict[str, Any]) -> None:
    if told["again"]:
        console.print(
            f"Run {told['run_id']} was stopped before, at {told['at']}: nothing more was done.",
            markup=False,
        )
    print_table(f"Emergency stop of run {told['run_id']}", ("what", "value"), list(_rows(told)))


def _rows(told: dict[str, Any]) -> Iterator[tuple[str, object]]:
    found, left = told["found"], told["left"]
    yield "mode", told["mode"]
    yield "reason", told["reason"]
    yield "latched at", told["at"]
    if told["session_time"]:
        yield "session time", told["session_time"]
        yield "done, session time", told["done_session_time"]
    yield "done", "yes" if told["done"] else "no"
    yield "seconds", told["seconds"]
    yield "orders that worked", found["orders"]
    yield "of them, might open", found["opening"]
    yield "orders left", left["orders"]
    yield "positions", _positions(found)
    yield "positions left", _positions(left)


def _left(told: dict[str, Any]) -> str:
    left = told["left"]
    return f"orders that work: {left['orders']}, held: {_positions(left)}"


def _positions(standing: dict[str, Any]) -> str:
    held = standing["positions"].items()
    return ", ".join(f"{quantity} {name}" for name, quantity in held) or "none"
