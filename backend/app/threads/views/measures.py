"""What limits ask of one symbol's bars in a session, by the moment; worked out once a window."""

from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate
from typing import Final

from app.core.bars import Floats, Ints, Table
from app.core.calendar import Segment
from app.core.money import UNITS
from app.core.windows import Window
from app.services.quality import SlotGrid
from app.services.true_range import price_units, true_ranges

RANGE_BARS: Final = 14  # the last ones, whose ranges say how volatile a symbol is

Quoted = tuple[int, int, int]  # when a bar starts, its close, and the spread at its open


class Quotes:
    """The quotes of one symbol's bars in a block; read up to the moment that is asked of."""

    def __init__(self, base: Table, rows: Ints | slice) -> None:
        close = base.close[rows]
        spread = close * 0.0 if base.spread is None else base.spread[rows]
        self._known_ns = base.known_ns[rows].tolist()
        self._columns = base.start_ns[rows].tolist(), *map(_in_units, (close, spread))

    def last(self, now_ns: int) -> Quoted | None:
        """The quote of the last bar; None before the first."""
        row = bisect_right(self._known_ns, now_ns) - 1
        starts, closes, spreads = self._columns
        return (starts[row], closes[row], spreads[row]) if row >= 0 else None


def in_basis_points(spread_units: int, close_units: int) -> int:
    """A spread in basis points of the close, in units, up to the unit; 0 where there is none."""
    if spread_units <= 0 or close_units <= 0:
        return 0
    return -(-spread_units * 10_000 * UNITS // close_units)


def _in_units(prices: Floats) -> list[int]:
    units: list[int] = price_units(prices).tolist()
    return units


class Measures:
    """Measures a window of base bars; nothing is read beyond the moment that is asked of."""

    def __init__(self, window: Window, segments: Sequence[Segment], step_ns: int) -> None:
        self._window = window
        self._segments = segments
        self._step_ns = step_ns
        self._known_ns = window.known_ns[window.today :].tolist()

    def last_known_ns(self, now_ns: int) -> int:
        """When today's last bar was complete; -1 before the first."""
        row = bisect_right(self._known_ns, now_ns) - 1
        return self._known_ns[row] if row >= 0 else -1

    def coverage(self, now_ns: int) -> float:
        """The share of the bars expected today that have come; 0 where it takes more to tell."""
        ends_ns = self._ends_ns
        if not ends_ns:
            return 0.0
        expected = bisect_right(ends_ns, now_ns)
        return bisect_right(self._known_ns, now_ns) / expected if expected else 1.0

    def volatility_units(self, now_ns: int) -> int:
        """The mean true range of the last bars, in percent of the last close, up to the unit; -1
        while there is no bar.
        """
        sums, closes = self._ranges
        end = self._before + bisect_right(self._known_ns, now_ns)
        if not end or closes[end - 1] <= 0:
            return -1
        first = max(end - RANGE_BARS, 0)
        over, under = (sums[end] - sums[first]) * 100 * UNITS, closes[end - 1] * (end - first)
        return -(-over // under)

    def calm_until_ns(self, now_ns: int, most_units: int) -> int:
        """Until when that is no more than so much: the last moment that the window knows of, where
        the widest range of all is no such part of the lowest close; -1 where it takes more to tell.
        """
        known_ns = self._known_ns
        if not known_ns or not (self._before or known_ns[0] <= now_ns):
            return -1
        widest_units, lowest_units = self._extremes
        if lowest_units <= 0:
            return -1
        calm = widest_units * 100 * UNITS <= most_units * lowest_units
        return known_ns[-1] if calm else -1

    @cached_property
    def _ends_ns(self) -> Sequence[int]:
        """When each of today's bars is expected; none where they lie elsewhere."""
        grid = SlotGrid.of(self._segments, self._step_ns)
        if not grid.starts_all(self._window.start_ns[self._window.today :]):
            return ()
        ends_ns: list[int] = (grid.end_ns + grid.anchor_ns).tolist()
        return ends_ns

    @cached_property
    def _extremes(self) -> tuple[int, int]:
        """The widest range, and the lowest close, of all that ranges are taken of."""
        ranges, closes = self._units
        return int(ranges.max()), int(closes.min())

    @property
    def _before(self) -> int:
        """How many bars of before today ranges are taken of, too."""
        return min(self._window.today, RANGE_BARS)

    @cached_property
    def _units(self) -> tuple[Ints, Ints]:
        """Ranges and closes, of those bars and today's."""
        window = self._window
        first = window.today - self._before
        one_before = max(first - 1, 0)  # only for its close
        rows = slice(one_before, None)
        close = window.close[rows]
        ranges = true_ranges(window.high[rows], window.low[rows], close)
        skip = first - one_before
        return price_units(ranges[skip:]), price_units(close[skip:])

    @cached_property
    def _ranges(self) -> tuple[Sequence[int], Sequence[int]]:
        """Sums of ranges up to each bar, and closes."""
        ranges, closes = self._units
        return [0, *accumulate(ranges.tolist())], closes.tolist()
