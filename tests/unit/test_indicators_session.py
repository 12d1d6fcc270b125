"""Session functions against loops written out by hand, over thin and full sessions."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from indicator_windows import random_window, window_of

from app.core.errors import ConfigError
from app.core.intervals import MINUTE_NS
from app.core.windows import Window
from app.services.indicators import check_causal, resolve
from app.services.indicators.causality import window_until
from app.services.indicators.session_functions import NAMES

Row = tuple[float, ...] | None


def sessions_of(window: Window) -> list[range]:
    """The rows of each session."""
    bounds = [*map(int, window.session_first), len(window)]
    return [range(first, end) for first, end in pairwise(bounds)]


def slow_vwap(window: Window, row: int) -> Row:
    paid = traded = 0.0
    for i in range(window.today, row + 1):
        typical = (window.high[i] + window.low[i] + window.close[i]) / 3.0
        paid += typical * window.volume[i]
        traded += window.volume[i]
    return (paid / traded,) if traded > 0 else None


def slow_opening_range(window: Window, row: int, minutes: int) -> Row:
    end_ns = window.session_open_ns[-1] + minutes * MINUTE_NS
    inside = [i for i in range(window.today, row + 1) if window.known_ns[i] <= end_ns]
    if window.known_ns[row] < end_ns or not inside:
        return None
    return max(window.high[i] for i in inside), min(window.low[i] for i in inside)


def slow_previous_day(window: Window, row: int) -> Row:
    traded = [rows for rows in sessions_of(window)[:-1] if rows]
    if not traded:
        return None
    high, low = (max(window.high[i] for i in traded[-1]), min(window.low[i] for i in traded[-1]))
    return high, low, window.close[traded[-1][-1]]


def slow_volume_ratio(window: Window, row: int, sessions: int) -> Row:
    past = list(enumerate(sessions_of(window)[:-1]))[-sessions:]
    elapsed_ns = window.known_ns[row] - window.session_open_ns[-1]
    usual = 0.0
    for k, rows in past:
        for i in rows:
            if window.known_ns[i] - window.session_open_ns[k] <= elapsed_ns:
                usual += window.volume[i]
    if len(past) < sessions or usual == 0:
        return None
    return (sum(window.volume[window.today : row + 1]) / (usual / sessions),)


CASES = [
    ("SESSION_VWAP", {}, slow_vwap),
    ("OPENING_RANGE", {"minutes": 15}, slow_opening_range),
    ("OPENING_RANGE", {"minutes": 1}, slow_opening_range),
    ("PREVIOUS_DAY", {}, slow_previous_day),
    ("VOLUME_RATIO", {"sessions": 2}, slow_volume_ratio),
    ("VOLUME_RATIO", {"sessions": 1}, slow_volume_ratio),
]


@pytest.mark.parametrize(("name", "params", "slow"), CASES)
@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    sizes=st.lists(st.integers(0, 30), min_size=1, max_size=4),
    missing=st.sampled_from([0.0, 0.3, 0.9]),
)
def test_each_function_equals_its_loop_written_out(
    name: str, params: dict[str, int], slow: object, seed: int, sizes: list[int], missing: float
) -> None:
    assert callable(slow)
    window = random_window(seed, tuple(sizes), missing)
    values = resolve(name, params).batch(window)
    for row in range(window.today, len(window)):
        expected = slow(window, row, **params)
        assert (row >= values.first_ready) == (expected is not None)
        if expected is not None:
            assert tuple(output[row] for output in values.outputs) == expected
    assert all(np.isnan(output[: values.first_ready]).all() for output in values.outputs)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), missing=st.sampled_from([0.0, 0.5]))
def test_both_faces_agree_and_nothing_looks_ahead(name: str, seed: int, missing: float) -> None:
    window = random_window(seed, (20, 30, 25, 22, 30, 40), missing)
    computation = resolve(name, {})
    batch = computation.batch(window)
    opened = window.today
    running = computation.open(window_until(window, opened))
    assert running is not None
    check_causal(computation, window, range(window.today, len(window)))
    for row in range(opened, len(window)):
        values = running.extend(window_until(window, row + 1), row)
        for streamed, whole in zip(values.outputs, batch.outputs, strict=True):
            ready = row >= values.first_ready
            assert ready == (row >= batch.first_ready)
            assert len(streamed) == 1
            assert not ready or streamed[0] == whole[row]


def test_the_opening_range_is_ready_with_the_bar_that_completes_it() -> None:
    window = window_of([list(range(20))], np.arange(20.0) + 50, np.zeros(20), np.ones(20))
    values = resolve("OPENING_RANGE", {"minutes": 5}).batch(window)
    assert values.first_ready == 4
    assert [output[19] for output in values.outputs] == [54.0, 50.0]


def test_an_opening_range_in_which_nothing_traded_is_never_ready() -> None:
    window = window_of([[30, 31]], np.full(2, 50.0), np.zeros(2), np.ones(2))
    assert resolve("OPENING_RANGE", {}).batch(window).first_ready == 2


def test_there_is_no_vwap_before_the_first_volume() -> None:
    volume = np.array([0.0, 0.0, 5.0, 0.0])
    window = window_of([[0, 1, 2, 3]], np.array([9.0, 9.0, 7.0, 8.0]), np.zeros(4), volume)
    values = resolve("SESSION_VWAP", {}).batch(window)
    assert values.first_ready == 2
    assert values.outputs[0][3] == (9.0 + 7.0 + 7.0) / 3.0


def test_a_session_without_a_bar_leaves_everything_unready() -> None:
    window = random_window(3, (10, 10, 0))
    for name in NAMES:
        values = resolve(name, {}).batch(window)
        assert values.first_ready == len(window)
        assert all(len(output) == len(window) for output in values.outputs)


def test_the_sessions_needed_and_the_units_are_told() -> None:
    assert resolve("PREVIOUS_DAY", {}).history_sessions == 1
    ratio = resolve("VOLUME_RATIO", {"sessions": 3})
    assert (ratio.history_sessions, ratio.price_units, ratio.label) == (3, False, "VOLUME_RATIO(3)")
    vwap = resolve("SESSION_VWAP", {})
    assert (vwap.history_sessions, vwap.price_units, vwap.lookback) == (0, True, 0)
    assert resolve("OPENING_RANGE", {}) == resolve("OPENING_RANGE", {"minutes": 15})


def test_a_half_day_among_the_past_counts_with_its_whole_volume() -> None:
    close = np.full(12, 10.0)
    window = window_of([[0, 1], [0, 1, 2, 3, 4], [0, 1, 2, 3, 4]], close, close * 0, close * 0 + 6)
    ratio = resolve("VOLUME_RATIO", {"sessions": 2}).batch(window).outputs[0]
    assert ratio[-1] == 30.0 / ((12.0 + 30.0) / 2)
    assert math.isnan(ratio[0])


@pytest.mark.parametrize(
    ("name", "params", "inputs", "text"),
    [
        ("OPENING_RANGE", {"minutes": 0}, None, "from 1 to 1440"),
        ("OPENING_RANGE", {"minute": 5}, None, "Did you mean 'minutes'?"),
        ("VOLUME_RATIO", {"sessions": 2.5}, None, "a whole number"),
        ("SESSION_VWAP", {"minutes": 5}, None, "it has none"),
        ("SESSION_VWAP", {}, ["close"], "leave 'inputs' out"),
    ],
)
def test_what_a_session_function_does_not_take_is_refused(
    name: str, params: dict[str, object], inputs: list[str] | None, text: str
) -> None:
    with pytest.raises(ConfigError, match=text.replace("?", r"\?")):
        resolve(name, params, inputs)
