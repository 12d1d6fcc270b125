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
    last = market.mark(ask.symbol)
    if last <= 0:
        return Verdict(0, "there is no price yet that it could be held to")
    buys = ask.whole_units > 0
    for word, price in (("limit", ask.limit), ("stop", ask.stop)):
        if price is not None and (price > last if buys else price < last):
            found = _beyond(word, price, last, buys, most_units)
            if found is not None:
                return found
    return None


def _beyond(word: str, price: float, last: float, buys: bool, most_units: int) -> Verdict | None:
    units, last_units = to_units(price), to_units(last)
    worse = abs(units - last_units) * 100 * UNITS
    if worse <= most_units * last_units:
        return None
    share, side = -(-worse // last_units), "above" if buys else "below"
    told = f"{word} {text(units)} is {text(share)} % {side} the last price {text(last_units)}"
    return Verdict(0, f"{told}, over {text(most_units)} %")
