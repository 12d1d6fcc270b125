"""What a second life of a live run must know of the first, and what it must leave behind."""

import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from loguru import logger
from tests.gate_desk import RUN, START_NS
from tests.live_house import House, blocks_of
from tests.market import Memory
from tests.unit.recovery_house import (
    PLACED,
    Line,
    Wordless,
    journal_of,
    news,
    no_answer_awaited,
    results_of,
)
from tests.unit.test_live_stream import QUIET, SESSIONS, wanted

from app.core.intervals import HOUR_NS, MINUTE_NS, SECOND_NS
from app.core.messages import BrokerNews, Command, Message
from app.core.money import UNITS
from app.core.order_events import (
    Acknowledged,
    Amend,
    Cancel,
    ChangeRefused,
    Halted,
    Place,
    Resumed,
    Voided,
)
from app.core.orders import Terms
from app.core.settings import Settings
from app.core.state import SystemState
from app.core.venue import VenueTime
from app.managers.execution_manager.gate.gate_book import GateBook
from app.managers.execution_manager.gate.reconcile import LEFT_ALONE, Difference
from app.managers.execution_manager.orders.parts import APART
from app.managers.system_manager.journal.journal_feed import HISTORY_SOURCES, RunJournal
from app.managers.system_manager.live import line_reconciling
from app.managers.system_manager.live.catching_up import ResumedFeed
from app.managers.system_manager.live.line_reconciling import Reconciling
from app.managers.system_manager.record.run_outcome import RunEnd
from app.managers.system_manager.rerun.recovery import Recovery
from app.managers.system_manager.run_session import RunSession
from app.managers.system_manager.system_manager import SystemManager
from app.threads.engines.guarded_engine import SKEW
from app.threads.stream.commands import PAUSE, RESUME

__all__ = ["no_answer_awaited"]


class StillFeed:
    """A live feed in which nothing happens."""

    def messages(self) -> Iterator[Message]:
        yield Command("history")  # what comes first


def test_a_halt_of_the_feed_or_of_a_failed_journal_does_not_outlive_the_program(
    tmp_path: Path,
) -> None:
    journal = journal_of(
        tmp_path,
        [
            news(1, Halted(-1, "the market stream is gone", "feed"), Halted(0, "stale", "feed")),
            news(2, Halted(-1, "no disk", "journal"), Halted(1, "positions differ")),
            news(3, Resumed(0, "data flows again", "feed")),
        ],
    )
    recovery = Recovery(journal)
    recovery.go_on()
    feed = ResumedFeed(recovery, StillFeed(), lambda: 1, lambda: False)  # type: ignore[arg-type]
    live = [m for m in feed.messages() if isinstance(m, BrokerNews) and not m.sequence]
    resumed = [e for m in live for e in m.events if isinstance(e, Resumed)]
    assert {(one.symbol, one.source) for one in resumed} == {(-1, "feed"), (-1, "journal")}


def test_a_run_that_goes_on_stands_on_the_history_it_began_with(tmp_path: Path) -> None:
    given = {"AAA 1m": {"origin": "stored", "bars": 390, "source_hash": "of then"}}
    journal = journal_of(tmp_path, [news(1)], notes=[{"alarm": "else"}, {HISTORY_SOURCES: given}])
    live = SimpleNamespace(history_sources={"AAA 1m": {"origin": "none"}})
    feed = ResumedFeed(Recovery(journal), live, lambda: 1, lambda: False)  # type: ignore[arg-type]
    assert feed.history_sources == given


def test_a_gate_recalls_its_own_halts_and_nobody_else_s() -> None:
    book = GateBook(RUN, ["AAA", "BBB"], since_ns=START_NS)
    for event in (
        Halted(0, "positions differ"),
        Halted(0, "stale", "feed"),
        Resumed(0, "data flows again", "feed"),
        Halted(-1, "the run catches up with the time", "start"),
    ):
        book.recall(event)
    assert book.latch.halted == {0: "positions differ"}


def test_a_change_of_a_void_order_is_asked_of_nobody(tmp_path: Path) -> None:
    recovery = Recovery(journal_of(tmp_path, [news(1), news(2), news(3)]))
    assert recovery.take(results_of(1, PLACED))
    assert recovery.take(results_of(2, Cancel(1), Cancel(7)))
    _, late, void = recovery.finish()
    assert (late, void) == ([Cancel(7)], (Voided(1),))


def test_a_run_that_was_paused_when_it_broke_off_is_so_until_somebody_resumes_it(
    tmp_path: Path,
) -> None:
    pause, resume = Command(PAUSE, sequence=1), Command(RESUME, sequence=2)
    assert not Recovery(journal_of(tmp_path / "resumed", [pause, resume])).is_paused
    recovery = Recovery(journal_of(tmp_path / "paused", [pause]))
    assert recovery.is_paused
    line = SimpleNamespace(was_paused=recovery.is_paused, resume=lambda: asked.append(RESUME))
    asked: list[str] = []
    nothing: Any = None
    session = RunSession(
        nothing, nothing, nothing, {}, (), None, line=cast(Any, line), risk=nothing
    )
    system = SystemManager(Settings(data_folder=tmp_path))
    system.__dict__["_builder"] = SimpleNamespace(build=lambda *words: session)
    system._prepare("config", False, None, False)
    assert system.state is SystemState.PAUSED, "else a client's 'resume' would change nothing"
    system.resume()
    assert asked == [RESUME]


# -- when it begins --------------------------------------------------------------------------------


def test_what_takes_a_position_out_is_sent_late_and_what_opens_one_never(tmp_path: Path) -> None:
    recovery = Recovery(journal_of(tmp_path, [news(1)]))
    stop = Place(2, 0, "stop", "gtc", Terms(-UNITS, None, 9.0, None, None), True, False)
    assert recovery.take(results_of(1, PLACED, stop))
    _, late, void = recovery.finish()
    assert (late, void) == ([stop], (Voided(1),))


def test_what_leaves_anew_and_opens_nothing_is_sent_late(tmp_path: Path) -> None:
    """As a stop that its strategy gave, of which nothing works since the venue has it back."""
    recovery = Recovery(journal_of(tmp_path, [news(1)]))
    terms = Terms(-UNITS, None, 9.0, None, None)
    stop = Place(2 + APART, 0, "stop", "gtc", terms, False, False)
    first = msgspec.structs.replace(stop, order_id=3)
    assert recovery.take(results_of(1, stop, first))
    _, late, void = recovery.finish()
    assert (late, void) == ([stop], (Voided(3),))


def test_an_order_is_not_made_larger_late_where_that_may_open_more(tmp_path: Path) -> None:
    recovery = Recovery(journal_of(tmp_path, [news(1), news(2)]))
    more = Terms(2 * UNITS, 9.0, None, None, None)
    tighter = Amend(5, Terms(-UNITS, None, 9.5, None, None), False)
    asked = [PLACED, Amend(1, more, True), Amend(3, more, True), Amend(4, more, True), tighter]
    assert recovery.take(results_of(1, *asked))
    assert recovery.take(results_of(2, Cancel(4)))
    _, late, never = recovery.finish()
    assert late == [tighter, Cancel(4)]
    assert [(type(one), one.order_id) for one in never] == [(Voided, 1), (ChangeRefused, 3)]
    assert recovery.void == {1}


def test_a_further_part_that_was_never_sent_is_no_order_less(tmp_path: Path) -> None:
    recovery = Recovery(journal_of(tmp_path, [news(1)]))
    part = msgspec.structs.replace(PLACED, order_id=1 + APART)
    assert recovery.take(results_of(1, part))
    assert recovery.void == set()
    _, _, never = recovery.finish()
    assert never == (Voided(1 + APART),)


def test_a_recovery_that_fails_leaves_the_run_as_unfinished_as_it_was(
    tmp_path: Path,
) -> None:
    held = Line(tmp_path, [Acknowledged(1)])
    assert not held.line.is_recovered
    held.line.close(RunEnd("failed", error="a strategy has changed"))
    assert RunJournal(tmp_path).end() is None
    assert Recovery(RunJournal(tmp_path)).last_sequence == 1


def told_to(now_ns: int, through_ns: int | None) -> list[Message]:
    """What a run of two sessions is told that begins then, with one thing said of its orders."""
    of = House(
        Memory({}), wanted(SESSIONS[:2]), [(now_ns, Acknowledged(1))], now_ns, {},
        through_ns=through_ns, **QUIET,
    )  # fmt: skip
    return of.messages()


def test_a_run_that_goes_on_after_its_last_close_still_hears_of_it_and_of_its_orders() -> None:
    last = SESSIONS[1]
    messages = told_to(last.close_ns + HOUR_NS, SESSIONS[0].open_ns + MINUTE_NS)
    assert BrokerNews((Acknowledged(1),)) in messages
    blocks = blocks_of(messages)
    assert blocks[-1].through_ns == last.close_ns
    assert {span.session.date for block in blocks for span in block.spans} == {
        session.date for session in SESSIONS[:2]
    }


def test_a_run_that_goes_on_in_its_next_session_closes_the_one_before() -> None:
    through_ns = SESSIONS[0].open_ns + MINUTE_NS
    blocks = blocks_of(told_to(SESSIONS[1].open_ns + MINUTE_NS, through_ns))
    assert [span.session.date for span in blocks[0].spans] == [one.date for one in SESSIONS[:2]]
    assert all(through_ns < block.through_ns for block in blocks)


# -- the line while a run is being recovered -------------------------------------------------------


@pytest.fixture
def line(tmp_path: Path, no_answer_awaited: None) -> Iterator[Line]:
    held = Line(tmp_path, (Acknowledged(1),))
    yield held
    held.line.close(RunEnd("stopped"))
    assert threading.active_count() < 60


def test_entries_wait_for_a_venue_that_did_not_answer_though_no_order_is_in_doubt(
    line: Line,
) -> None:
    line.recover()
    assert "not reconciled yet: no answer" in line.alarms.told
    gate: Any = line.line._gate
    found: list[type] = []
    for compared in (False, True, True):
        gate.status = lambda compared=compared: SimpleNamespace(compared=compared, in_doubt=0)
        line.line._look_after()
        told = line.line.inbox.take(0.0)
        found += [type(one) for one in told if getattr(one, "source", "") == "recovery"]
        assert found == ([Halted, Resumed] if compared else [Halted])
    del gate.status


@pytest.mark.parametrize("watches", [True, False])
def test_the_venue_s_clock_is_an_input_where_a_breaker_looks_at_it(
    line: Line, watches: bool
) -> None:
    run: Any = line.line._run
    run.watches_clock = watches
    line.line._look_after()
    told = [one for one in line.line.inbox.take(0.0) if isinstance(one, Command)]
    assert [one.name for one in told] == [SKEW] * watches
    assert all(abs(int(one.value)) < 10**12 for one in told)


def test_a_stop_or_a_kill_amid_a_recovery_waits_until_the_orders_are_known(line: Line) -> None:
    line.line.stop(line.end)
    line.line.kill("freeze", line.end)
    line.means.look()
    assert line.ended == []  # the gate knows of no order yet: nothing is done
    line.recover()
    assert line.book.latch.killed == "freeze"  # though the record ends with a release
    line.means.look()
    line.means.look()
    assert line.ended == []  # an order that opens may work
    line.means.look(late=True)
    assert line.ended
    told = [one for one in line.alarms.told if one.startswith("ended with open")]
    assert "1 orders may still work at the venue, 1 of them may open a position" in told[0]


def test_a_flatten_is_not_cut_short_by_somebody_who_asks_for_less(line: Line) -> None:
    line.recover()
    line.line.kill("flatten", line.end)
    line.line.kill("freeze", line.end)
    line.book.tracker.net[0] = UNITS
    for order in list(line.book.tracker.open.values()):
        line.book.tracker.end(order, "CANCELED", None)
    line.means.look()
    assert line.ended == []


def test_a_call_at_a_venue_whose_clock_is_faster_may_take_as_long_as_at_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Wordless, "time", lambda self: VenueTime(START_NS, 60.0))
    book = Line(tmp_path, ()).book
    book.send([PLACED], START_NS)
    (call,) = book.take().calls
    assert book.begin(call, START_NS)
    book.tick(START_NS + 500 * SECOND_NS)
    assert not [one for one in book.take().alarms if one.what == "call hangs"]
    book.tick(START_NS + 600 * SECOND_NS)
    assert [one.what for one in book.take().alarms] == ["call hangs"]


def test_a_run_that_ends_before_it_was_recovered_says_that_nobody_looks_after_it(
    tmp_path: Path,
) -> None:
    line = Line(tmp_path, ())
    line.line.close(RunEnd("failed", error="the strategy has changed"))
    assert [one for one in line.alarms.told if one.startswith("not recovered: ")]
    assert not line.book.latch.killed


def test_what_others_did_meanwhile_is_one_line_of_the_log_and_what_differs_one_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = [Difference(f"execution {at}", "missing", "1 AAA at 9", LEFT_ALONE) for at in range(900)]
    rows += [Difference("position AAA", "1", "2", "halted")]
    monkeypatch.setattr(line_reconciling, "reckon", lambda *_: (rows, ()))
    lines: list[str] = []
    sink = logger.add(lambda text: lines.append(str(text)), format="{message}")
    try:
        nobody: Any = None
        Reconciling(nobody, nobody, lambda events: None).compare(nobody, nobody, 0, 0, ())
    finally:
        logger.remove(sink)
    assert lines == [
        "900 executions and orders of others are left alone\n",
        "position AAA: ours 1, the venue's 2: halted\n",
    ]
