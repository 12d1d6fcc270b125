"""The fingerprint of a run: one SHA-256 over its decisions and fills, in order.

Lines are canonical and carry no run id, no client id and no wall time; where a block ends
leaves no trace, so the same run has the same fingerprint however it was cut.
"""

import hashlib


class Fingerprint:
    """Collects lines, hashes them in batches."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self.lines: list[str] = []  # appended to directly by the hot path, each ended by \n

    def flush(self) -> None:
        """Hash what was collected; when this is called does not change the result."""
        if self.lines:
            self._digest.update("".join(self.lines).encode())
            self.lines.clear()

    def hexdigest(self) -> str:
        """The fingerprint so far."""
        self.flush()
        return self._digest.hexdigest()
