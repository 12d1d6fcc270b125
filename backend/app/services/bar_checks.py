"""What is wrong with a bar, judged by the bar alone: its prices, its volume, its session."""

import numpy as np
import numpy.typing as npt

from app.core.bars import Block
from app.core.calendar import TradingSession

FAULTS = ("", "price", "range", "volume", "session", "order")
GOOD, PRICE, RANGE, VOLUME, SESSION, ORDER = range(len(FAULTS))


def all_good(block: Block, extended_hours: bool) -> bool:
    """Whether `faults` would find none, for blocks in time order; built to be fast."""
    low, high = block.low, block.high
    good = low > 0.0
    for check in (
        low <= block.open,
        low <= block.close,
        block.open <= high,
        block.close <= high,
        high < np.inf,
        block.volume >= 0.0,
        block.volume < np.inf,
    ):
        good &= check
    return bool(good.all()) and _in_sessions(block, extended_hours)


def faults(block: Block, extended_hours: bool) -> npt.NDArray[np.int8]:
    """What is wrong with each row, the first of FAULTS that applies; 0 is good.

    Prices are finite and above zero, the low and the high enclose open and close, the volume is
    finite and not negative, and the bar starts within its session's trading.
    """
    prices = np.stack((block.open, block.high, block.low, block.close))
    price = ((prices > 0.0) & (prices < np.inf)).all(axis=0)
    within = (prices.min(axis=0) >= block.low) & (prices.max(axis=0) <= block.high)
    volume = (block.volume >= 0.0) & (block.volume < np.inf)
    inside = np.zeros(len(block), np.bool_)
    for span in block.spans:
        rows = slice(span.first, span.end)
        for part in span.session.segments(extended_hours):
            start_ns = block.start_ns[rows]
            inside[rows] |= (start_ns >= part.start_ns) & (start_ns < part.end_ns)
    found = np.select([~price, ~within, ~volume, ~inside], [PRICE, RANGE, VOLUME, SESSION], GOOD)
    return found.astype(np.int8)


def _in_sessions(block: Block, extended_hours: bool) -> bool:
    """Whether every row starts within its session's trading; rows are in time order."""
    covered = 0
    for span in block.spans:
        if span.first == span.end:
            continue
        if span.first != covered or not _within(
            block, span.first, span.end, span.session, extended_hours
        ):
            return False
        covered = span.end
    return covered == len(block)


def _within(
    block: Block, first: int, end: int, session: TradingSession, extended_hours: bool
) -> bool:
    starts = block.start_ns
    start_ns, end_ns = session.hours(extended_hours)
    if starts.item(first) < start_ns or starts.item(end - 1) >= end_ns:
        return False
    rows = starts[first:end]
    return all(
        rows.searchsorted(begin) == rows.searchsorted(over) for begin, over in session.breaks
    )
