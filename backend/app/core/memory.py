"""How much memory this process has for its own, and how much there is to be had."""

import os
from pathlib import Path
from typing import Final

_MB: Final = 1 << 20
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_CONTAINER: Final = Path("/sys/fs/cgroup")


def used_mb() -> float | None:
    """What this process has for itself, mapped files aside; None where the system does not tell."""
    try:
        resident, shared = Path("/proc/self/statm").read_text(encoding="ascii").split()[1:3]
    except (OSError, ValueError):
        return None
    return (int(resident) - int(shared)) * _PAGE_BYTES / _MB


def free_mb() -> float | None:
    """What it could take: of the machine, or of the container that it is in, if that is less."""
    found = [found for found in (_of_machine_mb(), _of_container_mb()) if found is not None]
    return min(found, default=None)


def _of_machine_mb() -> float | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(x.split()[1]) / 1024 for x in lines if x.startswith("MemAvailable:")), None)


def _of_container_mb() -> float | None:
    try:
        most = (_CONTAINER / "memory.max").read_text(encoding="ascii").strip()
        taken = (_CONTAINER / "memory.current").read_text(encoding="ascii").strip()
        return (int(most) - int(taken)) / _MB
    except (OSError, ValueError):  # there is none, or "max"
        return None
