"""The mean range of a symbol's last bars: as by hand, whatever blocks the bars come in."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from math import floor

from execution_house import Row, book_of
from hypothesis import given
from hypothesis import strategies as st

from app.core.money import UNITS
from app.managers.execution_manager.sim.range_book import RangeBook

Split = tuple[int, int, Decimal]  # moment, symbol, ratio


def ranges_of(blocks: Sequence[Sequence[Row]], bars: int, symbols: int = 2) -> RangeBook:
    """The book after these blocks, one after the other."""
    found = RangeBook(symbols, bars)
    for rows in blocks:
        book = book_of(rows, symbols)
        found.load(book.base, book.rows)
    return found


def bar(symbol: int, minute: int, range_cents: float) -> Row:
    """A bar of ten nanoseconds from its low up to its high, somewhere round a hundred."""
    low = 100.0 - minute
    return Row(symbol, 10 * minute, low, 1e6, low + range_cents / 100, low)


def test_only_bars_known_at_the_moment_count_and_of_them_the_last() -> None:
    found = ranges_of([[bar(0, minute, minute + 1) for minute in range(6)]], bars=3, symbols=1)
    assert [found.mean(0, at_ns) for at_ns in (0, 9, 10, 19, 20, 30, 40, 60, 99)] == [
        0.0, 0.0, 0.01, 0.01, 0.015, 0.02, 0.03, 0.05, 0.05,
    ]  # fmt: skip


def test_each_symbol_has_its_own_bars() -> None:
    rows = [bar(0, 0, 1), bar(1, 0, 30), bar(1, 1, 50), bar(0, 2, 5)]
    found = ranges_of([rows[:3], rows[3:]], bars=2)
    assert (found.mean(0, 30), found.mean(1, 30)) == (0.03, 0.4)
    assert (found.mean(0, 20), found.mean(1, 10)) == (0.01, 0.3)


def test_the_mean_is_exact_down_to_the_unit() -> None:
    tenths = ranges_of([[Row(0, 0, 10.1, 1.0, 10.3, 10.1)]], bars=1, symbols=1)
    assert tenths.mean(0, 10) == 0.2  # 10.3 - 10.1 is 0.20000000000000107 in floats
    thirds = ranges_of([[bar(0, 0, 1), bar(0, 1, 1), bar(0, 2, 0)]], bars=3, symbols=1)
    assert thirds.mean(0, 30) == 0.00666666


def test_a_range_beyond_all_numbers_is_a_very_wide_one() -> None:
    wide = ranges_of([[Row(0, 0, 1.0, 1.0, 1e300, 1.0)]], bars=1, symbols=1)
    assert wide.mean(0, 10) == 2**62 / UNITS


def test_a_split_puts_the_bars_before_it_in_the_terms_of_the_new_shares() -> None:
    found = ranges_of([[bar(0, 0, 10), bar(0, 1, 20)], [bar(0, 2, 5)]], bars=3, symbols=1)
    found.split(0, Decimal(2), now_ns=20)
    assert [found.mean(0, at_ns) for at_ns in (10, 20, 30)] == [0.05, 0.075, 0.06666666]
    found.split(0, Decimal("0.5"), now_ns=30)
    assert found.mean(0, 30) == 0.13333333


cents = st.integers(0, 300)


@st.composite
def markets(draw: st.DrawFn) -> list[Row]:
    """Bars of two symbols, some missing."""
    return [
        bar(symbol, minute, draw(cents))
        for minute in range(draw(st.integers(1, 40)))
        for symbol in draw(st.sampled_from([(0,), (1,), (0, 1), (0, 1), ()]))
    ]


def by_hand(rows: Sequence[Row], splits: Sequence[Split], bars: int, at: tuple[int, int]) -> float:
    """The mean range of a symbol at a moment, from all the bars there are."""
    symbol, at_ns = at
    known = [row for row in rows if row.symbol == symbol and row.start_ns + 10 <= at_ns][-bars:]
    ranges = []
    for row in known:
        assert row.high is not None and row.low is not None
        units = round((Fraction(repr(row.high)) - Fraction(repr(row.low))) * UNITS)
        for split_ns, of_symbol, ratio in splits:
            if of_symbol == symbol and row.start_ns + 10 <= split_ns <= at_ns:
                units = floor(units / Fraction(ratio))
        ranges.append(units)
    return floor(Fraction(sum(ranges), len(ranges))) / UNITS if ranges else 0.0


@given(
    markets(),
    st.lists(st.integers(1, 60), max_size=6),
    st.lists(
        st.tuples(
            st.integers(0, 40).map(lambda minute: 10 * minute),
            st.integers(0, 1),
            st.sampled_from([Decimal(2), Decimal("1.5"), Decimal("0.5")]),
        ),
        max_size=2,
    ).map(sorted),
    st.integers(1, 8),
)
def test_no_cut_between_blocks_changes_a_mean(
    rows: list[Row], cuts: list[int], splits: list[Split], bars: int
) -> None:
    bounds = [0, *sorted({cut for cut in cuts if cut < len(rows)}), len(rows)]
    book, waiting = RangeBook(2, bars), list(splits)
    for first, end in pairwise(bounds):
        loaded = book_of(rows[first:end])
        book.load(loaded.base, loaded.rows)
        for row in rows[first:end]:  # a bar that fills asks at its start, after any split by then
            while waiting and waiting[0][0] <= row.start_ns:
                split_ns, symbol, ratio = waiting.pop(0)
                book.split(symbol, ratio, split_ns)
            at = (row.symbol, row.start_ns)
            assert book.mean(*at) == by_hand(rows, splits, bars, at)
