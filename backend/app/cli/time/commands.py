"""`time`: the clock, trading sessions and holidays of a market."""

import datetime as dt
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from app.cli.context import DEFAULT_MARKET, Context
from app.cli.parameters import AsJson, Market
from app.cli.terminal.output import print_json, print_table
from app.cli.terminal.progress import counting
from app.core.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from app.core.calendar import TradingSession
    from app.managers.time_manager import TimeManager

app = typer.Typer(help="The clock, trading sessions and holidays.")

FIRST_IMPORTED_YEAR = 2000


@app.command()
def now(market: Market = DEFAULT_MARKET, as_json: AsJson = False) -> None:
    """The time at a market, and whether it trades.

    \b
    Example:
      ./start_cli.sh time now --market XTKS
    """
    time = Context(market).time
    now_ns = time.now_ns()
    session = time.session_at(now_ns)
    next_open = time.next_to_open(now_ns)
    told = {
        "market": market,
        "time": time.to_local(now_ns).isoformat(timespec="seconds"),
        "zone": str(time.zone()),
        "is_open": time.is_open(time.to_local(now_ns)),
        "session": session and session.date,
        "closes": session and _iso(time, session.close_ns),
        "next_open": _iso(time, next_open.open_ns),
    }
    if as_json:
        print_json(told)
        return
    typer.echo(_text(time, now_ns))
    if session is None:
        state = f"closed; its next session opens {_text(time, next_open.open_ns)}"
    else:
        is_open = "open" if told["is_open"] else "in a break"
        state = f"{is_open}; the session of {session.date} closes {_text(time, session.close_ns)}"
    typer.echo(f"{market} is {state}")


@app.command()
def session(
    date: Annotated[
        str | None, typer.Argument(metavar="DATE", help="YYYY-MM-DD; today when left out.")
    ] = None,
    market: Market = DEFAULT_MARKET,
    as_json: AsJson = False,
) -> None:
    """When a market opens, breaks and closes on a date.

    \b
    Example:
      ./start_cli.sh time session 2025-11-28
    """
    time = Context(market).time
    day = time.get_current_time().date() if date is None else _parse_date(date)
    found = time.get_trading_session(day)
    if found is None:
        why = "a holiday" if time.is_holiday(day) else f"a {day:%A}"
        near = ", ".join(_neighbours(time, day))
        raise NotFoundError(f"{market} has no session on {day}, {why}; {near}.")
    if as_json:
        print_json(_session_json(time, found))
        return
    title = f"{market} {day:%A} {day}{', closes early' if found.early_close else ''}"
    edges = [(name, _text(time, ns), _utc(time, ns)) for name, ns in _edges(found)]
    print_table(title, ("", str(time.zone()), "UTC"), edges)


@app.command()
def holidays(
    year: Annotated[
        int | None, typer.Argument(metavar="YEAR", help="This year when left out.")
    ] = None,
    market: Market = DEFAULT_MARKET,
    as_json: AsJson = False,
) -> None:
    """The days of a year on which a market stays closed or closes early.

    \b
    Example:
      ./start_cli.sh time holidays 2025 --market XLON
    """
    time = Context(market).time
    year = time.get_current_time().year if year is None else year
    closed = time.holidays(year)
    early = {
        s.date: time.to_local(s.close_ns) for s in _sessions(time, year, year) if s.early_close
    }
    if as_json:
        early_closes = [{"date": day, "close": at.isoformat()} for day, at in early.items()]
        told = {"market": market, "year": year, "holidays": closed, "early_closes": early_closes}
        print_json(told)
        return
    days = dict.fromkeys(closed, "closed") | {
        day: f"closes {at:%H:%M}" for day, at in early.items()
    }
    rows = [(day, f"{day:%A}", days[day]) for day in sorted(days)]
    print_table(f"{market} {year}", ("date", "weekday", "market"), rows)


@app.command("import-holidays")
def import_holidays(
    market: Market = DEFAULT_MARKET,
    first_year: Annotated[
        int | None,
        typer.Option("--from", metavar="YEAR", help=f"The first; else {FIRST_IMPORTED_YEAR}."),
    ] = None,
    last_year: Annotated[
        int | None, typer.Option("--to", metavar="YEAR", help="The last; else next year.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Read a market's calendar from the library anew, into its files and the database.

    Other commands fetch the years they need on their own; this brings in a correction, and
    fills the table calendar_sessions for your own queries.

    \b
    Example:
      ./start_cli.sh time import-holidays --market XLON --from 2010
    """
    from app.repositories.calendar_repository import CalendarRepository

    context = Context(market)
    time = context.time
    known = time.known_years()
    first = max(FIRST_IMPORTED_YEAR, known[0]) if first_year is None else first_year
    last = min(time.get_current_time().year + 1, known[-1]) if last_year is None else last_year
    with counting("working out the calendar", "years") as on_count:
        report = time.import_holidays(market, first, last, on_count)
        sessions = _sessions(time, first, last)
        CalendarRepository(context.engine).replace(market, first, last, sessions)
    if as_json:
        print_json(msgspec.structs.asdict(report))
    else:
        typer.echo(
            f"{market} {first} to {last}: {report.sessions} sessions, "
            f"{report.early_closes} of them close early ({report.source})"
        )


def _sessions(time: "TimeManager", first_year: int, last_year: int) -> "tuple[TradingSession, ...]":
    return time.sessions_between(dt.date(first_year, 1, 1), dt.date(last_year, 12, 31))


def _neighbours(time: "TimeManager", day: dt.date) -> Iterator[str]:
    """The sessions on either side of a day, as far as the calendar reaches."""
    asked = ("the one before is on", time.previous_session), ("the next on", time.next_session)
    for words, find in asked:
        with suppress(NotFoundError):
            yield f"{words} {find(day).date}"


def _edges(session: "TradingSession") -> list[tuple[str, int]]:
    """What happens in a session, in order."""
    edges = [("opens", session.open_ns), ("closes", session.close_ns)]
    for start_ns, end_ns in session.breaks:
        edges += [("break starts", start_ns), ("break ends", end_ns)]
    if session.pre_open_ns is not None:
        edges.append(("pre-market opens", session.pre_open_ns))
    if session.post_close_ns is not None:
        edges.append(("post-market closes", session.post_close_ns))
    return sorted(edges, key=lambda edge: edge[1])


def _session_json(time: "TimeManager", session: "TradingSession") -> dict[str, Any]:
    pre_ns, post_ns = session.pre_open_ns, session.post_close_ns
    return {
        "market": session.market,
        "date": session.date,
        "zone": str(time.zone()),
        "open": _iso(time, session.open_ns),
        "close": _iso(time, session.close_ns),
        "breaks": [[_iso(time, edge_ns) for edge_ns in pair] for pair in session.breaks],
        "early_close": session.early_close,
        "pre_open": None if pre_ns is None else _iso(time, pre_ns),
        "post_close": None if post_ns is None else _iso(time, post_ns),
    }


def _iso(time: "TimeManager", ns: int) -> str:
    return time.to_local(ns).isoformat()


def _text(time: "TimeManager", ns: int) -> str:
    return f"{time.to_local(ns):%Y-%m-%d %H:%M:%S %Z}"


def _utc(time: "TimeManager", ns: int) -> str:
    return f"{time.to_local(ns).astimezone(dt.UTC):%Y-%m-%d %H:%M:%S}"


def _parse_date(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"'{text}' is not a date; write it as 2025-11-28.") from error
