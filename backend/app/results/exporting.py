"""A finished run's tables as files others read, exact: CSV, Parquet or JSON, each whole or not at
all.

Times are ISO 8601 with nine digits of a second and the market's offset, in Parquet timestamps of
its zone. Quantities and money are decimals, in JSON as text; prices are the float64 they are. What
is missing is empty, or null.
"""

import csv
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final
from zoneinfo import ZoneInfo

import numpy as np

from app.core.bars import Ints
from app.core.errors import AppError, UsageError, did_you_mean
from app.core.money import from_units
from app.repositories.bar_store_files import write_all
from app.results.columns import NONE_IS_ZERO, Columns, Texts

if TYPE_CHECKING:
    import pyarrow as pa

    from app.results.run import Run

FORMATS: Final = ("csv", "parquet", "json")
TABLES: Final = ("orders", "fills", "trades", "equity", "sessions", "metrics")

Values = Mapping[str, Sequence[Any]]  # a column each; Python's own values
_DECIMALS = 8
_FORMULAS: Final = tuple("=+-@\t\r")


def export_run(
    run: "Run", folder: Path, kind: str, tables: Sequence[str] = TABLES
) -> dict[str, tuple[Path, int]]:
    """Write these tables of a run into a folder, all or none; each one's path and rows."""
    _check("format", kind, FORMATS)
    for name in tables:
        _check("table", name, TABLES)
    paths = {name: folder / f"{name}.{kind}" for name in tables}
    there = [path.name for path in paths.values() if path.exists()]
    if there:
        verb = "is" if len(there) == 1 else "are"
        raise UsageError(
            f"In {folder.resolve()} {', '.join(there)} {verb} there already; nothing was written. "
            "--output names another folder."
        )
    files, rows = [], {}
    for name, path in paths.items():
        values = table_values(run, name)
        rows[name] = (path, len(next(iter(values.values()))))
        files.append((path, partial(_WRITERS[kind], run, name, values)))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_all(files)
    except OSError as error:
        raise AppError(f"{folder} cannot be written: {error.strerror or error}.") from None
    return rows


def table_values(run: "Run", name: str) -> Values:
    """A table's columns as plain values: Decimals, texts, numbers, None."""
    if name == "metrics":
        found = list(run.metrics)
        fields = ("group", "name", "kind", "value", "reason")
        return {field: [getattr(one, field) for one in found] for field in fields}
    columns: Columns = getattr(run.columns, name)
    names = {"strategy": run.strategies, "symbol": run.symbols}
    return {
        field.removesuffix("_units").removesuffix("_ns"): _plain(
            field, getattr(columns, field), run.zone, names
        )
        for field in columns.__struct_fields__
    }


def time_texts(instants_ns: Ints, zone: ZoneInfo) -> Texts:
    """ISO 8601 in a zone, to the nanosecond; None for 0."""
    import pandas as pd

    moments = pd.DatetimeIndex(instants_ns.astype("datetime64[ns]"), tz="UTC").tz_convert(zone)
    local = moments.tz_localize(None).to_numpy()
    offsets = local.astype(np.int64) - instants_ns
    found = np.datetime_as_string(local, unit="ns").astype(object)
    for offset in np.unique(offsets).tolist():
        own = offsets == offset
        found[own] = found[own] + _offset_text(offset // 10**9)
    found[instants_ns == 0] = None
    return found


def _offset_text(seconds: int) -> str:
    """-18000 as -05:00."""
    hours, rest = divmod(abs(seconds), 3_600)
    return f"{'-' if seconds < 0 else '+'}{hours:02}:{rest // 60:02}"


def _plain(field: str, values: Any, zone: ZoneInfo, names: Mapping[str, Any]) -> Sequence[Any]:
    if field.endswith("_ns"):
        found: list[Any] = time_texts(values, zone).tolist()
    elif field.endswith("_units"):
        found = [from_units(units) for units in values.tolist()]
    elif field in names:
        found = [names[field][code] if code >= 0 else None for code in values.tolist()]
    elif field in NONE_IS_ZERO:
        found = [number or None for number in values.tolist()]
    elif values.dtype.kind == "f":
        found = [None if number != number else number for number in values.tolist()]
    elif values.dtype.kind == "M":
        found = values.astype(str).tolist()
    else:
        found = values.tolist()
    return found


def _check(what: str, word: str, known: Sequence[str]) -> None:
    if word not in known:
        raise UsageError(
            f"There is no {what} '{word}'; there are {', '.join(known)}.{did_you_mean(word, known)}"
        )


def _text(value: object) -> object:
    """As a line of CSV has it."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value.startswith(_FORMULAS):
        return f"'{value}"  # a venue's reason, say, which a spreadsheet would carry out
    return repr(value) if isinstance(value, float) else value


def _write_csv(run: "Run", name: str, values: Values, file: BinaryIO) -> None:
    text = StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(values)
    rows.writerows([_text(value) for value in row] for row in zip(*values.values(), strict=True))
    file.write(text.getvalue().encode())


def _write_json(run: "Run", name: str, values: Values, file: BinaryIO) -> None:
    if name == "metrics":
        told: Any = run.metrics.as_json()
    else:
        told = [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
    text = json.dumps(told, default=lambda value: f"{value:f}", allow_nan=False, indent=1)
    file.write(text.encode() + b"\n")


def _write_parquet(run: "Run", name: str, values: Values, file: BinaryIO) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if name == "metrics":
        kinds = {field: pa.float64() if field == "value" else pa.string() for field in values}
        arrays = {field: pa.array(column, kinds[field]) for field, column in values.items()}
    else:
        columns = getattr(run.columns, name)
        fields = zip(values.items(), columns.__struct_fields__, strict=True)
        arrays = {
            short: _arrow(field, getattr(columns, field), plain, str(run.zone))
            for (short, plain), field in fields
        }
    pq.write_table(pa.table(arrays), file, compression="zstd")


def _arrow(field: str, values: Any, plain: Sequence[Any], zone: str) -> "pa.Array":
    """A column's type is that of its array, also where it has no value."""
    import pyarrow as pa

    if field.endswith("_ns"):
        return pa.array(values, pa.timestamp("ns", tz=zone), mask=values == 0)
    if field.endswith("_units"):
        return pa.array(plain, pa.decimal128(38, _DECIMALS))
    if field in ("strategy", "symbol"):
        return pa.array(plain, pa.string())
    kinds = {"f": pa.float64(), "i": pa.int64(), "b": pa.bool_(), "M": pa.date32()}
    if values.dtype.kind == "M":
        return pa.array(values, kinds["M"])
    return pa.array(plain, kinds.get(values.dtype.kind, pa.string()))


_WRITERS: Final = {"csv": _write_csv, "parquet": _write_parquet, "json": _write_json}
