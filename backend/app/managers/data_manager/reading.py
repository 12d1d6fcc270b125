"""CSV and Parquet files as rows to be checked: columns all the way, a line number for each row."""

import codecs
import csv
import zipfile
import zlib
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
from app.core.errors import DataError, UsageError, did_you_mean
from app.core.progress import OnCount
from app.managers.data_manager.counted_file import opened
from app.managers.data_manager.input_files import NO_UTF_8, require_file, why_no_table
from app.managers.data_manager.options import ImportOptions
from app.services.bar_import import Rows
from app.services.csv_columns import QUOTES, ColumnMap, is_utc, map_columns
from app.services.csv_header import Header, find_header, roles_of_pairs
from app.services.csv_symbols import Picked, pick_symbol
from app.services.csv_times import Mask, read_times

_HEADER_BYTES = 64 << 10
_LINES_LOOKED_AT = 8
_COMMA = r"^[-+]?\d+([.,]\d+)*,\d+(\.\d*)?$"
_NUMBER = r"^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?$"
_NAMES_SHOWN = 10
Opened = Callable[[], AbstractContextManager[Path | pa.NativeFile]]
_TIMES = ("timestamp", "date", "time")
_NO_VOLUME = -1.0  # in every row: Interactive Brokers writes so of what has none
_VALUES = ("open", "high", "low", "close", "volume", *QUOTES)


def read_csv(
    path: Path, options: ImportOptions, zone: str, on_count: OnCount | None = None
) -> tuple[Rows, ColumnMap]:
    """The rows of a CSV file, which may be compressed; `zone` is that of wall-clock times.

    `on_count` is told of its bytes.
    """
    header, encoding = _read_header(path, options)
    columns = header.columns
    broken: list[int] = []
    with _reading_errors(path, "CSV"):
        source = partial(opened, path, on_count)
        values = pa.float64() if options.decimal is None else pa.string()
        table = _parse(source, header, encoding, broken, values)
        lines = _line_numbers(header.lines, table.num_rows, broken)
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
    if options.names:
        raise UsageError("The columns of a Parquet file have names; use --column for --names.")
    with _reading_errors(path, "Parquet"):
        file = pq.ParquetFile(path)
        names = file.schema_arrow.names
        columns = map_columns(names, {**roles_of_pairs(names, options.theirs), **options.columns})
        table = _read_groups(file, list(columns.names.values()), on_count)
        lines = np.arange(1, table.num_rows + 1)
        return _rows(path, table, columns, options, zone, lines, []), columns


_UNREADABLE = (
    *(pa.ArrowException, csv.Error, OSError, ValueError),  # names in no UTF-8, too
    *(EOFError, zipfile.BadZipFile, zlib.error),
)


@contextmanager
def _reading_errors(path: Path, kind: str) -> Iterator[None]:
    """What cannot be read or converted is the file's fault, said in one line."""
    try:
        yield
    except _UNREADABLE as error:
        what = _first_line(error)[:300]
        if "straddling object" in what:
            what = "one of its lines is longer than a megabyte; it may be another kind of file."
        elif kind == "CSV" and "invalid UTF8" in what:
            what = f"{NO_UTF_8}."
        raise DataError(f"{path} cannot be read as {kind}: {what}") from None


def _read_header(path: Path, options: ImportOptions) -> tuple[Header, str]:
    """Where its rows begin, and its encoding."""
    require_file(path)
    with (
        _reading_errors(path, "CSV"),
        opened(path, None) as source,
        pa.input_stream(source, compression="detect") as stream,
    ):
        head = stream.read(_HEADER_BYTES)
    encoding = "utf-16" if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8"
    if encoding == "utf-16":
        head = head.decode(encoding, errors="ignore").encode()
    if problem := why_no_table(head):
        raise DataError(f"{path} cannot be read as CSV: {problem}.")
    texts = [_text(line.strip(b"\r")) for line in head.split(b"\n")[:_LINES_LOOKED_AT]]
    lines, is_utf_8 = [line for line, _ in texts], texts[0][1]
    if not lines[0].strip():
        raise DataError(f"{path} has no header in its first line; name the columns there.")
    try:
        with _reading_errors(path, "CSV"):
            return find_header(lines, options.columns, options.theirs, options.names), encoding
    except DataError as error:
        if is_utf_8:
            raise
        told = "The header is not UTF-8 text, and was read as Windows-1252: where that looks wrong"
        raise DataError(f"{error} {told}, save the file as 'CSV UTF-8'.") from None


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
    file: Opened, header: Header, encoding: str, broken: list[int], values: pa.DataType
) -> pa.Table:
    """Numbers are parsed as such at once; when one cannot be, all are read as texts."""
    try:
        return _parse_as(file, header, encoding, broken, values)
    except pa.ArrowInvalid as error:
        if "conversion error" not in str(error):
            raise
    broken.clear()
    return _parse_as(file, header, encoding, broken, pa.string())


def _parse_as(
    file: Opened, header: Header, encoding: str, broken: list[int], values: pa.DataType
) -> pa.Table:
    kinds = {
        name: values if role in _VALUES else pa.string()
        for role, name in header.columns.names.items()
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
                    use_threads=threads,
                    column_names=header.names,
                    skip_rows=header.lines,
                    encoding=encoding,
                ),
                # Empty lines are kept, as rows of nulls, so that line numbers can be told.
                parse_options=pa_csv.ParseOptions(
                    delimiter=header.delimiter,
                    ignore_empty_lines=False,
                    invalid_row_handler=skip,
                ),
                convert_options=convert,
            )

    table = parse(threads=True)
    if broken:  # only a reader on one thread knows where a row stands
        broken.clear()
        table = parse(threads=False)
    return table


def _line_numbers(above: int, rows: int, broken: list[int]) -> Ints:
    """The line of each row, below those of the header; a broken line moves the rest down."""
    lines = np.arange(above + 1, above + 1 + rows, dtype=np.int64)
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
        why = " Each has another number of cells than the names above them." if broken else ""
        raise DataError(f"{path} holds no row that could be read.{why}")
    others: dict[str, Ints] = {}
    if "symbol" in columns.names:
        picked = _picked(path, table.column(columns.names["symbol"]), options.theirs)
        if picked.others:
            others = {name: lines[rows] for name, rows in picked.others.items()}
            table, lines = table.take(to_arrow(picked.own, pa.int64())), lines[picked.own]
    arrays = {role: _one_chunk(table.column(name)) for role, name in columns.names.items()}
    texts = {
        role: _plain_numbers(arrays[role], options.decimal) for role in arrays.keys() & _VALUES
    }
    values = {role: _numbers(texts[role]) for role in _VALUES if role in texts}
    if "volume" not in values or bool(np.all(values["volume"] == _NO_VOLUME)):
        values["volume"] = np.zeros(table.num_rows)
    if options.price_scale is not None:
        for role in values:
            if role != "volume" and not role.endswith("_size"):
                values[role] = values[role] / options.price_scale
    if options.timezone is None and any(is_utc(columns.names.get(one, "")) for one in _TIMES):
        zone = "UTC"
    times = read_times(_time_column(arrays), zone, options.time_format)
    broken_lines = np.array(sorted(broken), dtype=np.int64)
    return Rows(times, values, lines, broken_lines, others, _commas(texts))


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


def _plain_numbers(values: pa.Array, decimal: str | None) -> pa.Array:
    """Texts as the numbers that they show: without a sign of money, and with `decimal` said,
    without those that part thousands.
    """
    if pa.types.is_large_string(values.type) or pa.types.is_string_view(values.type):
        values = pc.cast(values, pa.string())
    if not pa.types.is_string(values.type):
        return values
    text = pc.utf8_trim_whitespace(values)
    text = pc.replace_substring_regex(text, pattern=r"^([-+]?)[$€£¥]\s?", replacement=r"\1")
    if decimal is None:
        return text
    sign, thousands = (",", r"\.") if decimal == "comma" else (r"\.", ",")
    text = pc.replace_substring_regex(text, pattern=r"[\s\x{a0}\x{202f}'’]", replacement="")
    whole = rf"(\d+|\d{{1,3}}({thousands}\d{{3}})+)?"
    fits = pc.match_substring_regex(
        text, pattern=rf"^[-+]?{whole}({sign}\d*)?([eE][-+]?\d{{1,3}})?$"
    )
    text = pc.replace_substring_regex(text, pattern=thousands, replacement="")
    text = pc.replace_substring_regex(text, pattern=sign, replacement=".")
    return pc.if_else(fits, text, None)


def _numbers(values: pa.Array) -> Floats:
    """Values as float64, NaN where there is none or it is no number."""
    if pa.types.is_string(values.type):
        values = pc.if_else(pc.match_substring_regex(values, pattern=_NUMBER), values, None)
    elif pa.types.is_decimal(values.type):  # Arrow makes 70.46 of it a float that is another
        values = pc.cast(values, pa.string())
    return floats(pc.cast(values, pa.float64(), safe=False))


def _commas(arrays: Mapping[str, pa.Array]) -> Mask | None:
    """The rows with a number that has a comma."""
    found: Mask | None = None
    for role in _VALUES:
        if role in arrays and pa.types.is_string(arrays[role].type):
            matches = pc.match_substring_regex(arrays[role], pattern=_COMMA)
            matches = pc.fill_null(matches, False)
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
            " Name the one that is meant with --file-symbol."
        )
    return picked


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
