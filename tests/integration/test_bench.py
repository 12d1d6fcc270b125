"""The benchmarks at toy sizes: they run, agree with the engine, and say what they promise to."""

import json
import mmap
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks import hops, imports, live, orders, replays, risk, starts
from benchmarks.__main__ import WORKLOADS, main
from benchmarks.hand_loop import trade_by_hand
from benchmarks.house import cent_bars, config_of, fill_store, open_system
from benchmarks.measure import BenchError, fresh, interleaved, peak_anonymous_mb, percentile
from benchmarks.outcome import Outcome
from loguru import logger

from app.core.bars import BarColumns
from app.core.money import UNITS
from app.threads.stream.results import Results

ROOT = Path(__file__).resolve().parents[2]

REPLAY_KEYS = {
    "name", "bars", "bars_per_second", "ns_per_bar", "hand_loop_ns_per_bar", "ratio_to_hand_loop",
    "whole_run_ratio_to_hand_loop", "peak_rss_mb", "fills", "final_equity", "stages",
}  # fmt: skip


TIGHTER = {
    "max_order_quantity": 150,
    "max_order_value": 15_000,
    "max_position_quantity": 105,
    "max_position_value": 9_000,
    "max_position_percent": "0.05",
    "max_gross_value": 30_000,
    "max_net_value": 15_000,
    "max_leverage": "0.003",
    "max_group_percent": "0.15",
    "max_open_positions": 3,
    "max_open_orders": 3,
    "max_daily_loss": "0.01",
    "max_drawdown_percent": "0.000001",
    "max_orders_per_second": 3,
    "max_orders_per_minute": 3,
    "max_orders_per_day": 20,
    "duplicate_seconds": 121,
    "max_volatility_percent": "0.0001",
    "no_entries_first_minutes": 9,
    "no_entries_last_minutes": 380,
}


@pytest.fixture(autouse=True)
def log_again() -> Iterator[None]:
    """A bench silences the log; other tests want to hear it."""
    yield
    logger.enable("app")


@pytest.fixture
def one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workloads without processes of their own: what those are for is memory, not results."""
    for module in (replays, hops, imports, orders, risk, live):
        monkeypatch.setattr(module, "fresh", lambda work, *given: work(*given))


def cross_in_whole_cents(bars: BarColumns) -> tuple[int, int]:
    """Fills and profit of the cross, in integers: averages are compared by their sums."""
    close: list[int] = [round(price * 100) for price in bars.close.tolist()]
    open_: list[int] = [round(price * 100) for price in bars.open.tolist()]

    def side(row: int) -> int:
        fast, slow = sum(close[row - 9 : row + 1]) * 3, sum(close[row - 29 : row + 1])
        return (fast > slow) - (fast < slow)

    fills = held = cents = 0
    for row in range(30, len(close) - 1):
        was, now = side(row - 1), side(row)
        wanted = 100 if was <= 0 < now else 0 if was >= 0 > now else held
        if wanted != held:
            cents -= (wanted - held) * open_[row + 1]
            held, fills = wanted, fills + 1
    return fills, (cents + held * close[-1]) * UNITS // 100


@pytest.mark.parametrize("seed", range(5))
def test_the_hand_loop_makes_the_fills_and_the_money_of_exact_arithmetic(seed: int) -> None:
    bars = cent_bars(np.arange(9_000), seed)
    fills, profit_units = trade_by_hand("ONE", "1m", bars)
    assert (fills, profit_units) == cross_in_whole_cents(bars)
    assert fills > 200


def test_engine_and_hand_loop_come_to_the_same_for_several_seeds(tmp_path: Path) -> None:
    symbols = ("SEED0", "SEED1", "SEED2")
    together = fill_store(tmp_path, symbols, 2_000)
    apart = [together.model_copy(update={"symbols": (symbol,)}) for symbol in symbols]
    whole, *parts = (replays.race(tmp_path, config, 1) for config in (together, *apart))
    assert whole.fills == sum(part.fills for part in parts) > 150
    assert len({part.final_equity for part in parts}) == len(parts)
    assert sum(whole.stages.values()) == pytest.approx(1, abs=0.01)


def test_a_yardstick_that_does_something_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = fill_store(tmp_path, ("ONE",), 1_000)
    monkeypatch.setattr(replays, "trade_by_hand", lambda *given: (1, 0))
    with pytest.raises(BenchError, match="disagree on fills and equity"):
        replays.race(tmp_path, config, 1)


@pytest.mark.slow
def test_the_last_line_is_the_one_json_object(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:  # one, for it all

        def fresh(work: Callable[..., Any], *given: Any) -> Any:
            return pool.submit(work, *given).result()

        monkeypatch.setattr(replays, "fresh", fresh)
        assert main(["--only", "one", "--json", "--bars", "1000", "--repeats", "1"]) == 0
    (line,) = capfd.readouterr().out.splitlines()
    (one,) = json.loads(line)["workloads"]
    assert set(one) >= REPLAY_KEYS
    assert one["name"] == "one"
    assert one["bars"] == 1_000
    ratio = one["ns_per_bar"] / one["hand_loop_ns_per_bar"]
    assert one["ratio_to_hand_loop"] == pytest.approx(ratio, rel=0.01)
    assert 10 < one["peak_rss_mb"] < 1_000


@pytest.mark.slow
def test_the_module_is_the_command() -> None:
    words = [sys.executable, "-m", "benchmarks", "--only", "hopp"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Did you mean 'hop'?" in done.stderr


@pytest.mark.parametrize(
    ("work", "keys"),
    [
        (replays.many, {"ratio_to_hand_loop", "ratio_to_one", "symbols"}),
        (replays.wide, {"ratio_to_hand_loop", "symbols"}),
        (replays.long, {"peak_rss_mb", "year_peak_rss_mb", "memory_ratio"}),
        (hops.hop, {"hops", "p50_us", "p99_us", "bare_p50_us", "bare_p99_us"}),
        (imports.import_csv, {"rows", "rows_per_second", "ratio_to_bare"}),
        (orders.orders, {"hand_us_per_order_of_100", "hand_us_per_order_of_1000"}),
    ],
)
@pytest.mark.slow
@pytest.mark.usefixtures("one_process")
def test_a_workload_gives_its_figures(
    work: Callable[[Path, int, int], Outcome], keys: set[str], tmp_path: Path
) -> None:
    outcome = work(tmp_path, 1_000, 1)
    assert set(outcome.figures) >= keys
    assert all(outcome.figures[key] > 0 for key in keys)
    assert all(row.what and row.measured for row in outcome.rows)


@pytest.mark.slow
def test_ten_years_of_a_symbol_take_no_more_memory_than_one(tmp_path: Path) -> None:
    year = fresh(fill_store, tmp_path, ("YEAR",), 98_000)
    decade = fresh(fill_store, tmp_path, ("DECADE",), 980_000)
    year_mb, decade_mb = replays.peak_mb(tmp_path, year), replays.peak_mb(tmp_path, decade)
    if year_mb is None or decade_mb is None:
        pytest.skip("this system does not tell its anonymous memory")
    assert decade_mb < year_mb * 1.1


@pytest.mark.usefixtures("one_process")
def test_live_orders_are_timed_alone_and_watched_beside_a_bare_sync(tmp_path: Path) -> None:
    figures = live.live(tmp_path, 30, 1).figures
    assert figures["orders"] == figures["watched_orders"] == 30 * len(live.SYMBOLS) / 10
    assert figures["p99_ms"] >= figures["p50_ms"] > figures["bare_p50_ms"] / 2 > 0


@pytest.mark.usefixtures("one_process")
def test_a_kill_is_timed_up_to_the_last_of_its_cancels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "KILLS_A_ROUND", 2)
    figures = live.kill(tmp_path, 0, 2).figures
    assert figures["kills"] == 4
    assert figures["p99_ms"] >= figures["p50_ms"] > figures["bare_p50_ms"] > 0


def test_the_restless_strategy_orders_on_every_bar_and_the_idle_one_never(tmp_path: Path) -> None:
    config = fill_store(tmp_path, ("ONE",), 500)
    made = {}
    for kind in (orders.Restless, orders.Idle):
        use = f"{orders.__name__}:{kind.__name__}"
        summary = open_system(tmp_path).run(config_of(config.symbols, config.replayed.end, use))
        made[kind] = summary.orders, summary.fills
    assert made == {orders.Restless: (500, 499), orders.Idle: (0, 0)}  # the last never fills


@pytest.mark.usefixtures("one_process")
def test_a_check_is_timed_by_the_rules_and_by_hand(tmp_path: Path) -> None:
    figures = risk.risk(tmp_path, 2_000, 1).figures
    assert figures["rules"] == len(risk.RULES) == 20
    assert 1_900 < figures["orders"] < 2_000 + len(risk.SYMBOLS)
    by_hand = figures["hand_us_per_check"]
    assert by_hand > 0
    assert figures["ratio_to_hand"] == pytest.approx(figures["us_per_check"] / by_hand, abs=0.01)


def test_each_rule_of_the_check_could_refuse_its_orders(tmp_path: Path) -> None:
    config, system = fill_store(tmp_path, risk.SYMBOLS, 30), open_system(tmp_path)
    assert set(TIGHTER) == set(risk.RULES)
    for name, limit in TIGHTER.items():
        rules = {**risk.RULES, name: limit}
        heard: list[Results] = []
        risk.execute(system, risk.config_with(config, rules), heard.append)
        records = [results.records for results in heard]
        said = [order.reason for one in records for order in one.orders]
        said += [change[-1] for one in records for change in one.order_changes]  # one may be cut
        assert any(f"{name}:" in reason for reason in said), name


def test_rules_that_refuse_something_are_not_timed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = fill_store(tmp_path, risk.SYMBOLS, 30)
    monkeypatch.setitem(risk.RULES, "max_open_orders", 1)
    with pytest.raises(BenchError, match="refused an order"):
        risk.measure(tmp_path, config)


@pytest.mark.live  # dozens of processes, one after the other
def test_starts_are_timed_beside_a_bare_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starts, "COMMANDS", ("version", starts.CHECK))
    figures = starts.start(tmp_path, 0, 1).figures
    assert min(figures["commands_ms"].values()) > figures["python_ms"] > 0
    prompt_ms, line_ms = figures["shell_ms"].values()
    assert prompt_ms > line_ms > 0


def test_a_command_that_fails_is_not_timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starts, "COMMANDS", ("runs show nothing", starts.CHECK))
    with pytest.raises(BenchError, match="ended with 3"):
        starts.start(tmp_path, 0, 1)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--only", "hopp"], "Did you mean 'hop'?"),
        (["--only", "one", "--bars", "10"], "--bars of at least 1000"),
        (["--only", "one", "--repeats", "0"], "--repeats of at least 1"),
    ],
)
def test_words_that_make_no_sense_are_refused(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    streams = capsys.readouterr()
    assert message in streams.err
    assert streams.out == ""


def test_every_workload_has_a_size_and_is_described() -> None:
    page = (ROOT / "docs" / "PERFORMANCE.md").read_text(encoding="utf-8")
    assert [name for name in WORKLOADS if f"**{name}**" not in page] == []


def test_a_fresh_process_is_another_one_each_time() -> None:
    assert len({fresh(os.getpid), fresh(os.getpid), os.getpid()}) == 3


def test_repeats_are_taken_in_turn_and_the_first_round_is_thrown_away() -> None:
    order: list[str] = []

    def run(name: str) -> str:
        order.append(name)
        return f"{name}{len(order)}"

    kept = interleaved([lambda: run("a"), lambda: run("b")], 2)
    assert order == ["a", "b", "a", "b", "a", "b"]
    assert kept == [["a3", "a5"], ["b4", "b6"]]


def test_memory_that_is_given_back_counts_at_its_peak() -> None:
    idle = peak_anonymous_mb(lambda: None)
    peak = peak_anonymous_mb(lambda: np.ones(8_000_000).sum())  # 64 MB, gone at once
    if idle is None or peak is None:
        pytest.skip("this system does not tell its anonymous memory")
    assert 50 < peak - idle < 80


def test_pages_of_a_mapped_file_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "big"
    path.write_bytes(b"x" * 64_000_000)

    def read_all() -> None:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as pages:
            assert int(np.frombuffer(pages, np.uint8).max()) == ord("x")

    idle, peak = peak_anonymous_mb(lambda: None), peak_anonymous_mb(read_all)
    if idle is None or peak is None:
        pytest.skip("this system does not tell its anonymous memory")
    assert peak - idle < 20


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.001, 1)])
def test_a_percentile_is_a_value_that_was_measured(share: float, value: int) -> None:
    assert percentile(list(range(100, 0, -1)), share) == value
