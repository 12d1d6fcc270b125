"""No order is worth more than its limit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.risk_house import House, ask, check_cut_and_monotone, houses, sizes, verdict
from tests.unit.execution_house import limits_by, manager_of, submit

from app.core.money import UNITS, amount_units
from app.core.orders import ACCEPTED, LIMIT, STOP, Terms
from app.services.risk.rules.max_order_value import check


@pytest.mark.parametrize(
    ("shares", "limit", "expected"),
    [
        (100, None, None),
        (101, None, (100, "1010 is over 1000")),
        (-101, None, (-100, "1010 is over 1000")),
        (80, 12.5, None),
        (81, 12.5, (80, "1012.5 is over 1000")),
        (101, 9.0, (100, "1010 is over 1000")),  # the last price is higher
    ],
)
def test_an_order_is_cut_at_what_it_may_be_worth(
    shares: int, limit: float | None, expected: tuple[float, str] | None
) -> None:
    assert verdict(check, ask(shares, limit), House(), 1000 * UNITS) == expected


def test_without_any_price_nothing_can_be_valued() -> None:
    assert verdict(check, ask(5), House(price=0.0), UNITS) == (0, "no price is known")


def test_a_stop_above_the_last_price_is_what_is_paid() -> None:
    execution = manager_of(limits=limits_by(max_order_value=100))
    order = submit(execution, 0, 0, 6 * UNITS, 0, kind=STOP, stop=17.0)
    assert order.reason == "max_order_value: 102 is over 100"
    assert submit(execution, 0, 0, 5 * UNITS, 0, kind=STOP, stop=17.0).state == ACCEPTED


@given(houses, sizes, st.integers(1, 100_000))
def test_what_it_lets_through_is_within_it(house: House, shares: int, most: int) -> None:
    check_cut_and_monotone(check, house, shares, most * UNITS)
    found = check(ask(shares), house, house, most * UNITS)
    allowed = shares * UNITS if found is None else found.units
    assert abs(amount_units(allowed, house.price)) <= most * UNITS


def test_an_amendment_of_its_limit_alone_is_looked_at_too() -> None:
    execution = manager_of(limits=limits_by(max_order_value=100))
    order = submit(execution, 0, 0, 5 * UNITS, 0, kind=LIMIT, limit=10.0)
    assert execution.amend(order, Terms(5 * UNITS, 20.0, None, None, None), 0)
    assert not execution.amend(order, Terms(5 * UNITS, 20.2, None, None, None), 0)
    assert order.reason == "max_order_value: 101 is over 100"
