"""What `data session` shows: a line for each symbol, with the columns that there is room for."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from app.cli.terminal.figures import (
    moment_text,
    money_text,
    price_text,
    quantity_text,
    stale_lines,
    state_text,
)
from app.cli.terminal.printable import printable
from app.cli.watch.following import line_of
from app.cli.watch.session_columns import Column, columns_of, fitted, heading
from app.core.session_data import SessionData, SymbolData

if TYPE_CHECKING:
    from rich.console import RenderableType

    from app.managers.system_manager.control.messages import Look

_FRAME_ROWS = 7  # a heading of one line, the table's borders, the foot, and one to spare
LINE_SYMBOLS = 10  # in a line for a pipe


class SessionPage:
    """A page of all symbols or some; turned by keys where there are more of them than lines."""

    def __init__(self, names: Sequence[str] = ()) -> None:
        self._names = tuple(names)
        self._first = 0
        self._rows = self._known = 1

    def look(self, limit: int) -> "Look":
        """What to ask for: no more symbols than can be shown."""
        from app.managers.system_manager.control.messages import Look

        return Look(self._names, first=self._first, limit=limit)

    def press(self, key: str) -> None:
        """Turn the page."""
        steps = {"up": -1, "down": 1, "page up": -self._rows, "page down": self._rows}
        last = max(self._known - self._rows, 0)
        to = {"home": 0, "end": last}.get(key, self._first + steps.get(key, 0))
        self._first = min(max(to, 0), last)

    def line(self, seen: SessionData) -> str:
        """For a pipe."""
        shown = seen.symbols[:LINE_SYMBOLS]
        more = self._count(seen) - len(shown)
        return "  ".join(
            (
                _head(seen)[1],
                f"equity {money_text(seen.equity)} {seen.currency}",
                f"orders {seen.orders_working}",
                f"fills {seen.fills_made:,}",
                *map(_brief, shown),
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
        self._rows = max(height - len(head) - headings - _FRAME_ROWS, 1)
        self._known = self._count(seen)
        shown = seen.symbols[: self._rows]
        chosen, left = fitted(columns_of(seen, shown), width)
        styles = ["bold", *[""] * (len(head) - 1)]
        if seen.stale_seconds:
            styles[-1] = "bold red"
        foot = map(line_of, self._foot(seen, len(shown), left))
        return Group(*map(line_of, head, styles), table_of(chosen), *foot)

    def _count(self, seen: SessionData) -> int:
        return len(self._names) or seen.symbols_known

    def _foot(self, seen: SessionData, shown: int, left: Sequence[str]) -> Iterator[str]:
        if shown < self._known:
            first, end = self._first + 1, self._first + shown
            yield f"Symbols {first} to {end} of {self._known}; arrow keys turn."
        elif shown < seen.symbols_known:
            yield f"{shown} of {seen.symbols_known} symbols."
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


def table_of(columns: Sequence[Column]) -> "RenderableType":
    """As a table."""
    from rich.table import Table
    from rich.text import Text as Cell

    table = Table()
    for column in columns:
        table.add_column(Cell(column.name), justify=column.align, no_wrap=True)
    for row in zip(*(column.cells for column in columns), strict=True):
        table.add_row(*(Cell(printable(cell)) for cell in row))
    return table


def _brief(one: SymbolData) -> str:
    close = next((bars[-1].close for bars in one.bars.values() if bars), None)
    held = f" {quantity_text(one.position.quantity, signed=True)}" if one.position.quantity else ""
    return f"{one.symbol} {price_text(close)}{held}"
