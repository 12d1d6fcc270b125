"""What people mean by from and to: dates are sessions, times are moments in the market's zone."""

import datetime as dt

from app.core.errors import UsageError
from app.managers.time_manager import TimeManager

Moment = str | dt.date | dt.datetime
_EARLIEST_NS, _LATEST_NS = -(1 << 62), 1 << 62


def time_range(
    time: TimeManager, market: str, start: Moment | None, end: Moment | None
) -> tuple[int, int]:
    """Nanoseconds from `start` to `end`; None reaches as far as there are bars.

    A date stands for its day by the market's clock, as a start and as an end; a time without a
    zone is by that clock too, and as an end it is excluded.
    """
    start_ns = _EARLIEST_NS if start is None else _to_ns(time, market, start, is_end=False)
    end_ns = _LATEST_NS if end is None else _to_ns(time, market, end, is_end=True)
    if start_ns > end_ns:
        raise UsageError(f"The range ends at {end}, before it starts at {start}.")
    return start_ns, end_ns


def _to_ns(time: TimeManager, market: str, moment: Moment, *, is_end: bool) -> int:
    day = _parse(moment) if isinstance(moment, str) else moment
    if not isinstance(day, dt.datetime):
        if is_end and day == dt.date.max:
            return _LATEST_NS
        day = day + dt.timedelta(days=1) if is_end else day
        day = dt.datetime.combine(day, dt.time())
    if day.tzinfo is None:
        day = day.replace(tzinfo=time.zone(market))
    return min(max(time.to_ns(day), _EARLIEST_NS), _LATEST_NS)


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
