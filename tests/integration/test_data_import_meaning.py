"""Files that are read without a fault and yet mean something else: another symbol or interval."""

from collections.abc import Sequence
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.data_house import HEADER, House, calendars, house, minute_rows, minutes, rows_text

from app.core.errors import DataError
from app.managers.data_manager import ImportOptions
from app.repositories.bar_store_files import Series

__all__ = ["calendars", "house"]

NAME_IT = " Name the one that is meant with --file-symbol."
HOURS = [
    f"2024-01-{day:02}T{hour:02}:30,10,11,9,10.5,7" for day in (2, 3, 4, 5) for hour in range(9, 16)
]


def with_symbols(rows: Sequence[str], symbols: Sequence[str], name: str = "symbol") -> str:
    joined = [f"{row},{symbol}" for row, symbol in zip(rows, symbols, strict=True)]
    return rows_text(joined, f"{HEADER},{name}")


# A chart's file: its plots may share a name


def test_columns_of_one_name_that_are_not_read_change_nothing(house: House) -> None:
    rows = [f"{row},{n}.5,{n}.25" for n, row in enumerate(minute_rows("2024-01-02T09:30", 5))]
    report = house.import_text(rows_text(rows, f"{HEADER},Plot,Plot"))
    assert (report.stored, report.ignored_columns) == (5, ("Plot", "Plot"))
    assert house.all_bars().open.tolist() == [100.0, 101.0, 102.0, 103.0, 104.0]
    with pytest.raises(DataError, match="2 columns are called 'close', and close is read from it"):
        house.import_text(rows_text(rows, f"{HEADER},close,Plot"))


# Symbols


@pytest.mark.parametrize("name", ["symbol", "Ticker", "sym"])
def test_rows_of_another_symbol_are_kept_out_with_their_lines(house: House, name: str) -> None:
    rows = minute_rows("2024-01-02T09:30", 5)
    report = house.import_text(with_symbols(rows, ["AAA", "MSFT", "AAA", "TSLA", "MSFT"], name))
    assert [(one.line, one.reason) for one in report.findings] == [
        (3, "another symbol: MSFT"),
        (5, "another symbol: TSLA"),
        (6, "another symbol: MSFT"),
    ]
    assert report.kept_out == {"another symbol: MSFT": 2, "another symbol: TSLA": 1}
    assert (report.rows, report.stored) == (5, 2)
    assert house.all_bars().open.tolist() == [100.0, 102.0]


def test_rows_of_two_symbols_at_one_time_do_not_meet(house: House) -> None:
    rows = [row for row in minute_rows("2024-01-02T09:30", 5) for _ in range(2)]
    report = house.import_text(with_symbols(rows, ["MSFT", "AAA"] * 5))
    assert report.kept_out == {"another symbol: MSFT": 5}
    assert (report.stored, report.out_of_order) == (5, 0)


def test_lines_are_told_right_beside_blank_broken_and_other_rows(house: House) -> None:
    good = minute_rows("2024-01-02T09:30", 4)
    lines = [f"{good[0]},AAA", "", "short,row", f"{good[1]},MSFT", f"{good[2]},", f"{good[3]},aaa"]
    report = house.import_text(rows_text(lines, f"{HEADER},symbol"))
    assert [(one.line, one.reason) for one in report.findings] == [
        (4, "the row has another number of columns than the header"),
        (5, "another symbol: MSFT"),
        (6, "the row names no symbol"),
    ]
    assert (report.rows, report.stored) == (5, 2)


def test_read_strictly_a_row_of_another_symbol_refuses_the_file(house: House) -> None:
    text = with_symbols(minute_rows("2024-01-02T09:30", 3), ["AAA", "MSFT", "AAA"])
    with pytest.raises(DataError, match=r"line 3: another symbol: MSFT; 1 .*Nothing was stored"):
        house.import_text(text, strict=True)
    assert house.files() == {}


@pytest.mark.parametrize(
    ("symbols", "words"),
    [
        (["AAB"] * 3, f"has no row of AAA; its symbols are AAB. Did you mean 'AAB'?{NAME_IT}"),
        (["MSFT", "TSLA", ""], f"has no row of AAA; its symbols are MSFT, TSLA.{NAME_IT}"),
    ],
)
def test_a_file_without_the_symbol_asked_for_names_those_it_has(
    house: House, symbols: list[str], words: str
) -> None:
    with pytest.raises(DataError) as caught:
        house.import_text(with_symbols(minute_rows("2024-01-02T09:30", 3), symbols))
    assert str(caught.value).endswith(words)
    assert house.files() == {}


def test_of_many_symbols_the_first_are_named(house: House) -> None:
    rows = minute_rows("2024-01-02T09:30", 30)
    with pytest.raises(DataError, match=r"S00, S01, .*S09 and 20 more\. Name"):
        house.import_text(with_symbols(rows, [f"S{number:02}" for number in range(30)]))


def test_a_parquet_file_is_parted_the_same(house: House) -> None:
    path = house.folder.parent / "both.parquet"
    starts = [1704205800 + 60 * (number // 2) for number in range(6)]
    columns = {name: [10.0] * 6 for name in ("open", "high", "low", "close")}
    table = {"timestamp": pa.array(starts, pa.timestamp("s", tz="UTC")), **columns}
    pq.write_table(pa.table({**table, "ticker": ["BRK.B", "AAPL"] * 3}), path)
    report = house.data.import_parquet(path, ImportOptions("XNYS", "BRK.B"))
    assert (report.stored, report.kept_out) == (3, {"another symbol: AAPL": 3})
    assert [one.line for one in report.findings] == [2, 4, 6]


# Intervals


@pytest.mark.parametrize("strict", [False, True])
def test_hours_that_are_said_to_be_minutes_are_refused(house: House, strict: bool) -> None:
    with pytest.raises(DataError) as caught:
        house.import_text(rows_text(HOURS), strict=strict)
    assert str(caught.value).endswith(
        "file.csv was refused: the bars lie 60 minutes apart, not 1m; import them with"
        " --interval 1h. Nothing was stored."
    )
    assert house.files() == {}
    assert house.import_text(rows_text(HOURS), interval="1h").stored == len(HOURS)


@pytest.mark.parametrize("interval", ["5m", "1h", "1d"])
def test_minutes_that_are_said_to_be_longer_are_refused(house: House, interval: str) -> None:
    text = rows_text(minute_rows("2024-01-02T09:30", 30))
    with pytest.raises(DataError, match=r"1 minute apart, not .*; import them with --interval 1m"):
        house.import_text(text, interval=interval)
    assert house.files() == {}


def test_days_by_another_zones_midnight_stay_the_days_that_they_name(house: House) -> None:
    days = [f"2024-01-{day:02},10,11,9,10.5,{day}" for day in (2, 3, 4, 5, 8)]
    for zone in ("Europe/Athens", "Asia/Tokyo", "America/Los_Angeles"):
        report = house.import_text(rows_text(days), interval="1d", timezone=zone)
        assert (report.kept_out, len(house.all_bars(interval="1d"))) == ({}, 5)
    assert house.all_bars(interval="1d").volume.tolist() == [2.0, 3.0, 4.0, 5.0, 8.0]


def test_days_that_were_exported_are_not_taken_for_minutes(house: House) -> None:
    sessions = [day for day in range(2, 32) if day not in (6, 7, 13, 14, 15, 20, 21, 27, 28)]
    days = [f"2024-01-{day:02},10,11,9,10.5,7" for day in sessions]
    assert house.import_text(rows_text(days), interval="1d").stored == 21
    opens = [f"2024-01-{day:02}T09:30,10,11,9,10.5,7" for day in sessions]
    with pytest.raises(DataError, match="a day apart, not 1m; import them with --interval 1d"):
        house.import_text(rows_text(opens))


def test_decimals_of_a_parquet_file_are_the_floats_that_they_print_as(house: House) -> None:
    cents = [Decimal(number) / 100 for number in range(7000, 7360)]
    times = pd.date_range("2024-01-02 14:30", periods=len(cents), freq="min", tz="UTC")
    exact = pa.array(cents, pa.decimal128(12, 4))
    path = house.folder / "decimals.parquet"
    names = ("open", "high", "low", "close", "volume")
    pq.write_table(pa.table({"start": times, **dict.fromkeys(names, exact)}), path)
    report = house.data.import_parquet(path, ImportOptions("XNYS", "AAA"))
    assert (report.added, report.kept_out) == (len(cents), {})
    frame = house.data.get_bars("AAA", "1m")
    assert all(frame[name].tolist() == [float(one) for one in cents] for name in names)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_frame_is_imported_as_pandas_writes_it(house: House, kind: str) -> None:
    house.store.merge(Series("XNYS", "AAA", "1m"), minutes("2024-01-02T09:30", 120, 100.0), {})
    frame = house.data.get_bars("AAA", "1m")
    path = house.folder / f"frame.{kind}"
    getattr(frame.rename_axis(None), f"to_{kind}")(path)
    report = getattr(house.data, f"import_{kind}")(path, ImportOptions("XNYS", "BBB"))
    assert (report.added, report.kept_out) == (120, {})
    assert house.data.get_bars("BBB", "1m").equals(frame)
