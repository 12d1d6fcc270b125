"""A run that broke off while it was being ended: what its journal still says, and what is done."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from loguru import logger

from app.core.bars import Block, fields_of, no_rows
from app.core.errors import DatabaseAway
from app.core.halts import START
from app.core.message_codec import encode_message, encode_note, encode_output
from app.core.messages import Bars, BrokerNews, Command, EndOfStream, LastNews, Message
from app.core.order_events import GateActed, Halted
from app.core.orders import ACCEPTED, MARKET, STOP, Order
from app.managers.execution_manager.execution_manager import ExecutionManager
from app.managers.system_manager.journal.journal_feed import ALARM, JournalFeed, RunJournal
from app.managers.system_manager.record.run_record import RunRecord
from app.managers.system_manager.rerun.recovery import Recovery
from app.managers.time_manager import WallClock
from app.repositories import journal_format as form
from app.repositories.journal_file import Entry, JournalWriter
from app.repositories.journal_reader import JOURNAL_FOLDER, has_begun
from app.repositories.run_repository import RunRepository
from app.threads.stream.commands import RECOVER, is_left_holding
from app.threads.watch.watchdog import HOOK_HANGS

Recorded = Message | tuple[int, bytes] | dict[str, object]


def journal_of(folder: Path, records: Sequence[Recorded]) -> RunJournal:
    """A journal of inputs, of what came of them (a sequence and entries), and of notes."""
    writer = JournalWriter(folder / JOURNAL_FOLDER)
    writer.begin_part({})
    for record in records:
        if isinstance(record, tuple):
            sequence, entries = record
            writer.append([Entry(form.OUTPUT, sequence, encode_output(entries, ()))])
        elif isinstance(record, dict):
            writer.append([Entry(form.NOTE, 0, encode_note(record))])
        else:
            writer.append([Entry(form.INPUT, record.sequence, encode_message(record))])
    writer.close()
    return RunJournal(folder)


def acted(*what: str) -> BrokerNews:
    return BrokerNews(tuple(GateActed(one, "") for one in what), 1)


@pytest.mark.parametrize(
    ("message", "ending"),
    [
        (Command("stop", "flatten", 1), "flatten"),
        (Command("stop", "keep", 1), "keep"),
        (Command("kill", "freeze", 1), "freeze"),
        (acted("latched", "froze"), "freeze"),
        (acted("latched", "flattening"), "flatten"),
        (Command("pause", "", 1), None),
    ],
)
def test_a_run_that_was_told_to_end_is_known_by_its_journal(
    message: Message, ending: str | None, tmp_path: Path
) -> None:
    assert Recovery(journal_of(tmp_path, [message])).ending == ending


def test_what_a_gate_did_behind_the_end_counts_and_is_told_again(tmp_path: Path) -> None:
    latched = GateActed("latched", "the run failed")
    told, untold = (Halted(0, why, START) for why in ("told", "not told"))
    stream = [BrokerNews((told,), 1), EndOfStream("failed", 2), LastNews((latched,), 9, 3)]
    recovery = Recovery(journal_of(tmp_path, stream))
    assert recovery.ending == "freeze"
    assert recovery.lacking((told, untold)) == [untold, latched]


def test_a_recovery_knows_how_far_its_record_reaches(tmp_path: Path) -> None:
    columns = {name: getattr(no_rows(), name) for name in fields_of(no_rows())}
    blocks = [Bars(Block(**columns, spans=(), through_ns=at), at) for at in (1, 2)]
    recovery = Recovery(journal_of(tmp_path, [*blocks, Command("pause", "", 3)]))
    assert recovery.through_ns == 2
    assert [number for number in range(1, 6) if recovery.has_record_of(number)] == [1, 2, 3]


def test_what_came_of_an_end_that_was_gone_past_is_left_out(tmp_path: Path) -> None:
    """The end of the stream was recorded, then the process died: the run goes on in its place."""
    before = [Command("pause", "", 1), (1, b"one"), EndOfStream("stopped", 2), (2, b"end")]
    journal = journal_of(tmp_path / "ended", before)
    assert [entries for _, entries, _ in journal.outputs()] == [b"one", b"end"]
    after = [Command(RECOVER, "", 2), (2, b"two")]
    journal = journal_of(tmp_path / "went on", [*before, *after])
    assert [entries for _, entries, _ in journal.outputs()] == [b"one", b"two"]
    assert [message.sequence for message in journal.inputs()] == [1, 2]


def test_what_was_told_behind_the_end_shows_how_far_the_engine_came(tmp_path: Path) -> None:
    """It failed in the second input; one more had its number by then."""
    stream = [
        Command("pause", "", 1), (1, b"one"), Command("resume", "", 2), Command("pause", "", 3),
        EndOfStream("failed", 4),
    ]  # fmt: skip
    journal = journal_of(tmp_path / "told", [*stream, LastNews((), 9, 5), (5, b"booked")])
    assert journal.last_sequence() == 1
    assert [one.sequence for one in JournalFeed(journal).messages()] == [1]
    journal = journal_of(tmp_path / "not told", stream)
    assert journal.last_sequence() is None
    assert [one.sequence for one in JournalFeed(journal).messages()] == [1, 2, 3]


@pytest.mark.parametrize(
    ("alarm", "behind", "hung_in"),
    [
        (HOOK_HANGS, [(2, b"two"), (3, b"three")], 2),
        (HOOK_HANGS, [], None),  # it was left behind
        ("halted", [(2, b"two")], None),
    ],
)
def test_a_hook_hung_in_the_input_of_which_something_came_behind_the_alarm(
    alarm: str, behind: list[tuple[int, bytes]], hung_in: int | None, tmp_path: Path
) -> None:
    before = [Command("pause", "", 1), (1, b"one"), {"other": "note"}, Command("resume", "", 2)]
    told = {ALARM: [alarm, "details"]}
    assert journal_of(tmp_path, [*before, told, *behind]).hung_in() == hung_in


@pytest.mark.parametrize(
    ("content", "begun"),
    [
        (lambda whole: whole, True),
        (lambda whole: whole[:-1], False),
        (lambda whole: whole[:3], False),
        (lambda whole: b"", False),
        (lambda whole: b"something else altogether", True),  # damage is no beginning that failed
    ],
)
def test_a_run_begins_with_the_first_input_that_is_durable(
    content: Callable[[bytes], bytes], begun: bool, tmp_path: Path
) -> None:
    """One that died before that has sent nothing, and is none to go on with: it has no history."""
    assert not has_begun(tmp_path)
    assert not journal_of(tmp_path / "header", []).torn
    assert not has_begun(tmp_path / "header")
    journal_of(tmp_path, [Command("history", "", 1)])
    (part,) = (tmp_path / JOURNAL_FOLDER).iterdir()
    part.write_bytes(content(part.read_bytes()))
    assert has_begun(tmp_path) == begun


def test_a_run_that_fails_while_it_recovers_does_not_wait_for_the_rest(tmp_path: Path) -> None:
    recovery = Recovery(journal_of(tmp_path, [Command("pause", "", 1)]))
    found = [message for message in recovery.messages(lambda: True) if isinstance(message, Command)]
    assert [command.name for command in found] == ["pause", RECOVER]
    assert not recovery.is_over


def order(kind: str, *, reduce_only: bool = False) -> Order:
    return Order(7, 0, "X", 1, -5, 0, state=ACCEPTED, kind=kind, reduce_only=reduce_only)


@pytest.mark.parametrize(
    ("reason", "held", "working", "left", "asked"),
    [
        ("the run is stopping", [0, 5], {}, (), True),
        ("the run is stopping", [0, 5], {7: order(MARKET)}, (), False),
        ("the run is stopping", [0, 5], {7: order(STOP, reduce_only=True)}, (), True),
        ("the run is stopping", [0, 5], {}, ("BBB",), False),
        ("the run is stopping", [3, 5], {}, ("BBB",), True),
        ("the run is stopping", [0, 0], {}, (), False),
        ("killed", [0, 5], {}, (), False),
    ],
)
def test_a_stop_is_asked_for_again_only_where_nothing_closes_what_is_held(
    reason: str, held: list[int], working: dict[int, Order], left: tuple[str, ...], asked: bool
) -> None:
    execution = SimpleNamespace(
        entries=SimpleNamespace(closed={(-1, "command"): reason}),
        held_units=held,
        positions=[[SimpleNamespace(symbol=name) for name in ("AAA", "BBB")]],
        broker=SimpleNamespace(working=working),
    )
    assert is_left_holding(cast(ExecutionManager, execution), left) == asked


class NoWait(WallClock):
    """Notes for how long it was to wait."""

    waited_seconds = 0.0

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.waited_seconds += seconds
        return False


class LockedFor:
    """A repository whose database somebody else has for so many tries."""

    def __init__(self, tries: int) -> None:
        self.left, self.stored = tries, 0

    def clear_rows(self, run_id: str) -> None:
        self.left -= 1
        if self.left >= 0:
            raise DatabaseAway("database is locked")

    def add_orders(self, *given: Any) -> None:
        self.stored += 1

    add_order_changes = add_fills = add_orders


@pytest.mark.parametrize(("tries", "stored"), [(0, 3), (5, 3), (6, 0)])
def test_rows_wait_while_somebody_else_has_the_database(
    tries: int, stored: int, tmp_path: Path
) -> None:
    logger.disable("app")
    repository = LockedFor(tries)
    record = RunRecord(
        tmp_path, "run", cast(RunRepository, repository), ["one"], ["AAA"], ["USD"], str
    )
    record._wall = wall = NoWait()
    try:
        if stored:
            record._store_patiently()
        else:
            with pytest.raises(DatabaseAway):
                record._store_patiently()
    finally:
        logger.enable("app")
        record._rows.delete()
        record._curve.close()
    assert repository.stored == stored
    assert wall.waited_seconds == pytest.approx(
        10 * min(tries, 5), abs=1
    )  # a server says no at once
