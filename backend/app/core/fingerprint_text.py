"""A fingerprint's entries, read back for people: where two runs part, both sides are shown."""

from collections.abc import Iterator, Sequence
from math import isnan
from struct import Struct

from app.core.errors import DataError
from app.core.money import from_units
from app.core.orders import KINDS, TIFS

_ORDER = Struct("<HHqq")
_FILL = Struct("<HHqqqd")
_REFUSAL = Struct("<HHqqH")
_TICKET = Struct("<HHqqBBdd")
_LINKS = Struct("<ddBqq")
_CANCEL = Struct("<HHqq")
_AMENDMENT = Struct("<HHqqqdddd")
_EXCHANGE = Struct("<HHqq")
_LENGTH = Struct("<I")


def described(entries: bytes, strategies: Sequence[str], symbols: Sequence[str]) -> Iterator[str]:
    """Each entry in words, with the instant it happened at in nanoseconds."""
    place = 0
    while place < len(entries):
        text, place = _entry(entries, place, strategies, symbols)
        yield text


def _entry(
    entries: bytes, place: int, strategies: Sequence[str], symbols: Sequence[str]
) -> tuple[str, int]:
    code, at = chr(entries[place]), place + 1

    def read(form: Struct) -> tuple[float, ...]:
        nonlocal at
        fields = form.unpack_from(entries, at)
        at += form.size
        return fields

    def who(strategy: float, symbol: float, at_ns: float) -> str:
        return f"{int(at_ns)} {strategies[int(strategy)]} {symbols[int(symbol)]}"

    if code == "O":
        *where, units = read(_ORDER)
        return f"{who(*where)}: order {_size(units)} at market", at
    if code == "F":
        *where, start_ns, units, price = read(_FILL)
        return f"{who(*where)}: fill {_size(units)} at {price:g}, of {int(start_ns)}", at
    if code == "T":
        *where, units, kind, tif, limit, stop = read(_TICKET)
        prices = "".join(
            f", {name} {price:g}"
            for name, price in (("limit", limit), ("stop", stop))
            if not isnan(price)
        )
        words = f"{KINDS[int(kind)]}, {TIFS[int(tif)]}{prices}"
        return f"{who(*where)}: order {_size(units)}, {words}", at
    if code == "L":
        trail, share, reduces, parent, group = read(_LINKS)
        return f"  trailing {trail:g} or {share:g}, reduces {bool(reduces)}, after order " + (
            f"{int(parent)}, group {int(group)}"
        ), at
    if code == "R":
        *where, units, length = read(_REFUSAL)
        reason = entries[at : at + int(length)].decode(errors="replace")
        return f"{who(*where)}: refused {_size(units)}: {reason}", at + int(length)
    if code == "C":
        *where, order = read(_CANCEL)
        return f"{who(*where)}: cancel order {int(order)}", at
    if code == "A":
        *where, order, units, limit, stop, trail, share = read(_AMENDMENT)
        prices = f"limit {limit:g}, stop {stop:g}, trail {trail:g} or {share:g}"
        return f"{who(*where)}: amend order {int(order)} to {_size(units)}, {prices}", at
    if code == "X":
        strategy, _, at_ns, units = read(_EXCHANGE)
        names, at = _names(entries, at)
        return f"{int(at_ns)} {strategies[int(strategy)]}: convert {_size(units)} {names}", at
    raise DataError(f"There is no entry of the kind {code!r}.")


def _names(entries: bytes, at: int) -> tuple[str, int]:
    (count,) = _LENGTH.unpack_from(entries, at)
    at += _LENGTH.size
    words = []
    for _ in range(count):
        (length,) = _LENGTH.unpack_from(entries, at)
        at += _LENGTH.size
        words.append(entries[at : at + length].decode(errors="replace"))
        at += length
    return " to ".join(words), at


def _size(units: float) -> str:
    return str(from_units(int(units)))
