"""What each protected entry has opened, and how much of that is still held."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

import msgspec

from app.core.money import divide_half_even
from app.core.orders import Order
from app.managers.execution_manager.orders.links import Links

NEVER_NS = 1 << 62


class Trade(msgspec.Struct):
    """What one entry opened, or one fill that came after its entry's end. Units are unsigned."""

    strategy: int
    symbol: int
    entry: int  # the order's number
    group: int  # of its exits
    buys: bool
    open_units: int = 0  # of it, what is held still
    opened_units: int = 0
    paid_units: int = 0  # for that, in money and without a multiplier
    due_ns: int = NEVER_NS  # of its time stop
    left_ns: int = 0  # of trading until then, while there is none
    is_over: bool = False  # its time is up


class Trades:
    """In the order they began."""

    def __init__(self, working: Mapping[int, Order], links: Links) -> None:
        self._working = working
        self._links = links
        self._all: list[Trade] = []

    def __iter__(self) -> Iterator[Trade]:
        return iter(self._all)

    def state(self) -> list[Trade]:
        """As they are now."""
        return [msgspec.structs.replace(trade) for trade in self._all]

    def restore(self, state: list[Trade]) -> None:
        """As they were."""
        self._all = state

    def add(self, trade: Trade) -> None:
        """A trade begins; those that are over are forgotten."""
        self._forget(0)
        self._all.append(trade)

    def of_entry(self, order: Order) -> Trade | None:
        """That which began with this entry's acceptance."""
        return next((one for one in self._all if one.entry == order.order_id), None)

    def of_group(self, group: int) -> Trade | None:
        """That whose exits have this number together."""
        return next((one for one in self._all if one.group == group), None)

    def settle(self, strategy: int, symbol: int, held_units: int, keep: int = 0) -> None:
        """Others have taken out what is not held any more: the oldest trades' first.

        What is over is forgotten, but for the trade of the entry to `keep`.
        """
        own = [one for one in self._all if (one.strategy, one.symbol) == (strategy, symbol)]
        for side in (True, False):
            trades = [one for one in own if one.buys == side]
            held = max(held_units if side else -held_units, 0)
            over = sum(one.open_units for one in trades) - held
            for one in trades:
                if over > 0:
                    less = min(over, one.open_units)
                    one.open_units -= less
                    over -= less
        self._forget(keep)

    def split(self, symbol: int, ratio: Decimal, lot_units: int) -> list[tuple[Trade, int, int]]:
        """A symbol's shares are split: each trade that holds some, what that was, and what it is
        from now on, in the old shares.

        All of a side come to whole lots together, and each to some of these.
        """
        new, old = ratio.as_integer_ratio()
        so_far: dict[tuple[int, bool], int] = {}  # by strategy and side, in old shares
        found = []
        for trade in [one for one in self._all if one.symbol == symbol]:
            side, had_units = (trade.strategy, trade.buys), trade.open_units
            first = so_far.get(side, 0)
            so_far[side] = last = first + had_units
            first, last = (
                divide_half_even(units * new, old) // lot_units * lot_units
                for units in (first, last)
            )
            trade.open_units = last - first
            trade.opened_units = divide_half_even(trade.opened_units * new, old)
            if had_units:
                found.append((trade, had_units, -(-trade.open_units * old // new)))
        return found

    def _forget(self, keep: int) -> None:
        self._all = [
            one
            for one in self._all
            if one.open_units
            or one.entry in self._working
            or self._links.legs_of(one.group)
            or (keep and one.entry == keep)
        ]
