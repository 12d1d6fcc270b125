"""Closed trades by strategy, symbol, side, and the hour, weekday and month they began in."""

from collections.abc import Sequence

import numpy as np

from app.core.bars import Ints
from app.results.tables import Tables
from app.services.metrics.breakdown import Slice, slices
from app.services.metrics.trading import ClosedTrades

_SIDES = ("long", "short")
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_HOURS = tuple(f"{hour:02}:00" for hour in range(24))


def slices_of(tables: Tables, closed: ClosedTrades, rows: Ints) -> dict[str, list[Slice]]:
    """`rows` are the places of these trades in the table. Times are local to the market."""
    trades = tables.trades
    moments = [tables.to_local(at) for at in trades.entry_ns[rows].tolist()]
    numbers = [at.year * 12 + at.month - 1 for at in moments]
    months = sorted(set(numbers))
    place = {number: row for row, number in enumerate(months)}
    keys: dict[str, tuple[Sequence[int], Sequence[str]]] = {
        "strategy": (trades.strategy[rows].tolist(), tables.strategies),
        "symbol": (trades.symbol[rows].tolist(), tables.symbols),
        "side": ((trades.side[rows] < 0).astype(int).tolist(), _SIDES),
        "hour": ([at.hour for at in moments], _HOURS),
        "weekday": ([at.weekday() for at in moments], _WEEKDAYS),
        "month": ([place[number] for number in numbers], [_month(one) for one in months]),
    }
    return {
        name: slices(closed, np.array(places, np.int64), names)
        for name, (places, names) in keys.items()
    }


def _month(number: int) -> str:
    return f"{number // 12}-{number % 12 + 1:02}"
