"""Which rows of a file are of the symbol asked for."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.services.csv_columns import map_columns
from app.services.csv_symbols import pick_symbol

PRICES = ["open", "high", "low", "close"]


def picked(symbols: list[str | None], asked: str) -> tuple[list[int], dict[str, list[int]]]:
    found = pick_symbol(pa.array(symbols, pa.string()), asked)
    return found.own.tolist(), {name: rows.tolist() for name, rows in found.others.items()}


def test_rows_of_other_symbols_are_told_by_name() -> None:
    symbols: list[str | None] = ["AAA", "MSFT", "AAA", "TSLA", "MSFT"]
    assert picked(symbols, "AAA") == ([0, 2], {"MSFT": [1, 4], "TSLA": [3]})
    assert picked(symbols, "BBB")[0] == []


@pytest.mark.parametrize(
    "written", ["BTC/USDT", "btc/usdt", "BTCUSDT", "BTC-USDT", " BTC_USDT ", "BTC USDT"]
)
def test_case_and_signs_do_not_make_another_symbol(written: str) -> None:
    assert picked([written], "BTC/USDT") == ([0], {})


@pytest.mark.parametrize("written", ["BTC/USD", "BTC/USDT2", "XBTC/USDT", "B"])
def test_letters_and_digits_do(written: str) -> None:
    assert picked([written], "BTC/USDT") == ([], {written: [0]})


def test_one_symbol_written_in_two_ways_keeps_the_order_of_its_rows() -> None:
    assert picked(["BTC-USD", "BTCUSD", "ETHUSD", "BTC-USD"], "BTC/USD")[0] == [0, 1, 3]


def test_a_row_that_names_none_is_no_row_of_ours_where_others_do() -> None:
    assert picked(["AAA", None, " ", "AAA"], "AAA") == ([0, 3], {"": [1, 2]})


def test_a_column_without_a_name_says_nothing_against_any_row() -> None:
    assert picked([None, "", " "], "AAA") == ([0, 1, 2], {})


def test_numbers_are_symbols_too() -> None:
    found = pick_symbol(pa.array([700, 5, 700], pa.int64()), "700")
    assert found.own.tolist() == [0, 2]


@given(st.lists(st.none() | st.text("AB -", max_size=2) | st.sampled_from(["AAA", "aaa", "A-AA"])))
def test_every_row_is_somebody_s(symbols: list[str | None]) -> None:
    own, others = picked(symbols, "AAA")
    assert own == sorted(own)
    rows = own + [row for rows in others.values() for row in rows]
    assert sorted(rows) == list(range(len(symbols)))
    if others:
        assert all("AAA" in str(symbols[row]).upper() for row in own if symbols[row] != "A-AA")
    assert not {"AAA", "aaa"} & others.keys()


@pytest.mark.parametrize("name", ["symbol", "Symbol", "<TICKER>", "ticker", "sym", "SYM"])
def test_the_column_of_symbols_goes_by_its_usual_names(name: str) -> None:
    assert map_columns(["time", *PRICES, name], {}).names["symbol"] == name
