"""A file to be imported that tells how much of it was read."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from app.core.progress import OnCount


class CountedFile(io.FileIO):
    """Its bytes as they are on disk, be they compressed; a reader takes about a megabyte a time."""

    def __init__(self, path: Path, on_count: OnCount) -> None:
        super().__init__(path)
        self._on_count = on_count
        self._bytes = path.stat().st_size

    def read(self, size: int | None = -1, /) -> Any:
        """The next bytes."""
        found = super().read(size)
        self._on_count(self.tell(), self._bytes)
        return found


@contextmanager
def opened(path: Path, on_count: OnCount | None) -> Iterator[Path | pa.NativeFile]:
    """For Arrow to read from its beginning; as it reads any file where nobody counts."""
    if on_count is None:
        yield path
        return
    with CountedFile(path, on_count) as raw:
        file = pa.PythonFile(raw, mode="r")
        try:
            compression = pa.Codec.detect(str(path)).name
        except (TypeError, ValueError):  # its name tells of none
            yield file
        else:
            yield pa.CompressedInputStream(file, compression)
