"""How a run is named by those who ask for one: its id, a beginning of that, or `last`."""

from typing import Final

LAST: Final = "last"  # the newest; no id begins so, as each begins with the time of its start
