"""How much was at stake, and for how long: over trading time alone, without the nights."""

from typing import Final

import msgspec
import numpy as np

from app.core.bars import Floats, Ints
from app.services.metrics.figures import Figure, figure, none, ratio, total

_NO_DAY: Final = "there was no trading day"


class TradingTime(msgspec.Struct, frozen=True):
    """The stretches in which the market traded, in order."""

    start_ns: Ints
    end_ns: Ints

    def at(self, instants_ns: Ints) -> Ints:
        """How much trading time lay before each instant."""
        lengths = self.end_ns - self.start_ns
        before = np.append(0, np.cumsum(lengths))
        place = np.searchsorted(self.start_ns, instants_ns, side="right") - 1
        inside = np.clip(instants_ns - self.start_ns[place], 0, lengths[place])
        return np.where(place < 0, 0, before[place] + inside)

    @property
    def whole_ns(self) -> int:
        return int((self.end_ns - self.start_ns).sum())


class Stakes(msgspec.Struct, frozen=True):
    """How what is held changes, in order of time: positions, and what they cost, long and short
    alike, in the account's currency.
    """

    instant_ns: Ints
    positions: Ints
    cost: Floats


def time_in_market(time: TradingTime, stakes: Stakes) -> Figure:
    """The share of trading time in which anything was held."""
    lasting = np.diff(np.append(time.at(stakes.instant_ns), time.whole_ns))
    held = lasting[np.cumsum(stakes.positions) > 0]
    return ratio(int(held.sum()), time.whole_ns, _NO_DAY)


def average_exposure(
    time: TradingTime, stakes: Stakes, day_end_ns: Ints, day_equity: Floats
) -> Figure:
    """What positions had cost, on average over trading time, as a share of the average equity;
    `day_equity` is what each day began with.
    """
    if not time.whole_ns:
        return none(_NO_DAY)
    days = np.diff(np.append(0, time.at(day_end_ns)))
    worth = total(day_equity * days)
    if not worth > 0:
        return none("the account was worth nothing, or less")
    lasting = np.diff(np.append(time.at(stakes.instant_ns), time.whole_ns))
    return figure(total(np.cumsum(stakes.cost) * lasting) / worth)


def turnover(traded: float, day_equity: Floats) -> Figure:
    """All that was bought and sold, over the average equity at the ends of days."""
    if not len(day_equity):
        return none(_NO_DAY)
    average = float(np.mean(day_equity))
    if not average > 0:
        return none("the account was worth nothing, or less")
    return figure(traded / average)
