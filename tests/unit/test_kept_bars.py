"""Bars a live run keeps: of what it was given, in order, and never over what is stored."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.data_house import session

from app.core.bars import COLUMNS, BarColumns, Table
from app.core.intervals import MINUTE_NS
from app.managers.data_manager.kept_bars import gathered, in_order, sound
from app.repositories.bar_store_merge import without_conflicts

SESSION = session("2024-11-04", "09:30", "09:40")
OPENS_NS = SESSION.open_ns

Bar = tuple[int, int]  # minute and price


def bars_of(*bars: Bar) -> BarColumns:
    starts = np.array([OPENS_NS + minute * MINUTE_NS for minute, _ in bars], np.int64)
    price = np.array([float(price) for _, price in bars])
    return BarColumns(starts, price, price, price, price, price)


def table_of(symbol: int, *bars: Bar) -> Table:
    columns = bars_of(*bars)
    return Table(
        symbol=np.full(len(bars), symbol, np.int32),
        known_ns=columns.start_ns + MINUTE_NS,
        **{name: getattr(columns, name) for name in COLUMNS},
    )


def told(bars: BarColumns) -> dict[int, int]:
    minutes = (bars.start_ns - OPENS_NS) // MINUTE_NS
    return dict(zip(minutes.tolist(), bars.close.astype(int).tolist(), strict=True))


BARS = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 99)), max_size=12)


@given(parts=st.lists(st.tuples(st.integers(0, 1), BARS), max_size=5))
@settings(max_examples=60)
def test_of_one_start_the_bar_that_came_last_is_kept(parts: list[tuple[int, list[Bar]]]) -> None:
    found = gathered([table_of(symbol, *bars) for symbol, bars in parts], 1)
    expected = {minute: price for symbol, bars in parts if symbol == 1 for minute, price in bars}
    assert told(found) == expected
    assert (np.diff(found.start_ns) > 0).all()


@given(old=BARS, new=BARS, own=st.sets(st.integers(0, 9)))
@settings(max_examples=60)
def test_no_stored_bar_changes_but_the_run_s_own(
    old: list[Bar], new: list[Bar], own: set[int]
) -> None:
    stored, brought = in_order(bars_of(*old)), in_order(bars_of(*new))
    own_ns = np.array([OPENS_NS + minute * MINUTE_NS for minute in own], np.int64)
    kept, left = without_conflicts(stored, brought, own_ns)
    before, after = told(stored), told(kept)
    for minute, price in after.items():
        assert minute not in before or before[minute] == price or minute in own
    assert left == len(told(brought)) - len(after)
    free = {m: p for m, p in told(brought).items() if m not in before or m in own}
    assert free.items() <= after.items()


@pytest.mark.parametrize(
    ("name", "value"),
    [("low", 0.0), ("high", 4.0), ("close", np.nan), ("open", np.inf), ("volume", -1.0)],
)
def test_a_bar_that_no_import_would_take_is_not_kept(name: str, value: float) -> None:
    bars = bars_of((0, 5), (1, 6))
    columns = {column: getattr(bars, column).copy() for column in COLUMNS}
    columns[name][0] = value
    assert told(sound(BarColumns(**columns), [SESSION], extended_hours=False)) == {1: 6}


def test_a_bar_outside_the_sessions_is_not_kept() -> None:
    assert told(sound(bars_of((-1, 5), (0, 6), (10, 7)), [SESSION], extended_hours=False)) == {0: 6}
