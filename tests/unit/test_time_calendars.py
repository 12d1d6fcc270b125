"""Calendars against the library's own answer for a single day, and against each other."""

import datetime as dt
import warnings
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.calendar import TradingSession
from app.managers.time_manager import TimeManager

MARKETS = ("XNYS", "XLON", "XTKS", "XHKG", "CME_Equity", "XSAU", "EUREX_PrePost", "24/7")
DAY = dt.timedelta(days=1)

markets = st.sampled_from(MARKETS)
dates = st.dates(dt.date(2021, 2, 1), dt.date(2028, 12, 31))
instants_ns = st.integers(1_609_545_600, 1_861_833_600).map(lambda second: second * 1_000_000_000)


@pytest.fixture(scope="module")
def time(tmp_path_factory: pytest.TempPathFactory) -> TimeManager:
    return TimeManager(tmp_path_factory.mktemp("calendars"))


@lru_cache
def oracle(market: str) -> Any:
    """The library's calendar; of the two it has for New York, the one with extended hours."""
    import pandas_market_calendars

    return pandas_market_calendars.get_calendar("NYSE" if market == "XNYS" else market)


def expected(market: str, date: dt.date) -> TradingSession | None:
    calendar = oracle(market)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        schedule = calendar.schedule(date, date, market_times="all")
        if schedule.empty:
            return None
        early_close = not calendar.early_closes(schedule).empty
    times = {name: int(at.timestamp()) * 1_000_000_000 for name, at in schedule.iloc[0].items()}
    pause = (times.get("break_start", 0), times.get("break_end", 0))
    return TradingSession(
        market=market,
        date=date,
        open_ns=times["market_open"],
        close_ns=times["market_close"],
        breaks=(pause,) if pause[0] < pause[1] else (),
        pre_open_ns=times.get("pre"),
        post_close_ns=times.get("post"),
        early_close=early_close,
    )


@given(markets, dates)
def test_a_session_is_what_the_library_says_of_that_day(
    time: TimeManager, market: str, date: dt.date
) -> None:
    assert time.get_trading_session(date, market) == expected(market, date)


@given(markets, st.integers(2021, 2028))
def test_each_ordinary_day_of_a_year_is_a_session_or_a_holiday(
    time: TimeManager, market: str, year: int
) -> None:
    first, last = dt.date(year, 1, 1), dt.date(year, 12, 31)
    sessions = [session.date for session in time.sessions_between(first, last, market)]
    holidays = time.holidays(year, market)
    days = [first + number * DAY for number in range((last - first).days + 1)]
    assert not set(sessions) & set(holidays)
    assert [day for day in days if time.is_holiday(day, market)] == list(holidays)
    assert {day.weekday() for day in holidays} <= {day.weekday() for day in sessions}


@given(markets, dates, dates)
def test_a_span_holds_the_sessions_of_its_days(
    time: TimeManager, market: str, one: dt.date, other: dt.date
) -> None:
    first = min(one, other)
    last = min(max(one, other), first + 20 * DAY)
    days = [first + number * DAY for number in range((last - first).days + 1)]
    by_day = [time.get_trading_session(day, market) for day in days]
    assert time.sessions_between(first, last, market) == tuple(filter(None, by_day))


@given(markets, dates)
def test_the_next_session_leads_back_to_this_one(
    time: TimeManager, market: str, date: dt.date
) -> None:
    later, earlier = time.next_session(date, market), time.previous_session(date, market)
    assert earlier.date < date < later.date
    assert len(time.sessions_between(earlier.date, later.date, market)) == 2 + (
        time.get_trading_session(date, market) is not None
    )
    assert time.previous_session(later.date, market).date <= date
    assert time.next_session(earlier.date, market).date >= date


@given(markets, instants_ns, st.booleans())
def test_an_instant_belongs_to_the_one_session_that_spans_it(
    time: TimeManager, market: str, at_ns: int, extended_hours: bool
) -> None:
    at = time.to_local(at_ns, market)
    near = time.known_sessions(at.date() - 5 * DAY, at.date() + 5 * DAY, market)
    spans = {session: session.segments(extended_hours) for session in near}
    around = [s for s, parts in spans.items() if parts[0].start_ns <= at_ns < parts[-1].end_ns]
    trading = any(
        part.start_ns <= at_ns < part.end_ns for parts in spans.values() for part in parts
    )
    assert time.session_at(at_ns, market, extended_hours) == (around[0] if around else None)
    assert len(around) <= 1
    assert time.is_open(at, extended_hours, market) is trading


@given(markets, instants_ns)
def test_the_next_session_to_open_is_the_first_that_has_not(
    time: TimeManager, market: str, at_ns: int
) -> None:
    date = time.to_local(at_ns, market).date()
    near = time.known_sessions(date - 2 * DAY, date + 20 * DAY, market)
    later = [session for session in near if session.open_ns > at_ns]
    assert time.next_to_open(at_ns, market) == later[0]


@given(markets, st.integers(0, 4_000_000_000_000_000).map(lambda microsecond: microsecond * 1000))
def test_a_local_time_leads_back_to_its_instant(time: TimeManager, market: str, at_ns: int) -> None:
    assert time.to_ns(time.to_local(at_ns, market)) == at_ns


def test_both_hours_that_a_clock_shows_twice_keep_their_instants(time: TimeManager) -> None:
    first_ns = 1_762_061_400_000_000_000  # 2025-11-02 05:30 UTC, 01:30 in New York
    first, second = time.to_local(first_ns), time.to_local(first_ns + 3_600_000_000_000)
    assert first.replace(tzinfo=None) == second.replace(tzinfo=None)
    assert time.to_ns(second) - time.to_ns(first) == 3_600_000_000_000
    assert first.tzinfo == ZoneInfo("America/New_York")


def test_a_time_without_a_zone_is_refused(time: TimeManager) -> None:
    from app.core.errors import UsageError

    with pytest.raises(UsageError, match="2025-06-02T09:30:00 has no time zone"):
        time.is_open(dt.datetime(2025, 6, 2, 9, 30))
