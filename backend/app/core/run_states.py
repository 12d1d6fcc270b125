"""The states that runs are recorded in, and the one they are shown in besides."""

from typing import Final

RUNNING: Final = "running"  # it has no end yet
FINISHED: Final = "finished"
STOPPED: Final = "stopped"  # whoever did it, and why
FAILED: Final = "failed"
ABANDONED: Final = "abandoned"  # on record it runs, and its process is gone
