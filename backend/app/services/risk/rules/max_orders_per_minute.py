"""No more entries than this leave within a minute."""

from app.core.intervals import MINUTE_NS
from app.services.risk.bounds import Bounds
from app.services.risk.facts import Ask, Market, Portfolio
from app.services.risk.rates import over_rate
from app.services.risk.verdict import Verdict


def check(ask: Ask, portfolio: Portfolio, market: Market, most: int) -> Verdict | None:
    return over_rate(portfolio.left_since(ask.now_ns - MINUTE_NS), most, "in a minute")


def figure(ask: Ask, portfolio: Portfolio, market: Market) -> str:
    return f"{portfolio.left_since(ask.now_ns - MINUTE_NS)} have left in a minute"


def narrow(bounds: Bounds, most: int) -> None:
    bounds.left_in_minute = min(bounds.left_in_minute, most - 1)
