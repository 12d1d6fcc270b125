"""The band of what bars leave open: its sum, its share, its words, and the file of its bars."""

import csv
import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.execution_house import manager_of, open_session

from app.core.money import UNITS
from app.managers.execution_manager.books.account import AccountTerms
from app.managers.execution_manager.sim.fill_rules import Ambiguity
from app.managers.system_manager.record.summary import Summary, report_page, share_of_profit
from app.managers.system_manager.record.uncertain_bars import COLUMNS, UncertainBars
from app.managers.system_manager.rerun.complete_runs import CompleteRun, equities

units = st.integers(-(10**14), 10**14)
bars = st.builds(Ambiguity, st.integers(0, 1), st.integers(0, 10**18), units, units, units)
DAYS = dt.date(2024, 6, 3), dt.date(2024, 6, 4)


def summary_of(**figures: Any) -> Summary:
    base: dict[str, Any] = dict.fromkeys(Summary.__struct_fields__, 0)
    base |= {"run_id": "r", "strategies": (), "band": Decimal(0), "band_share": 0.0}
    none = dict.fromkeys(("equity_worst", "equity_best", "equity_difference", "band_note"))
    return Summary(**{**base, **none, **figures})


def words(**figures: Any) -> str:
    """The report's paragraphs on what bars leave open."""
    page = report_page(summary_of(**figures), [], None)
    return page.partition("## What its bars leave open\n")[2].partition("\n## ")[0].strip()


# -- sums ------------------------------------------------------------------------------------------


@given(st.lists(bars, max_size=8))
def test_the_band_of_one_currency_is_the_sum_of_its_bars(found: list[Ambiguity]) -> None:
    execution = manager_of()
    for bar in found:
        execution.uncertain(bar)
    spans = [sorted((b.worst_units, b.best_units, b.taken_units)) for b in found]
    assert execution.diary.band_units == sum(span[2] - span[0] for span in spans)
    assert execution.diary.uncertain_count == len(found)
    assert execution.diary.take().uncertain == found


def test_the_totals_are_those_of_the_run_and_not_of_a_block() -> None:
    execution = manager_of()
    for taken in (1, 5):
        execution.uncertain(Ambiguity(0, 0, 1, 5, taken))
        execution.diary.take()
    assert (execution.diary.uncertain_count, execution.diary.band_units) == (2, 8)


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 10**13)), max_size=6))
def test_a_foreign_band_counts_at_the_rate_of_the_session_it_happened_in(
    found: list[tuple[int, int]],
) -> None:
    rates = {DAYS[0]: {"EUR": 1.25}, DAYS[1]: {"EUR": 0.5}}
    terms = AccountTerms("USD", rates=rates)
    execution = manager_of(terms=terms, currency="EUR")
    expected = 0
    for number, date in enumerate(DAYS):
        open_session(execution, date, number * 10**15)
        for symbol, span in found:
            execution.uncertain(Ambiguity(symbol, 0, -span * 4, 0, -span * 4))
            expected += span * (5 if number == 0 else 2)
    assert execution.diary.band_units == expected


# -- shares ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("band", "start", "final", "share"),
    [
        ("50", "1000", "1100", 0.5),
        ("50", "1000", "900", 0.5),  # of a loss it is the same
        ("300", "1000", "1100", 3.0),
        ("0", "1000", "1100", 0.0),
        ("0", "1000", "1000", None),
        ("50", "1000", "1000", None),
        ("0.00000001", "1000", "1000.00000001", 1.0),
    ],
)
def test_the_share_is_of_what_was_made_or_lost(
    band: str, start: str, final: str, share: float | None
) -> None:
    assert share_of_profit(Decimal(band), Decimal(start), Decimal(final)) == share


def test_the_difference_is_what_best_is_beyond_worst() -> None:
    def run(same_bar: str, equity: str) -> CompleteRun:
        return CompleteRun(same_bar, Decimal(equity), 1, 1, 1, 0.5, "ab")

    assert equities([run("worst", "99.5"), run("best", "99.25")]) == {
        "equity_worst": Decimal("99.5"),
        "equity_best": Decimal("99.25"),
        "equity_difference": Decimal("-0.25"),
    }


# -- words -----------------------------------------------------------------------------------------


def test_a_table_shows_a_dash_for_no_share_and_leaves_out_what_was_not_asked_for() -> None:
    plain = dict(summary_of(band_share=None).rows())
    assert plain["band share"] == "-"
    assert not {"equity worst", "equity best", "equity difference", "band note"} & set(plain)
    figures = {"equity_worst": Decimal(1), "equity_best": Decimal("2500.125")}
    asked = dict(summary_of(**figures, band_share=12.345, band_note="why").rows())
    assert (asked["equity worst"], asked["equity best"]) == ("1.00", "2,500.12")
    assert (asked["band share"], asked["band note"]) == ("1234.50%", "why")


def test_the_report_says_in_one_sentence_what_the_band_means() -> None:
    assert words() == "No bar left open what it did to an order."
    assert words(uncertain_bars=1_200, band=Decimal("1234.5"), band_share=0.25) == (
        "The four prices of 1,200 bars leave open what came first. With the same orders they "
        "differ by 1,234.50 from worst to best, 25.00% of the profit or loss. "
        "`uncertain_bars.csv` lists them."
    )
    alone = words(uncertain_bars=1, band=Decimal(2), band_share=None)
    assert alone.startswith("The four prices of 1 bar leave open what came first.")
    assert "profit or loss" not in alone


def test_the_report_tells_of_whole_runs_or_why_there_are_none() -> None:
    figures = {"equity_worst": Decimal(900), "equity_best": Decimal(1100)}
    told = words(**figures, equity_difference=Decimal(200))
    assert "to 900.00 under `worst` and to 1,100.00 under `best`: a difference of 200.00." in told
    assert words(band_note="the run failed").endswith("`worst` and `best`: the run failed.")


# -- the file --------------------------------------------------------------------------------------


def file_of(folder: Path) -> UncertainBars:
    return UncertainBars(folder, ["A,B", "Ü"], ["USD", "EUR"], lambda ns: f"at {ns}")


@given(st.lists(st.lists(bars, max_size=3), max_size=4))
def test_the_file_holds_each_bar_exactly_and_its_head_once(
    tmp_path_factory: pytest.TempPathFactory, blocks: list[list[Ambiguity]]
) -> None:
    folder = tmp_path_factory.mktemp("run")
    file = file_of(folder)
    for block in blocks:
        file.add(block)
    found = [bar for block in blocks for bar in block]
    if not found:
        assert list(folder.iterdir()) == []
        return
    with (folder / "uncertain_bars.csv").open(encoding="utf-8", newline="") as text:
        head, *rows = csv.reader(text)
    assert tuple(head) == COLUMNS
    for row, bar in zip(rows, found, strict=True):
        assert row[:4] == [
            ("A,B", "Ü")[bar.symbol],
            f"at {bar.start_ns}",
            str(bar.start_ns),
            ("USD", "EUR")[bar.symbol],
        ]
        worths = [bar.worst_units, bar.best_units, bar.taken_units]
        assert [Decimal(cell) * UNITS for cell in row[4:]] == worths
        assert not any("E" in cell for cell in row[4:])
