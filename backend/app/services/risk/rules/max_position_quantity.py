"""No position is larger than this, with all that works on its side filled."""

from app.services.risk.bounds import Bounds
from app.services.risk.facts import Ask, Market, Portfolio
from app.services.risk.verdict import Verdict, comes_down, over, room


def check(ask: Ask, portfolio: Portfolio, market: Market, most_units: int) -> Verdict | None:
    reach_units = portfolio.reach_units(ask)
    would_be = reach_units + ask.units
    if abs(would_be) <= most_units or comes_down(reach_units, would_be):
        return None
    return over(would_be, most_units, room(reach_units, ask.units, most_units))


def narrow(bounds: Bounds, most_units: int) -> None:
    bounds.position_units = min(bounds.position_units, most_units)
    bounds.short_units = min(bounds.short_units, most_units)
