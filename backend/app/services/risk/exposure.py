"""How much of an order is within a limit of gross exposure."""

from app.services.risk.facts import Ask, Market, Portfolio
from app.services.risk.pricing import UNPRICED, ask_price, units_worth
from app.services.risk.verdict import Verdict, over


def beyond(
    ask: Ask, portfolio: Portfolio, market: Market, gross_units: int, most_units: int
) -> Verdict | None:
    """What of an order would take exposure, now `gross_units`, over a limit; what adds nothing
    to it passes.
    """
    price = ask_price(ask, market)
    added = portfolio.added_units(ask, price)
    if price and (not added or gross_units + added <= most_units):
        return None
    free = portfolio.free_units(ask)
    units = ask.units - free
    if not (price and units):
        return UNPRICED if units else None
    left = units_worth(portfolio, ask.symbol, units, price, max(most_units - gross_units, 0))
    inside = free + left
    return over(gross_units + added, most_units, inside if inside * ask.units > 0 else 0)
