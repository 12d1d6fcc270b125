"""Figures of closed trades, by hand and by what must hold of any trades."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.services.metrics import trading
from app.services.metrics.breakdown import months, slices

PROFIT = np.array([10.0, -5.0, 0.0, 20.0, 30.0, -10.0, -15.0, -20.0])

profits = st.lists(st.integers(-50, 50).map(float), min_size=1, max_size=30).map(np.array)


def test_by_hand() -> None:
    assert trading.win_rate(PROFIT).value == 3 / 8
    assert trading.profit_factor(PROFIT).value == 60 / 50
    assert trading.expectancy(PROFIT).value == 10 / 8
    assert trading.average_win(PROFIT).value == 20.0
    assert trading.average_loss(PROFIT).value == -12.5
    assert trading.payoff(PROFIT).value == 1.6
    assert trading.longest_streak(PROFIT, True) == 2
    assert trading.longest_streak(PROFIT, False) == 3
    assert trading.extreme_trade(PROFIT, True).value == 30.0
    assert trading.extreme_trade(PROFIT, False).value == -20.0
    # squares 100 + 25 + 0 + 400 + 900 + 100 + 225 + 400 = 2150, less 8 x 1.25^2, over 7
    deviation = math.sqrt((2150 - 12.5) / 7)
    assert trading.quality_number(PROFIT).value == pytest.approx(math.sqrt(8) * 1.25 / deviation)
    assert trading.average_held_seconds(np.array([10**9, 3 * 10**9])).value == 2.0


NONE = np.array([])
SAME = np.array([4.0, 4.0])


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (trading.win_rate(NONE), "no trade was closed"),
        (trading.profit_factor(NONE), "no trade was closed"),
        (trading.profit_factor(SAME), "no trade lost"),
        (trading.expectancy(NONE), "no trade was closed"),
        (trading.average_win(-SAME), "no trade won"),
        (trading.average_loss(SAME), "no trade lost"),
        (trading.payoff(SAME), "no trade lost"),
        (trading.payoff(-SAME), "no trade won"),
        (trading.quality_number(SAME[:1]), "two closed trades"),
        (trading.quality_number(SAME), "brought the same"),
        (trading.extreme_trade(NONE, True), "no trade was closed"),
        (trading.average_held_seconds(NONE), "no trade was closed"),
    ],
)
def test_where_there_is_no_figure_the_reason_is_told(found: trading.Figure, reason: str) -> None:
    assert found.value is None
    assert reason in str(found.reason)


def test_no_trade_has_no_streak() -> None:
    assert trading.longest_streak(NONE, True) == 0
    assert trading.longest_streak(np.array([0.0]), True) == 0


@given(profits)
def test_expectancy_is_what_win_rate_and_averages_come_to(profit: np.ndarray) -> None:
    lost = float((profit < 0).mean()) * (trading.average_loss(profit).value or 0.0)
    won = (trading.win_rate(profit).value or 0.0) * (trading.average_win(profit).value or 0.0)
    assert trading.expectancy(profit).value == pytest.approx(won + lost, abs=1e-9)


@given(profits, st.sampled_from([0.5, 10.0]))
def test_ratios_do_not_depend_on_the_currency(profit: np.ndarray, factor: float) -> None:
    for measure in (
        trading.win_rate, trading.profit_factor, trading.payoff, trading.quality_number,
    ):  # fmt: skip
        assert measure(profit * factor).value == pytest.approx(measure(profit).value)


@given(st.lists(st.tuples(st.integers(-50, 50), st.integers(0, 3)), min_size=1, max_size=30))
def test_slices_hold_every_trade_once(rows: list[tuple[int, int]]) -> None:
    profit = np.array([row[0] / 8 for row in rows])
    trades = trading.ClosedTrades(profit, np.abs(profit) / 2, np.ones(len(rows), np.int64))
    found = slices(trades, np.array([row[1] for row in rows]), "abcd")
    assert [one.key for one in found] == sorted({"abcd"[row[1]] for row in rows})
    assert sum(one.trades for one in found) == len(rows)
    assert sum(one.profit for one in found) == profit.sum()  # eighths: exact
    assert sum(one.fees for one in found) == trades.fees.sum()
    assert sum(one.wins for one in found) == (profit > 0).sum()


def test_no_trades_have_no_slices() -> None:
    empty = trading.ClosedTrades(NONE, NONE, np.array([], np.int64))
    assert slices(empty, np.array([], np.int64), "ab") == []


def test_months_compound_their_days() -> None:
    dates = np.array(["2024-01-30", "2024-01-31", "2024-02-01", "2024-04-01"], "datetime64[D]")
    found = months(dates, np.array([0.1, 0.1, -0.5, 0.02]))
    assert [(one.year, one.month, one.days) for one in found] == [
        (2024, 1, 2),
        (2024, 2, 1),
        (2024, 4, 1),
    ]
    assert [one.share for one in found] == pytest.approx([0.21, -0.5, 0.02])
    assert months(dates[:0], NONE) == []
