"""Executions from before a split that a venue tells after it: in old shares, at old prices."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final, TypeVar

import msgspec
from msgspec.structs import replace

from app.core.money import divide_half_even
from app.core.order_events import Filled, GateFilled

# A venue's clock may be a little off, and no market trades in the hour before a session.
_MARGIN_NS: Final = 3600 * 10**9
_Told = TypeVar("_Told", Filled, GateFilled)


class PastSplit(msgspec.Struct, frozen=True):
    """Of each `old` shares the run has made `new`; what was executed before `since_ns` was in old
    ones.
    """

    symbol: int
    new: int
    old: int
    since_ns: int


class PastSplits:
    """The splits that a run has been through, oldest first."""

    def __init__(self) -> None:
        self._made: list[PastSplit] = []

    def add(self, symbol: int, ratio: Decimal, now_ns: int) -> None:
        """The run splits now, as a session opens."""
        self._made.append(PastSplit(symbol, *ratio.as_integer_ratio(), now_ns - _MARGIN_NS))

    def in_todays_shares(self, symbol: int, told: _Told) -> _Told:
        """An execution as it would be had its shares been split already."""
        for one in self._made:
            if one.symbol == symbol and told.at_ns < one.since_ns:
                units = divide_half_even(told.units * one.new, one.old)
                told = replace(told, units=units, price=told.price * one.old / one.new)
        return told

    def state(self) -> list[PastSplit]:
        """All of them."""
        return list(self._made)

    def restore(self, state: Iterable[PastSplit]) -> None:
        """These have been made."""
        self._made = list(state)
