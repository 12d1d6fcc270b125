"""How wide each symbol's last bars were: the move that slippage by volatility is a part of.

The book of a block begins with no past, so the last bars of each symbol are carried on from one
block to the next: a block's boundary changes no price. Ranges are whole units, as whole numbers
add up to the same in any order.
"""

from bisect import bisect_right
from decimal import Decimal

from app.core.bars import Ints, SymbolRows, Table, numbers
from app.core.money import UNITS
from app.services.true_range import price_units


class RangeBook:
    """The mean of high less low over the last `bars` bars of a symbol."""

    def __init__(self, symbols: int, bars: int) -> None:
        self._bars = bars
        self._known_ns: list[list[int]] = [[] for _ in range(symbols)]
        self._ranges_units: list[list[int]] = [[] for _ in range(symbols)]

    def state(self) -> list[tuple[list[int], list[int]]]:
        """By symbol: when its last bars were known, and their ranges."""
        pairs = zip(self._known_ns, self._ranges_units, strict=True)
        return [(known[-self._bars :], ranges[-self._bars :]) for known, ranges in pairs]

    def restore(self, state: list[tuple[list[int], list[int]]]) -> None:
        """As they were."""
        self._known_ns = [known for known, _ in state]
        self._ranges_units = [ranges for _, ranges in state]

    def load(self, base: Table, rows: SymbolRows | None) -> None:
        """Go on with the next block of bars; `rows` is None where there is only one symbol."""
        if not len(base):
            return
        self._go_on(base.known_ns, price_units(base.high - base.low), rows)

    def split(self, symbol: int, ratio: Decimal, now_ns: int) -> None:
        """A symbol's shares are split: the bars known by now, in the terms of the new ones."""
        new, old = ratio.as_integer_ratio()
        units = self._ranges_units[symbol]
        for place in range(bisect_right(self._known_ns[symbol], now_ns)):
            units[place] = units[place] * old // new

    def mean(self, symbol: int, at_ns: int) -> float:
        """The mean range of the bars known at a moment, down to the unit; 0 while none is."""
        end = bisect_right(self._known_ns[symbol], at_ns)
        units = self._ranges_units[symbol][max(0, end - self._bars) : end]
        return sum(units) // len(units) / UNITS if units else 0.0

    def _go_on(self, known_ns: Ints, ranges_units: Ints, rows: SymbolRows | None) -> None:
        for symbol in [0] if rows is None else rows.present:
            own = slice(None) if rows is None else rows.of(symbol)
            for kept, column in (
                (self._known_ns[symbol], known_ns),
                (self._ranges_units[symbol], ranges_units),
            ):
                del kept[: -self._bars]
                kept.extend(numbers(column[own]))
