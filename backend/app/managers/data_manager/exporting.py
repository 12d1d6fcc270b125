"""Bars out of the store: a pandas frame, or a CSV or Parquet file others can read."""

import datetime as dt
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from app.core.arrow import to_arrow
from app.core.bars import COLUMNS, BarColumns
from app.core.errors import DataError, UsageError
from app.repositories.bar_store_codec import Quotes
from app.repositories.bar_store_files import write_all

if TYPE_CHECKING:
    import pandas as pd

FORMATS = ("csv", "parquet")
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


def write_file(path: Path, kind: str, columns: BarColumns, quotes: Quotes) -> None:
    """One file, whole or not at all; times are UTC starts, so it can be imported as it is."""
    if kind not in FORMATS:
        raise UsageError(f"Bars are exported as {' or '.join(FORMATS)}, not '{kind}'.")
    write = {"csv": _write_csv, "parquet": _write_parquet}[kind]
    arrays = {"timestamp": to_arrow(columns.start_ns, pa.timestamp("ns", tz="UTC"))}
    for name in COLUMNS[1:]:
        arrays[name] = to_arrow(getattr(columns, name), pa.float64())
    for name, values in quotes.items():
        arrays[name] = to_arrow(values, pa.float64())
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_all([(path, partial(write, pa.table(arrays)))])
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}.") from None


def _write_csv(table: pa.Table, file: BinaryIO) -> None:
    starts = table.column("timestamp").cast(pa.timestamp("s", tz="UTC"))
    text = pa.compute.strftime(starts, format=_CSV_TIME)
    pa_csv.write_csv(table.set_column(0, "timestamp", text), file)


def _write_parquet(table: pa.Table, file: BinaryIO) -> None:
    pq.write_table(table, file, compression="zstd")
