"""Nothing is opened on a symbol whose bid and ask stand further apart than this, or are unknown."""

from app.services.risk.facts import Ask, Market, Portfolio
from app.services.risk.verdict import Verdict, over, text


def check(ask: Ask, portfolio: Portfolio, market: Market, most_units: int) -> Verdict | None:
    found_units = market.spread_units(ask.symbol)
    if found_units <= 0:
        return Verdict(0, "its last bar has no quote whose bid is below its ask")
    return None if found_units <= most_units else over(found_units, most_units)


def figure(ask: Ask, portfolio: Portfolio, market: Market) -> str:
    return f"it is {text(market.spread_units(ask.symbol))}"
