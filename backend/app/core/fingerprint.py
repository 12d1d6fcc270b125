"""The fingerprint of a run: one SHA-256 over its decisions and fills, in order.

Each entry has one canonical encoding (little-endian, fixed width, texts with their length) and
carries no run id, no client id and no wall time. Strategies and symbols go by their number; the
names are hashed first. Where a block ends leaves no trace.
"""

import hashlib
from collections.abc import Iterable, Sequence
from math import nan
from struct import Struct

from app.core.orders import (
    DAY,
    GTC,
    IOC,
    LIMIT,
    MARKET,
    REJECTED,
    STOP,
    STOP_LIMIT,
    Cancel,
    FillRow,
    Order,
)  # fmt: skip
from app.core.transfers import Conversion

ORDER = Struct("<cHHqq").pack  # b"O", strategy, symbol, instant, units: at market, for the day
FILL = Struct("<cHHqqqd").pack  # b"F", strategy, symbol, instant, start of its bar, units, price
REFUSAL = Struct("<cHHqqH").pack  # b"R", strategy, symbol, instant, units, length of the reason
# b"T", strategy, symbol, instant, units, kind, time in force, limit, stop (nan: none); before a
# refusal too
TICKET = Struct("<cHHqqBBdd").pack
CANCEL = Struct("<cHHqq").pack  # b"C", strategy, symbol, instant, number of the order
# b"X", strategy, 0, instant, units of the source; then both currencies
EXCHANGE = Struct("<cHHqq").pack
_KINDS, _TIFS = (MARKET, LIMIT, STOP, STOP_LIMIT), (DAY, GTC, IOC)
_MOST = 2**63 - 1
_COUNT = Struct("<I").pack


class Fingerprint:
    """Hashes decisions and fills in batches, in the order they happened."""

    def __init__(self, strategies: Sequence[str], symbols: Sequence[str]) -> None:
        self._digest = hashlib.sha256(_encoded(strategies) + _encoded(symbols))

    def add(self, entries: Iterable[Order | Cancel | FillRow | Conversion]) -> None:
        """Hash what has happened since the last call; where it is cut does not matter."""
        self._digest.update(encoded(entries))

    def hexdigest(self) -> str:
        """The fingerprint so far."""
        return self._digest.hexdigest()


def encoded(entries: Iterable[Order | Cancel | FillRow | Conversion]) -> bytes:
    """The canonical bytes of orders, refusals, cancels, fills and conversions."""
    fill, order = FILL, ORDER  # this runs twice for every order
    return b"".join(
        [
            fill(b"F", e[8], e[2], e[7], e[6], e[3], e[4])
            if isinstance(e, tuple)
            else order(b"O", e.strategy, e.symbol_index, e.created_ns, e.units)
            if isinstance(e, Order)
            and e.kind is MARKET
            and e.tif is DAY
            and e.state is not REJECTED
            else _other(e)
            for e in entries
        ]
    )


def _other(entry: Order | Cancel | Conversion) -> bytes:
    if isinstance(entry, Order):
        return _ticket(entry)
    return _cancel(entry) if isinstance(entry, Cancel) else _exchange(entry)


def _ticket(order: Order) -> bytes:
    """An order of any terms; and its refusal behind it, alone where the terms are plain."""
    where = order.strategy, order.symbol_index, order.created_ns
    units, refused = max(-_MOST, min(_MOST, order.units)), order.state is REJECTED
    if order.kind == MARKET and order.tif == DAY:
        head = b"" if refused else ORDER(b"O", *where, units)
    else:
        limit = nan if order.limit is None else order.limit
        stop = nan if order.stop is None else order.stop
        kind, tif = _KINDS.index(order.kind), _TIFS.index(order.tif)
        head = TICKET(b"T", *where, units, kind, tif, limit, stop)
    if not refused:
        return head
    text = order.reason.encode()
    return head + REFUSAL(b"R", *where, units, len(text)) + text


def _cancel(cancel: Cancel) -> bytes:
    order = cancel.order
    return CANCEL(b"C", order.strategy, order.symbol_index, cancel.at_ns, order.order_id)


def _exchange(entry: Conversion) -> bytes:
    head = EXCHANGE(b"X", entry.strategy, 0, entry.at_ns, entry.units)
    return head + _encoded((entry.source, entry.target))


def _encoded(names: Sequence[str]) -> bytes:
    """How many there are, and each with its length: no two lists of names look alike."""
    words = [name.encode() for name in names]
    return _COUNT(len(words)) + b"".join(_COUNT(len(word)) + word for word in words)
