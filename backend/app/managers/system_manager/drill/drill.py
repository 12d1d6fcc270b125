"""`risk drill`: the emergency stop, rehearsed in a replay by the very commands and latch of a run.

Nothing of it is kept: it has no run folder and no rows, and no run knows of it.
"""

from collections.abc import Iterator, Sequence

import msgspec

from app.core.account_limits import load_account_limits
from app.core.calendar import TradingSession
from app.core.config import SessionConfig
from app.core.errors import StrategyError
from app.core.intervals import interval_ns
from app.core.money import from_units
from app.core.orders import CANCEL_PENDING, Order
from app.core.progress import OnCount
from app.core.settings import Settings
from app.managers.data_manager import DataManager
from app.managers.execution_manager.books.ledger import LedgerError
from app.managers.execution_manager.open_orders import standing
from app.managers.execution_manager.orders.kill import FLATTEN, Standing
from app.managers.system_manager.drill.drill_plan import Rehearsal, check_moment, drilled_config
from app.managers.system_manager.drill.drill_stuck import FromOutside, with_stuck
from app.managers.system_manager.drill.drill_watch import DrillWatch
from app.managers.system_manager.needs.market import replayed_market
from app.managers.system_manager.rerun.how_far import BarCount
from app.managers.system_manager.rerun.rewiring import quiet
from app.managers.system_manager.wiring import Run, replay_parts
from app.managers.time_manager import SessionClock, TimeManager, WallClock


class Check(msgspec.Struct, frozen=True):
    """One thing that must hold, and what was found."""

    check: str
    ok: bool
    found: str


class DrillReport(msgspec.Struct, frozen=True):
    """What a drill came to; times in nanoseconds, amounts as text."""

    mode: str
    at_ns: int
    found: Standing
    left: Standing  # when what was asked for was done, or as the run ended
    done_ns: int  # 0: it never was
    done_bars: int | None  # of trading time, until then
    refused: int  # orders of strategies, after the latch
    closing_orders: int
    equity: str  # at the stop
    final_equity: str
    unstopped_equity: str | None  # had nobody stopped it, where that was run
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        return all(one.ok for one in self.checks)


def drill(
    given: SessionConfig,
    mode: str,
    at_ns: int | None,
    within_bars: int,
    is_stuck: bool,
    settings: Settings,
    data: DataManager,
    times: TimeManager,
    on_count: OnCount | None = None,
) -> tuple[SessionConfig, DrillReport]:
    """Rehearse the stop of a config; without `at_ns` where there is something to stop.

    With `is_stuck` a strategy hangs there. `on_count` is told of the bars of its one or two runs.
    """
    strategies, hard = settings.strategies_folder, load_account_limits(settings.account_limits)
    config = drilled_config(given, at_ns, data, times)
    market = replayed_market(config, data, times, WallClock(), hard)
    sessions = market.sessions
    unstopped: str | None = None
    count = BarCount(config, sessions, data.store, on_count, runs=2 if at_ns is None else 1)
    if at_ns is None:
        first = Rehearsal()
        take = count.of(first.take)
        run = Run(config, market, strategies, take, alarm=quiet)
        if not _executed(run, times):
            unstopped = str(run.final_equity())
        at_ns = first.moment(sessions)
    else:
        check_moment(at_ns, sessions, times)
    watch = DrillWatch(mode, at_ns, interval_ns(config.base_interval))
    parts = msgspec.structs.replace(replay_parts(market), witness=watch, record_input=watch.hear)
    played = with_stuck(config, at_ns) if is_stuck else config
    outside = FromOutside(watch)
    run = Run(played, market, strategies, count.of(watch.take), alarm=outside.alarm, parts=parts)
    outside.run = run
    watch.plan(run, is_stuck=is_stuck)
    error = _executed(run, times)
    return config, _report(run, watch, sessions, within_bars, unstopped, error)


def _report(
    run: Run,
    watch: DrillWatch,
    sessions: Sequence[TradingSession],
    within_bars: int,
    unstopped: str | None,
    error: str,
) -> DrillReport:
    latch = run.execution.entries.kill
    left = latch.left or standing(run.execution)
    bars = _bars_between(watch.at_ns, latch.done_ns, sessions, run.config)
    return DrillReport(
        mode=watch.mode,
        at_ns=watch.at_ns,
        found=latch.found or left,
        left=left,
        done_ns=latch.done_ns,
        done_bars=bars if latch.done_ns else None,
        refused=watch.refused,
        closing_orders=len(run.execution.entries.own),
        equity=str(from_units(watch.equity_units)),
        final_equity=str(run.final_equity()),
        unstopped_equity=unstopped,
        checks=tuple(_checks(run, watch, bars, within_bars, error)),
    )


def _executed(run: Run, times: TimeManager) -> str:
    """Run to the end; "", or the error that ended it before."""
    try:
        with times.use_clock(SessionClock(lambda: run.cursor.now_ns)):
            run.execute()
    except StrategyError as error:
        return str(error).strip().replace("\n", " ")
    return ""


def _bars_between(
    from_ns: int, to_ns: int, sessions: Sequence[TradingSession], config: SessionConfig
) -> int:
    """How many bars of trading time lie between two moments, one that is begun included."""
    bar_ns = interval_ns(config.base_interval)
    parts = [part for session in sessions for part in session.segments(config.extended_hours)]
    spans = (min(part.end_ns, to_ns) - max(part.start_ns, from_ns) for part in parts)
    return -(-sum(span for span in spans if span > 0) // bar_ns)


def _checks(
    run: Run, watch: DrillWatch, bars: int, within_bars: int, error: str
) -> Iterator[Check]:
    """All that a stop promises, held against what happened."""
    latch = run.execution.entries.kill
    told = f"{watch.refused} refused, {len(watch.given)} that only take out passed"
    if watch.opened:
        told = f"order {watch.opened[0].order_id} opens, and passed"
    is_latched = latch.at_ns == watch.at_ns
    yield Check("latched in the same instant", is_latched, "yes" if is_latched else "no")
    yield Check("nothing that opens leaves after it", not watch.opened, told)
    kept = [order for order in watch.opening.values() if _goes_on(order)]
    yield Check(
        "what might open is taken back", not kept,
        f"{len(watch.opening) - len(kept)} of {len(watch.opening)}",
    )  # fmt: skip
    if watch.mode == FLATTEN:
        is_flat = bool(latch.done_ns) and bars <= within_bars
        told = f"bars: {bars}" if latch.done_ns else "never"
        yield Check(f"flat within {within_bars} bars", is_flat, told)
    else:
        lost = [order for order in watch.protective.values() if _is_lost(order, watch)]
        yield Check(
            "what protects is kept", not lost,
            f"{len(watch.protective) - len(lost)} of {len(watch.protective)}",
        )  # fmt: skip
    yield _money(run)
    is_same = bool(watch.again) and all(watch.again)
    yield Check("asked for twice, nothing more is done", is_same, "same" if is_same else "not so")
    yield Check("the run goes on to its end", not error, error or "yes")


def _goes_on(order: Order) -> bool:
    return order.is_working and order.state is not CANCEL_PENDING


def _is_lost(order: Order, watch: DrillWatch) -> bool:
    """Whether the stop took back what protects: not an order that would open by then."""
    never_opens = order.reduce_only or order.ended_ns == watch.at_ns
    return never_opens and order.reason == f"killed ({watch.mode})"


def _money(run: Run) -> Check:
    """The books add up, to zero."""
    try:
        for book in run.execution.account.books.values():
            book.check()
    except LedgerError as error:
        return Check("the books add up", False, str(error))
    return Check("the books add up", True, "to 0")
