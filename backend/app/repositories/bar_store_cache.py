"""Open bar files: memory-mapped Arrow copies on disk (L2), and the few in use in memory (L1)."""

import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import pyarrow as pa

from app.core.bars import BarColumns
from app.core.errors import DataError
from app.core.folders import can_only_read
from app.repositories.bar_store_codec import (
    Label,
    Quotes,
    decode_label,
    read_label,
    read_table,
    views,
)
from app.repositories.bar_store_files import clear_leftovers, disk_errors, write_all

# Mapped pages belong to the page cache; the bound is on address space, not on our own memory.
DEFAULT_BOUND_BYTES = 1 << 30


class OpenYear(msgspec.Struct, frozen=True):
    """One year of a series, as read-only views of a mapped file."""

    columns: BarColumns
    quotes: Quotes
    label: Label
    size_bytes: int


class BarCache:
    """Opens year files through their Arrow copies.

    A copy's name ends in the hash of its content, so one that is out of date is never found;
    the folder may be deleted at any time. Several processes share the copies' pages.
    """

    def __init__(self, bars: Path, copies: Path, bound_bytes: int) -> None:
        self._bars = bars
        self._copies = copies
        self._bound_bytes = bound_bytes
        self._open: OrderedDict[Path, tuple[tuple[int, ...], OpenYear]] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, path: Path) -> OpenYear:
        """The file's bars; opened once until the file is replaced or the bound pushes it out."""
        try:
            status = path.stat()
        except FileNotFoundError:
            raise DataError(
                f"{path} is gone; its bars were deleted while they were read."
            ) from None
        version = (status.st_ino, status.st_size, status.st_mtime_ns)
        with self._lock:
            held = self._open.get(path)
            if held is not None and held[0] == version:
                self._open.move_to_end(path)
                return held[1]
            year = self._map(path)
            self._open[path] = (version, year)
            self._open.move_to_end(path)
            self._trim()
            return year

    def _trim(self) -> None:
        held_bytes = sum(year.size_bytes for _, year in self._open.values())
        while held_bytes > self._bound_bytes and len(self._open) > 1:
            _, (_, year) = self._open.popitem(last=False)
            held_bytes -= year.size_bytes

    def _map(self, path: Path) -> OpenYear:
        copy = self._copy_of(path, read_label(path).content)
        try:
            return _open_copy(copy, pa.memory_map(str(copy)))
        except (pa.ArrowInvalid, OSError):  # missing or damaged: it is only a copy
            pass
        if can_only_read(next(folder for folder in copy.parents if folder.is_dir())):
            return _open_copy(path, pa.BufferReader(_in_memory(read_table(path))))
        copy = self._build(path)
        return _open_copy(copy, pa.memory_map(str(copy)))

    def _copy_of(self, path: Path, content: str) -> Path:
        folder = self._copies / path.parent.relative_to(self._bars)
        return folder / f"{path.stem}-{content[:24]}.arrow"

    def _build(self, path: Path) -> Path:
        table = read_table(path)
        # Its own label, not the one read before: the file may have been replaced since.
        copy = self._copy_of(path, decode_label(path, table.schema.metadata or {}).content)

        def write(file: BinaryIO) -> None:
            _write_copy(table, file)

        with disk_errors(f"The copy of {path} to read from cannot be made"):
            copy.parent.mkdir(parents=True, exist_ok=True)
            clear_leftovers(copy.parent)
            write_all([(copy, write)])
        for older in copy.parent.glob(f"{path.stem}-*.arrow"):
            if older != copy:
                older.unlink(missing_ok=True)
        return copy


def _write_copy(table: pa.Table, sink: Any) -> None:
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=max(table.num_rows, 1))


def _in_memory(table: pa.Table) -> Any:
    """A copy where none can be kept."""
    sink = pa.BufferOutputStream()
    _write_copy(table, sink)
    return sink.getvalue()


def _open_copy(path: Path, source: Any) -> OpenYear:
    """`path` is what a fault in it is told by."""
    batch = pa.ipc.open_file(source).get_batch(0)
    columns, quotes = views(batch)
    return OpenYear(
        columns=columns,
        quotes=quotes,
        label=decode_label(path, batch.schema.metadata or {}),
        size_bytes=batch.nbytes,
    )
