"""What a config would run, and under which rules: what `config check` shows."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from app.cli.terminal.output import value_text

if TYPE_CHECKING:
    from pydantic import BaseModel

    from app.core.config import SessionConfig
    from app.core.config_account import AccountConfig
    from app.managers.system_manager.foreseeing import Foreseen
    from app.threads.stream.plan import Plan


def would_run(config: "SessionConfig", foreseen: "Foreseen") -> dict[str, str | None]:
    """A line of words for each part; None where a part says nothing."""
    plan = foreseen.plan
    history = (f"{word}: {'all' if n is None else n}" for word, n in plan.history.items())
    return {
        "name": config.name,
        "market": config.market,
        "symbols": ", ".join(config.symbols),
        "sessions": _sessions(config),
        "intervals": ", ".join(plan.intervals),
        "history sessions": ", ".join(history) or None,
        "indicators": ", ".join(_indicators(plan)) or None,
        "strategies": ", ".join(strategy.label for strategy in config.strategies),
        "account": _account(config.account),
        **_execution(config),
        "sizing": _said(config.sizing),
        "risk": _said(config.risk),
        "protection": _said(config.protection) or "as its strategies declare",
    }


def _sessions(config: "SessionConfig") -> str:
    if config.replay is not None:
        return f"{config.replay.start} to {config.replay.end}, speed {config.replay.speed}"
    live = config.lived
    orders = "simulated" if live.broker == "paper" else "sent to it"
    money = ", REAL MONEY" if live.trades_real_money else ""
    return f"{live.sessions}, live at the venue '{live.venue}', orders {orders}{money}"


def _indicators(plan: "Plan") -> Iterator[str]:
    """The config's and those of its strategies; with their symbols where not all have one."""
    having: dict[str, list[str]] = {}
    for one in plan.declared:
        words = f"{one.computation.label} on {one.interval}"
        having.setdefault(words, []).append(plan.symbols[one.symbol])
    for words, symbols in having.items():
        is_all = len(symbols) == len(plan.symbols)
        yield words if is_all else f"{words} of {' '.join(symbols)}"


def _account(account: "AccountConfig") -> str:
    """What it begins with, its kind, what it may borrow, and what that costs."""
    kind = f"{account.kind}, leverage {account.means}" if account.kind == "margin" else "cash"
    told = f"{account.cash:,f} {account.currency}, {kind}"
    rest = _said(account, but={"currency", "cash", "kind", "leverage"})
    return f"{told}, {rest}" if rest else told


def _execution(config: "SessionConfig") -> dict[str, str | None]:
    """What is charged, and how orders fill."""
    if config.lived.goes_to_venue:
        return {"fees": "as its venue charges", "fills": "as its venue tells of them"}
    execution = config.execution
    fees = execution.fees if isinstance(execution.fees, str) else _said(execution.fees) or "zero"
    apart = {"fees", "slippage"} | ({"latency_ms"} if not execution.latency_ms else set())
    how = execution.model_dump(mode="json", exclude=apart)
    return {
        "fees": fees,
        "slippage": _said(execution.slippage) or "none",
        "fills": _listed({name: "null" if one is None else one for name, one in how.items()}),
    }


def _said(part: "BaseModel | None", but: set[str] | None = None) -> str | None:
    """What a part of a config says, without its defaults; nothing of one that says nothing."""
    said = {} if part is None else part.model_dump(mode="json", exclude_defaults=True, exclude=but)
    return _listed(said) or None


def _listed(said: dict[str, Any]) -> str:
    return ", ".join(f"{key}: {value_text(value)}" for key, value in said.items())
