"""`data sources`: where bars can be had from, whether each answers, and its symbols."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from app.cli.context import Context
from app.cli.parameters import AsJson, Count, SourceUrl
from app.cli.terminal.output import console, print_json, print_table
from app.core.errors import AppError

if TYPE_CHECKING:
    from app.core.source import DataSource
    from app.managers.time_manager.clock import WallClock

sources = typer.Typer(help="Where bars can be had from.", rich_markup_mode=None)

Source = Annotated[str, typer.Argument(metavar="SOURCE", help="As 'data sources list' names it.")]


@sources.command("list")
def list_sources(
    reach: Annotated[
        bool, typer.Option("--reach", help="Ask each for its time: can it be reached?")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """The sources there are: what each has, its intervals, its pace.

    \b
    Example:
      ./start_cli.sh data sources list
    """
    from app.integrations.sources import SOURCES

    rows: list[dict[str, Any]] = []
    for name, facts in SOURCES.items():
        rows.append({"source": name, **msgspec.structs.asdict(facts)})
        if reach:
            rows[-1]["reachable"] = _reached(name)
    if as_json:
        print_json(rows)
        return
    columns = ("source", "has", "intervals", "page", "a minute", "back", "keys")
    cells = [
        (
            row["source"],
            row["has"],
            ", ".join(row["intervals"]),
            f"{row['page_bars']:,} bars",
            _pace(row),
            row["back"],
            "needed" if row["needs_keys"] else "none",
            *([row["reachable"] or "yes"] if reach else []),
        )
        for row in rows
    ]
    print_table("Sources", (*columns, *(["reachable"] if reach else [])), cells)


@sources.command("test")
def test_source(
    source: Source,
    symbol: Annotated[
        str | None, typer.Argument(metavar="SYMBOL", help="To look at; else the first there is.")
    ] = None,
    url: SourceUrl = None,
    as_json: AsJson = False,
) -> None:
    """Ask a source in earnest: its time, its symbols, a page, how far back, a live stream.

    Ends with 1 when something fails; each finding comes with its remedy.

    \b
    Example:
      ./start_cli.sh data sources test practice
    """
    from app.cli.data.source_checks import SourceChecks
    from app.cli.doctor.findings import print_findings
    from app.managers.time_manager.clock import WallClock

    with opened(source, url) as asked:
        checks = SourceChecks(source, asked, symbol, WallClock().now_ns)
        found = list(checks.run())
    is_well = all(one.state != "failing" for one in found)
    if as_json:
        findings = [msgspec.structs.asdict(one) for one in found]
        print_json({"source": source, "ok": is_well, "findings": findings})
    else:
        print_findings(found)
    if not is_well:
        raise typer.Exit(AppError.exit_code)


@sources.command("search")
def search_source(
    source: Source,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="That a symbol has in it.")],
    url: SourceUrl = None,
    count: Count = 20,
    as_json: AsJson = False,
) -> None:
    """The symbols of a source that have a text in them, the nearest first.

    \b
    Example:
      ./start_cli.sh data sources search practice SYN
    """
    with opened(source, url) as asked:
        found = asked.search(text)
    rows = [msgspec.structs.asdict(one) for one in found[:count]]
    if as_json:
        print_json(rows)
    elif not rows:
        console.print(f"No symbol of {source} has '{text}' in it.", markup=False)
    else:
        columns = ("symbol", "market", "theirs", "trading", "tick", "lot", "least value")
        names = ("symbol", "market", "theirs", "is_trading", "tick", "lot", "least_value")
        cells = [[row[name] for name in names] for row in rows]
        print_table(f"Symbols of {source} ({len(rows):,} of {len(found):,})", columns, cells)


@contextmanager
def opened(name: str, url: str | None, clock: "WallClock | None" = None) -> "Iterator[DataSource]":
    """A source, closed at the end. Where it does not answer, the way to find out why is told."""
    from app.core.venue import VenueUnclear
    from app.integrations.sources import open_source
    from app.managers.time_manager.clock import WallClock

    Context().settings  # noqa: B018  # the log is as they say from here on
    source = open_source(name, url, clock or WallClock())
    try:
        yield source
    except VenueUnclear as error:
        raise VenueUnclear(f"{error} 'data sources test {name}' looks closer.") from error
    finally:
        source.close()


def _reached(name: str) -> str | None:
    """Why not; None where it answers."""
    try:
        with opened(name, None) as source:
            source.time()
    except AppError as error:
        return f"no: {error}"
    return None


def _pace(row: dict[str, Any]) -> str:
    if not row["weight_per_minute"]:
        return "no limit"
    return f"{row['weight_per_minute'] // row['page_weight']:,} pages"
