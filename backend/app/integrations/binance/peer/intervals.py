"""Longer bars out of minutes, cut where Binance cuts them: at whole multiples since 1970, UTC."""

import numpy as np

from app.core.bars import BarColumns
from app.core.intervals import MINUTE_NS, interval_ns
from app.integrations.binance.peer.wrong import Wrong
from app.integrations.binance.places import INTERVALS


def length_of(interval: str) -> int:
    """In nanoseconds; those that Binance has and this peer knows."""
    if interval not in INTERVALS:
        raise Wrong(400, -1120, "Invalid interval.")
    return interval_ns(interval)


def longer(minutes: BarColumns, length_ns: int) -> BarColumns:
    """Bars of a length; one begins with the first of its minutes that is there."""
    if length_ns == MINUTE_NS or not len(minutes):
        return minutes
    marks = minutes.start_ns - minutes.start_ns % length_ns
    first = np.flatnonzero(np.r_[True, marks[1:] != marks[:-1]])
    last = np.r_[first[1:], len(marks)] - 1
    return BarColumns(
        marks[first],
        minutes.open[first],
        np.maximum.reduceat(minutes.high, first),
        np.minimum.reduceat(minutes.low, first),
        minutes.close[last],
        np.add.reduceat(minutes.volume, first),
    )
