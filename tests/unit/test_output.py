"""What commands print: JSON for scripts, tables for people."""

import datetime as dt
import json
from decimal import Decimal

import pytest

from app.cli.terminal.output import _console, console, print_json, print_table


def test_json_is_one_line_with_dates_and_decimals_as_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_json({"date": dt.date(2026, 1, 5), "cash": Decimal("100.10"), "none": None})
    printed = capsys.readouterr().out
    assert printed.count("\n") == 1
    assert json.loads(printed) == {"date": "2026-01-05", "cash": "100.10", "none": None}


def test_a_table_shows_none_as_a_dash_and_brackets_as_they_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_table("Runs", ("name", "equity"), [("[bold]x[/bold]", 10.5), ("y", None)])
    printed = capsys.readouterr().out
    assert "[bold]x[/bold]" in printed
    assert "│      - │" in printed


def test_numbers_are_aligned_right_and_words_left(capsys: pytest.CaptureFixture[str]) -> None:
    print_table("T", ("word", "number"), [("a", 1), ("bbb", 1_000)])
    printed = capsys.readouterr().out
    assert "│ a    │      1 │" in printed
    assert "│ bbb  │   1000 │" in printed


def test_a_long_line_is_not_broken_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    print_table("T", ("path",), [("x" * 150,)])
    assert "x" * 150 in capsys.readouterr().out


def test_nothing_that_is_shown_steers_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_table("T\x1b[2J", ("reason",), [("\x1b]0;mine\x07",)])
    console.print("halted: \x1b[31m\rall is well", markup=False)
    printed = capsys.readouterr().out
    assert "all is well" in printed and "mine" in printed
    assert not [char for char in printed if not char.isprintable() and char != "\n"]


def test_a_terminal_without_a_width_is_shown_what_there_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "0")
    monkeypatch.setenv("LINES", "0")
    monkeypatch.setenv("FORCE_COLOR", "1")  # it is a terminal
    monkeypatch.setenv("TERM", "xterm")
    _console.cache_clear()
    print_table("T", ("word", "number"), [("a", 1)])
    _console.cache_clear()
    assert "number" in capsys.readouterr().out
