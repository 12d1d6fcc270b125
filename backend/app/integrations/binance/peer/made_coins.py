"""Coins of our own making: minutes of any stretch of time, the same on every machine.

A price is a function of its minute alone: waves of several lengths and a little noise, in whole
cents, so that nothing has to be kept and no library's rounding can change it.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from app.core.bars import BarColumns
from app.core.intervals import MINUTE_NS
from app.services.mixing import mixed

COINS: Final[Mapping[str, int]] = {  # in cents, about which a price moves
    "BTC/USDT": 6_000_000,
    "ETH/USDT": 240_000,
    "BNB/USDT": 60_000,
}
_WAVES: Final = ((90, 25), (410, 60), (4_300, 250))  # minutes, and parts of ten thousand
_Whole = npt.NDArray[np.int64]


def minutes_of(symbol: str, start_ns: int, end_ns: int) -> BarColumns:
    """The minutes that start in between, each of them traded."""
    first, end = -(-start_ns // MINUTE_NS), -(-end_ns // MINUTE_NS)
    minutes = np.arange(first, max(first, end) + 1, dtype=np.int64)
    prices = _cents(symbol, minutes)
    minutes, first_cents, last_cents = minutes[:-1], prices[:-1], prices[1:]
    reach = COINS[symbol] // 20_000 + 1
    high_cents = np.maximum(first_cents, last_cents) + _small(symbol, 1, minutes, reach)
    low_cents = np.minimum(first_cents, last_cents) - _small(symbol, 2, minutes, reach)
    volume = (500 + _small(symbol, 3, minutes, 5_000)) / 100.0
    cents = (first_cents, high_cents, low_cents, last_cents)
    open_, high, low, close = (one / 100.0 for one in cents)
    return BarColumns(minutes * MINUTE_NS, open_, high, low, close, volume)


def _cents(symbol: str, minutes: _Whole) -> _Whole:
    """A price where a minute begins."""
    middle = COINS[symbol]
    price = np.full(len(minutes), middle, np.int64)
    for length, share in _WAVES:
        along = np.abs(2 * (minutes % length) - length)  # from `length` down to 0 and back
        price += middle * share * (2 * along - length) // (length * 10_000)
    return price + _small(symbol, 0, minutes, middle // 10_000 + 1)


def _small(symbol: str, part: int, minutes: _Whole, bound: int) -> _Whole:
    """Whole numbers from 0 to `bound` - 1, one for each minute."""
    key = np.uint64(list(COINS).index(symbol) * 8 + part + 1) << np.uint64(40)
    return mixed(minutes.astype(np.uint64) + key, bound)
