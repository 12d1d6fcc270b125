"""Why orders end. A run has the same words on record, wherever its orders were."""

from typing import Final

BY_STRATEGY: Final = "cancelled by its strategy"
NOTHING_LEFT: Final = "amended to what had filled"
SESSION_CLOSED: Final = "the session closed"
