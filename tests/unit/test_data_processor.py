"""The data processor on cut streams: whole instants only, and windows that ignore the cuts."""

import datetime as dt
import itertools
from collections.abc import Sequence
from decimal import Decimal

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.stream_blocks import all_rows, block_of, blocks, chop, minute, session

from app.core.bars import TABLE_FIELDS, Block, Table, no_rows
from app.core.calendar import TradingSession
from app.core.instruments import Adjustment
from app.core.intervals import MINUTE_NS
from app.core.messages import Bars, EndOfStream, History
from app.core.windows import Window
from app.services.aggregation import Grid, fold
from app.services.indicators import resolve
from app.threads.data_processor import DataProcessor, Processed
from app.threads.stream.plan import Declared, Plan

NAMES = ("AAA", "BBB", "CCC")
COLUMNS = ("start_ns", "known_ns", "open", "high", "low", "close", "volume")
sizes = st.lists(st.integers(1, 9), max_size=40)


def plan(
    symbols: int = 3,
    intervals: Sequence[str] = ("1m", "2m", "1d"),
    history: dict[str, int | None] | None = None,
    extended: bool = False,
) -> Plan:
    sma = resolve("SMA", {"timeperiod": 2}, None)
    declared = [
        Declared(sma, symbol, interval) for symbol in range(symbols) for interval in intervals
    ]
    return Plan(NAMES[:symbols], "1m", tuple(intervals), history or {}, extended, tuple(declared))


def processed(of: Plan, pieces: Sequence[Block], history: History | None = None) -> list[Processed]:
    """What comes out, block by block."""
    worker = DataProcessor(of)
    messages = [Bars(piece, number) for number, piece in enumerate(pieces, 1)]
    given_messages = [history, *messages] if history is not None else messages
    return [out for message in given_messages for out in worker.step(message)]


def rows_of(tables: Sequence[Table]) -> list[tuple[float, ...]]:
    names = TABLE_FIELDS
    return [
        row
        for t in tables
        for row in zip(*(getattr(t, name).tolist() for name in names), strict=True)
    ]


def last_windows(outs: Sequence[Processed]) -> dict[object, list[list[float]]]:
    """Each session's windows and values as they were at its end."""
    found: dict[object, list[list[float]]] = {}
    for out in outs:
        for part in out.sessions:
            for (symbol, interval), window in part.windows.items():
                columns = [getattr(window, name).tolist() for name in COLUMNS]
                found[part.session.date, symbol, interval] = columns
            for number, values in enumerate(part.values):
                first = values.first_ready
                found[part.session.date, number] = [o[first:].tolist() for o in values.outputs]
    return found


@given(blocks(), sizes)
def test_how_the_stream_is_cut_leaves_no_trace(block: Block, cuts: list[int]) -> None:
    whole, pieces = processed(plan(), [block]), processed(plan(), chop(block, cuts))
    assert rows_of([out.base for out in pieces]) == rows_of([out.base for out in whole])
    for interval in ("2m", "1d"):
        assert sorted(rows_of([out.derived[interval] for out in pieces])) == sorted(
            rows_of([out.derived[interval] for out in whole])
        )
    assert last_windows(pieces) == last_windows(whole)


@given(blocks(), sizes)
def test_what_is_shown_is_known_and_all_that_is_known_is_shown(
    block: Block, cuts: list[int]
) -> None:
    through_ns = -1
    for out in processed(plan(), chop(block, cuts)):
        for table in (out.base, *out.derived.values()):
            known = table.known_ns.tolist()
            assert known == sorted(known)
            assert all(through_ns < at <= out.through_ns for at in known)
        through_ns = out.through_ns


@given(blocks(), sizes)
def test_an_instant_is_never_split(block: Block, cuts: list[int]) -> None:
    outs = [out.base for out in processed(plan(), chop(block, cuts)) if len(out.base)]
    for one, other in itertools.pairwise(outs):
        assert one.known_ns[-1] < other.known_ns[0]


@given(blocks(), sizes)
def test_derived_bars_are_those_of_the_whole_symbol(block: Block, cuts: list[int]) -> None:
    sessions = [span.session for span in block.spans]
    outs = processed(plan(), chop(block, cuts))
    base = Table(*(getattr(block, name) for name in TABLE_FIELDS))
    for interval in ("2m", "1d"):
        grid = Grid.of(sessions, interval, False)
        expected = [fold(base.take(base.symbol == symbol), grid) for symbol in range(3)]
        found = rows_of([out.derived[interval] for out in outs])
        assert sorted(found) == sorted(rows_of(expected))
        assert [(row[2], row[0]) for row in found] == sorted((row[2], row[0]) for row in found)


@given(blocks(), sizes)
def test_every_session_is_told_until_it_is_over_and_not_again(
    block: Block, cuts: list[int]
) -> None:
    ended: set[dt.date] = set()
    before_ns = -1
    for out in processed(plan(), chop(block, cuts)):
        for part in out.sessions:
            assert part.session.date not in ended
            assert part.start_ns <= out.through_ns
            assert part.end_ns > before_ns
            if part.end_ns <= out.through_ns:
                ended.add(part.session.date)
        before_ns = out.through_ns
    assert ended == {span.session.date for span in block.spans}


# -- by example ------------------------------------------------------------------------------------


def test_rows_wait_until_their_instant_is_whole() -> None:
    of = session(minutes=3)
    first = minute(of, 0) + MINUTE_NS
    pieces = [
        block_of([(of, [(minute(of, 0), 0)])], first - 1),
        block_of([(of, [(minute(of, 0), 2)])], first - 1),
        block_of([(of, [])], first),
    ]
    outs = processed(plan(), pieces)
    assert [out.base.symbol.tolist() for out in outs] == [[], [], [0, 2]]
    assert [len(out) for out in outs] == [0, 0, 2]


def test_a_derived_bar_closes_by_the_clock_and_not_by_the_next_bar() -> None:
    """Its last minute may have had no trade: it is complete once that minute is over."""
    of = session(minutes=6)
    pieces = [
        block_of([(of, [(minute(of, 0), 0)])], minute(of, 2) - 1),
        block_of([(of, [])], minute(of, 2)),
        block_of([(of, [])]),
    ]
    outs = processed(plan(symbols=1), pieces)
    assert [out.derived["2m"].known_ns.tolist() for out in outs] == [[], [minute(of, 2)], []]
    assert [out.derived["1d"].known_ns.tolist() for out in outs] == [[], [], [of.close_ns]]


def test_a_forming_bar_is_in_no_window() -> None:
    of = session(minutes=6)
    (out,) = processed(plan(symbols=1), [block_of([(of, [(minute(of, 0), 0)])], minute(of, 1))])
    (part,) = out.sessions
    assert len(part.windows[0, "1m"]) == 1
    assert len(part.windows[0, "2m"]) == 0
    assert len(part.windows[0, "1d"]) == 0


def test_sessions_that_follow_without_a_pause_share_a_block() -> None:
    first = session(0, minutes=4)
    second = TradingSession("TEST", dt.date(2024, 1, 2), first.close_ns, first.close_ns + MINUTE_NS)
    block = block_of([(first, all_rows(first)), (second, all_rows(second))])
    (out,) = processed(plan(symbols=1), [block])
    assert [len(part.windows[0, "1m"]) for part in out.sessions] == [4, 1]
    assert [part.session.date.day for part in out.sessions] == [1, 2]


def test_a_session_is_not_told_before_it_starts() -> None:
    one, other = session(0), session(1)
    block = msgspec.structs.replace(
        block_of([(one, all_rows(one)), (other, [])]), through_ns=one.close_ns
    )
    later = block_of([(other, all_rows(other))])
    outs = processed(plan(symbols=1), [block, later])
    assert [[part.session.date.day for part in out.sessions] for out in outs] == [[1], [2]]


def history_of(sessions: Sequence[TradingSession], adjustments: Sequence[Adjustment]) -> History:
    """The minutes of past sessions as a feed would hand them over; days it has none of."""
    tables = {}
    for symbol in range(2):
        starts = np.array([minute(s, m) for s in sessions for m in range(3)], np.int64)
        price = 10.0 + np.arange(len(starts))
        columns = [price, price + 1, price - 1, price, price * 10]
        symbols = np.full(len(starts), symbol, np.int32)
        tables[symbol, "1m"] = Table(symbols, starts, starts + MINUTE_NS, *columns)
        tables[symbol, "1d"] = no_rows()
    return History(tuple(sessions), tables, tuple(adjustments))


def test_history_stands_before_today_adjusted_as_of_each_session() -> None:
    past, today, later = [session(0), session(1)], session(2), session(3)
    split = Adjustment("AAA", today.date, Decimal(2), Decimal(0), 0.5, 2.0)
    future = Adjustment("AAA", later.date, Decimal(4), Decimal(0), 0.25, 4.0)
    of = plan(symbols=2, intervals=("1m", "1d"), history={"1m": 2})
    block = block_of([(today, [(minute(today, 0), 0), (minute(today, 0), 1)])], today.close_ns)
    after = block_of([(later, [])])
    outs = processed(of, [block, after], history_of(past, [split, future]))
    (part,), (then,) = (out.sessions for out in outs)
    window = part.windows[0, "1m"]
    assert window.close.tolist() == [5.0, 5.5, 6.0, 6.5, 7.0, 7.5, 100.0]
    assert window.volume.tolist() == [200.0, 220.0, 240.0, 260.0, 280.0, 300.0, 1000.0]
    assert window.session_first.tolist() == [0, 3, 6]
    assert part.windows[1, "1m"].close.tolist() == [10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 100.25]
    assert part.adjustments == (split,)
    assert then.adjustments == (future,)
    assert then.windows[0, "1m"].close.tolist() == [1.625, 1.75, 1.875, 25.0]
    assert window.close.tolist()[0] == 5.0, "an earlier window has changed"


def test_an_action_among_the_history_adjusts_what_lies_before_it() -> None:
    past = [session(0), session(1)]
    split = Adjustment("AAA", past[1].date, Decimal(2), Decimal(0), 0.5, 2.0)
    of = plan(symbols=2, intervals=("1m", "1d"), history={"1m": 2})
    today = session(2)
    (out,) = processed(of, [block_of([(today, [])])], history_of(past, [split]))
    window: Window = out.sessions[0].windows[0, "1m"]
    assert window.close.tolist() == [5.0, 5.5, 6.0, 13.0, 14.0, 15.0]
    assert out.sessions[0].adjustments == ()


def test_actions_of_several_symbols_at_one_session_are_all_told() -> None:
    today = session(2)
    actions = [Adjustment(n, today.date, Decimal(2), Decimal(0), 0.5, 2.0) for n in ("BBB", "AAA")]
    of = plan(symbols=2, intervals=("1m", "1d"), history={"1m": 1})
    (out,) = processed(of, [block_of([(today, [])])], history_of([session(1)], actions))
    assert out.sessions[0].adjustments == tuple(actions)


def test_extended_hours_move_a_session_s_start_and_end() -> None:
    plain = session(minutes=10)
    of = msgspec.structs.replace(plain, pre_open_ns=plain.open_ns - 5 * MINUTE_NS)
    rows = [(of.open_ns - 2 * MINUTE_NS, 0), (of.close_ns + MINUTE_NS, 0)]
    assert of.post_close_ns is not None
    block = block_of([(of, rows)], of.post_close_ns)
    (out,) = processed(plan(symbols=1, extended=True), [block])
    (part,) = out.sessions
    assert (part.start_ns, part.end_ns) == (of.pre_open_ns, of.post_close_ns)
    assert len(part.windows[0, "1m"]) == 2
    assert len(part.windows[0, "1d"]) == 0


@pytest.mark.parametrize("symbols", [1, 3])
def test_values_follow_their_window_and_only_when_it_grows(symbols: int) -> None:
    of = session(minutes=10)
    pieces = chop(block_of([(of, all_rows(of, symbols))]), [symbols] * 20)
    outs = processed(plan(symbols=symbols), pieces)
    one, other = outs[2].sessions[0], outs[3].sessions[0]
    for number, item in enumerate(plan(symbols=symbols).declared):
        grew = (
            one.windows[item.symbol, item.interval] is not other.windows[item.symbol, item.interval]
        )
        assert (one.values[number] is not other.values[number]) == grew
        rows = len(other.windows[item.symbol, item.interval])
        assert all(len(output) >= rows for output in other.values[number].outputs)


def test_the_end_of_the_stream_makes_nothing() -> None:
    assert list(DataProcessor(plan()).step(EndOfStream("finished"))) == []
