"""`data`: bars in and out, how complete they are, instruments and corporate actions."""

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from app.cli.context import DEFAULT_MARKET, Context
from app.cli.data.fetch import import_api
from app.cli.data.importing import EXAMPLE_CSV, EXAMPLE_PARQUET, import_file
from app.cli.data.reference import actions, instruments
from app.cli.data.sources import sources
from app.cli.parameters import (
    AsJson,
    Count,
    End,
    Interval,
    Market,
    RunningRun,
    Start,
    Symbol,
    Symbols,
    Yes,
)
from app.cli.terminal.figures import count_text
from app.cli.terminal.output import console, print_json, print_table, print_zoned
from app.cli.terminal.progress import counting
from app.core.errors import DataError, UsageError

if TYPE_CHECKING:
    from app.repositories.bar_store_files import Series

app = typer.Typer(help="Import, list, show and export bars.")
app.add_typer(instruments, name="instruments")
app.add_typer(actions, name="actions")
app.add_typer(sources, name="sources")
app.command("import-csv", help=EXAMPLE_CSV)(import_file)
app.command("import-parquet", help=EXAMPLE_PARQUET)(import_file)
app.command("import-api")(import_api)


@app.command("export")
def export(
    symbol: Symbol,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="To write: .csv or .parquet.")],
    market: Market = DEFAULT_MARKET,
    interval: Interval = "1m",
    start: Start = None,
    end: End = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Write over a file that is there.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write stored bars, and their quotes, to a CSV or Parquet file that is not there yet.

    An interval that is not stored is derived from one that is, and has no quotes.

    \b
    Example:
      ./start_cli.sh data export SYN1 syn1.csv --start 2024-11-29 --end 2024-11-29
    """
    kind = file.suffix.lower().lstrip(".")
    data = Context(market).data
    with counting("writing", "rows") as on_count:
        series = _series(market, symbol, interval)
        bars = data.export(file, kind, series, start, end, on_count, replace=replace)
    if as_json:
        print_json({"file": str(file), "bars": bars})
    else:
        console.print(f"{count_text(bars, 'bar')} written to {file}", highlight=False)


@app.command("list")
def list_series(as_json: AsJson = False) -> None:
    """Everything in the store.

    \b
    Example:
      ./start_cli.sh data list
    """
    context = Context()
    rows, damaged = [], list[str]()
    for info in context.data.catalogue(damaged.append):
        row = msgspec.structs.asdict(info)
        for end in ("first", "last"):
            at_ns = row.pop(f"{end}_ns")
            row[end] = context.time.to_local(at_ns, info.market).isoformat(timespec="minutes")
        rows.append(row)
    if as_json:
        print_json(rows)
    elif not rows and not damaged:
        console.print(
            "No bars yet. 'data sample' makes some; 'data import-csv' and 'data import-api' bring"
            " yours."
        )
    else:
        columns = ("market", "symbol", "interval", "bars", "first", "last", "prices")
        cells = [
            {name: f"{row[name]:,}" if name == "bars" else row[name] for name in columns}
            | {"origin": _origin(row)}
            for row in rows
        ]
        print_zoned("Bars", cells, [str(context.time.zone(row["market"])) for row in rows])
    if damaged:
        raise DataError(" ".join(damaged))


def _reach(context: Context, symbol: str, market: str) -> str:
    """From when until when there are bars of a symbol."""
    own = [one for one in context.data.catalogue() if (one.market, one.symbol) == (market, symbol)]
    first, last = min(one.first_ns for one in own), max(one.last_ns for one in own)
    days = [context.time.to_local(at_ns, market).date() for at_ns in (first, last)]
    return f"there are from {days[0]} to {days[1]}"


@app.command("show")
def show(
    symbol: Symbol,
    market: Market = DEFAULT_MARKET,
    interval: Interval = "1m",
    start: Start = None,
    end: End = None,
    adjust: Annotated[
        str, typer.Option(metavar="raw|back", help="As traded, or adjusted for splits and more.")
    ] = "raw",
    count: Count = 20,
    as_json: AsJson = False,
) -> None:
    """The last bars of a range; an interval that is not stored is derived.

    \b
    Example:
      ./start_cli.sh data show SYN2 --interval 1d --adjust back
    """
    context = Context(market)
    frame = context.data.get_bars(symbol, interval, start, end, market=market, adjust=adjust)
    shown = frame.tail(count).reset_index()
    shown["start"] = [at.isoformat() for at in shown["start"]]
    attributes: dict[str, Any] = {str(key): value for key, value in frame.attrs.items()}
    if as_json:
        bars = shown.to_dict("records")
        print_json({**attributes, "bars_in_range": len(frame), "bars": bars})
        return
    marks = [f"{interval} bars of {symbol}"]
    if attributes["derived_from"]:
        marks.append(f"derived from {attributes['derived_from']}")
    if adjust == "back":
        marks.append("prices adjusted back, not as traded")
    if attributes["venues"]:
        marks.append(f"some told by {' and '.join(attributes['venues'])}")
    if frame.empty:
        there = _reach(context, symbol, market)
        text = f"{', '.join(marks)}: none in the range asked for; {there}."
        console.print(text, highlight=False)
        return
    shown["volume"] = [f"{volume:,.10g}" for volume in shown["volume"]]
    title = f"{', '.join(marks)} ({len(shown):,} of {len(frame):,})"
    rows = shown.to_numpy().tolist()
    print_table(title, [str(name) for name in shown.columns], rows, context.time.zone())


@app.command("quality")
def quality(
    symbol: Symbol,
    market: Market = DEFAULT_MARKET,
    interval: Interval = "1m",
    start: Start = None,
    end: End = None,
    as_json: AsJson = False,
) -> None:
    """How complete the bars are, per session: thin trading told from holes.

    \b
    Example:
      ./start_cli.sh data quality THIN --start 2024-11-25
    """
    context = Context(market)
    with counting("looking at each session", "sessions") as on_count:
        found = context.data.quality(_series(market, symbol, interval), start, end, on_count)
    rows = [
        {
            "session": one.session.date.isoformat(),
            "expected": one.quality.expected,
            "present": one.quality.present,
            "thin": one.quality.thin_bars,
            "holes": [
                [context.time.to_local(at_ns, market).isoformat() for at_ns in hole]
                for hole in one.quality.holes
            ],
            "coverage_percent": round(100 * one.quality.coverage, 2),
            "score": round(one.quality.score, 4),
            "early_close": one.session.early_close,
        }
        for one in found
    ]
    if as_json:
        print_json({"market": market, "symbol": symbol, "interval": interval, "sessions": rows})
    elif not rows:
        console.print(f"No session of {symbol} lies in the range asked for.", highlight=False)
    else:
        cells = [
            [len(cell) if isinstance(cell, list) else cell for cell in row.values()] for row in rows
        ]
        print_table(f"Quality of {interval} bars of {symbol} on {market}", list(rows[0]), cells)


@app.command("delete")
def delete(
    symbol: Symbol,
    market: Market = DEFAULT_MARKET,
    interval: Interval = "1m",
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Remove the bars of a symbol at one interval.

    \b
    Example:
      ./start_cli.sh data delete SYN1 --yes
    """
    data = Context(market).data
    series = _series(market, symbol, interval)
    bars, told = None, "what is stored, a part of it damaged,"
    with suppress(DataError):
        bars = data.store.info(series).bars
        told = count_text(bars, "bar")
    if not yes:
        _confirm(f"Delete {told} of {series}?")
    data.delete(series)
    if as_json:
        print_json({"deleted": str(series), "bars": bars})
    else:
        console.print(f"{told} of {series} deleted", highlight=False)


def _confirm(question: str) -> None:
    """Go on if somebody says so."""
    try:
        typer.confirm(question, abort=True, err=True)
    except typer.Abort:
        if sys.stdin.isatty():
            raise
        typer.echo(err=True)  # the question stays on a line of its own
        raise UsageError("Nobody answered, and nothing was done; --yes asks nobody.") from None


@app.command("sample")
def sample(as_json: AsJson = False) -> None:
    """Make the bundled sample: synthetic minutes of three symbols; again changes nothing.

    \b
    Example:
      ./start_cli.sh data sample
    """
    from app.managers.data_manager.sample import MARKET, SYMBOLS

    counts = Context(MARKET).data.make_sample()
    if as_json:
        print_json({"market": MARKET, "symbols": SYMBOLS, **msgspec.structs.asdict(counts)})
    else:
        console.print(
            f"Synthetic bars of {', '.join(SYMBOLS)} on {MARKET}: {counts.added:,} added,"
            f" {counts.same:,} there already",
            highlight=False,
        )


@app.command("session")
def session(
    run: RunningRun = None,
    symbols: Symbols = None,
    once: Annotated[bool, typer.Option("--once", help="As it stands, and no more.")] = False,
    as_json: AsJson = False,
) -> None:
    """Follow the data of a session that runs: each symbol's bars, indicators, position, quality.

    A screen on a terminal (arrow keys turn it, q or Ctrl+C leaves), a line a second in a pipe, with
    --json one object a line; with --once one table or one object.

    \b
    Examples:
      ./start_cli.sh data session
      ./start_cli.sh data session --symbols SYN1,SYN2 --once
      ./start_cli.sh data session --once --json
    """
    from app.cli.watch.command import show_session

    show_session(run, symbols, once, as_json)


def _series(market: str, symbol: str, interval: str) -> "Series":
    from app.repositories.bar_store_files import Series

    return Series(market, symbol, interval)


def _origin(row: dict[str, Any]) -> str:
    """Where bars come from; a series a venue told bars of names it too."""
    return ", ".join(["synthetic" if row["synthetic"] else "imported", *row["venues"]])
