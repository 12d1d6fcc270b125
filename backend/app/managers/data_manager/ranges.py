"""What people mean by from and to: dates are sessions, times are moments in the market's zone."""

import datetime as dt

from app.core.errors import NotFoundError, UsageError
from app.managers.time_manager import TimeManager
from app.repositories.bar_store import EARLIEST_NS, LATEST_NS

Moment = str | dt.date | dt.datetime

_DAY = dt.timedelta(days=1)
_FIRST = dt.date.min + _DAY
_DAY_BEGINS = dt.time.min
_DAY_ENDS = dt.time.max.replace(fold=1)  # where clocks go back at midnight: the second time


def time_range(
    time: TimeManager, market: str, start: Moment | None, end: Moment | None
) -> tuple[int, int]:
    """Nanoseconds from `start` to `end`; None reaches as far as there are bars.

    A date stands for its day by the market's clock, as a start and as an end, and where its
    session opens on the eve, for all of that and nothing of the next; a time without a zone is by
    that clock too, and as an end it is excluded.
    """
    start_ns = EARLIEST_NS if start is None else _to_ns(time, market, start, ends=False)
    end_ns = LATEST_NS if end is None else _to_ns(time, market, end, ends=True)
    if start is not None and end is not None and start_ns > end_ns:
        raise UsageError(f"The range ends at {end}, before it starts at {start}.")
    return _within_reach(start_ns), _within_reach(end_ns)


def _to_ns(time: TimeManager, market: str, moment: Moment, *, ends: bool) -> int:
    """The instant of a time, or where a date begins or ends."""
    at: object = _parse(moment) if isinstance(moment, str) else moment
    if not isinstance(at, dt.date):
        raise UsageError(
            f"{moment!r} is neither a date nor a time; give a date, a datetime, or text such as"
            " '2024-12-31' or '2024-12-31T09:30'."
        )
    if not isinstance(at, dt.datetime):
        day = dt.datetime.combine(at, _DAY_ENDS if ends else _DAY_BEGINS, time.zone(market))
        before = at if ends else max(at, _FIRST) - _DAY
        return _no_later_than_open(time.to_ns(day), time, market, before)
    if at.tzinfo is None:
        at = at.replace(tzinfo=time.zone(market))
    return time.to_ns(at)


def _no_later_than_open(at_ns: int, time: TimeManager, market: str, date: dt.date) -> int:
    """An instant, or where the first session after a date begins if that is sooner."""
    try:
        return min(at_ns, time.next_session(date, market).hours(extended_hours=True)[0])
    except NotFoundError:  # no calendar reaches there
        return at_ns


def _within_reach(at_ns: int) -> int:
    """Moments beyond all bars, which may be beyond 64 bits too, drawn in."""
    return min(max(at_ns, EARLIEST_NS), LATEST_NS)


def _parse(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        pass
    try:
        return dt.datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"'{text}' is neither a date (2024-12-31) nor a time (2024-12-31T09:30)."
        ) from None
