"""Which of several limits of a rule is the tightest, for each strategy in each symbol."""

from collections.abc import Iterator, Sequence
from itertools import groupby, product
from typing import NamedTuple

from app.services.risk.catalogue import Limit
from app.services.risk.scopes import Scope

_MOSTS = ("max_", "price_collar_")  # how names of rules begin whose least limit is the tightest,
_LEASTS = ("min_", "no_entries_", "duplicate_")  # and those whose greatest is
Pair = tuple[int, int]  # a strategy and a symbol, by their numbers


class Standing(NamedTuple):
    """A limit, whose it is, for whom it holds, and for whom no other of its rule is tighter."""

    scope: Scope
    limit: Limit
    holds_for: frozenset[Pair]
    tightest_for: frozenset[Pair]


def standings(scopes: Sequence[Scope], strategies: int, symbols: int) -> Iterator[Standing]:
    """All limits, by their rules; where two are as tight, both are the tightest."""
    pairs = list(product(range(strategies), range(symbols)))
    all_limits = [(scope, limit) for scope in scopes for limit in scope.limits]
    for _, group in groupby(sorted(all_limits, key=_name), key=_name):
        rivals = [(scope, limit, _held(scope, pairs)) for scope, limit in group]
        for scope, limit, held in rivals:
            beaten = {pair for _, other, its in rivals if _is_tighter(other, limit) for pair in its}
            yield Standing(scope, limit, held, held - beaten)


def _name(item: tuple[Scope, Limit]) -> str:
    return item[1].name


def _held(scope: Scope, pairs: Sequence[Pair]) -> frozenset[Pair]:
    return frozenset(
        (strategy, symbol)
        for strategy, symbol in pairs
        if scope.strategy in (None, strategy) and scope.symbol in (None, symbol)
    )


def _is_tighter(one: Limit, other: Limit) -> bool:
    """By the rule's name; limits that are neither a most nor a least stand beside each other."""
    if one.name.startswith(_MOSTS):
        return bool(one.given < other.given)
    return one.name.startswith(_LEASTS) and bool(one.given > other.given)
