"""No more orders than this work at a time, but for those that only reduce."""

from app.services.risk.bounds import Bounds
from app.services.risk.facts import Ask, Market, Portfolio
from app.services.risk.verdict import Verdict


def check(ask: Ask, portfolio: Portfolio, market: Market, most: int) -> Verdict | None:
    if ask.amends:
        return None  # it works already
    count = portfolio.open_orders()
    return None if count < most else Verdict(0, f"{count + 1} is over {most}")


def figure(ask: Ask, portfolio: Portfolio, market: Market) -> str:
    return f"{portfolio.open_orders()} work"


def narrow(bounds: Bounds, most: int) -> None:
    bounds.open_orders = min(bounds.open_orders, most - 1)
