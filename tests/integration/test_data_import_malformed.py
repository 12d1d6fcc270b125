"""Files as bad as they come: the right error or a report, and never half a file in the store."""

import gzip
import io
import os
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.data_house import HEADER, House, calendars, house, minute_rows, rows_text

from app.core.errors import AppError, DataError, NotFoundError, UsageError
from app.managers.data_manager import ImportOptions
from app.repositories.bar_store_files import Series

__all__ = ["calendars", "house"]

GOOD = minute_rows("2024-01-02T09:30", 5)
TEXT = rows_text(GOOD)
T = "2024-01-02T09:31"

REFUSED: dict[str, str | bytes] = {
    "empty": "",
    "a newline": "\n",
    "blanks": "   \n  \n",
    "a header alone": HEADER + "\n",
    "a header without a newline": HEADER,
    "a header and blank lines": HEADER + "\n\n\n",
    "no header": "\n".join(GOOD),
    "no time": rows_text(["1,2,3,4,5"], "open,high,low,close,volume"),
    "no close": rows_text([f"{T},1,2,3,4"], "timestamp,open,high,low,volume"),
    "no prices": rows_text([f"{T},1"], "timestamp,volume"),
    "half of the quotes": rows_text([f"{T},1,2"], "timestamp,bid_close,ask_close"),
    "the same column twice": rows_text([f"{T},1,2,3,4,5"], "timestamp,open,open,high,low,close"),
    "nameless columns": rows_text([f"{T},1,2,3,4,5"], ",,,,,"),
    "one column": "timestamp\n2024-01-02\n",
    "zeros": b"\x00" * 500,
    "noise": bytes(range(256)) * 4,
    "parquet": b"PAR1" + b"\x15\x04" * 200 + b"PAR1",
    "a picture": b"\x89PNG\r\n\x1a\n" + b"\x00\x01" * 300,
    "html": "<!doctype html><html><body>403 Forbidden</body></html>",
    "json": '[{"timestamp": "2024-01-02T09:30", "open": 1}]',
    "an error in words": "Error: too many requests\nplease wait\n",
    "utf-32": TEXT.encode("utf-32"),
    "broken gzip inside": gzip.compress(TEXT.encode())[:40],
    "times nobody knows": rows_text(["yesterday,1,2,0.5,1,1"]),
    "slashes": rows_text(["01/02/2024 09:30,1,2,0.5,1,1"]),
    "spreadsheet days": rows_text(["45293.396,1,2,0.5,1,1"]),
    "times missing everywhere": rows_text([",1,2,0.5,1,1", ",1,2,0.5,1,1"]),
    "two symbols": rows_text(
        [f"{T},1,2,0.5,1,A", f"{T},1,2,0.5,1,B"], "timestamp,open,high,low,close,symbol"
    ),
    "every row short": rows_text([T, T]),
    "every row long": rows_text([f"{T},1,2,3,4,5,6,7"] * 3),
    "a quote that never closes": HEADER + '\n"' + TEXT,
    "the header in another place": "report of 2024\n" * 6 + TEXT,
}

# A row for 09:31 that is at fault; the rest of the file is good.
BAD_ROWS = {
    "no open": f"{T},,2,1,1.5,10",
    "no high": f"{T},1,,1,1.5,10",
    "no low": f"{T},1,2,,1.5,10",
    "no close": f"{T},1,2,1,,10",
    "no volume": f"{T},1,2,1,1.5,",
    "only a time": f"{T},,,,,",
    "no time": ",1,2,1,1.5,10",
    "an open in words": f"{T},one,2,1,1.5,10",
    "a comma of thousands": f'{T},"1,000",2000,900,1500,10',
    "a dollar behind": f"{T},1$,2,1,1.5,10",
    "a percent": f"{T},1%,2,1,1.5,10",
    "hexadecimal": f"{T},0x10,20,1,1.5,10",
    "underscores": f"{T},1_0,20,1,1.5,10",
    "two dots": f"{T},1.0.0,2,1,1.5,10",
    "a dash": f"{T},-,2,1,1.5,10",
    "nan": f"{T},nan,2,1,1.5,10",
    "NaN": f"{T},1,NaN,1,1.5,10",
    "infinity": f"{T},1,inf,1,1.5,10",
    "minus infinity": f"{T},1,2,-inf,1.5,10",
    "too large for a float": f"{T},1,1e999,1,1.5,10",
    "null": f"{T},null,2,1,1.5,10",
    "N/A": f"{T},N/A,2,1,1.5,10",
    "true": f"{T},true,2,1,1.5,10",
    "a zero": f"{T},0,2,0,1.5,10",
    "a negative price": f"{T},-1,2,-2,1.5,10",
    "a negative volume": f"{T},1,2,1,1.5,-10",
    "all zeros": f"{T},0,0,0,0,0",
    "a price beyond reach": f"{T},1e300,2e300,1e300,1e300,10",
    "a volume beyond reach": f"{T},1,2,1,1.5,1.8e19",
    "a price next to nothing": f"{T},1e-300,1,1e-300,1,10",
    "high below low": f"{T},1,1,2,1.5,10",
    "open above high": f"{T},3,2,1,1.5,10",
    "open below low": f"{T},0.5,2,1,1.5,10",
    "close above high": f"{T},1,2,1,2.5,10",
    "close below low": f"{T},1.5,2,1,0.5,10",
    "a date that is none": "2024-02-30T09:31,1,2,1,1.5,10",
    "a thirteenth month": "2024-13-02T09:31,1,2,1,1.5,10",
    "hour 25": "2024-01-02T25:31,1,2,1,1.5,10",
    "minute 61": "2024-01-02T09:61,1,2,1,1.5,10",
    "a year of three digits": "024-01-02T09:31,1,2,1,1.5,10",
    "an epoch among texts": "1704205860,1,2,1,1.5,10",
    "a zone among wall clocks": "2024-01-02T14:31Z,1,2,1,1.5,10",
    "words for a time": "soon,1,2,1,1.5,10",
    "half a minute": "2024-01-02T09:31:30,1,2,1,1.5,10",
    "a split second": "2024-01-02T09:31:00.001,1,2,1,1.5,10",
    "a Sunday": "2024-01-07T09:31,1,2,1,1.5,10",
    "New Year": "2024-01-01T09:31,1,2,1,1.5,10",
    "the middle of the night": "2024-01-02T03:00,1,2,1,1.5,10",
    "the clock's repeated hour": "2024-11-03T01:30,1,2,1,1.5,10",
    "the clock's void hour": "2024-03-10T02:30,1,2,1,1.5,10",
    "a time that was there": "2024-01-02T09:30,1,2,1,1.5,10",
    "beyond all calendars": "2199-01-02T09:31,1,2,1,1.5,10",
    "the last century": "1901-01-06T09:31,1,2,1,1.5,10",
    "too few cells": f"{T},1,2",
    "too many cells": f"{T},1,2,1,1.5,10,11",
    "a comment": "# end of day",
    "a total": "total,,,,,12345",
    "a header again": HEADER,
    "a nul": f"{T},1\x00,2,1,1.5,10",
    "an accent": f"{T},1é,2,1,1.5,10",
    "a formula": f"{T},=A1,2,1,1.5,10",
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_without_sense_is_refused_and_stores_nothing(house: House, name: str) -> None:
    with pytest.raises(DataError) as caught:
        house.import_text(REFUSED[name])
    assert len(str(caught.value)) < 700
    assert house.files() == {}


@pytest.mark.parametrize("name", BAD_ROWS)
def test_a_bad_row_is_kept_out_with_its_line_and_the_rest_is_stored(
    house: House, name: str
) -> None:
    rows = [GOOD[0], BAD_ROWS[name], *GOOD[2:]]
    report = house.import_text(rows_text(rows))
    assert [finding.line for finding in report.findings] == [3]
    assert sum(report.kept_out.values()) == 1
    assert (report.rows, report.stored, report.added) == (5, 4, 4)
    assert len(house.all_bars()) == 4


@pytest.mark.parametrize("name", BAD_ROWS)
def test_read_strictly_one_bad_row_refuses_the_file(house: House, name: str) -> None:
    with pytest.raises(DataError, match=r"line 3: .*Nothing was stored"):
        house.import_text(rows_text([GOOD[0], BAD_ROWS[name], *GOOD[2:]]), strict=True)
    assert house.files() == {}


VALUES_FIRST = ",".join(["2024.01.02", "09:30", "10", "11", "9", "10", "100"]) + "\n"
MISTAKEN: dict[str, tuple[str | bytes, str]] = {
    "utf-16 without a mark": (TEXT.encode("utf-16-le"), "it is UTF-16 text; save it as"),
    "bytes": (b"\x01\x00\x02\x03", "it is not text"),
    "a workbook": (b"PK\x03\x04" + bytes(50), "it is an Excel workbook, or a zip archive"),
    "an old workbook": (b"\xd0\xcf\x11\xe0" + bytes(50), "it is an Excel workbook"),
    "gzip by another name": (gzip.compress(TEXT.encode()), "have its name end in .gz"),
    "parquet": (b"PAR1" + bytes(50), "it is Parquet; use 'data import-parquet'"),
    "lines of old Macs": (TEXT.replace("\n", "\r"), "its lines end in CR alone"),
    "many lines above the names": (
        "Bars of 2024\n" * 6 + TEXT,
        "Where lines stand above the names, take them out.",
    ),
    "values without names": (VALUES_FIRST, "The first line holds values, 2024.01.02, 09:30, 10"),
    "milliseconds without names": ("1704205800000,1,1,1,1,9\n", "The first line holds values"),
    "one endless line": (TEXT + "x" * 3_000_000, "one of its lines is longer than a megabyte"),
}


@pytest.mark.parametrize("name", MISTAKEN)
def test_what_stands_in_a_tables_place_is_named_with_the_way_out(house: House, name: str) -> None:
    content, told = MISTAKEN[name]
    with pytest.raises(DataError) as caught:
        house.import_text(content)
    assert told in str(caught.value)


def test_a_quote_beyond_reach_is_absent_and_takes_no_bar_along(house: House) -> None:
    rows = [f"{row},1e300,5" for row in GOOD]
    assert house.import_text(rows_text(rows, f"{HEADER},bid_close,bid_size")).stored == 5
    quotes = house.store.quotes(Series("XNYS", "AAA", "1m"), 0, 1 << 62)
    assert np.isnan(quotes["bid_close"]).all() and (quotes["bid_size"] == 5).all()


def test_lines_are_counted_as_an_editor_does(house: House) -> None:
    rows = [GOOD[0], "", "short,row", GOOD[1], "", f"{T},bad,2,1,1.5,10", GOOD[2], "x,y", GOOD[3]]
    report = house.import_text(rows_text(rows))
    assert [finding.line for finding in report.findings] == [4, 7, 9]
    assert report.stored == 4


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_line_endings_do_not_matter(house: House, ending: str) -> None:
    report = house.import_text(TEXT.replace("\n", ending))
    assert (report.stored, report.kept_out) == (5, {})


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_other_delimiters_are_seen(house: House, delimiter: str) -> None:
    assert house.import_text(TEXT.replace(",", delimiter)).stored == 5


def test_a_byte_order_mark_is_no_part_of_the_header(house: House) -> None:
    assert house.import_text("\ufeff" + TEXT).stored == 5


def test_a_compressed_file_is_read_as_it_is(house: House) -> None:
    path = house.write("bars.csv.gz", gzip.compress(TEXT.encode()))
    assert house.data.import_csv(path, ImportOptions("XNYS", "AAA")).stored == 5


def test_a_ruined_file_keeps_its_report_short(house: House) -> None:
    rows = [*GOOD, *([f"{T},bad,2,1,1.5,10"] * 5000)]
    report = house.import_text(rows_text(rows))
    assert len(report.findings) == 1000
    assert report.findings_left_out == 4000
    assert report.stored == 5


GERMAN = "Zeitpunkt,Eröffnung,Höchst,Tiefst,Schluß,Größe"
NAMES = dict(zip(("timestamp", "open", "high", "low", "close", "volume"), GERMAN.split(","),
                 strict=True))  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_names_of_a_header_as_excel_writes_it_are_read(house: House, encoding: str) -> None:
    path = house.write("file.csv", rows_text(GOOD, GERMAN).encode(encoding))
    options = ImportOptions("XNYS", "AAA", columns=NAMES)
    assert house.data.import_csv(path, options).stored == 5


def test_a_header_that_is_not_utf_8_is_shown_as_it_was_read_and_the_way_out_with_it(
    house: House,
) -> None:
    path = house.write("file.csv", rows_text(GOOD, GERMAN).encode("cp1252"))
    with pytest.raises(DataError, match=r"the header reads Zeitpunkt, Eröffnung.*not UTF-8.*save"):
        house.data.import_csv(path, ImportOptions("XNYS", "AAA"))
    path = house.write("file.csv", rows_text(GOOD, GERMAN))
    with pytest.raises(DataError) as caught:
        house.data.import_csv(path, ImportOptions("XNYS", "AAA"))
    assert "UTF-8" not in str(caught.value)


def test_cells_that_are_not_utf_8_are_told_as_that(house: House) -> None:
    rows = [f"{row},Größe" for row in GOOD]
    text = rows_text(rows, f"{HEADER},symbol").encode("cp1252")
    with pytest.raises(DataError, match="cannot be read as CSV: it is not UTF-8 text; save it as"):
        house.data.import_csv(house.write("file.csv", text), ImportOptions("XNYS", "AAA"))
    actions = "symbol,ex_date,kind,value\nGRÖ,2024-01-02,split,2\n".encode("cp1252")
    with pytest.raises(DataError, match="cannot be read as CSV: it is not UTF-8 text; save it as"):
        house.data.import_actions(house.write("actions.csv", actions), "XNYS")


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"symbol": "aapl"}, UsageError),
        ({"symbol": ""}, UsageError),
        ({"symbol": "../../etc"}, UsageError),
        ({"symbol": "A" * 40}, UsageError),
        ({"market": "XNYC"}, NotFoundError),
        ({"market": ""}, AppError),
        ({"interval": "1x"}, UsageError),
        ({"interval": "0m"}, UsageError),
        ({"interval": "2d"}, UsageError),
        ({"label": "middle"}, UsageError),
        ({"timezone": "Mars/Olympus"}, UsageError),
        ({"timezone": ""}, UsageError),
        ({"timezone": "../UTC"}, UsageError),
        ({"price_scale": 0.0}, UsageError),
        ({"price_scale": -1.0}, UsageError),
        ({"price_scale": float("nan")}, UsageError),
        ({"price_scale": float("inf")}, UsageError),
        ({"columns": {"close": "Nope"}}, DataError),
        ({"columns": {"nope": "close"}}, UsageError),
        ({"time_format": "%q %q"}, DataError),
    ],
)
def test_options_without_sense_are_refused_first(
    house: House, options: dict[str, object], error: type[AppError]
) -> None:
    given_options = {"market": "XNYS", "symbol": "AAA", **options}
    path = house.write("file.csv", TEXT)
    with pytest.raises(error):
        house.data.import_csv(path, ImportOptions(**given_options))  # type: ignore[arg-type]
    assert house.files() == {}


def test_a_file_that_is_not_there_is_not_found(house: House) -> None:
    with pytest.raises(NotFoundError, match="is not there"):
        house.data.import_csv(house.folder / "none.csv", ImportOptions("XNYS", "AAA"))
    with pytest.raises(NotFoundError, match="is a folder"):
        house.data.import_parquet(house.folder, ImportOptions("XNYS", "AAA"))
    house.write("bars.csv", TEXT)
    with pytest.raises(NotFoundError, match=r"is not there; .* Did you mean '.*bars.csv'\?"):
        house.data.import_csv(house.folder.parent / "bar.csv", ImportOptions("XNYS", "AAA"))
    house.write("caf\udce9.csv", TEXT)
    with pytest.raises(UsageError, match=r"caf\\udce9\.csv' is no text in UTF-8; rename the file"):
        house.data.import_csv(house.folder.parent / "caf\udce9.csv", ImportOptions("XNYS", "AAA"))
    os.mkfifo(house.folder.parent / "pipe")
    for run in (house.data.import_csv, house.data.import_parquet):
        with pytest.raises(NotFoundError, match="is a pipe or a device; write"):
            run(house.folder.parent / "pipe", ImportOptions("XNYS", "AAA"))


def parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def table(**columns: object) -> pa.Table:
    count = 3
    good: dict[str, object] = {
        "timestamp": pa.array(
            [1704205800 + 60 * index for index in range(count)], pa.timestamp("s", tz="UTC")
        ),
        **{name: [10.0] * count for name in ("open", "high", "low", "close", "volume")},
    }
    return pa.table({name: values for name, values in {**good, **columns}.items() if values})


GOOD_PARQUET = parquet(table())
REFUSED_PARQUET: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "csv": lambda: TEXT.encode(),
    "magic alone": lambda: b"PAR1",
    "cut short": lambda: GOOD_PARQUET[:-20],
    "cut in half": lambda: GOOD_PARQUET[: len(GOOD_PARQUET) // 2],
    "its head gone": lambda: GOOD_PARQUET[50:],
    "no rows": lambda: parquet(table().slice(0, 0)),
    "no columns": lambda: parquet(pa.table({})),
    "no time": lambda: parquet(table(timestamp=None)),
    "no close": lambda: parquet(table(close=None)),
    "lists of prices": lambda: parquet(table(close=[[1.0], [2.0], [3.0]])),
    "structs of prices": lambda: parquet(table(close=[{"a": 1.0}] * 3)),
    "lists of times": lambda: parquet(table(timestamp=[[1], [2], [3]])),
    "times of truth": lambda: parquet(table(timestamp=[True, False, True])),
    "binary times": lambda: parquet(table(timestamp=[b"\xff\xfe", b"\x00", b"\x01"])),
    "null times": lambda: parquet(table(timestamp=pa.nulls(3))),
    "times of day": lambda: parquet(table(timestamp=pa.array([1, 2, 3], pa.time64("us")))),
    "two symbols": lambda: parquet(table(symbol=["A", "B", "A"])),
}


@pytest.mark.parametrize("name", REFUSED_PARQUET)
def test_a_parquet_file_without_sense_is_refused(house: House, name: str) -> None:
    path = house.write("file.parquet", REFUSED_PARQUET[name]())
    with pytest.raises(DataError):
        house.data.import_parquet(path, ImportOptions("XNYS", "AAA"))
    assert house.files() == {}


@pytest.mark.parametrize(
    ("columns", "stored"),
    [
        ({}, 3),
        ({"close": ["10", "10.0", "ten"]}, 2),
        ({"close": [10, 10, 10]}, 3),
        ({"close": pa.array([10.0, None, 10.0])}, 2),
        ({"close": pa.nulls(3)}, 0),
        ({"close": pa.array([10.0, 10.0, float("nan")], pa.float32())}, 2),
        ({"volume": pa.array([1, 2, -3], pa.int64())}, 2),
        ({"volume": pa.array([1, 2, 3], pa.decimal128(10, 2))}, 3),
        ({"timestamp": pa.array([1704205800, None, 1704205860])}, 2),
        ({"timestamp": ["2024-01-02 09:30", "x", "2024-01-02 09:32"]}, 2),
        ({"timestamp": pa.array([1 << 62, 1704187800000, 0], pa.timestamp("ms"))}, 1),
        ({"symbol": pa.array(["AAA", "AAA", "AAA"]).dictionary_encode()}, 3),
        ({"symbol": pa.array(["AAA", None, "aaa"])}, 2),
        ({"symbol": pa.nulls(3)}, 3),
        ({"ticker": pa.array([1, 1, 1]), "symbol": ["AAA", "BBB", "AAA"]}, 2),
    ],
)
def test_parquet_columns_of_many_types_are_read(
    house: House, columns: dict[str, object], stored: int
) -> None:
    path = house.write("file.parquet", parquet(table(**columns)))
    options = ImportOptions("XNYS", "AAA", timezone="America/New_York")
    report = house.data.import_parquet(path, options)
    assert report.stored == len(house.all_bars()) == stored
    assert report.rows == 3


SHARED = settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
CELL = st.one_of(
    st.sampled_from(
        ["", "1", "10.5", "nan", "-1", "1e400", T, "2024-01-02", "x", '"', "1704205800"]
    ),
    st.text(max_size=6),
)


@SHARED
@given(rows=st.lists(st.lists(CELL, min_size=1, max_size=7), max_size=6))
def test_no_csv_at_all_brings_more_than_an_error(house: House, rows: list[list[str]]) -> None:
    text = rows_text([GOOD[0], *(",".join(row) for row in rows)])
    before = len(house.all_bars())
    try:
        report = house.import_text(text)
    except AppError:
        assert len(house.all_bars()) == before
        return
    found = house.all_bars()
    assert report.added == len(found) - before
    assert np.all(np.diff(found.start_ns) > 0)


@SHARED
@given(data=st.binary(max_size=300))
def test_no_bytes_at_all_bring_more_than_an_error(house: House, data: bytes) -> None:
    for run in (house.data.import_csv, house.data.import_parquet):
        with pytest.raises(AppError):
            run(house.write("noise", data), ImportOptions("XNYS", "AAA"))
    assert house.files() == {}


@SHARED
@given(at=st.integers(0, len(GOOD_PARQUET) - 1), byte=st.integers(0, 255))
def test_no_flipped_byte_of_a_parquet_file_brings_more_than_an_error(
    house: House, at: int, byte: int
) -> None:
    damaged = GOOD_PARQUET[:at] + bytes([byte]) + GOOD_PARQUET[at + 1 :]
    path = house.write("file.parquet", damaged)
    try:
        report = house.data.import_parquet(path, ImportOptions("XNYS", "AAA"))
    except AppError:
        return
    assert report.stored <= 3
