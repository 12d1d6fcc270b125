"""What is held less what is short is worth no more than this, with what works filled."""

from app.services.risk.bounds import Bounds
from app.services.risk.facts import Ask, Market, Portfolio
from app.services.risk.pricing import UNPRICED, ask_price, units_worth
from app.services.risk.verdict import Verdict, comes_down, over, room


def check(ask: Ask, portfolio: Portfolio, market: Market, most_units: int) -> Verdict | None:
    price = ask_price(ask, market)
    if not price:
        return UNPRICED
    net_units = portfolio.net_units(ask)
    added = portfolio.value_units(ask.symbol, ask.units, price)
    would_be = net_units + added
    if abs(would_be) <= most_units or comes_down(net_units, would_be):
        return None
    left = abs(room(net_units, added, most_units))
    return over(would_be, most_units, units_worth(portfolio, ask.symbol, ask.units, price, left))


def narrow(bounds: Bounds, most_units: int) -> None:
    bounds.gross_units = min(bounds.gross_units, most_units)
