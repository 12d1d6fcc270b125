"""How a journal's records look as bytes; nothing here touches a file.

A part is `MAGIC` and records. A record is its head (mark, kind, length of the payload, its number,
the number its group begins with, sequence; crc32 of all that), the payload, and the tail: crc32
over head and payload carried on from the record before, and two to five bytes that end it.

A group is what was written by one write and made durable by one sync: when a group begins, all
records before it are durable. Every record begins and ends at a multiple of four bytes, with no
zero at either end, so that no change of one byte can look like a sector that was never written.
"""

from struct import Struct
from struct import error as StructError
from typing import Any, Final, NamedTuple
from zlib import crc32

import msgspec

from app.core.errors import DataError

MAGIC: Final = b"MMJRNL1\n"
MOST_PAYLOAD_BYTES: Final = 2**31 - 1
SECTOR_BYTES: Final = 512  # the least that a disk writes whole

# 4 was never written: what became of an intent is an input like any other.
HEADER, INPUT, OUTPUT, NOTE, STATE, END = 1, 2, 3, 5, 6, 7
KIND_NAMES: Final = {
    HEADER: "header",  # the first of each part
    INPUT: "input",  # a message, with its sequence
    OUTPUT: "output",  # what came of the input of that sequence
    NOTE: "note",  # for people: alarms, where history came from, how the run ended
    STATE: "state",  # what the run holds between two sessions, and what it told in the one before
    END: "end",  # the run is over: nothing follows
}

MARK: Final = b"\xf5jr\xd7"
_HEAD: Final = Struct("<4sBIQQq")
_CHECK: Final = Struct("<I")
HEAD_BYTES: Final = _HEAD.size + _CHECK.size
_ENDING: Final = b"\xd3\x0d\x0a\xd3\x0d"


class Record(msgspec.Struct, frozen=True, gc=False):
    """One record: `number` counts over all parts, `sequence` is that of the input it is about."""

    part: int
    number: int
    kind: int
    sequence: int
    payload: bytes


class PartHeader(msgspec.Struct, frozen=True):
    """What a header record holds: its place in the journal, and what the run says of itself."""

    part: int
    first: int  # number of the header record
    chain: int  # checksum of the record before it
    header: dict[str, Any]


class Head(NamedTuple):
    """What a record says of itself."""

    kind: int
    length_bytes: int
    number: int
    group: int
    sequence: int


class Place(NamedTuple):
    """Where a journal stands: the next record's number, and the checksum of the last."""

    number: int = 1
    chain: int = 0


def frame(
    kind: int, sequence: int, payload: bytes, group: int, place: Place
) -> tuple[bytes, Place]:
    """A record as bytes, and where the next one stands."""
    try:
        fields = _HEAD.pack(MARK, kind, len(payload), place.number, group, sequence)
    except StructError as error:
        raise DataError(f"A record of kind {kind}, sequence {sequence}: {error}.") from error
    head = fields + _CHECK.pack(crc32(fields))
    chain = crc32(payload, crc32(head, place.chain))
    tail = _CHECK.pack(chain) + _ENDING[: ending_bytes(len(payload))]
    return b"".join((head, payload, tail)), Place(place.number + 1, chain)


def ending_bytes(length_bytes: int) -> int:
    """How many bytes end a record with such a payload: its whole is a multiple of four."""
    return 2 + -(HEAD_BYTES + length_bytes + _CHECK.size + 2) % 4


def tail_bytes(length_bytes: int) -> int:
    """What follows such a payload."""
    return _CHECK.size + ending_bytes(length_bytes)


def parse_head(raw: bytes) -> Head | None:
    """The head these bytes are, or None where they are none."""
    mark, *fields = _HEAD.unpack_from(raw)
    whole = mark == MARK and _CHECK.unpack_from(raw, _HEAD.size)[0] == crc32(raw[: _HEAD.size])
    return Head(*fields) if whole else None


def chain_of(raw_head: bytes, payload: bytes, tail: bytes, chain: int) -> int | None:
    """The checksum up to this record, or None where its tail has another."""
    wanted = crc32(payload, crc32(raw_head, chain))
    ending = _ENDING[: ending_bytes(len(payload))]
    return wanted if tail == _CHECK.pack(wanted) + ending else None
