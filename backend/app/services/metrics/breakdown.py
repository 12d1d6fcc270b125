"""Closed trades by something they share, and the days' returns by month."""

from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from app.core.bars import Floats, Ints
from app.services.metrics import trading
from app.services.metrics.figures import Number, total


class Slice(msgspec.Struct, frozen=True):
    """The trades of one strategy, symbol, hour, ..."""

    key: str
    trades: int
    wins: int
    win_rate: Number | None
    profit: float
    fees: float
    expectancy: Number | None
    profit_factor: Number | None
    best: Number | None
    worst: Number | None


class Month(msgspec.Struct, frozen=True):
    """The return of one month, from the end of the month before."""

    year: int
    month: int
    days: int
    share: float


def slices(trades: trading.ClosedTrades, keys: Ints, names: Sequence[str]) -> list[Slice]:
    """The trades by key, a place in `names`; those without a trade are left out."""
    order = np.argsort(keys, kind="stable")
    found, firsts = np.unique(keys[order], return_index=True)
    parts = np.split(order, firsts[1:]) if len(found) else []
    return [
        _slice(names[int(key)], trades.take(rows)) for key, rows in zip(found, parts, strict=True)
    ]


def _slice(name: str, trades: trading.ClosedTrades) -> Slice:
    profit = trades.profit
    return Slice(
        key=name,
        trades=len(profit),
        wins=int((profit > 0).sum()),
        win_rate=trading.win_rate(profit).value,
        profit=total(profit),
        fees=total(trades.fees),
        expectancy=trading.expectancy(profit).value,
        profit_factor=trading.profit_factor(profit).value,
        best=trading.extreme_trade(profit, True).value,
        worst=trading.extreme_trade(profit, False).value,
    )


def months(dates: npt.NDArray[np.datetime64], returns: Floats) -> list[Month]:
    """The returns of days compounded by calendar month; `dates` are the days', in order."""
    if not len(returns):
        return []
    month = dates.astype("datetime64[M]").astype(np.int64)
    firsts = np.flatnonzero(np.diff(month, prepend=month[0] - 1))
    growth = np.multiply.reduceat(1.0 + returns, firsts)
    counts = np.diff(np.append(firsts, len(month)))
    return [
        Month(1970 + int(number) // 12, int(number) % 12 + 1, int(days), float(grown) - 1.0)
        for number, days, grown in zip(month[firsts], counts, growth, strict=True)
    ]
