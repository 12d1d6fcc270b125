"""Bars of a live run as the store takes them: gathered from its inputs, in order, and sound."""

from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from app.core.bars import COLUMNS, BarColumns, Block, Ints, Table
from app.core.calendar import TradingSession
from app.services.bar_import import inside, sessions_outline

Told = Block | Table  # bars of several symbols, as a run was given them


class KeptBars(msgspec.Struct, frozen=True):
    """What keeping did to a series. `left` bars differ from the stored ones, which stayed."""

    added: int
    same: int
    changed: int
    left: int


def gathered(parts: Sequence[Told], symbol: int) -> BarColumns:
    """A symbol's bars by start; of one start the one that came last."""
    rows = [part.symbol == symbol for part in parts]
    columns = [
        np.concatenate(
            [getattr(part, name)[mine] for part, mine in zip(parts, rows, strict=True)]
            or [np.empty(0, np.int64 if name == COLUMNS[0] else np.float64)]
        )
        for name in COLUMNS
    ]
    return in_order(BarColumns(*columns))


def in_order(bars: BarColumns) -> BarColumns:
    """By start, each once: the one that stood last."""
    _, last = np.unique(bars.start_ns[::-1], return_index=True)
    return taken(bars, len(bars) - 1 - last)


def sound(bars: BarColumns, sessions: Sequence[TradingSession], extended_hours: bool) -> BarColumns:
    """The bars that an import would take: real prices, and inside these sessions."""
    prices = np.stack((bars.open, bars.high, bars.low, bars.close))
    good = ((prices > 0.0) & (prices < np.inf)).all(axis=0)
    good &= (prices.min(axis=0) >= bars.low) & (prices.max(axis=0) <= bars.high)
    good &= (bars.volume >= 0.0) & (bars.volume < np.inf)
    outline = sessions_outline(sessions, extended_hours=extended_hours)
    return taken(bars, good & inside(bars.start_ns, *outline))


def taken(bars: BarColumns, rows: Ints | npt.NDArray[np.bool_]) -> BarColumns:
    """Some rows, by mask or index."""
    return BarColumns(*(getattr(bars, name)[rows] for name in COLUMNS))
