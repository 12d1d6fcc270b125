"""A short market day from a seed: sessions, bars, and what is not traded when."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from random import Random
from typing import Final, NamedTuple

import numpy as np

from app.core.bars import BarColumns
from app.core.calendar import TradingSession
from app.core.instruments import Adjustment
from app.core.intervals import MINUTE_NS
from app.managers.system_manager.needs.market import Market
from tests.market import Memory, Time, market_of, minute_starts, random_bars

SYMBOLS: Final = ("AAA", "BBB", "CCC", "DDD")
_FIRST: Final = dt.datetime(2024, 11, 4, 14, 30, tzinfo=dt.UTC)
_NIGHT_MINUTES: Final = 20  # between two sessions: long nights only cost time
_LONG_NIGHT_MINUTES: Final = 80  # before a split: a market does not trade in the hour before one


class Halt(NamedTuple):
    """A symbol is not traded for some minutes."""

    symbol: str
    start_ns: int
    end_ns: int


class Day(NamedTuple):
    """The world's market: the first session is history."""

    sessions: tuple[TradingSession, ...]
    bars: dict[str, BarColumns]
    halt: Halt | None
    split: int  # shares for one, of the first symbol before the last session; 1: none
    venues_split: int  # what the venue makes of one
    symbols: tuple[str, ...] = SYMBOLS

    def load(self, symbol: str, start_ns: int, end_ns: int) -> BarColumns:
        """What was traded, as the venue has it."""
        columns = self.bars[symbol]
        first, end = np.searchsorted(columns.start_ns, (start_ns, end_ns))
        return columns.slice(int(first), max(int(first), int(end)))

    def market(self) -> Market:
        """As a run is told of it."""
        bars = {(symbol, "1m"): columns for symbol, columns in self.bars.items()}
        past = {key: columns.slice(0, self._history_rows(key[0])) for key, columns in bars.items()}
        market = market_of(self.sessions, past, self.symbols, 1, self.adjustments())
        assert isinstance(market.source, Memory)
        return market

    def adjustments(self) -> Sequence[Adjustment]:
        """The split, where there is one."""
        if self.split == 1:
            return ()
        date = self.sessions[-1].date
        ratio, none = Decimal(self.split), Decimal(0)
        return (
            Adjustment(self.symbols[0], date, ratio, none, 1.0 / self.split, float(self.split)),
        )

    def _history_rows(self, symbol: str) -> int:
        end_ns = self.sessions[0].close_ns
        return int(np.searchsorted(self.bars[symbol].start_ns, end_ns))


def make_day(
    draw: Random,
    minutes: int,
    *,
    halted: bool,
    split: bool,
    sessions: int = 1,
    symbols: tuple[str, ...] = SYMBOLS,
) -> Day:
    """So many sessions in these minutes, with a split two or more; before them one of history."""
    count = max(2, sessions) if split else sessions
    lengths = [20, *([minutes // count] * count)]
    found, open_ns = list[TradingSession](), Time().to_ns(_FIRST)
    for number, length in enumerate(lengths):
        close_ns = open_ns + length * MINUTE_NS
        date = _FIRST.date() + dt.timedelta(days=number)
        found.append(TradingSession("XNYS", date, open_ns, close_ns))
        splits_next = split and number == count - 1
        night = _LONG_NIGHT_MINUTES if splits_next else _NIGHT_MINUTES
        open_ns = close_ns + night * MINUTE_NS
    starts = minute_starts(found)
    ratio = draw.choice((2, 3)) if split else 1
    bars = {name: random_bars(starts, draw.randrange(1 << 30), 3_000, 400) for name in symbols}
    if split:
        last = bars[symbols[0]].start_ns >= found[-1].open_ns
        bars[symbols[0]] = _divided(bars[symbols[0]], last, ratio)
    halt = None
    if halted:
        begin = draw.randrange(4, lengths[1] // 2)
        start_ns = found[1].open_ns + begin * MINUTE_NS
        halt = Halt(draw.choice(symbols), start_ns, start_ns + draw.randrange(3, 9) * MINUTE_NS)
        bars[halt.symbol] = _without(bars[halt.symbol], halt.start_ns, halt.end_ns)
    venues = ratio if ratio == 1 or draw.random() < 0.75 else draw.choice((1, ratio + 1))
    return Day(tuple(found), bars, halt, ratio, venues, symbols)


def _divided(bars: BarColumns, rows: np.ndarray, ratio: int) -> BarColumns:
    prices = [
        np.where(rows, np.rint(column * 100 / ratio) / 100, column)
        for column in (bars.open, bars.high, bars.low, bars.close)
    ]
    return BarColumns(bars.start_ns, *prices, np.where(rows, bars.volume * ratio, bars.volume))


def _without(bars: BarColumns, start_ns: int, end_ns: int) -> BarColumns:
    kept = (bars.start_ns < start_ns) | (bars.start_ns >= end_ns)
    columns = (bars.start_ns, bars.open, bars.high, bars.low, bars.close, bars.volume)
    return BarColumns(*(column[kept] for column in columns))
