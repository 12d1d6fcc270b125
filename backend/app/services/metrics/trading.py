"""Figures of closed trades: what each brought after its fees, in the order they ended."""

import math

import msgspec
import numpy as np

from app.core.bars import Floats, Ints
from app.services.metrics.figures import Figure, deviation, figure, none, ratio, total

NO_TRADE = "no trade was closed"


class ClosedTrades(msgspec.Struct, frozen=True):
    """The closed trades of a run or a part of it; money is in the account's currency."""

    profit: Floats  # after fees
    fees: Floats
    held_ns: Ints

    def __len__(self) -> int:
        return len(self.profit)

    def take(self, rows: Ints) -> "ClosedTrades":
        """Some of them."""
        return ClosedTrades(self.profit[rows], self.fees[rows], self.held_ns[rows])


def win_rate(profit: Floats) -> Figure:
    """The share of trades that brought more than 0."""
    return ratio(int((profit > 0).sum()), len(profit), NO_TRADE)


def profit_factor(profit: Floats) -> Figure:
    """All that winners brought, over all that losers lost."""
    if not len(profit):
        return none(NO_TRADE)
    return ratio(total(profit[profit > 0]), -total(profit[profit < 0]), "no trade lost")


def expectancy(profit: Floats) -> Figure:
    """What a trade brought on average."""
    return ratio(total(profit), len(profit), NO_TRADE)


def average_win(profit: Floats) -> Figure:
    """What a winner brought on average."""
    return expectancy(profit[profit > 0]) if (profit > 0).any() else none("no trade won")


def average_loss(profit: Floats) -> Figure:
    """What a loser brought on average: below 0."""
    return expectancy(profit[profit < 0]) if (profit < 0).any() else none("no trade lost")


def payoff(profit: Floats) -> Figure:
    """The average win over the average loss."""
    won, lost = average_win(profit), average_loss(profit)
    if won.value is None or lost.value is None:
        return none(won.reason or lost.reason or NO_TRADE)
    return figure(won.value / -lost.value)


def quality_number(profit: Floats) -> Figure:
    """The root of the number of trades, times their mean over their deviation (n - 1)."""
    if len(profit) < 2:
        return none("it takes two closed trades at least")
    mean = total(profit) / len(profit)
    same = "every trade brought the same"
    return ratio(math.sqrt(len(profit)) * mean, deviation(profit, 1), same)


def longest_streak(profit: Floats, wins: bool) -> int:
    """The most winners in a row, or losers; a trade that brought 0 ends either."""
    hits = profit > 0 if wins else profit < 0
    edges = np.flatnonzero(np.diff(hits.astype(np.int8), prepend=0, append=0))
    return int((edges[1::2] - edges[::2]).max()) if len(edges) else 0


def extreme_trade(profit: Floats, best: bool) -> Figure:
    """What the best or the worst trade brought."""
    if not len(profit):
        return none(NO_TRADE)
    return figure(float(profit.max() if best else profit.min()))


def average_held_seconds(held_ns: Ints) -> Figure:
    """From the first fill of a trade to the last, on average, by the clock."""
    if not len(held_ns):
        return none(NO_TRADE)
    return figure(float(np.mean(held_ns)) / 1e9)
