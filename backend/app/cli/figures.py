"""How figures of a session are written where room is dear."""

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

from app.core.session_data import IndicatorData
from app.core.trading_state import ACTIVE

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def price_text(price: float | None) -> str:
    """As many digits as it has."""
    return "-" if price is None else f"{price:,.10g}"


def money_text(amount: Decimal, signed: bool = False) -> str:
    """Two digits behind the point."""
    return f"{amount:+,.2f}" if signed else f"{amount:,.2f}"


def quantity_text(quantity: Decimal, signed: bool = False) -> str:
    """As many digits as it has; nothing held is a dash where a sign is asked for."""
    if signed:
        return f"{quantity:+,f}" if quantity else "-"
    return f"{quantity:,f}"


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


def state_text(state: str, trading_state: str | None) -> str:
    """How a session goes on, and what its account may do where that is not all."""
    return state if trading_state in (None, ACTIVE) else f"{state}, {trading_state}"
