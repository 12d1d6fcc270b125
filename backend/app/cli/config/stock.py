"""What the store has, for whoever chooses symbols and dates."""

import datetime as dt
from collections.abc import Sequence
from typing import Final

import msgspec

from app.cli.context import DEFAULT_MARKET, Context
from app.core.errors import DataError, did_you_mean

_INTERVALS: Final = ("1m", "5m", "1h", "1d")  # that a run can be based on, the best first
_LEAD: Final = dt.timedelta(days=11)  # kept free before a run, for its history
_MOST_SHOWN: Final = 8


class Stock(msgspec.Struct, frozen=True):
    """The stored symbols of one market at one interval, each with its first and last date."""

    market: str
    interval: str
    ranges: dict[str, tuple[dt.date, dt.date]]
    is_sample: bool = False  # nothing is stored; the sample would be made when it is asked for
    others: tuple["Stock", ...] = ()  # of the same market at longer intervals

    def told(self) -> str:
        """What there is, in a line."""
        if not self.ranges:
            return f"No bars on {self.market} are stored yet; 'data import-csv' brings yours."
        shown = [f"{name} ({a} to {b})" for name, (a, b) in self.ranges.items()][:_MOST_SHOWN]
        more = len(self.ranges) - len(shown)
        rest = f", and {more} more" if more else ""
        if self.is_sample:
            return f"No bars are stored yet. The sample has {', '.join(shown)}."
        told = f"Stored {self.interval} bars on {self.market}: {', '.join(shown)}{rest}."
        return " ".join([told, *(one.told() for one in self.others)])

    def having(self, symbols: Sequence[str]) -> "Stock":
        """The first of it and the others that has all of these; itself where none has."""
        whole = (one for one in (self, *self.others) if one.ranges.keys() >= {*symbols})
        return next(whole, self)

    def dates(self, symbols: Sequence[str]) -> tuple[dt.date, dt.date]:
        """A range that all of these have, with room before it; the sample's where none has any."""
        known = [self.ranges[name] for name in symbols if name in self.ranges]
        first, last = _sample_range()
        if known:
            first, last = max(a for a, _ in known), min(b for _, b in known)
        if last < first:  # they have no day in common
            last = max(b for _, b in known)
        return (first + _LEAD if first + 3 * _LEAD < last else first), last

    def lacks(self, symbols: Sequence[str], start: dt.date, end: dt.date) -> list[str]:
        """What a replay of these would miss, each with the way to it."""
        told = []
        for name in symbols:
            if name not in self.ranges:
                told.append(self._told_of_none(name))
                continue
            first, last = self.ranges[name]
            if start < first or end > last:
                told.append(f"{name} has bars from {first} to {last} only.")
        return told

    def _told_of_none(self, name: str) -> str:
        """That there are no bars of a symbol, and the way to some."""
        known = [symbol for one in (self, *self.others) for symbol in one.ranges]
        there = [one.interval for one in self.others if name in one.ranges]
        if there:
            return (
                f"No {self.interval} bars of {name} are stored, but {' and '.join(there)} bars: "
                "a run has one base interval, at which all its symbols are stored."
            )
        hint = did_you_mean(name, known)
        return (
            f"No {self.interval} bars of {name} are stored{f'.{hint}' if hint else ':'} 'data "
            "import-csv' brings yours, 'data sample' makes some of SYN1, SYN2 and THIN."
        )


def stock_of(market: str | None) -> Stock:
    """The stock of a market, else of the usual one, else of one that has bars; else the sample."""
    context = Context(market or DEFAULT_MARKET)
    context.time.zone()  # refuses a market that is none
    try:
        series = context.data.catalogue()
    except DataError:  # a damaged file; 'doctor' tells which
        series = ()
    markets = [market] if market else [DEFAULT_MARKET, *dict.fromkeys(x.market for x in series)]
    local = context.time.to_local
    for name in markets:
        found = []
        for interval in _INTERVALS:
            ranges = {
                x.symbol: (local(x.first_ns, name).date(), local(x.last_ns, name).date())
                for x in series
                if (x.market, x.interval) == (name, interval)
            }
            found += [Stock(name, interval, ranges)] if ranges else []
        if found:
            return msgspec.structs.replace(found[0], others=tuple(found[1:]))
    return _sample() if market in (None, DEFAULT_MARKET) else Stock(str(market), "1m", {})


def _sample() -> Stock:
    from app.managers.data_manager.sample import INTERVAL, MARKET, SYMBOLS

    return Stock(MARKET, INTERVAL, dict.fromkeys(SYMBOLS, _sample_range()), is_sample=True)


def _sample_range() -> tuple[dt.date, dt.date]:
    from app.managers.data_manager.sample import FIRST_DATE, LAST_DATE

    return FIRST_DATE, LAST_DATE
