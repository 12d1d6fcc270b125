"""What one bar does to all orders of its symbol: which fill, how much of each, and in which turn.

Orders may depend on each other: one waits for its entry, legs of a group end each other, one only
reduces what is held. Where a bar's four prices leave open what came first, `same_bar` decides. It
changes nothing: whoever asks books the fills and carries out what follows from them.
"""

from bisect import insort
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol

import msgspec

from app.core.money import amount_units, to_units
from app.core.orders import (
    CANCEL_PENDING,
    FILLED,
    IOC,
    LIMIT,
    STOP,
    STOP_LIMIT,
    TRAILING_STOP,
    Order,
)
from app.services.matching import (
    BEST,
    INSIDE,
    OHLC_PATH,
    OPEN,
    WORST,
    Prices,
    Stand,
    Touch,
    path,
    rest_of_path,
    taken_units,
    touch,
    walk,
)
from app.services.protection import guard_prices
from app.services.trailing import trailed

WITH_A_PRICE = frozenset((LIMIT, STOP, STOP_LIMIT, TRAILING_STOP))  # a bar can touch them


class BarRules(msgspec.Struct, frozen=True):
    """How bars fill orders."""

    through: bool = False
    same_bar: str = WORST

    def but(self, same_bar: str) -> "BarRules":
        """The same under another policy."""
        return BarRules(self.through, same_bar)


class Links(Protocol):
    """How orders depend on each other."""

    def entry_of(self, order: Order) -> Order | None: ...
    def children_of(self, order: Order) -> Sequence[Order]: ...
    def legs_of(self, group: int) -> Sequence[Order]: ...
    def taken_beside(self, order: Order) -> int: ...
    def filled(self, order: Order) -> int: ...
    def after_exit(
        self, exit: Order, units: int, held_units: int, left_of: Callable[[Order], int]
    ) -> Iterable[tuple[Order, int]]: ...


class BarFill(NamedTuple):
    """One fill, and its place among all fills of the instant."""

    phase: int
    rank: float
    order: Order
    units: int
    at: Touch
    yields: Sequence[tuple[Order, int]] = ()  # who gives way to an exit, and how much of it


class Found(NamedTuple):
    """An order that the bar touches, in its turn."""

    phase: int
    rank: float  # stops before limits, or by the moment on the path
    order_id: int
    order: Order
    at: Touch


def rank_of(order: Order, at: Touch, same_bar: str) -> float:
    """Stops before limits; at best and inside the bar the other way round. What rests at market
    has its part in the trade that opens the bar, and so goes before the stops which that triggers.
    """
    if at.phase == OPEN and at.at_market and order.stop is not None and not order.triggered:
        return 0.5
    limits_first = at.phase == INSIDE and same_bar == BEST
    return float(at.at_market == limits_first)


class BarFills:
    """One bar of one symbol and its orders; used once."""

    def __init__(
        self,
        bar: Prices,
        tick_units: int,
        multiplier_units: int,
        rules: BarRules,
        links: Links,
        capacity: int | None,
        held_units: Callable[[int], int],
        given_until_ns: int,
        price_of: Callable[[BarFill], float] | None = None,
    ) -> None:
        """`price_of` says what a fill comes to with slippage; none: there is no slippage."""
        self.left: dict[int, Stand] = {}  # how the bar leaves the orders it met, by number
        self.capacity = capacity  # for all orders together; None: no limit
        self._bar = bar
        self._legs = path(bar) if rules.same_bar == OHLC_PATH else []
        self._tick_units = tick_units
        self._multiplier_units = multiplier_units
        self._rules = rules
        self._links = links
        self._held_units = held_units  # by strategy, before this bar
        self._given_until_ns = given_until_ns  # what was given later counts from the next bar
        self._filled: dict[int, int] = {}  # by order, on this bar
        self._moved: dict[int, int] = {}  # by strategy, on this bar
        self._yielded: dict[int, int] = {}  # by order, to exits, unsigned
        self._price_of = price_of
        self._paid: dict[int, float] = {}  # by entry that has filled on this bar
        self._closed: dict[int, int] = {}  # what of that only took out what was held, unsigned

    def of(self, orders: Sequence[Order]) -> list[BarFill]:
        """The fills of these orders, and of those that wait for them."""
        queue = sorted(found for order in orders if (found := self._found(order)) is not None)
        fills = []
        while queue:
            found = self._first(queue)
            order = found.order
            units = self._take(order)
            if units:
                takes_out = order.reduce_only or order.state is CANCEL_PENDING
                yields = self._yields_to(order, units) if takes_out else ()
                fills.append(BarFill(found.phase, found.rank, order, units, found.at, yields))
                if self._links.children_of(order):
                    self._note_entry(fills[-1])
                    for child in self._children(found):
                        insort(queue, child)
        return fills

    def _note_entry(self, fill: BarFill) -> None:
        """What the exits of an entry have to know of its fill."""
        order, price_of = fill.order, self._price_of
        self._paid[order.order_id] = fill.at.price if price_of is None else price_of(fill)
        moved = self._moved.get(order.strategy, 0) - fill.units
        held = self._held_units(order.strategy) + moved
        if held * fill.units < 0:
            self._closed[order.order_id] = min(abs(held), abs(fill.units))

    def gain_units(self, fills: Sequence[BarFill]) -> int:
        """What fills have gained by the bar's close."""
        close, each = self._bar.close, self._multiplier_units
        return sum(
            amount_units(fill.units, close, each) - amount_units(fill.units, fill.at.price, each)
            for fill in fills
        )

    # -- what the bar touches --------------------------------------------------------------------

    def _found(self, order: Order) -> Found | None:
        bar, rules = self._bar, self._rules
        stand = self._stand(order, bar.open)
        if rules.same_bar == OHLC_PATH:
            at, left, moment = walk(stand, self._legs, through=rules.through)
        else:
            at, left = touch(stand, bar, through=rules.through, same_bar=rules.same_bar)
            moment = 0.0
        return self._kept(order, at, left, moment)

    def _kept(self, order: Order, at: Touch | None, left: Stand, moment: float) -> Found | None:
        if order.guard is not None and order.guard.units:
            left = left._replace(stop=order.stop)  # it is measured from what its entry has paid
        self.left[order.order_id] = left
        if at is None or (order.tif == IOC and at.phase != OPEN):
            return None
        rank = rank_of(order, at, self._rules.same_bar)
        if at.phase == INSIDE and self._rules.same_bar == OHLC_PATH:
            rank = moment
        return Found(at.phase, rank, order.order_id, order, at)

    def _stand(self, order: Order, price: float) -> Stand:
        """An order's terms; a trailing stop that begins here does so from this price."""
        kind, buys, stop = order.kind, order.units > 0, order.stop
        if kind != TRAILING_STOP:
            limit = order.limit
            if order.guard is not None and order.guard.units and limit is None and stop is None:
                limit, stop = guard_prices(order, self._paid[order.parent], self._tick_units)
            return Stand(kind, buys, limit, stop, order.triggered)

        def follow(best: float) -> float:
            return trailed(best, buys, order.trail, order.trail_percent, self._tick_units)

        stop = follow(price) if stop is None else stop
        return Stand(kind, buys, None, stop, order.triggered, follow)

    def _first(self, queue: list[Found]) -> Found:
        """The next in turn. Of a group's legs that are touched inside one is taken, in its own."""
        same_bar = self._rules.same_bar
        choose = max if same_bar == BEST else min
        while True:
            first = queue.pop(0)
            group = first.order.group
            if not group or first.phase != INSIDE or same_bar == OHLC_PATH:
                return first
            legs = [found for found in queue if found.order.group == group]
            if not legs:
                return first
            for leg in legs:  # what the one taken leaves of them waits for another bar
                queue.remove(leg)
            insort(queue, choose([first, *legs], key=self._gain_of_one))

    def _gain_of_one(self, found: Found) -> int:
        gain = to_units(self._bar.close) - to_units(found.at.price)
        return gain if found.order.units > 0 else -gain

    # -- how much ----------------------------------------------------------------------------------

    def _take(self, order: Order) -> int:
        units = self._room(order)
        if self.capacity is not None:
            units = taken_units(units, self.capacity)
            self.capacity -= abs(units)
        if units:
            strategy = order.strategy
            self._filled[order.order_id] = self._filled.get(order.order_id, 0) + units
            self._moved[strategy] = self._moved.get(strategy, 0) + units
        return units

    def _yields_to(self, exit: Order, units: int) -> Sequence[tuple[Order, int]]:
        held = self._held_units(exit.strategy) + self._moved[exit.strategy]
        yields = [*self._links.after_exit(exit, units, held, self._left_of)]
        for order, less in yields:
            self._yielded[order.order_id] = self._yielded.get(order.order_id, 0) + less
        return yields

    def _room(self, order: Order) -> int:
        """How much of an order may fill, after what has filled on this bar."""
        filled, buys = self._filled, order.units > 0
        room, entered = self._left_of(order), self._entered(order)
        if entered is not None:  # and another leg may have taken its part out again
            legs = self._links.legs_of(order.group) if order.group else ()
            taken = sum(abs(filled.get(leg.order_id, 0)) for leg in legs if leg is not order)
            taken += self._links.taken_beside(order) + self._links.filled(order)
            room = min(room, entered - taken - abs(filled.get(order.order_id, 0)))
        if order.reduce_only:
            held = self._held_units(order.strategy) + self._moved.get(order.strategy, 0)
            room = min(room, max(-held if buys else held, 0))
        room = max(room, 0)
        return room if buys else -room

    def _left_of(self, order: Order) -> int:
        """What is left of an order, unsigned, after what it, its group and exits have filled."""
        filled = self._filled
        left = abs(order.units) - abs(order.filled_units + filled.get(order.order_id, 0))
        for leg in self._links.legs_of(order.group) if order.group else ():
            taken = filled.get(leg.order_id, 0)
            if taken and leg is not order:
                left = left - abs(taken) if (leg.units > 0) == (order.units > 0) else 0
        return max(left - self._yielded.get(order.order_id, 0), 0)

    def _entered(self, order: Order) -> int | None:
        """What has filled of the entry an order depends on, unsigned; None when all of it has."""
        entry = self._links.entry_of(order)
        if entry is None or entry.state == FILLED:
            return None
        now = self._filled.get(entry.order_id, 0)
        entered = self._links.filled(entry) + abs(now)
        if order.guard is not None:
            return entered - self._closed.get(entry.order_id, 0)
        return None if entry.filled_units + now == entry.units else entered

    # -- orders that wait for one that fills on this bar -------------------------------------------

    def _children(self, entry: Found) -> list[Found]:
        """The orders that wait for this one and are touched by the rest of its bar."""
        found: list[Found | None] = []
        children = [
            child
            for child in self._links.children_of(entry.order)
            if child.kind in WITH_A_PRICE
            and child.order_id not in self.left
            and child.created_ns <= self._given_until_ns
        ]
        if entry.phase == OPEN:
            found = [self._found_at_open(child, entry) for child in children]
        elif self._rules.same_bar == OHLC_PATH:
            found = [self._found_on_path(child, entry) for child in children]
        elif children:
            found = self._found_inside(children, entry)
        return [one for one in found if one is not None]

    def _found_at_open(self, child: Order, entry: Found) -> Found | None:
        """A child of an entry that filled at the open: the whole bar counts."""
        found = self._found(child)
        # its turn is after its entry's
        return found._replace(rank=2.0) if found is not None and found.phase == OPEN else found

    def _found_on_path(self, child: Order, entry: Found) -> Found | None:
        price, moment, through = entry.at.price, entry.rank, self._rules.through
        legs = rest_of_path(self._legs, moment, price)
        found = walk(self._stand(child, price), legs, through=through, since=moment)
        return self._kept(child, *found)

    def _found_inside(self, children: Sequence[Order], entry: Found) -> list[Found | None]:
        """When in the bar the entry filled is not known: at worst a stop fills if it can have, and
        only else a target where the price surely came; at best the other way round.
        """
        parts = [c for c in children if c.kind != LIMIT], [c for c in children if c.kind == LIMIT]
        first, then = parts if self._rules.same_bar == WORST else parts[::-1]
        found = [self._tried(child, entry, self._bar) for child in first]
        if not any(found):
            sure = self._sure_after(entry)
            found += [self._tried(child, entry, sure) for child in then]
        return found

    def _tried(self, child: Order, entry: Found, bar: Prices) -> Found | None:
        """A child on the rest of the bar its entry filled on, which began at the entry's price."""
        price, trails = entry.at.price, child.kind == TRAILING_STOP
        stand = self._stand(child, price)
        kind = STOP if trails else child.kind  # it follows from the end of this bar on
        at, left = touch(
            stand._replace(kind=kind), bar._replace(open=price), through=self._rules.through
        )
        left = left._replace(kind=child.kind)
        if trails and at is None and stand.follow is not None and left.stop is not None:
            best = min if stand.buys else max
            left = left._replace(stop=best(left.stop, stand.follow(bar.close)))
        found = self._kept(child, at and at._replace(phase=INSIDE), left, 0.0)
        return None if found is None else found._replace(rank=2.0)

    def _sure_after(self, entry: Found) -> Prices:
        """The part of the bar that surely came after an entry inside it."""
        bar, price, order = self._bar, entry.at.price, entry.order
        with_stop = order.kind in (STOP, STOP_LIMIT, TRAILING_STOP)
        rises = (order.units > 0) == with_stop  # the price came to it so, and went on
        high = bar.high if rises else max(price, bar.close)
        low = min(price, bar.close) if rises else bar.low
        return Prices(price, high, low, bar.close)
