"""How figures of a session are written where room is dear."""

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from app.core.session_data import IndicatorData, SessionData
from app.core.trading_state import ACTIVE

if TYPE_CHECKING:
    from app.managers.system_manager.control.messages import View

PACED = ("replay",)  # modes that go at a speed, and from their beginning alone
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def price_text(price: float | None, digits: int | None = None) -> str:
    """As many digits behind the point as it has, or as it is to have."""
    if price is None:
        return "-"
    return f"{price:,.10g}" if digits is None else f"{price:,.{digits}f}"


def money_text(amount: Decimal, signed: bool = False) -> str:
    """Two digits behind the point."""
    return f"{amount:+,.2f}" if signed else f"{amount:,.2f}"


def quantity_text(quantity: Decimal, signed: bool = False) -> str:
    """As many digits as say something; nothing held is a dash where a sign is asked for."""
    if signed and not quantity:
        return "-"
    text = f"{quantity:+,f}" if signed else f"{quantity:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def count_text(count: int, what: str) -> str:
    """`1 fill`, `17 fills`."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def lasting_text(seconds: float | None) -> str:
    """A length of time, in the largest unit that says enough."""
    if seconds is None:
        return "-"
    for unit, length in (("s", 1), ("m", _MINUTE), ("h", _HOUR)):
        if seconds < 100 * length:
            return f"{seconds / length:.0f}{unit}"
    return f"{seconds / _DAY:.0f}d"


def indicator_text(one: IndicatorData | None) -> str:
    """Its value, or how many bars there are of those that it needs."""
    if one is None:
        return ""
    if one.value is not None:
        return f"{one.value:,.6g}"
    return f"{one.bars}/{one.needs}" if one.bars < one.needs else "waits"


def time_text(at_ns: int, zone: str, of: dt.date | None) -> str:
    """An instant in the market's zone; with its date when that is not this session's."""
    moment = dt.datetime.fromtimestamp(at_ns // 10**9, ZoneInfo(zone))
    text = f"{moment:%H:%M:%S}" if moment.second else f"{moment:%H:%M}"
    return text if moment.date() == of else f"{moment:%m-%d} {text}"


def moment_text(at_ns: int, zone: str) -> str:
    """An instant with all that belongs to it."""
    return f"{dt.datetime.fromtimestamp(at_ns // 10**9, ZoneInfo(zone)):%Y-%m-%d %H:%M:%S %Z}"


def state_text(seen: "SessionData | View") -> str:
    """How a session goes on; what its account may do, where that is not all; and its pace."""
    is_all = seen.trading_state in (None, ACTIVE)
    states = seen.state if is_all else f"{seen.state}, {seen.trading_state}"
    if seen.speed is None or seen.mode not in PACED:
        return f"{states}, {seen.mode}"
    pace = seen.speed if isinstance(seen.speed, str) else f"{seen.speed:g}"
    return f"{states}, {seen.mode} at speed {pace}"


def distance_text(price: float | None, last: float | None) -> str:
    """How far a price is from the last one, in percent of that."""
    if price is None or not last:
        return ""
    return f"{(price - last) / last * 100:+.2f}%"


def digits_of(prices: Iterable[float]) -> int:
    """Behind the point, of the one that has the most."""
    return max((len(f"{price:.10g}".partition(".")[2]) for price in prices), default=0)


def stale_lines(seen: "SessionData | View") -> list[str]:
    """A warning, where it is not shown as it is."""
    if not seen.stale_seconds:
        return []
    lasted = lasting_text(seen.stale_seconds)
    return [f"As it stood {lasted} ago: a block takes long, or a hook hangs."]
