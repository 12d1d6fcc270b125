"""All that is held, long and short, is worth no more than so many times the account's equity."""

from app.core.money import UNITS, from_units
from app.services.risk.bounds import Bounds, Worth
from app.services.risk.exposure import beyond
from app.services.risk.facts import Ask, Market, Portfolio
from app.services.risk.pricing import UNPRICED
from app.services.risk.verdict import Verdict, text


def check(ask: Ask, portfolio: Portfolio, market: Market, times_units: int) -> Verdict | None:
    equity_units = portfolio.equity_units()
    most_units = max(equity_units, 0) * times_units // UNITS
    found = beyond(ask, portfolio, market, portfolio.gross_units(), most_units)
    if found is None or found is UNPRICED:
        return found
    times = f"{text(times_units)} times {from_units(equity_units):f}"
    return Verdict(found.units, f"{found.why}, {times}")


def narrow_now(bounds: Bounds, worth: Worth, market: Market, times_units: int) -> None:
    most_units = max(worth.equity_units, 0) * times_units // UNITS
    bounds.gross_units = min(bounds.gross_units, most_units)
