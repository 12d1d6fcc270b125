"""Where bars lie on disk: escaped names, a file a year, and files that appear whole or not."""

import datetime as dt
import fcntl
import os
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote

import msgspec

from app.core.durable import sync_file
from app.core.errors import DataError
from app.core.intervals import is_interval
from app.core.progress import OnCount, counted

_PLAIN = re.compile(r"[A-Z0-9_-]")
_YEAR = re.compile(r"[0-9]{4}\.parquet")
_RESERVED = re.compile(r"CON|PRN|AUX|NUL|COM[0-9]|LPT[0-9]")  # device names on Windows
_TEMPORARY = ".part"


class Series(msgspec.Struct, frozen=True, order=True):
    """What one set of year files holds: the bars of a symbol at one interval."""

    market: str
    symbol: str
    interval: str

    def __str__(self) -> str:
        return f"{self.market} {self.symbol} {self.interval}"


def escape(name: str) -> str:
    """A file name no file system can mistake for another one's; `unescape` undoes it.

    Lower case is escaped too: where case is ignored, `abc` and `ABC` stay apart.
    """
    if _RESERVED.fullmatch(name):
        return f"%{ord(name[0]):02X}{name[1:]}"
    return "".join(
        char if _PLAIN.fullmatch(char) else "".join(f"%{byte:02X}" for byte in char.encode())
        for char in name
    )


def unescape(name: str) -> str:
    """The name that `escape` was given."""
    return unquote(name)


@lru_cache(maxsize=1024)
def series_folder(root: Path, series: Series) -> Path:
    """The folder of a series' year files; intervals are lower-case words and need no escape."""
    return root / escape(series.market) / escape(series.symbol) / series.interval


def stored_series(root: Path) -> list[Series]:
    """Every series that has at least one file, in order; other folders are not ours."""
    folders = {path.parent for path in root.glob("*/*/*/*.parquet") if is_year(path.name)}
    folders = {folder for folder in folders if is_interval(folder.name)}
    return sorted(
        Series(unescape(folder.parent.parent.name), unescape(folder.parent.name), folder.name)
        for folder in folders
    )


def is_year(name: str) -> bool:
    """Whether a file is a year of bars; a temporary one of a writer that died is not."""
    return _YEAR.fullmatch(name) is not None


def year_start_ns(year: int, zone: dt.tzinfo) -> int:
    """The first moment of a year in a market's zone."""
    return int(dt.datetime(year, 1, 1, tzinfo=zone).timestamp()) * 1_000_000_000


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One writer at a time in this folder; the lock of a process that dies dies with it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.with_name(f".{folder.name}.lock"), "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder.mkdir(exist_ok=True)
        for leftover in folder.glob(f"*{_TEMPORARY}"):
            leftover.unlink()
        yield


@contextmanager
def disk_errors(failed: str) -> Iterator[None]:
    """A disk that is full or refuses is no defect of ours: say what `failed`, and the way out."""
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{failed}: {error.strerror or error}. Look after the space and permissions of the"
            " data folder; MISMARTERA_DATA_FOLDER names another."
        ) from error


def write_all(
    files: Sequence[tuple[Path, Callable[[BinaryIO], None]]], on_count: OnCount | None = None
) -> None:
    """Write every file beside its place, each safe on disk, and only then rename them all."""
    writer = f"{threading.get_ident()}.{os.getpid()}"  # no other has its temporary names
    parts = [(path.with_name(f"{path.name}.{writer}{_TEMPORARY}"), path) for path, _ in files]
    try:
        pairs = zip(parts, files, strict=True)
        for (part, _), (_, write) in counted(pairs, len(files), on_count):
            with open(part, "wb") as file:
                write(file)
                file.flush()
                sync_file(file.fileno())
        for part, path in parts:
            os.replace(part, path)
    except BaseException:
        for part, _ in parts:
            part.unlink(missing_ok=True)
        raise
    for folder in {path.parent for _, path in parts}:
        sync_folder(folder)


def clear_leftovers(folder: Path) -> None:
    """Remove the temporary files of writers that died; those of living ones stay."""
    for leftover in folder.glob(f"*{_TEMPORARY}"):
        try:
            os.kill(int(leftover.name.removesuffix(_TEMPORARY).rpartition(".")[2]), 0)
        except ProcessLookupError:
            leftover.unlink(missing_ok=True)
        except (PermissionError, ValueError, OverflowError):  # somebody else's
            continue


def sync_folder(folder: Path) -> None:
    """Make renames in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        sync_file(descriptor)
    finally:
        os.close(descriptor)
