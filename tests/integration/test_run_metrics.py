"""A run's metrics: against the record's own sums, in exact decimals, and however the run ended."""

import datetime as dt
import json
import math
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.system_house import TRADER, SystemHouse, stored_market, system_house

from app import open_run
from app.core.bars import BarColumns
from app.core.errors import AppError, NotFoundError
from app.repositories.bar_store_files import Series
from app.results import Run
from app.results.exporting import TABLES, export_run
from app.results.metrics import GROUPS

__all__ = ["stored_market", "system_house"]

COSTLY = {
    "account": {"cash": 15_000, "margin_rate": "0.08", "borrow_rate": "0.05"},
    "execution": {
        "fees": {"per_share": 0.005, "minimum": 1},
        "slippage": {"kind": "fixed", "amount": 0.05},
        "participation": None,
    },
}
STOPS = """
from app.strategies import Strategy

class Trader(Strategy):
    def on_bar(self, bar):
        if self.now.minute % 20 == 0:
            self.close(bar.symbol)
            self.bracket(bar.symbol, 100, target=bar.close + 9, stop=round(bar.close * 0.9999, 2))
"""


def run(house: SystemHouse, **parts: Any) -> Run:
    return open_run(house.system.run(house.config(**parts)).run_id, data_folder=house.folder)


def check_defined(found: Run) -> dict[str, Any]:
    """Every figure is a number, or none with a reason."""
    told = found.metrics.as_json()
    json.dumps(told, allow_nan=False)
    for one in found.metrics:
        assert (one.value is None) == bool(one.reason), one
    assert told["undefined"].keys() == {one.name for one in found.metrics if one.value is None}
    return told


def test_parts_come_to_the_whole_exactly(system_house: SystemHouse) -> None:
    system_house.strategy("shorts.py", TRADER.replace("100 if", "-20 if").replace("-50", "0"))
    two = [{"use": "trader.py", "name": "first"}, {"use": "shorts.py", "name": "second"}]
    found = run(system_house, strategies=two, **COSTLY)
    check_defined(found)
    summary, metrics, trades = found.summary, found.metrics, found.columns.trades
    assert summary["interest"] > 0 < summary["borrow"]
    results = [Decimal(repr(one["result"])) for one in summary["strategies"]]
    gained = Decimal(repr(summary["final_equity"])) - Decimal(repr(summary["start_equity"]))
    assert sum(results) - Decimal(repr(summary["interest"])) == gained
    assert metrics["net_profit"] == float(gained)
    for number, told in enumerate(summary["strategies"]):
        own = trades.strategy == number
        assert int(trades.realised_units[own].sum()) == int(Decimal(repr(told["realised"])) * 10**8)
    assert int(trades.fee_units.sum()) == int(Decimal(repr(summary["fees"])) * 10**8)
    closed = trades.profit_units[~trades.is_open]
    for key, slices in metrics.slices.items():
        assert sum(one.trades for one in slices) == metrics["trades"] == len(closed), key
        whole = sum(Decimal(repr(round(one.profit, 8))) for one in slices)
        assert whole == Decimal(int(closed.sum())).scaleb(-8), key
    growth = math.prod(1.0 + one.share for one in metrics.months) - 1.0
    assert growth == pytest.approx(metrics["total_return"])


def test_what_slipped_is_found_again_in_the_bars(system_house: SystemHouse) -> None:
    found = run(system_house, **COSTLY)
    fills = found.columns.fills
    assert found.metrics["slippage_paid"] == pytest.approx(
        0.05 * float(np.abs(fills.quantity_units).sum()) / 1e8
    )
    assert run(system_house).metrics["slippage_paid"] == 0.0


def test_stops_that_slip_are_measured_from_the_stop_or_a_worse_open(
    system_house: SystemHouse,
) -> None:
    system_house.strategy("trader.py", STOPS)
    plain = run(system_house)
    assert {"stop", "market"} <= set(plain.orders.kind)
    assert plain.metrics["slippage_paid"] == 0.0
    slipped = run(system_house, execution=COSTLY["execution"])
    paid = 0.05 * float(np.abs(slipped.columns.fills.quantity_units).sum()) / 1e8
    assert slipped.metrics["slippage_paid"] == pytest.approx(paid)


def test_a_curve_of_sessions_gives_the_same_figures_of_days(system_house: SystemHouse) -> None:
    fine, coarse = run(system_house), run(system_house, report={"equity": "session"})
    assert len(coarse.equity) == 5 < len(fine.equity)
    for one in fine.metrics:
        if one.name not in (
            "max_drawdown_money", "max_drawdown_days", "max_drawdown_recovery_days",
            "underwater_longest_days",
        ):  # fmt: skip
            assert coarse.metrics[one.name] == one.value, one.name
    deepest = fine.metrics.falls[0].depth
    assert fine.metrics["max_drawdown"] == deepest == fine.summary["max_drawdown"]


def test_a_larger_account_that_trades_as_much_more_has_the_same_ratios(
    system_house: SystemHouse,
) -> None:
    one = run(system_house, execution={"participation": None})
    system_house.strategy("trader.py", TRADER.replace("100", "700").replace("-50", "-350"))
    seven = run(system_house, execution={"participation": None}, account={"cash": 700_000})
    for metric in one.metrics:
        factor = 7 if metric.kind == "money" else 1
        assert metric.value is not None or seven.metrics[metric.name] is None
        if metric.value is not None:
            expected = pytest.approx(metric.value * factor, rel=1e-9, abs=1e-9)
            assert seven.metrics[metric.name] == expected, metric.name


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


def test_the_benchmark_is_what_the_config_names(system_house: SystemHouse) -> None:
    whole = run(system_house)
    grown = []
    for symbol in ("AAA", "BBB"):
        bars = whole.bars(symbol)
        grown.append(bars.close.iloc[-1] / bars.open.iloc[0])
    assert whole.metrics["benchmark_return"] == pytest.approx(np.mean(grown) - 1)
    one = run(system_house, report={"benchmark": "BBB", "risk_free_percent": 50})
    assert one.metrics.basis.benchmark == "BBB"
    assert one.metrics["benchmark_return"] == pytest.approx(grown[1] - 1)
    assert one.metrics["sharpe_daily_252"] < whole.metrics["sharpe_daily_252"]


def test_a_metric_that_is_not_there_is_told(system_house: SystemHouse) -> None:
    found = run(system_house, end="2024-06-03")
    with pytest.raises(NotFoundError, match="Did you mean 'win_rate'"):
        found.metrics["winrate"]
    assert set(TABLES) >= {"orders", "fills", "trades", "equity"}


def test_the_page_of_formulas_names_every_metric_and_no_other(system_house: SystemHouse) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "METRICS.md").read_text()
    table = page.partition("## Formulas")[2].partition("\nThe **benchmark**")[0]
    firsts = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    named = [name.replace("_Y", "_252") for cell in firsts for name in re.findall(r"`(\w+)`", cell)]
    found = run(system_house, end="2024-06-03")
    assert named == [one.name for one in found.metrics]
    assert list(dict.fromkeys(one.group for one in found.metrics)) == list(GROUPS)


def test_trades_in_another_currency_count_at_the_rate_of_their_session(
    system_house: SystemHouse,
) -> None:
    plain = run(system_house)
    data, times = system_house.system.data_manager, system_house.system.time_manager
    data.set_instrument("XNYS", "AAA", {}, "EUR")
    eve = times.previous_session(dt.date(2024, 6, 3))
    price = np.array([1.5])
    rate = BarColumns(np.array([eve.open_ns]), *(price,) * 5)
    data.store.merge(Series("XNYS", "EUR/USD", "1d"), rate, {})
    found = run(system_house, account={"cash": 100_000, "rates": {"EUR": "EUR/USD"}})
    before, after = (one.metrics.slices["symbol"] for one in (plain, found))
    assert (before[0].key, after[0].trades) == ("AAA", before[0].trades)
    assert after[0].profit == pytest.approx(1.5 * before[0].profit)
    assert after[1].profit == pytest.approx(before[1].profit)
    assert found.metrics["traded_value"] > plain.metrics["traded_value"]


def test_a_market_that_never_closes_has_years_of_365_days(system_house: SystemHouse) -> None:
    times, date = system_house.system.time_manager, dt.date(2024, 6, 3)
    assert (times.days_a_year(date), times.days_a_year(date, "24/7")) == (252, 365)
