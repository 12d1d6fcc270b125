"""Which expected bars are missing, and in which stretches, told by columns as one by one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.data_house import session

from app.core.bars import BarColumns
from app.core.calendar import TradingSession
from app.core.intervals import DAY_NS, HOUR_NS, MINUTE_NS
from app.managers.data_manager import fetch_report
from app.managers.data_manager.fetch_report import Wanted, absent, checked, longest, runs_of, wanted

STARTS = st.lists(st.integers(0, 60), unique=True).map(sorted)


@given(STARTS, st.lists(st.integers(0, 20), unique=True).map(sorted))
def test_a_slot_is_absent_when_no_bar_starts_in_it(starts: list[int], slots: list[int]) -> None:
    begins = np.array(slots, np.int64) * 3
    found = absent(Wanted(begins, begins + 3), np.array(starts, np.int64))
    expected = [not any(3 * n <= start < 3 * n + 3 for start in starts) for n in slots]
    assert found.tolist() == expected


@given(st.lists(st.booleans()))
def test_runs_are_what_is_missing_in_a_row(missing: list[bool]) -> None:
    runs = runs_of(np.array(missing, np.bool_))
    told = [False] * len(missing)
    for first, end in runs:
        assert first < end
        assert (first == 0 or not missing[first - 1]) and (end == len(missing) or not missing[end])
        told[first:end] = [True] * (end - first)
    assert told == missing
    assert runs == sorted(runs)


def test_of_many_runs_the_longest_are_kept_in_order_of_time() -> None:
    runs = [(10 * n, 10 * n + 1 + n % 7) for n in range(fetch_report.GAPS_SHOWN + 500)]
    kept = longest(runs)
    assert len(kept) == fetch_report.GAPS_SHOWN
    assert kept == sorted(kept)
    shortest = min(end - first for first, end in kept)
    assert all(run in kept for run in runs if run[1] - run[0] > shortest)


def test_bars_are_expected_in_trading_hours_and_when_they_have_ended() -> None:
    day = session("2024-11-04")
    for end_ns, count in (
        (day.open_ns, 0),
        (day.open_ns + MINUTE_NS - 1, 0),
        (day.open_ns + MINUTE_NS, 1),
        (day.close_ns + DAY_NS, 390),
    ):
        assert len(wanted([day], "1m", 0, end_ns)) == count
    assert len(wanted([day], "1m", day.close_ns - 5 * MINUTE_NS, day.close_ns)) == 5
    assert len(wanted([day], "1d", 0, day.close_ns - 1)) == 0
    assert wanted([day], "1d", 0, day.close_ns).start_ns.tolist() == [day.open_ns]
    hours = wanted([day], "1h", 0, day.close_ns)
    assert (hours.end_ns - hours.start_ns).tolist() == [HOUR_NS] * 6 + [HOUR_NS // 2]


def _bars(starts: list[int], price: float = 10.0) -> BarColumns:
    values = np.full(len(starts), price)
    return BarColumns(np.array(starts, np.int64), values, values, values, values, values)


def test_what_a_file_may_not_bring_a_source_may_not_either() -> None:
    day: TradingSession = session("2024-11-04")
    at = day.open_ns
    night = at - 9 * HOUR_NS
    bars, why = checked(
        _bars([night, at, at + MINUTE_NS, at + 90 * MINUTE_NS]),
        "1m", "America/New_York", [day], at + 60 * MINUTE_NS,
    )  # fmt: skip
    assert bars.start_ns.tolist() == [at, at + MINUTE_NS]
    assert why == {
        "the bar lies outside any trading session": 1,
        "the bar lies in the future": 1,
    }
