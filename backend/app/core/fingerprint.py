"""The fingerprint of a run: one SHA-256 over its decisions and fills, in order.

Each entry has one canonical encoding (little-endian, fixed width, texts with their length) and
carries no run id, no client id and no wall time. Strategies and symbols go by their number; the
names are hashed first. Where a block ends leaves no trace.
"""

import hashlib
from collections.abc import Iterable, Sequence
from struct import Struct

from app.core.orders import REJECTED, FillRow, Order

ORDER = Struct("<cHHqq").pack  # b"O", strategy, symbol, instant, units
FILL = Struct("<cHHqqqd").pack  # b"F", strategy, symbol, instant, start of its bar, units, price
REFUSAL = Struct("<cHHqqH").pack  # b"R", strategy, symbol, instant, units, length of the reason
_MOST = 2**63 - 1
_COUNT = Struct("<I").pack


class Fingerprint:
    """Hashes decisions and fills in batches, in the order they happened."""

    def __init__(self, strategies: Sequence[str], symbols: Sequence[str]) -> None:
        self._digest = hashlib.sha256(_encoded(strategies) + _encoded(symbols))

    def add(self, entries: Iterable[Order | FillRow]) -> None:
        """Hash what has happened since the last call; where it is cut does not matter."""
        self._digest.update(encoded(entries))

    def hexdigest(self) -> str:
        """The fingerprint so far."""
        return self._digest.hexdigest()


def encoded(entries: Iterable[Order | FillRow]) -> bytes:
    """The canonical bytes of orders, refusals and fills."""
    fill, order = FILL, ORDER
    return b"".join(
        fill(b"F", e[8], e[2], e[7], e[6], e[3], e[4])
        if isinstance(e, tuple)
        else order(b"O", e.strategy, e.symbol_index, e.created_ns, e.units)
        if e.state is not REJECTED
        else _refusal(e)
        for e in entries
    )


def _refusal(order: Order) -> bytes:
    text, units = order.reason.encode(), max(-_MOST, min(_MOST, order.units))
    where = order.strategy, order.symbol_index, order.created_ns
    return REFUSAL(b"R", *where, units, len(text)) + text


def _encoded(names: Sequence[str]) -> bytes:
    """How many there are, and each with its length: no two lists of names look alike."""
    words = [name.encode() for name in names]
    return _COUNT(len(words)) + b"".join(_COUNT(len(word)) + word for word in words)
