"""Bars laid over bars."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.data_house import bars, same_bars

from app.core.bars import COLUMNS, BarColumns
from app.repositories.bar_store_codec import content_hash
from app.repositories.bar_store_files import escape, is_year, unescape
from app.repositories.bar_store_merge import MergeCounts, merge

Rows = dict[int, float]
ROWS = st.dictionaries(st.integers(0, 30), st.sampled_from([1.0, 2.0, 3.0]), max_size=20)


def columns(rows: Rows) -> BarColumns:
    starts = np.array(sorted(rows), dtype=np.int64)
    price = np.array([rows[int(at)] for at in starts])
    return BarColumns(starts, price, price, price, price, price)


def test_equal_starts_are_replaced_and_the_rest_is_kept() -> None:
    merged, _, counts = merge(columns({1: 1.0, 2: 1.0}), {}, columns({2: 2.0, 3: 2.0}), {})
    assert merged.start_ns.tolist() == [1, 2, 3]
    assert merged.close.tolist() == [1.0, 2.0, 2.0]
    assert counts == MergeCounts(added=1, same=0, changed=1)


def test_quotes_stay_when_new_bars_bring_none() -> None:
    old_quotes = {"bid_close": np.array([0.9, 0.8])}
    merged, quotes, counts = merge(
        columns({1: 1.0, 2: 1.0}), old_quotes, columns({2: 1.0, 3: 1.0}), {}
    )
    np.testing.assert_array_equal(quotes["bid_close"], [0.9, 0.8, np.nan])
    assert counts == MergeCounts(added=1, same=1)
    assert len(merged) == 3


def test_new_quotes_on_an_equal_bar_count_as_a_change() -> None:
    new_quotes = {"ask_close": np.array([1.1])}
    _, quotes, counts = merge(columns({1: 1.0}), {}, columns({1: 1.0}), new_quotes)
    assert counts == MergeCounts(changed=1)
    _, _, again = merge(columns({1: 1.0}), quotes, columns({1: 1.0}), new_quotes)
    assert again == MergeCounts(same=1)


@given(old=ROWS.filter(bool), new=ROWS.filter(bool))
def test_a_merge_is_what_a_dictionary_would_do(old: Rows, new: Rows) -> None:
    merged, _, counts = merge(columns(old), {}, columns(new), {})
    assert same_bars(merged, columns({**old, **new}))
    assert counts.added == len(new.keys() - old.keys())
    assert counts.same == sum(old.get(at) == value for at, value in new.items())
    assert counts.added + counts.same + counts.changed == len(new)


@given(old=ROWS.filter(bool), new=ROWS.filter(bool))
def test_the_same_bars_again_change_nothing(old: Rows, new: Rows) -> None:
    once, quotes, _ = merge(columns(old), {}, columns(new), {})
    twice, _, counts = merge(once, quotes, columns(new), {})
    assert same_bars(once, twice)
    assert counts == MergeCounts(same=len(new))


@given(st.text(min_size=1, max_size=20))
def test_a_file_name_leads_back_to_its_symbol(name: str) -> None:
    assert unescape(escape(name)) == name


@given(st.text(min_size=1, max_size=20))
def test_a_file_name_holds_nothing_a_file_system_minds(name: str) -> None:
    escaped = escape(name)
    assert escaped == escaped.upper()
    assert not set(escaped) - set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-%")


@given(st.lists(st.text("aAbB./", min_size=1, max_size=6), min_size=2, max_size=8, unique=True))
def test_no_two_symbols_share_a_file_where_case_is_ignored(names: list[str]) -> None:
    assert len({escape(name).lower() for name in names}) == len(names)


@pytest.mark.parametrize("name", ["CON", "NUL", "AUX", "PRN", "COM1", "LPT9"])
def test_the_names_of_devices_are_escaped(name: str) -> None:
    assert escape(name) != name
    assert unescape(escape(name)) == name


def test_a_pair_is_one_folder_name() -> None:
    assert escape("BTC/USDT") == "BTC%2FUSDT"


def test_only_whole_years_are_bars() -> None:
    assert is_year("2024.parquet")
    assert not is_year("2024.parquet.17.part")
    assert not is_year("notes.parquet")


def test_the_hash_tells_any_change_of_any_column() -> None:
    one = bars(range(5))
    seen = {content_hash(one, {})}
    for name in COLUMNS:
        changed = {column: getattr(one, column).copy() for column in COLUMNS}
        changed[name][3] += 1
        seen.add(content_hash(BarColumns(**changed), {}))
    seen.add(content_hash(one, {"bid_open": np.ones(5)}))
    seen.add(content_hash(one, {"bid_high": np.ones(5)}))
    assert len(seen) == 1 + len(COLUMNS) + 2


def test_the_hash_does_not_see_how_arrays_lie_in_memory() -> None:
    wide = np.arange(10, dtype=np.float64)
    strided = BarColumns(np.arange(5), *(wide[::2] for _ in COLUMNS[1:]))
    packed = BarColumns(np.arange(5), *(wide[::2].copy() for _ in COLUMNS[1:]))
    assert content_hash(strided, {}) == content_hash(packed, {})
