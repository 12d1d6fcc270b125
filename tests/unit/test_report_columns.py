"""Columns packed small: what is read back by the rules of the form is what was packed."""

import base64
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.report.columns import Packed, pack, varints


def numbers_of(content: bytes) -> list[int]:
    """Varints, one by one."""
    found, value, shift = [], 0, 0
    for byte in content:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            found.append((value >> 1) ^ -(value & 1))
            value = shift = 0
    return found


def read(packed: Packed) -> dict[str, list[Any]]:
    """A table again, as the page's script reads it."""
    content, at = zlib.decompress(base64.b64decode(packed.text)), 0
    found: dict[str, list[Any]] = {}
    for spec in packed.columns:
        part = content[at : at + spec["bytes"]]
        at += spec["bytes"]
        if spec["kind"] == "float64":
            found[spec["name"]] = np.frombuffer(part, "<f8").tolist()
            continue
        numbers = numbers_of(part)
        if spec["kind"] == "steps":
            numbers = np.cumsum(np.array(numbers, np.int64)).tolist()
        if spec["kind"] == "words":
            found[spec["name"]] = [spec["words"][place] for place in numbers]
        else:
            scale = 10.0 ** spec.get("decimals", 0)
            found[spec["name"]] = [
                float("nan") if number == spec.get("missing") else number / scale
                for number in numbers
            ]
    assert at == len(content)
    return found


@given(st.lists(st.integers(-(2**62), 2**62)))
def test_a_number_takes_the_bytes_it_needs_and_comes_back(numbers: list[int]) -> None:
    content = varints(np.array(numbers, np.int64))
    assert numbers_of(content) == numbers
    assert len(content) == sum(
        max(1, -(-(abs(2 * n + (n < 0)).bit_length()) // 7)) for n in numbers
    )


@given(st.lists(st.floats(width=64)))
def test_any_floats_come_back_bit_for_bit(floats: list[float]) -> None:
    column = np.array(floats, np.float64)
    again = np.array(read(pack({"a": column}))["a"], np.float64)
    assert np.array_equal(again, column, equal_nan=True)


@given(
    st.lists(st.tuples(st.integers(0, 10**9), st.text(max_size=5))),
    st.integers(0, 8),
)
def test_prices_and_words_come_back_as_they_were(
    rows: list[tuple[int, str]], decimals: int
) -> None:
    prices = np.array([units / 10**decimals for units, _ in rows], np.float64)
    packed = pack({"price": prices, "word": [word for _, word in rows]})
    assert packed.rows == len(rows)
    assert packed.columns[0]["kind"] != "float64"
    found = read(packed)
    assert found["price"] == prices.tolist()
    assert found["word"] == [word for _, word in rows]


def test_digits_that_are_asked_for_are_kept_and_no_more() -> None:
    column = np.array([1.23456, np.nan, -2.0])
    found = read(pack({"a": column}, {"a": 2}))["a"]
    assert found[::2] == [1.23, -2.0]
    assert np.isnan(found[1])


def test_a_year_of_minutes_takes_a_few_bytes_a_bar() -> None:
    """One symbol's year stays under three megabytes, with room for its curve and its trades."""
    random = np.random.default_rng(3)
    count = 98_000
    close = np.round(100 + np.cumsum(random.normal(0, 0.03, count)), 2)
    opened = np.round(close + random.normal(0, 0.02, count), 2)
    packed = pack(
        {
            "start": np.arange(count) * 60_000 + 1_700_000_000_000,
            "open": opened,
            "high": np.round(np.maximum(opened, close) + random.random(count) * 0.03, 2),
            "low": np.round(np.minimum(opened, close) - random.random(count) * 0.03, 2),
            "close": close,
            "volume": random.integers(100, 30_000, count).astype(np.float64),
        }
    )
    assert len(packed.text) < 9 * count


@pytest.mark.parametrize("size", [0, 1])
def test_tables_of_no_row_and_of_one_are_tables(size: int) -> None:
    table = {"a": np.arange(size), "b": np.ones(size), "c": ["x"] * size}
    assert read(pack(table)) == {"a": [0] * size, "b": [1.0] * size, "c": ["x"] * size}
