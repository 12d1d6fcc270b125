"""Before an import from a source: where it begins and ends, and the sizes that are recorded."""

import datetime as dt

import msgspec

from app.core.errors import UsageError
from app.core.instruments import Instrument
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
    least_value: str | None
    before: dict[str, str | None] | None  # what was recorded before and is other

    def told(self) -> str:
        least = f", orders from {self.least_value} {self.currency} on" if self.least_value else ""
        changed = ""
        if self.before and (self.before["tick"], self.before["lot"]) != (self.tick, self.lot):
            changed = f" (they were {self.before['tick']} and {self.before['lot']})"
        return (
            f"{self.symbol} trades in ticks of {self.tick} and lots of {self.lot}{changed}{least};"
            " its instrument is set so."
        )


def record_sizes(data: DataManager, listed: Listed) -> Sizes | None:
    """Set the instrument as the source tells it; None where it tells no sizes."""
    if listed.tick is None or listed.lot is None:
        return None
    set_before = {one.symbol: one for one in data.instruments(listed.market)}.get(listed.symbol)
    told = {"tick": listed.tick, "lot": listed.lot, "least_value": listed.least_value}
    sizes = {name: format(size, "f") for name, size in told.items() if size is not None}
    now = data.set_instrument(listed.market, listed.symbol, sizes, listed.currency)
    before = None if set_before is None or set_before == now else _sizes_of(set_before)
    return Sizes(
        symbol=listed.symbol,
        tick=format(now.tick, "f"),
        lot=format(now.lot, "f"),
        currency=now.currency,
        least_value=_sizes_of(now)["least_value"],
        before=before,
    )


def _sizes_of(instrument: Instrument) -> dict[str, str | None]:
    least = instrument.least_value
    return {
        "tick": format(instrument.tick, "f"),
        "lot": format(instrument.lot, "f"),
        "least_value": None if least is None else format(least, "f"),
    }


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
