"""What an import from a source is asked for, and what came of it; counts are bars."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from app.core.bars import BarColumns, Ints
from app.core.calendar import TradingSession
from app.core.errors import AppError
from app.core.intervals import interval_ns
from app.services.bar_import import FAULT_TEXT, Fault, Rows, Terms, check_rows
from app.services.csv_columns import PRICES
from app.services.csv_times import Times
from app.services.quality import SlotGrid

GAPS_SHOWN = 1_000  # a report of a thin symbol stays readable


class FetchBroken(AppError):
    """It ended before its end; what had come is stored."""


class Gap(msgspec.Struct, frozen=True):
    """Expected bars in a row that are not there."""

    start: str
    end: str
    bars: int


class FetchReport(msgspec.Struct, frozen=True, kw_only=True):
    """One symbol. All of its gaps were asked for: the source has no sound bar there."""

    source: str
    market: str
    symbol: str
    interval: str
    start: str
    end: str
    begins: str | None  # where the source does, when that is later by more than a week
    expected: int
    present: int
    pages: int
    added: int
    same: int
    changed: int
    differing: int  # that the source tells otherwise than they are stored; those stayed
    kept_out: dict[str, int]  # why, and how many
    first: str | None
    last: str | None
    zero_volume: int
    missing: int
    gaps: tuple[Gap, ...]  # the longest, by time
    gaps_left_out: int


class Wanted(msgspec.Struct, frozen=True):
    """Where bars are expected, in order: starts and ends."""

    start_ns: Ints
    end_ns: Ints

    def __len__(self) -> int:
        return len(self.start_ns)


def wanted(sessions: Sequence[TradingSession], interval: str, start_ns: int, end_ns: int) -> Wanted:
    """The expected bars that start within a stretch of time and have ended by its end."""
    starts, ends = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for session in sessions:
        grid = SlotGrid.of(session.segments(), interval_ns(interval), end_ns)
        starts.append(grid.start_ns + grid.anchor_ns)
        ends.append(grid.end_ns + grid.anchor_ns)
    all_starts, all_ends = np.concatenate(starts), np.concatenate(ends)
    inside = all_starts >= start_ns
    return Wanted(all_starts[inside], all_ends[inside])


def absent(slots: Wanted, starts_ns: Ints) -> "np.typing.NDArray[np.bool_]":
    """Which of these have no bar that starts in them; bars are in order."""
    found = np.searchsorted(starts_ns, slots.start_ns)
    following = np.append(starts_ns, np.iinfo(np.int64).max)[found]
    return np.asarray(following >= slots.end_ns)


def runs_of(missing: "np.typing.NDArray[np.bool_]") -> list[tuple[int, int]]:
    """First and end of each run of True."""
    edges = np.flatnonzero(np.diff(missing, prepend=False, append=False)).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))


def longest(runs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """As many as are shown, in order of time."""
    return sorted(sorted(runs, key=lambda run: run[0] - run[1])[:GAPS_SHOWN])


def checked(
    bars: BarColumns, interval: str, zone: str, sessions: Sequence[TradingSession], now_ns: int
) -> tuple[BarColumns, Mapping[str, int]]:
    """The bars that an import from a file would take, and why it would not take the others."""
    none = np.zeros(len(bars), dtype=bool)
    rows = Rows(
        Times(bars.start_ns, none, none),
        {name: getattr(bars, name) for name in (*PRICES, "volume")},
        np.arange(len(bars)),
        np.empty(0, np.int64),
    )
    found = check_rows(rows, Terms(interval, "start", zone, sessions, now_ns))
    faults = {FAULT_TEXT[why]: len(lines) for why, lines in found.faults.items()}
    faults.pop(FAULT_TEXT[Fault.NO_BAR], None)
    return found.columns, faults
