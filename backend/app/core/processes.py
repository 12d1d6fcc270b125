"""Which process is which: a pid is given again once its process is gone, its start time is not."""

import os
import socket
from pathlib import Path

import msgspec

_PROC = Path("/proc")
_STATE, _START = 0, 19  # fields of `stat` behind the name
_DEAD = "ZX"


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


def _machine() -> str:
    """This boot of this machine, and our space of pids; the host's name where it tells neither."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {os.readlink(_PROC / 'self/ns/pid')}"
    except OSError:
        return socket.gethostname()


def _start_of(pid: int) -> str | None:
    """When a process began, in the machine's ticks; "" when it is dead, None when not told."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # the name may hold anything
    return "" if fields[_STATE] in _DEAD else fields[_START]
