"""Which column of a file means what."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import AppError, DataError, UsageError
from app.services.csv_columns import map_columns

PRICES = ["open", "high", "low", "close"]


@pytest.mark.parametrize(
    ("header", "time"),
    [
        ("timestamp,open,high,low,close,volume", {"timestamp": "timestamp"}),
        ("Date,Open,High,Low,Close,Volume", {"timestamp": "Date"}),
        ("t,o,h,l,c,v", {"timestamp": "t"}),
        ("Datetime,Open,High,Low,Close,Adj Close,Volume", {"timestamp": "Datetime"}),
        ("<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>", {"date": "<DATE>", "time": "<TIME>"}),
        ("time,date,open,high,low,close", {"date": "date", "time": "time"}),
        ("unix,date,symbol,open,high,low,close,volume", {"timestamp": "unix"}),
        ("Open time,Open,High,Low,Close,Volume,Close time", {"timestamp": "Open time"}),
        ("ticker,volume,open,close,high,low,window_start", {"timestamp": "window_start"}),
        ("open,high,low,close,__index_level_0__", {"timestamp": "__index_level_0__"}),
    ],
)
def test_headers_of_common_sources_are_understood(header: str, time: dict[str, str]) -> None:
    names = map_columns(header.split(","), {}).names
    assert {role: names[role] for role in time} == time
    assert all(role in names for role in PRICES)


def test_what_means_nothing_is_told() -> None:
    found = map_columns(["time", *PRICES, "vwap", "trades"], {})
    assert found.ignored == ("vwap", "trades")


def test_a_given_name_goes_before_a_guess() -> None:
    found = map_columns(["time", *PRICES, "last"], {"close": "last"})
    assert found.names["close"] == "last"
    assert found.ignored == ("close",)


def test_a_file_of_quotes_makes_bars_of_quotes() -> None:
    sides = [f"{side}_{price}" for side in ("bid", "ask") for price in PRICES]
    found = map_columns(["timestamp", *sides, "bid_size", "ask_size"], {})
    assert found.from_quotes
    assert found.names["ask_size"] == "ask_size"


def test_quotes_beside_prices_are_kept_beside_them() -> None:
    found = map_columns(["timestamp", *PRICES, "Bid Close", "Ask Close"], {})
    assert not found.from_quotes
    assert found.names["bid_close"] == "Bid Close"


@pytest.mark.parametrize(
    ("header", "missing"),
    [
        (["open", "high", "low", "close"], "timestamp"),
        (["time", "open", "high", "low"], "close"),
        (["time", "price"], "open, high, low, close"),
        (["a", "b", "c"], "timestamp, open"),
    ],
)
def test_a_missing_column_is_named_with_the_way_out(header: list[str], missing: str) -> None:
    with pytest.raises(DataError, match=f"No column found for {missing}.*--column"):
        map_columns(header, {})


def test_an_unknown_column_of_the_file_is_refused_with_a_guess() -> None:
    with pytest.raises(DataError, match="Did you mean 'Last'"):
        map_columns(["time", *PRICES, "Last"], {"close": "Lst"})


def test_an_unknown_role_is_refused_with_a_guess() -> None:
    with pytest.raises(UsageError, match="Did you mean 'close'"):
        map_columns(["time", *PRICES], {"clse": "close"})


def test_a_name_that_stands_twice_is_refused_where_it_is_read() -> None:
    header = ["time", *PRICES, "Volume", "Volume", "Shares"]
    for role, names in (("open", ["open", *header]), ("volume", header)):
        told = f"2 columns are called '{role}', and {role} is read .* --column {role}=NAME"
        with pytest.raises(DataError, match=rf"(?i){told}"):
            map_columns(names, {})
    assert map_columns(header, {"volume": "Shares"}).ignored == ("Volume", "Volume")


@pytest.mark.parametrize(
    ("role", "alike"),
    [
        ("close", ["Close", "close"]),
        ("close", ["close ", "close"]),
        ("timestamp", ["Time", "time"]),
        ("volume", ["<VOL>", "Vol", "vol"]),
        ("bid_open", ["Bid Open", "bid_open"]),
    ],
)
def test_names_that_differ_by_case_or_signs_alone_are_not_chosen_between(
    role: str, alike: list[str]
) -> None:
    rest = [name for name in ("time", *PRICES) if name != role and role != "timestamp"]
    header = [*rest, *(PRICES if role == "timestamp" else ()), *alike]
    told = f"{' and '.join(map(repr, alike))} may both be {role}: .* --column {role}='{alike[0]}'"
    with pytest.raises(DataError, match=told):
        map_columns(header, {})
    for name in alike:
        found = map_columns(header, {role: name})
        assert found.names[role] == name
        assert set(found.ignored) == set(alike) - {name}


def test_names_alike_that_are_not_read_do_not_matter() -> None:
    header = ["time", *PRICES, "Note", "note", "last", "Last"]
    assert map_columns(header, {}).ignored == ("Note", "note", "last", "Last")
    given = {"close": "open", "open": "close"}  # the one that is meant is told of each
    assert map_columns(["time", *PRICES, "Open"], given).ignored == ("Open",)


def test_a_name_of_many_digits_is_looked_at_in_no_time() -> None:
    begin_ns = time.perf_counter_ns()
    name = "1" * 1_000_000 + "x"
    assert map_columns(["t", *PRICES, name], {}).ignored == (name,)
    assert time.perf_counter_ns() - begin_ns < 10 * 10**9  # 60 kB took 18 s


def test_a_name_that_stands_twice_and_means_nothing_is_left_out() -> None:
    found = map_columns(["time", *PRICES, "Plot", "Volume", "Plot"], {})
    assert (found.ignored, found.names["volume"]) == (("Plot", "Plot"), "Volume")


@given(st.lists(st.text(max_size=12), min_size=1, max_size=8))
def test_any_header_is_mapped_or_refused(header: list[str]) -> None:
    try:
        found = map_columns(header, {})
    except AppError:
        return
    assert set(found.names.values()) | set(found.ignored) == set(header)


@given(st.permutations(["timestamp", *PRICES, "volume", "bid_close", "ask_close"]))
def test_the_order_of_columns_does_not_matter(header: list[str]) -> None:
    assert map_columns(header, {}).names == {name: name for name in header}
