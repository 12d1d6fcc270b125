"""The recorder calls back only for what a reader finds, in order, from any number of threads."""

import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from tests.journal_house import FOLDER, header_of, read
from tests.memory_disk import MemoryDisk

from app.core.errors import DataError, StateError
from app.core.message_codec import decode_message, decode_note, decode_output
from app.core.messages import Command
from app.core.order_events import Cancel
from app.repositories import journal_format as form
from app.repositories.disk import Disk
from app.repositories.journal_file import JournalWriter
from app.repositories.journal_reader import JournalReader
from app.threads.live.recorder import Recorder


class House:
    """A recorder on a disk, what it called back and which failures it told."""

    def __init__(self, disk: Disk | None = None, bound_records: int = 50_000) -> None:
        self.disk: Any = disk or MemoryDisk()
        self.failures: list[Exception] = []
        self.done: list[int] = []
        writer = JournalWriter(FOLDER, self.disk)
        self.recorder = Recorder(writer, self.failures.append, bound_records)

    def then(self, number: int) -> Callable[[], None]:
        return lambda: self.done.append(number)

    def instant(self, number: int) -> None:
        """An input, what came of it, and somebody who waits for both."""
        self.recorder.record_input(Command("go", str(number), number))
        self.recorder.record_output(number, b"entry", [Cancel(number)])
        self.recorder.commit(self.then(number))

    def inputs(self) -> list[int]:
        """The sequences a reader finds."""
        return [sequence for kind, sequence, _ in read(self.disk) if kind == form.INPUT]

    def fail_at(self, call: str, times: int = 1) -> None:
        """The next call of this name fails, and those behind it."""
        faults, seen = self.disk.faults, self.disk.faults.count

        def count(name: str) -> None:
            if name == call and not faults.first:
                faults.first, faults.last = len(faults.calls) + 1, len(faults.calls) + times
            seen(name)

        faults.count = count

    def mend(self) -> None:
        self.disk.faults.__dict__.pop("count", None)
        self.disk.faults.first = self.disk.faults.last = 0


def test_what_is_recorded_is_read_as_it_was_given() -> None:
    house = House()
    house.recorder.begin_part({"config": {"name": "a"}, "sessions": [1, 2]})
    house.recorder.record_input(Command("pause", "now", 7))
    house.recorder.record_output(7, b"entries", [Cancel(3)])
    house.recorder.record_note({"what": "start"})
    house.recorder.record_state(b"saved", 7)
    house.recorder.flush()
    house.recorder.close({"what": "end"}, ended=True)

    header, message, output, note, state, last_note, end = JournalReader(FOLDER, house.disk)
    assert header_of(header).header == {"config": {"name": "a"}, "sessions": [1, 2]}
    assert (message.sequence, decode_message(message.payload)) == (7, Command("pause", "now", 7))
    assert decode_output(output.payload).intents == (Cancel(3),)
    assert decode_note(note.payload) == {"what": "start"}
    assert (state.kind, state.payload) == (form.STATE, b"saved")
    assert (decode_note(last_note.payload), end.kind) == ({"what": "end"}, form.END)


def test_nothing_is_written_by_those_who_record() -> None:
    house = House()
    calls = len(house.disk.faults.calls)
    house.recorder.begin_part({})
    for number in range(1, 4):
        house.instant(number)
    assert len(house.disk.faults.calls) == calls and not house.done


def test_all_that_waits_is_one_write_and_one_sync() -> None:
    house = House()
    house.recorder.begin_part({})
    house.recorder.flush()
    calls = len(house.disk.faults.calls)
    for number in range(1, 60):
        house.instant(number)
    house.recorder.flush()
    assert house.disk.faults.calls[calls:] == ["write", "sync"]
    assert house.done == list(range(1, 60))


def test_what_is_too_much_for_one_write_becomes_several_and_calls_wait_for_theirs() -> None:
    house = House()
    house.recorder.begin_part({})
    house.recorder.flush()
    calls = len(house.disk.faults.calls)
    for number in range(1, 4):
        house.recorder.record_state(bytes(9 << 20), 1)
        house.recorder.commit(house.then(number))
    house.fail_at("sync")
    house.recorder.flush()
    assert house.done == []
    house.mend()
    assert house.recorder.try_again()
    assert house.disk.faults.calls[calls:].count("write") == 3  # one failed, two did not
    assert len(read(house.disk)) == 3


def test_a_commit_with_nothing_new_is_called_at_once() -> None:
    house = House()
    house.recorder.begin_part({})
    house.instant(1)
    house.recorder.flush()
    house.recorder.commit(house.then(2))
    house.recorder.flush()
    assert house.done == [1, 2]


def test_parts_begin_where_they_were_asked_for_and_closed_ones_are_compressed() -> None:
    house = House()
    for part in (1, 2, 3):
        house.recorder.begin_part({"session": part})
        house.instant(part)
    house.recorder.flush()
    records = list(JournalReader(FOLDER, house.disk))
    assert [(r.part, r.sequence) for r in records if r.kind == form.INPUT] == [
        (1, 1),
        (2, 2),
        (3, 3),
    ]
    assert house.disk.names(FOLDER)[:2] == ["part-0001.journal.zst", "part-0002.journal.zst"]


def test_a_callback_may_record_commit_and_flush() -> None:
    house = House()
    house.recorder.begin_part({})

    def more() -> None:
        house.instant(2)
        house.recorder.flush()
        assert house.done == []  # not inside this one

    house.recorder.record_input(Command("go", "", 1))
    house.recorder.commit(more)
    house.recorder.flush()
    assert house.done == [2] and house.inputs() == [1, 2]


def test_the_header_is_kept_as_it_was_when_it_was_given() -> None:
    house = House()
    header = {"config": {"name": "a"}}
    house.recorder.begin_part(header)
    header["config"]["name"] = "changed"
    house.recorder.flush()
    assert header_of(next(iter(JournalReader(FOLDER, house.disk)))).header["config"]["name"] == "a"


@pytest.mark.parametrize("call", ["write", "sync"])
def test_no_callback_runs_whose_record_is_not_durable_not_even_later(call: str) -> None:
    house = House()
    house.recorder.begin_part({})
    house.instant(1)
    house.recorder.flush()
    house.fail_at(call)
    house.instant(2)
    house.recorder.flush()
    house.instant(3)
    house.recorder.flush()
    assert house.done == [1]
    assert house.failures == [house.recorder.failed]
    assert isinstance(house.recorder.failed, DataError)
    with pytest.raises(DataError, match="The journal cannot be written: fault at call"):
        raise house.recorder.failed
    house.mend()
    assert house.recorder.try_again()
    house.instant(4)
    house.recorder.flush()
    assert house.done == [1, 4]
    assert house.inputs() == [1, 2, 3, 4]
    assert house.recorder.failed is None and len(house.failures) == 1


def test_a_failed_recorder_does_not_hold_on_to_those_who_ask() -> None:
    class Caller:
        def call(self) -> None:
            raise AssertionError

    house = House()
    house.fail_at("sync")
    house.recorder.begin_part({})
    house.recorder.flush()
    caller = Caller()
    gone = weakref.ref(caller)
    house.recorder.commit(caller.call)
    del caller
    assert house.recorder.failed is not None and gone() is None


def test_trying_again_while_the_trouble_lasts_changes_nothing() -> None:
    house = House()
    house.recorder.begin_part({})
    house.recorder.flush()
    house.fail_at("sync", times=10_000)
    house.instant(1)
    house.recorder.flush()
    assert [house.recorder.try_again() for _ in range(3)] == [False] * 3
    assert house.recorder.failed is not None and len(house.failures) == 1
    house.mend()
    assert house.recorder.try_again() and house.inputs() == [1] and house.done == []


def test_a_second_failure_is_told_too() -> None:
    house = House()
    house.recorder.begin_part({})
    house.recorder.flush()
    for number in (1, 2):
        house.fail_at("sync")
        house.instant(number)
        house.recorder.flush()
        house.mend()
        assert house.recorder.try_again()
    assert len(house.failures) == 2 and house.inputs() == [1, 2]


def test_a_part_that_cannot_begin_begins_when_tried_again() -> None:
    house = House()
    house.recorder.begin_part({})
    house.instant(1)
    house.recorder.flush()
    house.fail_at("sync_folder")
    house.recorder.begin_part({})
    house.instant(2)
    house.recorder.flush()
    assert house.done == [1] and len(house.failures) == 1
    house.mend()
    assert house.recorder.try_again()
    records = list(JournalReader(FOLDER, house.disk))
    assert [(r.part, r.sequence) for r in records if r.kind == form.INPUT] == [(1, 1), (2, 2)]


def test_a_disk_that_is_too_slow_has_failed_and_blocks_nobody() -> None:
    house = House(bound_records=10)
    house.recorder.begin_part({})
    for number in range(1, 8):
        house.instant(number)
    assert len(house.failures) == 1
    assert str(house.recorder.failed) == (
        "The disk is too slow: 11 records wait to be written to the journal."
    )
    house.recorder.flush()
    assert house.done == [] and not house.disk.names(FOLDER)
    assert house.recorder.try_again()
    assert house.inputs() == [1, 2, 3, 4, 5, 6, 7]
    house.instant(8)
    house.recorder.flush()
    assert house.done == [8]


def test_records_past_four_times_the_bound_are_lost_and_then_nothing_is_put_right() -> None:
    house = House(bound_records=10)
    house.recorder.begin_part({})
    for number in range(1, 40):
        house.instant(number)
    assert house.recorder.lost_records == 1 + 78 - 40
    assert not house.recorder.try_again()
    assert house.recorder.failed is not None
    house.recorder.close()
    assert not house.disk.names(FOLDER)


def test_a_callback_that_raises_fails_the_recorder_and_those_behind_it_do_not_run() -> None:
    house = House()
    house.recorder.begin_part({})
    house.recorder.commit(lambda: 1 / 0)  # type: ignore[arg-type, return-value]
    house.instant(1)
    house.recorder.flush()
    assert house.done == [] and isinstance(house.failures[0], ZeroDivisionError)


def test_whoever_is_told_of_a_failure_may_itself_fail() -> None:
    house = House()
    recorder = Recorder(JournalWriter(FOLDER, house.disk), lambda error: 1 / 0)  # type: ignore[arg-type, return-value]
    house.recorder = recorder
    house.fail_at("sync")
    recorder.begin_part({})
    recorder.flush()
    assert recorder.failed is not None
    house.mend()
    assert recorder.try_again()


def test_nothing_is_recorded_after_the_close() -> None:
    house = House()
    house.recorder.begin_part({})
    house.recorder.close({"what": "stop"})
    for call in (lambda: house.instant(1), lambda: house.recorder.commit(house.then(1))):
        with pytest.raises(StateError, match="The recorder is closed"):
            call()
    kinds = [record.kind for record in JournalReader(FOLDER, house.disk)]
    assert kinds == [form.HEADER, form.NOTE]


def test_a_record_that_is_too_big_is_refused_to_whoever_gives_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(form, "MOST_PAYLOAD_BYTES", 10)
    with pytest.raises(DataError, match="A state record of 11 bytes is more than a journal takes"):
        House().recorder.record_state(b"x" * 11, 1)


def test_its_thread_writes_also_what_nobody_waits_for() -> None:
    house = House()
    house.recorder.start()
    written = threading.Event()
    synced = house.disk.faults.count

    def count(call: str) -> None:
        synced(call)
        if call == "sync" and len(house.disk.files) and not house.recorder._waiting:
            written.set()

    house.disk.faults.count = count
    house.recorder.begin_part({})
    house.recorder.record_input(Command("go", "", 1))
    assert written.wait(10)
    house.recorder.close()
    assert house.inputs() == [1]


def test_its_thread_compresses_when_nobody_waits() -> None:
    house = House()
    removed = threading.Event()
    seen = house.disk.faults.count

    def count(call: str) -> None:
        seen(call)
        if call == "remove":
            removed.set()

    house.disk.faults.count = count
    house.recorder.start()
    for part in (1, 2):
        house.recorder.begin_part({})
        house.instant(part)
    assert removed.wait(10)
    house.recorder.close()
    assert house.disk.names(FOLDER) == ["part-0001.journal.zst", "part-0002.journal"]
    assert house.done == [1, 2]


def test_two_threads_that_record_at_once_leave_numbers_without_a_gap() -> None:
    house = House()
    house.recorder.begin_part({})
    house.recorder.start()
    start = threading.Barrier(2)

    def record(first: int) -> None:
        start.wait(10)
        for number in range(first, first + 500):
            house.instant(number)

    threads = [threading.Thread(target=record, args=(first,)) for first in (0, 1_000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    house.recorder.close()
    records = list(JournalReader(FOLDER, house.disk))
    assert [record.number for record in records] == list(range(1, 2_002))
    inputs = house.inputs()
    for first in (0, 1_000):  # each thread's in its order, and called back in the journal's
        own = [number for number in inputs if first <= number < first + 500]
        assert own == list(range(first, first + 500))
        assert [number for number in house.done if number in set(own)] == own
    assert not house.failures


def test_a_disk_that_never_answers_does_not_hold_up_the_close() -> None:
    house = House()
    house.recorder.begin_part({})
    house.recorder.flush()
    stuck, free = threading.Event(), threading.Event()

    def hang(call: str) -> None:
        stuck.set()
        free.wait(30)

    house.disk.faults.count = hang
    house.recorder.start()
    house.instant(1)
    assert stuck.wait(10)
    house.recorder.close(patience_seconds=0.05)
    assert house.done == []
    assert "has not answered for 0.05 s" in str(house.failures[0])
    free.set()
    thread = house.recorder._thread
    assert thread is not None
    thread.join(10)
    assert house.done == []
