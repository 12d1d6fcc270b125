"""No more entries than this leave in a session."""

from app.services.risk.bounds import Bounds
from app.services.risk.facts import Ask, Market, Portfolio
from app.services.risk.rates import over_rate
from app.services.risk.verdict import Verdict


def check(ask: Ask, portfolio: Portfolio, market: Market, most: int) -> Verdict | None:
    return over_rate(portfolio.left_today(), most, "in the session")


def figure(ask: Ask, portfolio: Portfolio, market: Market) -> str:
    return f"{portfolio.left_today()} have left in the session"


def narrow(bounds: Bounds, most: int) -> None:
    bounds.left_today = min(bounds.left_today, most - 1)
