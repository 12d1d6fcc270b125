"""TimeManager: what time it is, and when a market trades."""

import calendar
import datetime as dt
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec

from app.core.calendar import TradingSession
from app.core.errors import UsageError
from app.managers.time_manager.calendars import Calendars
from app.managers.time_manager.clock import WallClock

if TYPE_CHECKING:
    from app.core.progress import OnCount
    from app.core.seams import Clock  # at run time it would bring numpy

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_DAY = dt.timedelta(days=1)
_MICROSECOND = dt.timedelta(microseconds=1)


class CalendarImport(msgspec.Struct, frozen=True):
    """What an import of a market's calendar brought."""

    market: str
    first_year: int
    last_year: int
    sessions: int
    early_closes: int
    source: str


class TimeManager:
    """The one source of time. Where no market is named, `market` is meant.

    Times are nanoseconds UTC inside and aware datetimes in the market's zone at the edges; only
    this class converts. A market goes by its MIC or its name in pandas-market-calendars.
    """

    def __init__(self, folder: Path, market: str = "XNYS", clock: "Clock | None" = None) -> None:
        self.market = market
        self._clock: Clock = clock if clock is not None else WallClock()
        self._calendars = Calendars(folder)

    @contextmanager
    def use_clock(self, clock: "Clock") -> Iterator[None]:
        """Tell the time by another clock: a run's, for as long as it lasts."""
        before, self._clock = self._clock, clock
        try:
            yield
        finally:
            self._clock = before

    def now_ns(self) -> int:
        return self._clock.now_ns()

    def get_current_time(self, market: str | None = None) -> dt.datetime:
        """Now, in the market's zone."""
        return self.to_local(self.now_ns(), market)

    def is_stored(self) -> bool:
        """Whether its zone is known at once, from a file."""
        return self._calendars.is_stored(self.market)

    def zone(self, market: str | None = None) -> ZoneInfo:
        return ZoneInfo(self._calendars.market(market or self.market).zone)

    def to_local(self, ns: int, market: str | None = None) -> dt.datetime:
        """An instant in the market's zone; a datetime ends at the microsecond."""
        return (_EPOCH + dt.timedelta(microseconds=ns // 1000)).astimezone(self.zone(market))

    def to_ns(self, at: dt.datetime) -> int:
        """The instant of an aware datetime."""
        if not isinstance(at, dt.datetime):
            raise UsageError(f"{at!r} is no time; give a datetime with a time zone.")
        if at.tzinfo is None:
            raise UsageError(f"{at.isoformat()} has no time zone; attach one, as in zone('XNYS').")
        return (at - _EPOCH) // _MICROSECOND * 1000

    def get_trading_session(
        self, date: dt.date, market: str | None = None
    ) -> TradingSession | None:
        """The session of a trade date; None when the market does not trade on it."""
        found = self.sessions_between(date, date, market)
        return found[0] if found else None

    def sessions_between(
        self, first: dt.date, last: dt.date, market: str | None = None
    ) -> tuple[TradingSession, ...]:
        """The sessions from `first` to `last`, both included, in order."""
        found: list[TradingSession] = []
        _check_dates(first, last)
        for year in range(first.year, last.year + 1):
            found += self._sessions(year, market)
        start = bisect_left(found, first, key=_trade_date)
        return tuple(found[start : bisect_right(found, last, key=_trade_date)])

    def known_sessions(
        self, first: dt.date, last: dt.date, market: str | None = None
    ) -> tuple[TradingSession, ...]:
        """The same, for spans with a margin: what lies beyond the calendar is left out."""
        years = self.known_years(market)
        first = max(first, dt.date(years[0], 1, 1))
        return self.sessions_between(first, min(last, dt.date(years[-1], 12, 31)), market)

    def next_session(self, date: dt.date, market: str | None = None) -> TradingSession:
        """The first session after a date."""
        _check_dates(date)
        sessions = self._sessions(year := date.year, market)
        while (index := bisect_right(sessions, date, key=_trade_date)) == len(sessions):
            sessions = self._sessions(year := year + 1, market)
        return sessions[index]

    def previous_session(self, date: dt.date, market: str | None = None) -> TradingSession:
        """The last session before a date."""
        _check_dates(date)
        sessions = self._sessions(year := date.year, market)
        while (index := bisect_left(sessions, date, key=_trade_date)) == 0:
            sessions = self._sessions(year := year - 1, market)
        return sessions[index - 1]

    def next_to_open(self, ns: int, market: str | None = None) -> TradingSession:
        """The first session that opens after an instant."""
        date = self.to_local(ns, market).date()
        session = self.get_trading_session(date, market) or self.next_session(date, market)
        while session.open_ns <= ns:
            session = self.next_session(session.date, market)
        return session

    def session_at(
        self, ns: int, market: str | None = None, extended_hours: bool = False
    ) -> TradingSession | None:
        """The session an instant falls into, its breaks included; a close is outside it."""
        for session in self._sessions_around(ns, market):
            start_ns, end_ns = session.hours(extended_hours)
            if start_ns <= ns < end_ns:
                return session
        return None

    def is_open(
        self, at: dt.datetime | None = None, extended_hours: bool = False, market: str | None = None
    ) -> bool:
        """Whether the market trades at a time, by default now; in a break it does not."""
        ns = self.now_ns() if at is None else self.to_ns(at)
        session = self.session_at(ns, market, extended_hours)
        return session is not None and any(
            segment.start_ns <= ns < segment.end_ns for segment in session.segments(extended_hours)
        )

    def is_holiday(self, date: dt.date, market: str | None = None) -> bool:
        """Whether a day on whose weekday the market ordinarily trades has no session.

        So a Saturday in New York is not a holiday, though it has no session either.
        """
        _check_dates(date)
        year = self._calendars.year(market or self.market, date.year)
        return date.weekday() in year.weekdays and self.get_trading_session(date, market) is None

    def holidays(self, year: int, market: str | None = None) -> tuple[dt.date, ...]:
        """The holidays of a year."""
        known = self._calendars.year(market or self.market, year)
        traded = {session.date for session in known.sessions}
        first, after = dt.date(year, 1, 1), dt.date(year + 1, 1, 1)
        days = (first + number * _DAY for number in range((after - first).days))
        return tuple(d for d in days if d.weekday() in known.weekdays and d not in traded)

    def days_a_year(self, date: dt.date, market: str | None = None) -> int:
        """How many trading days figures of a year are reckoned with: 365 where every day of the
        week is one, else 252.
        """
        _check_dates(date)
        weekdays = self._calendars.year(market or self.market, date.year).weekdays
        return 365 if len({*weekdays}) == len(calendar.day_name) else 252

    def known_years(self, market: str | None = None) -> range:
        """The years whose sessions the calendar library knows."""
        known = self._calendars.market(market or self.market)
        return range(known.first_year, known.last_year + 1)

    def import_holidays(
        self, market: str, first_year: int, last_year: int, on_count: "OnCount | None" = None
    ) -> CalendarImport:
        """Make the stored calendar of some years anew from the library; years are counted."""
        years = self._calendars.rebuild(market, first_year, last_year, on_count)
        sessions = [session for year in years for session in year.sessions]
        return CalendarImport(
            market=market,
            first_year=first_year,
            last_year=last_year,
            sessions=len(sessions),
            early_closes=sum(session.early_close for session in sessions),
            source=years[0].source,
        )

    def _sessions(self, year: int, market: str | None) -> tuple[TradingSession, ...]:
        return self._calendars.year(market or self.market, year).sessions

    def _sessions_around(self, ns: int, market: str | None) -> tuple[TradingSession, ...]:
        """Sessions that can hold an instant: some open on the eve, some close a day later."""
        date = self.to_local(ns, market).date()
        self._sessions(date.year, market)  # refuses a year that the calendar does not reach
        return self.known_sessions(date - _DAY, date + _DAY, market)


def _check_dates(*dates: object) -> None:
    """A datetime is a date to Python, and yet compares with none; a Timestamp is one, too."""
    for date in dates:
        if isinstance(date, dt.datetime) or not isinstance(date, dt.date):
            raise UsageError(
                f"{date!r} is no date; give a datetime.date, such as date(2024, 12, 31), and of a"
                " datetime its .date()."
            )


def _trade_date(session: TradingSession) -> dt.date:
    return session.date
