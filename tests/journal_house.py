"""Journals to test with: small ones, and what a reader finds in them."""

from collections.abc import Sequence
from pathlib import Path

from app.core.message_codec import decode
from app.repositories import journal_format as form
from app.repositories.disk import Disk
from app.repositories.journal_file import Entry, JournalWriter
from app.repositories.journal_format import Record
from app.repositories.journal_reader import JournalReader

FOLDER = Path("run/journal")
Found = tuple[int, int, bytes]  # kind, sequence, payload


def entries(count: int, first: int = 1) -> list[Entry]:
    """Inputs that tell their sequence."""
    return [Entry(form.INPUT, n, f"input {n}".encode()) for n in range(first, first + count)]


def write(disk: Disk, parts: Sequence[Sequence[Sequence[Entry]]], *, packed: bool = True) -> None:
    """A journal of these parts, each of groups of entries."""
    writer = JournalWriter(FOLDER, disk)
    for groups in parts:
        writer.begin_part({"config": {"name": "test"}})
        if packed:
            writer.compress_closed()
        for group in groups:
            writer.append(group)
    writer.close()


def found(records: Sequence[Record]) -> list[Found]:
    """What was recorded, headers and end left out, once the numbers are seen to have no gap."""
    first = records[0].number if records else 1
    assert [record.number for record in records] == list(range(first, first + len(records)))
    return [
        (record.kind, record.sequence, record.payload)
        for record in records
        if record.kind not in (form.HEADER, form.END)
    ]


def header_of(record: Record) -> form.PartHeader:
    """What a header record holds."""
    return decode(record.payload, form.PartHeader)


def read(disk: Disk, folder: Path = FOLDER) -> list[Found]:
    """All that a reader finds."""
    return found(list(JournalReader(folder, disk)))


def given(groups: Sequence[Sequence[Entry]]) -> list[Found]:
    """What a reader should find of these."""
    return [(e.kind, e.sequence, e.payload) for group in groups for e in group]
