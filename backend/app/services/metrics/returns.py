"""Figures of a series of daily returns: one a trading day of the market, from close to close.

`year` is how many trading days make a year of the market, `daily_rate` what is free of risk a day.
Each figure follows from the returns alone; `daily_returns` makes them of an account.
"""

import math

import numpy as np

from app.core.bars import Floats
from app.services.metrics.figures import Figure, deviation, figure, none, ratio, total

LEAST_FOR_A_YEAR = 20  # days from which growth is projected on to a year

_TOO_FEW = "it takes two days at least"
_TOO_SHORT = f"growth over fewer than {LEAST_FOR_A_YEAR} days is not projected on to a year"
_STEADY = "the returns do not vary"


def daily_returns(start: float, equity: Floats) -> tuple[Floats, str | None]:
    """The return of each day, given the account at its start and at the end of each; or why there
    are none.
    """
    before = np.append(start, equity)[:-1]
    if not len(equity):
        return equity, "there was no trading day"
    if not (math.isfinite(start) and np.isfinite(equity).all()):
        return equity[:0], "the curve holds what is no number"
    if (before <= 0).any():
        return equity[:0], "the account was worth nothing, or less"
    return equity / before - 1.0, None


def daily_rate(yearly: float, year: int) -> float:
    """A yearly rate a day, compounded."""
    return math.exp(math.log1p(yearly) / year) - 1.0 if yearly > -1.0 else -1.0


def total_return(start: float, end: float) -> Figure:
    """end / start - 1."""
    if start <= 0:
        return none("the account began with nothing, or less")
    return figure(end / start - 1.0)


def cagr(returns: Floats, year: int) -> Figure:
    """The growth of a year: the product of 1 + r, to the power of year / days, less 1."""
    if len(returns) < LEAST_FOR_A_YEAR:
        return none(_TOO_SHORT)
    growth = float(np.prod(1.0 + returns))
    if growth < 0:
        return none("the account ended below nothing")
    with np.errstate(over="ignore"):
        return figure(float(np.power(growth, year / len(returns)) - 1.0))


def volatility(returns: Floats, year: int) -> Figure:
    """The standard deviation (n - 1) of a day, times the root of a year's days."""
    if len(returns) < 2:
        return none(_TOO_FEW)
    return figure(deviation(returns, 1) * math.sqrt(year))


def sharpe(returns: Floats, year: int, rate: float = 0.0) -> Figure:
    """The mean excess return over its standard deviation (n - 1), times the root of a year."""
    if len(returns) < 2:
        return none(_TOO_FEW)
    excess = returns - rate
    return ratio(float(np.mean(excess)) * math.sqrt(year), deviation(excess, 1), _STEADY)


def sortino(returns: Floats, year: int, rate: float = 0.0) -> Figure:
    """The mean excess return over its downside deviation: the root of the mean, over all days, of
    the squares of those below 0.
    """
    if len(returns) < 2:
        return none(_TOO_FEW)
    excess = returns - rate
    downside = math.sqrt(total(np.minimum(excess, 0.0) ** 2) / len(excess))
    return ratio(float(np.mean(excess)) * math.sqrt(year), downside, "no day lost")


def omega(returns: Floats, rate: float = 0.0) -> Figure:
    """All that days brought above the rate, over all that they fell short of it."""
    excess = returns - rate
    if not len(excess):
        return none("there was no trading day")
    lost = -total(excess[excess < 0])
    return ratio(total(excess[excess > 0]), lost, "no day lost")


def drawdown(returns: Floats) -> float:
    """The deepest fall of the compounded returns below their peak, as a share of it."""
    worth = np.cumprod(np.append(1.0, 1.0 + returns))
    peaks = np.maximum.accumulate(worth)
    return float(((peaks - worth) / peaks).max())


def calmar(returns: Floats, year: int) -> Figure:
    """The growth of a year over the deepest daily drawdown."""
    growth = cagr(returns, year)
    if growth.value is None:
        return growth
    return ratio(growth.value, drawdown(returns), "there was no drawdown")


def ulcer_index(returns: Floats) -> Figure:
    """The root of the mean square of the drawdown at the end of each day."""
    if not len(returns):
        return none("there was no trading day")
    worth = np.cumprod(np.append(1.0, 1.0 + returns))
    peaks = np.maximum.accumulate(worth)
    return figure(math.sqrt(float(np.mean(((peaks - worth) / peaks)[1:] ** 2))))


def value_at_risk(returns: Floats, percent: float) -> Figure:
    """The return that `percent` of the days stayed below, by linear interpolation."""
    if not len(returns):
        return none("there was no trading day")
    return figure(float(np.percentile(returns, percent)))


def expected_shortfall(returns: Floats, percent: float) -> Figure:
    """The mean of the worst `percent` of the days, of one at least."""
    if not len(returns):
        return none("there was no trading day")
    count = int((len(returns) - 1) * percent / 100.0) + 1
    return figure(float(np.mean(np.sort(returns)[:count])))


def extreme(returns: Floats, best: bool) -> Figure:
    """The best or the worst day."""
    if not len(returns):
        return none("there was no trading day")
    return figure(float(returns.max() if best else returns.min()))


def up_days(returns: Floats) -> Figure:
    """The share of days that ended above where they began."""
    return ratio(int((returns > 0).sum()), len(returns), "there was no trading day")


def skew(returns: Floats) -> Figure:
    """The third moment about the mean, over the cube of the deviation (n)."""
    if len(returns) < 3:
        return none("it takes three days at least")
    away = returns - np.mean(returns)
    return ratio(float(np.mean(away**3)), deviation(returns, 0) ** 3, _STEADY)


def beta(returns: Floats, benchmark: Floats) -> Figure:
    """The covariance with the benchmark's returns over their variance."""
    if len(returns) < 2:
        return none(_TOO_FEW)
    away = benchmark - np.mean(benchmark)
    variance = float(np.mean(away**2)) if deviation(benchmark, 0) else 0.0
    return ratio(
        float(np.mean(away * (returns - np.mean(returns)))), variance, "the benchmark does not vary"
    )


def alpha(returns: Floats, benchmark: Floats, year: int, rate: float = 0.0) -> Figure:
    """What a day brings that beta does not explain, compounded to a year."""
    if len(returns) < LEAST_FOR_A_YEAR:
        return none(_TOO_SHORT)
    slope = beta(returns, benchmark)
    if slope.value is None:
        return slope
    daily = float(np.mean(returns - rate - slope.value * (benchmark - rate)))
    if daily <= -1.0:
        return none("it is less than all there was")
    with np.errstate(over="ignore"):
        return figure(float(np.power(1.0 + daily, year) - 1.0))
