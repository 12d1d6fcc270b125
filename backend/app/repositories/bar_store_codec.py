"""A year of bars as a Parquet file: its columns, its label, and the hash of its content."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from app.core.arrow import floats, ints, to_arrow
from app.core.bars import COLUMNS, BarColumns, Floats
from app.core.errors import DataError
from app.services.csv_columns import QUOTES

START = "start"
_LABEL_KEY = b"mismartera.bars"

Quotes = Mapping[str, Floats]


class Label(msgspec.Struct, frozen=True):
    """What a file says of itself: its kind of prices, its extent, the hash of its content."""

    prices: str  # "trades", or "mid" for bars made of quotes
    synthetic: bool
    rows: int
    first_ns: int
    last_ns: int
    content: str
    venues: tuple[str, ...] = ()  # that bars among these were told by, beside what was imported


def content_hash(columns: BarColumns, quotes: Quotes) -> str:
    """SHA-256 over the columns in a fixed order: the same bars give the same hash anywhere."""
    digest = hashlib.sha256()
    for name in COLUMNS:
        digest.update(np.ascontiguousarray(getattr(columns, name)).data)
    for name in QUOTES:
        if name in quotes:
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(quotes[name]).data)
    return digest.hexdigest()


def make_label(
    columns: BarColumns,
    quotes: Quotes,
    *,
    prices: str,
    synthetic: bool,
    venues: tuple[str, ...],
) -> Label:
    """The label of these bars; there is at least one."""
    return Label(
        prices=prices,
        synthetic=synthetic,
        rows=len(columns),
        first_ns=int(columns.start_ns[0]),
        last_ns=int(columns.start_ns[-1]),
        content=content_hash(columns, quotes),
        venues=venues,
    )


def write_parquet(columns: BarColumns, quotes: Quotes, label: Label, file: BinaryIO) -> None:
    """Microseconds, because Spark reads no nanoseconds; bars start on whole minutes."""
    arrays: dict[str, pa.Array] = {
        START: to_arrow(columns.start_ns // 1000, pa.timestamp("us", tz="UTC"))
    }
    for name in COLUMNS[1:]:
        arrays[name] = to_arrow(getattr(columns, name), pa.float64())
    for name in QUOTES:
        if name in quotes:
            arrays[name] = to_arrow(quotes[name], pa.float64())
    table = pa.table(arrays).replace_schema_metadata({_LABEL_KEY: msgspec.json.encode(label)})
    # Starts are regular and prices repeat: a third smaller than plain zstd, and faster both ways.
    values = [name for name in table.column_names if name != START]
    # To memory first: a writer that an interruption left open writes on as it goes.
    written = pa.BufferOutputStream()
    pq.write_table(
        table,
        written,
        compression="zstd",
        use_dictionary=values,
        column_encoding={START: "DELTA_BINARY_PACKED"},
        write_statistics=[START],
    )
    file.write(written.getvalue())


def read_label(path: Path) -> Label:
    """The label alone, from the footer."""
    try:
        metadata = pq.read_metadata(path).metadata or {}
    except (pa.ArrowInvalid, OSError) as error:
        raise _unreadable(path, str(error)) from None
    return decode_label(path, metadata)


def decode_label(path: Path, metadata: Mapping[bytes, bytes]) -> Label:
    """The label in a file's metadata."""
    try:
        return msgspec.json.decode(metadata[_LABEL_KEY], type=Label)
    except (KeyError, UnicodeDecodeError, msgspec.MsgspecError):
        raise _unreadable(path, "it has no label of ours") from None


def read_table(path: Path) -> pa.Table:
    """All columns as the cache keeps them: one chunk, `start_ns` in nanoseconds.

    They are checked against the label: most bits that turn over on a disk make other bars.
    """
    try:
        table = pq.ParquetFile(path).read().combine_chunks()  # `read_table` imports pandas
        starts = table.column(START).cast(pa.timestamp("ns", tz="UTC")).cast(pa.int64())
        table = table.set_column(0, COLUMNS[0], starts)
        columns, quotes = views(table.to_batches()[0])
    except (pa.ArrowException, OSError, KeyError, IndexError) as error:
        raise _unreadable(path, str(error)) from None
    label = decode_label(path, table.schema.metadata or {})
    if content_hash(columns, quotes) != label.content:
        raise _unreadable(path, "its bars are not those it was written with")
    return table


def views(batch: pa.RecordBatch) -> tuple[BarColumns, Quotes]:
    """Bars and quotes of a batch with the cache's columns; nothing is copied."""
    bars = BarColumns(
        ints(batch.column(COLUMNS[0])), *(floats(batch.column(name)) for name in COLUMNS[1:])
    )
    return bars, {name: floats(batch.column(name)) for name in QUOTES if name in batch.schema.names}


def _unreadable(path: Path, why: str) -> DataError:
    reason = why.rstrip(".")
    return DataError(
        f"{path} cannot be read as bars: {reason}. Delete the file and import its data again."
    )
