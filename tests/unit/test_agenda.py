"""The agenda of a block: which hook runs when, and which steps a symbol has."""

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.stream_blocks import all_rows, block_of, blocks, session

from app.core.bars import Bar, Block
from app.core.messages import Bars
from app.managers.execution_manager.sim.bar_book import BarBook
from app.threads.data_processor import DataProcessor, Processed
from app.threads.stream.plan import Plan
from app.threads.views.agenda import Agenda

INTERVALS = ("1m", "2m", "3m", "1d")
NAMES = ("ZZZ", "AAA", "MMM")  # hooks follow the config's order, not the alphabet


def processed(block: Block, symbols: int) -> tuple[Processed, Plan]:
    plan = Plan(NAMES[:symbols], "1m", INTERVALS, {}, False, ())
    (out,) = DataProcessor(plan).step(Bars(block, 1))
    return out, plan


def agenda(block: Block, wanted: Sequence[str], symbols: int = 3) -> Agenda:
    out, plan = processed(block, symbols)
    return Agenda(out, BarBook(out.base, out.rows), out.sessions, plan, tuple(wanted))


def steps_of(of: Agenda) -> list[tuple[int, str, str]]:
    """When, which interval, which symbol: what a strategy sees, in its order."""
    bars: list[Bar] = list(of.bars)
    return [(at, b.interval, b.symbol) for at, b in zip(of.known_ns, bars, strict=True)]


wishes = st.sampled_from([("1m",), ("2m",), ("1m", "2m"), ("2m", "1d"), INTERVALS])


@given(blocks(), wishes)
def test_steps_go_by_time_then_interval_then_symbol(block: Block, wanted: tuple[str, ...]) -> None:
    found = steps_of(agenda(block, wanted))
    assert found == sorted(
        found, key=lambda step: (step[0], INTERVALS.index(step[1]), NAMES.index(step[2]))
    )


@given(blocks(), wishes)
def test_there_is_one_step_for_each_bar_that_somebody_wants(
    block: Block, wanted: tuple[str, ...]
) -> None:
    out, _ = processed(block, 3)
    tables = {"1m": out.base, **out.derived}
    expected = [
        (NAMES[int(t.symbol[row])], name, int(t.start_ns[row]), float(t.close[row]))
        for name, t in tables.items()
        if name in wanted
        for row in range(len(t))
    ]
    of = agenda(block, wanted)
    found = [(bar.symbol, bar.interval, bar.start_ns, bar.close) for bar in of.bars]
    assert sorted(found) == sorted(expected)
    assert len(of) == len(expected)


@given(blocks(), wishes)
def test_the_sessions_of_a_block_share_out_its_steps(block: Block, wanted: tuple[str, ...]) -> None:
    of = agenda(block, wanted)
    sessions = [span.session for span in block.spans]
    spans = [of.span(number) for number in range(len(sessions))]
    assert [step for first, end in spans for step in range(first, end)] == list(range(len(of)))
    for (first, end), one in zip(spans, sessions, strict=True):
        assert all(one.open_ns < at <= one.close_ns for at in of.known_ns[first:end])


@given(blocks(), wishes)
def test_a_symbol_s_steps_are_those_with_it_in_hand(block: Block, wanted: tuple[str, ...]) -> None:
    of = agenda(block, wanted)
    for number in range(len(block.spans)):
        first, end = of.span(number)
        assert of.steps(number, None) == slice(first, end)
        for symbol in range(3):
            mine = [step for step in range(first, end) if of.symbol_at(step) == symbol]
            assert np.arange(len(of))[of.steps(number, symbol)].tolist() == mine


@given(blocks(max_symbols=1), wishes)
def test_in_a_run_of_one_symbol_every_step_is_of_it(block: Block, wanted: tuple[str, ...]) -> None:
    of = agenda(block, wanted, symbols=1)
    assert {of.symbol_at(step) for step in range(len(of))} <= {0}
    assert {bar.symbol for bar in of.bars} <= {"ZZZ"}
    assert of.steps(0, 0) == slice(*of.span(0))


def test_choices_are_made_by_interval() -> None:
    of = session(minutes=6)
    both = agenda(block_of([(of, all_rows(of, 1))]), ("1m", "3m"), symbols=1)
    words = list(both.by_interval(["minute", "three"]))
    assert words == ["minute"] * 3 + ["three"] + ["minute"] * 3 + ["three"]
    alone = agenda(block_of([(of, all_rows(of, 1))]), ("3m",), symbols=1)
    assert [word for word, _ in zip(alone.by_interval(["only"]), range(9), strict=False)] == [
        "only"
    ] * 9


def test_a_bar_says_all_there_is_to_it() -> None:
    of = session(minutes=2)
    (first, _) = agenda(block_of([(of, all_rows(of, 1))]), ("1m",), symbols=1).bars
    assert first == Bar("ZZZ", "1m", of.open_ns, 100.0, 101.0, 99.0, 100.0, 1000.0)
    with pytest.raises(AttributeError, match="immutable"):
        first.close = 1.0


def test_without_a_bar_there_is_no_step() -> None:
    of = session(minutes=2)
    empty = agenda(block_of([(of, [])]), INTERVALS)
    assert (len(empty), list(empty.bars), empty.span(0)) == (0, [], (0, 0))


def test_the_last_instant_of_a_session_belongs_to_it_when_the_next_starts_at_once() -> None:
    """Known at the close is known before the open that falls on the same instant."""
    first = session(0, minutes=2)
    second = type(first)("TEST", dt.date(2024, 1, 2), first.close_ns, first.close_ns + 10**11)
    of = agenda(block_of([(first, all_rows(first)), (second, all_rows(second))]), ("1m",))
    assert of.span(0) == (0, 2)
    assert of.span(1) == (2, 3)
