"""These symbols take no entries."""

from collections.abc import Sequence

from app.services.risk.bounds import ALWAYS_NS, NOT_SURE_NS
from app.services.risk.facts import Ask, Market, Portfolio
from app.services.risk.names import Names
from app.services.risk.verdict import Verdict

_NONE = Verdict(0, "it takes no entries")


def most_of(symbols: Sequence[str], names: Names) -> frozenset[int]:
    """The symbols by their numbers."""
    return names.numbers(symbols)


def check(
    ask: Ask, portfolio: Portfolio, market: Market, symbols: frozenset[int]
) -> Verdict | None:
    return _NONE if ask.symbol in symbols else None


def sure_until_ns(symbol: int, market: Market, symbols: frozenset[int]) -> int:
    return NOT_SURE_NS if symbol in symbols else ALWAYS_NS
