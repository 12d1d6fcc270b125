"""Corporate actions as factors."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.data_house import bars, minutes, ns, same_bars

from app.core.errors import DataError
from app.core.instruments import Adjustment, CorporateAction
from app.services.adjust import adjust_back, combine

DATE = dt.date(2024, 6, 3)


def split(ratio: str, ex_date: dt.date = DATE) -> CorporateAction:
    return CorporateAction("AAA", ex_date, "split", Decimal(ratio))


def dividend(amount: str, ex_date: dt.date = DATE) -> CorporateAction:
    return CorporateAction("AAA", ex_date, "dividend", Decimal(amount))


def test_a_split_divides_prices_and_multiplies_volumes() -> None:
    found = combine("AAA", DATE, [split("4")], None)
    assert (found.price_factor, found.volume_factor) == (0.25, 4.0)
    assert (found.split_ratio, found.dividend) == (Decimal(4), Decimal(0))


def test_a_reverse_split_does_the_opposite() -> None:
    found = combine("AAA", DATE, [split("0.1")], None)
    assert (found.price_factor, found.volume_factor) == (10.0, 0.1)


def test_a_dividend_takes_its_share_of_the_close_before() -> None:
    found = combine("AAA", DATE, [dividend("2")], 100.0)
    assert (found.price_factor, found.volume_factor) == (0.98, 1.0)


def test_without_a_close_before_a_dividend_leaves_prices_alone() -> None:
    found = combine("AAA", DATE, [dividend("2")], None)
    assert found.price_factor == 1.0
    assert found.dividend == Decimal(2)


def test_a_dividend_beside_a_split_is_paid_on_the_new_shares() -> None:
    together = combine("AAA", DATE, [dividend("1"), split("2")], 100.0)
    assert together.price_factor == 0.5 * (1 - 1 / 50)
    assert together == combine("AAA", DATE, [split("2"), dividend("1")], 100.0)


def test_several_of_a_kind_are_joined() -> None:
    earlier = dt.date(2024, 6, 1)
    found = combine("AAA", DATE, [split("2", earlier), split("3"), dividend("1", earlier)], None)
    assert (found.split_ratio, found.dividend) == (Decimal(6), Decimal(1))


@pytest.mark.parametrize("close", [2.0, 1.5])
def test_a_dividend_as_large_as_the_price_is_refused(close: float) -> None:
    with pytest.raises(DataError, match="dividend of 2 on AAA at 2024-06-03 is not below"):
        combine("AAA", DATE, [dividend("2")], close)


def effect(price_factor: float, volume_factor: float) -> Adjustment:
    return Adjustment("AAA", DATE, Decimal(1), Decimal(0), price_factor, volume_factor)


def test_only_bars_before_an_action_are_adjusted() -> None:
    given_bars = minutes("2024-06-03T09:30", 4)
    found = adjust_back(given_bars, [(ns("2024-06-03T09:32"), effect(0.5, 2.0))])
    np.testing.assert_array_equal(found.close, given_bars.close * [0.5, 0.5, 1, 1])
    np.testing.assert_array_equal(found.volume, given_bars.volume * [2, 2, 1, 1])


def test_the_factors_of_several_actions_multiply() -> None:
    given_bars = minutes("2024-06-03T09:30", 3)
    effects = [
        (ns("2024-06-03T09:31"), effect(0.5, 2.0)),
        (ns("2024-06-03T09:32"), effect(0.5, 2.0)),
    ]
    found = adjust_back(given_bars, effects)
    np.testing.assert_array_equal(found.open, given_bars.open * [0.25, 0.5, 1])


def test_without_actions_nothing_changes() -> None:
    given_bars = minutes("2024-06-03T09:30", 3)
    assert same_bars(adjust_back(given_bars, []), given_bars)


@given(
    ratio=st.decimals("0.01", "100", places=2),
    amount=st.decimals("0", "9", places=2),
    count=st.integers(1, 20),
    at=st.integers(0, 20),
)
def test_adjusted_bars_are_still_bars(ratio: Decimal, amount: Decimal, count: int, at: int) -> None:
    close = 10.0 * float(ratio)
    adjustment = combine("AAA", DATE, [split(str(ratio)), dividend(str(amount))], close)
    assert adjustment.price_factor > 0
    found = adjust_back(bars(range(count)), [(at, adjustment)])
    assert np.all((found.low > 0) & (found.low <= found.open) & (found.close <= found.high))
