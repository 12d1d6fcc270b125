"""The small values everything is made of: intervals, sessions, comparisons, errors, tables."""

import datetime as dt
import math
import re
import warnings
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import errors
from app.core.bars import TABLE_FIELDS, Bar, BarColumns, SymbolRows, Table, join_tables, no_rows
from app.core.calendar import Segment, TradingSession
from app.core.errors import AppError, UsageError, did_you_mean, near_file
from app.core.intervals import DAY_NS, HOUR_NS, MINUTE_NS, interval_ns, is_multiple
from app.services.comparison import crosses, sign, signs

# -- intervals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("interval", "length_ns"),
    [("1m", MINUTE_NS), ("90m", 90 * MINUTE_NS), ("1h", HOUR_NS), ("24h", DAY_NS), ("1d", DAY_NS),
     ("9999m", 9999 * MINUTE_NS)],
)  # fmt: skip
def test_an_interval_is_a_number_and_a_unit(interval: str, length_ns: int) -> None:
    assert interval_ns(interval) == length_ns


@pytest.mark.parametrize(
    "interval",
    ["", "m", "5", "0m", "05m", "-5m", "5M", "5 m", " 5m", "5m\n", "5min", "1w", "1s", "2d", "10d",
     "1.5h", "10000m", "٥m", "1D"],
)  # fmt: skip
def test_what_is_no_interval_is_refused_with_what_is_one(interval: str) -> None:
    with pytest.raises(UsageError) as caught:
        interval_ns(interval)
    assert str(caught.value) == (
        f"'{interval}' is not an interval; use minutes (5m), hours (1h) or 1d, lower case."
    )


@pytest.mark.parametrize(
    ("interval", "base", "yes"),
    [("5m", "1m", True), ("1m", "1m", False), ("1m", "5m", False), ("7m", "5m", False),
     ("1h", "5m", True), ("60m", "1h", False), ("90m", "1h", False), ("1d", "1h", True),
     ("1d", "1d", False), ("24h", "1d", False), ("1d", "7m", False)],
)  # fmt: skip
def test_only_a_longer_multiple_can_be_built(interval: str, base: str, yes: bool) -> None:
    assert is_multiple(interval, base) is yes


@given(st.integers(1, 9999), st.integers(1, 9999))
def test_multiples_are_those_of_arithmetic(minutes: int, base: int) -> None:
    assert is_multiple(f"{minutes}m", f"{base}m") is (minutes > base and minutes % base == 0)


# -- sessions --------------------------------------------------------------------------------------


def session(**parts: object) -> TradingSession:
    return TradingSession("XTKS", dt.date(2024, 6, 3), 100, 200, **parts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("parts", "extended", "kinds"),
    [
        ({}, True, [("regular", 100, 200)]),
        ({"breaks": ((120, 150),)}, False, [("regular", 100, 120), ("regular", 150, 200)]),
        (
            {"breaks": ((110, 120), (150, 160))}, False,
            [("regular", 100, 110), ("regular", 120, 150), ("regular", 160, 200)],
        ),
        ({"pre_open_ns": 50, "post_close_ns": 250}, False, [("regular", 100, 200)]),
        (
            {"pre_open_ns": 50, "post_close_ns": 250}, True,
            [("pre", 50, 100), ("regular", 100, 200), ("post", 200, 250)],
        ),
        (
            {"pre_open_ns": 50, "post_close_ns": 250, "breaks": ((120, 150),)}, True,
            [("pre", 50, 100), ("regular", 100, 120), ("regular", 150, 200), ("post", 200, 250)],
        ),
        ({"pre_open_ns": 100, "post_close_ns": 200}, True, [("regular", 100, 200)]),
        ({"post_close_ns": 190}, True, [("regular", 100, 200)]),  # closed early: post-market ended
    ],
)  # fmt: skip
def test_a_session_is_its_stretches_of_trading(
    parts: dict[str, object], extended: bool, kinds: list[tuple[str, int, int]]
) -> None:
    assert list(session(**parts).segments(extended)) == [Segment(*kind) for kind in kinds]


@pytest.mark.parametrize(
    "value",
    [session(), Segment("pre", 1, 2), Bar("A", "1m", 0, 1.0, 1.0, 1.0, 1.0, 1.0), no_rows()],
)
def test_what_is_handed_round_cannot_be_changed(value: msgspec.Struct) -> None:
    name = value.__struct_fields__[0]
    with pytest.raises(AttributeError, match="immutable"):
        setattr(value, name, None)


# -- comparisons -----------------------------------------------------------------------------------

VALUES = st.one_of(
    st.integers(-5, 5).map(float),
    st.integers(990, 1010).map(lambda cents: cents / 10),
    st.integers(-30, 30).map(lambda steps: 100.0 + steps * 1e-8 / 10),
    st.floats(-1e6, 1e6),
    st.sampled_from([math.inf, -math.inf, math.nan, 0.0, -0.0, 5e-324, 1e308, -1e308]),
)


@pytest.mark.parametrize(
    ("left", "right", "price", "side"),
    [
        (100.0, 100.0, 100.0, 0),
        (100.0, 100.0 + 0.9e-7, 100.0, 0),
        (100.0, 100.0 + 1.1e-7, 100.0, -1),
        (100.0 + 1.1e-7, 100.0, 100.0, 1),
        (0.1 + 0.2, 0.3, 0.3, 0),
        (5.0, 5.0 + 5e-8, 100.0, 0),  # of the price, not of the values
        (5.0, 5.0 + 5e-8, None, -1),
        (1e-12, 0.0, None, 1),  # of the larger value: nothing is close to nothing
        (0.0, 0.0, None, 0),
        (-1.0, 1.0, None, -1),
        (math.inf, math.inf, 1.0, 0),
        (-math.inf, math.inf, None, -1),
        (math.inf, 1.0, None, 1),
        (math.nan, 1.0, 1.0, 0),
        (1.0, math.nan, None, 0),
    ],
)
def test_values_closer_than_a_billionth_of_the_price_tie(
    left: float, right: float, price: float | None, side: int
) -> None:
    assert sign(left, right, price) == side
    assert sign(right, left, price) == -side


@given(
    st.lists(st.tuples(VALUES, VALUES, st.floats(0.01, 1e6)), min_size=1, max_size=20),
    st.booleans(),
    st.booleans(),
)
def test_columns_compare_like_single_values(
    rows: list[tuple[float, float, float]], priced: bool, level: bool
) -> None:
    left = np.array([row[0] for row in rows])
    price = np.array([row[2] for row in rows]) if priced else None
    right = rows[0][1] if level else np.array([row[1] for row in rows])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = signs(left, right, price).tolist()
    assert found == [
        sign(row[0], rows[0][1] if level else row[1], row[2] if priced else None) for row in rows
    ]


@given(st.lists(st.integers(-1, 1), max_size=20))
def test_a_cross_needs_a_row_before_it_on_the_other_side_or_at_a_tie(sides: list[int]) -> None:
    found = crosses(np.array(sides, np.int8)).tolist()
    wanted = [0] * len(sides)
    for row in range(1, len(sides)):
        was, now = sides[row - 1], sides[row]
        if now != 0 and was != now:
            wanted[row] = now
    assert found == wanted


# -- errors ----------------------------------------------------------------------------------------


def test_the_tree_at_the_top_of_the_module_is_the_tree() -> None:
    text = errors.__doc__ or ""
    drawn = dict(re.findall(r"[─ ]* ([A-Z]\w+) +(?:exit code )?(\d)", text))
    kinds = [item for item in vars(errors).values() if isinstance(item, type)]
    codes = {k.__name__: str(k.exit_code) for k in kinds if issubclass(k, AppError)}
    assert len(drawn) > 5
    assert drawn.items() <= codes.items()
    assert [name for name in codes if name not in text] == []
    assert errors.EXIT_INTERRUPTED == 130


@pytest.mark.parametrize(
    ("word", "known", "hint"),
    [
        ("APPL", ["AAPL", "MSFT"], " Did you mean 'AAPL'?"),
        ("aapl", ["AAPL", "MSFT"], " Did you mean 'AAPL'?"),
        ("Fast", ["fast", "slow"], " Did you mean 'fast'?"),
        ("zzz", ["AAPL", "MSFT"], ""),
        ("", ["AAPL"], ""),
        ("x", [], ""),
        ("slwo", iter(["fast", "slow"]), " Did you mean 'slow'?"),
        ("sma", ["RsiReversion", "SmaCross"], " Did you mean 'SmaCross'?"),
        (
            "goog",
            ["20240102-0930-goog", "20240101-0930-goog"],
            " Did you mean '20240102-0930-goog'?",
        ),
        ("cross", ["cros", "crosses-over"], " Did you mean 'cros'?"),
        ("sm", ["sma_cross_and_more"], ""),
        ("cro", ["sma_cross_and_more"], ""),
    ],
)
def test_a_close_word_is_suggested_as_it_is_written(word: str, known: list[str], hint: str) -> None:
    assert did_you_mean(word, known) == hint


def test_a_file_that_may_be_meant_is_one_beside_it_or_in_the_usual_folder(tmp_path: Path) -> None:
    usual = tmp_path / "usual"
    usual.mkdir()
    for name in ("usual/example.json", "usual/dip.json", "dip.json", "example.csv"):
        (tmp_path / name).touch()

    def hint(name: str) -> str:
        return near_file(tmp_path / name, usual, ending=".json")

    assert hint("exampel.json") == f" Did you mean '{usual / 'example.json'}'?"
    assert hint("example") == f" Did you mean '{usual / 'example.json'}'?"
    assert hint("dipp.json") == f" Did you mean '{tmp_path / 'dip.json'}'?"
    assert hint("zzz.json") == hint("nowhere/zzz.json") == ""


# -- tables ----------------------------------------------------------------------------------------


def table_of(symbols: list[int]) -> Table:
    count = len(symbols)
    times = np.arange(count, dtype=np.int64)
    prices = [np.arange(count) + float(10 * n) for n in range(5)]
    return Table(np.array(symbols, np.int32), times, times + 1, *prices)


@given(st.lists(st.integers(0, 3), max_size=20))
def test_the_rows_of_each_symbol_come_in_the_order_of_the_table(symbols: list[int]) -> None:
    rows = SymbolRows(table_of(symbols), 5)
    for symbol in range(5):
        own = [n for n, item in enumerate(symbols) if item == symbol]
        assert rows.of(symbol).tolist() == own
        assert rows.table.start_ns[rows.together(symbol)].tolist() == own


@pytest.mark.parametrize("instants", [0, 1, 3])
def test_rows_of_which_no_symbol_lacks_one_are_found_without_sorting(instants: int) -> None:
    table = table_of([0, 1, 2] * instants)
    table = msgspec.structs.replace(table, known_ns=np.repeat(np.arange(instants), 3))
    rows, sorted_rows = SymbolRows(table, 3), SymbolRows(table, 4)  # of the fourth there is none
    assert rows.is_full and sorted_rows.is_full == (not instants)
    assert rows.present == sorted_rows.present
    assert rows.table.close.tolist() == sorted_rows.table.close.tolist()
    assert rows.last().tolist() == sorted_rows.last().tolist()
    steps = np.arange(len(table))
    for symbol in range(3):
        assert rows.of(symbol).tolist() == sorted_rows.of(symbol).tolist()
        for first in range(0, len(table), 3):
            within = (one.within(symbol, first, len(table)) for one in (rows, sorted_rows))
            assert len({tuple(steps[one].tolist()) for one in within}) == 1


def test_rows_that_only_take_turns_are_of_no_full_grid() -> None:
    table = table_of([0, 1, 0, 1])  # at 1 the second symbol has no bar, at 2 the first
    table = msgspec.structs.replace(table, known_ns=np.array([0, 0, 1, 2]))
    rows = SymbolRows(table, 2)
    assert not rows.is_full
    assert np.arange(4)[rows.within(0, 3, 4)].tolist() == []
    assert np.arange(4)[rows.within(1, 3, 4)].tolist() == [3]


@given(st.lists(st.lists(st.integers(0, 3), max_size=5), min_size=1, max_size=4))
def test_tables_join_and_part_without_loss(parts: list[list[int]]) -> None:
    tables = [table_of(part) for part in parts]
    whole = join_tables(tables)
    assert len(whole) == sum(map(len, parts))
    place = 0
    for table in tables:
        piece = whole.take(slice(place, place + len(table)))
        place += len(table)
        for name in TABLE_FIELDS:
            assert getattr(piece, name).tolist() == getattr(table, name).tolist()
            assert getattr(piece, name).dtype == getattr(table, name).dtype


def test_a_table_without_rows_has_every_column() -> None:
    table = no_rows()
    assert len(table) == 0
    assert all(len(getattr(table, name)) == 0 for name in TABLE_FIELDS)
    assert len(join_tables([table, table_of([1, 2])])) == 2


def test_a_slice_of_columns_is_a_view() -> None:
    values = np.arange(5.0)
    columns = BarColumns(np.arange(5), values, values, values, values, values)
    piece = columns.slice(1, 4)
    assert len(piece) == 3
    assert np.shares_memory(piece.close, values)
