"""Reads a run's journal: every record of every part in order, each one checked.

A last record that was not written whole is left out, and reported as `torn`: it was never
durable, so nothing was done on the strength of it. All else that is not as it was written is a
DataError.
"""

import io
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from app.core.errors import DataError, NotFoundError
from app.core.message_codec import decode
from app.repositories import journal_format as form
from app.repositories.bar_store_files import disk_errors
from app.repositories.disk import MACHINE_DISK, Disk
from app.repositories.journal_archive import ArchiveDamaged, ArchiveReader
from app.repositories.journal_format import PartHeader, Place, Record

_NAME: Final = re.compile(r"part-(\d{4,})\.journal(\.zst)?")
_SCAN_BYTES: Final = 1 << 20
_DURABLE, _TORN, _UNCLEAR = "durable", "torn", "unclear"  # a broken end
JOURNAL_FOLDER: Final = "journal"  # in a run's folder
WHAT_TO_DO: Final = (
    " Put back a copy of the journal from before; what stands before this record is whole."
)


class Torn(msgspec.Struct, frozen=True):
    """The end of the last part that was never durable: the file is good for `whole_bytes`."""

    part: int
    number: int  # of the first record that is not there
    whole_bytes: int
    lost_bytes: int


def part_name(part: int, *, compressed: bool = False) -> str:
    """The name of a part's file."""
    return f"part-{part:04d}.journal{'.zst' if compressed else ''}"


def parts_of(names: list[str]) -> dict[int, list[str]]:
    """The files of each part, those complete first: a compressed one appears only when it is."""
    parts: dict[int, list[str]] = {}
    for name in sorted(names, reverse=True):
        if match := _NAME.fullmatch(name):
            parts.setdefault(int(match[1]), []).append(name)
    return dict(sorted(parts.items()))


def open_run_journal(run_folder: Path, disk: Disk = MACHINE_DISK) -> "JournalReader":
    """The journal of the run in this folder."""
    return JournalReader(run_folder / JOURNAL_FOLDER, disk)


def has_begun(run_folder: Path, disk: Disk = MACHINE_DISK) -> bool:
    """Whether a journal has an input that was durable, the first of which is the run's history;
    damage counts as such. Before that nothing was sent, and nobody could go on without it.
    """
    try:
        return any(one.kind != form.HEADER for one in open_run_journal(run_folder, disk))
    except NotFoundError:
        return False
    except DataError:
        return True


class JournalReader:
    """Iterates over the records; may be asked again, and each time reads the files anew.

    `torn` is known once the last part has been read to its end.
    """

    def __init__(self, folder: Path, disk: Disk = MACHINE_DISK) -> None:
        self._folder, self._disk = folder, disk
        self.torn: Torn | None = None
        with disk_errors(f"The journal in {folder} cannot be read"):
            parts = parts_of(disk.names(folder))
        if not parts:
            raise NotFoundError(f"There is no journal in {folder}: no {part_name(1)}.")
        for part in range(1, max(parts) + 1):
            if part not in parts:
                raise missing_part(folder, part)
        self.last_part = max(parts)

    def __iter__(self) -> Iterator[Record]:
        return self.from_part(1)

    def from_part(self, first_part: int) -> Iterator[Record]:
        """The records of this part and those behind it."""
        self.torn = None
        place: Place | None = Place() if first_part == 1 else None
        for part in range(first_part, self.last_part + 1):
            walk = PartWalk(self._folder, part, part == self.last_part, place, self._disk)
            with disk_errors(f"The journal in {self._folder} cannot be read"):
                yield from walk
            self.torn, place = walk.torn, walk.place


class PartWalk:
    """One pass over one part. `place` is where a part before it ended, None to take its word."""

    def __init__(
        self, folder: Path, part: int, is_last: bool, place: Place | None, disk: Disk
    ) -> None:
        self._folder, self._part, self._is_last, self._disk = folder, part, is_last, disk
        self._wanted, self.place = place, place or Place()
        self.name = part_name(part)
        self.whole_bytes = 0  # up to the end of the last whole record
        self.torn: Torn | None = None
        self.compressed = False
        self.ended = False

    def __iter__(self) -> Iterator[Record]:
        file, self.name, self.compressed = self._open()
        with file:
            try:
                yield from self._records(file)
            except ArchiveDamaged as error:
                raise self._damaged(str(error)) from error
        if self.compressed and self._is_last and not self.ended and not self._goes_on():
            raise missing_part(self._folder, self._part + 1)

    def _goes_on(self) -> bool:
        """Whether a running recorder has begun the next part since the parts were counted."""
        with disk_errors(f"The journal in {self._folder} cannot be read"):
            return self._part + 1 in parts_of(self._disk.names(self._folder))

    def _open(self) -> tuple[BinaryIO, str, bool]:
        """The part's file: a running recorder may have replaced the plain one just now."""
        for name in (part_name(self._part, compressed=True), part_name(self._part)) * 2:
            try:
                file = self._disk.read(self._folder / name)
            except FileNotFoundError:
                continue
            if not name.endswith(".zst"):
                return file, name, False
            try:
                return io.BufferedReader(ArchiveReader(file), _SCAN_BYTES), name, True
            except ArchiveDamaged as error:
                file.close()
                self.name = name
                raise self._damaged(str(error)) from error
        raise missing_part(self._folder, self._part)

    def _records(self, file: BinaryIO) -> Iterator[Record]:
        magic = file.read(len(form.MAGIC))
        if magic != form.MAGIC:
            self._stop(file, len(magic) < len(form.MAGIC), "is behind a beginning that is not ours")
            return
        position = len(form.MAGIC)
        while raw := file.read(form.HEAD_BYTES):
            if len(raw) < form.HEAD_BYTES:
                return self._stop(file, True, "ends too early")
            head = form.parse_head(raw)
            if head is None:
                return self._stop(file, False, "has no head that agrees with itself")
            if self.ended:
                raise self._damaged("stands behind the end of the run")
            rest = file.read(size := head.length_bytes + form.tail_bytes(head.length_bytes))
            if len(rest) < size:
                return self._stop(file, True, "ends too early")
            payload, tail = rest[: head.length_bytes], rest[head.length_bytes :]
            header = None if self.whole_bytes else self._header(head, payload)
            if head.number != self.place.number:
                raise self._damaged(
                    f"is not there: a record of number {head.number} and kind"
                    f" {form.KIND_NAMES.get(head.kind, head.kind)} stands in its place"
                )
            chain = form.chain_of(raw, payload, tail, self.place.chain)
            if chain is None:
                if header and form.chain_of(raw, payload, tail, header.chain) is not None:
                    raise self._damaged("does not follow the part before: it is of another run")
                return self._stop(file, False, "has a checksum that does not agree")
            if not self.whole_bytes and (header is None or header.part != self._part):
                raise self._damaged("is not the header of this part")
            position += len(raw) + len(rest)
            self.place, self.whole_bytes = Place(head.number + 1, chain), position
            self.ended = head.kind == form.END
            yield Record(self._part, head.number, head.kind, head.sequence, payload)
        if not self.whole_bytes:
            self._stop(file, True, "ends too early")

    def _header(self, head: form.Head, payload: bytes) -> PartHeader | None:
        """A part's first record read as its header; not checked yet. Where no part was read before
        this one, it says where the part stands.
        """
        try:
            header = decode(payload, PartHeader) if head.kind == form.HEADER else None
        except DataError:
            header = None
        if self._wanted is None:
            self.place = Place(header.first, header.chain) if header else Place(head.number)
        return header

    def _stop(self, file: BinaryIO, ran_out: bool, what: str) -> None:
        """The end of the walk: a torn end, or else an error."""
        if not self._is_last or self.compressed:
            raise self._damaged(what)
        end = _TORN if ran_out else _broken_end(file, self.whole_bytes, self.place.number)
        if end != _TORN:
            path = self._folder / self.name
            raise self._damaged(
                what,
                f" If the machine lost its power just then, 'truncate -s {self.whole_bytes} {path}'"
                " leaves out what may never have been durable."
                if end == _UNCLEAR
                else "",
            )
        size_bytes = file.seek(0, io.SEEK_END)
        lost_bytes = size_bytes - self.whole_bytes
        self.torn = Torn(self._part, self.place.number, self.whole_bytes, lost_bytes)

    def _damaged(self, what: str, way_out: str = "") -> DataError:
        where = f"{self._folder / self.name}: record {self.place.number}"
        return DataError(f"{where} (byte {self.whole_bytes}) {what}.{WHAT_TO_DO}{way_out}")


def missing_part(folder: Path, part: int) -> DataError:
    """A part that must be there is not."""
    return DataError(f"{folder / part_name(part)} is missing.{WHAT_TO_DO}")


def _broken_end(file: BinaryIO, position: int, number: int) -> str:
    """What a broken record in a last part can be.

    It had been durable when a group stands behind it that began after it: a group begins when all
    before it is. Else it is torn when a sector of what follows is empty: that was being written
    when the power went. Else nobody can say.
    """
    file.seek(position)
    empty, carried = False, b""
    size_bytes = _SCAN_BYTES - position % form.SECTOR_BYTES
    while chunk := file.read(size_bytes):
        first = form.SECTOR_BYTES - position % form.SECTOR_BYTES
        edges = [0, *range(first, len(chunk), form.SECTOR_BYTES), len(chunk)]
        sectors = (chunk[first:end] for first, end in itertools.pairwise(edges))
        empty = empty or any(not sector.strip(b"\0") for sector in sectors)
        if _has_later_group(carried + chunk, number):
            return _DURABLE
        carried = (carried + chunk)[1 - form.HEAD_BYTES :]
        position += len(chunk)
        size_bytes = _SCAN_BYTES
    return _TORN if empty else _UNCLEAR


def _has_later_group(raw: bytes, number: int) -> bool:
    at = raw.find(form.MARK)
    while 0 <= at <= len(raw) - form.HEAD_BYTES:
        head = form.parse_head(raw[at : at + form.HEAD_BYTES])
        if head is not None and head.group > number:
            return True
        at = raw.find(form.MARK, at + 1)
    return False
