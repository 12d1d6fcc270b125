"""How a run is named by those who ask for one: its id, a beginning of that, or `last`."""

import re

LAST = re.compile(r"last(?:-(\d{1,6}))?")  # no id begins so: each begins with the time of its start


def runs_back(words: str) -> int | None:
    """How many runs before the newest `last` (0), `last-1`, ... names; None for any other word."""
    found = LAST.fullmatch(words)
    return None if found is None else int(found[1] or 0)
