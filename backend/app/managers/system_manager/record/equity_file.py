"""A run's equity curve on disk, written while the run streams.

Encoding and writing happen on a thread of the file's own, without Python's lock: beside a replay
they cost it nothing. At most one part is under way; who brings the next waits for it.
"""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from app.core.bars import Floats, Ints
from app.repositories.bar_store_files import disk_errors

PART_ROWS = 32_768

_SCHEMA = pa.schema(
    [pa.field("instant", pa.timestamp("ns", tz="UTC")), pa.field("equity", pa.float64())]
)
_ENCODINGS = {"instant": "DELTA_BINARY_PACKED", "equity": "BYTE_STREAM_SPLIT"}


class EquityFile:
    """`equity.parquet` of a run's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pending: list[tuple[Ints, Floats]] = []
        self._rows = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="equity file")
        self._under_way: Future[None] | None = None
        with record_errors(folder):
            self._writer = self._thread.submit(self._open).result()

    def add(self, instants: Ints, equity: Floats) -> None:
        """Take one block's part of the curve."""
        if len(equity):
            self._pending.append((instants, equity))
            self._rows += len(equity)
            if self._rows >= PART_ROWS:
                self._flush()

    def close(self) -> None:
        """Write what is left and end the file."""
        try:
            if self._pending:
                self._flush()
            self._wait()
        finally:
            try:
                with record_errors(self._folder):
                    self._writer.close()
            finally:
                self._thread.shutdown()

    def _flush(self) -> None:
        self._wait()
        self._under_way = self._thread.submit(self._write, self._pending)
        self._pending, self._rows = [], 0

    def _wait(self) -> None:
        done, self._under_way = self._under_way, None
        if done is not None:
            with record_errors(self._folder):
                done.result()

    def _open(self) -> pq.ParquetWriter:
        return pq.ParquetWriter(
            self._folder / "equity.parquet",
            _SCHEMA,
            compression="zstd",
            use_dictionary=False,
            column_encoding=_ENCODINGS,
        )

    def _write(self, parts: Sequence[tuple[Ints, Floats]]) -> None:
        columns = [
            pa.chunked_array([pa.array(part[place], type=field.type) for part in parts])
            for place, field in enumerate(_SCHEMA)
        ]
        self._writer.write_table(pa.table(columns, schema=_SCHEMA))


def record_errors(folder: Path) -> AbstractContextManager[None]:
    """Name the run's folder when the disk refuses."""
    return disk_errors(f"The run's record in {folder} cannot be written")
