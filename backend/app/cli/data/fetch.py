"""`data import-api`: a source's history into the store; the same again goes on where it stood."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from app.cli.context import Context
from app.cli.parameters import AsJson, End, Interval, SourceUrl, Start
from app.cli.terminal.figures import count_text
from app.cli.terminal.output import console, print_json, print_table
from app.core.errors import UsageError

if TYPE_CHECKING:
    from app.cli.data.waiting import WaitingClock
    from app.core.source import DataSource, Listed
    from app.managers.data_manager.fetch_report import FetchReport
    from app.managers.data_manager.fetch_terms import Sizes

GAPS_PRINTED = 20


def import_api(
    symbols: Annotated[
        str,
        typer.Argument(metavar="SYMBOL", help="Such as BTC/USDT; several as BTC/USDT,ETH/USDT."),
    ],
    source: Annotated[
        str, typer.Option(metavar="SOURCE", help="Where from: as 'data sources list' names it.")
    ],
    days: Annotated[
        int | None,
        typer.Argument(
            metavar="DAYS",
            min=1,
            max=20_000,
            help="So many whole days back, and today so far; or --start.",
        ),
    ] = None,
    interval: Interval = "1m",
    start: Start = None,
    end: End = None,
    url: SourceUrl = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Take the source's bars for those stored, too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Import a source's history. The same command again goes on, or asks for what is new.

    What has come is stored as it comes: after Ctrl+C, a lost connection or a kill, give the same
    command again. At the end it tells what is missing: the source has no sound bar there.

    \b
    Examples:
      ./start_cli.sh data import-api BTC/USDT 30 --source binance
      ./start_cli.sh data import-api SYN1,SYN2 --start 2024-11-01 --end 2024-11-08 --source practice
    """
    from app.cli.data.sources import opened
    from app.cli.data.waiting import WaitingClock
    from app.integrations.origins import origin_of

    names = [name.strip() for name in symbols.split(",") if name.strip()]
    if not names:
        raise UsageError("The symbol is missing: give one as BTC/USDT.")
    clock = WaitingClock()
    with opened(source, url, clock) as asked:
        origin = origin_of(source, url)
        found = [asked.listed(name) for name in dict.fromkeys(names)]
        told = [
            _import(origin, asked, clock, one, interval, (days, start, end), replace, as_json)
            for one in found
        ]
    if as_json:
        print_json({"source": source, "imports": told})


def _import(
    origin: str,
    source: "DataSource",
    clock: "WaitingClock",
    listed: "Listed",
    interval: str,
    span: tuple[int | None, str | None, str | None],
    replace: bool,
    as_json: bool,
) -> dict[str, Any]:
    """One symbol; what came of it."""
    from app.cli.data.waiting import waited
    from app.managers.data_manager.fetch_terms import record_sizes, span_of
    from app.managers.data_manager.fetching import Fetch, Stretch
    from app.repositories.bar_store_files import Series

    context = Context(listed.market)
    start_ns, end_ns = span_of(context.time, source.time().venue_ns, *span)
    series = Series(listed.market, listed.symbol, interval)
    stretch = Stretch(series, start_ns, end_ns, replace)
    fetch = Fetch(context.data, context.time, source, origin, stretch, clock)
    sizes = record_sizes(context.data, listed)
    with waited(listed.symbol, clock) as on_count:
        report = fetch.run(on_count)
    told = {**msgspec.to_builtins(report), "sizes": msgspec.to_builtins(sizes)}
    if not as_json:
        _print(report, sizes)
    return told


def _print(report: "FetchReport", sizes: "Sizes | None") -> None:
    said = [
        f"{report.symbol} {report.interval} from {report.source}:"
        f" {count_text(report.added, 'bar')} added,"
        f" {report.same:,} the same, {report.changed:,} changed; {report.present:,} of"
        f" {report.expected:,} are there, from {report.start} to {report.end}"
    ]
    if report.begins is not None:
        said.append(
            f"{report.source} begins at {report.begins}; what is missing counts from there."
        )
    if report.differing:
        differing = count_text(report.differing, "bar")
        said.append(
            f"Stored with other values than the source's: {differing}, left as they are. --replace"
            " takes the source's."
        )
    said += [
        f"{count_text(count, 'bar')} kept out: {why}" for why, count in report.kept_out.items()
    ]
    if report.zero_volume:
        said.append(f"{count_text(report.zero_volume, 'bar')} in which nothing was traded")
    if sizes is not None:
        said.append(sizes.told())
    for line in said:
        console.print(line, highlight=False, markup=False)
    if report.gaps:
        _print_gaps(report)


def _print_gaps(report: "FetchReport") -> None:
    shown = sorted(sorted(report.gaps, key=lambda gap: -gap.bars)[:GAPS_PRINTED], key=_start_of)
    left = len(report.gaps) - len(shown) + report.gaps_left_out
    more = f"; the longest, {left:,} more in --json" if left else ""
    title = f"Missing: {count_text(report.missing, 'bar')} that {report.source} does not have{more}"
    rows: Sequence[Sequence[object]] = [(gap.start, gap.end, f"{gap.bars:,}") for gap in shown]
    print_table(title, ("from", "to", "bars"), rows)


def _start_of(gap: Any) -> str:
    return str(gap.start)
