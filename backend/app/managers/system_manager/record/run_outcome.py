"""What a run came to: its summary, and the facts of its record that are known when it has ended."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from app.core.coins import coin_of
from app.core.money import from_units, to_units
from app.core.orders import Order
from app.core.run_states import FAILED, FINISHED, STOPPED
from app.core.trading_state import RiskStatus
from app.managers.execution_manager.books.account import Account, Mark
from app.managers.execution_manager.execution_manager import ExecutionManager
from app.managers.execution_manager.open_orders import standing
from app.managers.system_manager.record.attribution import as_json, book_results, strategy_results
from app.managers.system_manager.record.figures import Figures
from app.managers.system_manager.record.run_inputs import input_facts
from app.managers.system_manager.record.summary import Summary, share_of_profit
from app.managers.system_manager.record.uncertain_bars import LocalText
from app.managers.system_manager.wiring import Run
from app.threads.stream.reloading import ReloadOutcome

_MOST_NAMED = 10  # orders that work on


class RunEnd(msgspec.Struct, frozen=True):
    """What a journal keeps of how its run ended; a run that died has left none."""

    ended: str  # the reason
    at: str = ""  # the machine's time, in the market's zone
    timings: dict[str, Any] = {}
    error: str | None = None
    killed: dict[str, Any] | None = None  # the story of its kill


def reload_facts(outcome: ReloadOutcome, local_text: LocalText) -> dict[str, Any]:
    """What came of a strategy's new code."""
    facts: dict[str, Any] = msgspec.to_builtins(outcome)
    why_not = facts.pop("refused")
    outcome_text = f"refused: {why_not}" if why_not else "replaced"
    return {"at": local_text(facts.pop("at_ns")), **facts, "outcome": outcome_text}


def state_of(reason: str) -> str:
    """The state of a run that ended for this reason."""
    return reason if reason in (FINISHED, FAILED) else STOPPED


def timings_of(run: Run, seconds: float) -> dict[str, Any]:
    """How long it took, and each of its workers."""
    spent = run.pipeline.spent_ns
    return {
        "replay_seconds": seconds,
        "busy_seconds": {name: spent_ns / 1e9 for name, spent_ns in spent.items()},
    }


def outcome_facts(run: Run, timings: Mapping[str, Any], figures: Figures) -> dict[str, Any]:
    """What run.json says of a run's end, besides its summary."""
    return {
        "timings": dict(timings),
        "books": as_json(book_results(figures.account, figures.mark)),
        **input_facts(run, figures.account),
        "quality": _quality_facts(run),
        "dropped": list(run.pipeline.dropped),
        **_risk_facts(figures.risk),
    }


def _risk_facts(status: RiskStatus | None) -> dict[str, Any]:
    """The trading state that the run left, and how it came to it; of runs that have one."""
    return {} if status is None else {"risk": msgspec.to_builtins(status)}


def _trading_state(run: Run, status: RiskStatus | None) -> str | None:
    """What kept it from trading at its end, if anything did."""
    if status is None or not status.trips:
        return None
    since = run.local_time(min(trip.since_ns for trip in status.trips))
    names = ", ".join(trip.name for trip in status.trips)
    return f"{status.state}: {names} since {since:%Y-%m-%d %H:%M %Z}"


def summary_of(
    run: Run,
    figures: Figures,
    run_id: str,
    folder: Path,
    reason: str,
    seconds: float | None,
    bars: int,
    band_note: str | None = None,
) -> Summary:
    """The figures of a run that ended for this reason; `folder` is that of its record. A run that
    goes at its venue's pace has no `seconds` that say anything.
    """
    account, simulates = figures.account, run.simulates_fills
    start, final = from_units(account.opening_units), figures.equity()
    band = from_units(figures.band_units) if simulates else None
    as_of = None if figures.left_ns is None else run.local_time(figures.left_ns).isoformat()
    working = None if simulates else _working(run.execution)  # a simulation takes them with it
    return Summary(
        run_id=run_id,
        state=state_of(reason),
        mode=run.config.mode,
        as_of=as_of,
        sessions=figures.sessions,
        bars=bars,
        replay_seconds=None if seconds is None else round(seconds, 6),
        bars_per_second=None if seconds is None else round(bars / seconds) if seconds else 0,
        orders=figures.orders,
        fills=figures.fills,
        trades=account.trades(),
        trading_state=_trading_state(run, figures.risk),
        currency=run.config.account.currency,
        start_equity=start,
        final_equity=final,
        fees=from_units(account.total_units(lambda book: book.fee_units)),
        interest=from_units(account.total_units(lambda book: book.interest_units)),
        borrow=from_units(account.total_units(lambda book: book.borrow_units)),
        loose_coins=_listed({coin_of(p.symbol): p.units for p in account.loose.values()}),
        fees_unbooked=_listed(account.unbooked_fees),
        held_at_end=_held(account, figures.mark),
        working_at_end=working,
        max_drawdown=figures.max_drawdown,
        uncertain_bars=figures.uncertain_bars if simulates else None,
        band=band,
        band_share=None if band is None else share_of_profit(band, start, final),
        band_note=band_note,
        fingerprint=figures.fingerprint,
        report=str(folder / "report.md"),
        strategies=strategy_results(account, [seat.name for seat in run.seats], figures.mark),
    )


def left_at_venue(execution: ExecutionManager) -> tuple[str | None, str | None]:
    """What a run holds and which orders work, in words: as far as the run knows."""
    left = standing(execution)
    held = ", ".join(f"{from_units(units):f} {name}" for name, units in left.positions.items())
    return held or None, _working(execution)


def _held(account: Account, mark: Mark) -> str | None:
    """What the strategies hold of each symbol together, at which last price, and its worth."""
    found = []
    for symbol, row in enumerate(zip(*account.positions, strict=True)):
        units = sum(position.units for position in row)
        if not units:
            continue
        price, text = mark(symbol), f"{from_units(units):,f} {row[0].symbol}"
        if price:
            worth = from_units(sum(position.value_units(price) for position in row))
            currency = account.currencies[symbol]
            foreign = "" if currency == account.terms.currency else f" {currency}"
            text += f" at {from_units(to_units(price)):,f}, worth {worth:,.2f}{foreign}"
        found.append(text)
    return "; ".join(found) or None


def _working(execution: ExecutionManager) -> str | None:
    """The orders that work, the first of many."""
    orders = [_order_text(order) for order in execution.broker.working.copy().values()]
    more = [f"and {len(orders) - _MOST_NAMED:,} more"] if len(orders) > _MOST_NAMED else []
    return "; ".join([*orders[:_MOST_NAMED], *more]) or None


def _order_text(order: Order) -> str:
    """What is left of it: `sell 20 SYN1 stop 99.5`."""
    left = from_units(abs(order.units - order.filled_units))
    prices = [str(price) for price in (order.stop, order.limit) if price is not None]
    return " ".join([order.side, f"{left:f}", order.symbol, order.kind, *prices])


def _listed(units: Mapping[str, int]) -> str | None:
    """Amounts of coins, where there are any."""
    return ", ".join(f"{from_units(one):f} {coin}" for coin, one in units.items() if one) or None


def _quality_facts(run: Run) -> dict[str, Any]:
    """What the data quality manager kept out, and how complete the rest was."""
    totals = [msgspec.to_builtins(total) for total in [*run.quality.book.totals.values()]]
    bad = [
        {"symbol": symbol, "session": str(session), "reason": reason, "bars": count}
        for (symbol, session, reason), count in sorted(dict(run.quality.bad).items(), key=str)
    ]
    return {"symbols": totals, "kept_out": bad}
