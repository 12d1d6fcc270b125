"""How commands speak: one JSON object for scripts, tables for people. Rich is loaded when used."""

import json
from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    console: Console
    errors: Console

PIPED_WIDTH = 200  # a file or a pipe has no width; its lines should not be broken


def __getattr__(name: str) -> object:
    """`console` and `errors`, made when first asked for."""
    if name in ("console", "errors"):
        return _console(stderr=name == "errors")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@cache
def _console(stderr: bool) -> "Console":
    from rich.console import Console

    console = Console(stderr=stderr)
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    return console


def print_json(value: object) -> None:
    """One JSON value on one line of standard output; dates and Decimals as text."""
    print(json.dumps(value, default=str))


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table; None shows as a dash, numbers are aligned right."""
    from rich.table import Table
    from rich.text import Text

    cells = [["-" if cell is None else str(cell) for cell in row] for row in rows]
    table = Table()
    for index, column in enumerate(columns):
        numeric = bool(cells) and all(_is_number(row[index]) for row in cells)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))  # Text: a name in brackets is no markup
    console = _console(stderr=False)
    console.print(Text(title, style="bold"))  # a title of the table would wrap at its width
    console.print(table)


def value_text(value: object) -> str:
    """A value of a config as its file has it."""
    return json.dumps(value) if isinstance(value, bool | list | tuple | dict) else str(value)


def _is_number(text: str) -> bool:
    stripped = text.replace(",", "").rstrip("%").lstrip("-")
    return not stripped or stripped.replace(".", "", 1).isdecimal()
