"""Bad bars are kept out, the same ones however the stream is cut, and all are accounted for."""

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stream_blocks import Row, all_rows, block_of, blocks, chop, columns_of, minute, session

from app.core.bars import Block
from app.core.intervals import MINUTE_NS
from app.core.messages import Bars, EndOfStream, History, Message
from app.services.bar_checks import all_good, faults
from app.threads.data_quality_manager import BadBar, DataQualityManager

SYMBOLS = ("AAA", "BBB", "CCC")


def spoil(block: Block, column: str, row: int, value: float) -> Block:
    """The block with one value replaced."""
    values = getattr(block, column).copy()
    values[row] = value
    return msgspec.structs.replace(block, **{column: values})


def checked(*parts: Block) -> tuple[DataQualityManager, list[Block]]:
    manager = DataQualityManager(SYMBOLS, "1m", extended_hours=False)
    messages: list[Message] = [*(Bars(part) for part in parts), EndOfStream("finished")]
    out = [message for given in messages for message in manager.step(given)]
    assert isinstance(out[-1], EndOfStream)
    return manager, [message.block for message in out if isinstance(message, Bars)]


def one_session(minutes: int = 10, symbols: int = 1) -> Block:
    of = session(minutes=minutes)
    return block_of([(of, all_rows(of, symbols))])


def test_a_clean_block_passes_as_it_is() -> None:
    block = one_session(symbols=3)
    manager, out = checked(block)
    assert out[0] is block
    assert not manager.bad


def test_history_passes_as_it_is() -> None:
    message = History((), {}, ())
    assert list(DataQualityManager(SYMBOLS, "1m", False).step(message)) == [message]


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("close", math.nan, "price"),
        ("high", math.inf, "price"),
        ("low", 0.0, "price"),
        ("open", -5.0, "price"),
        ("high", 101.0, "range"),
        ("low", 101.5, "range"),
        ("volume", -1.0, "volume"),
        ("volume", math.nan, "volume"),
        ("volume", math.inf, "volume"),
    ],
)
def test_a_bad_value_is_kept_out_and_named(column: str, value: float, reason: str) -> None:
    block = spoil(one_session(), column, 5, value)
    manager, out = checked(block)
    of = block.spans[0].session
    assert out[0].start_ns.tolist() == [minute(of, n) for n in range(10) if n != 5]
    assert manager.bad == {("AAA", of.date, reason): 1}
    assert manager.examples == [BadBar("AAA", of.date, minute(of, 5), reason)]


def test_a_volume_of_nothing_is_good() -> None:
    assert not checked(spoil(one_session(), "volume", 0, 0.0))[0].bad


def test_bars_outside_the_sessions_trading_are_kept_out() -> None:
    of = session(minutes=10, breaks=[(4, 6)])
    rows: list[Row] = [(minute(of, n), 0) for n in (-1, 0, 3, 4, 5, 6, 9, 10)]
    manager, out = checked(block_of([(of, rows)]))
    assert out[0].start_ns.tolist() == [minute(of, n) for n in (0, 3, 6, 9)]
    assert manager.bad == {("AAA", of.date, "session"): 4}


@pytest.mark.parametrize("stray", [-1, 4, 5, 10])
def test_one_bar_outside_is_enough_for_the_fast_check(stray: int) -> None:
    of = session(minutes=10, breaks=[(4, 6)])
    inside = [0, 3, 6, 9]
    assert all_good(block_of([(of, [(minute(of, n), 0) for n in inside])]), False)
    rows: list[Row] = [(minute(of, n), 0) for n in sorted([*inside, stray])]
    assert not all_good(block_of([(of, rows)]), False)


def test_a_start_seen_before_and_time_going_back_are_kept_out() -> None:
    of = session()
    rows = [(minute(of, n), s) for n, s in [(0, 0), (0, 1), (0, 0), (2, 1), (1, 0), (2, 0), (2, 1)]]
    manager, out = checked(block_of([(of, rows)]))
    assert out[0].close.tolist() == [100.0, 100.25, 100.75, 101.25]
    assert manager.bad == {("AAA", of.date, "order"): 2, ("BBB", of.date, "order"): 1}


def test_the_good_bar_of_two_with_one_start_stays() -> None:
    of = session()
    block = block_of([(of, [(minute(of, 0), 0), (minute(of, 0), 0)])])
    _, out = checked(spoil(block, "low", 0, -1.0))
    assert out[0].close.tolist() == [100.25]


def test_a_bar_from_the_far_future_does_not_shut_out_what_follows() -> None:
    of = session()
    block = block_of([(of, [(minute(of, 0), 0), (minute(of, 99_999), 0), (minute(of, 1), 0)])])
    manager, out = checked(block)
    assert len(out[0]) == 2
    assert manager.bad == {("AAA", of.date, "session"): 1}


def test_only_the_first_bad_bars_are_kept_as_examples() -> None:
    of = session(minutes=50)
    block = block_of([(of, all_rows(of))])
    manager, _ = checked(msgspec.structs.replace(block, low=-block.low))
    assert len(manager.examples) == 20
    assert manager.bad.total() == 50


@st.composite
def dirty_blocks(draw: st.DrawFn) -> Block:
    """Random blocks with bad values, repeated and swapped rows."""
    block = draw(blocks())
    count = len(block)
    if not count:
        return block
    some_rows = st.lists(st.integers(0, count - 1), max_size=3)
    for row in draw(some_rows):
        column = draw(st.sampled_from(["open", "high", "low", "close", "volume", "start_ns"]))
        wrong = [-1, 5] if column == "start_ns" else [-1.0, 0.0, math.nan, math.inf, 1e9]
        block = spoil(block, column, row, draw(st.sampled_from(wrong)))
    for row in draw(some_rows):
        other = draw(st.integers(0, count - 1))
        block = spoil(block, "start_ns", row, int(block.start_ns[other]))
    return block


def expected_rows(block: Block) -> list[int]:
    """The same rules, said slowly: which rows stay."""
    stay: list[int] = []
    for row in range(len(block)):
        o, h, lo, c, v = (
            float(getattr(block, name)[row]) for name in ("open", "high", "low", "close", "volume")
        )
        fine = all(math.isfinite(x) for x in (o, h, lo, c, v)) and lo > 0 and v >= 0
        fine = fine and lo <= min(o, c) and max(o, c) <= h
        of = next(span.session for span in block.spans if span.first <= row < span.end)
        start_ns, symbol = int(block.start_ns[row]), int(block.symbol[row])
        fine = fine and of.open_ns <= start_ns < of.close_ns
        before = [(int(block.start_ns[r]), int(block.symbol[r])) for r in stay]
        fine = fine and all(start_ns >= other for other, _ in before)
        if fine and (start_ns, symbol) not in before:
            stay.append(row)
    return stay


@given(dirty_blocks())
def test_what_stays_is_what_the_rules_say(block: Block) -> None:
    _, out = checked(block)
    stay = np.array(expected_rows(block), np.int64)
    assert out[0].close.tolist() == block.close[stay].tolist()
    assert out[0].start_ns.tolist() == block.start_ns[stay].tolist()


@given(dirty_blocks(), st.lists(st.integers(1, 9), max_size=12))
def test_the_cut_of_the_stream_changes_nothing(block: Block, sizes: list[int]) -> None:
    whole, one = checked(block)
    parts, many = checked(*chop(block, sizes))
    assert columns_of(many) == columns_of(one)
    assert parts.bad == whole.bad
    assert parts.examples == whole.examples


@given(dirty_blocks())
def test_the_fast_check_says_what_the_thorough_one_says(block: Block) -> None:
    if not (np.diff(block.start_ns) < 0).any():
        assert all_good(block, False) == (not faults(block, False).any())


@given(blocks(), st.lists(st.integers(1, 9), max_size=12))
def test_the_account_of_every_session_is_the_same_for_every_cut(
    block: Block, sizes: list[int]
) -> None:
    if len(block):
        block = spoil(block, "close", len(block) // 2, math.nan)
    whole, _ = checked(block)
    parts, _ = checked(*chop(block, sizes))
    assert parts.book.totals == whole.book.totals
    assert parts.book.reports == whole.book.reports


def test_every_symbol_is_accounted_for_session_by_session() -> None:
    full, gap, empty = session(0, 20), session(1, 20), session(2, 20)
    rows = [
        (start_ns, symbol)
        for start_ns, symbol in all_rows(gap, 2)
        if symbol or not minute(gap, 5) <= start_ns < minute(gap, 15)
    ]
    block = block_of([(full, all_rows(full, 2)), (gap, rows), (empty, [])])
    manager = DataQualityManager(("AAA", "BBB"), "1m", False)
    list(manager.step(Bars(block)))
    totals = manager.book.totals
    assert (totals["AAA"].sessions, totals["AAA"].expected, totals["AAA"].present) == (3, 60, 30)
    assert (totals["AAA"].holes, totals["AAA"].hole_bars) == (2, 30)
    assert totals["AAA"].score == totals["AAA"].coverage == 30 / 60
    assert (totals["BBB"].present, totals["BBB"].holes) == (40, 1)
    assert [(r.symbol, r.session.day, r.quality.present) for r in manager.book.reports] == [
        ("AAA", 2, 10),
        ("AAA", 3, 0),
        ("BBB", 3, 0),
    ]


def test_a_session_is_reported_once_its_end_has_passed() -> None:
    of = session(minutes=10)
    rows = all_rows(of)
    manager = DataQualityManager(("AAA",), "1m", False)
    list(manager.step(Bars(block_of([(of, rows[:9])], through_ns=minute(of, 9)))))
    assert manager.book.totals["AAA"].sessions == 0
    list(manager.step(Bars(block_of([(of, rows[9:])], through_ns=of.close_ns))))
    assert manager.book.totals["AAA"].present == 10
    list(manager.step(Bars(block_of([(of, [])], through_ns=of.close_ns + MINUTE_NS))))
    list(manager.step(EndOfStream("finished")))
    assert manager.book.totals["AAA"].sessions == 1


def test_a_stream_that_ends_early_is_judged_by_its_part() -> None:
    of = session(minutes=10)
    manager, _ = checked(block_of([(of, all_rows(of)[:4])], through_ns=minute(of, 4)))
    assert (manager.book.totals["AAA"].expected, manager.book.totals["AAA"].score) == (4, 1.0)
    assert manager.book.totals["BBB"].present == 0


def test_a_bad_bar_costs_score_and_is_no_hole() -> None:
    manager, _ = checked(spoil(one_session(minutes=10), "high", 3, math.inf))
    total = manager.book.totals["AAA"]
    assert (total.bad, total.holes, total.score, total.coverage) == (1, 0, 0.9, 0.9)


def test_each_symbol_s_hours_are_expected_where_they_lie() -> None:
    """AAA by the clock, BBB from the open on, CCC by the clock and without its last hours."""
    of = session(minutes=390)
    by_the_clock, by_the_open = [0, *range(30, 390, 60)], list(range(0, 390, 60))
    minutes = {0: by_the_clock, 1: by_the_open, 2: by_the_clock[:3]}
    rows = sorted((minute(of, n), symbol) for symbol in minutes for n in minutes[symbol])
    manager = DataQualityManager(SYMBOLS, "1h", False)
    list(manager.step(Bars(block_of([(of, rows)]))))
    found = {name: (t.expected, t.present) for name, t in manager.book.totals.items()}
    assert found == {"AAA": (7, 7), "BBB": (7, 7), "CCC": (7, 3)}
    assert [(r.symbol, r.quality.missing) for r in manager.book.reports] == [("CCC", 4)]


def test_a_bar_that_is_not_over_when_the_stream_ends_is_not_expected() -> None:
    of = session(minutes=390)
    manager = DataQualityManager(("AAA",), "1h", False)
    list(manager.step(Bars(block_of([(of, [(minute(of, 0), 0)])], through_ns=minute(of, 10)))))
    list(manager.step(EndOfStream("stopped")))
    assert manager.book.totals["AAA"].expected == 0


def test_daily_bars_are_one_a_session() -> None:
    sessions = [session(day, 390) for day in range(3)]
    parts = [(of, [(of.open_ns, 0)]) for of in sessions]
    manager = DataQualityManager(("AAA",), "1d", extended_hours=True)
    list(manager.step(Bars(block_of([parts[0], (sessions[1], []), parts[2]]))))
    total = manager.book.totals["AAA"]
    assert (total.expected, total.present, total.holes) == (3, 2, 1)
