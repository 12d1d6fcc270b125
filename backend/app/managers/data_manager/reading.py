"""CSV and Parquet files as rows to be checked: columns all the way, a line number for each row."""

import csv
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from app.core.arrow import floats, nulls, to_arrow
from app.core.bars import Floats, Ints
from app.core.errors import DataError, did_you_mean
from app.core.progress import OnCount
from app.managers.data_manager.counted_file import opened
from app.managers.data_manager.input_files import NO_UTF_8, require_file, why_no_table
from app.managers.data_manager.options import ImportOptions
from app.services.bar_import import Rows
from app.services.csv_columns import QUOTES, ColumnMap, map_columns
from app.services.csv_symbols import Picked, pick_symbol
from app.services.csv_times import Mask, read_times

_HEADER_BYTES = 64 << 10
_DELIMITERS = (",", ";", "\t", "|")
_COMMA = r"^[-+]?\d+(,\d+)+(\.\d*)?$"
_NUMBER = r"^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?$"
_NAMES_SHOWN = 10
Opened = Callable[[], AbstractContextManager[Path | pa.NativeFile]]
_VALUES = ("open", "high", "low", "close", "volume", *QUOTES)


def read_csv(
    path: Path, options: ImportOptions, zone: str, on_count: OnCount | None = None
) -> tuple[Rows, ColumnMap]:
    """The rows of a CSV file, which may be compressed; `zone` is that of wall-clock times.

    `on_count` is told of its bytes.
    """
    header, delimiter, is_utf_8 = _read_header(path)
    try:
        columns = map_columns(header, options.columns)
    except DataError as error:
        if is_utf_8:
            raise
        told = "The header is not UTF-8 text, and was read as Windows-1252: where that looks wrong"
        raise DataError(f"{error} {told}, save the file as 'CSV UTF-8'.") from None
    broken: list[int] = []
    with _reading_errors(path, "CSV"):
        table = _parse(partial(opened, path, on_count), header, columns, delimiter, broken)
        lines = _line_numbers(table.num_rows, broken)
        blank = _blank_rows(table)
        if blank.any():
            kept = np.flatnonzero(~blank)
            table, lines = table.take(to_arrow(kept, pa.int64())), lines[kept]
        return _rows(path, table, columns, options, zone, lines, broken), columns


def read_parquet(
    path: Path, options: ImportOptions, zone: str, on_count: OnCount | None = None
) -> tuple[Rows, ColumnMap]:
    """The rows of a Parquet file; a row's line is its number, from 1. Rows are counted."""
    require_file(path)
    with _reading_errors(path, "Parquet"):
        file = pq.ParquetFile(path)
        columns = map_columns(file.schema_arrow.names, options.columns)
        table = _read_groups(file, list(columns.names.values()), on_count)
        lines = np.arange(1, table.num_rows + 1)
        return _rows(path, table, columns, options, zone, lines, []), columns


@contextmanager
def _reading_errors(path: Path, kind: str) -> Iterator[None]:
    """What cannot be read or converted is the file's fault, said in one line."""
    try:
        yield
    except (pa.ArrowException, csv.Error, OSError, ValueError) as error:  # names in no UTF-8, too
        what = _first_line(error)[:300]
        if "straddling object" in what:
            what = "one of its lines is longer than a megabyte; it may be another kind of file."
        elif kind == "CSV" and "invalid UTF8" in what:
            what = f"{NO_UTF_8}."
        raise DataError(f"{path} cannot be read as {kind}: {what}") from None


def _read_header(path: Path) -> tuple[list[str], str, bool]:
    """The names of its columns, what parts them, and whether they are UTF-8."""
    require_file(path)
    with _reading_errors(path, "CSV"), pa.input_stream(str(path), compression="detect") as stream:
        head = stream.read(_HEADER_BYTES)
    if problem := why_no_table(head):
        raise DataError(f"{path} cannot be read as CSV: {problem}.")
    line, is_utf_8 = _text(head.partition(b"\n")[0].strip(b"\r"))
    if not line.strip():
        raise DataError(f"{path} has no header in its first line; name the columns there.")
    delimiter = max(_DELIMITERS, key=line.count)
    with _reading_errors(path, "CSV"):
        names = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True))
    return [name.strip() for name in names], delimiter, is_utf_8


def _text(line: bytes) -> tuple[str, bool]:
    """A line, and whether it is UTF-8; what is not is taken for what Excel writes on Windows."""
    try:
        return line.decode("utf-8-sig"), True
    except UnicodeDecodeError:
        return line.decode("cp1252", errors="replace"), False


def _read_groups(file: pq.ParquetFile, names: list[str], on_count: OnCount | None) -> pa.Table:
    """The columns asked for, read group by group where somebody counts."""
    groups = file.metadata.num_row_groups
    if on_count is None or groups < 2:
        return file.read(columns=names)
    parts = []
    for group in range(groups):
        parts.append(file.read_row_group(group, columns=names))
        on_count(sum(len(part) for part in parts), file.metadata.num_rows)
    return pa.concat_tables(parts)


def _parse(
    file: Opened, header: list[str], columns: ColumnMap, delimiter: str, broken: list[int]
) -> pa.Table:
    """Numbers are parsed as such at once; when one cannot be, all are read as texts."""
    try:
        return _parse_as(file, header, columns, delimiter, broken, pa.float64())
    except pa.ArrowInvalid as error:
        if "conversion error" not in str(error):
            raise
    broken.clear()
    return _parse_as(file, header, columns, delimiter, broken, pa.string())


def _parse_as(
    file: Opened,
    header: list[str],
    columns: ColumnMap,
    delimiter: str,
    broken: list[int],
    values: pa.DataType,
) -> pa.Table:
    kinds = {
        name: values if role in _VALUES else pa.string() for role, name in columns.names.items()
    }
    convert = pa_csv.ConvertOptions(
        column_types=kinds, include_columns=list(kinds), strings_can_be_null=True
    )

    def parse(*, threads: bool) -> pa.Table:
        def skip(row: pa_csv.InvalidRow) -> str:
            broken.append(row.number or 0)
            return "skip"

        with file() as source:
            return pa_csv.read_csv(
                source,
                # The names as we read them: Arrow would keep the blanks around them.
                read_options=pa_csv.ReadOptions(
                    use_threads=threads, column_names=header, skip_rows=1
                ),
                # Empty lines are kept, as rows of nulls, so that line numbers can be told.
                parse_options=pa_csv.ParseOptions(
                    delimiter=delimiter, ignore_empty_lines=False, invalid_row_handler=skip
                ),
                convert_options=convert,
            )

    table = parse(threads=True)
    if broken:  # only a reader on one thread knows where a row stands
        broken.clear()
        table = parse(threads=False)
    return table


def _line_numbers(rows: int, broken: list[int]) -> Ints:
    """The line of each row; the header is line 1, and a broken line moves the rest down."""
    lines = np.arange(2, 2 + rows, dtype=np.int64)
    for line in sorted(broken):
        lines[lines >= line] += 1
    return lines


def _blank_rows(table: pa.Table) -> Mask:
    blank = np.ones(table.num_rows, dtype=bool)
    for column in table.columns:
        if not column.null_count:
            return np.zeros(table.num_rows, dtype=bool)
        blank &= nulls(column.combine_chunks())
    return blank


def _rows(
    path: Path,
    table: pa.Table,
    columns: ColumnMap,
    options: ImportOptions,
    zone: str,
    lines: Ints,
    broken: list[int],
) -> Rows:
    if not table.num_rows:
        raise DataError(f"{path} holds no row that could be read.")
    others: dict[str, Ints] = {}
    if "symbol" in columns.names:
        picked = _picked(path, table.column(columns.names["symbol"]), options.symbol)
        if picked.others:
            others = {name: lines[rows] for name, rows in picked.others.items()}
            table, lines = table.take(to_arrow(picked.own, pa.int64())), lines[picked.own]
    arrays = {role: _one_chunk(table.column(name)) for role, name in columns.names.items()}
    values = {role: _numbers(arrays[role]) for role in _VALUES if role in arrays}
    values.setdefault("volume", np.zeros(table.num_rows))
    if options.price_scale != 1.0:
        for role in values:
            if role != "volume" and not role.endswith("_size"):
                values[role] = values[role] / options.price_scale
    times = read_times(_time_column(arrays), zone, options.time_format)
    broken_lines = np.array(sorted(broken), dtype=np.int64)
    return Rows(times, values, lines, broken_lines, others, _commas(arrays))


def _time_column(arrays: Mapping[str, pa.Array]) -> pa.Array:
    if "timestamp" in arrays:
        return arrays["timestamp"]
    date = arrays["date"]
    if "time" not in arrays:
        return date
    time = pc.utf8_trim_whitespace(pc.cast(arrays["time"], pa.string()))
    if not pa.types.is_temporal(arrays["time"].type):  # 930 and 9:30 are 09:30
        longest = pc.max(pc.utf8_length(time)).as_py() or 0
        widths = (5, 8) if pc.any(pc.match_substring(time, ":")).as_py() else (4, 6)
        width = widths[longest > widths[0]]
        time = pc.utf8_lpad(time, width=width, padding="0")
    return pc.binary_join_element_wise(pc.cast(date, pa.string()), time, " ")


def _numbers(values: pa.Array) -> Floats:
    """Values as float64, NaN where there is none or it is no number."""
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        text = pc.utf8_trim_whitespace(values)
        values = pc.if_else(pc.match_substring_regex(text, pattern=_NUMBER), text, None)
    elif pa.types.is_decimal(values.type):  # Arrow makes 70.46 of it a float that is another
        values = pc.cast(values, pa.string())
    return floats(pc.cast(values, pa.float64(), safe=False))


def _commas(arrays: Mapping[str, pa.Array]) -> Mask | None:
    """The rows with a number that has a comma."""
    found: Mask | None = None
    for role in _VALUES:
        if role in arrays and pa.types.is_string(arrays[role].type):
            text = pc.utf8_trim_whitespace(arrays[role])
            matches = pc.fill_null(pc.match_substring_regex(text, pattern=_COMMA), False)
            mask = matches.to_numpy(zero_copy_only=False)
            found = mask if found is None else found | mask
    return found


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    merged = column.combine_chunks()
    if isinstance(merged, pa.ChunkedArray):  # of a column too large for one chunk
        raise DataError("The file is too large to import at once; split it by year.")
    return merged


def _picked(path: Path, symbols: pa.ChunkedArray, asked: str) -> Picked:
    picked = pick_symbol(_one_chunk(symbols), asked)
    if not len(picked.own):
        names = sorted(name for name in picked.others if name)
        shown = ", ".join(names[:_NAMES_SHOWN])
        if len(names) > _NAMES_SHOWN:
            shown += f" and {len(names) - _NAMES_SHOWN:,} more"
        raise DataError(
            f"{path} has no row of {asked}; its symbols are {shown}.{did_you_mean(asked, names)}"
        )
    return picked


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
