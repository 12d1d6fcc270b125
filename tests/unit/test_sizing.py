"""The ways to size are exact: against fractions, in whole lots, and never above what they allow."""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.money import UNITS, to_units
from app.services.risk.sizes import MOST_UNITS
from app.services.sizing import (
    Lots,
    equal_weight,
    fixed,
    percent_equity,
    percent_risk,
    volatility_target,
    worth,
)

SHARES = Lots(UNITS)
EQUITY = 100_000 * UNITS

cents = st.integers(1, 10**7).map(lambda value: value / 100)
prices = st.one_of(cents, st.floats(1e-6, 1e6))
percents = st.integers(1, 10**6).map(lambda value: Decimal(value).scaleb(-4))
equities = st.integers(0, 10**16)
lots = st.builds(
    Lots,
    st.sampled_from([1, 1000, UNITS // 100, UNITS, 100 * UNITS]),
    st.sampled_from([1, UNITS // 8, UNITS, 50 * UNITS]),
    st.one_of(st.just(1.0), st.floats(1e-3, 200)),
)


def exact(price: float) -> Fraction:
    """A price as it is written."""
    return Fraction(repr(price))


def cost_of_one(each: Fraction, of: Lots) -> Fraction:
    """In the account's currency."""
    return each * Fraction(of.multiplier_units, UNITS) * exact(of.rate)


def check_is_the_most(units: int, budget: Fraction, each: Fraction, of: Lots) -> None:
    """In whole lots, within the budget; and one lot more would be beyond it."""
    one = cost_of_one(each, of)
    assert units >= 0
    assert units % of.lot_units == 0
    assert Fraction(units, UNITS) * one <= budget
    more = units + of.lot_units
    assert Fraction(more, UNITS) * one > budget or more > MOST_UNITS


@pytest.mark.parametrize(
    ("size", "shares"),
    [
        (fixed(to_units("99.9"), SHARES), 99),
        (fixed(to_units("99.9"), Lots(10 * UNITS)), 90),
        (fixed(to_units("0.999"), SHARES), 0),
        (percent_equity(EQUITY, Decimal(10), 33.33, SHARES), 300),
        (percent_equity(EQUITY, Decimal(10), 33.34, SHARES), 299),
        (percent_equity(EQUITY, Decimal(150), 100.0, SHARES), 1500),  # risk says whether
        (percent_equity(EQUITY, Decimal(10), 10_000.01, SHARES), 0),
        (percent_equity(EQUITY, Decimal(10), 100.0, Lots(UNITS, 50 * UNITS)), 2),
        (percent_equity(EQUITY, Decimal(10), 100.0, Lots(UNITS, rate=1.25)), 80),
        (equal_weight(EQUITY, 3, 100.0, SHARES), 333),
        (percent_risk(EQUITY, Decimal(1), 50.0, 48.0, SHARES), 500),
        (percent_risk(EQUITY, Decimal(1), 48.0, 50.0, SHARES), 500),  # a short one
        (percent_risk(EQUITY, Decimal(1), 50.0, 49.7, SHARES), 3333),
        (percent_risk(EQUITY, Decimal("0.5"), 50.0, 48.0, Lots(UNITS, 20 * UNITS)), 12),
        (percent_risk(EQUITY, Decimal(1), 50.0, 50.0, SHARES), 0),
        (volatility_target(EQUITY, Decimal(1), 2.5, SHARES), 400),
        (volatility_target(EQUITY, Decimal(1), 0.0, SHARES), 0),
        (percent_equity(-EQUITY, Decimal(10), 33.33, SHARES), 0),
        (percent_equity(EQUITY, Decimal(10), 100.0, Lots(UNITS, rate=0.0)), 0),
    ],
)  # fmt: skip
def test_sizes_by_hand(size: int, shares: int) -> None:
    assert size == shares * UNITS


def test_no_size_is_larger_than_any_order_may_be() -> None:
    assert percent_risk(EQUITY, Decimal(100), 50.0, 49.99999999, SHARES) == MOST_UNITS


@given(equities, percents, prices, lots)
@settings(max_examples=150)
def test_a_share_of_equity_is_the_most_that_it_pays_for(
    equity: int, percent: Decimal, price: float, of: Lots
) -> None:
    budget = Fraction(equity, UNITS) * Fraction(percent) / 100
    check_is_the_most(percent_equity(equity, percent, price, of), budget, exact(price), of)
    check_is_the_most(volatility_target(equity, percent, price, of), budget, exact(price), of)


@given(equities, st.integers(1, 500), prices, lots)
@settings(max_examples=100)
def test_equal_parts_are_together_no_more_than_the_whole(
    equity: int, count: int, price: float, of: Lots
) -> None:
    units = equal_weight(equity, count, price, of)
    check_is_the_most(units, Fraction(equity, UNITS * count), exact(price), of)
    assert count * Fraction(units, UNITS) * cost_of_one(exact(price), of) <= Fraction(equity, UNITS)


@given(equities, percents, prices, prices, lots)
@settings(max_examples=150)
def test_at_its_stop_no_more_is_lost_than_the_percent_of_equity(
    equity: int, percent: Decimal, price: float, stop: float, of: Lots
) -> None:
    units = percent_risk(equity, percent, price, stop, of)
    assert units == percent_risk(equity, percent, stop, price, of), "shorts are as longs"
    budget = Fraction(equity, UNITS) * Fraction(percent) / 100
    if price == stop:
        assert units == 0
    else:
        check_is_the_most(units, budget, abs(exact(price) - exact(stop)), of)


@given(st.lists(equities, min_size=2, max_size=2).map(sorted), percents, prices, lots)
@settings(max_examples=100)
def test_more_equity_never_makes_a_size_smaller(
    equity: list[int], percent: Decimal, price: float, of: Lots
) -> None:
    ways: list[Callable[[int], int]] = [
        lambda units: percent_equity(units, percent, price, of),
        lambda units: percent_risk(units, percent, price, price * 2, of),
        lambda units: volatility_target(units, percent, price, of),
        lambda units: equal_weight(units, 7, price, of),
    ]
    for way in ways:
        assert way(equity[0]) <= way(equity[1])


@given(st.integers(0, 10**20), lots)
@settings(max_examples=50)
def test_a_fixed_size_is_what_was_said_in_whole_lots(units: int, of: Lots) -> None:
    size = fixed(units, of)
    assert size % of.lot_units == 0
    assert size <= units
    assert size + of.lot_units > min(units, MOST_UNITS)


@given(st.integers(0, 10**18), prices, lots)
def test_a_value_buys_as_many_lots_as_it_pays_for_whatever_a_currency_is_worth(
    value_units: int, price: float, its: Lots
) -> None:
    each = exact(price) * exact(its.rate) * Fraction(its.multiplier_units, UNITS)
    units = worth(value_units, price, its)
    lot = Fraction(its.lot_units, UNITS)
    assert units % its.lot_units == 0
    assert Fraction(units, UNITS) * each <= Fraction(value_units, UNITS)
    assert (Fraction(units, UNITS) + lot) * each > Fraction(value_units, UNITS)
