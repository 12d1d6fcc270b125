"""Closed parts, compressed: chunks of zstd, each with its lengths and a checksum carried on."""

import io
from struct import Struct
from typing import BinaryIO, Final
from zlib import crc32

import pyarrow as pa

from app.repositories.disk import DiskFile

ARCHIVE_MAGIC: Final = b"MMJRNLZ1"
_CHUNK_BYTES: Final = 1 << 20
_LEVEL: Final = 3
_CHUNK: Final = Struct("<III")  # compressed and plain length, checksum; both lengths 0 at the end


class ArchiveDamaged(Exception):
    """A compressed part is not what was written; whoever reads it says which, and where."""


def compress(plain: BinaryIO, target: DiskFile) -> int:
    """Write all of `plain` compressed, and give its checksum."""
    codec = pa.Codec("zstd", _LEVEL)
    target.write(ARCHIVE_MAGIC)
    check = content = 0
    while chunk := plain.read(_CHUNK_BYTES):
        content = crc32(chunk, content)
        packed = codec.compress(chunk, asbytes=True)
        check = _check(len(packed), len(chunk), packed, check)
        target.write(_CHUNK.pack(len(packed), len(chunk), check) + packed)
    target.write(_CHUNK.pack(0, 0, _check(0, 0, b"", check)))
    return content


def content_check(file: BinaryIO) -> int:
    """The checksum of what a compressed part holds, having read all of it."""
    content, archive = 0, ArchiveReader(file)
    while chunk := archive.read(_CHUNK_BYTES):
        content = crc32(chunk, content)
    return content


class ArchiveReader(io.RawIOBase):
    """Reads a compressed part as if it were plain, a chunk in memory at a time."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._codec = pa.Codec("zstd")
        self._held = memoryview(b"")
        self._check = 0
        self._ended = False
        if file.read(len(ARCHIVE_MAGIC)) != ARCHIVE_MAGIC:
            raise ArchiveDamaged("does not begin as a compressed part does")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        if not self._held and not self._ended:
            self._held = memoryview(self._next_chunk())
        count = min(len(buffer), len(self._held))
        buffer[:count] = self._held[:count]
        self._held = self._held[count:]
        return count

    def close(self) -> None:
        self._file.close()
        super().close()

    def _next_chunk(self) -> bytes:
        head = self._file.read(_CHUNK.size)
        if len(head) < _CHUNK.size:
            raise ArchiveDamaged("ends too early")
        packed_bytes, plain_bytes, check = _CHUNK.unpack(head)
        if packed_bytes > 2 * _CHUNK_BYTES:
            raise ArchiveDamaged("has a chunk of an impossible size")
        packed = self._file.read(packed_bytes)
        if len(packed) < packed_bytes:
            raise ArchiveDamaged("ends too early")
        self._check = _check(packed_bytes, plain_bytes, packed, self._check)
        if self._check != check:
            raise ArchiveDamaged("has a checksum that does not agree")
        if not plain_bytes:
            self._ended = True
            if self._file.read(1):
                raise ArchiveDamaged("goes on behind its end")
            return b""
        plain: bytes = self._codec.decompress(packed, plain_bytes, asbytes=True)
        return plain


def _check(packed_bytes: int, plain_bytes: int, packed: bytes, before: int) -> int:
    return crc32(packed, crc32(_CHUNK.pack(packed_bytes, plain_bytes, 0), before))
