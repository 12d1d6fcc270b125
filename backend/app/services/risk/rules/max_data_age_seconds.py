"""Nothing is opened on a symbol whose last bar of the session ended longer ago than this."""

from app.core.intervals import SECOND_NS
from app.services.risk.bounds import NOT_SURE_NS
from app.services.risk.facts import Ask, Market, Portfolio
from app.services.risk.times import seconds
from app.services.risk.verdict import Verdict


def check(ask: Ask, portfolio: Portfolio, market: Market, most: int) -> Verdict | None:
    known_ns = market.last_known_ns(ask.symbol)
    if known_ns < 0:
        return Verdict(0, "it has no bar in this session yet")
    age_ns = ask.now_ns - known_ns
    if age_ns <= most * SECOND_NS:
        return None
    return Verdict(0, f"its last bar ended {seconds(age_ns)} ago, over {most}")


def sure_until_ns(symbol: int, market: Market, most: int) -> int:
    known_ns = market.last_known_ns(symbol)
    return NOT_SURE_NS if known_ns < 0 else known_ns + most * SECOND_NS
