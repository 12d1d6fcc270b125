"""What is held less what is short is worth no more than its limit, either way."""

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
from app.services.risk.rules.max_net_value import check


@pytest.mark.parametrize(
    ("house", "shares", "expected"),
    [
        (House(), 100, None),
        (House(), 101, (100, "1010 is over 1000")),
        (House(), -101, (-100, "1010 is over 1000")),
        (House(others=-600), 160, None),  # what is short makes room
        (House(others=-600), 161, (160, "1010 is over 1000")),
        (House(others=600, buys=20), 21, (20, "1010 is over 1000")),
        (House(others=600, sells=900), 41, (40, "1010 is over 1000")),  # they may not fill
        (House(others=1500), 1, (0, "1510 is over 1000")),
        (House(others=1500), -150, None),  # it comes down
        (House(others=1500), -250, None),
        (House(others=1500), -251, (-250, "1010 is over 1000")),
        (House(price=0), 1, (0, "no price is known")),
    ],
)
def test_net_exposure_is_cut_at_its_limit(
    house: House, shares: int, expected: tuple[float, str] | None
) -> None:
    assert verdict(check, ask(shares), house, 1000 * UNITS) == expected


@given(houses, sizes, st.integers(1, 100_000))
def test_what_it_lets_through_is_within_it(house: House, shares: int, most: int) -> None:
    allowed = allowed_by(check, house, shares, most * UNITS)
    side = ask(shares)
    before, after = house.net_units(side), with_order(house, allowed).net_units(side)
    assert abs(after) <= max(most * UNITS, abs(before))
    check_cut_and_monotone(check, house, shares, most * UNITS)
