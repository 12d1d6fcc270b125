"""No position is worth more than this share of the account's equity."""

from app.core.money import UNITS, from_units
from app.services.risk.bounds import Bounds, Worth
from app.services.risk.facts import Ask, Market, Portfolio
from app.services.risk.pricing import UNPRICED
from app.services.risk.rules import max_position_value
from app.services.risk.verdict import Verdict, text


def check(ask: Ask, portfolio: Portfolio, market: Market, percent_units: int) -> Verdict | None:
    equity_units = portfolio.equity_units()
    most_units = max(equity_units, 0) * percent_units // (100 * UNITS)
    found = max_position_value.check(ask, portfolio, market, most_units)
    if found is None or found is UNPRICED:
        return found
    share = f"{text(percent_units)} % of {from_units(equity_units):f}"
    return Verdict(found.units, f"{found.why}, {share}")


def narrow_now(bounds: Bounds, worth: Worth, market: Market, percent_units: int) -> None:
    most_units = max(worth.equity_units, 0) * percent_units // (100 * UNITS)
    bounds.position_value_units = min(bounds.position_value_units, most_units)
