"""How the simulated broker fills, and whom it tells."""

from decimal import Decimal
from typing import Protocol

import msgspec

from app.core.orders import Order, Terms
from app.managers.execution_manager.orders.entries import Entries
from app.services.auctions import CutOffs, cut_offs_of
from app.services.bar_fills import BarRules
from app.services.slippage import Slippage


class FillRules(msgspec.Struct, frozen=True):
    """How the simulated broker fills."""

    participation: Decimal | None = None  # share of a bar's volume; None: no limit
    bars: BarRules = BarRules()
    this_close: bool = False  # market orders fill at the close of the bar they are given on
    latency_ns: int = 0
    slippage: Slippage = Slippage()
    cut_offs: CutOffs = cut_offs_of("")


class Ambiguity(msgspec.Struct, frozen=True, array_like=True):
    """A bar whose prices leave open what it did: what it may be worth at its close, in units."""

    symbol: int
    start_ns: int
    worst_units: int
    best_units: int
    taken_units: int

    @property
    def band_units(self) -> int:
        """How far apart they lie. Not always in this order: orders may share a bar's volume."""
        worths = (self.worst_units, self.best_units, self.taken_units)
        return max(worths) - min(worths)


class Owner(Protocol):
    """Whose orders they are: the broker tells it what becomes of them."""

    @property
    def entries(self) -> Entries: ...

    def filled(
        self, order: Order, units: int, price: float, start_ns: int, now_ns: int
    ) -> None: ...
    def lapsed(self, order: Order, state: str, now_ns: int, reason: str) -> None: ...
    def amended(self, order: Order, terms: Terms, since_ns: int, now_ns: int) -> None: ...
    def reduced(self, order: Order, units: int, now_ns: int) -> None: ...
    def uncertain(self, bar: Ambiguity) -> None: ...
    def held_units_of(self, strategy: int, symbol: int) -> int: ...
    def multiplier_units_of(self, symbol: int) -> int: ...
