"""A finished run, opened: its tables are those on record, however it ended."""

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from tests.system_house import TRADER, SystemHouse, stored_market, system_house

from app import open_run
from app.core.bars import BarColumns
from app.core.errors import AppError, NotFoundError, StateError, UsageError
from app.core.money import UNITS
from app.repositories.bar_store_files import Series
from app.results import Run
from app.results.columns import Places, fill_columns, trade_columns
from app.results.frames import frame_of
from app.results.tables import owned
from app.services.trades import Action, booked

__all__ = ["stored_market", "system_house"]

FAILING = (
    TRADER
    + """
        if self.now.day == 5 and self.now.hour == 11:
            raise ValueError("enough")
"""
)


def opened(house: SystemHouse, words: str = "last") -> Run:
    return open_run(words, data_folder=house.folder)


def test_every_table_is_what_the_record_says(system_house: SystemHouse) -> None:
    house = system_house
    summary = house.system.run(house.config())
    run = opened(house)
    assert (run.id, run.state, run.mode, run.error) == (summary.run_id, "finished", "replay", None)
    assert run.summary == house.row(run.id)["summary"]
    assert run.config == house.row(run.id)["config"]
    assert run.fingerprint == summary.fingerprint
    assert [one["symbol"] for one in run.passport] == ["AAA", "BBB"]
    assert len(run.orders) == summary.orders
    assert run.fills.fill_id.tolist() == [one["fill_id"] for one in house.runs().get_fills(run.id)]
    assert (~run.trades.is_open).sum() == summary.trades
    assert run.columns.trades.realised_units.sum() == sum(
        int(one.realised * 10**8) for one in summary.strategies
    )
    signed = run.trades.side * run.trades.quantity  # numbers both; those of names are categories
    assert (signed.dtype, str(run.orders.side.dtype)) == ("float64", "category")
    assert run.sessions.equity.iloc[-1] == float(summary.final_equity)
    assert [str(date)[:10] for date in run.sessions.date] == [
        f"2024-06-0{day}" for day in range(3, 8)
    ]
    for frame in (run.equity, run.sessions, run.orders, run.fills, run.trades):
        assert isinstance(frame.index, pd.DatetimeIndex)
        assert str(frame.index.tz) == "America/New_York"
    curve = run.columns.equity
    assert run.equity.equity.to_numpy().tolist() == curve.equity.tolist()
    assert run.equity.index.asi8.tolist() == curve.instant_ns.tolist()


def test_derived_bars_of_a_run_are_those_that_it_derived_itself(system_house: SystemHouse) -> None:
    house = system_house
    house.system.run(house.config())
    before = opened(house).bars("AAA", "15m")
    starts = before.index.as_unit("ns").asi8
    others = BarColumns(starts, *(np.full(len(starts), 1.0) for _ in range(5)))
    house.system.get_data_manager().store.merge(Series("XNYS", "AAA", "5m"), others, {})
    assert opened(house).bars("AAA", "15m").equals(before)


def test_bars_are_those_of_the_runs_sessions_and_hours(system_house: SystemHouse) -> None:
    house = system_house
    house.system.run(house.config(start="2024-06-04", end="2024-06-05"))
    run = opened(house)
    bars = run.bars("AAA")
    assert str(bars.index[0])[:10] == "2024-06-04"
    assert str(bars.index[-1])[:10] == "2024-06-05"
    assert np.diff(run.bar_columns("AAA", "1h").start_ns).min() > 0
    with pytest.raises(NotFoundError, match=r"no symbol 'AAB'.*Did you mean 'AAA'"):
        run.bars("AAB")
    with pytest.raises(AppError, match="7x"):
        run.bars("AAA", "7x")


def test_a_failed_run_is_opened_as_far_as_it_came(system_house: SystemHouse) -> None:
    house = system_house
    house.strategy("trader.py", FAILING)
    with pytest.raises(AppError):
        house.system.run(house.config())
    run = opened(house)
    assert run.state == "failed"
    assert "enough" in str(run.error)
    assert len(run.fills) == run.summary["fills"] > 0
    assert len(run.sessions) == run.summary["sessions"] == 3


def test_what_was_held_before_the_run_is_in_its_trades_and_no_fill(
    system_house: SystemHouse,
) -> None:
    house = system_house
    summary = house.system.run(house.config(end="2024-06-03"))
    before = opened(house)
    at_ns = int(before.columns.equity.instant_ns[0])
    held = [(-2, 0, 1, 7 * UNITS, 50.0, 0, at_ns, at_ns)]
    house.runs().add_fills(summary.run_id, held, before.symbols)
    run = opened(house)
    fills = len(run.fills)
    assert fills == summary.fills == house.runs().counts(summary.run_id)[1] > 0
    figures = {one.name: one.value for one in run.metrics}
    assert (
        figures["traded_value"] == {one.name: one.value for one in before.metrics}["traded_value"]
    )
    trades = run.trades.loc[run.trades.first_fill_id == -2]
    assert trades[["symbol", "entry_order_id"]].to_numpy().tolist() == [["BBB", 0]]
    assert run.columns.trades.fills.sum() - fills == (
        before.columns.trades.fills.sum() - len(before.fills)
    )


def test_a_run_is_opened_by_its_folder(system_house: SystemHouse) -> None:
    house = system_house
    run_id = house.system.run(house.config(end="2024-06-03")).run_id
    assert open_run(house.folder / "runs" / run_id).id == run_id
    assert open_run(str(house.folder / "runs" / run_id)).id == run_id


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("nosuch", "There is no run 'nosuch'"),
        ("a/b", "no folder a/b"),
        (Path("."), "is no run's folder"),
    ],
)
def test_what_is_not_there_is_told(
    system_house: SystemHouse, words: str | Path, message: str
) -> None:
    (system_house.folder / "runs").mkdir()
    with pytest.raises(NotFoundError, match=message):
        open_run(words, data_folder=system_house.folder)


@pytest.mark.parametrize("what", [5, None, b"last", ["last"]])
def test_what_is_no_name_of_a_run_is_refused_by_what_it_is(what: Any) -> None:
    kind = type(what).__name__
    with pytest.raises(UsageError, match=rf"open_run: run is .*, of type {kind}; it takes text"):
        open_run(what)
    if what is not None:
        with pytest.raises(UsageError, match=f"data_folder is .*, of type {kind};"):
            open_run("last", data_folder=what)


def test_a_slip_in_last_is_told(system_house: SystemHouse) -> None:
    system_house.system.run(system_house.config(end="2024-06-03"))
    with pytest.raises(NotFoundError, match="Did you mean 'last'"):
        opened(system_house, "lst")


def test_reading_makes_no_data_folder(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="There is no run in"):
        open_run(data_folder=tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()


def unfinished(house: SystemHouse, pid: int, **facts: Any) -> Run:
    config = house.config().model_dump(mode="json")
    house.runs().start_run(
        "20990101-run", name="x", mode="live", config=config, started_at="2099-01-01", pid=pid
    )
    folder = house.folder / "runs" / "20990101-run"
    folder.mkdir(parents=True)
    (folder / "journal").mkdir()
    if facts:
        (folder / "run.json").write_text(json.dumps(facts))
    return opened(house, "20990101-run")


def test_a_run_under_way_is_not_opened(system_house: SystemHouse) -> None:
    with pytest.raises(StateError, match="under way in process"):
        unfinished(system_house, os.getpid())


def test_a_run_that_was_given_up_without_a_record_is_told(system_house: SystemHouse) -> None:
    with pytest.raises(StateError, match="is under way"):
        unfinished(system_house, os.getpid())
    system_house.runs().finish_run("20990101-run", state="failed", ended_at="2099-01-02")
    with pytest.raises(StateError, match="broke off, and left no record"):
        opened(system_house, "20990101-run")


def test_a_run_that_broke_off_is_opened_once_it_was_rebuilt(system_house: SystemHouse) -> None:
    gone = 2**22 - 1
    with pytest.raises(StateError, match="runs rebuild 20990101-run"):
        unfinished(system_house, gone)
    path = system_house.folder / "runs" / "20990101-run" / "run.json"
    path.write_text(json.dumps({"summary": {"start_equity": 5.0}}))
    run = opened(system_house, "20990101-run")
    assert (run.state, run.summary["start_equity"]) == ("abandoned", 5.0)
    with pytest.raises(NotFoundError, match="equity curve of run"):
        assert run.equity is None


def test_quantities_beyond_64_bits_stay_exact() -> None:
    stored = {
        **{name: [1, 2] for name in ("fill_id", "order_id", "bar_start_ns", "instant_ns")},
        "symbol": ["PEPE/USDT"] * 2,
        "quantity": ["400000000000.5", "-400000000000.5"],
        "price": [0.00001, 0.00002],
        "fee": ["0", "0.1"],
    }
    found = fill_columns(stored, [0, 0], Places({"x": 0}, {"PEPE/USDT": 0}), [UNITS])
    assert found.quantity_units.tolist() == [40000000000050000000, -40000000000050000000]
    assert found.value_units.tolist() == [4_000_000 * UNITS + 500, -8_000_000 * UNITS - 1000]
    trades = trade_columns(booked(owned(found), [], [UNITS]).trades, [UNITS])
    assert trades.quantity_units[0] == 40000000000050000000
    assert trades.profit_units.tolist() == [4_000_000 * UNITS + 500 - UNITS // 10]
    frame = frame_of(trades, "entry_ns", ZoneInfo("UTC"), {"strategy": ["x"], "symbol": ["P"]})
    assert frame.quantity.tolist() == [pytest.approx(400000000000.5)]
    assert frame.entry_price.tolist() == [pytest.approx(0.00001)]


@pytest.mark.parametrize(("began_ns", "held"), [(90, 30), (150, 10)])
def test_what_a_live_run_adopts_is_split_where_it_waited_for_the_sessions_start(
    began_ns: int, held: int
) -> None:
    """It hears of both in the instant in which its first session starts, and says when it began."""
    stored = {
        "fill_id": [-1, 1],
        "order_id": [-1, 1],
        "bar_start_ns": [began_ns, 180],
        "instant_ns": [100, 200],
        "symbol": ["AAA"] * 2,
        "quantity": ["10", "2"],
        "price": [6.0, 2.0],
        "fee": ["0", "0"],
    }
    found = fill_columns(stored, [0, 0], Places({"x": 0}, {"AAA": 0}), [UNITS])
    split = Action(100, 0, Decimal(3), Decimal(1))
    (trade,) = booked(owned(found), [split], [UNITS]).trades
    assert (trade.held_units, trade.entry_ns) == ((held + 2) * UNITS, began_ns)
    assert trade.income_units == (held * UNITS if began_ns < 100 else 0)
