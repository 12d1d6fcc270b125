"""How far a curve fell below its peak, and for how long: at once, or block by block of a stream."""

import msgspec
import numpy as np

from app.core.bars import Floats, Ints
from app.core.intervals import DAY_NS


class Fall(msgspec.Struct, frozen=True):
    """One stretch below a peak. `depth` is a share of the peak, `amount` money."""

    peak_ns: int  # when the peak was last seen
    trough_ns: int
    recovered_ns: int | None  # when the peak was regained; None: not by the end
    end_ns: int  # of the stretch: then, or the curve's end
    depth: float
    amount: float

    @property
    def days(self) -> float:
        """Calendar days below the peak."""
        return (self.end_ns - self.peak_ns) / DAY_NS

    @property
    def recovery_days(self) -> float | None:
        """From the trough to the peak regained."""
        return None if self.recovered_ns is None else (self.recovered_ns - self.trough_ns) / DAY_NS


def deepest(values: Floats, peak: float) -> tuple[float, float]:
    """The deepest share below the peak among these values, `peak` being the one before them; and
    the peak behind them. A curve comes in as many parts as it likes.
    """
    if not len(values):
        return 0.0, peak
    if values.max() <= peak and peak > 0:  # no new one: the lowest value is the deepest
        return float((peak - values.min()) / peak), peak
    peaks = np.maximum.accumulate(values)
    np.maximum(peaks, peak, out=peaks)
    return float(((peaks - values) / peaks).max()), float(peaks[-1])


class Falls(msgspec.Struct, frozen=True):
    """Every stretch of a curve below a peak above 0, in order of time, as columns."""

    instants_ns: Ints  # of the curve
    equity: Floats
    first: Ints  # places in the curve: where each begins,
    end: Ints  # and where its peak is regained
    low: Floats
    peak: Floats

    def __len__(self) -> int:
        return len(self.first)

    @property
    def days(self) -> Floats:
        """Calendar days from the peak until it was regained, or until the end."""
        ends = np.minimum(self.end, len(self.equity) - 1)
        return (self.instants_ns[ends] - self.instants_ns[self.first - 1]) / DAY_NS

    def worst(self, count: int) -> list[Fall]:
        """The deepest, deepest first; of equal ones the earlier."""
        depth = (self.peak - self.low) / self.peak
        return [self._at(int(place)) for place in np.argsort(-depth, kind="stable")[:count]]

    def longest(self) -> Fall | None:
        """The one that lasted longest."""
        return self._at(int(np.argmax(self.days))) if len(self) else None

    def _at(self, place: int) -> Fall:
        first, end = int(self.first[place]), int(self.end[place])
        low, peak = float(self.low[place]), float(self.peak[place])
        is_over = end < len(self.equity)
        end_ns = int(self.instants_ns[end if is_over else -1])
        return Fall(
            peak_ns=int(self.instants_ns[first - 1]),
            trough_ns=int(self.instants_ns[first + int(np.argmin(self.equity[first:end]))]),
            recovered_ns=end_ns if is_over else None,
            end_ns=end_ns,
            depth=(peak - low) / peak,
            amount=peak - low,
        )


def falls(instants_ns: Ints, equity: Floats) -> Falls:
    """The stretches of a curve whose first value is a peak."""
    peaks = np.maximum.accumulate(equity) if len(equity) else equity
    under = (equity < peaks) & (peaks > 0)
    edges = np.diff(under.astype(np.int8), prepend=0, append=0)
    first, end = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    # Behind a stretch the curve is above its peak until the next one: no low of it is there.
    low = np.minimum.reduceat(equity, first) if len(first) else equity[:0]
    return Falls(instants_ns, equity, first, end, low, peaks[first])
