"""Columns of numbers and words, packed small enough to stand in a page: exact where it counts.

A float column becomes whole numbers over a power of ten where that gives the same floats back, or
where digits are asked for; those are written as varints, plain or as steps, and deflated together.
`assets/decode.js` is the other side.
"""

import base64
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from app.core.bars import Floats, Ints

Column = Floats | Ints | Sequence[str]
Bytes = npt.NDArray[np.uint8]

MOST_DECIMALS = 8
_LARGEST = 2.0**51  # whole numbers below are exact in a browser, also folded with their sign
_LEVEL = 4  # of 9: as small as any that is quick


class Packed(msgspec.Struct, frozen=True):
    """A table: how to read it, and its bytes as base64."""

    rows: int
    columns: list[dict[str, Any]]
    text: str


def pack(table: Mapping[str, Column], digits: Mapping[str, int] | None = None) -> Packed:
    """Columns of one length. Those named in `digits` are rounded to so many decimals."""
    digits = digits or {}
    specs: list[dict[str, Any]] = []
    parts: list[bytes] = []
    rows = 0
    for name, column in table.items():
        rows = len(column)
        spec, payload = _packed(column, digits.get(name))
        specs.append({"name": name, **spec, "bytes": len(payload)})
        parts.append(payload)
    deflated = zlib.compress(b"".join(parts), _LEVEL)
    return Packed(rows, specs, base64.b64encode(deflated).decode("ascii"))


def _packed(column: Column, digits: int | None) -> tuple[dict[str, Any], bytes]:
    if not isinstance(column, np.ndarray):
        return _words(column)
    if column.dtype.kind in "iu":
        return _whole(column.astype(np.int64), 0, None)
    return _floats(column.astype(np.float64), digits)


def _words(column: Sequence[str]) -> tuple[dict[str, Any], bytes]:
    """Each word once, in the order they come."""
    places: dict[str, int] = {}
    codes = np.fromiter(
        (places.setdefault(word, len(places)) for word in column), np.int64, len(column)
    )
    return {"kind": "words", "words": list(places)}, varints(codes)


def _floats(column: Floats, digits: int | None) -> tuple[dict[str, Any], bytes]:
    """Whole numbers over a power of ten; as they are where there is no such power."""
    lacks = np.isnan(column)
    known = column[~lacks]
    decimals = _decimals(known) if digits is None else _fitting(known, digits)
    if decimals is None:
        return {"kind": "float64"}, column.astype("<f8").tobytes()
    whole = np.zeros(len(column), np.int64)
    whole[~lacks] = np.rint(known * 10.0**decimals).astype(np.int64)
    missing = None
    if lacks.any():
        missing = int(whole.min()) - 1
        whole[lacks] = missing
    return _whole(whole, decimals, missing)


def _decimals(known: Floats) -> int | None:
    """How many decimals give the same floats back; None where none do."""
    if not np.isfinite(known).all():
        return None
    for decimals in range(MOST_DECIMALS + 1):
        scale = 10.0**decimals
        whole = np.rint(known * scale)
        if np.abs(whole).max(initial=0.0) >= _LARGEST:
            return None
        if np.array_equal(whole / scale, known):
            return decimals
    return None


def _fitting(known: Floats, digits: int) -> int | None:
    if not np.isfinite(known).all():
        return None
    largest = float(np.abs(known).max(initial=0.0))
    while digits > 0 and largest * 10.0**digits >= _LARGEST:
        digits -= 1
    return digits if largest * 10.0**digits < _LARGEST else None


def _whole(column: Ints, decimals: int, missing: int | None) -> tuple[dict[str, Any], bytes]:
    """As they are, or as steps from one to the next: whichever are smaller."""
    if np.abs(column.astype(np.float64)).max(initial=0.0) >= _LARGEST:
        return {"kind": "float64"}, column.astype("<f8").tobytes()
    steps = np.diff(column, prepend=np.int64(0))
    in_steps = _weight(steps) < _weight(column)
    spec: dict[str, Any] = {"kind": "steps" if in_steps else "whole"}
    if decimals:
        spec["decimals"] = decimals
    if missing is not None:
        spec["missing"] = missing
    return spec, varints(steps if in_steps else column)


def _weight(column: Ints) -> float:
    return float(np.log2(np.abs(column.astype(np.float64)) + 1.0).sum())


def varints(column: Ints) -> bytes:
    """Each number in as few bytes as it needs, seven bits a byte, the sign in the lowest bit."""
    folded = ((column << 1) ^ (column >> 63)).view(np.uint64)
    lengths = np.ones(len(column), np.int64)
    rest = folded >> np.uint64(7)
    while rest.any():
        lengths += rest > 0
        rest = rest >> np.uint64(7)
    ends = np.cumsum(lengths)
    found: Bytes = np.zeros(int(ends[-1]) if len(ends) else 0, np.uint8)
    firsts = ends - lengths
    for place in range(int(lengths.max(initial=0))):
        longer = lengths > place
        seven = (folded[longer] >> np.uint64(7 * place)) & np.uint64(0x7F)
        more = (lengths[longer] > place + 1).astype(np.uint64) << np.uint64(7)
        found[firsts[longer] + place] = (seven | more).astype(np.uint8)
    return found.tobytes()
