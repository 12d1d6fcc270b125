"""`data import-csv`, `data import-parquet`: a file into the store, and what was kept out."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from app.cli.context import DEFAULT_MARKET, Context
from app.cli.parameters import AsJson, Interval, Market
from app.cli.terminal.figures import count_text
from app.cli.terminal.output import console, print_json, print_table
from app.core.errors import DataError, UsageError

if TYPE_CHECKING:
    from app.managers.data_manager.options import ImportReport, Progress

FINDINGS_PRINTED = 20
_MUCH_OUTSIDE = 0.2  # of a file's rows: that is no night or holiday among them
EXAMPLE_CSV = """Import bars from a CSV file, compressed or not; its header tells the columns.

\b
Example:
  ./start_cli.sh data import-csv aapl.csv --symbol AAPL --timezone America/New_York
"""
EXAMPLE_PARQUET = """Import bars from a Parquet file; columns are guessed from their names.

\b
Example:
  ./start_cli.sh data import-parquet btc.parquet --symbol BTC/USDT --market 24/7
"""

Names = Annotated[
    str | None,
    typer.Option(metavar="NAMES", help="Of the columns, where the file has none."),
]
Decimals = Annotated[
    str | None,
    typer.Option(metavar="point|comma", help="Before decimals; the other one parts thousands."),
]
FileSymbol = Annotated[
    str | None, typer.Option(metavar="NAME", help="The symbol as the file names it: AAPL.US.")
]


def import_file(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to import.")],
    symbol: Annotated[
        str, typer.Option(metavar="SYMBOL", help="What its bars are of, such as AAPL.")
    ],
    market: Market = DEFAULT_MARKET,
    interval: Interval = "1m",
    column: Annotated[
        list[str] | None,
        typer.Option("--column", metavar="OURS=THEIRS", help="Such as close=Last."),
    ] = None,
    timezone: Annotated[
        str | None,
        typer.Option(metavar="ZONE", help="Of times that carry none; else the market's."),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(metavar="start|end", help="What of a bar its time names; else the start."),
    ] = None,
    price_scale: Annotated[
        float | None, typer.Option(metavar="NUMBER", help="Divide the file's prices by this.")
    ] = None,
    time_format: Annotated[
        str | None,
        typer.Option(metavar="PATTERN", help="Of times, as in strptime: %m/%d/%Y %H:%M."),
    ] = None,
    names: Names = None,
    decimal: Decimals = None,
    file_symbol: FileSymbol = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse the file if any row is at fault.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    from app.managers.data_manager import ImportOptions

    options = ImportOptions(
        market=market,
        symbol=symbol,
        interval=interval,
        columns=_column_names(column or ()),
        timezone=timezone,
        label=label,
        price_scale=price_scale,
        time_format=time_format,
        names=tuple(name.strip() for name in names.split(",")) if names else (),
        decimal=decimal,
        file_symbol=file_symbol,
        strict=strict,
    )
    data = Context(market).data
    run = data.import_csv if ctx.info_name == "import-csv" else data.import_parquet
    with _progress(file) as progress:
        report = run(file, options, progress)
    if as_json:
        print_json(msgspec.to_builtins(report))
    else:
        _print_report(report)
        _tell_if_much_is_outside(report)
    if report.kept_out and not report.stored:
        why = max(report.kept_out, key=lambda reason: report.kept_out[reason])
        raise DataError(
            f"No row of {report.file} could be used, most often as {why}. Nothing was stored."
            f"{_advice(why, interval)}"
        )


def _advice(why: str, interval: str) -> str:
    """A date alone is midnight, and so is a time of another zone by night."""
    from app.services.bar_import import FAULT_TEXT, Fault

    if why != FAULT_TEXT[Fault.OUTSIDE_SESSION] or interval == "1d":
        return ""
    return " Are its bars daily (--interval 1d), or its times those of another zone (--timezone)?"


def _tell_if_much_is_outside(report: "ImportReport") -> None:
    """Some bars of another market, or of another zone, lie in this one's sessions by chance."""
    from app.services.bar_import import FAULT_TEXT, Fault

    outside = report.kept_out.get(FAULT_TEXT[Fault.OUTSIDE_SESSION], 0)
    if report.stored and outside > report.rows * _MUCH_OUTSIDE:
        console.print(
            f"Of its {count_text(report.rows, 'row')} {outside:,} lie outside all sessions of "
            f"{report.market}: is its market another one (--market 24/7), or are its times those "
            "of another zone (--timezone)?",
            markup=False,
        )


def _column_names(pairs: Sequence[str]) -> dict[str, str]:
    names = {}
    for pair in pairs:
        ours, equals, theirs = pair.partition("=")
        if not equals or not theirs:
            raise UsageError(f"--column wants OURS=THEIRS, such as close=Last; found '{pair}'.")
        names[ours.strip()] = theirs
    return names


@contextmanager
def _progress(file: Path) -> "Iterator[Progress | None]":
    """How far it is, in bytes of the file; silent off a terminal."""
    from app.cli.terminal.progress import HowFar, is_shown, telling

    if not is_shown():
        yield None
        return
    size = file.stat().st_size if file.is_file() else 0
    with telling("reading", "bytes") as tell:

        def show(step: str, share: float) -> None:
            """Rows are not counted while they are checked: then time alone goes on."""
            is_counted = step != "checking"
            tell(HowFar(step, size * share, share, size) if is_counted else HowFar("checking rows"))

        yield show


def _print_report(report: "ImportReport") -> None:
    console.print(
        f"{report.file}: {count_text(report.rows, 'row')}; {count_text(report.added, 'bar')} added,"
        f" {report.same:,} the same, {report.changed:,} changed"
        + (f"; from {report.first} to {report.last}" if report.first else ""),
        highlight=False,
        markup=False,
    )
    if report.prices == "mid":
        console.print("No prices of trades: the bars are the middle between bid and ask.")
    quotes_alone = report.prices == "trades" and "open" not in report.columns
    if "volume" not in report.columns and not quotes_alone:
        others = " or ".join(repr(one) for one in report.ignored_columns if "vol" in one.lower())
        way_out = f"; --column volume=NAME reads {others}" if others else ""
        console.print(f"No volume: it is stored as 0{way_out}.", markup=False)
    if report.moved_to_open:
        moved = count_text(report.moved_to_open, "bar")
        console.print(f"Moved to a session's open, which they span: {moved}.")
    if unread := ", ".join(name for name in report.ignored_columns if name):
        console.print(f"Columns not used: {unread}", markup=False)
    for doubt in report.doubts:
        console.print(f"Take care: {doubt}", markup=False)
    if report.findings:
        left = len(report.findings) - FINDINGS_PRINTED + report.findings_left_out
        more = f" ({left:,} more; see --json)" if left > 0 else ""
        rows = [(one.line, one.reason) for one in report.findings[:FINDINGS_PRINTED]]
        print_table(f"Rows kept out or moved{more}", ("line", "reason"), rows)
        if left > 0 and len(report.kept_out) > 1:  # the first lines may all be of one reason
            often = sorted(report.kept_out.items(), key=lambda one: -one[1])
            print_table("Rows kept out, by reason", ("reason", "rows"), often)
