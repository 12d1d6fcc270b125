"""An ExecutionManager whose every event is held against terms, links and books in fractions."""

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from app.core.instruments import Adjustment
from app.core.money import UNITS
from app.core.orders import CANCELED, EXPIRED, FILLED, REJECTED, Order, Terms
from app.core.transfers import Conversion
from app.managers.execution_manager.execution_manager import ExecutionManager
from tests.reference import posted

if TYPE_CHECKING:
    from tests.order_life import Life

ENDS = {FILLED, CANCELED, EXPIRED, REJECTED}


class Watched(ExecutionManager):
    """Keeps the same books in fractions, and holds every event against what it must be."""

    def watch(self, life: "Life") -> None:
        self.life = life
        self.given: dict[int, Order] = {}
        self.groups: dict[int, list[Order]] = {}
        self.changed: set[int] = set()  # orders whose sizes were amended or split
        self.one_price = False  # fills of a close, whatever the bar
        self.nested = 0

    def event(self, act: Callable[..., Any], *args: Any) -> Any:
        """Something happens; when all of it has, the books are looked at."""
        self.nested += 1
        result = act(*args)
        self.nested -= 1
        if not self.nested:
            self.life.check()
        return result

    def submit(self, order: Order, now_ns: int) -> None:
        self.given[order.order_id] = order
        if order.group:
            self.groups.setdefault(order.group, []).append(order)
        self.event(super().submit, order, now_ns)

    def cancel(self, order: Order, now_ns: int) -> bool:
        return bool(self.event(super().cancel, order, now_ns))

    def amend(self, order: Order, terms: Terms, now_ns: int) -> bool:
        if terms.units != order.units:
            self.changed.add(order.order_id)
        return bool(self.event(super().amend, order, terms, now_ns))

    def convert(self, asked: Conversion, now_ns: int) -> None:
        source, target = (self.life.books[name] for name in (asked.source, asked.target))
        given, taken = (self.life.rate(name) for name in (asked.source, asked.target))
        amount = Fraction(asked.units, UNITS)
        source.transfer(-amount)
        target.transfer(posted(amount * given / taken))
        self.event(super().convert, asked, now_ns)

    def filled(self, order: Order, units: int, price: float, start_ns: int, now_ns: int) -> None:
        before = self.positions[order.strategy][order.symbol_index].units
        self._held_against(order, units, before, start_ns)
        super().filled(order, units, price, start_ns, now_ns)
        fee = self.diary.fills[-1][5]
        slot, book = self.life.slot(order.strategy, order.symbol_index)
        book.fill(slot, Fraction(units, UNITS), Fraction(repr(price)), Fraction(fee, UNITS))
        self.life.fills += 1
        self.life.check()

    def _held_against(self, order: Order, units: int, before: int, start_ns: int) -> None:
        """What an order's terms and links say about a fill of it."""
        assert order.state not in ENDS, "it had ended"
        assert units * order.units > 0
        assert abs(order.filled_units + units) <= abs(order.units)
        if not self.one_price:
            assert start_ns >= order.created_ns + self.broker.latency_ns, "before it was given"
        if order.reduce_only:
            assert before * units < 0, "it opens"
            assert abs(units) <= abs(before), "it goes through flat"
        entry = self.given.get(order.parent)
        if entry is not None and not {order.order_id, entry.order_id} & self.changed:
            assert entry.filled_units, "before its entry"
            legs = self.groups.get(order.group, [order])
            if len({leg.parent for leg in legs}) == 1 and abs(order.units) <= abs(entry.units):
                done = sum(abs(leg.filled_units) for leg in legs)
                assert done + abs(units) <= abs(entry.filled_units), "more than its entry"
        legs = self.groups.get(order.group, [])
        if legs and not {leg.order_id for leg in legs} & self.changed:
            sizes = {self.life.sizes[leg.order_id] for leg in legs}
            done = sum(abs(leg.filled_units) for leg in legs)
            if len(sizes) == 1:
                assert done + abs(units) <= sizes.pop(), "a group fills one size"

    def adjust(self, symbol: int, adjustment: Adjustment, last: float, now_ns: int) -> None:
        ratio = Fraction(adjustment.split_ratio)
        for strategy in range(len(self.positions)):
            slot, book = self.life.slot(strategy, symbol)
            if ratio != 1:
                book.split(slot, ratio)
                fraction = abs(book.held[slot]) % Fraction(self.lot_units[symbol], UNITS)
                if fraction and last:
                    price = Fraction(repr(last / float(adjustment.split_ratio)))
                    book.fill(
                        slot, -fraction if book.held[slot] > 0 else fraction, price, Fraction(0)
                    )
            book.dividend(slot, Fraction(adjustment.dividend))
        if ratio != 1:
            self.changed |= {o for o in self.given if self.given[o].symbol_index == symbol}
        self.event(super().adjust, symbol, adjustment, last, now_ns)
        self.life.marks[symbol] *= adjustment.price_factor
