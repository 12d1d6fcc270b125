"""`risk status`, `halt`, `resume` and `history`: the trading state of an account."""

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from msgspec.structs import replace

from app.cli.context import DEFAULT_MARKET, Context
from app.cli.parameters import Account, AsJson, Reason
from app.cli.terminal.output import console, print_json, print_table
from app.core.accounts import USUAL_ACCOUNT, account_of
from app.core.errors import AppError, NotFoundError, StateError, did_you_mean
from app.core.money import from_units
from app.core.trading_state import RiskStatus, need_reason, worst

if TYPE_CHECKING:
    from app.core.messages import Command
    from app.core.trading_state import RiskPast, Trip
    from app.repositories.account_risk import AccountRisk, AccountRisks

app = typer.Typer()

_LOOKS, _LOOK_SECONDS = 100, 0.05  # for a run to come to what it was asked

Run = Annotated[
    str | None,
    typer.Argument(
        metavar="RUN", help="A run's id, its unique beginning, or 'last'; else the account counts."
    ),
]


@app.command()
def status(run: Run = None, account: Account = USUAL_ACCOUNT, as_json: AsJson = False) -> None:
    """What an account may do, what has tripped, and how near each breaker is.

    Of a run that goes on, else as the account's last run left it.

    \b
    Example:
      ./start_cli.sh risk status
    """
    context = Context()
    found = _of_run(context, run) if run is not None else _of_account(context, account)
    if as_json:
        print_json(found)
    else:
        _print_status(found)


@app.command()
def halt(
    reason: Reason,
    reducing: Annotated[
        bool, typer.Option("--reducing", help="Exits still pass; else nothing but cancels.")
    ] = False,
    account: Account = USUAL_ACCOUNT,
    as_json: AsJson = False,
) -> None:
    """Take an account out of trading, whether or not a run of it goes on, until it is resumed.

    Working entries are called off, what protects stays. Without --reducing no exit of a strategy
    leaves either; 'system kill' and 'system stop' still close positions.

    \b
    Example:
      ./start_cli.sh risk halt --reason "no trading before the figures" --reducing
    """
    from app.core.trading_state import HALTED, REDUCING
    from app.managers.system_manager.risk.standing_risk import halted
    from app.managers.system_manager.steering.risk import Halting
    from app.threads.engines.guarded_engine import halting

    need_reason(reason)
    state = REDUCING if reducing else HALTED

    def remember(found: "AccountRisk") -> "AccountRisk":
        return halted(found, state, reason, _now_ns())

    value = msgspec.json.encode(Halting(state, reason)).decode()
    _change(account, "risk_halt", halting(state, reason), value, remember, as_json)


@app.command()
def resume(
    reason: Reason,
    trip: Annotated[
        str,
        typer.Option(metavar="NAME", help="Only this one, as 'risk status' names it; else all."),
    ] = "",
    account: Account = USUAL_ACCOUNT,
    as_json: AsJson = False,
) -> None:
    """Clear what has tripped, so that an account trades again.

    What a breaker measures counts from here on: it does not trip again for the same loss.

    \b
    Example:
      ./start_cli.sh risk resume --reason "the loss was a bad print, and is corrected"
    """
    from app.managers.system_manager.risk.standing_risk import resumed
    from app.threads.engines.guarded_engine import Resumption

    need_reason(reason)
    asked = Resumption(reason, trip)

    def remember(found: "AccountRisk") -> "AccountRisk":
        return resumed(found, asked, _now_ns())

    value = msgspec.json.encode(asked).decode()
    _change(account, "risk_resume", asked.command(), value, remember, as_json)


@app.command()
def history(account: Account = USUAL_ACCOUNT, as_json: AsJson = False) -> None:
    """What has tripped, and who halted and resumed an account, and why; the newest last.

    \b
    Example:
      ./start_cli.sh risk history --json
    """
    context = Context()
    found = _known(context, account)
    rows = [
        {
            "at": _time(context, note.event.at_ns, found.past),
            "what": note.event.what,
            "name": note.event.name,
            "state": note.event.state,
            "why": note.event.why,
            "run_id": note.run_id or None,
        }
        for note in found.history
    ]
    if as_json:
        print_json(rows)
    elif not rows:
        console.print(f"Nothing has happened to the account '{account}'.", markup=False)
    else:
        _print_rows(f"History of the account {account}", rows)


# -- where it is -----------------------------------------------------------------------------------


def _change(
    account: str,
    command: str,
    asked: "Command",
    value: str,
    remember: "Callable[[AccountRisk], AccountRisk]",
    as_json: bool,
) -> None:
    """Ask the session of the account; where none goes on, have it remembered.

    A session's process may die before it has heard: then the run does when it goes on. One that
    begins meanwhile may have read what there was before: it is asked as well.
    """
    context = Context()
    risks, run_id = _risks(context), _running(context, account)
    text, known = "", risks.accounts()
    if run_id is None:
        risks.change(account, remember)
        run_id = _running(context, account)
        state = worst(risks.load(account).past.trips)
        text = f"The account {account} is {state}; no run of it goes on."
        text += _mistaken(account, known, [one for one in known if _running(context, one)])
    if run_id is not None:
        text = _asked_of(context, run_id, account, command, asked, value)
    if not as_json:
        console.print(text, markup=False)
        return
    found = risks.load(account)
    print_json({
        "account": account, "run_id": run_id, "done": command.removeprefix("risk_"),
        "state": worst(found.past.trips), "waiting": run_id is not None and bool(found.waiting),
        "known": account in known,
    })  # fmt: skip


def _mistaken(account: str, known: Sequence[str], trading: Sequence[str]) -> str:
    """A word for who halts another account than he means, and believes that his stands still."""
    others = [one for one in trading if one != account]
    goes_on = f" A run goes on of {', '.join(others)}: --account names it." if others else ""
    if account in known or not known:
        return goes_on
    return (
        f" No run of it ever began: there are {', '.join(known)}, and they are as they were."
        f"{did_you_mean(account, known)}{goes_on}"
    )


def _asked_of(
    context: Context, run_id: str, account: str, command: str, asked: "Command", value: str
) -> str:
    from app.managers.system_manager.risk.standing_risk import waited_for
    from app.managers.time_manager import WallClock

    _ask(context, run_id, "risk_status")  # it can be asked
    risks = _risks(context)
    before = risks.load(account).waiting
    now_ns = _now_ns()
    risks.change(account, lambda found: waited_for(found, asked, now_ns, is_noted=False))
    try:
        text = _ask(context, run_id, command, value)
    except AppError:
        risks.change(account, lambda found: replace(found, waiting=before))
        raise
    for _ in range(_LOOKS):
        if not risks.load(account).waiting:
            return text
        WallClock().wait(threading.Event(), _LOOK_SECONDS)
    return f"{text} It is busy, and has not come to that yet."


def _ask(context: Context, run_id: str, command: str, value: str = "") -> str:
    with context.session(run_id) as client:
        return client.ask(command, value)


def _running(context: Context, account: str) -> str | None:
    """The account's run that goes on in a process."""
    trader = context.trader(account)
    return None if trader is None else trader.run_id


def _risks(context: Context) -> "AccountRisks":
    from app.repositories.account_risk import AccountRisks

    return AccountRisks(context.settings.data_folder)


def _known(context: Context, account: str) -> "AccountRisk":
    """What is remembered of an account; an error where it never traded."""
    risks = _risks(context)
    accounts = risks.accounts()
    if account not in accounts:
        has = f"there are {', '.join(accounts)}" if accounts else "no live run has begun yet"
        raise NotFoundError(
            f"Nothing is known of an account '{account}': {has}.{did_you_mean(account, accounts)}"
        )
    return risks.load(account)


def _of_account(context: Context, account: str) -> dict[str, Any]:
    run_id = _running(context, account)
    if run_id is not None:
        return {"account": account, **_told(context, _status_of(context, run_id), run_id)}
    past = _known(context, account).past
    kept = RiskStatus(worst(past.trips), past.trips, (), (), past)
    return {"account": account, **_told(context, kept, None)}


def _of_run(context: Context, words: str) -> dict[str, Any]:
    """The state of a run that goes on, or as its record has it."""
    from app.managers.system_manager.control.client import running
    from app.repositories.journal_reader import has_begun
    from app.repositories.run_repository import RunRepository

    row = RunRepository(context.engine).get_run(words)
    run_id = str(row["run_id"])
    folder = context.settings.runs_folder / run_id
    account = account_of(row["config"]) if has_begun(folder) else None
    if run_id in running(context.settings.data_folder):
        return {"account": account, **_told(context, _status_of(context, run_id), run_id)}
    try:
        facts = msgspec.json.decode((folder / "run.json").read_bytes())
    except (OSError, msgspec.MsgspecError):
        facts = {}
    if "risk" not in facts:
        raise StateError(f"Run {run_id} has no trading state on record: it had no breakers.")
    kept = msgspec.convert(facts["risk"], RiskStatus)
    return {"account": account, **_told(context, kept, run_id)}


def _status_of(context: Context, run_id: str) -> RiskStatus:
    return msgspec.json.decode(_ask(context, run_id, "risk_status"), type=RiskStatus)


# -- how it is told --------------------------------------------------------------------------------


def _told(context: Context, found: RiskStatus, run_id: str | None) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "state": found.state,
        "currency": found.past.currency or None,
        "trips": [_trip(context, one, found.past) for one in found.trips],
        "breakers": [msgspec.to_builtins(one) for one in found.breakers],
        "figures": _figures(found.past),
    }


def _trip(context: Context, trip: "Trip", past: "RiskPast") -> dict[str, Any]:
    since = _time(context, trip.since_ns, past)
    return {"name": trip.name, "state": trip.state, "since": since, "why": trip.why}


def _figures(past: "RiskPast") -> list[dict[str, Any]]:
    return [
        {
            "of": place,
            "session": str(one.session),
            "result": f"{from_units(one.result_units):f}",
            "below_peak": f"{from_units(one.below_peak_units):f}",
            "entries": one.entries,
        }
        for place, one in past.figures.items()
    ]


def _time(context: Context, at_ns: int, past: "RiskPast") -> str:
    """In the zone of the market that the account traded at last."""
    return context.time.to_local(at_ns, past.market or DEFAULT_MARKET).isoformat(timespec="seconds")


def _print_status(found: dict[str, Any]) -> None:
    run = f"run {found['run_id']}" if found["run_id"] is not None else ""
    if found["account"] is None:
        console.print(f"The {run} is {found['state']}.", markup=False)  # a replay has no account
    else:
        where = f", in {run}" if run else ""
        console.print(f"The account {found['account']} is {found['state']}{where}.", markup=False)
    currency = found["currency"]
    breakers = [_with_units(one, currency or "") for one in found["breakers"]]
    figures = "Figures" if currency is None else f"Figures, in {currency}"
    for title, rows in (
        ("Trips", found["trips"]),
        ("Breakers", breakers),
        (figures, [one for one in found["figures"] if _tells(one)]),
    ):
        if rows:
            _print_rows(title, rows)
    console.print("'risk limits CONFIG' shows the limits that each order is held against.")


def _tells(figures: dict[str, Any]) -> bool:
    """Of a strategy or a symbol that has lost nothing and entered nothing there is nothing."""
    amounts = (figures["result"], figures["below_peak"], str(figures["entries"]))
    return figures["of"] == "account" or amounts != ("0", "0", "0")


def _with_units(breaker: dict[str, Any], currency: str) -> dict[str, Any]:
    """A figure says of what it is: they are amounts, shares, counts and seconds."""
    from app.services.risk.units import unit_of

    unit = unit_of(breaker["name"], currency)
    told = {name: f"{breaker[name]} {unit}".rstrip() for name in ("figure", "trips_at")}
    return {**breaker, **told}


def _print_rows(title: str, rows: Sequence[dict[str, Any]]) -> None:
    columns = [column.replace("_", " ") for column in rows[0]]
    print_table(title, columns, [[_cell(*item) for item in row.items()] for row in rows])


def _cell(column: str, value: Any) -> object:
    """A truth in words, a time as other tables have it; all else as it is."""
    if column in ("at", "since"):
        return str(value).replace("T", " ")[:19]
    return ("no", "yes")[value] if isinstance(value, bool) else value


def _now_ns() -> int:
    from app.managers.time_manager import WallClock

    return WallClock().now_ns()
