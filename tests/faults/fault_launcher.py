"""The program on a disk that fails: `python -m ... KIND FIRST COUNT words`, the product untouched.

`sync` and `write` fail so often from that call on, `limit` lets no file grow past FIRST bytes.
"""

import errno
import resource
import sys
from collections.abc import Callable
from typing import Any

from app.cli.main import main
from app.repositories.disk import MachineFile


def fail(name: str, first: int, count: int) -> None:
    """Have a method of the journal's files fail from its call `first` on, `count` times."""
    method: Callable[..., Any] = getattr(MachineFile, name)
    calls = 0

    def failing(self: MachineFile, *given: Any) -> Any:
        nonlocal calls
        calls += 1
        if first <= calls < first + count:
            raise OSError(errno.EIO, "the disk failed, as it was told to")
        return method(self, *given)

    setattr(MachineFile, name, failing)


if __name__ == "__main__":
    kind, number, times, *words = sys.argv[1:]
    if kind == "limit":
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(number), resource.RLIM_INFINITY))
    else:
        fail(kind, int(number), int(times))
    sys.argv = ["mismartera", *words]
    sys.exit(main())
