"""No more orders work at a time than its limit says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.risk_house import House, ask, check_cut_and_monotone, houses, sizes, verdict

from app.core.money import UNITS
from app.services.risk.rules.max_open_orders import check


@pytest.mark.parametrize(
    ("working", "expected"),
    [(0, None), (2, None), (3, (0, "4 is over 3")), (7, (0, "8 is over 3"))],
)
def test_one_more_is_refused(working: int, expected: tuple[float, str] | None) -> None:
    assert verdict(check, ask(5), House(working=working), 3) == expected


def test_an_amendment_is_no_other_order() -> None:
    more = ask(5, whole_units=9 * UNITS)
    assert verdict(check, more, House(working=7), 3) is None


@given(houses, sizes, st.integers(1, 6))
def test_what_it_lets_through_is_within_it(house: House, shares: int, most: int) -> None:
    found = check(ask(shares), house, house, most)
    assert (found is None) is (house.working + 1 <= most)
    if found is None:
        check_cut_and_monotone(check, house, shares, most)
