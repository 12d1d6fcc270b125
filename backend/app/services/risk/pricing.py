"""What an order is valued at, and how much of a symbol some money is worth."""

from app.services.risk.facts import Ask, Market, Portfolio
from app.services.risk.verdict import Verdict

UNPRICED = Verdict(0, "no price is known")


def ask_price(ask: Ask, market: Market) -> float:
    """The last price, or the limit or the stop where one is higher; 0 where nothing is known.

    A sale may fill above its limit too.
    """
    if ask.price is None:
        ask.price = highest(market.mark(ask.symbol), ask.limit, ask.stop)
    return ask.price


def highest(price: float, limit: float | None, stop: float | None) -> float:
    """The highest of an order's prices and the last one."""
    if limit is not None and limit > price:
        price = limit
    return stop if stop is not None and stop > price else price


def units_worth(
    portfolio: Portfolio, symbol: int, units: int, price: float, most_units: int
) -> int:
    """The most of `units` that is worth no more than an amount."""
    worth = abs(portfolio.value_units(symbol, units, price))
    if worth <= most_units:
        return units
    some = abs(units) * most_units // worth
    while some and abs(portfolio.value_units(symbol, some, price)) > most_units:
        some -= 1  # what rounding has added
    return some if units > 0 else -some
