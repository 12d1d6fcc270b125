"""Tables at any width: figures whole and aligned, words folded, nothing lost, nothing too wide."""

import io
import os
import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from app.cli.terminal import output
from app.cli.terminal.tables import columns_of, table_of, without_zone

ORDERS = [
    ("2024-11-01 09:45:00", 1, "SmaCross", "market", "buy", "100", "-", "FILLED", None),
    ("2024-11-01 10:00:00", 2, "SmaCross", "market", "sell", "12.5", "-", "REJECTED", "no means"),
]
NAMES = ("at", "order_id", "strategy", "kind", "side", "quantity", "limit", "state", "reason")


def shown(names: tuple[str, ...], rows: list[tuple[object, ...]], width: int) -> list[str]:
    """The lines of it on a terminal of this width."""
    file = io.StringIO()
    Console(file=file, width=width, highlight=False).print(table_of(names, rows, width))
    return file.getvalue().splitlines()


def cells_of(lines: list[str]) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if "│" in line]


def column(*values: object) -> list[str]:
    return columns_of(("x",), [(value,) for value in values])[0].cells


@pytest.mark.parametrize(
    ("values", "cells"),
    [
        ((Decimal("1234.5"), Decimal("-7.25"), Decimal("0")), ["1,234.50", "-7.25", "0.00"]),
        ((0.1, 12_345.678), ["0.100", "12,345.678"]),
        (("1234567.5", "-"), ["1,234,567.5", "-"]),
        (("1.5%", "12.25%"), ["1.50%", "12.25%"]),
        ((2024, 2025), ["2024", "2025"]),
        (("0.00000001", "100"), ["0.00000001", "100.00000000"]),
        (("a", 1.5), ["a", "1.5"]),
        ((None, True, False), ["-", "yes", "no"]),
    ],
)
def test_figures_of_a_column_have_the_same_decimals_and_none_is_rounded(
    values: tuple[object, ...], cells: list[str]
) -> None:
    assert column(*values) == cells


def test_rows_of_different_things_keep_the_decimals_each_has() -> None:
    (_, values) = columns_of(("what", "now"), [("a mean", "302.8836667"), ("held", "1")])
    assert values.cells == ["302.8836667", "1"]


def test_a_wide_terminal_gets_every_column() -> None:
    lines = shown(NAMES, ORDERS, 120)
    assert cells_of(lines)[0][1:3] == ["1", "SmaCross"]
    assert "limit" in lines[1]
    assert "│ " + "100.0" + " │" in "".join(lines).replace("    ", " ")


def test_columns_that_say_nothing_go_first_then_those_that_say_the_same() -> None:
    lines = shown(NAMES, ORDERS, 84)
    assert lines[0] == "Nothing in: limit."
    lines = shown(NAMES, ORDERS, 62)
    assert lines[0] == "In each row: strategy SmaCross, kind market."
    assert lines[1] == "Nothing in: limit."
    assert "REJECTED" in "".join(lines)


def test_spare_columns_go_before_rows_become_blocks_and_are_named() -> None:
    file = io.StringIO()
    rows = [("20261122-034500-a_name", "finished", 30), ("20261122-034501-b", "stopped", 2)]
    table = table_of(("run_id", "state", "bars"), rows, 35, spare=("bars",))
    Console(file=file, width=35).print(table)
    lines = [line.rstrip() for line in file.getvalue().splitlines()]
    assert lines[0] == "No room for: bars."
    assert lines[-1] == "20261122-034501-b       stopped"
    assert len(lines) == 4


def test_a_narrow_terminal_gets_a_block_for_each_row() -> None:
    lines = [line.rstrip() for line in shown(NAMES, ORDERS, 30)]
    assert lines[0] == "at:        2024-11-01 09:45:00"
    assert lines.count("") == 1
    assert "reason:    no means" in lines
    assert "limit:" not in "".join(lines)


def test_a_word_that_is_an_id_is_not_broken_and_a_hash_is_folded() -> None:
    run_id, long = "20261122-043410-example-of-one", "ab" * 32
    lines = shown(("run_id", "fingerprint"), [(run_id, long)], 72)
    assert run_id in "".join(lines)
    folded = "".join(row[1] for row in cells_of(lines) if len(row) == 2)
    assert folded == long


def test_a_fingerprint_stays_on_one_line_where_a_terminal_has_the_room_for_it() -> None:
    prints, path = "ab" * 32, "data/runs/20261122-043410-example-of-one/report.md"
    rows: list[tuple[object, ...]] = [
        ("equity difference", "1.00"), ("fingerprint", prints), ("report", path),
    ]  # fmt: skip
    lines = shown(("figure", "value"), rows, 80)
    assert lines[-1] == f"fingerprint: {prints}"
    assert [row[0] for row in cells_of(lines)] == ["equity difference", "report"]
    assert path in "".join(lines)
    wide = shown(("what", "value"), rows, 100)
    assert f"│ {prints} │" in "".join(wide), "there it stands among the others"
    folded = "".join(
        row[-1] for row in cells_of(shown(("what", "value"), rows, 60)) if len(row) < 3
    )
    assert prints in folded, "where a line has no room, either"


def test_a_heading_is_broken_where_its_words_are() -> None:
    lines = shown(("limit_price", "stop price"), [("1", "2")], 22)
    assert cells_of(lines) == [["1", "2"]]
    assert [part.strip() for part in lines[1].split("┃")[1:-1]] == ["limit", "stop"]
    assert [part.strip() for part in lines[2].split("┃")[1:-1]] == ["price", "price"]


def test_a_table_without_rows_is_its_heading() -> None:
    assert "strategy" in "".join(shown(NAMES, [], 80))


def test_times_lose_the_zone_that_the_title_names(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [("2024-12-13T15:57:00-05:00", 1), ("2024-10-21 09:30-04:00", 2)]
    output.print_table("Bars", ("start", "n"), rows, "America/New_York")
    said = capsys.readouterr().out
    assert said.startswith("Bars, times of America/New_York\n")
    assert "│ 2024-12-13 15:57:00 │" in said
    assert "│ 2024-10-21 09:30    │" in said
    assert without_zone("2024-12-13") == "2024-12-13"
    assert without_zone(None) is None


def test_the_width_is_that_of_the_terminal_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)  # who sets it has it so
    console = output._console.__wrapped__(False)
    monkeypatch.setattr(output, "_console", lambda stderr: console)
    monkeypatch.setattr(type(console), "is_terminal", property(lambda _: True))
    monkeypatch.setattr(type(console), "is_dumb_terminal", property(lambda _: False))
    monkeypatch.setattr(console, "_environ", {})
    for width in (80, 132, 40):
        size = os.terminal_size((width, 25))
        monkeypatch.setattr(os, "get_terminal_size", lambda number, size=size: size)
        assert console.width == output.console.width == width


def test_an_ascii_terminal_gets_ascii_borders(tmp_path: Path) -> None:
    path = tmp_path / "said"
    with path.open("w", encoding="ascii") as file:
        Console(file=file, width=80).print(table_of(NAMES[:3], [ORDERS[0][:3]], 80))
    assert path.read_bytes().isascii()
    assert "| 2024-11-01 09:45:00 |" in path.read_text()


FIGURES = st.decimals(-(10**12), 10**12, places=2).map(lambda value: f"{value:,f}")
TIMES = st.datetimes().map(lambda at: f"{at:%Y-%m-%d %H:%M:%S}".rjust(19, "0"))
WORDS = st.text("abc XYZ[]/-é€…", max_size=40).map(lambda text: " ".join(text.split()))
KINDS = st.lists(st.sampled_from([FIGURES, TIMES, WORDS]), min_size=1, max_size=7)


@st.composite
def tables(draw: st.DrawFn) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    kinds = draw(KINDS)
    names = tuple(f"column_{place}" for place in range(len(kinds)))
    return names, draw(st.lists(st.tuples(*kinds), min_size=1, max_size=4))


@settings(max_examples=60)
@given(tables(), st.integers(40, 140))
def test_no_table_is_wider_than_its_terminal_and_no_figure_is_broken(
    given_table: tuple[tuple[str, ...], list[tuple[object, ...]]], width: int
) -> None:
    names, rows = given_table
    lines = shown(names, rows, width)
    assert all(len(line) <= width for line in lines)
    whole = " ".join(re.sub(r"[│┃]", " ", line) for line in lines)
    for row in rows:
        for cell in row:
            for word in str(cell).split():
                if len(word) <= 20 and word != "-":
                    assert word in whole, (word, lines)
