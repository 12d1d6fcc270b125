"""Nothing is opened in so many minutes from the open of the regular hours.

That holds for what would wait for the open too: an order for its auction, and one given when all
trading of a session is over.
"""

from app.core.intervals import MINUTE_NS
from app.core.orders import MARKET_ON_OPEN
from app.services.risk.bounds import Bounds, Worth
from app.services.risk.facts import Ask, Market, Portfolio
from app.services.risk.times import seconds
from app.services.risk.verdict import Verdict


def check(ask: Ask, portfolio: Portfolio, market: Market, minutes: int) -> Verdict | None:
    if ask.kind == MARKET_ON_OPEN or ask.now_ns >= market.end_ns:
        return Verdict(0, f"it would be there at the open, whose first {minutes} minutes take none")
    since_ns = ask.now_ns - market.session.open_ns
    if not 0 <= since_ns < minutes * MINUTE_NS:
        return None
    return Verdict(0, f"the session opened {seconds(since_ns)} ago, under {minutes} minutes")


def narrow_now(bounds: Bounds, worth: Worth, market: Market, minutes: int) -> None:
    bounds.from_ns = max(bounds.from_ns, market.session.open_ns + minutes * MINUTE_NS)
    bounds.until_ns = min(bounds.until_ns, market.end_ns - 1)
