"""`system start` and `system status`: run a session config, and see what runs.

What steers a session that runs is in `control.py`.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.parameters import Account, AsJson, ConfigFile
from app.cli.system import control
from app.cli.system.real_money import ConfirmedName, confirmed_for, confirmed_of
from app.cli.terminal.output import console, errors, print_json, print_table
from app.core.accounts import USUAL_ACCOUNT
from app.core.errors import EXIT_INTERRUPTED, AppError, StateError, UsageError
from app.core.run_states import INTERRUPTED, KILLED, RUNNING
from app.core.signals import handled_by

if TYPE_CHECKING:
    from app.cli.context import Context
    from app.cli.system.serving import Serving
    from app.core.config import SessionConfig
    from app.managers.system_manager.run_session import OnProgress
    from app.managers.system_manager.system_manager import SystemManager

app = typer.Typer(help="Start sessions, watch them and steer them.")
app.add_typer(control.app)

Detached = Annotated[
    bool, typer.Option("--detach", help="In a process of its own; tell its run once it runs.")
]
Ready = Annotated[int | None, typer.Option(hidden=True)]  # a pipe to whoever detached it


@app.command()
def start(
    config: ConfigFile,
    timeout: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", min=0.001, help="How long it may take; exit code 5."),
    ] = None,
    band: Annotated[
        bool, typer.Option("--band", help="Run it under worst and best too; tell what they make.")
    ] = False,
    is_detached: Detached = False,
    is_awaited: Annotated[
        bool,
        typer.Option("--wait", help="Here, until its end: as it is anyway, but in the shell."),
    ] = False,
    confirmed: ConfirmedName = None,
    ready: Ready = None,
    as_json: AsJson = False,
) -> None:
    """Run a session config to its end and print what it came to. Ctrl+C stops it in order.

    \b
    Exit codes:
      1    a strategy failed, or it was killed
      5    it did not finish within --timeout
      130  it was interrupted, and is recorded as stopped

    \b
    Examples:
      ./start_cli.sh system start session_configs/example_session.json
      ./start_cli.sh system start session_configs/example_session.json --band
      ./start_cli.sh system start session_configs/example_session.json --detach
    """
    if is_detached and is_awaited:
        raise UsageError("--detach returns at once and --wait does not: use one of them.")
    confirmed = confirmed_of(config, confirmed)
    if is_detached:
        options = [] if timeout is None else ["--timeout", str(timeout)]
        words = ["start", str(config), *options, *(["--band"] if band else [])]
        _start_detached(words, confirmed, as_json)
        return
    _run_here(config, timeout, band, confirmed, ready, as_json)


def _run_here(
    config: "Path | SessionConfig",
    timeout: float | None,
    band: bool,
    confirmed: str | None,
    ready: int | None,
    as_json: bool,
) -> None:
    """Run in this process, served to other terminals, and print what it came to."""
    from app.cli.context import Context
    from app.cli.runs.notes import notes_on
    from app.cli.system.serving import Serving

    serving = Serving(Context().settings, ready, confirmed)
    system = serving.system
    prints = redirect_stdout(sys.stderr) if as_json else nullcontext()  # what strategies print
    pages: list[Path | None] = []
    with (
        prints, _reported(system, pages), closing(serving),
        _interruptible(system), _progress(serving, band) as on_progress,
    ):  # fmt: skip
        summary = system.run(config, timeout_seconds=timeout, on_progress=on_progress, band=band)
    if as_json:
        asked = {"html": pages[0] and str(pages[0])} if pages else {}
        print_json({**summary.as_json(), **asked})
    else:
        rows = [*summary.rows(), *(("html", str(page)) for page in pages if page)]
        print_table(f"Run {summary.run_id}", ("figure", "value"), rows)
        for note in notes_on(summary.as_json()):
            console.print(note, markup=False)
    if system.ended is not None and system.ended.reason == INTERRUPTED:
        raise typer.Exit(EXIT_INTERRUPTED)
    if system.ended is not None and system.ended.reason == KILLED:
        raise StateError(f"Run {summary.run_id} was killed.")


@contextmanager
def _reported(system: "SystemManager", pages: list[Path | None]) -> Iterator[None]:
    """Write the page that the run's config asks for when it has ended, well or not; `pages` learns
    where, or that it could not be written.
    """
    try:
        yield
    finally:
        config, ended = system.config, system.ended
        if config is not None and config.report.html and ended is not None:
            from app.cli.report.html import report_at_end

            pages.append(report_at_end(ended.summary.run_id))


def _start_detached(words: list[str], confirmed: str | None, as_json: bool) -> None:
    from app.cli.system.serving import detach

    run = detach([*words, *([] if confirmed is None else ["--confirm-real-money", confirmed])])
    if as_json:
        print_json(run)
        return
    for alarm in run["alarms"]:
        errors.print(f"warning: {alarm}", markup=False)
    what = "broke off, and goes on" if run["goes_on"] else "runs"
    console.print(f"Run {run['run_id']} {what} as process {run['pid']}.", markup=False)
    console.print(f"It writes to {run['log']}.", markup=False)
    console.print(f"'system attach {run['run_id']}' follows it.", markup=False)


@app.command()
def recover(
    account: Account = USUAL_ACCOUNT,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only compare with the venue; change nothing.")
    ] = False,
    gives_up: Annotated[
        bool,
        typer.Option("--give-up", help="Never go on with it: the account's next run is a new one."),
    ] = False,
    is_detached: Detached = False,
    confirmed: ConfirmedName = None,
    ready: Ready = None,
    as_json: AsJson = False,
) -> None:
    """Go on with a live run that broke off, as 'system start' of its config does.

    \b
    Examples:
      ./start_cli.sh system recover --dry-run
      ./start_cli.sh system recover
      ./start_cli.sh system recover --detach
    """
    from app.cli.system.recovering import give_up, show_preview, unfinished_config

    if dry_run and gives_up:
        raise UsageError("--dry-run changes nothing and --give-up does: use one of them.")
    if is_detached and (dry_run or gives_up):
        only = "--dry-run only compares" if dry_run else "--give-up goes on with nothing"
        raise UsageError(f"--detach is for a run that goes on, and {only}: leave one of them out.")
    if dry_run:
        show_preview(account, as_json)
    elif gives_up:
        give_up(account, as_json)
    else:
        config = unfinished_config(account)[1]
        confirmed = confirmed_for(config, confirmed)
        if is_detached:
            _start_detached(["recover", "--account", account], confirmed, as_json)
        else:
            _run_here(config, None, False, confirmed, ready, as_json)


@app.command()
def status(as_json: AsJson = False) -> None:
    """What runs, and how the last run ended.

    \b
    Example:
      ./start_cli.sh system status --json
    """
    from app.cli.context import Context
    from app.cli.system.control import SHORT_COLUMNS, print_sessions, seen, short_row

    context = Context()
    sessions = seen(context.settings.data_folder)
    away: AppError | None = None
    try:
        found = _recorded(context)
    except AppError as error:
        if not sessions:
            raise
        away = error  # those that run answer all the same
        found = dict.fromkeys(("state", "running", "last_run", "last_state", "broken_off"))
        found |= {"state": "RUNNING", "running": [view.run_id for view in sessions]}
    broken_off = found.pop("broken_off")
    if as_json:
        told = [dict(zip(SHORT_COLUMNS, short_row(view), strict=True)) for view in sessions]
        print_json({**found, "sessions": told, "broken_off": broken_off})
    else:
        for one in broken_off or ():
            console.print(
                f"Run {one['run_id']} of the account '{one['account']}' broke off. 'system recover "
                f"--account {one['account']}' goes on with it; with --dry-run it tells how it "
                "stands.",
                markup=False,
            )
        rows = [(k, ", ".join(v) or None if isinstance(v, list) else v) for k, v in found.items()]
        print_table("System", ("what", "value"), rows)
        if sessions:
            print_sessions(sessions)
    if away is not None:
        raise away


def _recorded(context: "Context") -> dict[str, Any]:
    """What the database says of the runs there are."""
    from app.cli.runs.commands import described
    from app.cli.system.recovering import broken_off
    from app.repositories.run_repository import RunRepository

    repository = RunRepository(context.engine)
    unfinished = [described(run, context.engine) for run in repository.unfinished_runs()]
    running = [run["run_id"] for run in unfinished if run["state"] == RUNNING]
    gone = {run["run_id"] for run in unfinished} - {*running}
    last = next((described(run, context.engine) for run in repository.list_runs(1)), None)
    return {
        "state": "RUNNING" if running else "STOPPED",
        "running": running,
        "last_run": last["run_id"] if last else None,
        "last_state": last["state"] if last else None,
        "broken_off": broken_off(context, gone),
    }


@contextmanager
def _interruptible(system: "SystemManager") -> Iterator[None]:
    """The first Ctrl+C or SIGTERM has the run end in order and be recorded; a second kills it. So
    does a terminal that closes, which says so more than once.

    What is ignored at the start stays so: a script's Ctrl+C is not meant for its background jobs.
    """

    terminals = [stream for stream in (sys.stdout, sys.stderr) if stream.isatty()]

    def on_signal(number: int, frame: object) -> None:
        again = signal.SIG_IGN if number == signal.SIGHUP else signal.default_int_handler
        signal.signal(number, again)
        for stream in terminals:
            if not stream.isatty():  # it is gone: what is written there is for nobody
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if not system.interrupt():
            raise KeyboardInterrupt

    asked = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    heeded = [number for number in asked if signal.getsignal(number) is not signal.SIG_IGN]
    with handled_by(dict.fromkeys(heeded, on_signal)):
        yield


@contextmanager
def _progress(serving: "Serving", band: bool) -> "Iterator[OnProgress]":
    """How far a replay is, by the trading time of its sessions; a live run tells no share."""
    from app.cli.terminal.progress import HowFar, share_of, telling

    shares: list[Callable[[int], float] | None] = []

    with telling("starting", "bars") as tell:

        def show(bars: int, through_ns: int) -> None:
            if not shares:
                sessions = serving.sessions()
                shares.append(share_of(sessions) if sessions else None)
            under = f" under {serving.system.policy}" if band else ""
            share = None if shares[0] is None else shares[0](through_ns)
            tell(HowFar(f"replaying{under}" if share is not None else "running", bars, share))

        yield show


__all__ = ["app", "console"]
