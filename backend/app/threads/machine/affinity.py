"""Keeps threads that take turns on one processor.

Python runs one thread at a time. Where several have work, each hand-over to another processor
wakes it and moves the block's columns between caches; on one processor it is a switch.
"""

import os
from pathlib import Path

_PROCESSOR_FIELD = 36  # of /proc/thread-self/stat, behind the thread's name


def this_processor() -> int | None:
    """The processor this thread runs on now; None where the system does not tell."""
    try:
        stat = Path("/proc/thread-self/stat").read_text(encoding="ascii", errors="replace")
        return int(stat.rpartition(")")[2].split()[_PROCESSOR_FIELD])
    except (OSError, ValueError, IndexError):
        return None


def stay_on(processor: int | None) -> None:
    """Bind the calling thread to a processor, where the system lets it be bound."""
    if processor is not None and hasattr(os, "sched_setaffinity"):
        try:
            os.sched_setaffinity(0, {processor})
        except OSError:  # taken from this process since: run wherever there is room
            return
