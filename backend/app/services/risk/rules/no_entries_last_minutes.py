"""Nothing is opened in so many minutes up to the close of the regular hours, nor in its auction."""

from app.core.intervals import MINUTE_NS
from app.core.orders import MARKET_ON_CLOSE
from app.services.risk.bounds import Bounds, Worth
from app.services.risk.facts import Ask, Market, Portfolio
from app.services.risk.times import seconds
from app.services.risk.verdict import Verdict


def check(ask: Ask, portfolio: Portfolio, market: Market, minutes: int) -> Verdict | None:
    if ask.kind == MARKET_ON_CLOSE:
        return Verdict(0, f"it would fill at the close, whose last {minutes} minutes take none")
    left_ns = market.session.close_ns - ask.now_ns
    if not 0 <= left_ns <= minutes * MINUTE_NS:
        return None
    return Verdict(0, f"the session closes in {seconds(left_ns)}, within {minutes} minutes")


def narrow_now(bounds: Bounds, worth: Worth, market: Market, minutes: int) -> None:
    close_ns = market.session.close_ns
    bounds.until_ns = min(bounds.until_ns, close_ns - minutes * MINUTE_NS - 1)
