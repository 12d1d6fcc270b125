"""A journal is read as it was written, goes on where it ended, and keeps its parts in order."""

import random
import tracemalloc

import pytest
from hypothesis import given as given_any
from hypothesis import settings
from hypothesis import strategies as st
from tests.journal_house import FOLDER, entries, found, given, header_of, read, write
from tests.memory_disk import Faults, MemoryDisk

from app.core.errors import DataError, NotFoundError, StateError
from app.repositories import journal_format as form
from app.repositories.journal_file import Entry, JournalWriter
from app.repositories.journal_reader import JournalReader, open_run_journal

ENTRY = st.builds(
    Entry,
    st.sampled_from([form.INPUT, form.OUTPUT, form.NOTE, form.STATE, 200]),
    st.integers(-(2**63), 2**63 - 1),
    st.binary(max_size=300),
)
GROUPS = st.lists(st.lists(ENTRY, min_size=1, max_size=4), max_size=3)
PARTS = st.lists(GROUPS, min_size=1, max_size=4)


@settings(max_examples=100)
@given_any(PARTS, st.booleans())
def test_what_was_written_is_read_in_order(parts: list[list[list[Entry]]], packed: bool) -> None:
    disk = MemoryDisk()
    write(disk, parts, packed=packed)
    reader = JournalReader(FOLDER, disk)
    records = list(reader)
    assert found(records) == [entry for groups in parts for entry in given(groups)]
    assert reader.torn is None
    headers = [header_of(record) for record in records if record.kind == form.HEADER]
    assert [header.part for header in headers] == list(range(1, len(parts) + 1))
    assert all(header.header == {"config": {"name": "test"}} for header in headers)
    assert [record.number for record in reader] == [record.number for record in records]


@given_any(PARTS, st.data())
def test_the_records_of_one_part_are_read_without_those_before(
    parts: list[list[list[Entry]]], data: st.DataObject
) -> None:
    disk = MemoryDisk()
    write(disk, parts)
    first = data.draw(st.integers(1, len(parts)))
    records = list(JournalReader(FOLDER, disk).from_part(first))
    assert [r for r in JournalReader(FOLDER, disk) if r.part >= first] == records


@given_any(PARTS, st.integers(0, 10_000), st.booleans())
def test_a_last_part_cut_anywhere_gives_a_prefix_and_goes_on_from_there(
    parts: list[list[list[Entry]]], cut: int, packed: bool
) -> None:
    disk = MemoryDisk()
    write(disk, parts, packed=packed)
    whole = list(JournalReader(FOLDER, disk))
    last = disk.files[FOLDER / f"part-{len(parts):04d}.journal"]
    cut %= len(last.seen) + 1
    last.truncate(cut)
    reader = JournalReader(FOLDER, disk)
    left = list(reader)
    assert left == whole[: len(left)]
    kept_bytes = reader.torn.whole_bytes if reader.torn else cut
    assert kept_bytes == cut or (kept_bytes < cut and reader.torn.lost_bytes == cut - kept_bytes)

    writer = JournalWriter(FOLDER, disk)
    assert (writer.torn is None) == (reader.torn is None)
    if writer.part != len(parts) or cut % 3 == 0:
        writer.begin_part({})
    writer.append(entries(2, first=70))
    assert read(disk) == [*found(left), *given([entries(2, first=70)])]
    assert list(JournalReader(FOLDER, disk))[: len(left)] == left


def test_a_part_cut_in_its_header_never_began() -> None:
    disk = MemoryDisk()
    write(disk, [[entries(3)], [entries(2, first=4)]], packed=False)
    disk.files[FOLDER / "part-0002.journal"].truncate(30)
    writer = JournalWriter(FOLDER, disk)
    assert writer.part == 1
    assert writer.torn is not None and writer.torn.part == 2
    assert disk.names(FOLDER) == ["part-0001.journal"]
    writer.append(entries(1, first=4))
    assert read(disk) == given([entries(4)])


@pytest.mark.parametrize("packed", [True, False])
def test_a_part_that_never_began_is_no_obstacle_however_often_the_start_fails(packed: bool) -> None:
    disk = MemoryDisk()
    write(disk, [[entries(3)], []], packed=packed)
    disk.files[FOLDER / "part-0002.journal"].truncate(40)
    JournalWriter(FOLDER, disk).close()
    assert read(disk) == given([entries(3)])
    writer = JournalWriter(FOLDER, disk)
    writer.begin_part({})
    writer.append(entries(1, first=4))
    assert read(disk) == given([entries(4)])


def test_closed_parts_are_compressed_and_the_plain_ones_removed() -> None:
    disk = MemoryDisk()
    write(disk, [[entries(500)], [entries(5, first=501)]])
    assert disk.names(FOLDER) == ["part-0001.journal.zst", "part-0002.journal"]
    assert len(disk.files[FOLDER / "part-0001.journal.zst"].seen) < 10_000


def test_a_part_longer_than_a_chunk_is_compressed_and_read_back() -> None:
    disk, lots = MemoryDisk(), random.Random(7)
    long = [Entry(form.STATE, n, lots.randbytes(700_000)) for n in range(4)]
    write(disk, [[long], []])
    assert read(disk) == given([long])


def test_a_compression_that_was_interrupted_is_done_again() -> None:
    disk = MemoryDisk()
    write(disk, [[entries(5)], []], packed=False)
    disk.grow(FOLDER / "part-0001.journal.zst.tmp").write(b"half")
    writer = JournalWriter(FOLDER, disk)
    writer.compress_closed()
    assert disk.names(FOLDER) == ["part-0001.journal.zst", "part-0002.journal"]
    assert read(disk) == given([entries(5)])


def test_a_plain_part_that_outlived_its_compressed_one_is_removed() -> None:
    disk = MemoryDisk()
    write(disk, [[entries(5)], []], packed=False)
    plain = disk.files[FOLDER / "part-0001.journal"]
    writer = JournalWriter(FOLDER, disk)
    writer.compress_closed()
    disk.files[FOLDER / "part-0001.journal"] = plain
    assert read(disk) == given([entries(5)])
    writer.compress_closed()
    assert disk.names(FOLDER) == ["part-0001.journal.zst", "part-0002.journal"]


def test_a_compression_that_fails_costs_no_record() -> None:
    disk = MemoryDisk()
    write(disk, [[entries(5)], []], packed=False)
    writer = JournalWriter(FOLDER, disk)
    disk.faults.first, disk.faults.last = 1, 10_000
    writer.compress_closed()
    disk.faults.first = disk.faults.last = 0
    assert read(disk) == given([entries(5)])
    writer.append(entries(1, first=6))
    assert len(read(disk)) == 6


def test_a_journal_that_has_ended_takes_nothing_more() -> None:
    disk = MemoryDisk()
    writer = JournalWriter(FOLDER, disk)
    writer.begin_part({})
    writer.append(entries(1))
    writer.end()
    writer.compress_closed()
    assert disk.names(FOLDER) == ["part-0001.journal.zst"]
    records = list(JournalReader(FOLDER, disk))
    assert [record.kind for record in records] == [form.HEADER, form.INPUT, form.END]
    again = JournalWriter(FOLDER, disk)
    assert again.ended
    with pytest.raises(StateError, match="has ended: nothing is added"):
        again.begin_part({})


def test_a_journal_begins_with_a_header() -> None:
    with pytest.raises(StateError, match="begin_part comes first"):
        JournalWriter(FOLDER, MemoryDisk()).append(entries(1))


def test_after_an_error_nothing_is_written_before_a_repair() -> None:
    disk = MemoryDisk(failing := Faults())
    broken = JournalWriter(FOLDER, disk)
    broken.begin_part({})
    failing.first = failing.last = len(failing.calls) + 2  # the sync of the next group
    with pytest.raises(OSError, match="sync"):
        broken.append(entries(1))
    with pytest.raises(DataError, match="must be repaired"):
        broken.append(entries(1))
    broken.repair()
    broken.append(entries(1))
    assert read(disk) == given([entries(1)])


def test_a_file_that_became_shorter_than_what_is_durable_is_not_filled_with_nothing() -> None:
    disk = MemoryDisk()
    writer = JournalWriter(FOLDER, disk)
    writer.begin_part({})
    writer.append(entries(3))
    disk.faults.first = disk.faults.last = len(disk.faults.calls) + 1
    with pytest.raises(OSError):
        writer.append(entries(1))
    disk.files[FOLDER / "part-0001.journal"].truncate(20)
    with pytest.raises(DataError, match="has become shorter than what was written: 20 of"):
        writer.repair()


def test_no_journal_at_all_is_said_so() -> None:
    with pytest.raises(NotFoundError, match=r"There is no journal in .*: no part-0001\.journal"):
        open_run_journal(FOLDER.parent, MemoryDisk())


def test_reading_a_part_holds_no_more_than_a_record_and_a_chunk() -> None:
    disk, lots = MemoryDisk(), random.Random(1)
    write(disk, [[[Entry(form.STATE, n, lots.randbytes(1 << 20))] for n in range(24)], []])
    held = disk.files[FOLDER / "part-0001.journal.zst"].seen
    assert len(held) > 20 << 20
    reader = JournalReader(FOLDER, disk)
    records = iter(reader)
    next(records)  # the in-memory disk has made its copy of the file
    tracemalloc.start()
    assert sum(1 for _ in records) == 25
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 8 << 20


def test_a_last_part_that_is_closed_and_compressed_while_it_is_read_is_read_whole() -> None:
    disk = MemoryDisk()
    write(disk, [[entries(5)]])
    reader = JournalReader(FOLDER, disk)
    writer = JournalWriter(FOLDER, disk)
    writer.begin_part({"config": {"name": "test"}})
    writer.compress_closed()
    assert disk.names(FOLDER) == ["part-0001.journal.zst", "part-0002.journal"]
    assert found(list(reader)) == given([entries(5)])
