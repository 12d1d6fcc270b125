"""How complete a run's bars were, by symbol: as its passport has it, or as a live run counted."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.results.run import Run

Row = Mapping[str, Any]


def completeness(run: "Run") -> Sequence[Row]:
    """`symbol`, `bars`, `expected_bars`, `thin_bars` (runs of old lack it) and `holes` of each."""
    if run.passport:
        return run.passport
    counted = (run.facts.get("quality") or {}).get("symbols") or ()
    return [
        {
            "symbol": one["symbol"],
            "bars": one["present"],
            "expected_bars": one["expected"],
            "thin_bars": one["thin_bars"],
            "holes": one["holes"],
        }
        for one in counted
    ]


def thin_share(row: Row) -> float:
    """The share of the expected bars that are missing as nothing traded."""
    missing = _missing(row)
    unknown = 0 if row["holes"] else missing
    return missing and row.get("thin_bars", unknown) / row["expected_bars"]


def lost_share(row: Row) -> float:
    """The share of them that lie in holes."""
    return _missing(row) / (row["expected_bars"] or 1) - thin_share(row)


def _missing(row: Row) -> int:
    return max(0, int(row["expected_bars"]) - int(row["bars"]))
