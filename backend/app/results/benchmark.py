"""What a run is measured by: the daily returns of holding a symbol of it, or all in equal parts."""

from collections.abc import Sequence

import numpy as np

from app.core.bars import Floats
from app.core.errors import AppError
from app.core.intervals import interval_ns
from app.results.tables import Tables


def benchmark_returns(tables: Tables, symbols: Sequence[str]) -> tuple[Floats, str | None]:
    """Bought at the open of the run's first bar in equal parts and held, splits and dividends
    counted; each in its own currency. Of each day one bar is looked up.
    """
    worth = []
    for symbol in symbols:
        found = _worth(tables, symbol)
        if isinstance(found, str):
            return np.empty(0), found
        worth.append(found)
    if not worth or not len(tables.sessions):
        return np.empty(0), "there was no trading day"
    whole = np.mean(worth, axis=0)
    return whole[1:] / whole[:-1] - 1.0, None


def _worth(tables: Tables, symbol: str) -> Floats | str:
    """What 1 in a symbol was worth at the start and at the end of each day; or why none knows."""
    try:
        bars = tables.bars(symbol)
    except AppError:
        return f"no bars of {symbol} are stored"
    days = tables.sessions
    ends, curve = days.end_ns.copy(), tables.equity.instant_ns
    if len(ends) and tables.through_ns:  # bars stored after the run's end are none of its
        ends[-1] = min(ends[-1], tables.through_ns)
    places = np.searchsorted(bars.start_ns, ends) - 1
    if not len(bars) or places[0] < 0:
        return f"{symbol} has no bar on the first day"
    closes = bars.close[places]
    began = 0
    if len(curve) and curve[0] < days.end_ns[0]:  # a live run may begin amid a day
        known_ns = bars.start_ns + interval_ns(tables.base_interval)
        began = min(int(np.searchsorted(known_ns, curve[0])), len(bars) - 1)
    first = bars.open[began]
    if not first > 0 or not (closes > 0).all():
        return f"{symbol} has a price of 0"
    shares = np.ones(len(days))
    code = tables.symbols.index(symbol)
    for action in tables.actions:
        if action.symbol != code or action.at_ns <= bars.start_ns[began]:
            continue  # it was bought in the new terms, and without the dividend
        day = int(np.searchsorted(bars.start_ns[places], action.at_ns))  # of the first close since
        shares[day:] *= float(action.split_ratio)
        if day < len(days):  # reinvested at that close
            shares[day:] *= 1.0 + float(action.dividend) / closes[day]
    return np.append(1.0, shares * closes / first)
