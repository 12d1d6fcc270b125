"""The fingerprint of a run: one SHA-256 over its decisions and fills, in order.

Each entry has one canonical encoding (little-endian, fixed width, texts with their length) and
carries no run id, no client id and no wall time. Strategies and symbols go by their number; the
names are hashed first. Where a block ends leaves no trace.
"""

import hashlib
from collections.abc import Sequence
from struct import Struct

ORDER = Struct("<cHHqq").pack  # b"O", strategy, symbol, instant, units
FILL = Struct("<cHHqqqd").pack  # b"F", strategy, symbol, instant, start of its bar, units, price
REFUSAL = Struct("<cHHqqH").pack  # b"R", strategy, symbol, instant, units, length of the reason
_COUNT = Struct("<I").pack


class Fingerprint:
    """Collects encoded entries, hashes them in batches."""

    def __init__(self, strategies: Sequence[str], symbols: Sequence[str]) -> None:
        self._digest = hashlib.sha256()
        self.entries: list[bytes] = [_encoded(strategies), _encoded(symbols)]

    def flush(self) -> None:
        """Hash what was collected; when this is called does not change the result."""
        if self.entries:
            self._digest.update(b"".join(self.entries))
            self.entries.clear()

    def hexdigest(self) -> str:
        """The fingerprint so far."""
        self.flush()
        return self._digest.hexdigest()


def _encoded(names: Sequence[str]) -> bytes:
    """How many there are, and each with its length: no two lists of names look alike."""
    words = [name.encode() for name in names]
    return _COUNT(len(words)) + b"".join(_COUNT(len(word)) + word for word in words)
