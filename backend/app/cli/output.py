"""How commands speak: one JSON object for scripts, tables for people."""

import json
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

console = Console()
errors = Console(stderr=True)


def print_json(value: object) -> None:
    """One JSON value on one line of standard output; dates and Decimals as text."""
    print(json.dumps(value, default=str))


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table; None shows as a dash, numbers are aligned right."""
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*("-" if cell is None else str(cell) for cell in row))
    console.print(table)
