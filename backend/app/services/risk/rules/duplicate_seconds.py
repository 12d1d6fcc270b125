"""No entry leaves that is equal to one that left less than so many seconds ago.

What an amendment makes of an order is not new, and so repeats nothing.
"""

from typing import Final

from app.core.intervals import SECOND_NS
from app.services.risk.facts import Ask, Market, Portfolio
from app.services.risk.times import seconds
from app.services.risk.verdict import Verdict

ONLY_REPEATS: Final = True


def check(ask: Ask, portfolio: Portfolio, market: Market, least: int) -> Verdict | None:
    before_ns = None if ask.units != ask.whole_units else portfolio.last_alike_ns(ask)
    if before_ns is None or ask.now_ns - before_ns >= least * SECOND_NS:
        return None
    return Verdict(0, f"an equal one left {seconds(ask.now_ns - before_ns)} ago, under {least}")
