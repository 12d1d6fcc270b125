"""Before an import from a source: where it begins and ends, and the sizes that are recorded."""

import datetime as dt

import msgspec

from app.core.errors import UsageError
from app.core.source import Listed
from app.managers.data_manager.data_manager import DataManager
from app.managers.data_manager.ranges import time_range
from app.managers.time_manager import TimeManager


class Sizes(msgspec.Struct, frozen=True, kw_only=True):
    """What a symbol's orders must respect, recorded so that replays round as the venue does."""

    symbol: str
    tick: str
    lot: str
    currency: str
    min_notional: str | None
    before: dict[str, str] | None  # what was recorded before and is other

    def told(self) -> str:
        least = f", orders from {self.min_notional} {self.currency} on" if self.min_notional else ""
        changed = (
            f" (they were {self.before['tick']} and {self.before['lot']})" if self.before else ""
        )
        return (
            f"{self.symbol} trades in ticks of {self.tick} and lots of {self.lot}{changed}{least};"
            " its instrument is set so."
        )


def record_sizes(data: DataManager, listed: Listed) -> Sizes | None:
    """Set the instrument as the source tells it; None where it tells no sizes."""
    if listed.tick is None or listed.lot is None:
        return None
    set_before = {one.symbol: one for one in data.instruments(listed.market)}.get(listed.symbol)
    sizes = {"tick": format(listed.tick, "f"), "lot": format(listed.lot, "f")}
    now = data.set_instrument(listed.market, listed.symbol, sizes, listed.currency)
    before = None
    if set_before is not None and set_before != now:
        before = {"tick": str(set_before.tick), "lot": str(set_before.lot)}
    return Sizes(
        symbol=listed.symbol,
        **sizes,
        currency=now.currency,
        min_notional=None if listed.min_notional is None else format(listed.min_notional, "f"),
        before=before,
    )


def span_of(
    time: TimeManager, now_ns: int, days: int | None, start: str | None, end: str | None
) -> tuple[int, int]:
    """Where an import begins and ends: so many whole days back, or from a date or time on."""
    if (days is None) == (start is None):
        raise UsageError(
            "Say how far back, by one of them: 30 for thirty days, or --start 2024-10-01."
        )
    market = time.market
    first_ns, last_ns = time_range(time, market, start, end)
    last_ns = min(last_ns, now_ns)
    if days is not None:
        try:
            first = time.to_local(last_ns - 1, market).date() - dt.timedelta(days=days)
        except OverflowError:
            raise UsageError(f"{days} days back is before all calendars.") from None
        first_ns, _ = time_range(time, market, first, None)
    if first_ns >= last_ns:
        raise UsageError(f"There is nothing to import yet: it begins at {start}, or after now.")
    return first_ns, last_ns
