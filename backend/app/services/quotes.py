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


def in_force(
    quoted_ns: Ints, spread: Floats, starts_ns: Ints, opens_ns: Ints, since_ns: Ints
) -> Floats:
    """The spread of the last quote made by each start, of those that count: made since the session
    before its own had ended. 0 where there is none; nan is no quote.

    `opens_ns` are the sessions' starts, and `since_ns` from when on quotes count in each.
    """
    made = ~np.isnan(spread)
    quoted_ns, spread = quoted_ns[made], spread[made]
    if not len(quoted_ns):
        return np.zeros(len(starts_ns))
    last = np.searchsorted(quoted_ns, starts_ns, side="right") - 1
    session = np.searchsorted(opens_ns, starts_ns, side="right") - 1
    counts = (last >= 0) & (quoted_ns[last] >= since_ns[session])
    return np.where(counts, spread[last], 0.0)
