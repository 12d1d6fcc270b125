"""`risk`: the limits that orders are held against. The trading state is in `state.py`."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import typer

from app.cli.context import Context
from app.cli.parameters import AsJson, ConfigFile
from app.cli.risk import drill as risk_drill
from app.cli.risk import state as risk_state
from app.cli.risk import stop as risk_stop
from app.cli.risk.check import check
from app.cli.terminal.output import console, print_json, print_table, value_text

if TYPE_CHECKING:
    from app.core.account_limits import AccountLimits
    from app.core.config import SessionConfig
    from app.services.risk.tightness import Standing

app = typer.Typer(
    help="Limits that orders are held against, what an account may do, the emergency stop."
)
app.add_typer(risk_state.app)
app.add_typer(risk_stop.app)
app.add_typer(risk_drill.app)

OVERSIZE = {
    "refuse": "An order that is in part within them is refused.",
    "cut": "An order that is in part within them is cut to that part.",
}


app.command()(check)


@app.command()
def limits(
    config: ConfigFile,
    as_json: AsJson = False,
) -> None:
    """The limits that hold for a config's runs, by scope, and which is the tightest.

    Those of the account file are among them; no config can loosen those.

    \b
    Example:
      ./start_cli.sh risk limits session_configs/example_session.json
    """
    from app.core.account_limits import load_account_limits
    from app.core.config import load_session_config

    given = load_session_config(config)
    path = Context().settings.account_limits
    hard = load_account_limits(path)
    told = {
        "config": str(config),
        "account_file": None if path is None else str(path),
        "oversize": given.risk.oversize,
        "limits": list(_limits(given, hard)),
        "breakers": list(_breakers(given, hard)),
        "of_other_runs": _strangers(given, hard),
    }
    if as_json:
        print_json(told)
    else:
        _print(told, len(given.strategies))


def _limits(given: "SessionConfig", hard: "AccountLimits | None") -> Iterator[dict[str, Any]]:
    from app.services.risk.scopes import limits_of_run
    from app.services.risk.tightness import standings

    names = [strategy.label for strategy in given.strategies]
    found = limits_of_run(given.risk, names, given.symbols, hard)
    for one in standings(found.scopes, len(names), len(given.symbols)):
        yield _told(one, names, given.symbols, given.account.currency)


def _breakers(given: "SessionConfig", hard: "AccountLimits | None") -> Iterator[dict[str, Any]]:
    from app.services.risk.scopes import limits_of_run
    from app.services.risk.units import unit_of

    for one in limits_of_run(given.risk, [], [], hard).breakers:
        unit = unit_of(one.name, given.account.currency)
        yield {"name": one.name, "trips_at": one.given, "unit": unit, "then": one.then}


def _told(
    one: "Standing", names: Sequence[str], symbols: Sequence[str], currency: str
) -> dict[str, Any]:
    from app.services.risk.units import unit_of

    scope, limit = one.scope, one.limit
    return {
        "rule": limit.name,
        "scope": scope.name,
        "strategy": None if scope.strategy is None else names[scope.strategy],
        "symbol": None if scope.symbol is None else symbols[scope.symbol],
        "limit": limit.given,
        "unit": unit_of(limit.name, currency),
        "tightest": one.tightest_for == one.holds_for,
        "tightest_for": [
            {"strategy": names[strategy], "symbol": symbols[symbol]}
            for strategy, symbol in sorted(one.tightest_for)
        ],
    }


def _strangers(given: "SessionConfig", hard: "AccountLimits | None") -> list[str]:
    """What the account file limits, and this run has not."""
    if hard is None:
        return []
    names = {strategy.label for strategy in given.strategies}
    return [
        *(f"strategy {name}" for name in hard.strategies if name not in names),
        *(f"symbol {name}" for name in hard.symbols if name not in given.symbols),
    ]


def _print(told: dict[str, Any], strategies: int) -> None:
    if told["account_file"] is not None:
        console.print(f"Account file: {told['account_file']}", markup=False)
    if not told["limits"]:
        console.print("No limit holds.")
    else:
        columns = ("rule", "scope", "limit", "tightest")
        rows = [
            [one["rule"], one["scope"], _figure(one, "limit"), _tightest(one, strategies)]
            for one in told["limits"]
        ]
        print_table(f"Limits of {told['config']}", columns, rows)
        console.print(OVERSIZE[told["oversize"]])
    if told["breakers"]:
        rows = [[one["name"], _figure(one, "trips_at"), one["then"]] for one in told["breakers"]]
        print_table(f"Breakers of {told['config']}", ("name", "trips at", "then"), rows)
    if told["of_other_runs"]:
        others = ", ".join(told["of_other_runs"])
        console.print(f"The account file also limits what this run has not: {others}.",
                      markup=False)  # fmt: skip


def _figure(one: dict[str, Any], name: str) -> str:
    """A figure and what it is of."""
    return f"{value_text(one[name])} {one['unit']}".rstrip()


def _tightest(one: dict[str, Any], strategies: int) -> str:
    """Yes, no, or for whom; a strategy is named where there are several."""
    if one["tightest"]:
        return "yes"
    words = [
        pair["symbol"] if strategies == 1 else f"{pair['strategy']} in {pair['symbol']}"
        for pair in one["tightest_for"]
    ]
    return f"for {', '.join(words)}" if words else "no"
