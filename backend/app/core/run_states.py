"""The states that runs are recorded in, the one they are shown in besides, and why their streams
end. The words stand in journals and in SQL: they are kept.
"""

from typing import Final

RUNNING: Final = "running"  # it has no end yet
FINISHED: Final = "finished"
STOPPED: Final = "stopped"  # whoever did it, and why
FAILED: Final = "failed"
ABANDONED: Final = "abandoned"  # on record it runs, and its process is gone

# Why a stream ends besides FINISHED, FAILED and STOPPED; on record that is STOPPED too.
INTERRUPTED: Final = "interrupted"  # by a Ctrl+C
TIMEOUT: Final = "timeout"  # it took longer than it was given
KILLED: Final = "killed"
