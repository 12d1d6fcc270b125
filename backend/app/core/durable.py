"""Brings what was written to where no cut of the power reaches it."""

import fcntl
import os
from contextlib import suppress
from typing import Final

_THROUGH: Final = getattr(fcntl, "F_FULLFSYNC", None)


def sync_file(descriptor: int) -> None:
    """Returns when it is there. On macOS `fsync` ends at the drive's own memory: ask for more."""
    if _THROUGH is not None:
        with suppress(OSError):  # not every file system can
            fcntl.fcntl(descriptor, _THROUGH)
            return
    os.fsync(descriptor)
