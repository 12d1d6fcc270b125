"""Taking measurements: fresh processes, interleaved repeats, peak memory, percentiles."""

import gc
import re
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from math import ceil
from multiprocessing import get_context
from pathlib import Path
from typing import ParamSpec, TypeVar

from app.core.errors import AppError

P = ParamSpec("P")
T = TypeVar("T")

_SAMPLE_SECONDS = 0.002
_STATUS = Path("/proc/self/status")
_ANONYMOUS = re.compile(r"^RssAnon:\s+(\d+) kB", re.MULTILINE)


class BenchError(AppError):
    """A workload did not do what it is there to time; its figures would mean nothing."""


def fresh(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a module's function in a process of its own, so that its memory is its own too."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *args, **kwargs).result()


def interleaved(runs: Sequence[Callable[[], T]], repeats: int) -> list[list[T]]:
    """Each run `repeats` times, in turn, so that a busy machine slows all alike; by run.

    One round before them warms up and is thrown away.
    """
    results: list[list[T]] = [[] for _ in runs]
    for number in range(repeats + 1):
        for run, kept in zip(runs, results, strict=True):
            gc.collect()
            result = run()
            if number:
                kept.append(result)
    return results


def peak_anonymous_mb(work: Callable[[], object]) -> float | None:
    """The most anonymous memory of this process while `work` ran; None where it is not told.

    Pages of mapped files are left out: they belong to the page cache and are given up at need.
    """
    if not _STATUS.exists():
        return None
    most_mb, done = 0.0, threading.Event()

    def watch() -> None:
        nonlocal most_mb
        while not done.wait(_SAMPLE_SECONDS):
            most_mb = max(most_mb, _anonymous_mb())

    watcher = threading.Thread(target=watch, name="memory watch")
    watcher.start()
    try:
        work()
    finally:
        done.set()
        watcher.join()
    return round(max(most_mb, _anonymous_mb()), 1)


def _anonymous_mb() -> float:
    found = _ANONYMOUS.search(_STATUS.read_text(encoding="ascii"))
    return int(found[1]) / 1024 if found else 0.0


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` of them do not exceed."""
    return sorted(values)[max(0, ceil(len(values) * share) - 1)]
