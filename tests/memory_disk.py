"""A disk in memory that can fail at any call, and that forgets what was not synced when the power
goes; and a wrapper that makes the real one fail.
"""

import errno
import io
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from app.repositories.disk import Disk, DiskFile

SECTOR = 512


class PowerLoss(BaseException):
    """The machine is off: nobody handles this."""


class Faults:
    """Counts the calls that change something, and makes those from `first` to `last` fail; or has
    the power go at `first`.
    """

    def __init__(
        self, first: int = 0, last: int | None = None, code: int = errno.EIO, power: bool = False
    ) -> None:
        self.first, self.last, self.code = first, first if last is None else last, code
        self.power = power
        self.is_off = False
        self.calls: list[str] = []

    def count(self, call: str) -> None:
        self.calls.append(call)
        if self.is_off or (self.power and 0 < self.first <= len(self.calls)):
            self.is_off = True
            raise PowerLoss
        if self.first <= len(self.calls) <= self.last:
            raise OSError(self.code, f"fault at call {len(self.calls)}, {call}")


class Content:
    """What is in a file for those who read it, and what of that the power's loss would leave."""

    def __init__(self) -> None:
        self.seen = bytearray()
        self.durable = bytearray()
        self.clean_bytes = 0  # up to here nothing waits to be written

    def sync(self) -> None:
        self.durable = self.durable[: self.clean_bytes].ljust(self.clean_bytes, b"\0")
        self.durable += self.seen[self.clean_bytes :]
        self.clean_bytes = len(self.seen)

    def forget(self) -> None:
        """As a kernel after a failed sync: what was not written counts as clean."""
        self.clean_bytes = len(self.seen)

    def truncate(self, size_bytes: int) -> None:
        del self.seen[size_bytes:]
        self.clean_bytes = min(self.clean_bytes, size_bytes)

    def after_power_loss(self, lots: random.Random) -> "Content":
        """The durable bytes; and of the rest whatever sectors happened to be written."""
        left = Content()
        # a cut that was not synced may have happened
        whole = lots.random() < 0.5
        kept = bytearray(self.durable if whole else self.durable[: self.clean_bytes])
        size = lots.choice([len(kept), len(self.seen), lots.randint(0, len(self.seen))])
        if size > len(kept):
            start = len(kept)
            fresh = self.seen[:size]
            for first in range(start - start % SECTOR, size, SECTOR):
                if lots.random() < 0.5:
                    begin, end = max(first, start), min(first + SECTOR, size)
                    fresh[begin:end] = bytes(end - begin)
            kept += fresh[start:]
        left.seen, left.durable, left.clean_bytes = kept, bytearray(kept), len(kept)
        return left


class MemoryFile:
    def __init__(self, content: Content, faults: Faults) -> None:
        self._content, self._faults = content, faults

    def write(self, content: bytes) -> None:
        was_off = self._faults.is_off
        try:
            self._faults.count("write")
        except BaseException:
            if not was_off:
                self._content.seen += content[: len(content) // 2]
            raise
        self._content.seen += content

    def sync(self) -> None:
        try:
            self._faults.count("sync")
        except OSError:
            self._content.forget()
            raise
        self._content.sync()

    def size_bytes(self) -> int:
        return len(self._content.seen)

    def truncate(self, size_bytes: int) -> None:
        self._faults.count("truncate")
        self._content.truncate(size_bytes)

    def close(self) -> None:
        pass


class MemoryDisk:
    """Files by name. Names too are durable only when their folder was synced."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.files: dict[Path, Content] = {}
        self._durable_names: dict[Path, Content] = {}

    def after_power_loss(self, lots: random.Random) -> "MemoryDisk":
        """The disk that a machine finds when it starts again."""
        after = MemoryDisk()
        names = self.files if lots.random() < 0.5 else self._durable_names
        after.files = {path: content.after_power_loss(lots) for path, content in names.items()}
        after._durable_names = dict(after.files)
        return after

    def after_kill(self) -> "MemoryDisk":
        """The disk as the next program finds it, where only the program has gone."""
        after = MemoryDisk()
        after.files, after._durable_names = self.files, self._durable_names
        return after

    def make_folder(self, folder: Path) -> None:
        self.faults.count("make_folder")

    def names(self, folder: Path) -> list[str]:
        return sorted(path.name for path in self.files if path.parent == folder)

    def grow(self, path: Path) -> DiskFile:
        self.faults.count("open")
        return MemoryFile(self.files.setdefault(path, Content()), self.faults)

    def read(self, path: Path) -> BinaryIO:
        if path not in self.files:
            raise FileNotFoundError(path)
        return io.BytesIO(bytes(self.files[path].seen))

    def rename(self, path: Path, target: Path) -> None:
        self.faults.count("rename")
        self.files[target] = self.files.pop(path)

    def remove(self, path: Path) -> None:
        self.faults.count("remove")
        del self.files[path]

    def sync_folder(self, folder: Path) -> None:
        self.faults.count("sync_folder")
        self._durable_names = dict(self.files)


class FaultyDisk:
    """Another disk, whose calls fail when `faults` says so; a failing write writes half."""

    def __init__(self, inner: Disk, faults: Faults) -> None:
        self._inner, self.faults = inner, faults

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            if name not in ("names", "read"):
                self.faults.count(name)
            result = getattr(self._inner, name)(*arguments)
            return _FaultyFile(result, self.faults) if name == "grow" else result

        return call


class _FaultyFile:
    def __init__(self, inner: DiskFile, faults: Faults) -> None:
        self._inner, self._faults = inner, faults

    def write(self, content: bytes) -> None:
        try:
            self._faults.count("write")
        except OSError:
            self._inner.write(content[: len(content) // 2])
            raise
        self._inner.write(content)

    def sync(self) -> None:
        self._faults.count("sync")
        self._inner.sync()

    def truncate(self, size_bytes: int) -> None:
        self._faults.count("truncate")
        self._inner.truncate(size_bytes)

    def size_bytes(self) -> int:
        return self._inner.size_bytes()

    def close(self) -> None:
        self._inner.close()
