"""A file to be imported that tells how much of it was read."""

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from app.core.errors import DataError
from app.core.progress import OnCount

_NAMES_SHOWN = 5


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


def _member(path: Path, archive: zipfile.ZipFile) -> IO[bytes]:
    """The one file of an archive."""
    names = [one.filename for one in archive.infolist() if not one.is_dir()]
    if len(names) != 1:
        shown = ", ".join(names[:_NAMES_SHOWN]) + ", ..." * (len(names) > _NAMES_SHOWN)
        raise DataError(
            f"{path} holds {len(names):,} files{': ' * bool(names)}{shown}; unpack it, and import"
            " one by one."
        )
    try:
        return archive.open(names[0])
    except RuntimeError as error:  # it wants a password, or was packed in a way unknown here
        raise DataError(f"{path} cannot be unpacked: {error}.") from None


@contextmanager
def opened(path: Path, on_count: OnCount | None) -> Iterator[Path | pa.NativeFile]:
    """For Arrow to read from its beginning; as it reads any file where nobody counts. Of a zip
    archive it is the one file in it.
    """
    if path.suffix.lower() == ".zip" and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive, _member(path, archive) as member:
            yield pa.PythonFile(member, mode="r")
        return
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
