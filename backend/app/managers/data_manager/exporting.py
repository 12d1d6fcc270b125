"""Bars out of the store: a pandas frame, or a CSV or Parquet file others can read."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from app.core.arrow import to_arrow
from app.core.bars import COLUMNS, BarColumns
from app.core.errors import DataError, UsageError
from app.core.progress import OnCount
from app.repositories.bar_store_codec import Quotes
from app.repositories.bar_store_files import write_all

if TYPE_CHECKING:
    import pandas as pd

Parts = Callable[[], Iterator[pa.Table]]
FORMATS = ("csv", "parquet")
_CSV_ROWS, _GROUP_ROWS = 1 << 17, 1 << 20  # that are written at once
_CSV_TIME = "%Y-%m-%dT%H:%M:%SZ"


def to_frame(
    columns: BarColumns, zone: dt.tzinfo, attributes: Mapping[str, object]
) -> "pd.DataFrame":
    """A frame of its own memory, by time in the market's zone."""
    import pandas as pd

    index = pd.DatetimeIndex(columns.start_ns.copy().view("datetime64[ns]"), tz="UTC", name="start")
    values = {name: getattr(columns, name).copy() for name in COLUMNS[1:]}
    frame = pd.DataFrame(values, index=index.tz_convert(zone))
    frame.attrs.update(attributes)
    return frame


def write_file(
    path: Path, kind: str, columns: BarColumns, quotes: Quotes, on_count: OnCount | None
) -> None:
    """One file, whole or not at all; times are UTC starts, so it can be imported as it is."""
    if kind not in FORMATS:
        ends = ", or in ".join(f".{name}" for name in FORMATS)
        raise UsageError(
            f"Bars are exported as {' or '.join(FORMATS)}, not '{kind}'; have the file's name end"
            f" in {ends}."
        )
    write, rows = {"csv": (_write_csv, _CSV_ROWS), "parquet": (_write_parquet, _GROUP_ROWS)}[kind]
    arrays = {"timestamp": to_arrow(columns.start_ns, pa.timestamp("ns", tz="UTC"))}
    for name in COLUMNS[1:]:
        arrays[name] = to_arrow(getattr(columns, name), pa.float64())
    for name, values in quotes.items():
        arrays[name] = to_arrow(values, pa.float64())
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        parts = partial(_parts, pa.table(arrays), rows, on_count)
        write_all([(path, partial(write, parts))])
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}.") from None


def _parts(table: pa.Table, rows: int, on_count: OnCount | None) -> Iterator[pa.Table]:
    """The table in parts of so many rows, which are counted."""
    for first in range(0, len(table), rows):
        yield table.slice(first, rows)
        if on_count is not None:
            on_count(min(first + rows, len(table)), len(table))


def _write_csv(parts: Parts, file: BinaryIO) -> None:
    writer: pa_csv.CSVWriter | None = None
    for part in parts():
        starts = part.column("timestamp").cast(pa.timestamp("s", tz="UTC"))
        text = pa.compute.strftime(starts, format=_CSV_TIME)
        part = part.set_column(0, "timestamp", text)
        writer = writer or pa_csv.CSVWriter(file, part.schema)
        writer.write_table(part)
    if writer is not None:
        writer.close()


def _write_parquet(parts: Parts, file: BinaryIO) -> None:
    writer: pq.ParquetWriter | None = None
    for part in parts():
        writer = writer or pq.ParquetWriter(file, part.schema, compression="zstd")
        writer.write_table(part)
    if writer is not None:
        writer.close()
