"""The replay feed against its bars: nothing lost, nothing early, every session named."""

import datetime as dt
import itertools
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.market import Memory, minute_starts, random_bars, weekday_sessions
from tests.random_market import Spec, specs

from app.core.bars import COLUMNS, BarColumns, Block, Table
from app.core.calendar import TradingSession
from app.core.instruments import Adjustment
from app.core.intervals import MINUTE_NS
from app.core.messages import Bars, History, Message
from app.managers.data_manager.replay_feed import ReplayFeed
from app.managers.data_manager.stored_bars import Wanted
from app.repositories.bar_store_codec import content_hash

SESSIONS = weekday_sessions(dt.date(2024, 3, 4), 8, minutes=30)
Bank = dict[tuple[str, str], BarColumns]


class Watched(Memory):
    """A source that notes what was read of it."""

    def __init__(self, bars: Bank) -> None:
        super().__init__(bars)
        self.reads: list[tuple[str, str, int, int]] = []

    def columns(
        self, market: str, symbol: str, interval: str, start_ns: int, end_ns: int
    ) -> BarColumns:
        self.reads.append((symbol, interval, start_ns, end_ns))
        return super().columns(market, symbol, interval, start_ns, end_ns)


def wanted(**parts: Any) -> Wanted:
    """What most tests want: a run over the last four sessions."""
    base: dict[str, Any] = {
        "market": "XNYS",
        "symbols": ("AAA",),
        "base_interval": "1m",
        "intervals": ("1m",),
        "history": {},
        "extended_hours": False,
        "sessions": SESSIONS[4:],
        "sessions_before": SESSIONS[:4],
        "adjustments": (),
        "block_rows": 8192,
    }
    return Wanted(**{**base, **parts})


def bank(sessions: Sequence[TradingSession] = SESSIONS, symbols: Sequence[str] = ("AAA",)) -> Bank:
    """Every minute of these sessions."""
    starts = minute_starts(sessions)
    return {(name, "1m"): random_bars(starts, seed) for seed, name in enumerate(symbols)}


def without(columns: BarColumns, dropped: Sequence[int]) -> BarColumns:
    kept = np.ones(len(columns), np.bool_)
    kept[list(dropped)] = False
    return BarColumns(*(getattr(columns, name)[kept] for name in COLUMNS))


def told(bars: Bank, want: Wanted) -> tuple[History, list[Block], ReplayFeed]:
    """Everything the feed says."""
    feed = ReplayFeed(Memory(bars), want)
    messages: list[Message] = list(feed.messages())
    assert isinstance(messages[0], History)
    blocks = [message.block for message in messages[1:] if isinstance(message, Bars)]
    assert len(blocks) == len(messages) - 1
    return messages[0], blocks, feed


def rows_of(block: Block | Table, symbol: int) -> list[tuple[float, ...]]:
    mine = block.symbol == symbol
    return list(zip(*(getattr(block, name)[mine].tolist() for name in COLUMNS), strict=True))


# -- the run's blocks, on any market ---------------------------------------------------------------


def wanted_of(spec: Spec, block_rows: int) -> Wanted:
    calendar = spec.calendar()
    return wanted(
        symbols=tuple(spec.symbols),
        base_interval=spec.base,
        intervals=(spec.base,),
        extended_hours=spec.extended,
        sessions=calendar[spec.history :],
        sessions_before=calendar[: spec.history],
        block_rows=block_rows,
    )


any_market = given(specs(), st.sampled_from([1, 3, 50, 8192]))


@any_market
def test_blocks_hold_every_bar_of_the_run_s_sessions_once_and_in_order(
    spec: Spec, block_rows: int
) -> None:
    bars, want = spec.bars(), wanted_of(spec, block_rows)
    _, blocks, _ = told(bars, want)
    for number, name in enumerate(want.symbols):
        columns = bars[name, spec.base]
        expected = [
            tuple(getattr(columns, field)[row].item() for field in COLUMNS)
            for row in range(len(columns))
            if any(
                (parts := session.segments(spec.extended))[0].start_ns
                <= columns.start_ns[row]
                < parts[-1].end_ns
                for session in want.sessions
            )
        ]
        assert [row for block in blocks for row in rows_of(block, number)] == expected
    order = [
        pair for b in blocks for pair in zip(b.start_ns.tolist(), b.symbol.tolist(), strict=True)
    ]
    assert order == sorted(order)
    assert all(len(block) <= block_rows for block in blocks)


@any_market
def test_through_ns_only_grows_and_keeps_its_promise(spec: Spec, block_rows: int) -> None:
    """Every bar known up to there is in; so a later block has none known by then."""
    _, blocks, _ = told(spec.bars(), want := wanted_of(spec, block_rows))
    through_ns = -1
    for block in blocks:
        assert block.through_ns >= through_ns
        assert not len(block) or block.known_ns[0] > through_ns
        through_ns = block.through_ns
    assert through_ns == want.sessions[-1].segments(spec.extended)[-1].end_ns


@any_market
def test_a_block_names_just_the_sessions_under_way_with_their_rows(
    spec: Spec, block_rows: int
) -> None:
    _, blocks, _ = told(spec.bars(), want := wanted_of(spec, block_rows))
    before_ns = 0
    for block in blocks:
        under_way = []
        for session in want.sessions:
            parts = session.segments(spec.extended)
            if parts[0].start_ns <= block.through_ns and parts[-1].end_ns > before_ns:
                inside = (block.start_ns >= parts[0].start_ns) & (block.start_ns < parts[-1].end_ns)
                under_way.append((session.date, int(inside.sum())))
        assert [(s.session.date, s.end - s.first) for s in block.spans] == under_way
        assert [s.first for s in block.spans[1:]] == [s.end for s in block.spans[:-1]]
        before_ns = block.through_ns


@pytest.mark.parametrize(
    ("block_rows", "lengths"),
    [(30, [30] * 4), (50, [30] * 4), (70, [60, 60]), (61, [60, 60]), (59, [30] * 4)],
)
def test_a_block_that_is_half_full_by_then_ends_with_a_session(
    block_rows: int, lengths: list[int]
) -> None:
    _, blocks, _ = told(bank(), wanted(symbols=("AAA",), block_rows=block_rows))
    assert [len(block) for block in blocks] == lengths
    assert [len(block.spans) for block in blocks] == [length // 30 for length in lengths]


def test_a_block_that_is_not_half_full_by_a_session_s_end_goes_on() -> None:
    _, blocks, _ = told(bank(), wanted(symbols=("AAA",), block_rows=25))
    assert [len(block) for block in blocks] == [25, 25, 25, 15, 25, 5]


# -- sessions without bars, gaps, chunks -----------------------------------------------------------


def test_a_session_without_any_bar_is_named_all_the_same() -> None:
    bars = {("AAA", "1m"): without(bank()["AAA", "1m"], range(5 * 30, 6 * 30))}
    _, blocks, _ = told(bars, wanted())
    named = {span.session.date for block in blocks for span in block.spans}
    assert named == {session.date for session in SESSIONS[4:]}


@pytest.mark.parametrize("lost", [range(4 * 30, 5 * 30), range(7 * 30, 8 * 30), range(8 * 30)])
def test_a_run_begins_and_ends_with_its_sessions_whatever_is_lost(lost: range) -> None:
    """The first session, the last one, or everything."""
    bars = {("AAA", "1m"): without(bank()["AAA", "1m"], lost)}
    _, blocks, _ = told(bars, wanted(block_rows=7))
    spans = [span.session.date for block in blocks for span in block.spans]
    assert (spans[0], spans[-1]) == (SESSIONS[4].date, SESSIONS[7].date)
    assert blocks[-1].through_ns == SESSIONS[7].close_ns


def test_a_symbol_may_come_late_and_leave_early() -> None:
    bars = bank(symbols=("AAA", "BBB"))
    bars["BBB", "1m"] = bars["BBB", "1m"].slice(5 * 30, 6 * 30)
    _, blocks, _ = told(bars, wanted(symbols=("AAA", "BBB"), block_rows=11))
    assert sum(int((block.symbol == 1).sum()) for block in blocks) == 30
    assert sum(int((block.symbol == 0).sum()) for block in blocks) == 4 * 30


def test_bars_between_sessions_are_left_out() -> None:
    bars = bank()["AAA", "1m"]
    stray = random_bars(np.array([SESSIONS[5].close_ns + 7 * MINUTE_NS]), 9)
    columns = [np.insert(getattr(bars, name), 6 * 30, getattr(stray, name)[0]) for name in COLUMNS]
    _, blocks, _ = told({("AAA", "1m"): BarColumns(*columns)}, wanted())
    assert sum(len(block) for block in blocks) == 4 * 30


def test_a_long_run_is_read_in_chunks_of_sessions_and_never_twice() -> None:
    sessions = weekday_sessions(dt.date(2020, 1, 6), 400)
    source = Watched(bank(sessions, ("AAA", "BBB")))
    want = wanted(sessions=sessions, sessions_before=(), symbols=("AAA", "BBB"))
    rows = sum(len(m.block) for m in ReplayFeed(source, want).messages() if isinstance(m, Bars))
    assert rows == 2 * 400 * 390
    for symbol in ("AAA", "BBB"):
        reads = [(start, end) for name, _, start, end in source.reads if name == symbol]
        assert len(reads) == 10  # of 42 sessions each
        assert reads[0][0] == sessions[0].open_ns
        assert reads[-1][1] == sessions[-1].close_ns
        assert all(one[1] <= other[0] for one, other in itertools.pairwise(reads))


def test_nothing_is_read_before_it_is_asked_for() -> None:
    source = Watched(bank(sessions := weekday_sessions(dt.date(2020, 1, 6), 400)))
    messages = ReplayFeed(source, wanted(sessions=sessions, sessions_before=())).messages()
    next(messages)
    assert source.reads == []
    next(messages)
    assert len(source.reads) == 1


def test_extended_hours_bring_their_bars_and_their_ends() -> None:
    of = TradingSession(
        "XNYS",
        dt.date(2024, 3, 4),
        (first := SESSIONS[0].open_ns),
        first + 30 * MINUTE_NS,
        pre_open_ns=first - 10 * MINUTE_NS,
        post_close_ns=first + 45 * MINUTE_NS,
    )
    starts = np.arange(first - 20 * MINUTE_NS, first + 60 * MINUTE_NS, MINUTE_NS)
    bars = {("AAA", "1m"): random_bars(starts, 0)}
    for extended, rows, end_ns in ((False, 30, of.close_ns), (True, 55, of.post_close_ns)):
        want = wanted(sessions=(of,), sessions_before=(), extended_hours=extended)
        _, blocks, _ = told(bars, want)
        assert sum(len(block) for block in blocks) == rows
        assert blocks[-1].through_ns == end_ns


def test_daily_bars_are_known_at_the_close_of_their_session() -> None:
    days = random_bars(np.array([session.open_ns for session in SESSIONS]), 1)
    want = wanted(base_interval="1d", intervals=("1d",), block_rows=1)
    _, blocks, _ = told({("AAA", "1d"): days}, want)
    known = [int(at) for block in blocks for at in block.known_ns]
    assert known == [session.close_ns for session in SESSIONS[4:]]


# -- history ---------------------------------------------------------------------------------------


def test_without_declared_history_there_is_none() -> None:
    history, _, feed = told(bank(), wanted(intervals=("1m", "5m"), history={"5m": 0}))
    assert {key: len(table) for key, table in history.bars.items()} == {(0, "1m"): 0, (0, "5m"): 0}
    assert feed.history_sources == {}


def test_all_of_the_run_means_nothing_before_it() -> None:
    history, _, _ = told(bank(), wanted(history={"1m": None}))
    assert len(history.bars[0, "1m"]) == 0


@pytest.mark.parametrize("count", [1, 3, 4])
def test_history_is_the_sessions_just_before_the_run(count: int) -> None:
    history, _, _ = told(bank(), wanted(history={"1m": count}))
    expected = bank()["AAA", "1m"].slice((4 - count) * 30, 4 * 30)
    table = history.bars[0, "1m"]
    assert table.start_ns.tolist() == expected.start_ns.tolist()
    assert table.known_ns.tolist() == (expected.start_ns + MINUTE_NS).tolist()
    assert table.close.tolist() == expected.close.tolist()
    assert history.sessions == SESSIONS[:4]


def test_each_interval_has_its_own_length_of_history() -> None:
    want = wanted(intervals=("1m", "5m", "1d"), history={"1m": 1, "5m": 2, "1d": 4})
    history, _, _ = told(bank(), want)
    lengths = {interval: len(history.bars[0, interval]) for interval in want.intervals}
    assert lengths == {"1m": 30, "5m": 2 * 6, "1d": 4}


def derived(bars: Bank, **parts: Any) -> tuple[Table, str]:
    history, _, feed = told(bars, wanted(intervals=("1m", "5m"), history={"5m": 2}, **parts))
    return history.bars[0, "5m"], str(feed.history_sources["AAA 5m"]["origin"])


def fives(marked: float = 0.0) -> BarColumns:
    """Stored bars of five minutes; `marked` volume tells them from derived ones."""
    starts = np.concatenate([np.arange(s.open_ns, s.close_ns, 5 * MINUTE_NS) for s in SESSIONS])
    bars = random_bars(starts, 5)
    return BarColumns(*(getattr(bars, n) for n in COLUMNS[:-1]), np.full(len(bars), marked))


def test_stored_bars_serve_as_history_when_they_are_complete() -> None:
    table, source = derived({**bank(), ("AAA", "5m"): fives(marked=77.0)})
    assert source == "stored"
    assert set(table.volume.tolist()) == {77.0}
    assert table.known_ns.tolist() == (table.start_ns + 5 * MINUTE_NS).tolist()


@pytest.mark.parametrize("lost", [2 * 6, 3 * 6 + 5])
def test_one_stored_bar_that_is_missing_has_all_derived(lost: int) -> None:
    table, source = derived({**bank(), ("AAA", "5m"): without(fives(77.0), [lost])})
    assert source == "derived from 1m"
    assert 77.0 not in table.volume.tolist()
    assert len(table) == 2 * 6


def test_what_is_missing_before_the_declared_history_does_not_matter() -> None:
    _, source = derived({**bank(), ("AAA", "5m"): without(fives(77.0), range(2 * 6))})
    assert source == "stored"


def test_incomplete_stored_bars_serve_when_there_is_nothing_to_derive_from() -> None:
    bars = {
        ("AAA", "1m"): bank()["AAA", "1m"].slice(4 * 30, 8 * 30),
        ("AAA", "5m"): without(fives(77.0), [2 * 6]),
    }
    table, source = derived(bars)
    assert (source, len(table)) == ("stored", 2 * 6 - 1)


def test_history_that_is_nowhere_is_called_none() -> None:
    table, source = derived({("AAA", "1m"): bank()["AAA", "1m"].slice(4 * 30, 8 * 30)})
    assert (source, len(table)) == ("none", 0)


def test_stored_days_are_complete_with_one_bar_a_session_breaks_and_extended_hours_or_not() -> None:
    sessions = tuple(
        TradingSession(
            "XTKS",
            s.date,
            s.open_ns,
            s.close_ns,
            breaks=((s.open_ns + 10 * MINUTE_NS, s.open_ns + 15 * MINUTE_NS),),
            pre_open_ns=s.open_ns - MINUTE_NS,
            post_close_ns=s.close_ns + MINUTE_NS,
        )
        for s in SESSIONS
    )
    days = random_bars(np.array([session.open_ns for session in sessions]), 1)
    for extended in (False, True):
        want = wanted(
            intervals=("1m", "1d"),
            history={"1d": 3},
            extended_hours=extended,
            sessions=sessions[4:],
            sessions_before=sessions[:4],
        )
        history, _, feed = told({**bank(sessions), ("AAA", "1d"): days}, want)
        ((name, found),) = feed.history_sources.items()
        assert (name, found["origin"], found["bars"]) == ("AAA 1d", "stored", 3)
        assert found["source_hash"] == content_hash(days.slice(1, 4), {})
        assert history.bars[0, "1d"].close.tolist() == days.close[1:4].tolist()
        assert history.bars[0, "1d"].known_ns.tolist() == [s.close_ns for s in sessions[1:4]]


def test_corporate_actions_travel_with_the_history() -> None:
    split = Adjustment("AAA", SESSIONS[2].date, Decimal(2), Decimal(0), 0.5, 2.0)
    history, _, _ = told(bank(), wanted(history={"1m": 4}, adjustments=(split,)))
    assert history.adjustments == (split,)
    assert history.bars[0, "1m"].close.tolist() == bank()["AAA", "1m"].close[: 4 * 30].tolist()
