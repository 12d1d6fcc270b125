"""Nothing is opened on a symbol whose bars of today lack more than the rest of 100 % in holes."""

from app.core.money import UNITS
from app.services.risk.facts import Ask, Market, Portfolio
from app.services.risk.verdict import Verdict, text


def check(ask: Ask, portfolio: Portfolio, market: Market, least_units: int) -> Verdict | None:
    if market.coverage(ask.symbol) * 100 * UNITS >= least_units:
        return None  # quality is no lower, and takes longer to tell
    score_units = round(market.quality(ask.symbol).score * 100 * UNITS)
    if score_units >= least_units:
        return None
    return Verdict(0, f"{text(score_units)} is under {text(least_units)}")


def figure(ask: Ask, portfolio: Portfolio, market: Market) -> str:
    return f"it is {text(round(market.quality(ask.symbol).score * 100 * UNITS))}"
