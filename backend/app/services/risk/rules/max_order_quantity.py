"""No order is larger than this."""

from app.services.risk.bounds import Bounds
from app.services.risk.facts import Ask, Market, Portfolio
from app.services.risk.verdict import Verdict, over, room


def check(ask: Ask, portfolio: Portfolio, market: Market, most_units: int) -> Verdict | None:
    if abs(ask.whole_units) <= most_units:
        return None
    return over(ask.whole_units, most_units, room(0, ask.units, most_units))


def narrow(bounds: Bounds, most_units: int) -> None:
    bounds.order_units = min(bounds.order_units, most_units)
