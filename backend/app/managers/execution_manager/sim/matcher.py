"""Holds the orders that are due for a bar against it: what it fills, how much and at which price.

It books nothing. Beside what the run's policy takes, it finds out what a bar that leaves its path
open may have been worth.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import accumulate
from typing import Final

import msgspec

from app.core.bars import no_rows
from app.core.money import UNITS
from app.core.orders import (
    CANCEL_PENDING,
    IOC,
    LIMIT,
    MARKET,
    STOP,
    STOP_LIMIT,
    TRAILING_STOP,
    Order,
)
from app.managers.execution_manager.orders.links import Links
from app.managers.execution_manager.sim.bar_book import NEVER_NS, BarBook
from app.managers.execution_manager.sim.fill_rules import Ambiguity, FillRules, Owner
from app.managers.execution_manager.sim.range_book import RangeBook
from app.services.bar_fills import BarFill, BarFills, BarRules, rank_of
from app.services.matching import (
    BEST,
    INSIDE,
    OHLC_PATH,
    OPEN,
    WORST,
    Prices,
    Stand,
    capacity_units,
    taken_units,
    touch,
)
from app.services.slippage import Slippage, slipped

Turn = tuple[int, float, int]  # of a fill in its instant
_SIMPLE: Final = (MARKET, LIMIT, STOP)


class MatcherState(msgspec.Struct, frozen=True):
    """What of the bars before counts for those to come."""

    silent: list[int]
    ranges: list[tuple[list[int], list[int]]] | None


class Matcher:
    """Serves all symbols of a run; knows what of each one's last bar is left for our orders.

    A symbol whose bars have shown no volume yet is taken for one that has none: quotes, say. Its
    orders share nothing then, and fill whole.
    """

    def __init__(
        self,
        lot_units: list[int],
        tick_units: list[int],
        rules: FillRules,
        owner: Owner,
        links: Links,
    ) -> None:
        self._lot_units = lot_units
        self._tick_units = tick_units
        self._rules = rules
        self._owner = owner
        self._links = links
        self._slips = rules.slippage != Slippage()
        by_range = rules.slippage.kind == "volatility"
        self._ranges = RangeBook(len(lot_units), rules.slippage.bars) if by_range else None
        share = rules.participation
        self._share = None if share is None else share.as_integer_ratio()
        # Symbols that have shown no volume so far; asked for only where volume counts. They are
        # taken for such as have none, as of quotes: their orders share nothing, and fill whole.
        self._silent = set() if share is None else set(range(len(lot_units)))
        self._left: dict[int, tuple[int, int]] = {}  # by symbol: a row, what is left for us of it
        self._book = BarBook(no_rows(), None)

    def state(self) -> MatcherState:
        """As the next block finds it."""
        ranges = None if self._ranges is None else self._ranges.state()
        return MatcherState(sorted(self._still_silent()), ranges)

    def restore(self, state: MatcherState) -> None:
        """As a block before left it."""
        self._silent = set(state.silent)
        if self._ranges is not None and state.ranges is not None:
            self._ranges.restore(state.ranges)

    def _still_silent(self) -> set[int]:
        return {s for s in self._silent if not self._book.has_volume(s, NEVER_NS)}

    def load(self, book: BarBook) -> None:
        """Go on with the next block of bars."""
        self._silent = self._still_silent()
        self._book = book
        self._left = {}
        if self._ranges is not None:
            self._ranges.load(book.base, book.rows)

    def split(self, symbol: int, ratio: Decimal, now_ns: int) -> None:
        """A symbol's shares are split."""
        if self._ranges is not None:
            self._ranges.split(symbol, ratio, now_ns)

    def match(self, row: int, orders: Sequence[Order]) -> tuple[list[BarFill], Mapping[int, Stand]]:
        """What one bar fills of the orders due for it; and how it leaves those it met."""
        symbol, rules, book = orders[0].symbol_index, self._rules.bars, self._book
        if len(orders) == 1 and self._is_simple(orders[0]):
            return self._match_alone(row, orders[0])
        prices, capacity = book.prices(row), self._capacity(symbol, row)
        given_until_ns = book.start_ns[row] - self._rules.latency_ns
        bar = self._bar(prices, symbol, rules, capacity, given_until_ns, row)
        fills = bar.of(orders)
        if rules.same_bar != WORST or self._may_be_uncertain(orders, fills):
            both = []
            for same_bar in (WORST, BEST):
                policy = rules.but(same_bar)
                other = self._bar(prices, symbol, policy, capacity, given_until_ns, row)
                both.append(other.gain_units(other.of(orders)))
            taken = bar.gain_units(fills)  # by a path it can be another than both
            if not both[0] == both[1] == taken:
                start_ns = book.start_ns[row]
                self._owner.uncertain(Ambiguity(symbol, start_ns, both[0], both[1], taken))
        self._note_left(bar, symbol, row)
        return fills, bar.left

    def _is_simple(self, order: Order) -> bool:
        """Whether a bar leaves no question about an order, and nothing depends on it."""
        return (
            order.kind in _SIMPLE
            and not (order.group or order.reduce_only or order.state is CANCEL_PENDING)
            and not self._links.depends(order)
            and self._rules.bars.same_bar != OHLC_PATH  # there its turn is a moment
        )

    def _match_alone(self, row: int, order: Order) -> tuple[list[BarFill], Mapping[int, Stand]]:
        """The same as `match`, of one simple order: most often it is so."""
        buys, prices = order.units > 0, self._book.prices(row)
        stand = Stand(order.kind, buys, order.limit, order.stop, order.triggered)
        at, left = touch(stand, prices, through=self._rules.bars.through)
        units = 0
        if at is not None and (at.phase == OPEN or order.tif != IOC):
            units = self.take(order.symbol_index, row, order.units - order.filled_units)
        if at is None or not units:
            return [], {order.order_id: left}
        rank = rank_of(order, at, self._rules.bars.same_bar)
        return [BarFill(at.phase, rank, order, units, at)], {order.order_id: left}

    def match_at_close(self, row: int, order: Order) -> list[BarFill]:
        """What fills of an order at the close of a bar."""
        symbol = order.symbol_index
        price = float(self._book.base.close[row])
        capacity = self._capacity(symbol, row)
        fills, bar = self._at(price, [order], capacity, row)
        self._note_left(bar, symbol, row)
        return fills

    def match_at(self, price: float, orders: Sequence[Order]) -> list[BarFill]:
        """What fills of a symbol's orders at one price, whatever its volume."""
        if not orders:
            return []
        return self._at(price, orders, None)[0]

    def _at(
        self, price: float, orders: Sequence[Order], capacity: int | None, row: int | None = None
    ) -> tuple[list[BarFill], BarFills]:
        prices, symbol = Prices(price, price, price, price), orders[0].symbol_index
        bar = self._bar(prices, symbol, self._rules.bars, capacity, NEVER_NS, row)
        return bar.of(orders), bar

    def take(self, symbol: int, row: int, units: int) -> int:
        """How much of a market order a bar fills, after what it has filled of others."""
        capacity = self._capacity(symbol, row)
        if capacity is None:
            return units
        taken = taken_units(units, capacity)
        self._left[symbol] = row, capacity - abs(taken)
        return taken

    def price(self, fill: BarFill, row: int) -> float:
        """The price of a fill."""
        if not fill.at.at_market:
            return fill.at.price
        return self.price_at_market(fill.order.symbol_index, fill.units, fill.at.price, row)

    def price_at_market(self, symbol: int, units: int, price: float, row: int) -> float:
        """The price of a fill at market, slippage and impact in it."""
        if not self._slips:
            return price
        base, ranges = self._book.base, self._ranges
        volume = float(base.volume[row])
        share = abs(units) / UNITS / volume if volume else 1.0
        return slipped(
            price,
            units > 0,
            self._tick_units[symbol],
            self._rules.slippage,
            spread=0.0 if base.spread is None else float(base.spread[row]),
            volatility=0.0 if ranges is None else ranges.mean(symbol, self._book.start_ns[row]),
            share=share,
        )

    def _bar(
        self,
        prices: Prices,
        symbol: int,
        rules: BarRules,
        capacity: int | None,
        given_until_ns: int,
        row: int | None = None,
    ) -> BarFills:
        """Of a bar of this row; without one nothing slips."""
        owner = self._owner
        return BarFills(
            prices,
            self._tick_units[symbol],
            owner.multiplier_units_of(symbol),
            rules,
            self._links,
            capacity,
            lambda strategy: owner.held_units_of(strategy, symbol),
            given_until_ns,
            None if row is None or not self._slips else lambda fill: self.price(fill, row),
        )

    def _note_left(self, bar: BarFills, symbol: int, row: int) -> None:
        if bar.capacity is not None:
            self._left[symbol] = row, bar.capacity

    def _capacity(self, symbol: int, row: int) -> int | None:
        """What is left for us of a bar; None while its symbol's data has no volume."""
        if self._share is None:
            return None
        if self._left.get(symbol, (-1, 0))[0] == row:
            return self._left[symbol][1]
        book = self._book
        volume = float(book.base.volume[row])
        silent = volume == 0 and symbol in self._silent
        if silent and not book.has_volume(symbol, book.known_ns[row]):
            return None
        return capacity_units(volume, self._share, self._lot_units[symbol])

    def _may_be_uncertain(self, orders: Sequence[Order], fills: Sequence[BarFill]) -> bool:
        """Whether the bar's path may matter, where the worst was taken."""
        alone = len(orders) == 1 and not self._links.children_of(orders[0])
        if alone and orders[0].kind not in (STOP_LIMIT, TRAILING_STOP):
            return False
        inside = any(fill.phase == INSIDE for fill in fills)
        return inside or any(order.kind == STOP_LIMIT for order in orders)


def turns(fills: Sequence[BarFill]) -> Iterator[Turn]:
    """Among those of other bars; those of one bar stay in their order, each counts on the last."""
    return accumulate(((fill.phase, fill.rank, fill.order.order_id) for fill in fills), max)
