"""The yardstick: what a good engineer would write by hand for this one strategy, and no more.

Columns in, fills and exact money out. A bar object and two indicators exist for the strategy's
body, as in the engine; there is no clock, no risk, no record and no equity curve.
"""

from itertools import repeat

import talib

from app.core.bars import COLUMNS, Bar, BarColumns
from app.core.money import UNITS

CHUNK_ROWS = 8_192  # bigger lists fall out of the processor's cache
TIE = 1e-9

Fill = tuple[int, str, int, float]  # start of its bar, symbol, quantity, price


class Reading:
    """An average's last two values. They are prices, so a tie is measured by the value itself.

    The plain comparison comes first: it settles most calls without any arithmetic.
    """

    __slots__ = ("now", "was")

    def __init__(self) -> None:
        self.now = self.was = float("nan")

    def crossed_above(self, other: "Reading") -> bool:
        return (
            self.now > other.now
            and self.was - other.was < TIE * self.was
            and self.now - other.now >= TIE * self.now
        )

    def crossed_below(self, other: "Reading") -> bool:
        return (
            self.now < other.now
            and other.was - self.was < TIE * self.was
            and other.now - self.now >= TIE * self.now
        )


class Account:
    """Cash in exact units, one holding, and the order that waits for the next open."""

    __slots__ = ("cash_units", "fills", "held", "waiting")

    def __init__(self) -> None:
        self.cash_units = 0
        self.held = 0
        self.waiting: tuple[str, int] | None = None
        self.fills: list[Fill] = []

    def order_target(self, symbol: str, quantity: int) -> None:
        if quantity != self.held:
            self.waiting = symbol, quantity - self.held

    def fill(self, order: tuple[str, int], bar: Bar) -> None:
        symbol, quantity = order
        self.cash_units -= quantity * round(bar.open * UNITS)
        self.held += quantity
        self.fills.append((bar.start_ns, symbol, quantity, bar.open))
        self.waiting = None


def trade_by_hand(symbol: str, interval: str, columns: BarColumns) -> tuple[int, int]:
    """Hold 100 while SMA 10 is above SMA 30; the number of fills, and the profit in units."""
    fast, slow, account = Reading(), Reading(), Account()
    fast_sma, slow_sma = talib.SMA(columns.close, 10), talib.SMA(columns.close, 30)
    for first in range(0, len(columns), CHUNK_ROWS):
        rows = slice(first, first + CHUNK_ROWS)
        fields = [getattr(columns, name)[rows].tolist() for name in COLUMNS]
        bars = map(Bar, repeat(symbol), repeat(interval), *fields)
        averages = fast_sma[rows].tolist(), slow_sma[rows].tolist()
        for bar, fast_now, slow_now in zip(bars, *averages, strict=True):
            if account.waiting:
                account.fill(account.waiting, bar)
            fast.was = fast.now
            fast.now = fast_now
            slow.was = slow.now
            slow.now = slow_now
            if fast.crossed_above(slow):
                account.order_target(bar.symbol, 100)
            elif fast.crossed_below(slow):
                account.order_target(bar.symbol, 0)
    worth_units = account.held * round(float(columns.close[-1]) * UNITS)
    return len(account.fills), account.cash_units + worth_units
