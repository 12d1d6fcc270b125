"""What `data session` shows: a line for each symbol, with the columns that there is room for."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from app.cli.figures import (
    indicator_text,
    lasting_text,
    moment_text,
    money_text,
    price_text,
    quantity_text,
    stale_lines,
    state_text,
    time_text,
)
from app.cli.following import line_of
from app.core.session_data import BarData, SessionData, SymbolData

if TYPE_CHECKING:
    from rich.console import RenderableType

_FRAME_ROWS = 7  # a heading of one line, the table's borders, the foot, and one to spare
_LONGEST_REASON = 28
_LINE_SYMBOLS = 10

Text = Callable[[SymbolData], str]


class Column(NamedTuple):
    """Its heading, how soon it is left out (the highest first), and a cell for each symbol."""

    name: str
    rank: float
    align: Literal["left", "right"]
    cells: list[str]

    @property
    def width(self) -> int:
        """As narrow as it goes."""
        return max(map(len, (*self.name.split("\n"), *self.cells)))


class SessionPage:
    """Turned by keys, where there are more symbols than lines."""

    def __init__(self, first: int = 0) -> None:
        self.first = first
        self._rows, self._known = 1, 1

    def press(self, key: str) -> None:
        """Turn the page."""
        steps = {"up": -1, "down": 1, "page up": -self._rows, "page down": self._rows}
        last = max(self._known - self._rows, 0)
        to = {"home": 0, "end": last}.get(key, self.first + steps.get(key, 0))
        self.first = min(max(to, 0), last)

    def line(self, seen: SessionData) -> str:
        """For a pipe."""
        more = len(seen.symbols) - _LINE_SYMBOLS
        return "  ".join(
            (
                _head(seen)[1],
                f"equity {money_text(seen.equity)} {seen.currency}",
                f"orders {seen.orders_working}",
                f"fills {seen.fills_made:,}",
                *map(_brief, seen.symbols[:_LINE_SYMBOLS]),
                *([f"and {more} more"] if more > 0 else []),
                *stale_lines(seen),
            )
        )

    def screen(self, seen: SessionData, width: int, height: int) -> "RenderableType":
        """For a terminal."""
        from rich.console import Group

        head = _head(seen)
        names = {name for one in seen.symbols for name in one.indicators}
        headings = max((heading(name, seen.base_interval).count("\n") for name in names), default=0)
        frame = len(head) + headings + _FRAME_ROWS
        self._rows, self._known = max(height - frame, 1), len(seen.symbols)
        self.first = min(self.first, max(self._known - self._rows, 0))
        shown = seen.symbols[self.first : self.first + self._rows]
        chosen, left = fitted(columns_of(seen, shown), width)
        styles = ["bold", *[""] * (len(head) - 1)]
        if seen.stale_seconds:
            styles[-1] = "bold red"
        foot = map(line_of, self._foot(seen, left))
        return Group(*map(line_of, head, styles), table_of(chosen), *foot)

    def _foot(self, seen: SessionData, left: Sequence[str]) -> Iterator[str]:
        if len(seen.symbols) > self._rows:
            end = min(self.first + self._rows, len(seen.symbols))
            yield f"Symbols {self.first + 1} to {end} of {seen.symbols_known}; arrow keys turn."
        elif len(seen.symbols) < seen.symbols_known:
            yield f"{len(seen.symbols)} of {seen.symbols_known} symbols."
        if left:
            yield f"No room for: {', '.join(left)}."


def _head(seen: SessionData) -> list[str]:
    waiting = sum(seen.queues.values())
    second = [
        moment_text(seen.now_ns, seen.zone),
        state_text(seen),
    ]
    if seen.lag_seconds is not None:
        second.append(f"lag {seen.lag_seconds:.1f}s")
    lines = [
        f"Run {seen.run_id}",
        "  ".join(second),
        f"equity {money_text(seen.equity)} {seen.currency}  cash {money_text(seen.cash)}  "
        f"orders {seen.orders_working}  fills {seen.fills_made:,}  queued {waiting:,}",
    ]
    return [*lines, *stale_lines(seen)]


def columns_of(seen: SessionData, shown: Sequence[SymbolData]) -> list[Column]:
    """All that there is to show, in the order in which it is read."""
    return [
        Column(name, rank, align, cells)
        for name, rank, align, text in _kinds(seen, shown)
        for cells in ([text(one) for one in shown],)
        if rank < 10 or any(cell not in ("", "-", "0") for cell in cells)
    ]


def _kinds(
    seen: SessionData, shown: Sequence[SymbolData]
) -> Iterator[tuple[str, float, Literal["left", "right"], Text]]:
    """Heading, rank, side and text; those of a rank from 10 on only where there is something."""
    base = seen.base_interval
    yield "symbol", 0, "left", lambda one: one.symbol
    yield "at", 2, "right", lambda one: _start(seen, _last(one, base))
    yield "age", 3, "right", lambda one: lasting_text(one.age_seconds)
    for rank, name in ((12.1, "open"), (12.2, "high"), (12.3, "low"), (1, "close")):
        yield name, rank, "right", lambda one, name=name: price_text(_part(one, base, name))  # type: ignore[misc]
    yield "volume", 12.0, "right", lambda one: price_text(_part(one, base, "volume"))
    names = dict.fromkeys(name for one in shown for name in one.indicators)
    for place, name in enumerate(names):
        yield (
            heading(name, base),
            10 + place / 1000,
            "right",
            lambda one, name=name: indicator_text(  # type: ignore[misc]
                one.indicators.get(name)
            ),
        )
    others = dict.fromkeys(name for one in shown for name in (*one.bars, *one.forming))
    for place, name in enumerate(name for name in others if name != base):
        yield (
            name,
            11 + place / 1000,
            "right",
            lambda one, name=name: price_text(  # type: ignore[misc]
                _part(one, name, "close")
            ),
        )
        yield (
            f"{name} now",
            11.5 + place / 1000,
            "right",
            lambda one, name=name: price_text(  # type: ignore[misc]
                one.forming[name].close if name in one.forming else None
            ),
        )
    yield "held", 4, "right", lambda one: quantity_text(one.position.quantity, signed=True)
    yield "P&L", 10.5, "right", _result
    yield "bars", 5, "right", _seen_of_expected
    yield "holes", 11.8, "right", lambda one: str(len(one.quality.holes) if one.quality else 0)
    yield "bad", 11.7, "right", lambda one: str(one.quality.bad if one.quality else 0)
    yield "late", 11.9, "right", lambda one: str(one.quality.late if one.quality else 0)
    yield "spread bps", 13, "right", lambda one: price_text(one.spread_bps)
    yield "no entries", 10.2, "left", lambda one: _cut(one.no_entries)


def heading(indicator: str, base: str) -> str:
    """An indicator's name on lines: its parameters without needless digits, output, interval."""
    label, _, interval = indicator.rpartition(" on ")
    label = re.sub(r"(\d)\.0\b", r"\1", label).replace(", ", ",")
    name, dot, output = label.rpartition(").")
    lines = [f"{name})" if dot else label, output if dot else "", interval]
    return "\n".join(line for line in lines if line not in ("", base))


def fitted(columns: Sequence[Column], width: int) -> tuple[list[Column], list[str]]:
    """Those that there is room for, and the names of the others."""
    room = width - 1
    chosen: set[int] = set()
    for place in sorted(range(len(columns)), key=lambda place: columns[place].rank):
        needs = columns[place].width + 3
        if needs <= room or not chosen:
            chosen.add(place)
            room -= needs
    left = [one.name.replace("\n", " ") for place, one in enumerate(columns) if place not in chosen]
    return [one for place, one in enumerate(columns) if place in chosen], left


def table_of(columns: Sequence[Column]) -> "RenderableType":
    """As a table."""
    from rich.table import Table
    from rich.text import Text as Cell

    table = Table()
    for column in columns:
        table.add_column(Cell(column.name), justify=column.align, no_wrap=True)
    for row in zip(*(column.cells for column in columns), strict=True):
        table.add_row(*map(Cell, row))
    return table


def _last(one: SymbolData, interval: str) -> BarData | None:
    bars = one.bars.get(interval)
    return bars[-1] if bars else None


def _part(one: SymbolData, interval: str, name: str) -> float | None:
    bar = _last(one, interval)
    return None if bar is None else float(getattr(bar, name))


def _start(seen: SessionData, bar: BarData | None) -> str:
    return "-" if bar is None else time_text(bar.start_ns, seen.zone, seen.session)


def _result(one: SymbolData) -> str:
    result = one.position.unrealised + one.position.realised
    return money_text(result, signed=True) if result or one.position.quantity else "-"


def _seen_of_expected(one: SymbolData) -> str:
    quality = one.quality
    return "-" if quality is None else f"{quality.present}/{quality.expected}"


def _cut(reason: str) -> str:
    return reason if len(reason) <= _LONGEST_REASON else f"{reason[: _LONGEST_REASON - 3]}..."


def _brief(one: SymbolData) -> str:
    close = next((bars[-1].close for bars in one.bars.values() if bars), None)
    held = f" {quantity_text(one.position.quantity, signed=True)}" if one.position.quantity else ""
    return f"{one.symbol} {price_text(close)}{held}"
