"""Until when a market takes orders for its opening and its closing auction."""

from typing import Final, NamedTuple

from app.core.calendar import TradingSession
from app.core.intervals import MINUTE_NS
from app.core.orders import MARKET_ON_CLOSE, MARKET_ON_OPEN, Order


class CutOffs(NamedTuple):
    """How long before the open, and before the close."""

    open_ns: int
    close_ns: int


_NEW_YORK: Final = CutOffs(2 * MINUTE_NS, 10 * MINUTE_NS)
_NASDAQ: Final = CutOffs(2 * MINUTE_NS, 5 * MINUTE_NS)


def cut_offs_of(market: str) -> CutOffs:
    """A market's; those of New York where we know no better."""
    return _NASDAQ if market in ("XNAS", "NASDAQ") else _NEW_YORK


def belongs_to(order: Order, session: TradingSession, cut_offs: CutOffs) -> bool:
    """Whether an auction order was given in time for this session's auction."""
    if order.kind == MARKET_ON_OPEN:
        return order.created_ns <= session.open_ns - cut_offs.open_ns
    return order.created_ns <= session.close_ns - cut_offs.close_ns


def too_late(kind: str, now_ns: int, session: TradingSession, cut_offs: CutOffs) -> str:
    """Why an order for an auction of this session is refused now, or ""."""
    if kind == MARKET_ON_OPEN:
        at_ns, cut_off_ns, last = session.open_ns, cut_offs.open_ns, session.open_ns
        name, other = "open", "a market order gets the first bar's open"
    else:
        at_ns, cut_off_ns, last = session.close_ns, cut_offs.close_ns, session.close_ns - 1
        name, other = "close", "a market order gets the next bar's open"
    if not at_ns - cut_off_ns < now_ns <= last:
        return ""
    minutes = cut_off_ns // MINUTE_NS
    return (
        f"after_cut_off: orders for the {name} are taken until {minutes} minutes before it; {other}"
    )


AUCTIONS: Final = (MARKET_ON_OPEN, MARKET_ON_CLOSE)
