"""The simulated broker: holds working orders, finds the bar each can match, and fills it.

It is stepped synchronously inside the instant, so that a fill is known at the very instant
its bar is. An order belongs to the bars that start at or after it was given, never earlier; a
cancel counts from there too, so that it can lose to a fill.
"""

from collections.abc import Callable
from decimal import Decimal

import msgspec

from app.core.bars import no_rows
from app.core.money import UNITS
from app.core.orders import CANCELED, EXPIRED, IOC, MARKET, Order
from app.managers.execution_manager.bar_book import NEVER_NS, BarBook
from app.managers.execution_manager.range_book import RangeBook
from app.services.matching import OPEN, Touch, capacity_units, taken_units, touch
from app.services.slippage import Slippage, slipped

# Called with each execution: order, units, price, start of its bar, instant.
OnFill = Callable[[Order, int, float, int, int], None]
OnEnd = Callable[[Order, str, int, str], None]  # order, its last state, instant, reason
BY_STRATEGY = "cancelled by its strategy"


class FillRules(msgspec.Struct, frozen=True):
    """How the simulated broker fills."""

    participation: Decimal | None = None  # share of a bar's volume; None: no limit
    limit_through: bool = False
    latency_ns: int = 0
    slippage: Slippage = Slippage()


class SimBroker:
    """Orders of one run, all symbols, in order of acceptance.

    A symbol whose bars have shown no volume yet is taken for one that has none: quotes, say. Its
    orders share nothing then, and fill whole.
    """

    def __init__(
        self,
        lot_units: list[int],
        tick_units: list[int],
        rules: FillRules,
        on_fill: OnFill,
        on_end: OnEnd,
    ) -> None:
        self._lot_units = lot_units
        self._tick_units = tick_units
        self._rules = rules
        self._plain = rules == FillRules()  # every order fills whole, at the bar's price
        self.latency_ns = rules.latency_ns
        self._slips = rules.slippage != Slippage()
        by_range = rules.slippage.kind == "volatility"
        self._ranges = RangeBook(len(lot_units), rules.slippage.bars) if by_range else None
        self._on_fill = on_fill
        self._on_end = on_end
        share = rules.participation
        self._share = None if share is None else share.as_integer_ratio()
        # symbols that have shown no volume so far; asked for only where volume counts
        self._silent = set() if share is None else set(range(len(lot_units)))
        self._book = BarBook(no_rows(), None)
        self.working: dict[int, Order] = {}
        # The row that does something to each, next. Not in the order: it lies in the future.
        self._rows: dict[int, int] = {}
        self._termed: set[int] = set()  # orders that are not at market
        self._spent: list[Order] = []  # that were for one bar only, and had it
        self._leaving: dict[int, int] = {}  # orders that are to be cancelled, and since when
        self.due_ns = NEVER_NS  # when the earliest bar that can fill something is known

    def load(self, book: BarBook) -> None:
        """Go on with the next block of bars."""
        self._silent = {s for s in self._silent if not self._book.has_volume(s, NEVER_NS)}
        self._book = book
        if self._ranges is not None:
            self._ranges.load(book.base, book.rows)
        for order in self.working.values():
            self._rows[order.order_id] = self._next_row(order, order.created_ns + self.latency_ns)
        self._find_due(0)

    def accept(self, order: Order) -> None:
        """Take an order; it can fill from the first bar that starts at or after now."""
        self.working[order.order_id] = order
        book, from_ns = self._book, order.created_ns + self.latency_ns
        if order.kind == MARKET:
            row = book.next_row(order.symbol_index, from_ns)
        else:
            self._termed.add(order.order_id)
            row = self._next_row(order, from_ns)
        self._rows[order.order_id] = row
        if row >= 0:
            known_ns = book.known_ns[row]
            if known_ns < self.due_ns:
                self.due_ns = known_ns

    def cancel(self, order: Order, now_ns: int) -> bool:
        """Take an order back. False while a bar under way can still fill it: it ends with that."""
        if self._book.ends_bars(now_ns):
            self.remove(order)
            return True
        self._leaving[order.order_id] = now_ns
        self.due_ns = min(self.due_ns, self._book.next_known_ns(now_ns))
        return False

    def look_again(self, order: Order, now_ns: int) -> None:
        """An order's terms have changed: other bars may fill it, from now on."""
        from_ns = max(order.created_ns + self.latency_ns, now_ns)
        self._rows[order.order_id] = self._next_row(order, from_ns)
        self._find_due(0)

    def split(self, symbol: int, ratio: Decimal, now_ns: int) -> None:
        """A symbol's shares are split; what becomes of its orders is said by `look_again`."""
        if self._ranges is not None:
            self._ranges.split(symbol, ratio, now_ns)

    def remove(self, order: Order) -> None:
        """Forget an order that ended without a fill."""
        self._forget(order)
        self._find_due(0)

    def _forget(self, order: Order) -> None:
        del self.working[order.order_id], self._rows[order.order_id]
        self._leaving.pop(order.order_id, None)
        self._termed.discard(order.order_id)

    def match(self, now_ns: int) -> None:
        """Fill what the bars known at `now_ns` fill: at the open first, then inside the bar; stops
        before limits, each by order sequence over all symbols.
        """
        if self._plain and not self._termed and not self._leaving:
            self._match_at_market(now_ns)
            return
        left: dict[int, int] = {}  # of each symbol's bar, for the orders that share it
        due = [order for order in self.working.values() if self._is_due(order, now_ns)]
        for order, at in self._touched(due):
            self._fill(order, at, left, now_ns)
        self._spent = [order for order in due if order.tif == IOC]
        self._find_due(now_ns)

    def _match_at_market(self, now_ns: int) -> None:
        """The most frequent case: all there is are market orders, and each fills whole."""
        rows, book = self._rows, self._book
        for order_id, row in list(rows.items()):
            if row >= 0 and book.known_ns[row] == now_ns:
                del rows[order_id]
                order = self.working.pop(order_id)
                units = order.units - order.filled_units
                self._on_fill(order, units, book.open[row], book.start_ns[row], now_ns)
        if rows:
            self._find_due(now_ns)
        else:
            self.due_ns = NEVER_NS

    def settle(self, now_ns: int) -> None:
        """When the fills of an instant are told: end what was for its bars only, or waits to go."""
        for order in self._spent:
            if order.order_id in self.working:
                self._on_end(order, EXPIRED, now_ns, "ioc: no more at the open")
        self._spent = []
        self._let_go(now_ns)
        self._find_due(now_ns)

    @property
    def is_settled(self) -> bool:
        """Whether nothing ends with the bars of this instant."""
        return not self._spent and not self._leaving

    def _is_due(self, order: Order, now_ns: int) -> bool:
        row, book = self._rows[order.order_id], self._book
        if row < 0 or book.known_ns[row] != now_ns:
            return False
        since_ns = self._leaving.get(order.order_id)
        return since_ns is None or book.start_ns[row] < since_ns

    def _touched(self, due: list[Order]) -> list[tuple[Order, Touch]]:
        """Those of the orders that their bar fills, in their turn; the others look further on."""
        book, found = self._book, []
        for order in due:
            row = self._rows[order.order_id]
            at, order.triggered = touch(
                order.kind,
                order.units > 0,
                order.limit,
                order.stop,
                book.prices(row),
                triggered=order.triggered,
                through=self._rules.limit_through,
            )
            if at is not None and not (order.tif == IOC and at.phase != OPEN):
                found.append((order, at))
            else:
                self._rows[order.order_id] = self._next_row(order, book.start_ns[row] + 1)
        return sorted(found, key=lambda one: (one[1].phase, not one[1].at_market, one[0].order_id))

    def _fill(self, order: Order, at: Touch, left: dict[int, int], now_ns: int) -> None:
        """Fill as much of an order as its bar can."""
        book, row = self._book, self._rows[order.order_id]
        remaining = units = order.units - order.filled_units
        if self._share is not None:
            capacity = self._capacity(order, self._share, left)
            if capacity is not None:
                units = taken_units(remaining, capacity)
                left[order.symbol_index] = capacity - abs(units)
        if units == remaining:
            self._forget(order)
        else:
            self._rows[order.order_id] = self._next_row(order, book.start_ns[row] + 1)
        if units:
            price = self._price(order, at, row, units) if at.at_market else at.price
            self._on_fill(order, units, price, book.start_ns[row], now_ns)

    def _price(self, order: Order, at: Touch, row: int, units: int) -> float:
        """The price of a fill at market, slippage and impact in it."""
        if not self._slips:
            return at.price
        base = self._book.base
        volume = float(base.volume[row])
        share = abs(units) / UNITS / volume if volume else 1.0
        symbol, ranges = order.symbol_index, self._ranges
        range_ = 0.0 if ranges is None else ranges.mean(symbol, self._book.start_ns[row])
        return slipped(
            at.price,
            order.units > 0,
            self._tick_units[symbol],
            self._rules.slippage,
            spread=0.0 if base.spread is None else float(base.spread[row]),
            volatility=range_,
            share=share,
        )

    def _let_go(self, now_ns: int) -> None:
        """End the orders whose cancel waited for the bars under way."""
        for order_id, since_ns in list(self._leaving.items()):
            if since_ns < now_ns:
                self._on_end(self.working[order_id], CANCELED, now_ns, BY_STRATEGY)

    def _next_row(self, order: Order, from_ns: int) -> int:
        """The next row that may do something to an order; -1 when this block has none."""
        symbol, buys = order.symbol_index, order.units > 0
        waits = order.stop is not None and not order.triggered
        level = order.stop if waits else order.limit
        if level is None or order.tif == IOC:
            return self._book.next_row(symbol, from_ns)
        return self._book.first_reach(symbol, from_ns, level, rising=waits == buys)

    def _capacity(self, order: Order, share: tuple[int, int], left: dict[int, int]) -> int | None:
        """What is left for us of an order's bar; None while its symbol's data has no volume."""
        symbol, book = order.symbol_index, self._book
        if symbol in left:
            return left[symbol]
        row = self._rows[order.order_id]
        volume = float(book.base.volume[row])
        silent = volume == 0 and symbol in self._silent
        if silent and not book.has_volume(symbol, book.known_ns[row]):
            return None
        return capacity_units(volume, share, self._lot_units[symbol])

    def _find_due(self, now_ns: int) -> None:
        """Recompute `due_ns` over the working orders."""
        known_ns = self._book.known_ns
        rows = [row for row in self._rows.values() if row >= 0]
        self.due_ns = min([known_ns[row] for row in rows], default=NEVER_NS)
        if self._leaving:
            since_ns = max(now_ns, min(self._leaving.values()))
            self.due_ns = min(self.due_ns, self._book.next_known_ns(since_ns))
