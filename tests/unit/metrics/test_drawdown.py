"""Falls below the peak: each stretch as one who walks along the curve sees it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.intervals import DAY_NS
from app.services.metrics.drawdown import Fall, deepest, falls

curves = st.lists(st.integers(-20, 100).map(float), min_size=1, max_size=40).map(
    lambda values: [50.0, *values]
)


def walked(values: list[float]) -> list[Fall]:
    """The stretches, found step by step; a day a step."""
    found: list[Fall] = []
    peak, at, low, trough = values[0], 0, values[0], 0
    for step, value in enumerate(values):
        if value >= peak:
            if low < peak:
                found.append(fall(peak, at, low, trough, step, True))
            peak, at, low = value, step, value
        elif value < low:
            low, trough = value, step
    if low < peak:
        found.append(fall(peak, at, low, trough, len(values) - 1, False))
    return found


def fall(peak: float, at: int, low: float, trough: int, end: int, is_over: bool) -> Fall:
    return Fall(
        at * DAY_NS, trough * DAY_NS, end * DAY_NS if is_over else None, end * DAY_NS,
        (peak - low) / peak, peak - low,
    )  # fmt: skip


@given(curves)
def test_every_stretch_is_found_as_by_walking(values: list[float]) -> None:
    found = falls(np.arange(len(values)) * DAY_NS, np.array(values))
    expected = walked(values)
    assert sorted(found.worst(99), key=lambda one: one.peak_ns) == expected
    assert found.days.tolist() == [one.days for one in expected]
    longest = found.longest()
    assert (longest is None) == (not expected)
    if longest is not None:
        assert longest.days == max(one.days for one in expected)
        assert found.worst(1)[0].depth == max(one.depth for one in expected)


@given(curves, st.integers(1, 9))
def test_the_deepest_is_the_same_in_parts_and_at_once(values: list[float], step: int) -> None:
    peak, found = values[0], 0.0
    for first in range(0, len(values), step):
        depth, peak = deepest(np.array(values[first : first + step]), peak)
        found = max(found, depth)
    worst = falls(np.arange(len(values)), np.array(values)).worst(1)
    assert found == pytest.approx(worst[0].depth if worst else 0.0)
    assert peak == max(values)


@given(curves, st.sampled_from([0.5, 3.0]), st.integers(1, 10**12))
def test_neither_scale_nor_time_moves_a_depth(
    values: list[float], factor: float, later: int
) -> None:
    instants = np.arange(len(values)) * DAY_NS
    plain = falls(instants, np.array(values)).worst(99)
    moved = falls(instants + later, np.array(values) * factor).worst(99)
    assert [one.depth for one in moved] == pytest.approx([one.depth for one in plain])
    assert [one.days for one in moved] == pytest.approx([one.days for one in plain])


def test_a_curve_that_never_falls_has_none() -> None:
    for values in ([], [5.0], [5.0, 5.0, 6.0]):
        found = falls(np.arange(len(values)), np.array(values))
        assert (len(found), found.worst(3), found.longest()) == (0, [], None)
    assert deepest(np.array([]), 7.0) == (0.0, 7.0)


def test_what_was_regained_is_told_from_what_was_not() -> None:
    first, second = falls(
        np.arange(6) * DAY_NS, np.array([100.0, 90.0, 100.0, 120.0, 60.0, 80.0])
    ).worst(2)
    assert (first.depth, first.amount, first.recovered_ns) == (0.5, 60.0, None)
    assert (first.days, first.recovery_days) == (2.0, None)
    assert (second.depth, second.days, second.recovery_days) == (0.1, 2.0, 1.0)
