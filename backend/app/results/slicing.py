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
    moments = [tables.to_local(at) for at in _begun(tables, rows)]
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


def _begun(tables: Tables, rows: Ints) -> list[int]:
    """The start of the bar that first filled each, as a fill is known at its end: of a day's bar
    that may be the day after. What was adopted has none.
    """
    fills, trades = tables.fills, tables.trades
    bars = dict(zip(fills.fill_id.tolist(), fills.bar_start_ns.tolist(), strict=True))
    firsts = zip(trades.first_fill_id[rows].tolist(), trades.entry_ns[rows].tolist(), strict=True)
    return [bars.get(number) or entry_ns for number, entry_ns in firsts]


def _month(number: int) -> str:
    return f"{number // 12}-{number % 12 + 1:02}"
