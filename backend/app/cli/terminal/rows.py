"""A table's lines as rich lays them out, made without it where a row is plain: a cell, a line."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.table import Table

_MARK = "x"


class Rows:
    """Rows under the heads of a table, shown once. `table_of` makes it of some of them."""

    def __init__(
        self,
        table_of: "Callable[..., Table]",
        rows: Iterable[Sequence[str]],
        widths: Sequence[int],
        are_numbers: Sequence[bool],
        *,
        is_framed: bool,
    ) -> None:
        self._table_of = table_of
        self._rows = rows
        self._widths = widths
        self._are_numbers = are_numbers
        self._below = int(is_framed)  # lines: a frame has one

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "RenderResult":
        from rich.segment import Segment

        def lines_of(*rows: Sequence[str]) -> list[list[Segment]]:
            return console.render_lines(self._table_of(*rows), options, pad=False)

        marked = lines_of([_MARK * width for width in self._widths])
        heads = len(marked) - 1 - self._below
        between = re.split(f"{_MARK}+", "".join(part.text for part in marked[heads]))
        for line in marked[:heads]:
            yield from (*line, Segment.line())
        for row in self._rows:
            if all(map(_is_plain, row, self._widths)):
                cells = map(_justified, row, self._widths, self._are_numbers)
                text = "".join(map(str.__add__, between, (*cells, "")))
                yield Segment(f"{text}\n")
            else:
                for line in lines_of(row)[heads : -self._below or None]:
                    yield from (*line, Segment.line())
        for line in marked[heads + 1 :]:
            yield from (*line, Segment.line())


def _is_plain(cell: str, width: int) -> bool:
    """Whether it is one line of letters that are a place wide each, and fits."""
    return len(cell) <= width and cell.isascii() and cell.isprintable() and cell == cell.strip()


def _justified(cell: str, width: int, is_number: bool) -> str:
    return cell.rjust(width) if is_number else cell.ljust(width)
