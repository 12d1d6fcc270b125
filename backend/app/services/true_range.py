"""True ranges: how far a bar's prices went, the way from the close before it included."""

from typing import Final

import numpy as np

from app.core.bars import Floats, Ints
from app.core.money import UNITS

_MOST_UNITS: Final = 2.0**62  # what a column of whole numbers can hold


def price_units(prices: Floats) -> Ints:
    """Prices in units, as whole numbers: they add up to the same in any order."""
    return np.minimum(np.rint(prices * UNITS), _MOST_UNITS).astype(np.int64)


def true_ranges(high: Floats, low: Floats, close: Floats) -> Floats:
    """Of each bar; the first is taken for itself."""
    top, bottom = high.copy(), low.copy()
    np.maximum(high[1:], close[:-1], out=top[1:])
    np.minimum(low[1:], close[:-1], out=bottom[1:])
    return np.asarray(top - bottom)
