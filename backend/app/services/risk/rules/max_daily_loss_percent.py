"""Once this share of the day's opening equity is lost, no more is entered."""

from app.core.money import UNITS, from_units
from app.services.risk.bounds import Bounds, Worth
from app.services.risk.facts import Ask, Market, Portfolio
from app.services.risk.rules import max_daily_loss
from app.services.risk.verdict import Verdict, text

REMEMBERS = True


def check(ask: Ask, portfolio: Portfolio, market: Market, percent_units: int) -> Verdict | None:
    equity_units = portfolio.day_equity_units()
    most_units = max(equity_units, 0) * percent_units // (100 * UNITS)
    found = max_daily_loss.check(ask, portfolio, market, most_units)
    if found is None:
        return None
    return Verdict(0, f"{found.why}, {text(percent_units)} % of {from_units(equity_units):f}")


figure = max_daily_loss.figure


def narrow_now(bounds: Bounds, worth: Worth, market: Market, percent_units: int) -> None:
    most_units = max(worth.day_equity_units, 0) * percent_units // (100 * UNITS)
    max_daily_loss.narrow_now(bounds, worth, market, most_units)
