"""All that is held, long and short, is worth no more than its limit, filled the worse way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.risk_house import (
    House,
    allowed_by,
    ask,
    check_cut_and_monotone,
    houses,
    sizes,
    verdict,
    with_order,
)

from app.core.money import UNITS
from app.services.risk.rules.max_gross_value import check


@pytest.mark.parametrize(
    ("house", "shares", "expected"),
    [
        (House(), 100, None),
        (House(), 101, (100, "1010 is over 1000")),
        (House(), -100, None),
        (House(), -101, (-100, "1010 is over 1000")),
        (House(others=400), 60, None),
        (House(others=400), 61, (60, "1010 is over 1000")),
        (House(others=-400), 61, (60, "1010 is over 1000")),  # what is short counts too
        (House(held=50, buys=30), 21, (20, "1010 is over 1000")),
        (House(held=50, sells=150), 50, None),  # the sales are the worse way already
        (House(held=50, sells=150), 51, (50, "1010 is over 1000")),
        (House(held=-50), 150, None),  # through flat
        (House(held=-50), 151, (150, "1010 is over 1000")),
        (House(others=1200), 1, (0, "1210 is over 1000")),
        (House(others=1200, held=-50), 100, None),  # over already, and this adds nothing
        (House(others=1200, held=-50), 101, (100, "1710 is over 1000")),
        (House(price=0), 1, (0, "no price is known")),
        (House(price=0, held=-1), 2, None),
    ],
)
def test_exposure_is_cut_at_its_limit(
    house: House, shares: int, expected: tuple[float, str] | None
) -> None:
    assert verdict(check, ask(shares), house, 1000 * UNITS) == expected


def test_a_limit_above_the_last_price_counts() -> None:
    assert verdict(check, ask(50, 20.0), House(), 1000 * UNITS) is None
    assert verdict(check, ask(51, 20.0), House(), 1000 * UNITS) == (50, "1020 is over 1000")
    assert verdict(check, ask(51, 5.0), House(), 1000 * UNITS) is None


@given(houses, sizes, st.integers(1, 100_000))
def test_what_it_lets_through_is_within_it(house: House, shares: int, most: int) -> None:
    allowed = allowed_by(check, house, shares, most * UNITS)
    before, after = house.gross_units(), with_order(house, allowed).gross_units()
    assert after <= max(most * UNITS, before)
    check_cut_and_monotone(check, house, shares, most * UNITS)
