"""No position is worth more than this, with all that works on its side filled."""

from app.services.risk.bounds import Bounds
from app.services.risk.facts import Ask, Market, Portfolio
from app.services.risk.pricing import UNPRICED, ask_price, units_worth
from app.services.risk.verdict import Verdict, comes_down, over, room


def check(ask: Ask, portfolio: Portfolio, market: Market, most_units: int) -> Verdict | None:
    reach_units, price = portfolio.reach_units(ask), ask_price(ask, market)
    would_be = reach_units + ask.units
    worth = abs(portfolio.value_units(ask.symbol, would_be, price))
    if comes_down(reach_units, would_be) or (price and worth <= most_units):
        return None
    if not price:
        return UNPRICED
    most = abs(units_worth(portfolio, ask.symbol, would_be, price, most_units))
    return over(worth, most_units, room(reach_units, ask.units, most))


def narrow(bounds: Bounds, most_units: int) -> None:
    bounds.position_value_units = min(bounds.position_value_units, most_units)
