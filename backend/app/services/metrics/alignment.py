"""Daily values of several runs, lined up by their dates."""

from collections.abc import Mapping, Sequence

import msgspec


class Aligned(msgspec.Struct, frozen=True):
    """Every day that any of them has, in order; None where one has no such day."""

    dates: list[str]
    values: list[list[float | None]]  # of each run


def aligned(runs: Sequence[Mapping[str, float]]) -> Aligned:
    """`runs` are values by ISO date."""
    dates = sorted({date for run in runs for date in run})
    return Aligned(dates, [[run.get(date) for date in dates] for run in runs])
