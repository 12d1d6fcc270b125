"""Metrics of runs in which little is as usual: every figure is a number, or none with a reason."""

import csv
import datetime as dt
import json
import math
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import update
from tests.market import random_bars
from tests.measured_runs import check_defined, run
from tests.system_house import TRADER, SystemHouse, stored_market, system_house

from app import open_run
from app.core.bars import COLUMNS, BarColumns
from app.core.errors import AppError
from app.core.intervals import DAY_NS, MINUTE_NS
from app.models.tables import RunRow
from app.repositories.bar_store_files import Series
from app.results import Run
from app.results.exporting import export_run

__all__ = ["stored_market", "system_house"]


@pytest.mark.parametrize("end", ["2024-06-03", "2024-06-07"])
def test_a_run_that_never_trades_has_figures_or_reasons(
    system_house: SystemHouse, end: str
) -> None:
    system_house.strategy(
        "trader.py",
        "from app.strategies import Strategy\nclass Trader(Strategy):\n"
        "    def on_bar(self, bar):\n        pass\n",
    )
    found = run(system_house, end=end)
    check_defined(found)
    metrics = found.metrics
    assert (metrics["total_return"], metrics["max_drawdown"], metrics["trades"]) == (0.0, 0.0, 0)
    assert (metrics["time_in_market"], metrics["exposure_average"], metrics["turnover"]) == (
        0,
        0,
        0,
    )
    assert metrics.metric("win_rate").reason == "no trade was closed"
    assert metrics.metric("max_drawdown_days").reason == "there was no drawdown"
    assert metrics.metric("sharpe_daily_252").reason == (
        "it takes two days at least" if end == "2024-06-03" else "the returns do not vary"
    )
    assert metrics.slices == {key: [] for key in metrics.slices}
    assert export_run(found, system_house.folder / "out", "parquet")["trades"][1] == 0


@pytest.mark.parametrize("begins", "=+-@")
def test_no_name_or_reason_is_a_formula_where_a_spreadsheet_reads_it(
    system_house: SystemHouse, begins: str
) -> None:
    name = f"{begins}cmd|' /C calc'!A0"
    found = run(system_house, strategies=[{"use": "trader.py", "name": name}])
    out = system_house.folder / "out"
    export_run(found, out, "csv", ["fills", "equity"])
    export_run(found, out, "json", ["fills"])
    with (out / "fills.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["strategy"] for row in rows} == {f"'{name}"}
    assert any(row["quantity"].startswith("-") for row in rows)  # a number is none
    told = json.loads((out / "fills.json").read_text(encoding="utf-8"))
    assert {row["strategy"] for row in told} == {name}


@pytest.mark.parametrize("day", [3, 5])
def test_a_run_that_failed_is_measured_as_far_as_it_came(
    system_house: SystemHouse, day: int
) -> None:
    house = system_house
    failing = (
        TRADER + f"        if self.now.day == {day}:\n            raise ValueError('enough')\n"
    )
    house.strategy("trader.py", failing)
    with pytest.raises(AppError):
        house.system.run(house.config())
    found = open_run(data_folder=house.folder)
    assert found.state == "failed"
    told = check_defined(found)
    assert told["basis"]["days"] == day - 2
    began = found.bars(found.config["symbols"][0]).index
    assert len(began) and began[-1] < found.equity.index[-1], "the rest of the day is not its own"


def test_a_run_of_a_coarse_curve_that_failed_finds_the_bars_of_its_last_fills(
    system_house: SystemHouse,
) -> None:
    failing = TRADER + "        if self.now.hour == 11 and self.now.day == 4:\n            1 / 0\n"
    system_house.strategy("trader.py", failing)
    with pytest.raises(AppError):
        system_house.system.run(system_house.config(report={"equity": "session"}))
    found = open_run(data_folder=system_house.folder)
    told = check_defined(found)
    assert len(found.equity) == 1 < found.metrics.basis.days
    assert told["metrics"]["slippage_paid"] == 0.0
    last = found.fills.bar_start.max()
    assert last > found.equity.index[-1]
    bars = [found.bars(symbol) for symbol in found.symbols]
    assert [one.index[-1] for one in bars] == [last, last], (
        "of the rest of the day nothing is known"
    )
    grown = np.mean([one.close.iloc[-1] / one.open.iloc[0] for one in bars])
    assert told["metrics"]["benchmark_return"] == pytest.approx(grown - 1)


HELD_TO_THE_END = """
from app.strategies import Strategy

class Trader(Strategy):
    def on_bar(self, bar):
        if self.now.minute == 45:
            self.order_target("AAA", 100)
        elif (self.now.day, self.now.hour) == (4, 11):
            raise ValueError("enough")
"""


def test_time_in_which_a_run_that_ended_early_did_not_run_is_no_share_of_it(
    system_house: SystemHouse,
) -> None:
    """What is bought on the first day is held as the second ends for it at eleven."""
    system_house.strategy("trader.py", HELD_TO_THE_END)
    with pytest.raises(AppError):
        system_house.system.run(system_house.config())
    found = open_run(data_folder=system_house.folder)
    minutes, before = 390 + 90, 16  # a purchase at 9:45 is known at 9:46
    assert found.metrics["time_in_market"] == pytest.approx((minutes - before) / minutes)
    worth = 390 * 100_000 + 90 * found.sessions.equity.iloc[0]
    cost = found.fills.value.sum() * (minutes - before)
    assert found.metrics["exposure_average"] == pytest.approx(cost / worth)


def test_bars_that_are_gone_take_only_what_is_looked_up_in_them(system_house: SystemHouse) -> None:
    found = run(system_house)
    series = next(one for one in found._sources.data.store.series() if one.symbol == "AAA")
    found._sources.data.store.delete(series)
    again = open_run(found.id, data_folder=system_house.folder)
    undefined = check_defined(again)["undefined"]
    assert {name for name in undefined if "benchmark" in name or name == "slippage_paid"} == {
        "benchmark_return",
        "slippage_paid",
    }
    assert undefined["beta_daily"] == "no bars of AAA are stored"
    assert again.metrics["win_rate"] == found.metrics["win_rate"] is not None


def test_a_market_that_never_closes_has_years_of_365_days(system_house: SystemHouse) -> None:
    times, date = system_house.system.time_manager, dt.date(2024, 6, 3)
    assert (times.days_a_year(date), times.days_a_year(date, "24/7")) == (252, 365)


def rewritten(house: SystemHouse, found: Run, equity: list[float]) -> Run:
    """The same run with another curve on record, over its whole time."""
    instants = found.columns.equity.instant_ns
    places = np.linspace(0, len(instants) - 1, len(equity)).astype(int)
    at = pa.array(instants[places], pa.timestamp("ns", tz="UTC"))
    table = pa.table({"instant": at, "equity": pa.array(equity, pa.float64())})
    pq.write_table(table, found.folder / "equity.parquet")
    final = equity[-1] if equity else 100_000.0
    summary = {**found.summary, "final_equity": final}
    house.runs().finish_run(found.id, state="finished", ended_at="then", summary=summary)
    return open_run(found.id, data_folder=house.folder)


def test_whatever_became_of_an_account_its_figures_are_defined(system_house: SystemHouse) -> None:
    found = run(system_house)
    curves: dict[str, list[float]] = {
        "a total loss": [90_000, 50_000, 0],
        "less than nothing, and back": [90_000, -5_000, -1, 20_000, 30_000],
        "less than nothing at the end": [90_000, 95_000, -5_000],
        "flat": [100_000] * 5,
        "no number": [100_000, math.nan, 90_000],
        "nothing on record": [],
        "more than a float": [1e308, 1e308, 1e308],
    }
    told = {
        name: check_defined(rewritten(system_house, found, values))
        for name, values in curves.items()
    }
    assert told["a total loss"]["metrics"]["total_return"] == -1.0
    assert told["a total loss"]["metrics"]["max_drawdown_daily"] == 1.0
    below = told["less than nothing, and back"]
    assert below["undefined"]["sharpe_daily_252"] == "the account was worth nothing, or less"
    assert below["metrics"]["total_return"] == pytest.approx(-0.7)
    assert below["drawdowns"][0]["depth"] == pytest.approx(1.05)
    assert told["flat"]["metrics"]["volatility_252"] == 0.0
    assert told["no number"]["undefined"]["best_day"] == "the curve holds what is no number"


COINS = """
from app.strategies import Strategy

class Trader(Strategy):
    def on_bar(self, bar):
        self.order_target(bar.symbol, 2 if self.now.hour % 2 else 0)
"""


def test_what_fills_until_midnight_counts_at_the_rate_of_the_day_that_ends(
    system_house: SystemHouse,
) -> None:
    first = np.datetime64("2024-05-25", "ns").astype(np.int64)
    starts = np.arange(first, first + 12 * DAY_NS, DAY_NS)
    data = system_house.system.data_manager
    data.store.merge(Series("24/7", "BTC/EUR", "1d"), random_bars(starts, 5), {})
    steps = np.arange(1.0, 13.0)  # a rate that grows by the day
    data.store.merge(Series("24/7", "EUR/USD", "1d"), BarColumns(starts, *(steps,) * 5), {})
    data.set_instrument("24/7", "BTC/EUR", {}, "EUR")
    system_house.strategy("trader.py", COINS.replace("hour", "day"))
    parts: dict[str, Any] = {"market": "24/7", "symbols": ("BTC/EUR",), "base_interval": "1d"}
    parts["account"] = {"rates": {"EUR": "EUR/USD"}}
    found = run(system_house, start="2024-06-01", **parts)
    rates = [found.facts["rates"][f"{at:%Y-%m-%d}"]["EUR"] for at in found.fills.bar_start]
    assert len(set(rates)) > 2, "a day's bar is known as the next day begins"
    traded = (found.fills.value.abs() * rates).sum()
    assert found.metrics["traded_value"] == pytest.approx(traded)


def test_the_curve_of_a_market_that_never_closes_is_the_same_however_its_bars_are_read(
    system_house: SystemHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A midnight has the rate and the interest of the day that begins, also where a part ends."""
    first = np.datetime64("2024-05-25", "ns").astype(np.int64)
    starts = np.arange(first, first + 16 * DAY_NS, DAY_NS)
    data = system_house.system.data_manager
    data.store.merge(Series("24/7", "BTC/EUR", "1d"), random_bars(starts, 5), {})
    steps = 1.0 + np.arange(16.0) / 50
    data.store.merge(Series("24/7", "EUR/USD", "1d"), BarColumns(starts, *(steps,) * 5), {})
    data.set_instrument("24/7", "BTC/EUR", {}, "EUR")
    system_house.strategy("trader.py", COINS.replace("hour", "day"))
    parts: dict[str, Any] = {"market": "24/7", "symbols": ("BTC/EUR",), "base_interval": "1d"}
    rates = {"EUR": "EUR/USD"}
    parts["account"] = {"rates": rates, "books": {"EUR": 1000}, "borrow_rate": "0.1"}
    parts |= {"start": "2024-05-28", "end": "2024-06-08"}
    whole = run(system_house, **parts)
    for count in (1, 2, 5):
        monkeypatch.setattr("app.managers.data_manager.replay_feed.READ_SESSIONS", count)
        found = run(system_house, **parts)
        assert found.fingerprint == whole.fingerprint
        assert found.equity.equity.tolist() == whole.equity.equity.tolist()
        assert found.summary["max_drawdown"] == whole.summary["max_drawdown"]


AT_MIDNIGHT = """
from app.strategies import Strategy

class Trader(Strategy):
    def on_bar(self, bar):
        if self.now.hour == 23:  # it fills on the last bar of the day, known as the next begins
            self.order_target(bar.symbol, 9 if self.now.day % 2 else -6)
        elif self.now.hour == 12 and self.now.day % 3 == 0:
            self.order(bar.symbol, 3, at="close")
"""


@pytest.mark.parametrize("market_fill", ["next_open", "this_close"])
def test_trades_that_meet_a_split_at_midnight_are_those_of_the_ledger(
    system_house: SystemHouse, market_fill: str
) -> None:
    data = system_house.system.data_manager
    first = np.datetime64("2024-06-01", "ns").astype(np.int64)
    bars = random_bars(np.arange(first, first + 9 * DAY_NS, 60 * MINUTE_NS), 5)
    data.store.merge(Series("24/7", "BTC/USDT", "1h"), bars, {})
    path = system_house.folder / "actions.csv"
    path.write_text(
        "symbol,ex_date,kind,value\nBTC/USDT,2024-06-03,split,4\n"
        "BTC/USDT,2024-06-05,split,0.5\nBTC/USDT,2024-06-06,dividend,0.3\n"
    )
    data.import_actions(path, "24/7")
    text = AT_MIDNIGHT.replace("23", "0") if market_fill == "this_close" else AT_MIDNIGHT
    system_house.strategy("trader.py", text)
    parts: dict[str, Any] = {"market": "24/7", "symbols": ("BTC/USDT",), "base_interval": "1h"}
    parts |= {"account": {"currency": "USDT"}, "execution": {"market_fill": market_fill}}
    found = run(system_house, start="2024-06-01", end="2024-06-07", **parts)
    trades, (told,) = found.trades, found.summary["strategies"]
    assert trades.realised.sum() == pytest.approx(told["realised"])
    assert trades.income.sum() == pytest.approx(told["income"])
    assert (~trades.is_open).sum() == found.summary["trades"] > 3
    assert told["income"] != 0
    assert sum(one.cost_units for one in found.columns.book.stakes) == pytest.approx(
        abs(found.facts["books"][0]["value"] - found.facts["books"][0]["unrealised"]) * 1e8
    )


def test_trades_by_time_are_of_the_bar_that_filled_them_first(system_house: SystemHouse) -> None:
    """That of a Sunday is known as the Monday begins."""
    first = np.datetime64("2024-05-25", "ns").astype(np.int64)
    days = random_bars(np.arange(first, first + 20 * DAY_NS, DAY_NS), 5)
    data = system_house.system.data_manager
    data.store.merge(Series("24/7", "BTC/USDT", "1d"), days, {})
    system_house.strategy("trader.py", COINS.replace("hour", "day"))
    parts: dict[str, Any] = {"market": "24/7", "symbols": ("BTC/USDT",), "base_interval": "1d"}
    parts["account"] = {"currency": "USDT"}
    found = run(system_house, start="2024-05-26", end="2024-06-09", **parts)
    closed = found.trades[~found.trades.is_open]
    bars = found.fills.set_index("fill_id").bar_start[closed.first_fill_id]
    assert (bars.dt.date.to_numpy() < closed.index.date).all()
    for key, names in (
        ("weekday", bars.dt.day_name()),
        ("month", bars.dt.strftime("%Y-%m")),
        ("hour", bars.dt.strftime("%H:00")),
    ):
        counted = {one.key: one.trades for one in found.metrics.slices[key]}
        assert counted == names.value_counts().to_dict(), key


AT_THE_CLOSE = """
from app.strategies import Strategy

class Trader(Strategy):
    def on_session_open(self, session):
        self.order("AAA", 50, at="close")
"""


@pytest.mark.parametrize("curve", ["instant", "session"])
def test_what_falls_due_behind_the_last_bar_is_in_the_drawdown(
    system_house: SystemHouse, curve: str
) -> None:
    """No bar ends as the session does: the fee of the closing auction lies behind the curve."""
    data = system_house.system.data_manager
    series = next(one for one in data.store.series() if one.symbol == "AAA")
    bars = data.store.columns("XNYS", "AAA", "1m", 0, 2**62)
    data.store.delete(series)
    last_minutes = (bars.start_ns // MINUTE_NS) % (24 * 60) >= 19 * 60 + 50  # of New York's summer
    early = BarColumns(*(getattr(bars, name)[~last_minutes] for name in COLUMNS))
    data.store.merge(Series("XNYS", "AAA", "1m"), early, {})
    system_house.strategy("trader.py", AT_THE_CLOSE)
    parts: dict[str, Any] = {"symbols": ("AAA",), "report": {"equity": curve}}
    parts["execution"] = {"fees": {"per_share": 10}}
    found = run(system_house, end="2024-06-03", **parts)
    lost = (100_000 - found.summary["final_equity"]) / 100_000
    assert lost == pytest.approx(0.005)
    assert found.summary["max_drawdown"] == pytest.approx(lost)
    assert found.metrics["max_drawdown"] == pytest.approx(lost)
    assert found.metrics["max_drawdown_money"] == pytest.approx(500)
    (fall,) = found.metrics.falls
    assert (fall.depth, fall.trough_ns) == (pytest.approx(lost), found.columns.sessions.end_ns[-1])


def test_days_of_a_market_that_never_closes_are_those_of_utc(system_house: SystemHouse) -> None:
    first = np.datetime64("2024-06-01", "ns").astype(np.int64)
    bars = random_bars(np.arange(first, first + 3 * DAY_NS, 60 * MINUTE_NS), 5)
    system_house.system.data_manager.store.merge(Series("24/7", "BTC/USDT", "1h"), bars, {})
    system_house.strategy("trader.py", COINS)
    parts: dict[str, Any] = {"market": "24/7", "symbols": ("BTC/USDT",), "base_interval": "1h"}
    parts["account"] = {"currency": "USDT"}
    found = run(system_house, start="2024-06-01", end="2024-06-03", **parts)
    check_defined(found)
    assert [str(date)[:10] for date in found.sessions.date] == [
        f"2024-06-0{day}" for day in (1, 2, 3)
    ]
    assert found.columns.sessions.end_ns.tolist() == [first + day * DAY_NS for day in (1, 2, 3)]
    curve = found.columns.equity
    midnights = np.searchsorted(curve.instant_ns, found.columns.sessions.end_ns, side="right") - 1
    assert found.columns.sessions.equity.tolist() == curve.equity[midnights].tolist()
    assert (found.metrics.basis.year, str(found.equity.index.tz)) == (365, "UTC")
    assert found.metrics["sharpe_daily_365"] is not None
    assert found.metrics["time_in_market"] == pytest.approx(0.5, abs=0.02)


def test_a_run_that_was_stopped_before_its_first_bar_is_measured(
    system_house: SystemHouse,
) -> None:
    system_house.system.start(system_house.config(), paused=True)
    system_house.system.stop()
    found = open_run(data_folder=system_house.folder)
    assert (found.state, len(found.sessions), len(found.equity)) == ("stopped", 0, 0)
    told = check_defined(found)
    assert told["undefined"]["up_days"] == "there was no trading day"
    assert told["metrics"]["total_return"] == 0.0
    assert (told["months"], told["drawdowns"]) == ([], [])
    assert len(found.bars("AAA")) == 0


def test_a_record_of_old_that_knows_less_is_measured_all_the_same(
    system_house: SystemHouse,
) -> None:
    found = run(system_house)
    path = found.folder / "run.json"
    facts = json.loads(path.read_text())
    for name in ("instruments", "actions", "rates", "books", "quality"):
        del facts[name]
    path.write_text(json.dumps(facts))
    config = {name: found.config[name] for name in ("name", "symbols", "replay", "strategies")}
    engine = system_house.runs().engine
    with engine.begin() as connection:
        connection.execute(update(RunRow).where(RunRow.run_id == found.id).values(config=config))
    old = open_run(found.id, data_folder=system_house.folder)
    assert check_defined(old)["metrics"] == check_defined(found)["metrics"]
