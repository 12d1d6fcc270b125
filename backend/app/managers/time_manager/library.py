"""Calendars as pandas-market-calendars knows them, in our types.

Only this module imports that library, and only when it is asked: the import takes over a second.
"""

import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from app.core.calendar import TradingSession
from app.core.errors import ConfigError, NotFoundError, did_you_mean
from app.repositories.calendar_files import CalendarYear, Market

if TYPE_CHECKING:
    import pandas as pd

    from app.core.progress import OnCount

# MICs whose calendar has another name there; its own XNYS lacks pre- and post-market.
_NAMES = {"XNYS": "NYSE", "XNAS": "NASDAQ", "XASE": "NYSE", "ARCX": "NYSE"}
_COUNTED_YEARS = 5  # at once: of single ones most of the time would go into beginning
_PACKAGES = ("pandas_market_calendars", "exchange_calendars")
_YEARS = (1970, 2200)  # those for which its holiday rules are worked out

Pair = tuple[int, int]


@lru_cache(maxsize=1)
def source() -> str:
    """Which calendars these are: what was made from others is stale."""
    from importlib.metadata import version

    return ", ".join(f"{package} {version(package)}" for package in _PACKAGES)


@contextmanager
def _without_warnings() -> Iterator[None]:
    """The library warns of its own use of pandas, and of breaks that `_sessions` puts right."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@_without_warnings()
def find_market(name: str) -> Market:
    """A market by its MIC or its name in the library."""
    calendar = _calendar(name)
    try:
        first_year, last_year = _known_years(calendar)
    except NotImplementedError as error:  # the library lists a few it cannot work out
        raise ConfigError(
            f"The calendar library lists '{name}' but knows no sessions of it."
        ) from error
    return Market(name, source(), str(calendar.tz), first_year, last_year)


@_without_warnings()
def build_years(
    market: Market, first_year: int, last_year: int, on_count: "OnCount | None" = None
) -> tuple[CalendarYear, ...]:
    """A run of years at once: one more costs little beside the import. Where somebody counts them,
    in smaller ones.
    """
    calendar, years = _calendar(market.name), last_year - first_year + 1
    step = years if on_count is None else _COUNTED_YEARS
    sessions: list[TradingSession] = []
    for first in range(first_year, last_year + 1, step):
        last = min(first + step - 1, last_year)
        sessions += _sessions(market.name, calendar, first, last)
        if on_count is not None:
            on_count(last - first_year + 1, years)
    by_year: dict[int, list[TradingSession]] = {
        year: [] for year in range(first_year, last_year + 1)
    }
    for session in sessions:
        by_year[session.date.year].append(session)
    return tuple(
        CalendarYear(market.name, market.source, year, _weekdays(found), tuple(found))
        for year, found in by_year.items()
    )


@lru_cache(maxsize=4)  # it keeps the holidays it has worked out, the slow part
def _calendar(name: str) -> Any:
    import pandas_market_calendars

    known = {*pandas_market_calendars.get_calendar_names(), *_NAMES}
    if name not in known:
        raise NotFoundError(
            f"There is no market '{name}'.{did_you_mean(name, known)} Markets go by their MIC "
            "(XNYS, XLON, XTKS) or their name in pandas-market-calendars (CME_Equity, 24/7)."
        )
    return pandas_market_calendars.get_calendar(_NAMES.get(name, name))


def _known_years(calendar: Any) -> Pair:
    """The whole years for which the library knows holidays, not only weekdays."""
    first, last = _YEARS
    holidays = calendar.holidays().holidays
    if len(holidays):  # some are a plain list that ends with what has been announced
        first = max(first, int(str(holidays[0])[:4]))
        last = min(last, int(str(holidays[-1])[:4]))
    mirrored = getattr(calendar, "_ec_class", None)  # public only on an instance of 0.3 s
    if mirrored is not None and (bound := mirrored.bound_min()) is not None:
        first = max(first, bound.year + (not bound.is_year_start))
    if mirrored is not None and (bound := mirrored.bound_max()) is not None:
        last = min(last, bound.year)
    return first, last


def _sessions(name: str, calendar: Any, first_year: int, last_year: int) -> list[TradingSession]:
    schedule = calendar.schedule(
        f"{first_year}-01-01", f"{last_year}-12-31", market_times="all", interruptions=True
    )
    if "market_close" not in schedule:
        raise ConfigError(f"The calendar library lists '{name}' but not when it closes.")
    if schedule.empty:  # years before the market began have no times, and no type for them
        return []
    for column, since in calendar.discontinued_market_times.items():
        schedule.loc[schedule.index >= since, column] = None
    early_dates = set(calendar.early_closes(schedule).index)
    times = {str(column): _ns(schedule[column]) for column in schedule}
    never: list[int | None] = [None] * len(schedule)
    rows = zip(
        schedule.index,
        times["market_open"],
        times["market_close"],
        times.get("pre", never),
        times.get("post", never),
        _pauses(times, len(schedule)),
        strict=True,
    )
    return [
        TradingSession(
            market=name,
            date=day.date(),
            open_ns=open_ns,
            close_ns=close_ns,
            breaks=_inside(pauses, open_ns, close_ns),
            pre_open_ns=pre_ns,
            post_close_ns=post_ns,
            early_close=day in early_dates,
        )
        for day, open_ns, close_ns, pre_ns, post_ns, pauses in rows
        if open_ns is not None and close_ns is not None
    ]


def _ns(column: "pd.Series[Any]") -> list[int | None]:
    ns = column.dt.as_unit("ns").astype("int64")
    return [None if gone else int(at) for at, gone in zip(ns, column.isna(), strict=True)]


def _pauses(times: dict[str, list[int | None]], rows: int) -> list[list[Pair]]:
    """Per session its lunch break and the interruptions of that one day."""
    pauses: list[list[Pair]] = [[] for _ in range(rows)]
    for column, starts in times.items():
        if "_start" in column:
            ends = times[column.replace("_start", "_end")]
            for row, start_ns, end_ns in zip(pauses, starts, ends, strict=True):
                if start_ns is not None and end_ns is not None:
                    row.append((start_ns, end_ns))
    return pauses


def _inside(pauses: list[Pair], open_ns: int, close_ns: int) -> tuple[Pair, ...]:
    """The pauses in which the session stands still and then goes on: a half day that closes
    before or in its break has none, and trades to its close.
    """
    return tuple((start, end) for start, end in sorted(pauses) if open_ns < start < end < close_ns)


def _weekdays(sessions: list[TradingSession]) -> tuple[int, ...]:
    """The weekdays with a session in more than half of a year's weeks."""
    counts = Counter(session.date.weekday() for session in sessions)
    return tuple(sorted(weekday for weekday, number in counts.items() if number > 26))
