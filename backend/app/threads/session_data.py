"""What the outside sees of a run under way: a snapshot, published between two blocks."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal

import msgspec
import numpy as np

from app.core.bars import Bar
from app.core.windows import Window
from app.threads.data_processor import SessionPart
from app.threads.plan import Plan


class SymbolData(msgspec.Struct, frozen=True):
    """One symbol: its last bar per interval, its indicators, what is held of it."""

    symbol: str
    bars: Mapping[str, Bar]
    indicators: Mapping[str, float]  # those that are ready, "SMA(10) on 1m"
    quantity: Decimal


class SessionData(msgspec.Struct, frozen=True):
    """The run at one instant."""

    now_ns: int
    session: dt.date | None
    cash: Decimal
    equity: Decimal
    symbols: tuple[SymbolData, ...]


def symbol_data(
    plan: Plan, part: SessionPart | None, symbol: int, now_ns: int, quantity: Decimal
) -> SymbolData:
    """One symbol's part of a snapshot, with nothing in it that is not known by `now_ns`."""
    bars: dict[str, Bar] = {}
    indicators: dict[str, float] = {}
    if part is not None:
        for interval in plan.intervals:
            window = part.windows[symbol, interval]
            row = _row(window, now_ns)
            if row >= 0:
                bars[interval] = _bar(plan.symbols[symbol], interval, window, row)
        for declared, values in zip(plan.declared, part.values, strict=True):
            row = _row(part.windows[symbol, declared.interval], now_ns)
            if declared.symbol == symbol and row >= max(values.first_ready, 0):
                for name, output in zip(declared.computation.outputs, values.outputs, strict=True):
                    several = f".{name}" if len(values.outputs) > 1 else ""
                    label = f"{declared.computation.label}{several} on {declared.interval}"
                    indicators[label] = float(output[row])
    return SymbolData(plan.symbols[symbol], bars, indicators, quantity)


def _row(window: Window, now_ns: int) -> int:
    return int(np.searchsorted(window.known_ns, now_ns, side="right")) - 1


def _bar(symbol: str, interval: str, window: Window, row: int) -> Bar:
    prices = (window.open, window.high, window.low, window.close, window.volume)
    values = [float(column[row]) for column in prices]
    return Bar(symbol, interval, int(window.start_ns[row]), *values)
