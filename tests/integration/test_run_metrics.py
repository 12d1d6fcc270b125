"""A run's metrics: against the record's own sums, in exact decimals, and however the run ended."""

import datetime as dt
import math
import re
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.measured_runs import check_defined, run
from tests.system_house import TRADER, SystemHouse, stored_market, system_house

from app.core.bars import BarColumns
from app.core.errors import NotFoundError
from app.core.intervals import MINUTE_NS
from app.repositories.bar_store_files import Series
from app.results import Run
from app.results.exporting import TABLES
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


AT_BOTH_ENDS = """
from app.strategies import Strategy

class Trader(Strategy):
    def on_session_open(self, session):
        self.order_target("AAA", 5_000)

    def on_bar(self, bar):
        if self.now.minute == 30:
            self.order_target(bar.symbol, 3_000 if self.now.hour % 2 else -3_000)

    def on_session_close(self, session):
        self.order("BBB", 100, at="open")
"""


@pytest.mark.parametrize("market_fill", ["next_open", "this_close"])
def test_what_slipped_is_measured_from_the_price_that_each_fill_was_offered(
    system_house: SystemHouse, market_fill: str
) -> None:
    """Of an order at this close what is left fills at the next opens, as what is for the open."""
    system_house.strategy("trader.py", AT_BOTH_ENDS)
    rich = {"cash": 10_000_000}
    plain = run(system_house, execution={"market_fill": market_fill}, account=rich)
    filled = plain.orders[plain.orders.filled > 0].kind.value_counts()
    assert min(filled["market"], filled["market_on_open"]) > 1
    assert plain.fills.order_id.duplicated().any()
    assert plain.metrics["slippage_paid"] == 0.0
    costly = {"slippage": COSTLY["execution"]["slippage"], "market_fill": market_fill}
    slipped = run(system_house, execution=costly, account=rich)
    paid = 0.05 * float(np.abs(slipped.columns.fills.quantity_units).sum()) / 1e8
    assert slipped.metrics["slippage_paid"] == pytest.approx(paid)


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


TRAILS = """
from app.strategies import Strategy

class Trader(Strategy):
    def on_bar(self, bar):
        if self.now.minute % 10 == 0:
            self.order(bar.symbol, -60 if self.now.hour % 2 else 60, trail=0.03)
"""


@pytest.mark.parametrize("same_bar", ["worst", "best", "ohlc_path"])
def test_a_stop_that_follows_pays_no_slippage_where_there_is_none(
    system_house: SystemHouse, same_bar: str
) -> None:
    """Its row has the stop at which it was touched, not where the rest of that bar had moved it."""
    system_house.strategy("trader.py", TRAILS)
    rules = {"same_bar": same_bar, "participation": None}
    plain = run(system_house, execution=rules)
    inside = plain.orders.set_index("order_id").loc[plain.fills.order_id]
    assert (inside.stop.to_numpy() == plain.fills.price.to_numpy()).sum() > 50
    assert plain.metrics["slippage_paid"] == 0.0
    slipped = run(system_house, execution={**COSTLY["execution"], **rules})
    paid = 0.05 * float(np.abs(slipped.columns.fills.quantity_units).sum()) / 1e8
    told = slipped.metrics["slippage_paid"]
    if same_bar == "best":  # whether a bar gapped it or brought it beyond the open is not on record
        assert 0.95 * paid < told <= paid + 1e-6
    else:
        assert told == pytest.approx(paid)


def test_a_curve_of_sessions_gives_the_same_figures_of_days(system_house: SystemHouse) -> None:
    fine, coarse = run(system_house), run(system_house, report={"equity": "session"})
    assert len(coarse.equity) == 3 < len(fine.equity)
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


def test_splits_and_dividends_are_in_trades_and_in_the_benchmark(
    system_house: SystemHouse,
) -> None:
    path = system_house.folder / "actions.csv"
    path.write_text(
        "symbol,ex_date,kind,value\n"
        "AAA,2024-06-04,split,2\nAAA,2024-06-05,dividend,0.5\nBBB,2024-06-05,dividend,1\n"
    )
    system_house.system.data_manager.import_actions(path, "XNYS")
    found = run(system_house, report={"benchmark": "AAA"})
    trades, (told,) = found.columns.trades, found.summary["strategies"]
    assert int(trades.realised_units.sum()) == int(Decimal(repr(told["realised"])) * 10**8)
    assert trades.income_units.sum() == int(Decimal(repr(told["income"])) * 10**8) > 0
    assert (~trades.is_open).sum() == found.summary["trades"]
    bars = found.bars("AAA")
    grown = 2 * bars.close.iloc[-1] / bars.open.iloc[0] * (1 + 0.5 / bars.close.iloc[-1])
    assert found.metrics["benchmark_return"] == pytest.approx(grown - 1)


ODD = """
from app.strategies import Strategy

class Trader(Strategy):
    def on_session_open(self, session):
        for symbol, side in (("AAA", 1), ("BBB", -1)):
            self.order_target(symbol, 75 * side)

    def on_bar(self, bar):
        if self.now.minute == 45:
            self.order_target(bar.symbol, 0)
        elif self.now.minute == 15:
            self.order_target(bar.symbol, 25 if bar.symbol == "AAA" else -25)
"""


def test_what_a_split_leaves_of_a_share_leaves_no_trade_open(system_house: SystemHouse) -> None:
    path = system_house.folder / "actions.csv"
    path.write_text(
        "symbol,ex_date,kind,value\nAAA,2024-06-04,split,1.5\nBBB,2024-06-04,split,0.1\n"
    )
    system_house.system.data_manager.import_actions(path, "XNYS")
    text = ODD.replace("minute == 45", "minute == 45 and self.now.hour < 15")  # held overnight
    system_house.strategy("trader.py", text)
    found = run(system_house)
    trades, (told,) = found.columns.trades, found.summary["strategies"]
    assert int(trades.realised_units.sum()) == int(Decimal(repr(told["realised"])) * 10**8)
    assert (~trades.is_open).sum() == found.summary["trades"] > 10
    assert found.metrics["trades_open"] == 2  # of 25 each, as the last day ends
    assert [one["part_price"] > 0 for one in found.facts["actions"]] == [True, True]


def test_another_way_of_reckoning_comes_to_the_same(system_house: SystemHouse) -> None:
    """From the frames alone, by pandas and empyrical, a minute and a fill at a time."""
    import empyrical  # brings all of scipy: not for every worker that collects this

    found = run(system_house, execution=COSTLY["execution"], end="2024-06-07")
    metrics, days = found.metrics, found.sessions.equity
    start = found.summary["start_equity"]
    returns = pd.concat([pd.Series([start]), days]).pct_change().iloc[1:]
    expected = {
        "volatility_252": empyrical.annual_volatility(returns),
        "sharpe_daily_252": empyrical.sharpe_ratio(returns),
        "sortino_daily_252": empyrical.sortino_ratio(returns),
        "omega_daily": empyrical.omega_ratio(returns),
        "var_95_daily": empyrical.value_at_risk(returns),
        "cvar_95_daily": empyrical.conditional_value_at_risk(returns),
        "max_drawdown_daily": -empyrical.max_drawdown(returns),
        "best_day": returns.max(),
        "up_days": (returns > 0).mean(),
        "skew_daily": ((returns - returns.mean()) ** 3).mean() / returns.std(ddof=0) ** 3,
    }
    fills = found.fills
    expected["traded_value"] = (fills.quantity.abs() * fills.price).sum()
    expected["turnover"] = expected["traded_value"] / days.mean()
    profit, held, exposed = _walked(found)
    expected["trades"] = len(profit)
    expected["win_rate"] = (profit > 0).mean()
    expected["profit_factor"] = profit[profit > 0].sum() / -profit[profit < 0].sum()
    expected["expectancy"] = profit.mean()
    expected["sqn"] = len(profit) ** 0.5 * profit.mean() / profit.std()
    expected["time_in_market"] = (held > 0).mean()
    expected["exposure_average"] = exposed.sum() / _worth_by_minute(found, start)
    curve = pd.concat([pd.Series([start]), found.equity.equity])
    below = (1 - curve / curve.cummax()).to_numpy()
    expected["max_drawdown"] = below.max()
    expected["max_drawdown_money"] = (curve.cummax() - curve).iloc[below.argmax()]
    expected |= {"worst_day": returns.min(), "total_return": days.iloc[-1] / start - 1}
    expected |= {"best_trade": profit.max(), "worst_trade": profit.min()}
    expected["average_win"] = profit[profit > 0].mean()
    expected["average_loss"] = profit[profit < 0].mean()
    expected["payoff"] = expected["average_win"] / -expected["average_loss"]
    closed = found.trades[~found.trades.is_open].sort_values("last_fill_id")
    expected["trades_open"] = len(found.trades) - len(profit)
    expected["trades_per_day"] = len(profit) / len(days)
    expected["holding_average_seconds"] = (closed.exit - closed.index).dt.total_seconds().mean()
    for name, signs in (("win", closed.profit > 0), ("loss", closed.profit < 0)):
        runs = signs.groupby((signs != signs.shift()).cumsum().to_numpy()).sum()
        expected[f"{name}_streak_longest"] = runs.max()
    for name, value in expected.items():
        assert metrics[name] == pytest.approx(value), name


def _walked(found: Run) -> tuple[pd.Series, np.ndarray, np.ndarray]:
    """Profits of trades; positions held in each minute, and what they had cost."""
    minutes = np.concatenate([
        np.arange(first, end, MINUTE_NS)
        for first, end in zip(
            found.columns.sessions.start_ns, found.columns.sessions.end_ns, strict=True
        )
    ])  # fmt: skip
    held, cost = np.zeros(len(minutes)), np.zeros(len(minutes))
    profits: list[float] = []
    for _, own in found.fills.groupby("symbol", observed=True):
        quantity = paid = earned = 0.0
        steps = [(-1, 0.0, 0.0)]
        for at, fill in own.iterrows():
            fee = fill.fee
            if quantity and (quantity > 0) != (fill.quantity > 0):
                share = min(abs(fill.quantity), abs(quantity)) / abs(fill.quantity)
                part = fill.quantity * share
                earned += -part * (fill.price - paid / quantity) - fee * share
                paid -= paid / quantity * -part
                quantity += part
                fee -= fee * share
                if not quantity:
                    profits.append(earned)
                    earned, paid = 0.0, 0.0
                fill = fill.copy()
                fill.quantity -= part
            if fill.quantity:
                quantity += fill.quantity
                paid += fill.quantity * fill.price
                earned -= fee
            steps.append((at.value, float(quantity != 0), abs(paid)))
        times = np.array([step[0] for step in steps])
        places = np.searchsorted(times, minutes, side="right") - 1
        held += np.array([step[1] for step in steps])[places]
        cost += np.array([step[2] for step in steps])[places]
    return pd.Series(profits), held, cost


def _worth_by_minute(found: Run, start: float) -> float:
    """What the account was worth at the start of each minute's day, over all minutes."""
    days = found.columns.sessions
    lengths = (days.end_ns - days.start_ns) / MINUTE_NS
    return float((np.append(start, days.equity)[:-1] * lengths).sum())
