"""Figures of daily returns: beside empyrical where conventions agree, by hand where they do not.

It is imported where it is asked: it brings all of scipy, for every worker that collects this.
"""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.bars import Floats
from app.services.metrics import returns
from app.services.metrics.figures import Figure

Series = list[float]

one = st.integers(-2_000, 2_000).map(lambda n: n / 10_000)
series = st.lists(one, min_size=2, max_size=60)
year_long = st.lists(one, min_size=returns.LEAST_FOR_A_YEAR, max_size=60)
years = st.sampled_from([252, 365])
rates = st.sampled_from([0.0, 0.0001])


def agrees(ours: Figure, theirs: float) -> None:
    """The same; what is no number there is none here, with a reason."""
    if ours.value is None:
        assert ours.reason
        assert not math.isfinite(theirs)
    else:
        assert ours.value == pytest.approx(theirs, rel=1e-9, abs=1e-12)


@given(series, years, rates)
def test_risk_figures_are_empyricals(values: Series, year: int, rate: float) -> None:
    import empyrical

    days = np.array(values)
    agrees(returns.volatility(days, year), empyrical.annual_volatility(days, annualization=year))
    varies = np.ptp(days) > 0  # empyrical takes what rounding leaves of a deviation for one
    if varies:
        agrees(
            returns.sharpe(days, year, rate),
            empyrical.sharpe_ratio(days, risk_free=rate, annualization=year),
        )
    agrees(
        returns.sortino(days, year, rate),
        empyrical.sortino_ratio(days, required_return=rate, annualization=year),
    )
    # empyrical's risk_free is a day's, its required_return a year's
    agrees(returns.omega(days, rate), empyrical.omega_ratio(days, risk_free=rate))


@given(series)
def test_tails_and_drawdown_are_empyricals(values: Series) -> None:
    import empyrical

    days = np.array(values)
    agrees(returns.value_at_risk(days, 5.0), empyrical.value_at_risk(days))
    agrees(returns.expected_shortfall(days, 5.0), empyrical.conditional_value_at_risk(days))
    assert returns.drawdown(days) == pytest.approx(-empyrical.max_drawdown(days), abs=1e-12)


@given(year_long, years)
def test_growth_is_empyricals(values: Series, year: int) -> None:
    import empyrical

    days = np.array(values)
    agrees(returns.cagr(days, year), empyrical.annual_return(days, annualization=year))
    agrees(returns.calmar(days, year), empyrical.calmar_ratio(days, annualization=year))


@given(st.lists(st.tuples(one, one), min_size=20, max_size=60), years, rates)
def test_alpha_and_beta_are_empyricals(
    pairs: list[tuple[float, float]], year: int, rate: float
) -> None:
    import empyrical

    days, benchmark = (np.array(column) for column in zip(*pairs, strict=True))
    if np.std(benchmark) < 1e-9:
        assert returns.beta(days, benchmark).value is None
        return
    agrees(returns.beta(days, benchmark), empyrical.beta(days, benchmark))
    theirs = empyrical.alpha(days, benchmark, risk_free=rate, annualization=year)
    agrees(returns.alpha(days, benchmark, year, rate), theirs)


@given(st.floats(1.0, 1e9), series)
def test_daily_returns_compound_to_the_total_return(start: float, values: Series) -> None:
    equity = start * np.cumprod(1.0 + np.array(values))
    days, why = returns.daily_returns(start, equity)
    assert why is None
    assert days == pytest.approx(values, abs=1e-9)
    agrees(returns.total_return(start, float(equity[-1])), float(np.prod(1.0 + days) - 1.0))


@given(series, st.sampled_from([0.001, 7.0, 1e6]))
def test_no_figure_depends_on_how_much_money_there_is(values: Series, factor: float) -> None:
    equity = 1_000.0 * np.cumprod(1.0 + np.array(values))
    small, _ = returns.daily_returns(1_000.0, equity)
    large, _ = returns.daily_returns(1_000.0 * factor, equity * factor)
    assert small == pytest.approx(large, abs=1e-12)


@given(series, st.integers(0, 5))
def test_figures_that_know_no_order_of_days_do_not_depend_on_it(values: Series, by: int) -> None:
    days, moved = np.array(values), np.roll(values, by)
    for measure in (returns.omega, returns.up_days):
        assert measure(days).value == pytest.approx(measure(moved).value)


def of(measure: Callable[..., Figure], values: Series, *more: float) -> Figure:
    return measure(np.array(values, np.float64), *more)


def test_by_hand() -> None:
    days = [0.01, -0.02, 0.03, 0.0]
    # mean 0.005; deviation (n - 1): root of ((25 + 625 + 625 + 25) / 3) = 20.8167 bps
    assert of(returns.volatility, days, 252).value == pytest.approx(0.0208166600 * 15.8745079)
    assert of(returns.sharpe, days, 252).value == pytest.approx(0.005 / 0.0208166600 * 15.8745079)
    # the one day below 0: root of 0.0004 / 4 = 0.01
    assert of(returns.sortino, days, 252).value == pytest.approx(0.5 * 15.8745079)
    assert of(returns.omega, days).value == pytest.approx(2.0)
    assert of(returns.up_days, days).value == 0.5
    assert of(returns.extreme, days, True).value == 0.03
    # worth 1.01, 0.9898, 1.019494, ...: below its peak once, by 2 %
    assert of(returns.ulcer_index, days).value == pytest.approx(0.01)
    assert returns.daily_rate(0.05, 252) == pytest.approx(1.05 ** (1 / 252) - 1)
    # thirds: away from the mean by -1, -1, 2: 6 / 3 over root of 2, cubed
    assert of(returns.skew, [0.0, 0.0, 0.03]).value == pytest.approx(2 / 2**1.5)


NONE: list[tuple[Callable[..., Figure], Series, tuple[float, ...], str]] = [
    (returns.volatility, [0.01], (252,), "two days"),
    (returns.sharpe, [0.01], (252,), "two days"),
    (returns.sharpe, [0.01, 0.01, 0.01], (252,), "do not vary"),
    (returns.sortino, [0.01], (252,), "two days"),
    (returns.sortino, [0.01, 0.02], (252,), "no day lost"),
    (returns.omega, [], (), "no trading day"),
    (returns.omega, [0.0, 0.0], (), "no day lost"),
    (returns.cagr, [0.01] * 19, (252,), "fewer than 20 days"),
    (returns.cagr, [0.01] * 19 + [-1.5], (252,), "below nothing"),
    (returns.cagr, [9e3] * 30, (365,), "too large"),
    (returns.calmar, [0.01] * 20, (252,), "no drawdown"),
    (returns.calmar, [0.01], (252,), "fewer than 20 days"),
    (returns.value_at_risk, [], (5.0,), "no trading day"),
    (returns.expected_shortfall, [], (5.0,), "no trading day"),
    (returns.extreme, [], (True,), "no trading day"),
    (returns.ulcer_index, [], (), "no trading day"),
    (returns.up_days, [], (), "no trading day"),
    (returns.skew, [0.01, 0.02], (), "three days"),
    (returns.skew, [0.01] * 3, (), "do not vary"),
]


@pytest.mark.parametrize(("measure", "values", "more", "reason"), NONE)
def test_where_there_is_no_figure_the_reason_is_told(
    measure: Callable[..., Figure], values: Series, more: tuple[float, ...], reason: str
) -> None:
    found = of(measure, values, *more)
    assert found.value is None
    assert reason in str(found.reason)


def test_flat_days_have_the_figures_that_there_are() -> None:
    flat = [0.0] * 30
    assert of(returns.volatility, flat, 252).value == 0.0
    assert of(returns.cagr, flat, 252).value == 0.0
    assert returns.drawdown(np.zeros(30)) == 0.0


@given(st.floats(-0.02, 0.02), st.floats(1.0, 1e8), st.integers(2, 400))
def test_growth_that_never_varies_has_no_sharpe_however_it_was_rounded(
    share: float, start: float, count: int
) -> None:
    days, _ = returns.daily_returns(start, start * (1.0 + share) ** np.arange(1, count + 1))
    assert returns.volatility(days, 252).value == 0.0
    for found in (returns.sharpe(days, 252), returns.beta(days, days)):
        assert found.value is None


@pytest.mark.parametrize(
    ("start", "equity", "reason"),
    [
        (100.0, [], "no trading day"),
        (0.0, [1.0], "nothing, or less"),
        (100.0, [0.0, 5.0], "nothing, or less"),
        (100.0, [-5.0, 5.0], "nothing, or less"),
        (100.0, [math.nan, 5.0], "no number"),
        (math.inf, [5.0], "no number"),
    ],
)
def test_returns_that_there_are_not(start: float, equity: Series, reason: str) -> None:
    days, why = returns.daily_returns(start, np.array(equity))
    assert not len(days)
    assert reason in str(why)


@pytest.mark.parametrize(("last", "share"), [(0.0, -1.0), (-50.0, -1.5)])
def test_a_total_loss_on_the_last_day_is_told(last: float, share: float) -> None:
    equity: Floats = np.append(np.full(24, 100.0), last)
    days, why = returns.daily_returns(100.0, equity)
    assert why is None
    assert days[-1] == share
    assert returns.total_return(100.0, last).value == share
    grown = returns.cagr(days, 252)
    assert grown.value == (-1.0 if share == -1.0 else None)
