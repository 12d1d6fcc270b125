"""What an order is valued at, and how much of a symbol some money is worth."""

from app.services.risk.facts import Ask, Market, Portfolio


def ask_price(ask: Ask, market: Market) -> float:
    """The last price, or the limit where that is higher; a sale may fill above its limit too."""
    if ask.price is None:
        last = market.mark(ask.symbol)
        ask.price = last if ask.limit is None else max(last, ask.limit)
    return ask.price


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
