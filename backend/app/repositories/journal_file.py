"""Writes a run's journal: parts that only grow, a group of records by one write and one sync.

Not thread-safe: the recorder is its one caller. After an error nothing is written until `repair`:
a file whose sync has failed may show what is not on the disk, so it is opened anew, cut to what is
known to be durable, and what was lost is written again.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow as pa
from loguru import logger

from app.core.errors import DataError, StateError
from app.core.message_codec import encode
from app.repositories import journal_archive as archive
from app.repositories import journal_format as form
from app.repositories.bar_store_files import disk_errors
from app.repositories.disk import MACHINE_DISK, Disk, DiskFile
from app.repositories.journal_format import Place
from app.repositories.journal_reader import (
    WHAT_TO_DO,
    PartWalk,
    Torn,
    missing_part,
    part_name,
    parts_of,
)

_TEMPORARY: Final = ".tmp"


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A record that has no number yet."""

    kind: int
    sequence: int
    payload: bytes


class JournalWriter:
    """Goes on where a journal ends, or begins one.

    Opening makes durable what is there, and cuts off a torn end, which `torn` then describes.
    `part` is the one being written, 0 before the first.
    """

    def __init__(self, folder: Path, disk: Disk = MACHINE_DISK) -> None:
        self._folder, self._disk = folder, disk
        self._file: DiskFile | None = None
        self._place = Place()
        self._durable_bytes = 0
        self._broken = False
        self.part = 0
        self.ended = False
        self.torn: Torn | None = None
        with disk_errors(f"The journal in {folder} cannot be written"):
            disk.make_folder(folder)
            for name in disk.names(folder):
                if name.endswith(_TEMPORARY):
                    disk.remove(folder / name)
            self._find_end()

    def begin_part(self, header: Mapping[str, Any]) -> None:
        """Close the part under way and begin the next with a header of its own, durable."""
        self._check_usable()
        part, first = self.part + 1, self._place
        content = form.PartHeader(part, first.number, first.chain, dict(header))
        record, place = form.frame(form.HEADER, 0, encode(content), first.number, first)
        self._broken = True
        file = self._disk.grow(self._folder / part_name(part))
        try:
            file.write(form.MAGIC + record)
            file.sync()
            self._disk.sync_folder(self._folder)
        except BaseException:
            file.close()
            raise
        self.close()
        self._file, self._place, self.part = file, place, part
        self._durable_bytes, self._broken = len(form.MAGIC + record), False

    def append(self, entries: Iterable[Entry]) -> None:
        """Write a group, and return when it is durable."""
        self._check_usable()
        file = self._file
        if file is None:
            raise StateError("A journal begins with a part's header: begin_part comes first.")
        place, group, frames = self._place, self._place.number, []
        for entry in entries:
            record, place = form.frame(entry.kind, entry.sequence, entry.payload, group, place)
            frames.append(record)
        content = b"".join(frames)
        self._broken = True
        file.write(content)
        file.sync()
        self._place, self._broken = place, False
        self._durable_bytes += len(content)

    def end(self) -> None:
        """The run is over: nothing will follow. The last part is closed too."""
        self.append([Entry(form.END, 0, b"")])
        self.ended = True
        self.close()

    def close(self) -> None:
        """Give the file back; what was appended is durable already."""
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):
                file.close()

    def repair(self) -> None:
        """After an error: leave what is durable, and nothing else; then write on."""
        if not self._broken:
            return
        self._clear_unborn(self.part + 1)
        self.close()
        if self.part and part_name(self.part) in self._disk.names(self._folder):
            self._reopen(self._durable_bytes)
        self._broken = False

    def compress_closed(self) -> None:
        """Compress the parts that are closed; the disk's refusal costs space and no record."""
        try:
            parts = parts_of(self._disk.names(self._folder))
            for part, names in parts.items():
                if part_name(part) in names and (part < self.part or self.ended):
                    self._compress(part, names)
        except (OSError, archive.ArchiveDamaged, pa.ArrowException) as error:
            logger.warning("A closed part in {} is left as it is: {}", self._folder, error)

    def _compress(self, part: int, names: list[str]) -> None:
        plain, packed = part_name(part), part_name(part, compressed=True)
        target = self._folder / packed
        if packed not in names:
            temporary = target.with_name(packed + _TEMPORARY)
            if temporary.name in self._disk.names(self._folder):
                self._disk.remove(temporary)
            with self._disk.read(self._folder / plain) as source:
                check = self._write_archive(source, temporary)
            with self._disk.read(temporary) as file:
                if archive.content_check(file) != check:
                    raise archive.ArchiveDamaged("does not read as it was written")
            self._disk.rename(temporary, target)
            self._disk.sync_folder(self._folder)
        self._disk.remove(self._folder / plain)
        self._disk.sync_folder(self._folder)

    def _write_archive(self, source: Any, temporary: Path) -> int:
        file = self._disk.grow(temporary)
        try:
            check = archive.compress(source, file)
            file.sync()
        finally:
            file.close()
        return check

    def _find_end(self) -> None:
        """Read the last part to its end; one without a whole header never began."""
        parts = parts_of(self._disk.names(self._folder))
        last = max(parts, default=0)
        for missing in sorted(set(range(1, last + 1)) - set(parts)):
            raise missing_part(self._folder, missing)
        for part in reversed(parts):
            place = Place() if part == 1 else None
            walk = PartWalk(self._folder, part, part == last, place, self._disk)
            for _ in walk:
                pass
            self.torn = walk.torn or self.torn
            if not walk.whole_bytes:
                self._clear_unborn(part)
                continue
            self.part, self._place, self.ended = part, walk.place, walk.ended
            self._durable_bytes = walk.whole_bytes
            if not walk.compressed:
                self._reopen(walk.whole_bytes)
            return

    def _clear_unborn(self, part: int) -> None:
        """Undo a part that never began. Behind a compressed one it stays, empty: that one cannot
        be the last.
        """
        path = self._folder / part_name(part)
        names = self._disk.names(self._folder)
        if path.name not in names:
            return
        if part_name(part - 1, compressed=True) not in names:
            self._disk.remove(path)
            self._disk.sync_folder(self._folder)
            return
        file = self._disk.grow(path)
        try:
            file.truncate(0)
            file.sync()
        finally:
            file.close()

    def _reopen(self, size_bytes: int) -> None:
        """The part's file, cut to what is good, that cut being durable before anything is added."""
        file = self._disk.grow(self._folder / part_name(self.part))
        try:
            if file.size_bytes() < size_bytes:
                raise DataError(
                    f"{self._folder / part_name(self.part)} has become shorter than what was"
                    f" written: {file.size_bytes()} of {size_bytes} bytes.{WHAT_TO_DO}"
                )
            file.truncate(size_bytes)
            file.sync()
        except BaseException:
            file.close()
            raise
        self._file = file

    def _check_usable(self) -> None:
        if self.ended:
            raise StateError(f"The journal in {self._folder} has ended: nothing is added to it.")
        if self._broken:
            raise DataError(f"The journal in {self._folder} must be repaired before it goes on.")
