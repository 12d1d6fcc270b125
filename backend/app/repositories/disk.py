"""The few things a journal does to files, as a seam: where a test breaks the disk or its power."""

import fcntl
import os
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from app.core.durable import sync_file
from app.core.errors import StateError
from app.repositories.bar_store_files import sync_folder

# what has to reach the disk is the content and the length, not the time of the last change
_sync = getattr(os, "fdatasync", sync_file)


class DiskFile(Protocol):
    """A file that grows at its end; nothing is durable before `sync` has returned."""

    def write(self, content: bytes) -> None: ...
    def sync(self) -> None: ...
    def size_bytes(self) -> int: ...
    def truncate(self, size_bytes: int) -> None: ...
    def close(self) -> None: ...


class Disk(Protocol):
    """A folder's files. Every call may raise OSError."""

    def make_folder(self, folder: Path) -> None: ...
    def names(self, folder: Path) -> list[str]:
        """All files in a folder, and none if there is no such folder."""
        ...

    def grow(self, path: Path) -> DiskFile:
        """Open at the end, made where there is none; one holder at a time."""
        ...

    def read(self, path: Path) -> BinaryIO: ...
    def rename(self, path: Path, target: Path) -> None: ...
    def remove(self, path: Path) -> None: ...
    def sync_folder(self, folder: Path) -> None:
        """Make what was made, renamed and removed in it durable."""
        ...


class MachineFile:
    """A real one."""

    def __init__(self, path: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(path, flags, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._descriptor)
            if isinstance(error, BlockingIOError):
                raise StateError(
                    f"{path} is being written by another process. Stop that one first."
                ) from error
            raise

    def write(self, content: bytes) -> None:
        left = memoryview(content)
        while left:
            left = left[os.write(self._descriptor, left) :]

    def sync(self) -> None:
        _sync(self._descriptor)

    def size_bytes(self) -> int:
        return os.fstat(self._descriptor).st_size

    def truncate(self, size_bytes: int) -> None:
        os.ftruncate(self._descriptor, size_bytes)

    def close(self) -> None:
        os.close(self._descriptor)


class MachineDisk:
    """The machine's own file system."""

    def make_folder(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        sync_folder(folder.parent)

    def names(self, folder: Path) -> list[str]:
        return sorted(os.listdir(folder)) if folder.is_dir() else []

    def grow(self, path: Path) -> DiskFile:
        return MachineFile(path)

    def read(self, path: Path) -> BinaryIO:
        return open(path, "rb")

    def rename(self, path: Path, target: Path) -> None:
        os.replace(path, target)

    def remove(self, path: Path) -> None:
        path.unlink()

    def sync_folder(self, folder: Path) -> None:
        sync_folder(folder)


MACHINE_DISK: Final = MachineDisk()
