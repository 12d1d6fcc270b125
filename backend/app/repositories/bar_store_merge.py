"""Bars laid over bars: equal starts are replaced, the rest is kept, and both are counted."""

import msgspec
import numpy as np

from app.core.bars import COLUMNS, BarColumns, Floats, Ints
from app.repositories.bar_store_codec import Quotes
from app.services.csv_columns import QUOTES


class MergeCounts(msgspec.Struct, frozen=True):
    """What an import did to the store, in bars."""

    added: int = 0
    same: int = 0
    changed: int = 0

    def __add__(self, other: "MergeCounts") -> "MergeCounts":
        return MergeCounts(
            self.added + other.added, self.same + other.same, self.changed + other.changed
        )


def without_conflicts(old: BarColumns, new: BarColumns, own_ns: Ints) -> tuple[BarColumns, int]:
    """`new` without what would change a stored bar, but for those that start at `own_ns`; and how
    many that were.
    """
    stored, first, second = np.intersect1d(
        old.start_ns, new.start_ns, assume_unique=True, return_indices=True
    )
    differ = np.zeros(len(stored), dtype=bool)
    for name in COLUMNS[1:]:
        differ |= getattr(old, name)[first] != getattr(new, name)[second]
    differ &= ~np.isin(stored, own_ns)
    kept = np.ones(len(new), dtype=bool)
    kept[second[differ]] = False
    return BarColumns(*(getattr(new, name)[kept] for name in COLUMNS)), int(differ.sum())


def merge(
    old: BarColumns, old_quotes: Quotes, new: BarColumns, new_quotes: Quotes
) -> tuple[BarColumns, Quotes, MergeCounts]:
    """`new` over `old`; quote columns that `new` does not bring keep their old values."""
    starts = np.concatenate((old.start_ns, new.start_ns))
    starts.sort(kind="stable")  # merges two runs that are in order already
    starts = starts[np.concatenate(([True], starts[1:] != starts[:-1]))]
    at_old, at_new = np.searchsorted(starts, old.start_ns), np.searchsorted(starts, new.start_ns)
    values = [
        _lay(len(starts), at_old, getattr(old, name), at_new, getattr(new, name))
        for name in COLUMNS[1:]
    ]
    quotes = {
        name: _lay(len(starts), at_old, old_quotes.get(name), at_new, new_quotes.get(name))
        for name in QUOTES
        if name in old_quotes or name in new_quotes
    }
    return BarColumns(starts, *values), quotes, _count(old, old_quotes, new, new_quotes)


def _lay(length: int, at_old: Ints, old: Floats | None, at_new: Ints, new: Floats | None) -> Floats:
    column = np.full(length, np.nan)
    if old is not None:
        column[at_old] = old
    if new is not None:
        column[at_new] = new
    return column


def _count(old: BarColumns, old_quotes: Quotes, new: BarColumns, new_quotes: Quotes) -> MergeCounts:
    at = np.searchsorted(old.start_ns, new.start_ns)
    at[at == len(old)] = 0
    in_new = np.flatnonzero(old.start_ns[at] == new.start_ns)
    in_old = at[in_new]
    equal = np.ones(len(in_old), dtype=bool)
    for name in COLUMNS[1:]:
        equal &= getattr(old, name)[in_old] == getattr(new, name)[in_new]
    for name, values in new_quotes.items():
        if name in old_quotes:
            before, after = old_quotes[name][in_old], values[in_new]
            equal &= (before == after) | (np.isnan(before) & np.isnan(after))
        else:
            equal &= np.isnan(values[in_new])
    same = int(equal.sum())
    return MergeCounts(added=len(new) - len(in_new), same=same, changed=len(in_new) - same)
