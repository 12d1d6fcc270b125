"""No entry pays more than a share of the last price over it."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.risk_house import House, ask, check_cut_and_monotone, houses, sizes, verdict
from tests.unit.execution_house import Unpriced, limits_by, manager_of, submit

from app.core.money import UNITS, to_units
from app.core.orders import LIMIT, Terms
from app.services.risk.rules.price_collar_percent import check

UNKNOWN = (0, "there is no price yet that it could be held to")


@pytest.mark.parametrize(
    ("shares", "limit", "stop", "expected"),
    [
        (5, None, None, None),
        (5, 10.5, None, None),
        (5, 10.51, None, (0, "limit 10.51 is 5.1 % above the last price 10, over 5 %")),
        (5, 0.01, None, None),  # it would pay less
        (-5, 9.5, None, None),
        (-5, 9.49, None, (0, "limit 9.49 is 5.1 % below the last price 10, over 5 %")),
        (-5, 99.0, None, None),
        (5, None, 10.5, None),
        (5, None, 10.6, (0, "stop 10.6 is 6 % above the last price 10, over 5 %")),
        (-5, None, 9.4, (0, "stop 9.4 is 6 % below the last price 10, over 5 %")),
        (5, 10.6, 10.2, (0, "limit 10.6 is 6 % above the last price 10, over 5 %")),
        (5, 10.2, 10.6, (0, "stop 10.6 is 6 % above the last price 10, over 5 %")),
    ],
)
def test_prices_are_held_on_the_side_that_pays_more(
    shares: int, limit: float | None, stop: float | None, expected: tuple[float, str] | None
) -> None:
    assert verdict(check, ask(shares, limit, stop=stop), House(price=10.0), 5 * UNITS) == expected


def test_without_a_last_price_only_an_order_without_one_passes() -> None:
    assert verdict(check, ask(5), House(price=0.0), UNITS) is None
    assert verdict(check, ask(5, 1.0), House(price=0.0), UNITS) == UNKNOWN
    assert verdict(check, ask(-5, stop=1.0), House(price=0.0), UNITS) == UNKNOWN


@given(houses, sizes, st.integers(1, 20_000), st.integers(1, 2_000), st.booleans())
def test_what_it_lets_through_is_within_it(
    house: House, shares: int, cents: int, hundredths: int, stops: bool
) -> None:
    price, most = cents / 100, to_units(hundredths / 100)
    given_ask = ask(shares, stop=price) if stops else ask(shares, price)
    last, share = Fraction(round(house.price * 100)), Fraction(hundredths, 10_000)
    within = cents <= last * (1 + share) if shares > 0 else cents >= last * (1 - share)
    assert (check(given_ask, house, house, most) is None) == within
    check_cut_and_monotone(check, house, shares, most)


def test_an_amendment_of_prices_alone_is_held_too(monkeypatch: pytest.MonkeyPatch) -> None:
    prices = [10.0]
    monkeypatch.setattr(Unpriced, "mark", lambda self, symbol: prices[-1])
    execution = manager_of(limits=limits_by(price_collar_percent=5, max_order_quantity=9))
    order = submit(execution, 0, 0, 5 * UNITS, 0, kind=LIMIT, limit=10.0)

    def amend(shares: int, limit: float, now_ns: int = 0) -> str:
        execution.amend(order, Terms(shares * UNITS, limit, None, None, None), now_ns)
        return order.reason

    told = "price_collar_percent: limit 11 is 10 % above the last price 10, over 5 %"
    assert amend(5, 10.5) == ""
    assert amend(5, 11.0) == amend(4, 11.0) == amend(6, 11.0) == told
    assert amend(10, 10.0) == "max_order_quantity: 10 is over 9"
    prices.append(5.0)
    assert amend(5, 10.25, 1) == ""  # it pays less than before, if still too much
    assert amend(5, 10.26, 1).startswith("price_collar_percent")
