"""The columns of `data session`, and which of them a terminal has room for."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from app.cli.terminal.figures import (
    digits_of,
    indicator_text,
    lasting_text,
    money_text,
    price_text,
    quantity_text,
    time_text,
)
from app.core.session_data import BarData, SessionData, SymbolData

OPTIONAL = 10  # columns of this rank and above are there only where there is something in them
_EMPTY = ("", "-", "0")
_LONGEST_REASON = 28
_STEP = 0.001  # between the ranks of columns of one kind


class Column(NamedTuple):
    """Its heading, how soon it is left out (the highest first, of one rank all), and a cell for
    each symbol.
    """

    name: str
    rank: float
    align: Literal["left", "right"]
    cells: list[str]

    @property
    def width(self) -> int:
        """As narrow as it goes."""
        return max(map(len, (*self.name.split("\n"), *self.cells)))

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to see in it."""
        return self.rank < OPTIONAL or any(cell not in _EMPTY for cell in self.cells)


def columns_of(seen: SessionData, shown: Sequence[SymbolData]) -> list[Column]:
    """All that there is to show, in the order in which it is read."""
    every = (
        *_prices(seen, shown),
        *_indicators(seen, shown),
        *_derived(seen, shown),
        *_account(shown),
        *_quality(shown),
    )
    return [column for column in every if column.is_needed]


def fitted(columns: Sequence[Column], width: int) -> tuple[list[Column], list[str]]:
    """The columns that there is room for, and the names of the others."""
    room = width - 1
    chosen: set[float] = set()
    for rank in sorted({column.rank for column in columns}):
        needs = sum(column.width + 3 for column in columns if column.rank == rank)
        if needs <= room or not chosen:
            chosen.add(rank)
            room -= needs
    left = [one.name.replace("\n", " ") for one in columns if one.rank not in chosen]
    return [one for one in columns if one.rank in chosen], left


def heading(indicator: str, base: str) -> str:
    """An indicator's name on lines: its parameters without needless digits, output, interval."""
    label, _, interval = indicator.rpartition(" on ")
    label = re.sub(r"(\d)\.0\b", r"\1", label).replace(", ", ",")
    name, dot, output = label.rpartition(").")
    lines = [f"{name})" if dot else label, output if dot else "", interval]
    return "\n".join(line for line in lines if line not in ("", base))


def _left(name: str, rank: float, cells: Iterable[str]) -> Column:
    return Column(name, rank, "left", list(cells))


def _right(name: str, rank: float, cells: Iterable[str]) -> Column:
    return Column(name, rank, "right", list(cells))


def _prices(seen: SessionData, shown: Sequence[SymbolData]) -> Iterator[Column]:
    lasts = [_last(one, seen.base_interval) for one in shown]
    digits = [_digits(bar) for bar in lasts]
    yield _left("symbol", 0, (one.symbol for one in shown))
    yield _right("at", 2, (_start(seen, bar) for bar in lasts))
    yield _right("age", 3, (lasting_text(one.age_seconds) for one in shown))
    for name, rank in (("open", 12.1), ("high", 12.1), ("low", 12.1), ("close", 1.0)):
        cells = zip(lasts, digits, strict=True)
        yield _right(name, rank, (price_text(_part(bar, name), count) for bar, count in cells))
    yield _right("volume", 12.0, (price_text(_part(bar, "volume")) for bar in lasts))


def _indicators(seen: SessionData, shown: Sequence[SymbolData]) -> Iterator[Column]:
    names = dict.fromkeys(name for one in shown for name in one.indicators)
    for place, name in enumerate(names):
        cells = (indicator_text(one.indicators.get(name)) for one in shown)
        yield _right(heading(name, seen.base_interval), OPTIONAL + place * _STEP, cells)


def _derived(seen: SessionData, shown: Sequence[SymbolData]) -> Iterator[Column]:
    """The last close of each other interval, and that of the bar which forms."""
    names = dict.fromkeys(name for one in shown for name in (*one.bars, *one.forming))
    for place, name in enumerate(name for name in names if name != seen.base_interval):
        closed = (_last(one, name) for one in shown)
        yield _right(name, 11 + place * _STEP, (_close_text(bar) for bar in closed))
        forming = (one.forming.get(name) for one in shown)
        yield _right(f"{name} now", 11.5 + place * _STEP, (_close_text(bar) for bar in forming))


def _account(shown: Sequence[SymbolData]) -> Iterator[Column]:
    held = (quantity_text(one.position.quantity, signed=True) for one in shown)
    yield _right("held", 4, held)
    yield _right("P&L", 10.5, map(_result, shown))


def _quality(shown: Sequence[SymbolData]) -> Iterator[Column]:
    found = [one.quality for one in shown]
    yield _right("bars", 5, (f"{one.present}/{one.expected}" if one else "-" for one in found))
    yield _right("holes", 11.8, (str(len(one.holes)) if one else "-" for one in found))
    yield _right("bad", 11.7, (str(one.bad) if one else "-" for one in found))
    yield _right("filled", 11.9, (str(one.filled) if one else "-" for one in found))
    yield _right("spread bps", 13, (price_text(one.spread_bps, 2) for one in shown))
    yield _left("no entries", 10.2, (_cut(one.no_entries) for one in shown))


def _last(one: SymbolData, interval: str) -> BarData | None:
    bars = one.bars.get(interval)
    return bars[-1] if bars else None


def _part(bar: BarData | None, name: str) -> float | None:
    return None if bar is None else float(getattr(bar, name))


def _digits(bar: BarData | None) -> int:
    return 0 if bar is None else digits_of((bar.open, bar.high, bar.low, bar.close))


def _close_text(bar: BarData | None) -> str:
    return "-" if bar is None else price_text(bar.close, _digits(bar))


def _start(seen: SessionData, bar: BarData | None) -> str:
    return "-" if bar is None else time_text(bar.start_ns, seen.zone, seen.session)


def _result(one: SymbolData) -> str:
    result = one.position.unrealised + one.position.realised
    return money_text(result, signed=True) if result or one.position.quantity else "-"


def _cut(reason: str) -> str:
    return reason if len(reason) <= _LONGEST_REASON else f"{reason[: _LONGEST_REASON - 3]}..."
