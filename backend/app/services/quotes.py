"""What quotes say of a bar: how far bid and ask stood apart when it opened."""

from collections.abc import Mapping

import numpy as np

from app.core.bars import Floats, Ints
from app.core.money import UNITS


def open_spread(quotes: Mapping[str, Floats], first: int, end: int) -> Floats:
    """Ask less bid at the open of some rows, to the unit; nan where there was no quote."""
    if "bid_open" not in quotes or "ask_open" not in quotes:
        return np.full(end - first, np.nan)
    apart = quotes["ask_open"][first:end] - quotes["bid_open"][first:end]
    return np.asarray(np.rint(apart * UNITS) / UNITS)  # 10.3 - 10.1 is no 0.2 in floats


def carried(spread: Floats, starts_ns: Ints, opens_ns: Ints) -> Floats:
    """With the last spread of its session where a bar has none; 0 before a session's first."""
    quoted = ~np.isnan(spread)
    if quoted.all():
        return spread
    rows = np.arange(len(spread))
    last = np.maximum.accumulate(np.where(quoted, rows, -1))
    firsts = np.searchsorted(starts_ns, opens_ns)
    session = np.searchsorted(opens_ns, starts_ns, side="right") - 1
    return np.where(last >= firsts[session], spread[last], 0.0)
