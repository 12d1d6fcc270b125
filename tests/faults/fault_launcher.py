"""The program on a machine that fails: `python -m ... KIND FIRST COUNT words`.

`sync` and `write` fail so often from that call on, as does `add` of the run's record, for want of
room; `limit` lets no file grow past FIRST bytes;
`clock` sets the machine's wall clock by COUNT hours after FIRST seconds, as this process sees it.
"""

import errno
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

from app.cli.main import main as run_command
from app.managers.system_manager.record.waiting_rows import WaitingRows
from app.repositories.disk import MachineFile


def fail(of: type, name: str, first: int, count: int, number: int = errno.EIO) -> None:
    """Have a method of a class of files fail from its call `first` on, `count` times."""
    method: Callable[..., Any] = getattr(of, name)
    calls = 0

    def failing(self: Any, *given: Any) -> Any:
        nonlocal calls
        calls += 1
        if first <= calls < first + count:
            raise OSError(number, "the disk failed, as it was told to")
        return method(self, *given)

    setattr(of, name, failing)


def jump(after_seconds: int, hours: int) -> None:
    """Have the wall clock show another time from then on; the monotonic one knows nothing of it."""
    real, begin_ns = time.time_ns, time.monotonic_ns()
    step_ns = hours * 3_600_000_000_000

    def time_ns() -> int:
        is_set = time.monotonic_ns() - begin_ns > after_seconds * 1_000_000_000
        return real() + step_ns * is_set

    time.time_ns = time_ns
    time.time = lambda: time_ns() / 1e9


def main() -> int:
    kind, number, times, *words = sys.argv[1:]
    if kind == "limit":
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(number), resource.RLIM_INFINITY))
    elif kind == "clock":
        jump(int(number), int(times))
    elif kind == "add":
        fail(WaitingRows, kind, int(number), int(times), errno.ENOSPC)
    else:
        fail(MachineFile, kind, int(number), int(times))
    sys.argv = ["mismartera", *words]
    return run_command()


if __name__ == "__main__":
    sys.exit(main())
