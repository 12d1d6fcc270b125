"""Sessions of real markets against answers from their exchanges' own announcements, in UTC."""

import datetime as dt
from typing import Any

import pytest

from app.core.calendar import TradingSession
from app.core.errors import NotFoundError, UsageError
from app.managers.time_manager import TimeManager


@pytest.fixture(scope="module")
def time(tmp_path_factory: pytest.TempPathFactory) -> TimeManager:
    return TimeManager(tmp_path_factory.mktemp("calendars"))


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def ns(text: str) -> int:
    return int(utc(text).timestamp()) * 1_000_000_000


def session_of(time: TimeManager, date: str, market: str = "XNYS") -> TradingSession:
    session = time.get_trading_session(day(date), market)
    assert session is not None
    assert (session.market, session.date) == (market, day(date))
    return session


@pytest.mark.parametrize(
    ("market", "date", "opens", "closes"),
    [
        ("XNYS", "2025-03-07", "2025-03-07 14:30", "2025-03-07 21:00"),  # the clock goes forward
        ("XNYS", "2025-03-10", "2025-03-10 13:30", "2025-03-10 20:00"),
        ("XNYS", "2025-10-31", "2025-10-31 13:30", "2025-10-31 20:00"),  # and back
        ("XNYS", "2025-11-03", "2025-11-03 14:30", "2025-11-03 21:00"),
        ("XLON", "2025-03-28", "2025-03-28 08:00", "2025-03-28 16:30"),  # three weeks later
        ("XLON", "2025-03-31", "2025-03-31 07:00", "2025-03-31 15:30"),
        ("XTKS", "2024-11-01", "2024-11-01 00:00", "2024-11-01 06:00"),
        ("XTKS", "2024-11-05", "2024-11-05 00:00", "2024-11-05 06:30"),  # closes later from now on
        ("CME_Equity", "2025-01-06", "2025-01-05 23:00", "2025-01-06 22:00"),
        ("CME_Equity", "2025-03-10", "2025-03-09 22:00", "2025-03-10 21:00"),
        ("24/7", "2024-02-29", "2024-02-29 00:00", "2024-03-01 00:00"),
    ],
)
def test_a_session_opens_and_closes_when_its_exchange_says(
    time: TimeManager, market: str, date: str, opens: str, closes: str
) -> None:
    session = session_of(time, date, market)
    assert (session.open_ns, session.close_ns) == (ns(opens), ns(closes))
    assert not session.early_close


@pytest.mark.parametrize("given", [dt.datetime(2024, 11, 1), "2024-11-01", None, 5])
def test_what_is_no_date_is_refused_with_what_to_give(time: TimeManager, given: Any) -> None:
    asked = (
        time.get_trading_session, time.next_session, time.previous_session, time.is_holiday,
        time.days_a_year,
    )  # fmt: skip
    for ask in asked:
        with pytest.raises(UsageError, match=r"is no date; give a datetime\.date"):
            ask(given)
    with pytest.raises(UsageError, match="is no time; give a datetime"):
        time.to_ns(given if given is None else day("2024-11-01"))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="5 is no market; name its MIC"):
        time.zone(5)  # type: ignore[arg-type]


def test_a_half_day_closes_early_and_so_does_its_post_market(time: TimeManager) -> None:
    session = session_of(time, "2024-11-29")
    assert session.early_close
    assert session.close_ns == ns("2024-11-29 18:00")
    assert session.post_close_ns == ns("2024-11-29 22:00")


def test_new_york_has_a_pre_and_a_post_market(time: TimeManager) -> None:
    session = session_of(time, "2025-06-02")
    assert session.pre_open_ns == ns("2025-06-02 08:00")
    assert session.post_close_ns == ns("2025-06-03 00:00")
    for at, regular, extended in [
        ("2025-06-02 07:59", False, False),
        ("2025-06-02 08:00", False, True),
        ("2025-06-02 13:30", True, True),
        ("2025-06-02 20:00", False, True),
        ("2025-06-03 00:00", False, False),
    ]:
        assert time.is_open(utc(at)) is regular
        assert time.is_open(utc(at), extended_hours=True) is extended
        assert (time.session_at(ns(at)) == session) is regular
        assert (time.session_at(ns(at), extended_hours=True) == session) is extended


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2001-09-11", "2001-09-14"),
        ("2012-10-29", "2012-10-30"),
        ("2018-12-05", "2018-12-05"),
        ("2025-01-09", "2025-01-09"),
    ],
)
def test_an_unforeseen_closure_is_a_holiday(time: TimeManager, first: str, last: str) -> None:
    days = (day(last) - day(first)).days + 1
    assert all(time.is_holiday(day(first) + dt.timedelta(number)) for number in range(days))
    assert time.sessions_between(day(first), day(last)) == ()


def test_after_the_attacks_the_market_opened_again_on_monday(time: TimeManager) -> None:
    assert time.next_session(day("2001-09-10")).date == day("2001-09-17")
    assert time.previous_session(day("2001-09-17")).date == day("2001-09-10")


def test_tokyo_does_not_trade_at_lunch_but_its_session_goes_on(time: TimeManager) -> None:
    session = session_of(time, "2025-06-02", "XTKS")
    assert session.breaks == ((ns("2025-06-02 02:30"), ns("2025-06-02 03:30")),)
    for at, is_open in [
        ("2025-06-02 02:29", True),
        ("2025-06-02 02:30", False),
        ("2025-06-02 03:29", False),
        ("2025-06-02 03:30", True),
    ]:
        assert time.is_open(utc(at), market="XTKS") is is_open
        assert time.session_at(ns(at), "XTKS") == session


def test_a_half_day_in_hong_kong_ends_before_lunch(time: TimeManager) -> None:
    session = session_of(time, "2024-12-24", "XHKG")
    assert (session.early_close, session.breaks) == (True, ())
    assert session.close_ns == ns("2024-12-24 04:00")


def test_a_half_day_that_closes_amid_lunch_goes_on_until_it_closes(time: TimeManager) -> None:
    session = session_of(time, "2009-12-24", "XHKG")  # the morning lasted until 12:30 then
    assert (session.early_close, session.breaks) == (True, ())
    assert session.close_ns == ns("2009-12-24 04:30")
    assert time.is_open(utc("2009-12-24 04:29"), market="XHKG")


def test_before_a_market_began_it_had_no_session(time: TimeManager) -> None:
    assert time.sessions_between(day("1999-01-01"), day("1999-12-31"), "IEX") == ()
    assert time.holidays(1999, "IEX") == ()
    assert time.next_session(day("1999-12-31"), "IEX").date == day("2013-08-26")


def test_seoul_gave_up_its_lunch_break_in_2000(time: TimeManager) -> None:
    assert len(session_of(time, "2000-05-19", "XKRX").breaks) == 1
    assert session_of(time, "2000-05-22", "XKRX").breaks == ()


def test_an_interruption_of_one_day_is_a_break(time: TimeManager) -> None:
    session = session_of(time, "2021-02-24", "NSE")
    assert session.breaks == ((ns("2021-02-24 06:10"), ns("2021-02-24 10:15")),)
    assert session_of(time, "2021-02-25", "NSE").breaks == ()


def test_futures_that_open_on_sunday_evening_trade_for_monday(time: TimeManager) -> None:
    sunday_evening = ns("2025-01-05 23:00")
    session = time.session_at(sunday_evening, "CME_Equity")
    assert session is not None
    assert session.date == day("2025-01-06")
    assert time.get_trading_session(day("2025-01-05"), "CME_Equity") is None
    assert time.session_at(sunday_evening - 1, "CME_Equity") is None
    assert time.next_to_open(sunday_evening - 1, "CME_Equity") == session
    assert time.next_to_open(sunday_evening, "CME_Equity").date == day("2025-01-07")


def test_a_market_that_never_closes_has_days_as_sessions(time: TimeManager) -> None:
    sessions = time.sessions_between(day("2024-01-01"), day("2024-12-31"), "24/7")
    assert len(sessions) == 366
    assert time.holidays(2024, "24/7") == ()
    midnight = time.session_at(ns("2025-01-05 00:00"), "24/7")
    assert midnight is not None
    assert midnight.date == day("2025-01-05")
    assert time.is_open(utc("2025-01-05 23:59"), market="24/7")


@pytest.mark.parametrize(
    ("before", "after"), [("2024-12-31", "2025-01-02"), ("2019-12-31", "2020-01-02")]
)
def test_the_year_ends_between_two_sessions(time: TimeManager, before: str, after: str) -> None:
    assert time.next_session(day(before)).date == day(after)
    assert time.previous_session(day(after)).date == day(before)
    assert [s.date for s in time.sessions_between(day(before), day(after))] == [
        day(before),
        day(after),
    ]


def test_a_session_of_the_new_year_can_open_in_the_old_one(time: TimeManager) -> None:
    session = time.session_at(ns("2023-01-02 23:30"), "CME_Equity")
    assert session is not None
    assert session.date == day("2023-01-03")
    assert time.session_at(ns("2024-12-31 23:30"), "24/7") is not None


def test_a_weekend_is_no_holiday_and_each_market_has_its_own(time: TimeManager) -> None:
    assert not time.is_holiday(day("2025-07-05"))  # a Saturday
    assert time.is_holiday(day("2025-07-04"))
    assert not time.is_holiday(day("2025-07-04"), "XLON")
    assert not time.is_holiday(day("2025-01-10"), "XSAU")  # Riyadh rests on Friday
    assert time.get_trading_session(day("2025-01-12"), "XSAU") is not None  # and trades on Sunday


def test_new_york_stayed_closed_on_eleven_weekdays_of_2025(time: TimeManager) -> None:
    days = " ".join(f"{holiday:%m-%d}" for holiday in time.holidays(2025))
    assert days == "01-01 01-09 01-20 02-17 04-18 05-26 06-19 07-04 09-01 11-27 12-25"


def test_a_span_that_ends_before_it_starts_holds_no_session(time: TimeManager) -> None:
    assert time.sessions_between(day("2025-06-03"), day("2025-06-02")) == ()
    assert time.sessions_between(day("2025-06-03"), day("2024-06-03")) == ()


def test_beyond_what_the_library_knows_is_an_error_not_a_guess(time: TimeManager) -> None:
    last_year = time.known_years("XSES")[-1]  # Singapore announces its holidays year by year
    last_day = dt.date(last_year, 12, 31)
    beyond = rf"calendar of XSES reaches from 1986 to {last_year}; {last_year + 1} is beyond"
    assert last_year < 2100
    assert time.previous_session(last_day, "XSES").date.year == last_year
    assert time.session_at(ns(f"{last_day} 12:00"), "XSES") is None
    with pytest.raises(NotFoundError, match=beyond):
        time.next_session(last_day, "XSES")
    with pytest.raises(NotFoundError, match=beyond):
        time.session_at(ns(f"{last_year + 1}-01-10 03:00"), "XSES")


@pytest.mark.parametrize(
    ("name", "meant"), [("xnys", "XNYS"), ("XLONN", "XLON"), ("CME_Equty", "CME_Equity")]
)
def test_an_unknown_market_is_refused_with_the_one_that_was_meant(
    time: TimeManager, name: str, meant: str
) -> None:
    with pytest.raises(NotFoundError, match=rf"no market '{name}'. Did you mean '{meant}'\?"):
        time.zone(name)
