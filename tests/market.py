"""A market in memory: sessions by rule, bars from a seed; for streams that need no files."""

import datetime as dt
import os
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from app.core.bars import BarColumns
from app.core.calendar import TradingSession
from app.core.config import SessionConfig
from app.core.fingerprint import Fingerprint
from app.core.instruments import Adjustment, Instrument
from app.core.intervals import MINUTE_NS
from app.core.orders import FillRow, Order, OrderChange
from app.managers.execution_manager.sim.fill_rules import Ambiguity
from app.managers.system_manager.needs.market import Market
from app.managers.system_manager.wiring import Run
from app.managers.time_manager.clock import WallClock
from app.threads.stream.results import Results

# How many times the usual number of examples the proofs try; above 1 they also run at full length.
SCALE = int(os.environ.get("PROOF_SCALE", "1"))
BLOCKS = (1, 7, 390, 8192)  # rows: sizes under which a run must be the same

ZONE = ZoneInfo("America/New_York")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Time:
    """Local time of New York."""

    def to_local(self, ns: int) -> dt.datetime:
        return (_EPOCH + dt.timedelta(microseconds=ns // 1000)).astimezone(ZONE)

    def to_ns(self, moment: dt.datetime) -> int:
        return (moment - _EPOCH) // dt.timedelta(microseconds=1) * 1000


def weekday_sessions(
    first: dt.date, count: int, minutes: int = 390, half_days: frozenset[int] = frozenset()
) -> tuple[TradingSession, ...]:
    """`count` weekdays from `first` on, open at half past nine; `half_days` by number."""
    sessions: list[TradingSession] = []
    date = first
    while len(sessions) < count:
        if date.weekday() < 5:
            moment = dt.datetime(date.year, date.month, date.day, 9, 30, tzinfo=ZONE)
            open_ns = Time().to_ns(moment)
            early = len(sessions) in half_days
            length = minutes // 2 if early else minutes
            close_ns = open_ns + length * MINUTE_NS
            sessions.append(TradingSession("XNYS", date, open_ns, close_ns, early_close=early))
        date += dt.timedelta(days=1)
    return tuple(sessions)


def minute_starts(sessions: Sequence[TradingSession], step_ns: int = MINUTE_NS) -> np.ndarray:
    """The start of every base bar of these sessions."""
    return np.concatenate([np.arange(s.open_ns, s.close_ns, step_ns) for s in sessions])


def random_bars(
    starts: np.ndarray, seed: int, cents: int = 10_000, volume: int = 5_000
) -> BarColumns:
    """A random walk in whole cents, with ties in plenty."""
    rng = np.random.default_rng(seed)
    count = len(starts)
    close = np.maximum(cents + np.cumsum(rng.integers(-3, 4, count)), 100)
    open_ = np.concatenate(([cents], close[:-1])) + rng.integers(-1, 2, count)
    high = np.maximum(open_, close) + rng.integers(0, 3, count)
    low = np.minimum(open_, close) - rng.integers(0, 3, count)
    volumes = rng.integers(1, volume, count).astype(np.float64)
    return BarColumns(starts, open_ / 100, high / 100, low / 100, close / 100, volumes)


class Memory:
    """A BarSource over bars in memory, by symbol and interval."""

    def __init__(self, bars: dict[tuple[str, str], BarColumns]) -> None:
        self._bars = bars

    def columns(
        self, market: str, symbol: str, interval: str, start_ns: int, end_ns: int
    ) -> BarColumns:
        bars = self._bars.get((symbol, interval))
        if bars is None:
            none = np.empty(0)
            return BarColumns(np.empty(0, np.int64), none, none, none, none, none)
        first, end = np.searchsorted(bars.start_ns, (start_ns, end_ns))
        return bars.slice(int(first), int(end))

    def spreads(
        self, market: str, symbol: str, interval: str, start_ns: int, end_ns: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Of up to seven cents by the last digits of the open; every ninth bar has no quote."""
        bars = self.columns(market, symbol, interval, start_ns, end_ns)
        ninths = np.rint(bars.open * 100) % 9
        return bars.start_ns, np.where(ninths == 8, np.nan, ninths / 100)


def market_of(
    sessions: Sequence[TradingSession],
    bars: dict[tuple[str, str], BarColumns],
    symbols: Sequence[str],
    first: int = 0,
    adjustments: Sequence[Adjustment] = (),
) -> Market:
    """The market of a run over the sessions from number `first` on; those before are history."""

    def before(count: int) -> tuple[TradingSession, ...]:
        return tuple(sessions[max(0, first - count) : first])

    return Market(
        sessions=tuple(sessions[first:]),
        sessions_before=before,
        instruments=[Instrument("XNYS", symbol) for symbol in symbols],
        adjustments=lambda asked: tuple(
            a for a in adjustments if a.session_date in {s.date for s in asked}
        ),
        source=Memory(bars),
        time=Time(),
        clock=WallClock(),
    )


def config_of(symbols: Sequence[str], strategies: Sequence[Any], **parts: Any) -> SessionConfig:
    """A config of these strategies (`"module:Class"`, or a dict); the dates are the market's."""
    replay = {"start": "2000-01-01", "end": "2040-01-01", "speed": parts.pop("speed", "max")}
    named = [{"use": item} if isinstance(item, str) else item for item in strategies]
    return SessionConfig.model_validate(
        {"name": "proof", "symbols": tuple(symbols), "replay": replay, "strategies": named, **parts}
    )


class Kept(Fingerprint):
    """A fingerprint that also keeps what it hashed."""

    def __init__(self, strategies: Sequence[str], symbols: Sequence[str]) -> None:
        super().__init__(strategies, symbols)
        self.kept: list[bytes] = []

    def add(self, entries: Iterable[bytes]) -> bytes:
        self.kept += entries
        return super().add(entries)


class Outcome(msgspec.Struct, frozen=True):
    """All that a run came to; two runs are the same when these are equal."""

    reason: str
    fingerprint: str
    entries: list[bytes]
    orders: list[tuple[object, ...]]  # as they ended, in that order
    order_changes: list[OrderChange]
    fills: list[FillRow]
    uncertain: list[Ambiguity]
    equity: list[tuple[int, float]]
    max_drawdown: float
    final_equity: Decimal
    seen: list[list[tuple[object, ...]]]  # what each strategy noted in `seen`


def execute(config: SessionConfig, market: Market) -> Outcome:
    """Run a config over a market, and take down everything."""
    return outcome_of(*wired(config, market))


def wired(config: SessionConfig, market: Market, paused: bool = False) -> tuple[Run, list[Results]]:
    """A run that is ready, with the list its results go to."""
    results: list[Results] = []
    run = Run(config, market, Path("strategies"), results.append, paused)
    run.execution.diary.fingerprint = Kept([seat.name for seat in run.seats], config.symbols)
    return run, results


def outcome_of(run: Run, results: list[Results]) -> Outcome:
    """Execute a run that is ready."""
    reason = run.execute()
    digest = run.execution.diary.fingerprint.hexdigest()
    fingerprint = run.execution.diary.fingerprint
    assert isinstance(fingerprint, Kept)
    return Outcome(
        reason=reason,
        fingerprint=digest,
        entries=fingerprint.kept,
        orders=[_order_row(order) for part in results for order in part.records.orders],
        order_changes=[change for part in results for change in part.records.order_changes],
        uncertain=[bar for part in results for bar in part.records.uncertain],
        fills=[fill for part in results for fill in part.records.fills],
        equity=[
            pair
            for part in results
            for pair in zip(part.equity_ns.tolist(), part.equity.tolist(), strict=True)
        ],
        max_drawdown=run.curve.max_drawdown,
        final_equity=run.final_equity(),
        seen=[getattr(seat.strategy, "seen", []) for seat in run.seats],
    )


def _order_row(order: Order) -> tuple[object, ...]:
    return (
        order.order_id,
        order.strategy,
        order.symbol,
        order.units,
        order.created_ns,
        order.state,
        order.filled_units,
        order.reason,
        order.ended_ns,
    )


def differences(one: Outcome, other: Outcome) -> list[str]:
    """The fields in which two outcomes differ, with the first entry that does."""
    found = []
    for name in Outcome.__struct_fields__:
        left, right = getattr(one, name), getattr(other, name)
        if left == right:
            continue
        if isinstance(left, list):
            pairs = list(zip(left, right, strict=False))
            place = next((n for n, (a, b) in enumerate(pairs) if a != b), len(pairs))
            left, right = left[place : place + 1], right[place : place + 1]
        found.append(f"{name}: {str(left)[:300]} against {str(right)[:300]}")
    return found
