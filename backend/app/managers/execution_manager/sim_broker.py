"""The simulated broker: holds working orders, finds the bar each can match, and fills it.

It is stepped synchronously inside the instant, so that a fill is known at the very instant
its bar is. An order belongs to the bars that start at or after it was given, never earlier.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from decimal import Decimal

from app.core.bars import SymbolRows, Table, no_rows, numbers
from app.core.orders import Order
from app.services.matching import capacity_units, market_units

NEVER_NS = 2**63 - 1
# Called with each execution: order, units, price, start of its bar, instant.
OnFill = Callable[[Order, int, float, int, int], None]


class BarBook:
    """The base bars of one block as the broker sees them: a symbol's first bar from a moment on."""

    def __init__(self, base: Table, rows: SymbolRows | None) -> None:
        self.base = base
        self.rows = rows
        self.known_ns = numbers(base.known_ns)
        self.start_ns = numbers(base.start_ns)
        self.open = numbers(base.open)
        self._by_symbol: dict[int, tuple[Sequence[int], Sequence[int]]] = {}
        self.near_row = -1  # a guess, of whoever asks next: the row before the one looked for

    def next_row(self, symbol: int, from_ns: int) -> int:
        """The first row of `symbol` that starts at or after `from_ns`; -1 for none."""
        if self.rows is None:
            starts, row = self.start_ns, self.near_row + 1
            if 0 < row < len(starts) and starts[row - 1] < from_ns <= starts[row]:
                return row
            row = bisect_left(starts, from_ns)
            return row if row < len(starts) else -1
        rows_of, starts_of = self._rows_of(symbol, self.rows)
        place = bisect_left(starts_of, from_ns)
        return rows_of[place] if place < len(rows_of) else -1

    def last_row(self, symbol: int, now_ns: int) -> int:
        """The last row of `symbol` known at `now_ns`; -1 when this block has none."""
        if self.rows is None:
            return bisect_right(self.known_ns, now_ns) - 1
        rows, _ = self._rows_of(symbol, self.rows)
        place = bisect_right(rows, now_ns, key=self.known_ns.__getitem__)
        return rows[place - 1] if place else -1

    def has_volume(self, symbol: int, now_ns: int) -> bool:
        """Whether a bar of `symbol` known at `now_ns` has any volume."""
        end = bisect_right(self.known_ns, now_ns)
        traded = self.base.volume[:end] > 0
        if self.rows is not None:
            traded &= self.base.symbol[:end] == symbol
        return bool(traded.any())

    def _rows_of(self, symbol: int, symbol_rows: SymbolRows) -> tuple[Sequence[int], Sequence[int]]:
        """The rows of a symbol and their starts, made when first asked for."""
        pair = self._by_symbol.get(symbol)
        if pair is None:
            rows = symbol_rows.of(symbol)
            pair = self._by_symbol[symbol] = numbers(rows), numbers(self.base.start_ns[rows])
        return pair


class SimBroker:
    """Market orders of one run, all symbols, in order of acceptance.

    A symbol whose bars have shown no volume yet is taken for one that has none: quotes, say. Its
    orders share nothing then, and fill whole.
    """

    def __init__(
        self, lot_units: list[int], participation: Decimal | None, on_fill: OnFill
    ) -> None:
        self._lot_units = lot_units
        self._on_fill = on_fill
        self._share = None if participation is None else participation.as_integer_ratio()
        # symbols that have shown no volume so far; asked for only where volume counts
        self._silent = set() if participation is None else set(range(len(lot_units)))
        self._book = BarBook(no_rows(), None)
        self.working: dict[int, Order] = {}
        self.due_ns = NEVER_NS  # when the earliest bar that can fill something is known

    def load(self, book: BarBook) -> None:
        """Go on with the next block of bars."""
        self._silent = {s for s in self._silent if not self._book.has_volume(s, NEVER_NS)}
        self._book = book
        for order in self.working.values():
            order.bar_row = book.next_row(order.symbol_index, order.created_ns)
        self._find_due()

    def accept(self, order: Order) -> None:
        """Take an order; it can fill from the first bar that starts at or after now."""
        self.working[order.order_id] = order
        book = self._book
        row = order.bar_row = book.next_row(order.symbol_index, order.created_ns)
        if row >= 0:
            known_ns = book.known_ns[row]
            if known_ns < self.due_ns:
                self.due_ns = known_ns

    def remove(self, order: Order) -> None:
        """Forget an order that ended without a fill."""
        del self.working[order.order_id]
        self._find_due()

    def match(self, now_ns: int) -> None:
        """Fill what the bars known at `now_ns` fill, by order sequence over all symbols."""
        working, book = self.working, self._book
        if len(working) == 1 and self._share is None:  # by far the most frequent case
            _, order = working.popitem()
            self.due_ns = NEVER_NS
            row, units = order.bar_row, order.units - order.filled_units
            self._on_fill(order, units, book.open[row], book.start_ns[row], now_ns)
            return
        left: dict[int, int] = {}  # of each symbol's bar, for the orders that share it
        for order in list(working.values()):
            row = order.bar_row
            if row < 0 or book.known_ns[row] != now_ns:
                continue
            remaining = units = order.units - order.filled_units
            if self._share is not None:
                capacity = self._capacity(order, self._share, left)
                if capacity is not None:
                    units = market_units(remaining, capacity)
                    left[order.symbol_index] = capacity - abs(units)
            if units == remaining:
                del working[order.order_id]
            else:
                order.bar_row = book.next_row(order.symbol_index, book.start_ns[row] + 1)
            if units:
                self._on_fill(order, units, book.open[row], book.start_ns[row], now_ns)
        self._find_due()

    def _capacity(self, order: Order, share: tuple[int, int], left: dict[int, int]) -> int | None:
        """What is left for us of an order's bar; None while its symbol's data has no volume."""
        symbol, book = order.symbol_index, self._book
        if symbol in left:
            return left[symbol]
        volume = float(book.base.volume[order.bar_row])
        silent = volume == 0 and symbol in self._silent
        if silent and not book.has_volume(symbol, book.known_ns[order.bar_row]):
            return None
        return capacity_units(volume, share, self._lot_units[symbol])

    def _find_due(self) -> None:
        """Recompute `due_ns` over the working orders."""
        known_ns = self._book.known_ns
        rows = [order.bar_row for order in self.working.values() if order.bar_row >= 0]
        self.due_ns = min([known_ns[row] for row in rows], default=NEVER_NS)
