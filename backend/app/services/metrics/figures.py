"""One figure: its value, or why there is none. No infinity and no NaN ever leaves a metric."""

import math
from typing import Final

import msgspec
import numpy as np

from app.core.bars import Floats

Number = float | int

_NOISE: Final = 1e-13  # what floats of one value differ by at most, however they were reckoned


class Figure(msgspec.Struct, frozen=True):
    """A value, or None with the reason."""

    value: Number | None
    reason: str | None = None


def none(reason: str) -> Figure:
    """There is no such figure."""
    return Figure(None, reason)


def figure(value: Number) -> Figure:
    """A value; what overflowed on the way is none."""
    if isinstance(value, int):
        return Figure(value)
    value = float(value)
    return Figure(value) if math.isfinite(value) else none("it is too large for a number")


def ratio(over: float, under: float, reason: str) -> Figure:
    """A quotient; of nothing by nothing, or of something by nothing, there is none."""
    return figure(over / under) if under else none(reason)


def deviation(values: Floats, less: int) -> float:
    """The standard deviation with n - `less`; 0 where all are the same but for rounding."""
    largest = max(1.0, float(np.abs(values).max()))
    spread = float(np.ptp(values))
    return float(np.std(values, ddof=less)) if spread > _NOISE * largest else 0.0


def total(values: Floats) -> float:
    """The sum, rounded once: it does not depend on the order."""
    try:
        return math.fsum(values)
    except OverflowError:
        return math.inf
