"""Which process is which: a pid is given again once its process is gone, its start time is not."""

import os
import signal
import socket
import subprocess
from contextlib import suppress
from functools import cache
from pathlib import Path

import msgspec

_PROC = Path("/proc")
_STATE, _START = 0, 19  # fields of `stat` behind the name
_DEAD = "ZX"
_ASKED_SECONDS = 5.0  # that a command of the system may take to answer


class Process(msgspec.Struct, frozen=True):
    """A process, for whoever wants to know later whether it still runs."""

    host: str
    machine: str  # pids can be compared where this is the same: one boot, one space of pids
    pid: int
    start: str  # "" where the machine does not tell


def this_process() -> Process:
    """The one we are in."""
    pid = os.getpid()
    return Process(socket.gethostname(), _machine(), pid, _start_of(pid) or "")


def is_gone(process: Process) -> bool | None:
    """Whether it has ended; None when that cannot be told from here."""
    if process.machine != _machine():
        return None
    start = _start_of(process.pid)
    return not is_running(process.pid) or (start is not None and start != process.start)


def is_running(pid: int) -> bool:
    """Whether there is a process of this pid that has not ended, be it another user's."""
    if pid <= 0:  # nobody's; to signal it would mean others
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return _start_of(pid) != ""


def end_group(pid: int) -> None:
    """End a process that began a session of its own, and whatever it started in it."""
    with suppress(ProcessLookupError, PermissionError):  # the dead: macOS refuses to signal them
        os.killpg(pid, signal.SIGKILL)


def _machine() -> str:
    """This boot of this machine, and our space of pids; the host's name where it tells neither."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {os.readlink(_PROC / 'self/ns/pid')}"
    except OSError:
        return _boot_session() or socket.gethostname()


@cache
def _boot_session() -> str | None:
    """This boot where there is no /proc, as on macOS: a laptop's name changes with its network."""
    return _asked("sysctl", "-n", "kern.bootsessionuuid")


def _start_of(pid: int) -> str | None:
    """When a process began, as the machine tells it; "" when it is dead, None when not told."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None if (_PROC / "self").exists() else _start_by_ps(pid)
    fields = text.rpartition(")")[2].split()  # the name may hold anything
    return "" if fields[_STATE] in _DEAD else fields[_START]


def _start_by_ps(pid: int) -> str | None:
    """The same where there is no /proc: to the second, which no clock set later changes."""
    told = _asked("ps", "-o", "stat=", "-o", "lstart=", "-p", str(pid))
    if told is None:
        return None
    state, _, start = told.partition(" ")
    return "" if state[0] in _DEAD else start.strip()


def _asked(*command: str) -> str | None:
    """What a command of the system says; None where there is none, or it fails."""
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"  # cron's has less
    try:
        done = subprocess.run(
            command,
            env={"PATH": path, "LC_ALL": "C", "TZ": "UTC0"},  # wherever it is asked, one answer
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_ASKED_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
