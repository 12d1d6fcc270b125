"""What limits ask of a symbol's bars: as worked out by hand, and the same from a longer window."""

import datetime as dt
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.calendar import TradingSession
from app.core.intervals import MINUTE_NS
from app.core.money import UNITS
from app.core.windows import Window
from app.services.quality import assess
from app.threads.views.measures import RANGE_BARS, Measures

DAY_MINUTES = 60
SESSION = TradingSession(
    "XNYS", dt.date(2024, 1, 3), 1_000 * MINUTE_NS, (1_000 + DAY_MINUTES) * MINUTE_NS
)
Cents = tuple[int, int, int]  # high, low, close


def window_of(past: list[Cents], today: list[tuple[int, Cents]], shift_ns: int = 0) -> Window:
    """Bars of before, and today's by their minutes."""
    minutes = [*range(len(past)), *(1_000 + minute for minute, _ in today)]
    starts = np.array(minutes, np.int64) * MINUTE_NS + shift_ns
    prices = np.array([*past, *(bar for _, bar in today)], np.float64).reshape(-1, 3).T / 100
    high, low, close = prices
    first = np.array([0, len(past)], np.int64)
    opens = np.array([0, SESSION.open_ns], np.int64)
    return Window(
        SESSION, starts, starts + MINUTE_NS, close, high, low, close, close, first, opens
    )  # fmt: skip


def measures_of(window: Window) -> Measures:
    return Measures(window, SESSION.segments(), MINUTE_NS)


def at(minute: int) -> int:
    return SESSION.open_ns + minute * MINUTE_NS


def mean_range_units(bars: list[Cents]) -> int:
    """By hand, of all bars up to now."""
    if not bars:
        return -1
    ranges = [
        max(high, before or high) - min(low, before or low)
        for (high, low, _), before in zip(bars, [None, *(bar[2] for bar in bars[:-1])], strict=True)
    ][-RANGE_BARS:]
    exact = Fraction(sum(ranges), len(ranges)) / bars[-1][2] * 100 * UNITS
    return -(-exact.numerator // exact.denominator)


cents = st.tuples(st.integers(500, 600), st.integers(400, 500), st.integers(450, 550))
days = st.dictionaries(st.integers(0, DAY_MINUTES - 1), cents).map(
    lambda bars: sorted(bars.items())
)


@given(st.lists(cents, max_size=2 * RANGE_BARS), days, st.integers(0, DAY_MINUTES))
def test_they_are_those_of_the_bars_known_by_then(
    past: list[Cents], today: list[tuple[int, Cents]], minute: int
) -> None:
    known = [(start, bar) for start, bar in today if start < minute]
    whole, so_far = measures_of(window_of(past, today)), measures_of(window_of(past, known))
    now_ns = at(minute)
    last_ns = at(known[-1][0] + 1) if known else -1
    assert whole.last_known_ns(now_ns) == so_far.last_known_ns(now_ns) == last_ns
    bars = [*past, *(bar for _, bar in known)]
    assert whole.volatility_units(now_ns) == so_far.volatility_units(now_ns)
    assert whole.volatility_units(now_ns) == mean_range_units(bars)
    coverage = len(known) / minute if minute else 1.0
    assert whole.coverage(now_ns) == so_far.coverage(now_ns) == coverage
    starts = np.array([at(start) for start, _ in known], np.int64)
    assert coverage <= assess(starts, SESSION.segments(), MINUTE_NS, now_ns).score


@given(
    st.lists(cents, max_size=RANGE_BARS),
    days,
    st.integers(0, DAY_MINUTES),
    st.integers(1, 60),
)
def test_while_it_is_surely_calm_it_is(
    past: list[Cents], today: list[tuple[int, Cents]], minute: int, percent: int
) -> None:
    measures, most_units = measures_of(window_of(past, today)), percent * UNITS
    until_ns = measures.calm_until_ns(at(minute), most_units)
    assert until_ns in (-1, at(today[-1][0] + 1) if today else -1)
    for now_ns in range(at(minute), until_ns + 1, MINUTE_NS):
        assert 0 <= measures.volatility_units(now_ns) <= most_units


def test_a_quiet_day_is_known_to_be_calm_to_its_end_from_its_first_bar_on() -> None:
    measures = measures_of(window_of([], [(0, (505, 500, 500)), (9, (505, 500, 500))]))
    assert measures.calm_until_ns(at(0), UNITS) == -1  # there is no bar yet to tell by
    assert measures.calm_until_ns(at(1), UNITS) == at(10)
    assert measures.calm_until_ns(at(1), UNITS - 1) == -1


def test_of_bars_that_lie_elsewhere_it_does_not_tell_at_once() -> None:
    measures = measures_of(window_of([], [(0, (5, 5, 5)), (1, (5, 5, 5))], MINUTE_NS // 2))
    assert measures.coverage(at(2)) == 0.0


@pytest.mark.parametrize(("past", "expected"), [([], 10), ([(100, 100, 60)], (0 + 40) // 2)])
def test_a_gap_counts_where_the_bar_before_is_known(past: list[Cents], expected: int) -> None:
    measures = measures_of(window_of(past, [(0, (100, 90, 100))]))
    assert measures.volatility_units(at(1)) == expected * UNITS
