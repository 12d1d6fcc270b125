"""A split: the gate counts what the run counts, and tells one that was announced from one that was
not.
"""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.gate_desk import RUN, SECOND, SHARE, START_NS, Desk, place
from tests.memory_disk import Faults, MemoryDisk
from tests.unit.execution_house import manager_of, open_session
from tests.unit.reconcile_house import recalled, says
from tests.unit.recovery_house import journal_of, news, results_of

from app.core.calendar import TradingSession
from app.core.instruments import Adjustment
from app.core.money import UNITS
from app.core.order_events import (
    NEVER_SENT,
    Filled,
    GateFilled,
    Halted,
    Intent,
    OrderEvent,
    Place,
    Refused,
    Split,
)
from app.core.orders import Terms
from app.managers.execution_manager.gate.calls import OpenOrdersCall
from app.managers.execution_manager.gate.gate_book import GateBook
from app.managers.execution_manager.gate.reconcile import recheck, reconcile
from app.managers.execution_manager.gate.splits import ComingSplit, coming_splits
from app.managers.execution_manager.live.live_broker import LiveBroker
from app.managers.execution_manager.live.order_reports import OrderReports
from app.managers.system_manager.live.line_journal import LineJournal
from app.managers.system_manager.rerun.recovery import Recovery
from app.repositories.journal_file import JournalWriter
from app.threads.live.recorder import Recorder

HOUR_NS = 3600 * SECOND
DATE = dt.date(2024, 3, 8)
TWO_FOR_ONE = Split(0, 100 * SHARE, 2, 1)


def holding() -> Desk:
    """A hundred shares of AAA, which are split two for one within the hour."""
    desk = Desk()
    desk.book.expect([ComingSplit(0, 2, 1, START_NS, START_NS + HOUR_NS)])
    desk.send(place())
    desk.stream(desk.report(), desk.fill("e1", 100))
    desk.positions = {"AAA": 100 * SHARE}
    desk.events.clear()
    return desk


def halts(desk: Desk) -> list[str]:
    return [one.reason for one in desk.events if isinstance(one, Halted)]


def test_a_venue_that_splits_before_the_run_does_halts_nothing_and_nothing_after_it() -> None:
    desk = holding()
    desk.wait(60)
    desk.positions = {"AAA": 200 * SHARE}
    desk.wait(120)
    desk.send(TWO_FOR_ONE)
    desk.wait(2 * 3600)
    assert desk.events == []
    assert desk.book.tracker.net[0] == 200 * SHARE


@pytest.mark.parametrize("made", [1, 3])
def test_a_venue_that_does_not_split_or_otherwise_is_seen_with_both_figures(made: int) -> None:
    desk = holding()
    desk.positions = {"AAA": made * 100 * SHARE}
    desk.wait(1)
    desk.send(TWO_FOR_ONE)
    desk.wait(60)
    (why,) = halts(desk)
    assert f"ours is {200 * SHARE} units, the venue's {made * 100 * SHARE}" in why


def test_a_split_that_the_run_does_not_make_in_time_is_seen() -> None:
    desk = holding()
    desk.positions = {"AAA": 200 * SHARE}
    desk.wait(3500)
    assert halts(desk) == []
    desk.wait(300)
    assert f"ours is {100 * SHARE} units, the venue's {200 * SHARE}" in halts(desk)[0]


def test_a_split_of_another_symbol_explains_nothing() -> None:
    desk = holding()
    desk.book.expect([ComingSplit(1, 2, 1, START_NS, START_NS + HOUR_NS)])
    desk.positions = {"AAA": 200 * SHARE}
    desk.wait(60)
    assert len(halts(desk)) == 1


def test_a_part_of_a_share_that_the_venue_pays_out_is_no_difference_before_the_run_splits() -> None:
    desk = holding()
    desk.book.expect([ComingSplit(0, 1, 3, START_NS, START_NS + HOUR_NS)])
    desk.positions = {"AAA": 33 * SHARE}
    desk.wait(60)
    desk.send(Split(0, -67 * SHARE, 1, 3))
    desk.wait(60)
    assert halts(desk) == []


def test_open_orders_are_asked_for_at_once_as_the_venue_may_have_ended_them() -> None:
    desk = holding()
    desk.wait(1)
    desk.book.send([TWO_FOR_ONE], desk.now_ns)
    desk.book.tick(desk.now_ns)
    assert any(isinstance(call, OpenOrdersCall) for call in desk.book.take().calls)


def test_what_was_there_before_the_run_and_what_others_bought_is_split_too() -> None:
    book = GateBook(RUN, ["AAA"], since_ns=START_NS, positions={"AAA": -7 * SHARE})
    book.tracker.beside[0] = 5 * SHARE
    book.tracker.net[0] += 100 * SHARE
    book.send([Split(0, 50 * SHARE, 3, 2)], START_NS)
    assert book.tracker.net[0] == 150 * SHARE - int(10.5 * SHARE)
    assert book.tracker.beside[0] == int(7.5 * SHARE)


def test_a_restart_between_the_venues_split_and_the_runs_finds_no_difference() -> None:
    book = recalled(place(1), Filled(1, "e1", 100 * SHARE, 10.0, 0, START_NS))
    book.expect([ComingSplit(0, 2, 1, START_NS, START_NS + HOUR_NS)])
    split = says(positions={"AAA": 200 * SHARE})
    assert reconcile(book, split, START_NS + SECOND) == []
    assert recheck(book, split, START_NS + SECOND) == []
    assert [row.resolution for row in reconcile(book, split, START_NS + 2 * HOUR_NS)] == ["halted"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-9, 9).filter(bool), st.booleans()), max_size=6),
    st.sampled_from([(2, 1), (3, 2), (1, 10)]),
    st.integers(0, 6),
)
def test_gate_and_books_hold_the_same_wherever_a_split_comes_among_fills(
    fills: list[tuple[int, bool]], ratio: tuple[int, int], at: int
) -> None:
    """Of one order or of the gate's own; recalled from a journal it is the same."""
    execution = manager_of(make_broker=LiveBroker)
    reports = OrderReports(execution)
    open_session(execution, DATE, 1)
    new, old = ratio
    adjustment = Adjustment("X", DATE, Decimal(new) / old, Decimal(0), old / new, new / old)
    journal: list[Intent | OrderEvent] = []
    for number, (shares, _) in enumerate(fills):
        if number == at:
            execution.adjust(0, adjustment, 10.0, 5)
            journal += execution.take_intents()
        event = GateFilled(0, f"e{number}", shares * UNITS, 10.0, 0, START_NS + number)
        reports.take([event], 6)
        journal.append(event)
    live, again = (GateBook(RUN, ["X"], since_ns=START_NS) for _ in range(2))
    for item in journal:
        again.recall(item)
        if isinstance(item, Split):
            live.send([item], START_NS)
        else:
            live.recall(item)
    held = execution.held_units[0]
    assert live.tracker.net[0] == again.tracker.net[0] == held
    splits = [one for one in journal if isinstance(one, Split)]
    assert len(splits) == (at < len(fills))


def test_what_is_to_come_runs_from_the_close_before_until_a_while_after_the_open() -> None:
    days = [DATE + dt.timedelta(days=number) for number in range(3)]
    sessions = [
        TradingSession("XNYS", date, place * HOUR_NS, place * HOUR_NS + HOUR_NS // 2)
        for place, date in enumerate(days, start=1)
    ]
    none = Decimal(0)
    actions = [
        Adjustment("BBB", days[1], Decimal("1.5"), none, 0.5, 2.0),
        Adjustment("AAA", days[2], Decimal(1), Decimal(2), 0.9, 1.0),  # a dividend
        Adjustment("AAA", DATE - dt.timedelta(days=9), Decimal(2), none, 0.5, 2.0),  # of history
    ]
    (coming,) = coming_splits(actions, sessions, ["AAA", "BBB"], SECOND)
    assert coming == ComingSplit(1, 3, 2, sessions[0].close_ns, sessions[1].open_ns + SECOND)


# -- on its way to the gate ------------------------------------------------------------------------


def test_a_split_that_the_journal_lacks_is_made_again_after_a_restart(tmp_path: Path) -> None:
    recovery = Recovery(journal_of(tmp_path, [news(1)]))
    void = Place(1, 0, "market", "day", Terms(UNITS, None, None, None, None), False, True)
    assert recovery.take(results_of(1, void, TWO_FOR_ONE))
    _, late, _ = recovery.finish()
    assert late == [TWO_FOR_ONE]


def test_a_split_reaches_the_gate_though_the_journal_cannot_be_written(tmp_path: Path) -> None:
    """And a human hears of an exit that does not."""
    disk = MemoryDisk()
    disk.faults = Faults()
    recorders: list[Recorder] = []

    def recorder(folder: Path, on_failure: Any) -> Recorder:
        recorders.append(Recorder(JournalWriter(folder, disk), on_failure))
        return recorders[-1]

    header: Any = SimpleNamespace(as_dict=dict, sessions=[1])
    heard: list[OrderEvent] = []
    told: list[tuple[str, str]] = []
    teller: Any = SimpleNamespace(alarm=lambda *words: told.append(words))
    means: Any = SimpleNamespace(recorder=recorder)
    journal = LineJournal(tmp_path, header, means, teller, heard.extend, str)
    journal.record_input(news(1))
    recorders[0].flush()
    disk.faults.first, disk.faults.last = len(disk.faults.calls) + 1, 10**9
    sent: list[Intent] = []
    stop = replace(place(2), kind="stop", reduce_only=True)
    journal.record_output(results_of(1, place(1), stop, TWO_FOR_ONE))
    journal.send(1, [place(1), stop, TWO_FOR_ONE], sent.extend)
    recorders[0].flush()
    assert sent == [TWO_FOR_ONE]
    assert [type(one).__name__ for one in heard] == ["Halted", "Refused", "Refused"]
    assert {one.cause for one in heard if isinstance(one, Refused)} == {NEVER_SENT}
    assert [what for what, _ in told] == ["journal failed", "exits not sent"]
    assert told[1][1].startswith("Of orders 2:")
