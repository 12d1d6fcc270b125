"""A run's equity curve, read from its folder."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from app.core.arrow import floats, ints
from app.core.errors import DataError, NotFoundError
from app.core.folders import need_run_folder
from app.results.columns import EquityColumns


def read_curve(folder: Path) -> EquityColumns:
    """`equity.parquet` of a run's folder."""
    need_run_folder(folder)
    path = folder / "equity.parquet"
    try:
        table = pq.read_table(path, columns=["instant", "equity"])
    except FileNotFoundError:
        raise NotFoundError(
            f"The equity curve of run {folder.name} is not there: {path}. "
            "A live run's is made again by 'runs rebuild'; start a replay again."
        ) from None
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"The equity curve {path} cannot be read: {str(error).splitlines()[0]}. "
            "A live run's is made again by 'runs rebuild'; start a replay again."
        ) from None
    instants, equity = (table.column(name).combine_chunks() for name in ("instant", "equity"))
    return EquityColumns(ints(_one(instants)), floats(_one(equity)))


def _one(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """One array of a column, however many chunks it came in."""
    if isinstance(column, pa.ChunkedArray):
        return column.chunk(0) if column.num_chunks else pa.array([], column.type)
    return column
