"""All positions together are worth no more than this, with what works filled the worse way."""

from app.services.risk.bounds import Bounds
from app.services.risk.exposure import beyond
from app.services.risk.facts import Ask, Market, Portfolio
from app.services.risk.verdict import Verdict


def check(ask: Ask, portfolio: Portfolio, market: Market, most_units: int) -> Verdict | None:
    return beyond(ask, portfolio, market, portfolio.gross_units(), most_units)


def narrow(bounds: Bounds, most_units: int) -> None:
    bounds.gross_units = min(bounds.gross_units, most_units)
