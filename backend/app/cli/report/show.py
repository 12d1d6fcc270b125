"""`report show`: a run's metrics, tables and curves on one page of the terminal."""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.context import Context
from app.cli.parameters import AsJson, PastRun
from app.cli.terminal.output import console, print_json, print_table
from app.core.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from app.results import Run
    from app.results.metrics import Metric
    from app.services.metrics.breakdown import Month, Slice

SLICES = ("strategy", "symbol", "side", "hour", "weekday", "month")
_USUAL = "strategy,symbol,side"
_WIDTH, _BESIDE = 60, 44  # marks of a curve; columns that what stands beside it takes
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

By = Annotated[
    str,
    typer.Option("--by", metavar="KEYS", help=f"Trades by {', '.join(SLICES)}; or 'all'."),
]


def show(run: PastRun, by: By = _USUAL, as_json: AsJson = False) -> None:
    """A run that has ended: its curve, every metric, its trades by key, months and drawdowns.

    \b
    Examples:
      ./start_cli.sh report show last
      ./start_cli.sh report show last --by hour,weekday
    """
    keys = _keys(by)
    found = opened(run)
    if as_json:
        print_json(_told(found))
        return
    _print_head(found)
    print_table(
        f"Metrics, amounts in {found.currency}",
        ("figure", "value", "group", "why there is none"),
        _metric_rows(found),
    )
    strategies = found.summary.get("strategies") or []
    if strategies:
        from app.managers.system_manager.record.attribution import as_cells

        print_table("Strategies", list(strategies[0]), [as_cells(one) for one in strategies])
    for key in keys:
        slices = found.metrics.slices[key]
        if slices:
            print_table(f"Trades by {key}", (key, *_SLICE[1:]), list(_slice_rows(slices)))
    if found.metrics.months:
        print_table("Months", ("year", *_MONTHS, "all"), list(month_rows(found.metrics.months)))
    falls = found.metrics.falls
    if falls:
        rows = [
            (_share(one.depth), f"{one.amount:,.2f}", *_moments(found, one), _days_text(one.days))
            for one in falls
        ]
        names = ("depth", "amount", "peak", "trough", "regained", "lasted")
        print_table("Deepest drawdowns", names, rows, found.zone)


def opened(words: str) -> "Run":
    """The run of these words."""
    from app.results.opening import open_from
    from app.results.sources import Sources

    return open_from(Sources(Context().settings), words)


def figure_text(metric: "Metric") -> str | None:
    """A figure for people."""
    if metric.value is None:
        return None
    match metric.kind:
        case "share":
            return _share(metric.value)
        case "money":
            return f"{metric.value:,.2f}"
        case "days":
            return _days_text(metric.value)
        case "seconds":
            return str(dt.timedelta(seconds=round(metric.value)))
        case "count":
            return f"{metric.value:,}"
    return f"{metric.value:,.3f}"


def _days_text(days: float) -> str:
    """A length of time; less than a day in hours, minutes and seconds."""
    short = str(dt.timedelta(seconds=round(days * 86_400)))
    return f"{days:,.1f} days" if days >= 1 or not days else short


def marks(values: Sequence[float | None], scale: Sequence[float] = ()) -> str:
    """A line of so many marks at most: the value at the end of each stretch."""
    from app.cli.terminal.candles import sparkline

    count = min(_WIDTH, max(console.width - _BESIDE, 10), len(values))
    places = [(place + 1) * len(values) // count - 1 for place in range(count)]
    return sparkline([values[place] for place in places], console.options.ascii_only, scale)


def month_rows(months: "Sequence[Month]") -> Iterator[list[str | None]]:
    """A year a line: each month's return, and that of all of them."""
    for year in sorted({one.year for one in months}):
        own = {one.month: one.share for one in months if one.year == year}
        grown = 1.0
        for share in own.values():
            grown *= 1.0 + share
        cells = [_share(own[month]) if month in own else None for month in range(1, 13)]
        yield [str(year), *cells, _share(grown - 1.0)]


_SLICE = ("key", "trades", "wins", "win_rate", "profit", "fees", "expectancy", "profit_factor")


def _keys(by: str) -> Sequence[str]:
    if by == "all":
        return SLICES
    keys = [word.strip() for word in by.split(",")]
    for key in keys:
        if key not in SLICES:
            known = (*SLICES, "all")
            raise UsageError(
                f"--by: found '{key}', allowed are {', '.join(known)}.{did_you_mean(key, known)}"
            )
    return keys


def _told(run: "Run") -> dict[str, Any]:
    days = run.columns.sessions
    rows = zip(days.date.astype(str).tolist(), days.equity.tolist(), strict=True)
    return {
        "run_id": run.id,
        "state": run.state,
        "mode": run.mode,
        "summary": dict(run.summary),
        **run.metrics.as_json(),
        "days": [{"date": date, "equity": equity} for date, equity in rows],
    }


def _print_head(run: "Run") -> None:
    from app.managers.system_manager.record.summary import latched_text, left_text

    days, curve = run.columns.sessions, run.columns.curve.equity
    span = f", {days.date[0]} to {days.date[-1]}" if len(days) else ""
    what = f"Run {run.id}, {run.mode}, {run.state}: {', '.join(run.symbols)}{span}"
    console.print(what, style="bold", markup=False)
    latched = latched_text(run.summary)
    for words in (run.error, left_text(run.summary), latched):
        if words:
            console.print(words, markup=False)
    if len(curve):
        import numpy as np

        start = float(run.summary["start_equity"])
        whole = np.append(start, curve)
        peaks = np.maximum.accumulate(whole)
        below = np.where(peaks > 0, (whole - peaks) / np.where(peaks > 0, peaks, 1.0), 0.0)
        ends = f"{start:,.2f} to {whole[-1]:,.2f} {run.currency}"
        console.print(f"equity    {marks(whole.tolist())}  {ends}", markup=False)
        deepest = f"{below.min():.2%} at its deepest"
        console.print(f"drawdown  {marks(below.tolist())}  {deepest}", markup=False)


def _metric_rows(run: "Run") -> Iterator[tuple[str | None, ...]]:
    for one in run.metrics:
        yield one.name, figure_text(one), one.group, one.reason or ""


def _slice_rows(slices: "Sequence[Slice]") -> Iterator[tuple[str | None, ...]]:
    for one in slices:
        yield (
            one.key,
            f"{one.trades:,}",
            f"{one.wins:,}",
            None if one.win_rate is None else _share(one.win_rate),
            f"{one.profit:,.2f}",
            f"{one.fees:,.2f}",
            None if one.expectancy is None else f"{one.expectancy:,.2f}",
            None if one.profit_factor is None else f"{one.profit_factor:,.3f}",
        )


def _moments(run: "Run", fall: Any) -> Iterator[str | None]:
    for at_ns in (fall.peak_ns, fall.trough_ns, fall.recovered_ns):
        yield None if at_ns is None else _text(run.columns.to_local(at_ns))


def _text(at: dt.datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"


def _share(value: float) -> str:
    return f"{value:.2%}"
