"""Whatever happens to a journal's files is found: a changed byte, a record or part that is gone,
repeated, or in another's place. Only an end that was never durable is torn.
"""

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given as given_any
from hypothesis import settings
from hypothesis import strategies as st
from tests.journal_house import FOLDER, entries, given, read, write
from tests.memory_disk import Content, MemoryDisk

from app.core.errors import DataError
from app.repositories import journal_format as form
from app.repositories.journal_file import Entry, JournalWriter
from app.repositories.journal_reader import JournalReader

FIRST, SECOND, LAST = (
    FOLDER / name
    for name in ("part-0001.journal.zst", "part-0002.journal.zst", "part-0003.journal")
)
GROUPS = st.lists(
    st.lists(
        st.builds(Entry, st.integers(1, 6), st.integers(0, 99), st.binary(max_size=300)),
        min_size=1,
        max_size=3,
    ),
    max_size=3,
)


def journal(packed: bool = True) -> MemoryDisk:
    """Three parts; the last is under way."""
    disk = MemoryDisk()
    groups = [entries(2), entries(1, first=3)]
    write(disk, [groups, [entries(2, first=4)], [entries(2, first=6), entries(3, first=8)]],
          packed=packed)  # fmt: skip
    return disk


def records_of(path: Path, disk: MemoryDisk) -> list[tuple[int, int]]:
    """Where each record of a plain part begins and ends."""
    raw, places, position = bytes(disk.files[path].seen), [], len(form.MAGIC)
    while position < len(raw):
        head = form.parse_head(raw[position : position + form.HEAD_BYTES])
        assert head is not None
        end = position + form.HEAD_BYTES + head.length_bytes + form.tail_bytes(head.length_bytes)
        places.append((position, end))
        position = end
    return places


@pytest.mark.parametrize("packed", [True, False])
def test_every_single_byte_that_is_changed_is_found(packed: bool) -> None:
    disk = journal(packed)
    for content in disk.files.values():
        for position, byte in enumerate(bytes(content.seen)):
            for other in {byte ^ 1, byte ^ 0x80, 0, 255} - {byte}:
                content.seen[position] = other
                with pytest.raises(DataError, match=r"part-000\d\.journal(\.zst)?: record \d+ "):
                    read(disk)
            content.seen[position] = byte
    assert len(read(disk)) == 10


@settings(max_examples=150)
@given_any(st.lists(GROUPS, min_size=1, max_size=3), st.booleans(), st.data())
def test_a_byte_changed_in_any_journal_is_found(
    parts: list[list[list[Entry]]], packed: bool, data: st.DataObject
) -> None:
    disk = MemoryDisk()
    write(disk, parts, packed=packed)
    content = disk.files[data.draw(st.sampled_from(sorted(disk.files)))]
    position = data.draw(st.integers(0, len(content.seen) - 1))
    content.seen[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(DataError):
        read(disk)


def damaged_at(record: int) -> tuple[MemoryDisk, str]:
    """A last part with a changed byte in one of its records, and the beginning of the message."""
    disk = journal()
    begin, end = records_of(LAST, disk)[record]
    disk.files[LAST].seen[end - 10] ^= 4
    return disk, (
        f"{LAST}: record {record + 8} (byte {begin}) has a checksum that does not agree."
        " Put back a copy of the journal from before; what stands before this record is whole."
    )


def test_damage_names_the_part_the_record_and_what_to_do() -> None:
    disk, said = damaged_at(2)
    with pytest.raises(DataError, match=f"^{re.escape(said)}$"):
        read(disk)


def test_where_a_broken_end_may_be_a_power_cut_s_the_way_out_is_said_and_works() -> None:
    disk, said = damaged_at(4)
    size_bytes = records_of(LAST, journal())[4][0]
    cut = f" If the machine lost its power just then, 'truncate -s {size_bytes} {LAST}' leaves"
    with pytest.raises(DataError, match=f"^{re.escape(said + cut)}"):
        read(disk)
    disk.files[LAST].truncate(size_bytes)
    assert read(disk) == given([entries(8)])


def test_the_records_before_the_damage_are_given_first() -> None:
    disk = journal()
    disk.files[LAST].seen[records_of(LAST, disk)[2][0]] ^= 4
    seen = []
    with pytest.raises(DataError):
        for record in JournalReader(FOLDER, disk):
            seen.append(record.number)
    assert seen == list(range(1, 10))


def dropped(raw: bytes, places: list[tuple[int, int]]) -> bytes:
    return raw[: places[2][0]] + raw[places[2][1] :]


def repeated(raw: bytes, places: list[tuple[int, int]]) -> bytes:
    return raw[: places[2][1]] + raw[places[2][0] :]


def swapped(raw: bytes, places: list[tuple[int, int]]) -> bytes:
    (a, b), (c, d) = places[2:4]
    return raw[:a] + raw[c:d] + raw[a:b] + raw[d:]


def without_header(raw: bytes, places: list[tuple[int, int]]) -> bytes:
    return raw[: places[0][0]] + raw[places[1][0] :]


@pytest.mark.parametrize("change", [dropped, repeated, swapped, without_header])
def test_records_that_are_gone_repeated_or_in_another_order_are_found(
    change: Callable[[bytes, list[tuple[int, int]]], bytes],
) -> None:
    disk = journal()
    content = disk.files[LAST]
    content.seen = bytearray(change(bytes(content.seen), records_of(LAST, disk)))
    with pytest.raises(DataError, match="is not there: a record of number"):
        read(disk)


def test_a_record_of_another_run_in_the_place_of_one_is_found_by_the_chain() -> None:
    disk, other = journal(), MemoryDisk()
    mine = entries(1, first=70)
    write(other, [[entries(2), mine], [entries(2, first=4)], [entries(2, first=6), entries(3, 8)]])
    (begin, end), content = records_of(LAST, disk)[1], disk.files[LAST]
    content.seen[begin:end] = other.files[LAST].seen[begin:end]
    with pytest.raises(DataError, match=r"record 9 .* checksum that does not agree"):
        read(disk)


@pytest.mark.parametrize("path", [FIRST, SECOND, LAST])
def test_a_part_that_is_gone_is_named(path: Path) -> None:
    disk = journal()
    del disk.files[path]
    name = path.name.removesuffix(".zst")
    with pytest.raises(DataError, match=rf"{name} is missing"):
        read(disk)
    with pytest.raises(DataError, match=rf"{name} is missing"):
        JournalWriter(FOLDER, disk)


def test_parts_that_changed_places_are_found() -> None:
    disk = journal()
    disk.files[FIRST], disk.files[SECOND] = disk.files[SECOND], disk.files[FIRST]
    with pytest.raises(DataError, match=r"record 1 .* is not there: a record of number 5"):
        read(disk)


def test_a_part_of_another_run_is_found() -> None:
    disk, other = journal(), MemoryDisk()
    write(other, [[entries(2), entries(1, 70)], [entries(2, 4)], [entries(9, 6)]])
    disk.files[LAST] = other.files[LAST]
    with pytest.raises(DataError, match=r"record 8 .* does not follow the part before"):
        read(disk)


def test_a_part_under_another_s_name_is_found_also_by_whoever_begins_there() -> None:
    disk = journal(packed=False)
    disk.files[FOLDER / "part-0002.journal"] = disk.files.pop(LAST)
    with pytest.raises(DataError, match=r"record 8 .* is not the header of this part"):
        list(JournalReader(FOLDER, disk).from_part(2))


@given_any(st.binary(max_size=50), st.integers(0, 2**32 - 1))
def test_no_change_of_one_byte_makes_the_edge_of_a_record_look_empty(
    payload: bytes, chain: int
) -> None:
    record, _ = form.frame(form.INPUT, 0, payload, 1, form.Place(1, chain))
    assert len(record) % 4 == 0 and all(record[:2]) and all(record[-2:])


def test_a_closed_part_that_was_cut_is_damaged_and_not_torn() -> None:
    disk = journal(packed=False)
    path = FOLDER / "part-0002.journal"
    size = len(disk.files[path].seen)
    for cut in range(size):
        disk.files[path].seen = disk.files[path].seen[: size - 1 - cut]
        with pytest.raises(DataError, match=r"part-000[23]\.journal: record "):
            read(disk)


def test_a_compressed_part_that_was_cut_or_goes_on_is_damaged() -> None:
    disk = journal()
    raw = bytes(disk.files[SECOND].seen)
    for changed in [*(raw[:size] for size in range(len(raw))), raw + b"\0"]:
        disk.files[SECOND].seen = bytearray(changed)
        with pytest.raises(DataError, match=r"part-0002\.journal\.zst: record "):
            read(disk)


def test_something_behind_the_end_of_the_run_is_found() -> None:
    disk = MemoryDisk()
    writer = JournalWriter(FOLDER, disk)
    writer.begin_part({})
    writer.end()
    path = FOLDER / "part-0001.journal"
    begin, end = records_of(path, disk)[1]
    content = disk.files[path]
    content.seen += content.seen[begin:end]
    with pytest.raises(DataError, match="stands behind the end of the run"):
        read(disk)


def long_group(number: int) -> list[Entry]:
    lots = random.Random(number)
    return [Entry(form.STATE, number, lots.randbytes(900)) for _ in range(4)]


def test_a_sector_of_the_last_group_that_was_never_written_is_torn() -> None:
    disk = MemoryDisk()
    write(disk, [[long_group(1), long_group(2)]])
    path = FOLDER / "part-0001.journal"
    whole = bytes(disk.files[path].seen)
    begin = records_of(path, disk)[5][0]  # where the last group does
    for first in range(begin - begin % 512, len(whole), 512):
        lost = bytearray(whole)
        a, b = max(first, begin), min(first + 512, len(whole))
        lost[a:b] = bytes(b - a)
        disk.files[path].seen = lost
        reader = JournalReader(FOLDER, disk)
        left = len(list(reader))
        assert 5 <= left < 9
        assert reader.torn is not None and reader.torn.number == left + 1


def test_an_empty_sector_that_had_been_durable_is_damage() -> None:
    disk = MemoryDisk()
    write(disk, [[long_group(1), long_group(2)]])
    content = disk.files[FOLDER / "part-0001.journal"]
    content.seen[1024:1536] = bytes(512)
    with pytest.raises(DataError, match="record 2 "):
        read(disk)


@pytest.mark.parametrize("zeros", [1, 3, 4, 40, 511, 5_000])
def test_a_file_that_grew_and_was_not_filled_is_torn(zeros: int) -> None:
    disk = journal()
    whole_bytes = len(disk.files[LAST].seen)
    disk.files[LAST].seen += bytes(zeros)
    reader = JournalReader(FOLDER, disk)
    assert len(list(reader)) == 13
    assert reader.torn is not None
    assert (reader.torn.part, reader.torn.number) == (3, 14)
    assert (reader.torn.whole_bytes, reader.torn.lost_bytes) == (whole_bytes, zeros)


def test_a_file_of_another_kind_under_a_part_s_name_is_refused() -> None:
    disk = MemoryDisk()
    for name in ("part-0001.journal", "part-0001.journal.zst"):
        disk.files = {FOLDER / name: (content := Content())}
        content.seen += b"date,open,high,low,close\n" * 9
        with pytest.raises(DataError, match=r"record 1 .* begin"):
            read(disk)


def test_what_is_whole_is_not_touched_by_all_this() -> None:
    assert read(journal()) == given([entries(10)])
