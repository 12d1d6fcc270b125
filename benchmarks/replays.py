"""Whole runs, from bars in the store to trades, equity and their records, beside the hand loop."""

import json
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter_ns

import msgspec

from app.core.bars import BarColumns
from app.core.config import SessionConfig
from app.core.money import from_units
from app.managers.system_manager.system_manager import SystemManager
from benchmarks.hand_loop import trade_by_hand
from benchmarks.house import INTERVAL, MARKET, fill_store, open_system
from benchmarks.measure import BenchError, fresh, interleaved, peak_anonymous_mb
from benchmarks.outcome import Outcome, Row

_EVERYTHING_NS = 1 << 62


class Lap(msgspec.Struct, frozen=True):
    """One timed run: the whole of it, and the part from the first bar's read to the last's end."""

    whole_ns: int
    replay_ns: int


class Race(msgspec.Struct, frozen=True):
    """The best laps of engine and hand loop over the same bars, and what both came to."""

    bars: int
    replay_ns: int
    whole_ns: int
    hand_ns: int
    fills: int
    final_equity: str
    stages: dict[str, float]  # share of each stage in an inline run
    lone_ns: float | None  # a bar of the one symbol raced along, if any

    @property
    def bar_ns(self) -> float:
        return self.replay_ns / self.bars

    @property
    def hand_bar_ns(self) -> float:
        return self.hand_ns / self.bars


def one(folder: Path, bars: int, repeats: int) -> Outcome:
    """One symbol, many bars: the engine's cost of a bar."""
    config = fresh(fill_store, folder, ("ONE",), bars)
    return _outcome("one", fresh(race, folder, config, repeats), peak_mb(folder, config))


def many(folder: Path, bars: int, repeats: int) -> Outcome:
    """Twenty symbols together, and one alone raced along: what company costs a bar."""
    symbols = tuple(f"M{number:02}" for number in range(20))
    config = fresh(fill_store, folder, symbols, bars // len(symbols))
    alone = fresh(fill_store, folder, ("ALONE",), bars // 2)
    result = fresh(race, folder, config, repeats, alone)
    outcome = _outcome("many", result, peak_mb(folder, config))
    assert result.lone_ns is not None
    ratio = result.bar_ns / result.lone_ns
    row = Row(
        "beside one alone", f"{result.bar_ns:.0f} ns a bar", f"{result.lone_ns:.0f} ns", ratio
    )
    figures = {**outcome.figures, "symbols": len(symbols), "ratio_to_one": round(ratio, 3)}
    return Outcome(outcome.name, figures, (*outcome.rows, row))


def wide(folder: Path, bars: int, repeats: int) -> Outcome:
    """Hundreds of symbols over one session: what an instant with many bars costs."""
    symbols = tuple(f"W{number:03}" for number in range(max(1, bars // 390)))
    config = fresh(fill_store, folder, symbols, min(bars, 390))
    outcome = _outcome("wide", fresh(race, folder, config, repeats), peak_mb(folder, config))
    return Outcome("wide", {**outcome.figures, "symbols": len(symbols)}, outcome.rows)


def long(folder: Path, bars: int, repeats: int) -> Outcome:
    """Ten years of one symbol, and one of them: memory that is flat in the length of history."""
    year = fresh(fill_store, folder, ("YEAR",), bars // 10)
    decade = fresh(fill_store, folder, ("DECADE",), bars)
    year_mb = peak_mb(folder, year)
    outcome = _outcome("long", fresh(race, folder, decade, repeats), peak_mb(folder, decade))
    decade_mb = outcome.figures["peak_rss_mb"]
    if year_mb is None or decade_mb is None:
        return outcome
    ratio = decade_mb / year_mb
    row = Row("memory beside a year", f"{decade_mb:.0f} MB", f"{year_mb:.0f} MB", ratio)
    figures = {**outcome.figures, "year_peak_rss_mb": year_mb, "memory_ratio": round(ratio, 3)}
    return Outcome("long", figures, (*outcome.rows, row))


def peak_mb(folder: Path, config: SessionConfig) -> float | None:
    """Peak anonymous memory of one run, of a process that has done nothing else.

    The middle of three: how the allocator lays out what the threads ask for varies by run.
    """
    peaks = [fresh(_peak_mb, folder, config) for _ in range(3)]
    return sorted(peak for peak in peaks if peak is not None)[1] if None not in peaks else None


def _peak_mb(folder: Path, config: SessionConfig) -> float | None:
    return peak_anonymous_mb(lambda: open_system(folder).run(config))


def race(
    folder: Path, config: SessionConfig, repeats: int, alone: SessionConfig | None = None
) -> Race:
    """Engine and hand loop over the same bars, in turn; they must come to the same."""
    system = open_system(folder)
    columns = {symbol: _columns(system, symbol) for symbol in config.symbols}
    bars = sum(map(len, columns.values()))
    came_to: set[tuple[int, str]] = set()  # fills and final equity

    def by_engine() -> Lap:
        lap, found = _run(system, config)
        came_to.add(found)
        return lap

    def by_hand() -> Lap:
        begin_ns = perf_counter_ns()
        results = [trade_by_hand(symbol, INTERVAL, own) for symbol, own in columns.items()]
        spent_ns = perf_counter_ns() - begin_ns
        profit = from_units(sum(units for _, units in results))
        came_to.add((sum(fills for fills, _ in results), str(config.account.cash + profit)))
        return Lap(spent_ns, spent_ns)

    def by_engine_alone() -> Lap:
        return _run(system, alone or config)[0]

    runs = [by_engine, by_hand, *([by_engine_alone] if alone else [])]
    engine, hand, *lone = interleaved(runs, repeats)
    if len(came_to) != 1:
        raise BenchError(f"Engine and hand loop disagree on fills and equity: {sorted(came_to)}.")
    fills, final_equity = came_to.pop()
    return Race(
        bars=bars,
        replay_ns=min(lap.replay_ns for lap in engine),
        whole_ns=min(lap.whole_ns for lap in engine),
        hand_ns=min(lap.whole_ns for lap in hand),
        fills=fills,
        final_equity=final_equity,
        stages=_stages(system, config),
        lone_ns=(
            min(lap.replay_ns for lap in lone[0]) / len(_columns(system, alone.symbols[0]))
            if alone
            else None
        ),
    )


def _run(system: SystemManager, config: SessionConfig) -> tuple[Lap, tuple[int, str]]:
    begin_ns = perf_counter_ns()
    summary = system.run(config)
    whole_ns = perf_counter_ns() - begin_ns
    lap = Lap(whole_ns, round(summary.replay_seconds * 1e9))
    return lap, (summary.fills, str(summary.final_equity))


def _stages(system: SystemManager, config: SessionConfig) -> dict[str, float]:
    """Each stage's share of the time when all run on one thread, as the run's record tells it."""
    engine = config.engine.model_copy(update={"runner": "inline"})
    summary = system.run(config.model_copy(update={"engine": engine}))
    record = json.loads(Path(summary.report).with_name("run.json").read_text(encoding="utf-8"))
    seconds: dict[str, float] = record["timings"]["busy_seconds"]
    whole = sum(seconds.values())
    return {name: round(spent / whole, 3) for name, spent in seconds.items()}


def _columns(system: SystemManager, symbol: str) -> BarColumns:
    return system.data_manager.store.columns(MARKET, symbol, INTERVAL, 0, _EVERYTHING_NS)


def _outcome(name: str, race: Race, peak_rss_mb: float | None) -> Outcome:
    whole_bar_ns = race.whole_ns / race.bars
    figures = {
        "bars": race.bars,
        "bars_per_second": round(1e9 / race.bar_ns),
        "ns_per_bar": round(race.bar_ns, 1),
        "hand_loop_ns_per_bar": round(race.hand_bar_ns, 1),
        "ratio_to_hand_loop": round(race.bar_ns / race.hand_bar_ns, 3),
        "whole_run_ns_per_bar": round(whole_bar_ns, 1),
        "whole_run_ratio_to_hand_loop": round(whole_bar_ns / race.hand_bar_ns, 3),
        "peak_rss_mb": peak_rss_mb,
        "fills": race.fills,
        "final_equity": race.final_equity,
        "stages": race.stages,
    }
    by_hand = f"{race.hand_bar_ns:.0f} ns by hand"
    return Outcome(
        name,
        figures,
        (
            Row("replay", _speed(race.bar_ns), by_hand, race.bar_ns / race.hand_bar_ns),
            Row("the whole run", _speed(whole_bar_ns), by_hand, whole_bar_ns / race.hand_bar_ns),
            Row("peak memory", "-" if peak_rss_mb is None else f"{peak_rss_mb:.0f} MB"),
            Row("stages", _shares(race.stages)),
        ),
    )


def _speed(bar_ns: float) -> str:
    return f"{bar_ns:.0f} ns a bar, {1e3 / bar_ns:.2f} M bars/s"


def _shares(stages: dict[str, float]) -> str:
    parts: Sequence[str] = [f"{name} {share:.0%}" for name, share in stages.items()]
    return ", ".join(parts)
