"""The venues that live runs are killed at: what is traded there, and how it is told by whom."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from app.core.venue import Venue
from app.integrations.binance.adapter import open_binance
from app.integrations.binance.endpoints import Keys
from app.integrations.practice.adapter import open_practice
from app.managers.time_manager import WallClock


class Ground(NamedTuple):
    """A venue of `practice start`, and what a run there is made of."""

    venue: str
    symbols: Sequence[str]
    market: str
    at: str
    strategy: str  # its file, beside this one
    account: Mapping[str, str] = MappingProxyType({})
    sessions: int = 1  # to trade: coins are traded over midnight
    least_value: float = 0.0  # of an order; a holding of less cannot be closed

    def words(self) -> list[str]:
        """Of `practice start`."""
        return ["--as", self.venue]

    def opened(self, told: dict[str, Any]) -> Venue:
        """The adapter of the venue that told this of itself: the real library asks it."""
        url, chance = told["url"], np.random.default_rng(1)
        if self.venue == "practice":
            return open_practice(url, chance)
        keys = Keys(told["key"], told["secret"])
        return open_binance(url, keys, self.symbols, WallClock(), chance)

    def keys(self, told: dict[str, Any]) -> dict[str, str]:
        """What a trader's environment has of it."""
        if "key" not in told:
            return {}
        return {
            "MISMARTERA_BINANCE_KEY": told["key"],
            "MISMARTERA_BINANCE_SECRET": told["secret"],
        }


STOCKS = Ground(
    "practice", ("SYN1", "SYN2", "THIN"), "XNYS", "2024-11-01T09:29", "restless_strategy.py"
)
COINS = Ground(
    "binance",
    ("BTC/USDT", "ETH/USDT"),
    "24/7",
    "2024-11-05T01:00",
    "restless_coins.py",
    {"currency": "USDT"},
    sessions=10,
    least_value=5.0,
)
GROUNDS = {ground.venue: ground for ground in (STOCKS, COINS)}
