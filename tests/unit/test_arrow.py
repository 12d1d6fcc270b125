"""numpy and Arrow on the same memory: slices, chunks and nulls come out as they went in."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.arrow import floats, ints, nulls, to_arrow

INT64 = st.integers(-(2**63), 2**63 - 1)
cuts = st.tuples(st.integers(0, 30), st.integers(0, 30))


@given(st.lists(INT64, max_size=20), cuts)
def test_whole_numbers_go_through_arrow_and_back(values: list[int], cut: tuple[int, int]) -> None:
    array = to_arrow(np.array(values, np.int64), pa.int64())
    assert array.to_pylist() == values
    first, length = cut
    assert ints(array.slice(first, length)).tolist() == values[first : first + length]


@given(st.lists(st.none() | st.floats(), max_size=20), cuts)
def test_a_null_becomes_nan_and_every_other_float_keeps_its_bits(
    values: list[float | None], cut: tuple[int, int]
) -> None:
    first, length = cut
    array = pa.array(values, pa.float64()).slice(first, length)
    wanted = np.array([np.nan if x is None else x for x in values][first : first + length], float)
    found = floats(array)
    assert found.dtype == np.float64
    given = [index for index, x in enumerate(array.to_pylist()) if x is not None]
    assert found[given].tobytes() == wanted[given].tobytes()
    assert np.isnan(found[nulls(array)]).all()


@given(st.lists(st.none() | INT64, max_size=20), cuts)
def test_nulls_are_where_nothing_is(values: list[int | None], cut: tuple[int, int]) -> None:
    first, length = cut
    array = pa.array(values, pa.int64()).slice(first, length)
    wanted = [value is None for value in values[first : first + length]]
    assert nulls(array).tolist() == wanted
    found = ints(array)
    assert [int(x) for x, gone in zip(found, wanted, strict=True) if not gone] == [
        x for x in values[first : first + length] if x is not None
    ]


def test_nothing_is_copied_on_the_way_in_or_out() -> None:
    values = np.arange(1000, dtype=np.int64)
    array = to_arrow(values, pa.timestamp("ns", tz="UTC"))
    assert np.shares_memory(ints(array), values)
    prices = np.arange(1000, dtype=np.float64)
    assert np.shares_memory(floats(to_arrow(prices, pa.float64())), prices)


def test_what_does_not_lie_in_one_piece_is_copied_into_one() -> None:
    every_other = np.arange(10, dtype=np.float64)[::2]
    assert floats(to_arrow(every_other, pa.float64())).tolist() == [0, 2, 4, 6, 8]


@pytest.mark.parametrize("read", [ints, floats])
def test_a_view_cannot_be_written(read: object) -> None:
    kind = pa.int64() if read is ints else pa.float64()
    found = read(pa.array([1, 2, 3], kind))  # type: ignore[operator]
    with pytest.raises(ValueError, match="read-only"):
        found[0] = 9


def test_of_nothing_there_is_an_empty_array_of_its_kind() -> None:
    assert (ints(pa.array([], pa.int64())).dtype, len(ints(pa.array([], pa.int64())))) == ("i8", 0)
    assert (floats(pa.array([], pa.float64())).dtype, len(floats(pa.nulls(0, pa.float64())))) == (
        "f8",
        0,
    )
    assert nulls(pa.array([], pa.float64())).tolist() == []
