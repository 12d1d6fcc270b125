"""Late bars: once they are in, the stream is as if they had come in time; nothing is decided."""

import datetime as dt
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stream_blocks import all_rows, block_of, minute, session

from app.core.bars import Block, Table, fields_of, join_tables, no_rows
from app.core.instruments import Adjustment
from app.core.intervals import MINUTE_NS
from app.core.messages import Backfill, Bars, GapFound, History, Message
from app.services.blocks import keep_rows
from app.services.indicators import resolve
from app.threads.data_processor import DataProcessor, Processed, SessionPart
from app.threads.data_quality_manager import DataQualityManager
from app.threads.stream.plan import Declared, Plan
from app.threads.stream.run_state import StateAsked, StateGiven

NAMES = ("AAA", "BBB")
INTERVALS = ("1m", "5m", "1d")
COLUMNS = ("start_ns", "known_ns", "open", "high", "low", "close", "volume")
MINUTES = 17


def plan() -> Plan:
    kinds = [
        resolve("SMA", {"timeperiod": 3}, None),
        resolve("EMA", {"timeperiod": 4}, None),
        resolve("SESSION_VWAP", {}, None),
        resolve("OPENING_RANGE", {"minutes": 3}, None),
    ]
    declared = tuple(
        Declared(kind, symbol, interval)
        for kind in kinds
        for symbol in range(2)
        for interval in INTERVALS[:2]
    )
    return Plan(NAMES, "1m", INTERVALS, {"1m": 1, "5m": 1, "1d": 1}, False, declared)


def minutes_of(day: int, seed: int) -> list[Block]:
    """A session minute by minute, both symbols in each."""
    of, rng = session(day, MINUTES, breaks=[(8, 9)]), np.random.default_rng(seed)
    rows = [row for row in all_rows(of, 2) if not 8 <= (row[0] - of.open_ns) // MINUTE_NS < 9]
    whole = block_of([(of, rows)])
    close = 50 + np.round(rng.normal(0, 2, len(rows)), 2)
    whole = msgspec.structs.replace(
        whole, open=close, high=close + 1, low=close - 1, close=close,
        volume=np.round(rng.exponential(100, len(rows)), 3),
    )  # fmt: skip
    blocks = []
    for number in range(1, MINUTES + 1):
        part = keep_rows(whole, whole.known_ns == minute(of, number))
        spans = tuple(msgspec.structs.replace(s, end=len(part)) for s in part.spans)
        blocks.append(msgspec.structs.replace(part, spans=spans, through_ns=minute(of, number)))
    return blocks


def table_of(block: Block, keep: np.ndarray) -> Table:
    return Table(*(getattr(block, name)[keep] for name in fields_of(block)))


def late_stream(blocks: list[Block], delays: dict[tuple[int, int], int]) -> list[list[Message]]:
    """Per minute what comes: its bars, but those that are late; then those that come late."""
    due: dict[int, list[Table]] = {}
    last = len(blocks) - 1
    stream: list[list[Message]] = []
    for number, block in enumerate(blocks):
        delay = np.array([delays.get((number, int(s)), 0) for s in block.symbol], np.int64)
        for row in np.flatnonzero(delay).tolist():
            at = min(number + int(delay[row]), last)
            due.setdefault(at, []).append(table_of(block, np.array([row])))
        messages: list[Message] = [Bars(keep_rows(block, delay == 0))]
        if number in due:
            rows = join_tables(due.pop(number))
            rows = rows.take(np.argsort(rows.start_ns, kind="stable"))
            symbols = sorted({*rows.symbol.tolist()})
            messages.append(Backfill({s: rows.take(rows.symbol == s) for s in symbols}))
        stream.append(messages)
    return stream


def worker() -> DataProcessor:
    processor = DataProcessor(plan())
    adjustments = tuple(
        Adjustment("AAA", session(day).date, Decimal(2), Decimal(0), 0.5, 2.0) for day in (1, 2)
    )
    bars = {(s, name): no_rows() for s in range(2) for name in INTERVALS}
    list(processor.step(History((), bars, adjustments)))
    return processor


def shape(part: SessionPart) -> object:
    """All that can be read of a session, to the bit."""
    windows = {
        key: [getattr(window, name).tobytes() for name in (*COLUMNS, "session_first")]
        for key, window in part.windows.items()
    }
    values = [
        (one.first_ready, [output[one.first_ready :].tobytes() for output in one.outputs])
        for one in part.values
    ]
    return windows, values


def steps(processor: DataProcessor, messages: list[Message]) -> list[Processed]:
    return [out for message in messages for out in processor.step(message)]


places = st.tuples(st.integers(0, MINUTES - 1), st.integers(0, 1))


@given(
    st.integers(0, 10**6),
    st.lists(st.dictionaries(places, st.integers(1, MINUTES), max_size=12), min_size=1, max_size=3),
)
@settings(max_examples=20, deadline=None)
def test_once_late_bars_are_in_all_is_as_if_they_had_come_in_time(
    seed: int, days: list[dict[tuple[int, int], int]]
) -> None:
    in_time, late = worker(), worker()
    for day, delays in enumerate(days):
        blocks = minutes_of(day, seed + day)
        outstanding = {at: min(at[0] + delay, MINUTES - 1) for at, delay in delays.items()}
        for number, (block, messages) in enumerate(
            zip(blocks, late_stream(blocks, delays), strict=True)
        ):
            expected, found = steps(in_time, [Bars(block)]), steps(late, messages)
            assert all(not len(out) for out in found[1:]), "no bar of a backfill is shown"
            assert all(not len(t) for out in found[1:] for t in out.derived.values())
            if all(due <= number or at[0] > number for at, due in outstanding.items()):
                assert shape(found[-1].sessions[-1]) == shape(expected[-1].sessions[-1])
            if all(due < number or at[0] > number for at, due in outstanding.items()):
                for interval in INTERVALS[1:]:
                    one, other = found[0].derived[interval], expected[0].derived[interval]
                    for name in COLUMNS:
                        assert getattr(one, name).tobytes() == getattr(other, name).tobytes()


def test_a_late_bar_of_a_start_that_is_there_replaces_it() -> None:
    processor, blocks = worker(), minutes_of(0, 1)
    steps(processor, [Bars(block) for block in blocks[:6]])
    late = table_of(blocks[2], np.array([0]))
    late = msgspec.structs.replace(late, close=late.close + 0.5)
    (out,) = steps(processor, [Backfill({0: late})])
    window, five = out.sessions[-1].windows[0, "1m"], out.sessions[-1].windows[0, "5m"]
    assert len(window) == 6 and window.close[2] == late.close[0]
    assert len(five) == 1 and five.high[0] >= five.close[0]


def test_a_window_handed_out_before_stays_as_it_was() -> None:
    processor, blocks = worker(), minutes_of(0, 1)
    outs = steps(processor, [Bars(block) for block in blocks[:6]])
    before = outs[-1].sessions[-1]
    kept = shape(before)
    late = table_of(blocks[2], np.array([0]))
    steps(processor, [Backfill({0: msgspec.structs.replace(late, close=late.close + 0.5)})])
    steps(processor, [Bars(block) for block in blocks[6:]])
    assert shape(before) == kept


def test_a_catch_up_closes_derived_bars_that_nobody_is_shown() -> None:
    processor, blocks = worker(), minutes_of(0, 1)
    opening = keep_rows(blocks[0], np.full(2, False))
    opening = msgspec.structs.replace(opening, through_ns=int(blocks[0].start_ns[0]))
    tables = [table_of(block, np.array([True, False])) for block in blocks[:7]]
    later = keep_rows(blocks[6], np.full(2, False))
    outs = steps(processor, [Bars(opening), Backfill({0: join_tables(tables)}), Bars(later)])
    assert [len(out.derived["5m"]) for out in outs] == [0, 0, 0]
    assert len(outs[-1].sessions[-1].windows[0, "5m"]) == 1
    outs = steps(processor, [Bars(block) for block in blocks[7:]])
    shown = next(out.derived["5m"] for out in outs if len(out.derived["5m"]))
    assert shown.volume[0] == sum(float(block.volume[0]) for block in blocks[5:8])


def test_late_bars_before_any_session_are_of_no_use() -> None:
    assert steps(worker(), [Backfill({0: table_of(minutes_of(0, 1)[0], np.array([0]))})]) == []


# -- checks on the way in --------------------------------------------------------------------------


def manager(gaps: list[GapFound]) -> DataQualityManager:
    return DataQualityManager(NAMES, "1m", False, gaps.append)


def passed(of: DataQualityManager, *messages: Message) -> list[Message]:
    return [out for message in messages for out in of.step(message)]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"low": 0.0}, "price"),
        ({"high": 1.0}, "range"),
        ({"volume": -1.0}, "volume"),
        ({"start_ns": 0}, "session"),
    ],
)
def test_a_bad_late_bar_is_kept_out_and_named(changes: dict[str, float], reason: str) -> None:
    of, blocks = manager([]), minutes_of(0, 1)
    late = table_of(blocks[2], np.array([True, False]))
    columns = {name: np.full_like(getattr(late, name), value) for name, value in changes.items()}
    passed(of, *(Bars(block) for block in blocks[:4]))
    (out,) = passed(of, Backfill({0: msgspec.structs.replace(late, **columns)}, 9))
    assert out == Backfill({}, 9)
    assert sum(of.bad.values()) == 1 and next(iter(of.bad))[2] == reason
    assert not of.filled


def test_what_was_caught_up_with_ahead_of_time_comes_in_no_block_again() -> None:
    of, blocks = manager([]), minutes_of(0, 1)
    tables = [table_of(block, np.array([True, False])) for block in blocks[1:4]]
    out = passed(of, Bars(blocks[0]), Backfill({0: join_tables(tables)}), *map(Bars, blocks[3:5]))
    assert [message.block.symbol.tolist() for message in out[2:] if isinstance(message, Bars)] == [
        [1],
        [0, 1],
    ]
    assert of.bad == {("AAA", blocks[0].spans[0].session.date, "order"): 1}


def test_late_bars_count_as_present_and_corrected_ones_once() -> None:
    of, blocks = manager([]), minutes_of(0, 1)
    messages: list[Message] = [Bars(block) for block in blocks]
    messages[3] = Bars(keep_rows(blocks[3], blocks[3].symbol != 0))
    messages.insert(6, Backfill({0: table_of(blocks[3], np.array([True, False]))}))
    messages.insert(7, Backfill({0: table_of(blocks[2], np.array([True, False]))}))
    passed(of, *messages)
    assert [of.book.totals[name].present for name in NAMES] == [16, 16]
    assert of.book.totals["AAA"].expected == 16
    assert of.filled == {("AAA", blocks[0].spans[0].session.date): 1}


def test_bars_that_are_known_again_after_a_break_do_not_count_as_late_once_more() -> None:
    of, blocks = manager([]), minutes_of(0, 1)
    first = np.array([True, False])
    day = [table_of(block, first) for block in blocks[:12] if len(block)]
    passed(of, *(Bars(keep_rows(block, block.symbol != 0)) for block in blocks[:9]))
    passed(of, Backfill({0: join_tables(day[:5])}))  # a start in mid-session
    date = blocks[0].spans[0].session.date
    assert of.filled["AAA", date] == 5
    passed(of, Backfill({0: join_tables(day[:7])}))  # a recovery: two more, and the whole day
    assert of.filled["AAA", date] == 7
    again = manager([])
    (asked,) = passed(of, StateAsked(1))
    again._restore(asked.quality)
    passed(again, Backfill({0: join_tables(day[:7])}))
    assert again.filled == of.filled


def test_a_bar_of_the_last_minute_that_comes_behind_the_close_is_late_once() -> None:
    of, blocks = manager([]), minutes_of(0, 1)
    passed(of, *map(Bars, blocks[:-1]), Bars(keep_rows(blocks[-1], blocks[-1].symbol != 0)))
    last = Backfill({0: table_of(blocks[-1], np.array([True, False]))})
    passed(of, last, last)
    passed(of, Backfill({0: table_of(blocks[3], np.array([True, False]))}))
    assert of.filled == {("AAA", blocks[0].spans[0].session.date): 1}


# -- gaps ------------------------------------------------------------------------------------------


def test_a_gap_is_told_once_when_the_bar_after_it_has_come() -> None:
    gaps: list[GapFound] = []
    of, blocks = manager(gaps), minutes_of(0, 1)
    session_of = blocks[0].spans[0].session
    for number, block in enumerate(blocks):
        kept = keep_rows(block, np.full(len(block), False)) if number in (4, 5) else block
        passed(of, Bars(kept))
        if number < 6:
            assert not gaps
    ends = minute(session_of, 4), minute(session_of, 6)
    assert gaps == [GapFound(0, *ends), GapFound(1, *ends)]


def test_a_break_is_no_gap_and_neither_is_the_night() -> None:
    gaps: list[GapFound] = []
    of = manager(gaps)
    for day in range(2):
        passed(of, *(Bars(block) for block in minutes_of(day, day)))
    assert not gaps


def test_the_first_bars_of_a_session_are_missed_too_unless_they_came_late() -> None:
    for caught_up in (False, True):
        gaps: list[GapFound] = []
        of, blocks = manager(gaps), minutes_of(0, 1)
        start = msgspec.structs.replace(
            keep_rows(blocks[0], np.full(2, False)), through_ns=blocks[2].through_ns
        )
        passed(of, Bars(start))
        if caught_up:
            tables = [table_of(block, np.array([True, False])) for block in blocks[:3]]
            passed(of, Backfill({0: join_tables(tables)}))
        passed(of, Bars(blocks[3]))
        open_ns = blocks[0].spans[0].session.open_ns
        missed = [GapFound(0, open_ns, int(blocks[3].start_ns[0]))]
        other = GapFound(1, open_ns, int(blocks[3].start_ns[0]))
        assert gaps == ([other] if caught_up else [*missed, other])


def test_a_gap_goes_back_to_the_feed_and_not_down_the_stream() -> None:
    gaps: list[GapFound] = []
    of, blocks = manager(gaps), minutes_of(0, 1)
    out = passed(of, Bars(blocks[0]), Bars(blocks[3]))
    assert len(gaps) == 2 and all(isinstance(message, Bars) for message in out)


def test_how_many_bars_came_late_is_known_after_a_break_as_well() -> None:
    manager, again = (DataQualityManager(("X", "Y"), "1m", False) for _ in range(2))
    manager.filled["Y", dt.date(2024, 11, 4)] = 3
    (asked,) = manager.step(StateAsked(5))
    assert isinstance(asked, StateAsked)
    state: Any = SimpleNamespace(quality=asked.quality)
    message = StateGiven(5, state)
    assert [*again.step(message)] == [message]
    assert again.filled == manager.filled
