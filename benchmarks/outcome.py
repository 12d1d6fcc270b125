"""What a workload comes to: figures for scripts, and the same as rows for people."""

from collections.abc import Sequence
from typing import Any

import msgspec

from app.cli.terminal.output import print_table


class Row(msgspec.Struct, frozen=True):
    """One line of the table; `ratio` is measured over yardstick."""

    what: str
    measured: str
    yardstick: str = ""
    ratio: float | None = None


class Outcome(msgspec.Struct, frozen=True):
    """One workload's results."""

    name: str
    figures: dict[str, Any]
    rows: tuple[Row, ...]


def as_json(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The one JSON object of a bench."""
    return {"workloads": [{"name": one.name, **one.figures} for one in outcomes]}


def show(outcomes: Sequence[Outcome]) -> None:
    """Print the table."""
    rows = [
        (one.name if not place else "", row.what, row.measured, row.yardstick, _two(row.ratio))
        for one in outcomes
        for place, row in enumerate(one.rows)
    ]
    print_table("Benchmarks", ("workload", "what", "measured", "yardstick", "ratio"), rows)


def _two(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}"
