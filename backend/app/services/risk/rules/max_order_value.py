"""No order is worth more than this, at the highest of the last price, its limit and its stop."""

from typing import Final

from app.services.risk.bounds import Bounds
from app.services.risk.facts import Ask, Market, Portfolio
from app.services.risk.pricing import UNPRICED, ask_price, units_worth
from app.services.risk.verdict import Verdict, over

HOLDS_PRICES: Final = True  # an amendment of prices alone is asked for too


def check(ask: Ask, portfolio: Portfolio, market: Market, most_units: int) -> Verdict | None:
    price = ask_price(ask, market)
    worth = abs(portfolio.value_units(ask.symbol, ask.whole_units, price))
    if not price:
        return UNPRICED
    if worth <= most_units:
        return None
    return over(worth, most_units, units_worth(portfolio, ask.symbol, ask.units, price, most_units))


def narrow(bounds: Bounds, most_units: int) -> None:
    bounds.order_value_units = min(bounds.order_value_units, most_units)
