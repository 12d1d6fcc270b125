"""The bundled sample: synthetic bars, the same on every machine, with what real data throws at us.

Three symbols on XNYS by the minute: a half day, a clock change, a split (SYN2), a dividend
(SYN1), and one that often does not trade (THIN). Only integers and the four operations are
used, so that no library's or processor's rounding can change a cent.
"""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from app.core.bars import BarColumns
from app.core.calendar import TradingSession
from app.core.instruments import CorporateAction, Instrument
from app.core.intervals import MINUTE_NS
from app.services.mixing import mixed

MARKET = "XNYS"
INTERVAL = "1m"
SYMBOLS = ("SYN1", "SYN2", "THIN")
FIRST_DATE, LAST_DATE = dt.date(2024, 10, 21), dt.date(2024, 12, 13)
SPLIT_DATE, DIVIDEND_DATE = dt.date(2024, 12, 3), dt.date(2024, 11, 15)
_SEED = 20241021


def sample_instruments() -> tuple[Instrument, ...]:
    """The sample's instruments."""
    return tuple(Instrument(MARKET, symbol) for symbol in SYMBOLS)


def sample_actions() -> tuple[CorporateAction, ...]:
    """The sample's corporate actions."""
    return (
        CorporateAction("SYN1", DIVIDEND_DATE, "dividend", Decimal("0.45")),
        CorporateAction("SYN2", SPLIT_DATE, "split", Decimal(2)),
    )


def make_bars(symbol: str, sessions: Sequence[TradingSession]) -> BarColumns:
    """The bars of one of the sample's symbols over these sessions."""
    stream = SYMBOLS.index(symbol)
    starts = np.concatenate([np.arange(one.open_ns, one.close_ns, MINUTE_NS) for one in sessions])
    edge = _distance_from_noon(sessions)
    price = _path_cents(stream, len(starts), edge)
    high_reach, low_reach = _small(stream, 4, len(starts), 5), _small(stream, 5, len(starts), 5)
    open_, close = price[:-1], price[1:]
    high = np.maximum(open_, close) + high_reach
    low = np.minimum(open_, close) - low_reach
    # Most is traded at the open and the close, least at noon.
    volume = (
        (300 + 2700 * edge * edge // 1_000_000) * (50 + _small(stream, 6, len(starts), 100)) // 100
    )
    columns = [open_, high, low, close, volume]
    if symbol == "SYN2":
        after = starts >= next(one.open_ns for one in sessions if one.date >= SPLIT_DATE)
        columns = [np.where(after, column // 2, column) for column in columns[:4]]
        columns.append(np.where(after, volume * 2, volume))
    kept = np.ones(len(starts), dtype=bool)
    if symbol == "THIN":
        kept = _small(stream, 7, len(starts), 100) < 30 + edge * 40 // 1000
    values = [column[kept] / 100.0 for column in columns[:4]]
    values.append(columns[4][kept].astype(np.float64))
    return BarColumns(starts[kept], *values)


def _distance_from_noon(sessions: Sequence[TradingSession]) -> npt.NDArray[np.int64]:
    """Per minute, 1000 at a session's ends and 0 in its middle."""
    parts = []
    for one in sessions:
        minutes = (one.close_ns - one.open_ns) // MINUTE_NS
        place = np.arange(minutes, dtype=np.int64)
        parts.append(np.abs(2 * place - (minutes - 1)) * 1000 // (minutes - 1))
    return np.concatenate(parts)


def _path_cents(stream: int, minutes: int, edge: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """A walk in cents, one price more than minutes; livelier near a session's ends.

    Sums of four even draws stand in for a normal one; a slow wave gives trends to follow.
    """
    draws = sum(_small(stream, part, minutes, 9) for part in range(4)) - 16
    steps = draws * (3 + edge // 250) // 4
    place = np.arange(minutes, dtype=np.int64)
    period = 1100 + 370 * stream
    wave = np.where(place // period % 2 == 0, 1, -1) * (place % 3 == 0)
    start = (15_000, 31_000, 4_200)[stream]
    path = start + np.concatenate(([0], np.cumsum(steps + wave)))
    return np.asarray(np.maximum(path, 200))


def _small(stream: int, part: int, count: int, bound: int) -> npt.NDArray[np.int64]:
    """`count` whole numbers from 0 to `bound` - 1, of a stream's own."""
    key = np.uint64(_SEED * 1_000 + stream * 10 + part) << np.uint64(32)
    return mixed(key + np.arange(1, count + 1, dtype=np.uint64), bound)
