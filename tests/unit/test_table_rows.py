"""Rows that are laid out one by one look as rich lays out the whole table, and take less."""

import io
import tracemalloc
from collections.abc import Sequence
from typing import Any
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from app.cli.terminal import tables
from app.cli.terminal.tables import table_of

WORDS = st.one_of(
    st.text(" ab-.,[]\n\t/\u00e9\u4e2d\U0001f600\u0301", max_size=30),
    st.sampled_from(["", "-", "12", "-3.50", "1,000%", "2024-01-02 09:30:00", "a  b", "x" * 40]),
    st.integers(),
    st.none(),
)
TABLES = st.integers(1, 5).flatmap(
    lambda count: st.lists(st.lists(WORDS, min_size=count, max_size=count), max_size=6)
)


def shown(rows: Sequence[Sequence[object]], width: int, colours: bool) -> str:
    """What a terminal, or a file, of this width gets."""
    console = Console(
        file=io.StringIO(), width=width, force_terminal=colours, color_system="truecolor"
    )
    names = [f"head {place} of it" for place in range(len(rows[0]) if rows else 2)]
    console.print(table_of(names, rows, width))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def whole(make: Any, rows: Any, *terms: Any, **more: Any) -> Any:
    """The table as rich makes it."""
    return make(*rows)


@given(TABLES, st.integers(10, 150), st.booleans())
def test_rows_are_laid_out_as_rich_lays_out_the_table(
    rows: list[list[object]], width: int, colours: bool
) -> None:
    with patch.object(tables, "Rows", whole):
        expected = shown(rows, width, colours)
    assert shown(rows, width, colours) == expected


def test_a_table_of_many_rows_takes_little_for_each() -> None:
    rows = [[place, "SmaCross", "LONG", "market", "buy", 100.5, "filled"] for place in range(3000)]
    shown(rows[:10], 120, False)  # imports
    tracemalloc.start()
    shown(rows, 120, False)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < len(rows) * 3_000
