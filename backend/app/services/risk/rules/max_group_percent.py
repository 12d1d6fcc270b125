"""Positions in a group of symbols are worth no more than this share of equity."""

from decimal import Decimal

import msgspec

from app.core.money import UNITS, from_units, to_units
from app.services.risk.bounds import Bounds, Worth
from app.services.risk.exposure import beyond
from app.services.risk.facts import Ask, Market, Portfolio
from app.services.risk.names import Names
from app.services.risk.pricing import UNPRICED
from app.services.risk.verdict import Verdict, text


class Groups(msgspec.Struct, frozen=True):
    """By symbol the groups it is in: their names and members."""

    percent_units: int
    of_symbol: tuple[tuple[tuple[str, frozenset[int]], ...], ...]


def most_of(percent: Decimal, names: Names) -> Groups:
    """The groups of the run, by the numbers of their symbols."""
    groups = [(name, names.numbers(symbols)) for name, symbols in names.groups.items()]
    numbers = range(len(names.symbols))
    own = tuple(tuple(group for group in groups if number in group[1]) for number in numbers)
    return Groups(to_units(percent), own)


def check(ask: Ask, portfolio: Portfolio, market: Market, groups: Groups) -> Verdict | None:
    own = groups.of_symbol[ask.symbol]
    if not own:
        return None
    equity_units, tightest = portfolio.equity_units(), None
    most_units = max(equity_units, 0) * groups.percent_units // (100 * UNITS)
    for name, symbols in own:
        found = beyond(ask, portfolio, market, portfolio.group_units(symbols), most_units)
        if found is UNPRICED:
            return found
        if found is not None and (tightest is None or abs(found.units) < abs(tightest.units)):
            share = f"{text(groups.percent_units)} % of {from_units(equity_units):f}"
            tightest = Verdict(found.units, f"{found.why}, {share}, for {name}")
    return tightest


def narrow_now(bounds: Bounds, worth: Worth, market: Market, groups: Groups) -> None:
    most_units = max(worth.equity_units, 0) * groups.percent_units // (100 * UNITS)
    bounds.gross_units = min(bounds.gross_units, most_units)
