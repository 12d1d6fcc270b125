"""Nothing is opened on a symbol whose last bars ranged further than this on average."""

from app.services.risk.facts import Ask, Market, Portfolio
from app.services.risk.verdict import Verdict, over, text


def check(ask: Ask, portfolio: Portfolio, market: Market, most_units: int) -> Verdict | None:
    found_units = market.volatility_units(ask.symbol)
    if found_units < 0:
        return Verdict(0, "it has no bar yet to tell by")
    return None if found_units <= most_units else over(found_units, most_units)


def figure(ask: Ask, portfolio: Portfolio, market: Market) -> str:
    return f"it is {text(market.volatility_units(ask.symbol))}"


def sure_until_ns(symbol: int, market: Market, most_units: int) -> int:
    return market.calm_until_ns(symbol, most_units)
