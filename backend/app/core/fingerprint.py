"""The fingerprint of a run: one SHA-256 over its decisions and fills, in order.

Each entry has one canonical encoding (little-endian, fixed width, texts with their length) and
carries no run id, no client id and no wall time. Strategies and symbols go by their number; the
names are hashed first. Where a block ends leaves no trace.
"""

import hashlib
from collections.abc import Iterable, Sequence
from math import nan
from struct import Struct

from app.core.orders import DAY, KINDS, MARKET, TIFS, TRAILING_STOP, FillRow, Order, Terms
from app.core.transfers import Conversion

ORDER = Struct("<cHHqq").pack  # b"O", strategy, symbol, instant, units: at market, for the day
FILL = Struct("<cHHqqqd").pack  # b"F", strategy, symbol, instant, start of its bar, units, price
REFUSAL = Struct("<cHHqqH").pack  # b"R", strategy, symbol, instant, units, length of the reason
# b"T", strategy, symbol, instant, units, kind, time in force, limit, stop (nan: none); before a
# refusal too
TICKET = Struct("<cHHqqBBdd").pack
# b"L", behind the ticket of an order that trails, reduces only, or is linked to others: distance,
# share of the price, reduces only, number of the order it waits for, of its group
LINKS = Struct("<cddBqq").pack
CANCEL = Struct("<cHHqq").pack  # b"C", strategy, symbol, instant, number of the order
# b"A", strategy, symbol, instant, number of the order; units, limit, stop, distance and share of
# the price that it is to have; before the refusal of it too
AMENDMENT = Struct("<cHHqqqdddd").pack
# b"X", strategy, 0, instant, units of the source; then both currencies
EXCHANGE = Struct("<cHHqq").pack
_MOST = 2**63 - 1
_COUNT = Struct("<I").pack


class Fingerprint:
    """Hashes decisions and fills in batches, in the order they happened."""

    def __init__(self, strategies: Sequence[str], symbols: Sequence[str]) -> None:
        self._digest = hashlib.sha256(_encoded(strategies) + _encoded(symbols))

    def add(self, entries: Iterable[bytes]) -> bytes:
        """Hash what has happened since the last call, wherever that was; its canonical bytes."""
        text = b"".join(entries)
        self._digest.update(text)
        return text

    def hexdigest(self) -> str:
        """The fingerprint so far."""
        return self._digest.hexdigest()


def is_plain(order: Order) -> bool:
    """Whether nothing of an order but its units is to be encoded."""
    is_market = order.kind is MARKET and order.tif is DAY
    return is_market and order.aimed and not order.reduce_only


def execution(row: FillRow) -> bytes:
    """A fill."""
    return FILL(b"F", row[8], row[2], row[7], row[6], row[3], row[4])


def ticket(order: Order) -> bytes:
    """An order of any terms."""
    where = order.strategy, order.symbol_index, order.created_ns
    units = max(-_MOST, min(_MOST, order.units))
    if is_plain(order):
        return ORDER(b"O", *where, units)
    kind, tif = KINDS.index(order.kind), TIFS.index(order.tif)
    head = TICKET(b"T", *where, units, kind, tif, _or_nan(order.limit), _or_nan(order.stop))
    linked = order.reduce_only or order.parent or order.group
    if order.kind != TRAILING_STOP and not linked:
        return head
    trail, share = _or_nan(order.trail), _or_nan(order.trail_percent)
    return head + LINKS(b"L", trail, share, order.reduce_only, order.parent, order.group)


def refusal(order: Order, at_ns: int, reason: str) -> bytes:
    """A refusal, behind the ticket or amendment that was refused."""
    text, units = reason.encode(), max(-_MOST, min(_MOST, order.units))
    return REFUSAL(b"R", order.strategy, order.symbol_index, at_ns, units, len(text)) + text


def cancel(order: Order, at_ns: int) -> bytes:
    """A strategy took an order back; it may fill still, on a bar that is under way."""
    return CANCEL(b"C", order.strategy, order.symbol_index, at_ns, order.order_id)


def amendment(order: Order, terms: Terms, at_ns: int) -> bytes:
    """A strategy asks for other terms."""
    prices = map(_or_nan, (terms.limit, terms.stop, terms.trail, terms.trail_percent))
    units = max(-_MOST, min(_MOST, terms.units))
    where = order.strategy, order.symbol_index, at_ns, order.order_id
    return AMENDMENT(b"A", *where, units, *prices)


def _or_nan(price: float | None) -> float:
    return nan if price is None else price


def conversion(entry: Conversion, at_ns: int) -> bytes:
    """A strategy changes money of one currency into another."""
    head = EXCHANGE(b"X", entry.strategy, 0, at_ns, entry.units)
    return head + _encoded((entry.source, entry.target))


def _encoded(names: Sequence[str]) -> bytes:
    """How many there are, and each with its length: no two lists of names look alike."""
    words = [name.encode() for name in names]
    return _COUNT(len(words)) + b"".join(_COUNT(len(word)) + word for word in words)
