"""Files as the sources that traders have write them, each read by the options its page names."""

import codecs
import datetime as dt
import gzip
import io
import re
import shlex
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.data_house import MINUTE, NEW_YORK, House, calendars, house, ns

from app.core.errors import DataError, UsageError
from app.managers.data_manager import ImportOptions

__all__ = ["calendars", "house"]

# Three minutes of two days, between which New York changed its clocks and no other zone did.
STARTS = [
    dt.datetime(2024, month, day, 9, 30, tzinfo=NEW_YORK) + minute * MINUTE
    for month, day in ((10, 31), (11, 5))
    for minute in range(3)
]
DAYS = [
    dt.datetime(2024, month, day, 9, 30, tzinfo=NEW_YORK)
    for month, day in ((10, 29), (10, 30), (10, 31), (11, 1), (11, 4), (11, 5))
]
OPENS = [100.0, 100.25, 100.5, 100.75, 101.0, 101.25]
VOLUMES = [1000.0, 1001.0, 1002.0, 1003.0, 1004.0, 1005.0]
Row = Callable[[dt.datetime, float, float, float, float, int], str]

NAMES = "timestamp,open,high,low,close,volume"
PAGE = Path(__file__).parents[2] / "docs" / "DATA.md"


def at(start: dt.datetime, pattern: str, zone: str = "America/New_York") -> str:
    return start.astimezone(ZoneInfo(zone)).strftime(pattern)


def text(header: str, row: Row, starts: Sequence[dt.datetime] = STARTS) -> str:
    rows = [
        row(start, open_, open_ + 1, open_ - 1, open_ + 0.5, int(volume))
        for start, open_, volume in zip(starts, OPENS, VOLUMES, strict=True)
    ]
    return "\n".join([*([header] if header else []), *rows]) + "\n"


def german(value: float) -> str:
    return f"{1000 + value:,.2f}".translate(str.maketrans(",.", ".,"))


def epoch(start: dt.datetime) -> int:
    return int(start.timestamp())


def iso(start: dt.datetime) -> str:
    return at(start, "%Y-%m-%d %H:%M:%S")


def utc(start: dt.datetime) -> str:
    return at(start, "%Y-%m-%d %H:%M:%S+00:00", "UTC")


# Each by the name that it has on the page.
FILES = {
    "Yahoo Finance": text(
        "Date,Open,High,Low,Close,Adj Close,Volume",
        lambda t, o, h, low, c, v: f"{t:%Y-%m-%d},{o},{h},{low},{c},{c * 0.97},{v}",
        DAYS,
    ),
    "yfinance": text(
        "Price,Close,High,Low,Open,Volume\nTicker,AAA,AAA,AAA,AAA,AAA\nDatetime,,,,,",
        lambda t, o, h, low, c, v: f"{utc(t)},{c},{h},{low},{o},{v}",
    ),
    "Stooq": text(
        "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>",
        lambda t, o, h, low, c, v: f"AAA.US,D,{t:%Y%m%d},000000,{o},{h},{low},{c},{v},0",
        DAYS,
    ),
    "MetaTrader 4": text(
        "",
        lambda t, o, h, low, c, v: (
            f"{at(t, '%Y.%m.%d,%H:%M', 'Europe/Athens')},{o},{h},{low},{c},{v}"
        ),
    ),
    "MetaTrader 5": text(
        "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>",
        lambda t, o, h, low, c, v: "\t".join(
            (at(t, "%Y.%m.%d\t%H:%M:%S", "Europe/Athens"), *map(str, (o, h, low, c, v, 0, 3)))
        ),
    ),
    "TradingView": text(
        "time,open,high,low,close,Volume,VWAP,Plot,Plot",
        lambda t, o, h, low, c, v: f"{epoch(t)},{o},{h},{low},{c},{v},{o},1,NaN",
    ),
    "NinjaTrader 8": text(
        "",
        lambda t, o, h, low, c, v: (
            f"{at(t + MINUTE, '%Y%m%d %H%M%S', 'UTC')};{o};{h};{low};{c};{v}"
        ),
    ),
    "Interactive Brokers": text(
        "date,open,high,low,close,volume,wap,count",
        lambda t, o, h, low, c, v: (
            f"{at(t, '%Y%m%d %H:%M:%S')} US/Eastern,{o},{h},{low},{c},{v},1,1"
        ),
    ),
    "ib_async": text(
        ",date,open,high,low,close,volume,average,barCount",
        lambda t, o, h, low, c, v: f"0,{t.isoformat(sep=' ')},{o},{h},{low},{c},{v}.0,{o},9",
    ),
    "Alpaca": text(
        "symbol,timestamp,open,high,low,close,volume,trade_count,vwap",
        lambda t, o, h, low, c, v: f"AAA,{utc(t)},{o},{h},{low},{c},{v}.0,9.0,{o}",
    ),
    "Polygon, Massive": text(
        "ticker,volume,open,close,high,low,window_start,transactions",
        lambda t, o, h, low, c, v: f"AAA,{v},{o},{c},{h},{low},{epoch(t)}000000000,9",
    ),
    "Databento": text(
        "ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume,symbol",
        lambda t, o, h, low, c, v: (
            f"{epoch(t)}000000000,33,2,38,"
            f"{','.join(f'{x * 1e9:.0f}' for x in (o, h, low, c))},{v},AAA"
        ),
    ),
    "Tiingo": text(
        "date,close,high,low,open,volume,adjClose,adjHigh,adjLow,adjOpen,adjVolume,splitFactor",
        lambda t, o, h, low, c, v: f"{t:%Y-%m-%d},{c},{h},{low},{o},{v},1,1,1,1,1,1.0",
        DAYS,
    ),
    "EODHD": text(
        "Date,Open,High,Low,Close,Adjusted_close,Volume",
        lambda t, o, h, low, c, v: f"{t:%Y-%m-%d},{o},{h},{low},{c},1,{v}",
        DAYS,
    ),
    "Alpha Vantage": text(NAMES, lambda t, o, h, low, c, v: f"{iso(t)},{o},{h},{low},{c},{v}"),
    "Twelve Data": text(
        NAMES.replace(",", ";"), lambda t, o, h, low, c, v: f"{iso(t)};{o};{h};{low};{c};{v}"
    ),
    "Finnhub": text(
        "c,h,l,o,s,t,v", lambda t, o, h, low, c, v: f"{c},{h},{low},{o},ok,{epoch(t)},{v}"
    ),
    "FirstRateData": text("", lambda t, o, h, low, c, v: f"{iso(t)},{o},{h},{low},{c},{v}"),
    "Kibot": text(
        "", lambda t, o, h, low, c, v: f"{at(t, '%m/%d/%Y,%H:%M')},{o},{h},{low},{c},{v}"
    ),
    "LEAN": text(
        "",
        lambda t, o, h, low, c, v: (
            f"{t:%Y%m%d} 00:00,{','.join(f'{x * 10000:.0f}' for x in (o, h, low, c))},{v}"
        ),
        DAYS,
    ),
    "TradeStation": text(
        '"Date","Time","Open","High","Low","Close","Vol"',
        lambda t, o, h, low, c, v: f"{at(t + MINUTE, '%m/%d/%Y,%H:%M')},{o},{h},{low},{c},{v}",
    ),
    "Sierra Chart": text(
        "Date, Time, Open, High, Low, Last, Volume, NumberOfTrades",
        lambda t, o, h, low, c, v: (
            f"{at(t, '%Y/%m/%d, %H:%M:%S')}.000000, {o}, {h}, {low}, {c}, {v}, 9"
        ),
    ),
    "HistData": text(
        "",
        lambda t, o, h, low, c, v: f"{at(t, '%Y%m%d %H%M%S', 'Etc/GMT+5')};{o};{h};{low};{c};{v}",
    ),
    "Dukascopy": text(
        "Gmt time,Open,High,Low,Close,Volume",
        lambda t, o, h, low, c, v: f"{at(t, '%d.%m.%Y %H:%M:%S.000', 'UTC')},{o},{h},{low},{c},{v}",
    ),
    "Binance": text(
        "", lambda t, o, h, low, c, v: f"{epoch(t)}000000,{o},{h},{low},{c},{v},1,1,1,1,1,0"
    ),
    "CryptoDataDownload": "https://www.CryptoDataDownload.com\n"
    + text(
        "Unix,Date,Symbol,Open,High,Low,Close,Volume BTC,Volume USDT,tradecount",
        lambda t, o, h, low, c, v: f"{epoch(t)}000,{t:%Y},AAA,{o},{h},{low},{c},{v},9,9",
    ),
    "Kraken": text("", lambda t, o, h, low, c, v: f"{epoch(t)},{o},{h},{low},{c},{v},9"),
    "Coinbase": text("", lambda t, o, h, low, c, v: f"{epoch(t)},{low},{h},{o},{c},{v}"),
}


def options(source: str) -> ImportOptions:
    """As the page gives them."""
    (row,) = re.findall(rf"^\| {re.escape(source)} \| .* \| (.*) \|$", PAGE.read_text(), re.M)
    words = shlex.split(row.strip("`").replace("AAPL", "AAA")) if row != "none" else []
    given: dict[str, object] = {"market": "XNYS", "symbol": "AAA"}
    for option, value in zip(words[::2], words[1::2], strict=True):
        given[option[2:].replace("-", "_")] = value
    if isinstance(column := given.pop("column", None), str):
        given["columns"] = dict([column.split("=")])
    if isinstance(names := given.get("names"), str):
        given["names"] = tuple(names.split(","))
    if isinstance(scale := given.get("price_scale"), str):
        given["price_scale"] = float(scale)
    return ImportOptions(**given)  # type: ignore[arg-type]


def assert_read(
    house: House, scale: float = 0.0, market: str = "XNYS", interval: str = "1m"
) -> None:
    bars = house.all_bars("AAA", market, interval)
    starts = DAYS if interval == "1d" else STARTS
    assert bars.start_ns.tolist() == [epoch(start) * 10**9 for start in starts]
    assert bars.open.tolist() == [scale + one for one in OPENS]
    assert bars.high.tolist() == [scale + one + 1 for one in OPENS]
    assert bars.low.tolist() == [scale + one - 1 for one in OPENS]
    assert bars.close.tolist() == [scale + one + 0.5 for one in OPENS]
    assert bars.volume.tolist() == VOLUMES


@pytest.mark.parametrize("source", FILES)
def test_a_file_of_a_source_is_read_by_the_options_of_its_page(house: House, source: str) -> None:
    given = options(source)
    report = house.data.import_csv(house.write("file.csv", FILES[source]), given)
    assert (report.kept_out, report.doubts) == ({}, ())
    assert_read(house, market=given.market, interval=given.interval)


def test_every_source_of_the_page_is_tried() -> None:
    table = PAGE.read_text().split("| source | what to know | options |\n|---|---|---|\n")[1]
    rows = table.split("\n\n")[0].splitlines()
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == list(FILES)


TRAILING = text(NAMES, lambda t, o, h, low, c, v: f"{iso(t)},{o},{h},{low},{c},{v},,")
MANY = text(
    "Ticker,BBB,BBB,BBB,BBB,AAA,AAA,AAA,AAA,AAA\n"
    "Price,Open,High,Low,Close,Open,High,Low,Close,Volume\nDatetime,,,,,,,,,",
    lambda t, o, h, low, c, v: f"{t.isoformat(sep=' ')},1,1,1,1,{o},{h},{low},{c},{v}",
)
OTHERS = {
    "two symbols, their line first": MANY,
    "empty cells behind each row": TRAILING,
    "a spreadsheet's line for itself": "sep=;\n" + FILES["Twelve Data"],
    "a title": "Prices of AAA\n" + FILES["Alpha Vantage"],
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_stands_around_a_table_is_passed_over(house: House, name: str) -> None:
    assert house.import_text(OTHERS[name]).kept_out == {}
    assert_read(house)


# Numbers as spreadsheets write them


def test_decimals_after_a_comma_are_read_once_that_is_said(house: House) -> None:
    content = text(
        NAMES.replace(",", ";"),
        lambda t, o, h, low, c, v: ";".join(
            (at(t, "%d.%m.%Y %H:%M"), *map(german, (o, h, low, c)), f"{v:,}".replace(",", "."))
        ),
    )
    report = house.import_text(content)
    assert report.stored == 0
    assert ["--decimal comma for 12,5" in one for one in report.kept_out] == [True]
    assert house.import_text(content, decimal="comma").kept_out == {}
    assert_read(house, 1000.0)


def test_thousands_and_signs_of_money_are_read_once_the_decimal_point_is_said(
    house: House,
) -> None:
    content = text(
        NAMES,
        lambda t, o, h, low, c, v: ",".join(
            (at(t, "%Y-%m-%d %H:%M"), *(f'"$1,{x:06.2f}"' for x in (o, h, low, c)), f'"{v:,}"')
        ),
    )
    assert house.import_text(content).stored == 0
    assert house.import_text(content, decimal="point").kept_out == {}
    assert_read(house, 1000.0)


@pytest.mark.parametrize(
    ("number", "decimal"),
    [("12,5", "point"), ("1,23,456", "point"), ("12.5", "comma"), ("1.2.3", "comma")],
)
def test_a_number_that_does_not_fit_the_decimal_sign_is_kept_out(
    house: House, number: str, decimal: str
) -> None:
    row = f'2024-11-05T09:30,1,2,1,1,"{number}"'
    assert house.import_text(f"{NAMES}\n{row}\n", decimal=decimal).stored == 0


def test_no_other_sign_begins_decimals(house: House) -> None:
    with pytest.raises(UsageError, match="a 'point' or a 'comma', not"):
        house.import_text(NAMES + "\n", decimal="'")


def test_a_volume_of_minus_one_in_every_row_is_none(house: House) -> None:
    rows = [f"2024-11-05T09:3{n},1,2,1,1,-1" for n in range(3)]
    assert house.import_text("\n".join([NAMES, *rows])).stored == 3
    assert house.all_bars().volume.tolist() == [0.0, 0.0, 0.0]
    other = [*rows[:2], "2024-11-05T09:32,1,2,1,1,7"]
    assert house.import_text("\n".join([NAMES, *other])).stored == 1


# Scale


def test_whole_prices_beyond_any_are_refused_until_their_scale_is_said(house: House) -> None:
    content = FILES["Databento"]
    with pytest.raises(DataError, match=r"such as 100500000000, are whole .* --price-scale 1 if"):
        house.import_text(content)
    assert house.files() == {}
    assert house.import_text(content, price_scale=1.0).stored == len(STARTS)


def test_whole_prices_as_markets_have_them_are_taken(house: House) -> None:
    content = f"{NAMES}\n2024-11-05T09:30,39000,39100,38900,39050,5\n"
    assert house.import_text(content).stored == 1
    content = f"{NAMES}\n2024-11-05T09:31,739000.5,739100,738900,739050,5\n"
    assert house.import_text(content).stored == 1


# Names that are not there


@pytest.mark.parametrize("source", [name for name in FILES if options(name).names])
def test_a_file_without_names_is_told_which_to_give(house: House, source: str) -> None:
    with pytest.raises(DataError) as caught:
        house.import_text(FILES[source])
    assert f"--names {','.join(options(source).names)} if that is" in str(caught.value)


def test_more_names_than_columns_are_refused(house: House) -> None:
    with pytest.raises(UsageError, match="--names has 6 names, and the file's first line 5 cells"):
        house.import_text("2024-11-05T09:30,1,2,1,1\n", names=tuple(NAMES.split(",")))


def test_lines_are_counted_from_the_first_whatever_stands_above(house: House) -> None:
    bad = "2024-11-05T09:30,1,1,2,1,5\n"
    for above in ("", f"{NAMES}\n", f"A title\n{NAMES}\n", f"A title\nand more\n{NAMES}\n"):
        given = {} if above else {"names": tuple(NAMES.split(","))}
        report = house.import_text(above + bad, **given)  # type: ignore[arg-type]
        assert [one.line for one in report.findings] == [above.count("\n") + 1]


def test_columns_of_another_symbol_alone_are_not_taken_for_ones_own(house: House) -> None:
    content = FILES["yfinance"]
    with pytest.raises(DataError, match="No column found"):
        house.import_text(content, symbol="BBB")
    assert house.import_text(content, symbol="BBB", file_symbol="AAA").stored == len(STARTS)


# Zones


def test_a_column_that_says_utc_is_read_so_unless_a_zone_is_said(house: House) -> None:
    content = "timestamp_utc,open,high,low,close\n2024-11-05 14:30,1,2,1,1\n"
    house.import_text(content)
    assert house.all_bars().start_ns.tolist() == [ns("2024-11-05T09:30")]
    house.import_text(content, symbol="BBB", timezone="America/New_York")
    assert house.all_bars("BBB").start_ns.tolist() == [ns("2024-11-05T14:30")]


# Archives and encodings


def archive(*names: str, content: str = "") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name in names:
            zipped.writestr(name, content)
    return file.getvalue()


def test_the_one_file_of_a_zip_archive_is_read(house: House) -> None:
    path = house.write("AAA-1m.zip", archive("AAA-1m.csv", content=FILES["Binance"]))
    assert house.data.import_csv(path, options("Binance")).kept_out == {}
    assert_read(house, market="24/7")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (archive("a.csv", "b.csv"), "holds 2 files: a.csv, b.csv; unpack it"),
        (archive(), "holds 0 files; unpack it"),
        (archive("a.csv", content="x" * 500)[:60], "is an Excel workbook, or a zip archive"),
    ],
    ids=["two files", "no file", "torn"],
)
def test_an_archive_of_more_than_one_file_is_refused(
    house: House, content: bytes, told: str
) -> None:
    with pytest.raises(DataError, match=told):
        house.data.import_csv(house.write("all.zip", content), ImportOptions("XNYS", "AAA"))


def test_an_archive_with_a_password_is_refused(house: House) -> None:
    content = bytearray(archive("a.csv", content=FILES["Kraken"]))
    for sign, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(sign) + place] |= 1  # as what packs with one does
    with pytest.raises(DataError, match=r"all.zip cannot be unpacked: .*password"):
        house.data.import_csv(house.write("all.zip", bytes(content)), options("Kraken"))


@pytest.mark.parametrize("mark", [codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE])
def test_text_in_utf_16_that_says_so_is_read(house: House, mark: bytes) -> None:
    encoding = "utf-16-le" if mark == codecs.BOM_UTF16_LE else "utf-16-be"
    house.import_text(mark + TRAILING.encode(encoding))
    assert_read(house)


def test_a_flat_file_of_many_symbols_is_read_for_one(house: House) -> None:
    row = "{},{},{},{},{},{},{},12"
    rows = [
        row.format(symbol, int(v), o, o + 0.5, o + 1, o - 1, epoch(t) * 10**9)
        for symbol in ("A", "AAA", "AAAA")
        for t, o, v in zip(STARTS, OPENS, VOLUMES, strict=True)
    ]
    content = "\n".join(["ticker,volume,open,close,high,low,window_start,transactions", *rows])
    path = house.write("day.csv.gz", gzip.compress(content.encode()))
    report = house.data.import_csv(path, ImportOptions("XNYS", "AAA"))
    assert report.kept_out == {"another symbol: A": 6, "another symbol: AAAA": 6}
    assert_read(house)


@pytest.mark.parametrize("is_symbol_first", [True, False])
def test_parquet_columns_of_two_levels_are_those_of_the_symbol(
    house: House, is_symbol_first: bool
) -> None:
    opens = np.array(OPENS)
    table: dict[str, pa.Array] = {}
    for symbol, factor in (("AAA", 1), ("BBB", 2)):
        for name, more in (("Open", 0), ("High", 1), ("Low", -1), ("Close", 0.5), ("Adj Close", 9)):
            pair = (symbol, name) if is_symbol_first else (name, symbol)
            table[str(pair)] = pa.array(factor * opens + more)
        pair = (symbol, "Volume") if is_symbol_first else ("Volume", symbol)
        table[str(pair)] = pa.array(VOLUMES)
    table["Datetime"] = pa.array(STARTS, pa.timestamp("ns", "UTC"))
    path = house.folder.parent / "two.parquet"
    pq.write_table(pa.table(table), path)
    assert house.data.import_parquet(path, ImportOptions("XNYS", "AAA")).kept_out == {}
    assert_read(house)
    with pytest.raises(DataError, match="No column found for open"):
        house.data.import_parquet(path, ImportOptions("XNYS", "CCC"))


def test_parquet_columns_of_views_of_text_and_of_decimals_are_read(house: House) -> None:
    opens = np.array(OPENS)
    columns = {"open": opens, "high": opens + 1, "low": opens - 1, "close": opens + 0.5}
    kinds = (pa.string_view(), pa.large_string(), pa.string(), pa.decimal128(18, 6))
    table: dict[str, pa.Array] = {"ts_event": pa.array(STARTS, pa.timestamp("ns", "UTC"))}
    for kind, (name, values) in zip(kinds, columns.items(), strict=True):
        table[name] = pa.array([str(one) for one in values]).cast(kind)
    table["volume"] = pa.array(VOLUMES)
    path = house.folder.parent / "bars.parquet"
    pq.write_table(pa.table(table), path)
    with pytest.raises(UsageError, match="use --column for --names"):
        house.data.import_parquet(path, ImportOptions("XNYS", "AAA", names=("open",)))
    assert house.data.import_parquet(path, ImportOptions("XNYS", "AAA")).kept_out == {}
    assert_read(house)
