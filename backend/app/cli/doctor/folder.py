"""The data folder: may it be written, is there room, and how fast is what is written safe."""

import os
import shlex
import shutil
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from app.cli.doctor.finding import Ground, Verdict, failing, ok, warning
from app.core.durable import sync_file
from app.managers.time_manager.clock import WallClock

_GB: Final = 1 << 30
LITTLE_BYTES: Final = 2 * _GB
LEAST_BYTES: Final = _GB // 10
_LEAST_NAMES: Final = 1_000
SLOW_MS: Final = 20.0  # a live run waits for this before each order
_TRIES: Final = 5
_PROBE: Final = b"x" * 4096


def check_folder(ground: Ground) -> Iterator[Verdict]:
    """Files can be made in it, and reach the disk."""
    folder = ground.settings.data_folder
    place = existing(folder)
    quoted = shlex.quote(str(place))
    if not place.is_dir():
        yield failing(f"{place} is a file, not a folder", f"mv {quoted} {quoted}.moved")
        return
    try:
        times_ms = sync_times_ms(place)
    except OSError as error:
        yield failing(f"{place} cannot be written: {error.strerror}", _remedy(error, quoted))
        return
    what = f"{folder}: " if place == folder else f"{folder} will be made: "
    middle_ms = statistics.median(times_ms)
    if middle_ms > SLOW_MS:
        yield warning(
            f"{what}a record takes {middle_ms:.1f} ms to be safe, {max(times_ms):.1f} at most; "
            "a live run waits that long before each order",
            "export MISMARTERA_DATA_FOLDER=/path/on/a/local/disk",
        )
    else:
        yield ok(f"{what}a record is safe in {middle_ms:.1f} ms, {max(times_ms):.1f} at most")


def check_room(ground: Ground) -> Iterator[Verdict]:
    """There is room for more."""
    place = existing(ground.settings.data_folder)
    free_bytes = shutil.disk_usage(place).free
    names = os.statvfs(place)
    told = f"{free_bytes / _GB:,.1f} GB free"
    remedy = f"du -sh {shlex.quote(str(place))}/*"
    if free_bytes < LEAST_BYTES:
        yield failing(f"{told}: runs cannot be recorded", remedy)
    elif names.f_files and names.f_favail < _LEAST_NAMES:
        yield failing(f"{told}, but only {names.f_favail} more files can be made", remedy)
    elif free_bytes < LITTLE_BYTES:
        yield warning(f"{told}: that is little for bars and journals", remedy)
    else:
        yield ok(told)


def existing(folder: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    place = folder.absolute()
    while not os.path.lexists(place):
        place = place.parent
    return folder if place == folder.absolute() else place


def sync_times_ms(folder: Path) -> list[float]:
    """How long records of a page take to reach the disk; nothing of them stays."""
    clock, times = WallClock(), []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(_TRIES):
            since_ns = clock.monotonic_ns()
            file.write(_PROBE)
            file.flush()
            sync_file(file.fileno())
            times.append((clock.monotonic_ns() - since_ns) / 1e6)
    return times


def _remedy(error: OSError, quoted: str) -> str:
    if isinstance(error, PermissionError):
        return f"chmod u+rwx {quoted}"
    return "export MISMARTERA_DATA_FOLDER=/path/of/another/folder"
