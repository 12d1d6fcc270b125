"""The machine: its clock, time zones, limits, and the terminal."""

import ctypes
import os
import resource
import struct
import sys
from collections.abc import Iterator
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.cli.doctor.finding import Ground, Verdict, failing, ok, warning
from app.managers.time_manager.clock import WallClock

LEAST_FILES: Final = 1024  # a live session with its venue, its bars and its database
_LEAST_WIDTH: Final = 80
_MOST_STEP_MS: Final = 20.0  # the wall clock may differ from the monotonic one while we look
_EARLIEST_NS: Final = 1_735_689_600 * 10**9  # 2025: this program is younger
_TIMEX = struct.Struct("@I4xqqqqi")  # modes, offset, freq, maxerror, esterror, status
_TIMEX_BYTES: Final = 256
_UNSYNCHRONISED: Final = 0x0040
_IS_MACOS: Final = sys.platform == "darwin"
_BY_NETWORK: Final = (
    "sudo sntp -sS time.apple.com" if _IS_MACOS else "sudo timedatectl set-ntp true"
)
_LOOK: Final = "sntp time.apple.com" if _IS_MACOS else "timedatectl status"


def check_clock(ground: Ground) -> Iterator[Verdict]:
    """The wall clock goes as the monotonic one does, and is held right by somebody."""
    clock = WallClock()
    first_ns = clock.now_ns() - clock.monotonic_ns()
    if clock.now_ns() < _EARLIEST_NS:
        yield failing("the clock shows a time before this program was written", _BY_NETWORK)
        return
    known = kernel_clock()
    step_ms = abs(clock.now_ns() - clock.monotonic_ns() - first_ns) / 1e6
    if step_ms > _MOST_STEP_MS:
        yield warning(f"the clock was set by {step_ms:.0f} ms just now", _LOOK)
    elif known is None:
        yield ok("steady; whether it is held right is not known here")
    elif known[1]:
        yield warning("nothing holds the clock right (unsynchronised)", _BY_NETWORK)
    else:
        yield ok(f"steady, held right to within {known[0] / 1e3:,.0f} ms at most")


def kernel_clock() -> tuple[int, bool] | None:
    """By how many microseconds the kernel thinks it may be wrong, and whether it is left alone."""
    if not sys.platform.startswith("linux") or struct.calcsize("l") != 8:
        return None
    buffer = ctypes.create_string_buffer(_TIMEX_BYTES)
    try:
        if ctypes.CDLL(None).adjtimex(buffer) < 0:
            return None
    except (OSError, AttributeError):
        return None
    _, _, _, most_error_us, _, status = _TIMEX.unpack_from(buffer)
    return most_error_us, bool(status & _UNSYNCHRONISED)


def check_zones(ground: Ground) -> Iterator[Verdict]:
    """Time zones are known."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        data = f"tzdata {version('tzdata')}"
    except PackageNotFoundError:
        data = "the system's"
    try:
        zones = [str(ZoneInfo(name)) for name in ("America/New_York", "Asia/Tokyo", "UTC")]
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield failing(
            "time zone data are missing or damaged", "pip install --force-reinstall tzdata"
        )
        return
    yield ok(f"{len(zones)} of {len(zones)} zones tried, {data}")


def check_open_files(ground: Ground) -> Iterator[Verdict]:
    """How many files and connections a process may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= LEAST_FILES:
        yield ok("no limit" if soft == resource.RLIM_INFINITY else f"{soft:,} may be open at once")
        return
    yield warning(f"only {soft:,} may be open at once", f"ulimit -n {min(hard, 4096)}")


def check_terminal(ground: Ground) -> Iterator[Verdict]:
    """What output can show."""
    encoding = (sys.stdout.encoding or "ascii").lower().replace("_", "-")
    if encoding not in ("utf-8", "utf8"):
        yield warning(f"output is {encoding}: frames and names may not show", "export PYTHONUTF8=1")
    if not sys.stdout.isatty():
        yield ok("output is no terminal: no colours, no bars of progress")
        return
    width = os.get_terminal_size(sys.stdout.fileno()).columns
    kind = os.environ.get("TERM", "") or "unknown"
    plain = kind in ("dumb", "unknown") or bool(os.environ.get("NO_COLOR"))
    told = f"{kind}, {width} columns, {'no colours' if plain else 'colours'}, {encoding}"
    if width < _LEAST_WIDTH:
        yield warning(f"{told}: tables need {_LEAST_WIDTH} columns", "resize -s 40 120")
    else:
        yield ok(told)
