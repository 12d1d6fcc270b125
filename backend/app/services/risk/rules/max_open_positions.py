"""No more symbols than this are held at a time, those among them that orders work for."""

from app.services.risk.bounds import Bounds
from app.services.risk.facts import Ask, Market, Portfolio
from app.services.risk.verdict import Verdict


def check(ask: Ask, portfolio: Portfolio, market: Market, most: int) -> Verdict | None:
    if portfolio.is_open(ask.symbol):
        return None
    count = portfolio.open_positions()
    return None if count < most else Verdict(0, f"{count + 1} is over {most}")


def figure(ask: Ask, portfolio: Portfolio, market: Market) -> str:
    return f"{portfolio.open_positions()} are open"


def narrow(bounds: Bounds, most: int) -> None:
    bounds.open_positions = min(bounds.open_positions, most - 1)
