"""Nothing is sold that is not held."""

from app.services.risk.bounds import Bounds
from app.services.risk.facts import Ask, Market, Portfolio
from app.services.risk.verdict import Verdict, room, text


def check(ask: Ask, portfolio: Portfolio, market: Market, allowed: bool) -> Verdict | None:
    if allowed or ask.units > 0:
        return None
    reach_units = portfolio.reach_units(ask)
    if reach_units + ask.units >= 0:
        return None
    units = room(reach_units, ask.units, 0)
    return Verdict(units, f"it would leave -{text(reach_units + ask.units)}")


def narrow(bounds: Bounds, allowed: bool) -> None:
    if not allowed:
        bounds.short_units = 0
