"""The simulated broker: holds working orders, finds the bar each can match, and fills it.

It is stepped synchronously inside the instant, so that a fill is known at the very instant
its bar is. An order belongs to the bars that start at or after it was given, never earlier.
"""

from bisect import bisect_left
from decimal import Decimal

import numpy as np

from app.core.bars import Block
from app.core.orders import Order
from app.services.matching import capacity_units, market_units

NEVER_NS = 2**63 - 1
Execution = tuple[Order, int, float, int]  # order, units, price, start of the bar


class BarBook:
    """The base bars of one block as the broker sees them: a symbol's first bar from a moment on."""

    def __init__(self, block: Block, symbols: int) -> None:
        self.block = block
        self.known_ns: list[int] = block.known_ns.tolist()
        self.start_ns: list[int] = block.start_ns.tolist()
        self._alone = symbols == 1
        self._by_symbol: dict[int, tuple[list[int], list[int]]] = {}

    def next_row(self, symbol: int, from_ns: int) -> int:
        """The first row of `symbol` that starts at or after `from_ns`; -1 when this block has none."""
        if self._alone:
            row = bisect_left(self.start_ns, from_ns)
            return row if row < len(self.start_ns) else -1
        pair = self._by_symbol.get(symbol)
        if pair is None:
            rows = np.flatnonzero(self.block.symbol == symbol)
            pair = self._by_symbol[symbol] = (rows.tolist(), self.block.start_ns[rows].tolist())
        rows_of, starts_of = pair
        place = bisect_left(starts_of, from_ns)
        return rows_of[place] if place < len(rows_of) else -1


class SimBroker:
    """Market orders of one run, all symbols, in order of acceptance."""

    def __init__(self, lot_units: list[int], participation: Decimal | None) -> None:
        self._lot_units = lot_units
        self._participation = participation
        self._book: BarBook | None = None
        self.working: dict[int, Order] = {}
        self.due_ns = NEVER_NS  # when the earliest bar that can fill something is known

    def load(self, book: BarBook) -> None:
        """Go on with the next block of bars."""
        self._book = book
        for order in self.working.values():
            order.bar_row = book.next_row(order.symbol_index, order.created_ns)
        self._find_due()

    def accept(self, order: Order) -> None:
        """Take an order; it can fill from the first bar that starts at or after now."""
        self.working[order.order_id] = order
        book = self._book
        if book is not None:
            row = order.bar_row = book.next_row(order.symbol_index, order.created_ns)
            if row >= 0 and book.known_ns[row] < self.due_ns:
                self.due_ns = book.known_ns[row]

    def remove(self, order: Order) -> None:
        """Forget an order that ended without a fill."""
        del self.working[order.order_id]
        self._find_due()

    def match(self, now_ns: int) -> list[Execution]:
        """Fill what the bars known at `now_ns` fill, by order sequence over all symbols."""
        book = self._book
        assert book is not None
        block, known_ns = book.block, book.known_ns
        executions: list[Execution] = []
        left: dict[int, int | None] = {}
        for order in list(self.working.values()):
            row = order.bar_row
            if row < 0 or known_ns[row] != now_ns:
                continue
            symbol = order.symbol_index
            if self._participation is not None and symbol not in left:
                volume = float(block.volume[row])
                left[symbol] = capacity_units(volume, self._participation, self._lot_units[symbol])
            remaining = order.units - order.filled_units
            capacity = left.get(symbol)
            units = market_units(remaining, capacity)
            if units:
                executions.append((order, units, float(block.open[row]), book.start_ns[row]))
                if capacity is not None:
                    left[symbol] = capacity - abs(units)
            if units == remaining:
                del self.working[order.order_id]
            else:
                order.bar_row = book.next_row(symbol, book.start_ns[row] + 1)
        self._find_due()
        return executions

    def _find_due(self) -> None:
        """Recompute `due_ns` over the working orders."""
        due = NEVER_NS
        if self.working and self._book is not None:
            known_ns = self._book.known_ns
            for order in self.working.values():
                if order.bar_row >= 0 and known_ns[order.bar_row] < due:
                    due = known_ns[order.bar_row]
        self.due_ns = due
