"""Metrics and curves of several runs, side by side for `report compare`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from app.cli.context import Context
from app.cli.report.show import figure_text, marks
from app.cli.terminal.output import console, print_table
from app.core.errors import AppError

if TYPE_CHECKING:
    from app.managers.system_manager.record.recorded_run import RecordedRun
    from app.results import Run
    from app.services.metrics.alignment import Aligned

_IN_FIGURES = ("max_drawdown", "trades", "fees", "interest", "borrow")


def measured_of(record: "RecordedRun", context: Context) -> "Run | None":
    """The run, if it has ended and its files are there: one that has not is compared without."""
    from app.results.opening import open_from
    from app.results.sources import Sources

    try:
        found = open_from(Sources(context.settings, context.engine), record.run_id)
        found.metrics  # noqa: B018  it reads all that it stands on
    except AppError:
        return None
    return found


def metrics_told(runs: "Sequence[Run | None]") -> dict[str, Any]:
    """Each metric of each run, and the equity of each at the end of every day."""
    curves = _aligned(runs)
    return {
        "metrics": {name: [_value(run, name) for run in runs] for name in _names(runs)},
        "days": {"dates": curves.dates, "equity": curves.values},
    }


def print_metrics(letters: str, runs: "Sequence[Run | None]") -> None:
    """A line a metric, but for those that the figures have, and a curve a run."""
    names = [name for name in _names(runs) if name not in _IN_FIGURES]
    rows = [(name, *(_cell(run, name) for run in runs)) for name in names]
    if rows:
        print_table("Metrics", ("figure", *letters), rows)
    grown = [_grown(run, values) for run, values in zip(runs, _aligned(runs).values, strict=True)]
    scale = [share for shares in grown for share in shares if share is not None]
    for letter, run, shares in zip(letters, runs, grown, strict=True):
        if run is not None and scale:
            gain = figure_text(run.metrics.metric("total_return"))
            console.print(f"equity {letter}  {marks(shares, scale)}  {gain}", markup=False)


def _grown(run: "Run | None", values: "Sequence[float | None]") -> list[float | None]:
    """By which share the account had grown, day by day."""
    start = 0.0 if run is None else float(run.summary["start_equity"])
    return [None if value is None or start <= 0 else value / start - 1.0 for value in values]


def _cell(run: "Run | None", name: str) -> str | None:
    if run is None or not _has(run, name):
        return None
    return figure_text(run.metrics.metric(name))


def _names(runs: "Sequence[Run | None]") -> list[str]:
    """In their order; those of another market may be named otherwise."""
    return [*dict.fromkeys(one.name for run in runs if run is not None for one in run.metrics)]


def _has(run: "Run | None", name: str) -> bool:
    return run is not None and any(one.name == name for one in run.metrics)


def _value(run: "Run | None", name: str) -> Any:
    return run.metrics[name] if run is not None and _has(run, name) else None


def _aligned(runs: "Sequence[Run | None]") -> "Aligned":
    from app.services.metrics.alignment import aligned

    return aligned([{} if run is None else _days(run) for run in runs])


def _days(run: "Run") -> dict[str, float]:
    days = run.columns.sessions
    return dict(zip(days.date.astype(str).tolist(), days.equity.tolist(), strict=True))
