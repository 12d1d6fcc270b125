"""`risk check`: may this order leave? It is held against every limit, and nothing comes of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.parameters import AsJson, At, Symbol
from app.cli.runs.moments import Moments
from app.cli.runs.why_text import as_told, local, print_limits, standing_rows
from app.cli.terminal.output import console, print_json, print_table
from app.cli.terminal.progress import counting
from app.core.errors import NotFoundError, UsageError, did_you_mean, of_comma

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from app.managers.system_manager.why.asking import Asker, Question

Told = dict[str, Any]
SIDES = ("buy", "sell")
# A price that no strategy can give either; a quantity is left to its verdict, while it is read.
_TOO_HIGH, _TOO_MANY = 9 * 10**10, 10**20


def check(
    of: Annotated[
        str,
        typer.Argument(metavar="CONFIG|RUN", help="A session config, or a past run, as 'last'."),
    ],
    side: Annotated[str, typer.Argument(metavar="buy|sell", help="Its side.")],
    quantity: Annotated[str, typer.Argument(metavar="QUANTITY", help="A number above 0.")],
    symbol: Symbol,
    limit: Annotated[str | None, typer.Option(metavar="PRICE", help="At this or better.")] = None,
    stop: Annotated[
        str | None, typer.Option(metavar="PRICE", help="Once the price was there.")
    ] = None,
    strategy: Annotated[
        str | None, typer.Option(metavar="NAME", help="Whose it is, where there are several.")
    ] = None,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """May this order leave? It is held against every limit, and nothing comes of it.

    A replay of the config, or a past run, goes on to TIME, or to its end, and there the order is
    held against every limit and the account's means, before any strategy acts. Nothing is recorded
    or sent; a session that runs is not asked.

    \b
    Exit codes:
      1  it would be refused or cut

    \b
    Examples:
      ./start_cli.sh risk check session_configs/example_session.json buy 10 SYN1
      ./start_cli.sh risk check last sell 5 SYN1 --limit 101.5 --at "2024-11-01 10:20"
    """
    from app.managers.system_manager.why.asking import Question

    question = Question(
        symbol=symbol,
        quantity=_signed(side, quantity),
        limit=_number("--limit", limit),
        stop=_number("--stop", stop),
        strategy=strategy,
    )
    is_config = of.endswith(".json") or Path(of).exists()
    told = _of_config(Path(of), question, at) if is_config else _of_run(of, question, at)
    if as_json:
        print_json(told)
    else:
        _print(told)
    if told["decision"] != "leaves":
        raise typer.Exit(1)


def _of_config(path: Path, question: "Question", at: str | None) -> Told:
    """On a replay of it, under the account file of today."""
    from app.cli.context import Context
    from app.core.account_limits import load_account_limits
    from app.core.config import load_session_config
    from app.managers.system_manager.why.asking import asker_at, until
    from app.managers.system_manager.why.retelling import unlogged, watched_replay
    from app.managers.time_manager import SessionClock
    from app.services.indicators import faults

    config = load_session_config(path, faults)
    if config.replay is None:
        raise UsageError(
            f"{path} is of a live run, which has no dates: give the id of one of its past runs."
        )
    _need_symbol(question.symbol, config.symbols)
    context = Context(config.market)
    times, moments = context.time, Moments(context.time)
    until_ns = None if at is None else moments.ns_of(at)
    asker = asker_at(question, until_ns, config, times)
    with counting("running it", "bars") as on_count:
        run = watched_replay(
            config if until_ns is None else until(config, until_ns, times),
            load_account_limits(context.settings.account_limits),
            asker, context.data, times, context.settings.strategies_folder, on_count,
        )  # fmt: skip
        with unlogged(), times.use_clock(SessionClock(lambda: run.cursor.now_ns)):
            run.execute()
    return {"config": str(path), **_told(question, asker, moments, at)}


def _of_run(run_id: str, question: "Question", at: str | None) -> Told:
    """On the run, run again, under the account file of then."""
    from app.cli.runs.why import Teller, again_told
    from app.managers.system_manager.why.asking import asker_at

    teller = Teller(run_id)
    _need_symbol(question.symbol, teller.run.config.symbols)
    until_ns = None if at is None else teller.ns_of(at)
    asker = asker_at(question, until_ns, teller.run.config, teller.times)
    proof = teller.tell(asker)
    told = _told(question, asker, teller, at)
    return {"run_id": teller.run.run_id, **told, "again": again_told(proof)}


def _told(question: "Question", asker: "Asker", moments: Moments, at: str | None) -> Told:
    answer = asker.answer
    if answer is None:
        sides = [
            local(moments.at(ns)) for ns in (asker.before_ns, asker.after_ns) if ns is not None
        ]
        beside = f" The nearest: {' and '.join(sides)}." if sides else ""
        when = "in the last session" if at is None else f"at {at}, or in the day before"
        raise NotFoundError(f"Nothing happens {when}: no bar is shown.{beside}")
    asked = abs(question.quantity)
    return {
        "at": moments.at(answer.at_ns),
        "strategy": answer.strategy,
        "side": SIDES[question.quantity < 0],
        "quantity": asked,
        "symbol": question.symbol,
        "kind": answer.kind,
        "limit": answer.limit,
        "stop": answer.stop,
        "standing": as_told(answer.standing),
        "has_limits": answer.has_limits,
        "limits": [as_told(one) for one in answer.limits],
        "decision": _decision(answer.leaves, asked),
        "leaves": answer.leaves,
        "reason": answer.reason or None,
    }


def _decision(leaves: "Decimal", asked: "Decimal") -> str:
    if leaves == asked:
        return "leaves"
    return "cut" if leaves else "refused"


def _print(told: Told) -> None:
    prices = "".join(
        f", {name} {told[name]:g}" for name in ("limit", "stop") if told[name] is not None
    )
    what = f"{told['side']} {told['quantity']:f} {told['symbol']}, {told['kind']}{prices}"
    whose = f"{told['strategy']} at {local(told['at'])}"
    console.print(f"{told.get('config') or told['run_id']}: {what}, of {whose}", markup=False)
    print_table("What limits look at", ("what", "value"), standing_rows(told["standing"]))
    if told["limits"]:
        print_limits(told["limits"])
    elif told["decision"] == "leaves" and told["has_limits"]:
        console.print("No limit was asked: nothing of it would open or increase a position.")
    elif told["has_limits"]:
        console.print("It would not come to its limits.")
    else:
        console.print("No limit holds for it.")
    if told["decision"] == "leaves":
        console.print("It would leave whole.")
    elif told["decision"] == "cut":
        console.print(f"Of it {told['leaves']:f} would leave, {told['reason']}.", markup=False)
    else:
        console.print(f"It would be refused: {told['reason']}.", markup=False)
    for note in told.get("again", {}).get("notes", ()):
        console.print(f"Note: {note}.", markup=False)


def _need_symbol(symbol: str, symbols: "Sequence[str]") -> None:
    if symbol not in symbols:
        hint = did_you_mean(symbol, symbols)
        raise NotFoundError(f"There is no symbol '{symbol}', but {', '.join(symbols)}.{hint}")


def _signed(side: str, quantity: str) -> "Decimal":
    if side not in SIDES:
        raise UsageError(f"'{side}' is no side: it is buy or sell.{did_you_mean(side, SIDES)}")
    size = _number("QUANTITY", quantity, _TOO_MANY)
    assert size is not None
    return size if side == SIDES[0] else -size


def _number(name: str, text: str | None, below: int = _TOO_HIGH) -> "Decimal | None":
    """What was written, exactly; above 0."""
    from decimal import Decimal, InvalidOperation

    from app.core.money import from_units, to_units

    if text is None:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal(0)
    if number.is_finite() and number >= below:
        raise UsageError(f"{name}: '{text}' is too much; give a number below {below}.")
    if not (number.is_finite() and number > 0 and to_units(number)):
        raise UsageError(f"{name}: '{text}' is not a number above 0.{of_comma(text)}")
    return from_units(to_units(number))
