"""Bars as text: a candle in a line, and a line of closes; in ASCII where there is no more."""

from collections.abc import Sequence
from typing import NamedTuple

from app.core.session_data import BarData

_LEVELS, _ASCII_LEVELS = "▁▂▃▄▅▆▇█", "_.-:=+*#"


class Pens(NamedTuple):
    """What a candle is drawn with."""

    wick: str
    up: str
    down: str
    same: str  # open and close are one price


PENS, ASCII_PENS = Pens("─", "█", "░", "┼"), Pens("-", "#", "o", "+")


def candle(bar: BarData, low: float, high: float, width: int, pens: Pens) -> str:
    """From the low on the left to the high on the right, on a scale from `low` to `high`."""
    first, last, opened, closed = (
        _place(price, low, high, width) for price in (bar.low, bar.high, bar.open, bar.close)
    )
    body = pens.up if bar.close > bar.open else pens.down if bar.close < bar.open else pens.same
    inside = range(min(opened, closed), max(opened, closed) + 1)
    drawn = [
        body if place in inside else pens.wick if first <= place <= last else " "
        for place in range(width)
    ]
    return "".join(drawn).rstrip()


def sparkline(closes: Sequence[float | None], ascii_only: bool, scale: Sequence[float] = ()) -> str:
    """A mark for each close, as high as that lies among them, or on a scale; none is a blank."""
    told = [close for close in closes if close is not None]
    if not told:
        return " " * len(closes)
    levels = _ASCII_LEVELS if ascii_only else _LEVELS
    low, high = min(scale or told), max(scale or told)
    return "".join(
        " " if close is None else levels[_place(close, low, high, len(levels))] for close in closes
    )


def _place(price: float, low: float, high: float, width: int) -> int:
    return round((price - low) / (high - low) * (width - 1)) if high > low else 0
