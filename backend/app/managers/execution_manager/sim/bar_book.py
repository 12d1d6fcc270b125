"""The base bars of one block as the broker sees them: a symbol's next, or next at a price."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

import numpy as np

from app.core.bars import Floats, Ints, SymbolRows, Table, numbers
from app.core.calendar import TradingSession
from app.core.orders import IOC, TRAILING_STOP, Order
from app.services.matching import Prices

NEVER_NS = 2**63 - 1
# Of one symbol: its rows, when they start and when they are known.
_Rows = tuple[Sequence[int], Sequence[int], Sequence[int]]


class _Closes:
    """A symbol's closes in time order. Whoever asks goes on by a bar, most often."""

    __slots__ = ("_closes", "_known_ns", "_place")

    def __init__(self, known_ns: Ints, closes: Floats) -> None:
        self._known_ns = numbers(known_ns)
        self._known_ns.append(NEVER_NS)
        self._closes = numbers(closes)
        self._place = 0  # of the first that was not known when somebody asked

    def last(self, now_ns: int) -> float:
        """The last one known at an instant; 0 for none."""
        known_ns, place = self._known_ns, self._place
        if known_ns[place] <= now_ns:
            place += 1
            if known_ns[place] <= now_ns:
                place = bisect_right(known_ns, now_ns, place)
            self._place = place
        elif place and known_ns[place - 1] > now_ns:
            self._place = place = bisect_right(known_ns, now_ns, 0, place)
        return self._closes[place - 1] if place else 0.0


class BarBook:
    """Looked up by symbol and moment; `base` are the columns themselves."""

    def __init__(self, base: Table, rows: SymbolRows | None) -> None:
        self.base = base
        self.rows = rows
        self.known_ns = numbers(base.known_ns)
        self.start_ns = numbers(base.start_ns)
        self.open = numbers(base.open)
        # By row, where there are several, and how far a symbol's rows are from each other if none
        # lacks one.
        self._symbols = None if rows is None else array("i", base.symbol.tobytes())
        self._apart = 1 if rows is None else max(1, len(rows.present))
        self._by_symbol: dict[int, _Rows] = {}
        self._closes: dict[int, _Closes] = {}
        self.near_row = -1  # a guess, of whoever asks next: the symbol's row before the next

    def next_row(self, symbol: int, from_ns: int) -> int:
        """The first row of `symbol` that starts at or after `from_ns`; -1 for none."""
        starts, symbols, row = self.start_ns, self._symbols, self.near_row + self._apart
        if (
            row < len(starts)
            and starts[row] == from_ns  # no other row of it starts then
            and (symbols is None or symbols[row] == symbol)
        ):
            return row
        if self.rows is None:
            row = bisect_left(starts, from_ns)
            return row if row < len(starts) else -1
        rows_of, starts_of, _ = self._rows_of(symbol, self.rows)
        place = bisect_left(starts_of, from_ns)
        return rows_of[place] if place < len(rows_of) else -1

    def first_reach(self, symbol: int, from_ns: int, level: float, rising: bool) -> int:
        """The first of those rows whose high comes up to a level, or whose low down to it."""
        first = self.next_row(symbol, from_ns)
        if first < 0:
            return -1
        prices = self.base.high if rising else self.base.low
        if prices[first] >= level if rising else prices[first] <= level:
            return first
        own = None if self.rows is None else self.rows.of(symbol)
        if own is None:
            near = prices[first:]
        else:
            own = own[np.searchsorted(own, first) :]
            near = prices[own]
        reached = near >= level if rising else near <= level
        place = int(reached.argmax())
        if not reached[place]:
            return -1
        return first + place if own is None else int(own[place])

    def row_for(self, order: Order, from_ns: int) -> int:
        """The first of those rows that may do something to an order that waits for no auction."""
        waits = order.stop is not None and not order.triggered
        level = order.stop if waits else order.limit
        if level is None or order.tif == IOC or order.kind == TRAILING_STOP:
            return self.next_row(order.symbol_index, from_ns)
        rising = waits == (order.units > 0)
        return self.first_reach(order.symbol_index, from_ns, level, rising)

    def row_at_open(self, symbol: int, from_ns: int, session: TradingSession | None) -> int:
        """The first of those rows in a session's regular hours; -1 without a session."""
        if session is None:
            return -1
        row = self.next_row(symbol, max(from_ns, session.open_ns))
        return row if row >= 0 and self.start_ns[row] < session.close_ns else -1

    def prices(self, row: int) -> Prices:
        """A row's prices."""
        base = self.base
        return Prices(
            self.open[row], float(base.high[row]), float(base.low[row]), float(base.close[row])
        )

    def ends_bars(self, now_ns: int) -> bool:
        """Whether bars end at this instant: then none of a symbol is under way."""
        place = bisect_left(self.known_ns, now_ns)
        return place < len(self.known_ns) and self.known_ns[place] == now_ns

    def was_under_way(self, symbol: int, since_ns: int, now_ns: int) -> bool:
        """Whether a bar of a symbol that is known at `now_ns` had started before a moment."""
        row = self.last_row(symbol, now_ns)
        return row >= 0 and self.known_ns[row] == now_ns and self.start_ns[row] < since_ns

    def next_known_ns(self, now_ns: int) -> int:
        """When the next bar after this instant is known; NEVER_NS when none is in the block."""
        place = bisect_right(self.known_ns, now_ns)
        return self.known_ns[place] if place < len(self.known_ns) else NEVER_NS

    def last_row(self, symbol: int, now_ns: int) -> int:
        """The last row of `symbol` known at `now_ns`; -1 when this block has none."""
        if self.rows is None:
            return bisect_right(self.known_ns, now_ns) - 1
        rows, _, known_ns = self._rows_of(symbol, self.rows)
        place = bisect_right(known_ns, now_ns)
        return rows[place - 1] if place else -1

    def last_close(self, symbol: int, now_ns: int) -> float:
        """The last close of `symbol` known at `now_ns`; 0 when this block has none."""
        return (self._closes.get(symbol) or self._begin(symbol)).last(now_ns)

    def last_closes(self, symbols: Iterable[int], now_ns: int) -> list[float]:
        """The same of several."""
        find, begin = self._closes.get, self._begin
        return [(find(symbol) or begin(symbol)).last(now_ns) for symbol in symbols]

    def _begin(self, symbol: int) -> _Closes:
        closes = self._closes[symbol] = _Closes(*self.closes_of(symbol))
        return closes

    def has_volume(self, symbol: int, now_ns: int) -> bool:
        """Whether a bar of `symbol` known at `now_ns` has any volume."""
        end = bisect_right(self.known_ns, now_ns)
        traded = self.base.volume[:end] > 0
        if self.rows is not None:
            traded &= self.base.symbol[:end] == symbol
        return bool(traded.any())

    def _rows_of(self, symbol: int, symbol_rows: SymbolRows) -> _Rows:
        """The rows of a symbol, made when first asked for."""
        found = self._by_symbol.get(symbol)
        if found is None:
            own, table = symbol_rows.together(symbol), symbol_rows.table
            rows = numbers(symbol_rows.of(symbol))
            found = rows, numbers(table.start_ns[own]), numbers(table.known_ns[own])
            self._by_symbol[symbol] = found
        return found

    def closes_of(self, symbol: int) -> tuple[Ints, Floats]:
        """A symbol's closes, and when they are known."""
        if self.rows is None:
            return self.base.known_ns, self.base.close
        own, table = self.rows.together(symbol), self.rows.table
        return table.known_ns[own], table.close[own]
