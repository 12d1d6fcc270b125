"""Where imports look: in the working folder last, so that a `signal.py` there replaces no other.

Python's own `-m` looks there first; each process of ours is started with `-P`, which leaves it out.
"""

import os
import sys
from contextlib import suppress
from typing import Final

PYTHON: Final = (sys.executable, "-P", "-m")


def look_here_last() -> None:
    """What strategies import may lie in the working folder."""
    with suppress(OSError):  # it has been removed
        here = os.getcwd()
        if here not in sys.path:
            sys.path.append(here)
