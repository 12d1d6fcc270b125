"""Tables that fit where they are shown: figures whole and aligned, words folded, else as blocks."""

import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from app.cli.terminal.printable import printable
from app.cli.terminal.rows import Rows

if TYPE_CHECKING:
    from rich.console import RenderableType

_BORDERS, _BLANKS = 3, 2  # that a column takes besides: a border and two blanks, or blanks alone
_LEAST_WORDS = 12  # that a column of words keeps
_LONGEST_WORD = 32  # that is kept whole: an id can be copied
_NUMBER = re.compile(r"[-+]?[\d,]*\.?\d+%?")
_GROUPS = re.compile(r"(?<=\d)(?=(\d{3})+$)")  # where a comma belongs
_TIME = re.compile(r"\d{4}-\d\d-\d\d([ T][\d:.]+)?([-+]\d\d:\d\d)?|[\d:]+")
_ISO_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)[-+]\d\d:\d\d")
_FACTS = ("what", "figure")  # the first heading of a table whose rows are of different things
_NOTHING = ("", "-")
_DIGITS = 10  # that a float is good for


class Column(NamedTuple):
    """Its heading, its cells as they are shown, and whether they are figures."""

    name: str
    cells: list[str]
    is_number: bool
    is_whole: bool  # its cells are never broken: figures, times

    @property
    def least(self) -> int:
        """As narrow as it may get."""
        head = max(map(len, re.split(r"[ _]", self.name)))
        if self.is_whole:
            return max(head, self.natural_cells)
        words = max((len(word) for cell in self.cells for word in cell.split()), default=0)
        return max(head, min(_LEAST_WORDS, self.natural_cells), min(words, _LONGEST_WORD))

    @property
    def natural(self) -> int:
        return max(len(self.name), self.natural_cells)

    @property
    def natural_cells(self) -> int:
        return max((len(line) for cell in self.cells for line in cell.split("\n")), default=0)

    @property
    def is_empty(self) -> bool:
        return all(cell in _NOTHING for cell in self.cells)

    @property
    def is_constant(self) -> bool:
        return len(self.cells) > 1 and len(set(self.cells)) == 1 and not self.is_empty


def table_of(
    names: Sequence[str],
    rows: Iterable[Sequence[object]],
    width: int,
    spare: Sequence[str] = (),
) -> "RenderableType":
    """The rows as a table of at most this width. Where there is no room for all columns, those that
    say nothing go, then those that say the same in each row, then the spare ones; else each row is
    a block.
    """
    rows = list(rows)
    below: list[RenderableType] = []
    if len(names) == 2 and names[0] in _FACTS:
        rows, below = _apart(names, rows, width)
    columns = columns_of(names, rows)
    going = [one for one in columns if one.is_empty]
    going += sorted((one for one in columns if one.is_constant), key=lambda one: -one.natural)
    going += [one for one in columns if one.name in spare and one not in going]
    for count in range(len(going) + 1):
        gone = going[:count]
        left = [one for one in columns if one not in gone]
        for frame in (_BORDERS, _BLANKS):
            widths = _widths(left, width, frame)
            if left and widths is not None:
                return _grouped([*_left_out(gone), _table(left, widths, frame), *below])
    return _grouped([_blocks(columns), *below])


def _apart(
    names: Sequence[str], rows: list[Sequence[object]], width: int
) -> "tuple[list[Sequence[object]], list[RenderableType]]":
    """The rows, and the lines of those below the table whose word would be broken in it, as a
    fingerprint is at 80 columns, where a line of its own has the room: so it can be copied.
    """
    from rich.text import Text

    columns = columns_of(names, rows)
    widths = _widths(columns, width, _BORDERS)
    if widths is None:
        return rows, []
    lines = [
        f"{name}: {value}" for name, value in zip(*(one.cells for one in columns), strict=True)
    ]
    apart = {
        place
        for place, cell in enumerate(columns[1].cells)
        if max(map(len, cell.split()), default=0) > widths[1] and len(lines[place]) <= width
    }
    left = [row for place, row in enumerate(rows) if place not in apart]
    return left, [Text(lines[place]) for place in sorted(apart)]


def columns_of(names: Sequence[str], rows: Sequence[Sequence[object]]) -> list[Column]:
    """The cells as text: None is a dash, figures of a column have the same decimals, unless each
    row is of something else.
    """
    is_alike = names[0] not in _FACTS
    return [
        _column(name, [row[place] for row in rows], is_alike) for place, name in enumerate(names)
    ]


def without_zone(cell: object) -> object:
    """A time as people of its zone write it; all else as it is."""
    found = _ISO_TIME.fullmatch(cell) if isinstance(cell, str) else None
    return cell if found is None else f"{found[1]} {found[2]}"


def _column(name: str, values: Sequence[object], is_alike: bool) -> Column:
    cells = [_text(value) for value in values]
    told = [cell for cell in cells if cell not in _NOTHING]
    is_number = bool(cells) and all(_NUMBER.fullmatch(cell) for cell in told)
    if is_number and is_alike:
        cells = _same_decimals(cells)
    is_time = bool(told) and all(_TIME.fullmatch(cell) for cell in told)
    return Column(name, cells, is_number, is_number or is_time)


def _text(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return f"{value:,f}"
    if isinstance(value, float):
        return f"{value:,.{_DIGITS}g}"
    return printable(str(value))


def _same_decimals(cells: Sequence[str]) -> list[str]:
    """Points stand below each other, thousands apart; no figure is rounded, and whole numbers,
    which may be years or ids, stay as they are.
    """
    most = max((len(_decimals(cell)) for cell in cells), default=0)
    return [_padded(cell, most) if most and cell not in _NOTHING else cell for cell in cells]


def _decimals(cell: str) -> str:
    return cell.rstrip("%").partition(".")[2]


def _padded(cell: str, decimals: int) -> str:
    bare, percent = cell.rstrip("%"), "%" * cell.endswith("%")
    whole, _, part = bare.partition(".")
    whole = _GROUPS.sub(",", whole)
    return f"{whole}.{part.ljust(decimals, '0')}{percent}"


def _widths(columns: Sequence[Column], width: int, frame: int) -> list[int] | None:
    """The columns' widths, words narrowed, the widest first; None where they cannot fit."""
    widths = [one.natural for one in columns]
    ends = 1 if frame == _BORDERS else -frame
    room = width - frame * len(columns) - ends
    while sum(widths) > room:
        able = [place for place, one in enumerate(columns) if widths[place] > one.least]
        if not able:
            return None
        widest = max(able, key=lambda place: widths[place])
        over = sum(widths) - room
        next_widest = max([0, *(widths[place] for place in able if place != widest)])
        step = max(1, widths[widest] - max(next_widest, columns[widest].least))
        widths[widest] -= min(over, step)
    return widths


def _table(columns: Sequence[Column], widths: Sequence[int], frame: int) -> "RenderableType":
    """Laid out row by row: of a table of its own rich keeps 12 kB a row, and takes 1 ms for it."""
    from rich.table import Table
    from rich.text import Text

    borders: dict[str, Any] = {"box": None, "padding": (0, _BLANKS, 0, 0), "pad_edge": False}

    def table_of_rows(*rows: Sequence[str]) -> Table:
        table = Table() if frame == _BORDERS else Table(**borders)
        for one, room in zip(columns, widths, strict=True):
            table.add_column(
                Text("\n".join(_headings(one.name, room))),
                justify="right" if one.is_number else "left",
                width=room,
                no_wrap=one.is_whole,
                overflow="fold",
            )
        for row in rows:
            # A name in brackets is no markup: Text takes it as it is.
            table.add_row(*map(Text, row))
        return table

    rows = zip(*(one.cells for one in columns), strict=True)
    return Rows(
        table_of_rows, rows, widths, [one.is_number for one in columns], is_framed=frame == _BORDERS
    )


def _headings(name: str, room: int) -> Iterator[str]:
    """A heading in lines of that width; broken where its words are."""
    line = ""
    for word in re.findall(r"[^ _]+[ _]?", name):
        if line and len((line + word).rstrip(" _")) > room:
            yield line.rstrip(" _")
            line = ""
        line += word
    yield line.rstrip()


def _blocks(columns: Sequence[Column]) -> "RenderableType":
    """Each row by itself, a line for each of its values that says something."""
    from rich.table import Table
    from rich.text import Text

    parts: list[RenderableType] = []
    for place in range(len(columns[0].cells)):
        block = Table.grid(padding=(0, 2, 0, 0))
        block.add_column(no_wrap=True)
        block.add_column(overflow="fold")
        for one in columns:
            if one.cells[place] not in _NOTHING:
                block.add_row(Text(f"{one.name}:"), Text(one.cells[place]))
        parts += [Text(""), block] if parts else [block]
    return _grouped(parts)


def _left_out(columns: Sequence[Column]) -> "Iterator[RenderableType]":
    """What there is no column for, in words."""
    from rich.text import Text

    same = [f"{one.name} {one.cells[0]}" for one in columns if one.is_constant]
    spare = [one.name for one in columns if not (one.is_empty or one.is_constant)]
    empty = [one.name for one in columns if one.is_empty]
    if same:
        yield Text(f"In each row: {', '.join(same)}.")
    if empty:
        yield Text(f"Nothing in: {', '.join(empty)}.")
    if spare:
        yield Text(f"No room for: {', '.join(spare)}.")


def _grouped(parts: "Sequence[RenderableType]") -> "RenderableType":
    from rich.console import Group

    return Group(*parts)
