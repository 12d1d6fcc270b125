"""Windows of random one-minute bars in cents, for the indicator tests."""

import datetime as dt

import numpy as np

from app.core.calendar import TradingSession
from app.core.intervals import DAY_NS, MINUTE_NS
from app.core.windows import Window

FIRST_OPEN_NS = int(np.datetime64("2024-11-18T14:30", "ns").astype(np.int64))


def window_of(
    minutes: list[list[int]], close: np.ndarray, spread: np.ndarray, volume: np.ndarray
) -> Window:
    """One session per list of minutes since its open; the arrays hold a value per bar."""
    open_ns = [FIRST_OPEN_NS + day * DAY_NS for day in range(len(minutes))]
    starts = [
        day + minute * MINUTE_NS for day, of in zip(open_ns, minutes, strict=True) for minute in of
    ]
    start_ns = np.array(starts, dtype=np.int64)
    opening = np.concatenate((close[:1], close[:-1]))
    sizes = [len(of) for of in minutes]
    session = TradingSession(
        "XNYS", dt.date(2024, 11, 18), open_ns[-1], open_ns[-1] + 390 * MINUTE_NS
    )
    return Window(
        session=session,
        start_ns=start_ns,
        known_ns=start_ns + MINUTE_NS,
        open=opening,
        high=np.maximum(opening, close) + spread,
        low=np.minimum(opening, close) - spread,
        close=close,
        volume=volume,
        session_first=np.concatenate(([0], np.cumsum(sizes)[:-1])).astype(np.int64),
        session_open_ns=np.array(open_ns, dtype=np.int64),
    )


def random_window(seed: int, sizes: tuple[int, ...], missing: float = 0.0) -> Window:
    """A random walk over sessions of so many minutes, some of them without a bar."""
    draw = np.random.default_rng(seed)
    minutes = [[m for m in range(size) if draw.random() >= missing] for size in sizes]
    rows = sum(map(len, minutes))
    close = np.maximum(1000, 10_000 + np.cumsum(draw.integers(-9, 10, rows))) / 100
    spread = draw.integers(0, 5, rows) / 100
    volume = draw.integers(0, 900, rows) * np.float64(draw.random() > 0.05)
    return window_of(minutes, close, spread, volume)
