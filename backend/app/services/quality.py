"""How complete the bars of one symbol are in one session, telling a thin symbol from a hole.

A symbol that trades rarely has no bar in many minutes, and nothing is lost. So a run of missing
bars counts as a hole only when chance does not explain it. Of the N bars expected outside a run
of m, let k be absent. For independent bars of unknown activity (Jeffreys' prior), seeing those N,
the next m are all absent with probability

    P = (k + 1/2)/(N + 1) * (k + 3/2)/(N + 2) * ... * (k + m - 1/2)/(N + m)

and a session shows about P * (1 + N * (1 - q)) runs of m or more, with q the first factor. Below
1 in 1,000 the run is a hole. In simulation that takes 0 to 4 of 1,000 thin sessions for holed,
whatever their activity; q^m for P would take up to 280, as it trusts few bars too much. Of 390
busy minutes, 3 missing in a row are a hole; 7 hourly bars are too few to tell, short of all. A
session without a single bar is one hole: nothing in it speaks for a thin symbol.

Bars are expected from the start of each stretch of trading on, one an interval. Where a session's
bars lie elsewhere, but all at one phase of the interval (10:00, 11:00, ... after an open at 9:30),
they are expected at that phase, and one at the start of each stretch that it cuts short.
"""

from collections.abc import Sequence
from functools import lru_cache

import msgspec
import numpy as np
import numpy.typing as npt

from app.core.bars import Ints
from app.core.calendar import Segment
from app.core.intervals import DAY_NS

HOLE_BELOW = 0.001  # such runs a session, on average

Mask = npt.NDArray[np.bool_]


class Quality(msgspec.Struct, frozen=True):
    """What was expected of a session, or of its part so far, and what came.

    `missing` bars are either thin (nothing traded) or lie in `holes`, stretches from a start to
    an end. `bad` ones came but could not be used. Score and coverage are 1.0 at best.
    """

    expected: int
    present: int
    missing: int
    bad: int
    thin_bars: int
    holes: tuple[tuple[int, int], ...]
    score: float  # share of the expected bars not lost in holes or bad
    coverage: float  # share of the expected bars that are present


class SlotGrid(msgspec.Struct, frozen=True):
    """Where a session's bars are expected: starts and ends, counted from `anchor_ns`."""

    anchor_ns: int
    start_ns: Ints
    end_ns: Ints

    @classmethod
    def of(
        cls,
        segments: Sequence[Segment],
        interval_ns: int,
        upto_ns: int | None = None,
        phase_ns: int | None = None,
    ) -> "SlotGrid":
        """One slot a bar; a day has one for all its regular hours, from their start.

        Slots are cut at a phase of the interval, counted from 1970, or from each stretch's start.
        """
        bounds = [(part.start_ns, part.end_ns) for part in segments]
        if interval_ns >= DAY_NS:
            regular = [part for part in segments if part.kind == "regular"]
            bounds = [(regular[0].start_ns, regular[-1].end_ns)]
        anchor_ns = bounds[0][0]
        shape = tuple((start - anchor_ns, end - anchor_ns) for start, end in bounds)
        from_anchor_ns = None if phase_ns is None else (phase_ns - anchor_ns) % interval_ns
        starts, ends = _slots(shape, interval_ns, from_anchor_ns)
        if upto_ns is not None:
            count = int(np.searchsorted(ends, upto_ns - anchor_ns, side="right"))
            starts, ends = starts[:count], ends[:count]
        return cls(anchor_ns, starts, ends)

    @classmethod
    def fitting(
        cls,
        segments: Sequence[Segment],
        interval_ns: int,
        upto_ns: int | None,
        starts_ns: Ints,
    ) -> "SlotGrid":
        """Cut at the phase that these bars show when that is not the one of the stretches."""
        phase_ns = None
        if interval_ns < DAY_NS and not cls.of(segments, interval_ns).starts_all(starts_ns):
            opening = np.array([part.start_ns for part in segments], np.int64)
            phases = np.unique(starts_ns[~np.isin(starts_ns, opening)] % interval_ns)
            phase_ns = int(phases[0]) if len(phases) == 1 else None
        return cls.of(segments, interval_ns, upto_ns, phase_ns)

    def __len__(self) -> int:
        return len(self.start_ns)

    def filled_by(self, starts_ns: Ints) -> bool:
        """Whether these are exactly the bars expected."""
        if len(starts_ns) != len(self):
            return False
        return not np.count_nonzero(starts_ns - self.anchor_ns != self.start_ns)

    def starts_all(self, starts_ns: Ints) -> bool:
        """Whether each bar starts where a slot does."""
        if not len(self):
            return not len(starts_ns)
        offsets = starts_ns - self.anchor_ns
        slots = np.searchsorted(self.start_ns, offsets, side="right") - 1
        return bool((self.start_ns[slots] == offsets).all())

    def slots(self, starts_ns: Ints) -> Ints:
        """The slot each bar falls into; -1 for none."""
        if not len(self):
            return np.full(len(starts_ns), -1, np.int64)
        offsets = starts_ns - self.anchor_ns
        slots = np.searchsorted(self.start_ns, offsets, side="right") - 1
        return np.where(offsets < self.end_ns[slots], slots, -1)

    def occupied(self, starts_ns: Ints) -> Mask:
        """Which slots have a bar."""
        taken = np.zeros(len(self) + 1, np.bool_)  # the last takes what falls into none
        taken[self.slots(starts_ns)] = True
        return taken[:-1]

    def stretch(self, first: int, end: int) -> tuple[int, int]:
        """Start and end of some slots in a row."""
        return (
            self.anchor_ns + int(self.start_ns[first]),
            self.anchor_ns + int(self.end_ns[end - 1]),
        )


@lru_cache(maxsize=64)
def _slots(
    shape: tuple[tuple[int, int], ...], interval_ns: int, phase_ns: int | None
) -> tuple[Ints, Ints]:
    """Sessions have few shapes, so their slots are worked out once."""
    step_ns = interval_ns if interval_ns < DAY_NS else shape[0][1]
    starts, ends = [], []
    for start, end in shape:
        cut_short = 0 if phase_ns is None else (phase_ns - start) % step_ns
        cuts = np.arange(start + cut_short, end, step_ns, dtype=np.int64)
        starts.append(np.concatenate(([start], cuts)) if cut_short else cuts)
        ends.append(np.append(starts[-1][1:], end))
    slots = np.concatenate(starts), np.concatenate(ends)
    for array in slots:
        array.flags.writeable = False
    return slots


def assess(
    starts_ns: Ints,
    segments: Sequence[Segment],
    interval_ns: int,
    upto_ns: int | None = None,
) -> Quality:
    """The quality of one symbol's bars in a session, or in the part of it known by `upto_ns`."""
    grid = SlotGrid.fitting(segments, interval_ns, upto_ns, starts_ns)
    if grid.filled_by(starts_ns):
        return complete(len(grid))
    return assess_slots(grid, grid.occupied(starts_ns), None)


def assess_slots(grid: SlotGrid, present: Mask, bad: Mask | None) -> Quality:
    """The same, for slots already known to hold a bar, or one that could not be used."""
    expected, count = len(grid), int(np.count_nonzero(present))
    if count == expected:
        return complete(expected)
    traded = present if bad is None else present | bad
    unusable = int(np.count_nonzero(traded)) - count
    missing = expected - count - unusable
    edges = np.flatnonzero(np.diff(traded, prepend=True, append=True)).tolist()
    runs = list(zip(edges[::2], edges[1::2], strict=True))
    hole_lengths = {
        n for n in {end - first for first, end in runs} if is_hole(n, missing, expected)
    }
    found = [(first, end) for first, end in runs if end - first in hole_lengths]
    in_holes = sum(end - first for first, end in found)
    return Quality(
        expected=expected,
        present=count,
        missing=missing,
        bad=unusable,
        thin_bars=missing - in_holes,
        holes=tuple(grid.stretch(first, end) for first, end in found),
        score=(expected - in_holes - unusable) / expected,
        coverage=count / expected,
    )


def is_hole(run: int, missing: int, expected: int) -> bool:
    """Whether chance would show a run this long less than once in 1,000 such sessions."""
    outside = expected - run
    if outside == 0:
        return True
    absent = missing - run + 0.5
    often = 1.0 + outside * (1.0 - absent / (outside + 1))
    for place in range(run):
        often *= (absent + place) / (outside + 1 + place)
        if often < HOLE_BELOW:
            return True
    return False


def complete(expected: int) -> Quality:
    """The quality of a session that lacks nothing, or of which nothing is expected yet."""
    return Quality(expected, expected, 0, 0, 0, (), 1.0, 1.0)
