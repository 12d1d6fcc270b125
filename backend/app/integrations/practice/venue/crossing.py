"""A symbol's orders against one bar or tick: the simulator's own functions, orders unlinked."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from app.core.orders import Order
from app.integrations.practice.venue.checks import Sizes
from app.services.bar_fills import BarFills, BarRules
from app.services.matching import Prices, Stand, capacity_units


class Fill(NamedTuple):
    """How much of an order, and at which price."""

    order: Order
    units: int
    price: float


class Shown(NamedTuple):
    """A bar or a tick, which is a bar of one price; without volume it fills whatever is asked."""

    start_ns: int
    prices: Prices
    volume: float


class _NoLinks:
    """At this venue no order depends on another."""

    def entry_of(self, order: Order) -> Order | None:
        return None

    def children_of(self, order: Order) -> Sequence[Order]:
        return ()

    def legs_of(self, group: int) -> Sequence[Order]:
        return ()

    def taken_beside(self, order: Order) -> int:
        return 0

    def filled(self, order: Order) -> int:
        return abs(order.filled_units)

    def after_exit(
        self, exit: Order, units: int, held_units: int, left_of: Callable[[Order], int]
    ) -> Sequence[tuple[Order, int]]:
        return ()


_RULES, _NO_LINKS = BarRules(), _NoLinks()


def cross(
    shown: Shown,
    orders: Sequence[Order],
    sizes: Sizes,
    held_units: int,
    participation: Decimal,
) -> tuple[list[Fill], Mapping[int, Stand]]:
    """What fills, in its turn; and how the bar leaves each order, by number."""
    capacity = None
    if shown.volume > 0:
        share = participation.as_integer_ratio()
        capacity = capacity_units(shown.volume, share, sizes.lot_units)
    bar = BarFills(
        shown.prices,
        sizes.tick_units,
        sizes.multiplier_units,
        _RULES,
        _NO_LINKS,
        capacity,
        lambda strategy: held_units,
        shown.start_ns,
    )
    fills = [Fill(fill.order, fill.units, fill.at.price) for fill in bar.of(orders)]
    return fills, bar.left
