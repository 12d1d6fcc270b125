"""What was at stake: over trading time alone, by hand and beside a walk over every moment."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.services.metrics.exposure import (
    Stakes,
    TradingTime,
    average_exposure,
    time_in_market,
    turnover,
)

TIME = TradingTime(np.array([100, 300]), np.array([200, 400]))  # two days of a hundred


def stakes(*changes: tuple[int, int, float]) -> Stakes:
    columns = [[change[place] for change in changes] for place in range(3)]
    return Stakes(
        np.array(columns[0], np.int64), np.array(columns[1], np.int64), np.array(columns[2], float)
    )


@given(st.lists(st.integers(0, 500), max_size=20))
def test_trading_time_is_what_a_clock_counts_that_stops_at_night(instants: list[int]) -> None:
    counted = [sum(100 <= t < 200 or 300 <= t < 400 for t in range(at)) for at in instants]
    assert TIME.at(np.array(instants, np.int64)).tolist() == counted


def test_a_night_held_through_does_not_count() -> None:
    held = stakes((150, 1, 500.0), (350, -1, -500.0))
    assert time_in_market(TIME, held).value == 0.5
    # 500 over half the time; the account is worth 1,000, then 3,000
    found = average_exposure(TIME, held, np.array([200, 400]), np.array([1_000.0, 3_000.0]))
    assert found.value == pytest.approx(250 / 2_000)


def test_two_positions_at_once_count_once_in_time_and_twice_in_cost() -> None:
    both = stakes((100, 1, 100.0), (150, 1, 100.0), (200, -1, -100.0), (200, -1, -100.0))
    assert time_in_market(TIME, both).value == 0.5
    found = average_exposure(TIME, both, np.array([200, 400]), np.array([1_000.0, 1_000.0]))
    assert found.value == pytest.approx(75 / 1_000)


def test_nothing_held_is_no_exposure() -> None:
    days = np.array([200, 400]), np.array([10.0, 10.0])
    assert time_in_market(TIME, stakes()).value == 0.0
    assert average_exposure(TIME, stakes(), *days).value == 0.0


def test_where_there_is_no_figure_the_reason_is_told() -> None:
    never = TradingTime(np.array([], np.int64), np.array([], np.int64))
    assert time_in_market(never, stakes()).reason == "there was no trading day"
    nothing = average_exposure(TIME, stakes(), np.array([200, 400]), np.array([-5.0, -5.0]))
    assert nothing.reason == "the account was worth nothing, or less"
    assert average_exposure(never, stakes(), *[np.array([])] * 2).reason == (
        "there was no trading day"
    )
    assert turnover(10.0, np.array([])).reason == "there was no trading day"
    assert turnover(10.0, np.array([1.0, -1.0])).reason == nothing.reason
    assert turnover(10.0, np.array([3.0, 5.0])).value == 2.5
