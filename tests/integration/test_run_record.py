"""A run's record: folder, SQL and summary tell one and the same story, however the run ended."""

import hashlib
import json
import re
import shutil
import threading
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.report_house import report_of
from tests.system_house import TRADER, SystemHouse, stored_market, system_house

from app.core.errors import AppError, DataError
from app.core.state import SystemState
from app.managers.system_manager.journal.platform_tag import (
    LIBRARIES,
    library_versions,
    platform_tag,
)
from app.managers.system_manager.record.attribution import StrategyResult
from app.managers.system_manager.record.run_record import claim_folder
from app.managers.system_manager.record.summary import Summary, figure_rows, report_page
from app.repositories.bar_store_files import Series

__all__ = ["stored_market", "system_house"]

FAILING = (
    TRADER
    + """
        if self.now.day == 5 and self.now.hour == 11:
            raise ValueError("enough")
"""
)


def curve(house: SystemHouse, run_id: str) -> tuple[list[int], list[float]]:
    """The equity file."""
    table = pq.read_table(house.folder / "runs" / run_id / "equity.parquet")
    assert str(table.schema.field("instant").type) == "timestamp[ns, tz=UTC]"
    instants = np.asarray(table["instant"].cast("int64"))
    return instants.tolist(), table["equity"].to_pylist()


def booked(house: SystemHouse, run_id: str) -> tuple[Decimal, dict[str, Decimal]]:
    """Cash and holdings by adding up the fills in SQL, in exact decimals."""
    cash, held = Decimal(100_000), {"AAA": Decimal(0), "BBB": Decimal(0)}
    for fill in house.runs().get_fills(run_id):
        units = Decimal(fill["quantity"])
        cash -= units * Decimal(repr(fill["price"])) + Decimal(fill["fee"])
        held[fill["symbol"]] += units
    return cash, held


def last_close(house: SystemHouse, symbol: str, until_ns: int) -> Decimal:
    store = house.system.data_manager.store
    columns = store.columns("XNYS", symbol, "1m", 0, until_ns)
    return Decimal(repr(float(columns.close[-1])))


def check_story(house: SystemHouse, run_id: str) -> dict[str, Any]:
    """Everything that tells of a run agrees; its summary."""
    row, facts, runs = house.row(run_id), house.facts(run_id), house.runs()
    summary: dict[str, Any] = facts["summary"]
    assert row["summary"] == summary
    assert row["state"] == summary["state"]
    assert row["fingerprint"] == summary["fingerprint"]
    assert row["config"] == facts["config"]
    assert row["error"] == facts["error"]
    assert facts["run_id"] == summary["run_id"] == run_id
    assert runs.counts(run_id) == (summary["orders"], summary["fills"])
    orders = {order["order_id"]: order for order in runs.get_orders(run_id)}
    filled: dict[int, Decimal] = {}
    for fill in runs.get_fills(run_id):
        order = orders[fill["order_id"]]
        assert order["created_ns"] <= fill["bar_start_ns"] < fill["instant_ns"]
        filled[fill["order_id"]] = filled.get(fill["order_id"], Decimal(0)) + abs(
            Decimal(fill["quantity"])
        )
    for number, order in orders.items():
        assert Decimal(order["filled"]) == filled.get(number, Decimal(0))
        assert order["state"] in ("FILLED", "EXPIRED", "CANCELED", "REJECTED")
        assert (order["state"] == "FILLED") == (order["reason"] is None)
    instants, equity = curve(house, run_id)
    assert instants == sorted(set(instants))
    cash, held = booked(house, run_id)
    until_ns = instants[-1] if instants else 0
    worth = sum(
        (units * last_close(house, name, until_ns) for name, units in held.items() if units),
        Decimal(0),
    )
    assert Decimal(repr(summary["final_equity"])) == cash + worth
    if equity:
        assert equity[-1] == pytest.approx(summary["final_equity"])
        peaks = np.maximum.accumulate([100_000.0, *equity])[1:]
        drawdown = float(((peaks - equity) / peaks).max())
        assert summary["max_drawdown"] == pytest.approx(drawdown)
    page = (house.folder / "runs" / run_id / "report.md").read_text(encoding="utf-8")
    assert page.startswith(f"# Run {run_id}\n")
    assert f"| final equity | {summary['final_equity']:,.2f} |" in page
    assert f"| orders | {summary['orders']:,} |" in page
    return summary


def last_run(house: SystemHouse) -> str:
    return str(house.runs().list_runs(1)[0]["run_id"])


# -- agreement -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"execution": {"participation": 0.001}},
        {"risk": {"allow_short": False}},
        {"engine": {"block_rows": 13}},
    ],
)
def test_all_that_tells_of_a_finished_run_agrees(
    system_house: SystemHouse, parts: dict[str, Any]
) -> None:
    given = system_house.system.run(system_house.config(**parts))
    summary = check_story(system_house, given.run_id)
    assert summary == given.as_json()
    assert (summary["state"], summary["sessions"], summary["bars"]) == ("finished", 5, 3900)
    assert summary["orders"] > 100
    instants, _ = curve(system_house, given.run_id)
    assert len(instants) == 5 * 390


@pytest.mark.parametrize("block_rows", [1, 64, 8192])
def test_all_that_tells_of_a_failed_run_agrees_to_its_last_instant(
    system_house: SystemHouse, block_rows: int
) -> None:
    """What was done before the hook that raised is recorded, whatever the block size."""
    use = system_house.strategy("failing.py", FAILING)
    with pytest.raises(AppError, match="ValueError: enough"):
        system_house.system.run(system_house.config(use=use, engine={"block_rows": block_rows}))
    run_id = last_run(system_house)
    summary = check_story(system_house, run_id)
    assert summary["state"] == "failed"
    instants, _ = curve(system_house, run_id)
    assert len(instants) == 2 * 390 + 90
    assert summary["bars"] == 2 * len(instants)
    assert summary["sessions"] == 3, "the one under way, too"
    orders = system_house.runs().get_orders(run_id)
    whole = system_house.another().run(system_house.config())
    at_ns = instants[-1]
    expected = [
        (o["created_ns"], o["symbol"], o["side"], o["quantity"])
        for o in system_house.runs().get_orders(whole.run_id)
        if o["created_ns"] < at_ns
    ]
    found = [(o["created_ns"], o["symbol"], o["side"], o["quantity"]) for o in orders]
    assert sorted(found) == sorted(expected)
    assert {o["reason"] for o in orders if o["state"] == "CANCELED"} <= {"the run broke off"}
    page = (system_house.folder / "runs" / run_id / "report.md").read_text(encoding="utf-8")
    assert "It failed:\n\n    Strategy failing failed in on_bar at 2024-06-05 11:00:00" in page


def test_all_that_tells_of_a_stopped_run_agrees(system_house: SystemHouse) -> None:
    system = system_house.system
    system.start(system_house.config(), paused=True)
    system.step(101)
    session = system._session
    assert session is not None
    while session.bars < 202:
        time.sleep(0.002)
    given = system.stop()
    assert given is not None
    summary = check_story(system_house, given.run_id)
    assert (summary["state"], summary["bars"]) == ("stopped", 202)
    reasons = {order["reason"] for order in system_house.runs().get_orders(given.run_id)}
    assert reasons <= {None, "the run ended: stopped"}


def test_a_run_without_a_trade_has_a_record_too(system_house: SystemHouse) -> None:
    use = system_house.strategy(
        "idle.py", "from app.strategies import Strategy\n\nclass Idle(Strategy):\n    pass\n"
    )
    given = system_house.system.run(system_house.config(use=use))
    assert check_story(system_house, given.run_id)["orders"] == 0
    assert given.final_equity == given.start_equity == Decimal(100_000)
    assert given.max_drawdown == 0.0


def test_equity_by_session_has_one_value_a_close(system_house: SystemHouse) -> None:
    fine = system_house.system.run(system_house.config())
    given = system_house.system.run(system_house.config(report={"equity": "session"}))
    instants, equity = curve(system_house, given.run_id)
    every = dict(zip(*curve(system_house, fine.run_id), strict=True))
    assert len(instants) == 5
    assert equity == [every[instant] for instant in instants]
    assert (given.max_drawdown, given.fingerprint) == (fine.max_drawdown, fine.fingerprint)


# -- what else it holds ----------------------------------------------------------------------------


def test_the_record_says_what_the_run_stood_on(system_house: SystemHouse) -> None:
    given = system_house.system.run(system_house.config())
    facts = system_house.facts(given.run_id)
    source = hashlib.sha256((system_house.strategies / "trader.py").read_bytes()).hexdigest()
    assert facts["strategies"] == {"trader": source}
    assert facts["versions"] == library_versions()
    assert facts["platform"] == platform_tag()
    assert facts["config"]["symbols"] == ["AAA", "BBB"]
    assert [(p["symbol"], p["bars"], p["coverage_percent"]) for p in facts["passport"]] == [
        ("AAA", 1950, 100.0),
        ("BBB", 1950, 100.0),
    ]
    assert all(re.fullmatch("[0-9a-f]{64}", p["source_hash"]) for p in facts["passport"])
    assert facts["dropped"] == []
    assert facts["quality"]["kept_out"] == []


def test_the_passport_changes_with_one_digit_of_one_bar(system_house: SystemHouse) -> None:
    first = system_house.system.run(system_house.config())
    store = system_house.system.data_manager.store
    bars = store.columns("XNYS", "AAA", "1m", 0, 2**62)
    row = bars.slice(700, 701)
    changed = type(bars)(*(getattr(row, n).copy() for n in bars.__struct_fields__))
    changed.volume[0] += 1
    store.merge(Series("XNYS", "AAA", "1m"), changed, {})
    second = system_house.another().run(system_house.config())
    before, after = (system_house.facts(run.run_id)["passport"] for run in (first, second))
    assert before[0]["source_hash"] != after[0]["source_hash"]
    assert before[1] == after[1]


def test_a_run_on_bars_that_no_market_told_says_so(system_house: SystemHouse) -> None:
    store = system_house.system.data_manager.store
    series = Series("XNYS", "AAA", "1m")
    first = store.columns("XNYS", "AAA", "1m", 0, 2**62).slice(0, 1)
    earlier = msgspec.structs.replace(first, start_ns=first.start_ns - 3_600 * 10**9)
    system_house.system.data_manager.keep_bars(
        series, earlier, "binance-testnet", np.empty(0, np.int64)
    )
    run_id = system_house.system.run(system_house.config()).run_id
    passport = system_house.facts(run_id)["passport"]
    assert [one["venues"] for one in passport] == [["binance-testnet"], []]
    page = (system_house.folder / "runs" / run_id / "report.md").read_text(encoding="utf-8")
    assert "| False | binance-testnet |" in page
    _, report = report_of(system_house.folder, system_house.folder / "report.html")
    assert "binance-testnet told those of AAA: such prices" in report.read_text(encoding="utf-8")


def test_timings_name_every_stage_and_no_stage_outlasts_the_run(
    system_house: SystemHouse,
) -> None:
    given = system_house.system.run(system_house.config(engine={"runner": "inline"}))
    timings = system_house.facts(given.run_id)["timings"]
    busy = timings["busy_seconds"]
    assert len(busy) == 5
    assert next(iter(busy)) == "source"
    assert all(seconds > 0 for seconds in busy.values())
    assert sum(busy.values()) <= timings["replay_seconds"]
    assert given.replay_seconds == pytest.approx(timings["replay_seconds"], abs=1e-6)
    assert given.bars_per_second == round(given.bars / timings["replay_seconds"])


def test_the_platform_tag_names_machine_features_and_libraries() -> None:
    machine, digest, *rest = platform_tag().split("-", 2)
    assert machine
    assert re.fullmatch("[0-9a-f]{8}", digest)
    assert platform_tag() == platform_tag()
    versions = library_versions()
    assert list(versions) == ["python", *LIBRARIES]
    for name, number in versions.items():
        assert f"{name}{number}" in rest[0]


# -- ids and folders -------------------------------------------------------------------------------


def test_a_run_id_is_the_time_and_the_name(system_house: SystemHouse) -> None:
    names = {
        "Proof  Run #1!": "proof-run-1",
        "x" * 60: "x" * 24,
        "Überraschung": "berraschung",
        "…": "run",
        "../../etc/passwd": "etc-passwd",
    }
    for name, slug in names.items():
        run_id = system_house.system.run(system_house.config(name=name, end="2024-06-03")).run_id
        assert re.fullmatch(rf"\d{{8}}-\d{{6}}-{slug}(-\d+)?", run_id), run_id


def test_an_id_is_claimed_once_however_many_ask(system_house: SystemHouse) -> None:
    runs, found = system_house.folder / "runs", []
    repository = system_house.runs()
    ready = threading.Barrier(8)

    def claim() -> None:
        ready.wait()
        found.append(claim_folder(runs, "20240101-000000-run", repository)[0])

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stem = "20240101-000000-run"
    assert sorted(found) == [stem, *(f"{stem}-{number}" for number in range(2, 9))]
    assert sorted(path.name for path in runs.iterdir()) == sorted(found)


def test_an_id_that_sql_knows_is_not_taken_again_when_its_folder_is_gone(
    system_house: SystemHouse,
) -> None:
    given = system_house.system.run(system_house.config(end="2024-06-03"))
    shutil.rmtree(system_house.folder / "runs")
    repository = system_house.runs()
    run_id, folder = claim_folder(system_house.folder / "runs", given.run_id, repository)
    assert run_id == f"{given.run_id}-2"
    assert folder.is_dir()


def test_a_folder_that_cannot_be_made_is_told_and_nothing_stays(
    system_house: SystemHouse,
) -> None:
    (system_house.folder / "runs").write_text("in the way", encoding="utf-8")
    with pytest.raises(AppError, match=r"cannot be made: Not a directory\. Set MISMARTERA_DATA"):
        system_house.system.run(system_house.config())
    assert system_house.system.state is SystemState.STOPPED
    assert system_house.runs().list_runs() == []


def test_a_run_that_sql_refuses_leaves_no_folder(system_house: SystemHouse) -> None:
    system = system_house.system
    engine = system._engine
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE runs RENAME TO lost")
        connection.exec_driver_sql("CREATE TABLE runs (run_id TEXT)")
    with pytest.raises(DataError, match="cannot be used"):
        system.run(system_house.config())
    assert list((system_house.folder / "runs").iterdir()) == []
    assert system.state is SystemState.STOPPED


def test_a_folder_that_vanishes_under_a_run_is_told_and_sql_learns_of_it(
    system_house: SystemHouse,
) -> None:
    system = system_house.system
    run_id = system.start(system_house.config(), paused=True)
    shutil.rmtree(system_house.folder / "runs" / run_id)
    system.resume()
    with pytest.raises(DataError, match=r"record in .* cannot be written: No such file"):
        system.wait(20)
    assert system.state is SystemState.ERROR
    row = system_house.row(run_id)
    assert row["state"] == "failed"
    assert "cannot be written" in row["error"]
    orders, fills = system_house.runs().counts(run_id)
    assert orders > 100 < fills
    system.stop()
    assert system.run(system_house.config()).state == "finished"


# -- pages -----------------------------------------------------------------------------------------


def summary_of(**figures: Any) -> Summary:
    base: dict[str, Any] = {
        "run_id": "r",
        "state": "finished",
        "mode": "replay",
        "sessions": 1234,
        "bars": 1_234_567,
        "replay_seconds": 1234.5678,
        "bars_per_second": 1_000,
        "orders": 0,
        "fills": 7,
        "trades": 3,
        "currency": "USD",
        "start_equity": Decimal("100000"),
        "final_equity": Decimal("99999.99500001"),
        "fees": Decimal("0.00000001"),
        "interest": Decimal(0),
        "borrow": Decimal(12),
        "max_drawdown": 0.12345,
        "uncertain_bars": 0,
        "band": Decimal(0),
        "band_share": 0.0,
        "fingerprint": "ab",
        "report": "x/report.md",
    }
    return Summary(**{**base, **figures})


def test_figures_are_grouped_and_money_has_cents() -> None:
    rows = dict(summary_of().rows())
    assert rows["sessions"] == "1,234"
    assert rows["bars"] == "1,234,567"
    assert rows["replay seconds"] == "1,234.568"
    assert rows["start equity"] == "100,000.00"
    assert rows["final equity"] == "100,000.00"
    assert rows["fees"] == "0.00"
    assert rows["max drawdown"] == "12.35%"
    assert rows["band share"] == "0.00%"
    if_asked = {
        "equity_worst", "equity_best", "equity_difference", "band_note", "trading_state",
        "loose_coins", "fees_unbooked", "as_of", "held_at_end", "working_at_end",
    }  # fmt: skip
    shown = [name for name in Summary.__struct_fields__[:-1] if name not in if_asked]
    assert list(rows) == [name.replace("_", " ") for name in shown]
    assert Summary.__struct_fields__[-1] == "strategies", "they have a table of their own"


@pytest.mark.parametrize("count", [1, 10, 11])
def test_each_symbol_that_is_held_at_the_end_has_a_line_up_to_ten(count: int) -> None:
    held = [f"100 S{number} at 1.5, worth 150.00" for number in range(count)]
    summary = summary_of(held_at_end="; ".join(held))
    told = [*held[:10], *["and 1 more"] * (count > 10)]
    assert dict(summary.rows())["held at end"].splitlines() == told
    assert f"| held at end | {'; '.join(told)} |" in report_page(summary, [], None)


@pytest.mark.parametrize("amount", ["100000", "99999.99500001", "0.1", "-3.25", "0"])
def test_money_in_json_prints_as_the_exact_amount(amount: str) -> None:
    text = json.dumps(summary_of(final_equity=Decimal(amount)).as_json()["final_equity"])
    assert Decimal(text) == Decimal(amount)


def test_a_page_and_the_json_show_what_each_strategy_brought() -> None:
    money = [Decimal(text) for text in ("1.5", "-0.25", "0", "1000", "-998.75")]
    results = (StrategyResult("one", "USD", 4, *money), StrategyResult("two", "EUR", 0, *money))
    summary = summary_of(strategies=results)
    page = report_page(summary, [], None)
    assert (
        "| strategy | currency | trades | realised | unrealised | income | costs | result |\n"
        "|---|---|---:|---:|---:|---:|---:|---:|\n"
        "| one | USD | 4 | 1.50 | -0.25 | 0.00 | 1,000.00 | -998.75 |\n"
        "| two | EUR | 0 | 1.50 | -0.25 | 0.00 | 1,000.00 | -998.75 |\n"
    ) in page
    assert summary.as_json()["strategies"][1] == {
        "strategy": "two", "currency": "EUR", "trades": 0, "realised": 1.5, "unrealised": -0.25,
        "income": 0.0, "costs": 1000.0, "result": -998.75,
    }  # fmt: skip
    assert "## Strategies" not in report_page(summary_of(), [], None)


def test_a_page_shows_an_error_line_by_line_and_says_when_no_bars_were_read() -> None:
    page = report_page(summary_of(state="failed"), [], "first line\n  second line")
    assert "It failed:\n\n    first line\n      second line\n" in page
    assert "No stored bars were read." in page
    assert "It failed" not in report_page(summary_of(), [], None)


def test_a_page_does_not_call_what_a_venue_filled_simulated() -> None:
    at_venue = summary_of(mode="live", uncertain_bars=None, band=None, band_share=None)
    page = report_page(at_venue, [], None)
    assert "Fills are as the venue reported them." in page
    assert "leave" not in page and "simulated" not in page
    assert not {"uncertain bars", "band", "band share"} & {*dict(at_venue.rows())}
    on_paper = report_page(summary_of(mode="live"), [], None)
    assert "Fills are simulated, by the rules of the config's `execution`." in on_paper
    assert "## What its bars leave open" in on_paper


def test_stored_figures_read_as_those_of_the_run_that_has_just_ended() -> None:
    for summary in (summary_of(), summary_of(band_share=None), summary_of(replay_seconds=None)):
        assert figure_rows(json.loads(json.dumps(summary.as_json()))) == summary.rows()


def test_a_run_at_its_venue_s_pace_has_no_speed() -> None:
    rows = dict(summary_of(mode="live", replay_seconds=None, bars_per_second=None).rows())
    assert not {"replay seconds", "bars per second"} & {*rows}


def test_a_page_has_a_row_for_each_symbol_of_the_passport() -> None:
    page = report_page(summary_of(), [{"symbol": "A", "bars": 1}, {"symbol": "B", "bars": 2}], None)
    assert "| symbol | bars |\n|---|---|\n| A | 1 |\n| B | 2 |\n" in page
    assert Path(summary_of().report).name == "report.md"
