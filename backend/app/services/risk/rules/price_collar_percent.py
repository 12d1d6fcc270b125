"""No entry has a limit or a stop that would pay more than the last price by more than this share.

So a purchase is held above the last price, a sale below it; on the other side it may be anywhere.
"""

from typing import Final

from app.core.money import UNITS, to_units
from app.services.risk.facts import Ask, Market, Portfolio
from app.services.risk.verdict import Verdict, text

HOLDS_PRICES: Final = True  # an amendment of prices alone is asked for too


def check(ask: Ask, portfolio: Portfolio, market: Market, most_units: int) -> Verdict | None:
    if ask.limit is None and ask.stop is None:
        return None
    last_units = to_units(market.mark(ask.symbol))
    if last_units <= 0:
        return Verdict(0, "there is no price yet that it could be held to")
    return _beyond(ask, "limit", ask.limit, last_units, most_units) or _beyond(
        ask, "stop", ask.stop, last_units, most_units
    )


def _beyond(
    ask: Ask, word: str, price: float | None, last_units: int, most_units: int
) -> Verdict | None:
    if price is None:
        return None
    units = to_units(price)
    worse = (units - last_units if ask.whole_units > 0 else last_units - units) * 100 * UNITS
    if worse <= most_units * last_units:
        return None
    share, side = -(-worse // last_units), "above" if ask.whole_units > 0 else "below"
    told = f"{word} {text(units)} is {text(share)} % {side} the last price {text(last_units)}"
    return Verdict(0, f"{told}, over {text(most_units)} %")
