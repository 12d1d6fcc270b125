"""No entry leaves that is equal to one that left less than so many seconds ago.

What an amendment makes of an order is not new, and so repeats nothing.
"""

from app.core.intervals import SECOND_NS
from app.services.risk.facts import Ask, Market, Portfolio
from app.services.risk.verdict import Verdict


def check(ask: Ask, portfolio: Portfolio, market: Market, seconds: int) -> Verdict | None:
    before_ns = None if ask.amends else portfolio.last_alike_ns(ask)
    if before_ns is None:
        return None
    ago_ns = ask.now_ns - before_ns
    if ago_ns >= seconds * SECOND_NS:
        return None
    return Verdict(0, f"an equal one left {ago_ns / SECOND_NS:g} s ago, less than {seconds}")
