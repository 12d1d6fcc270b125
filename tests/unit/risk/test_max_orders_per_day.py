"""So many entries may leave in a session."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.risk_house import House, ask, check_cut_and_monotone, houses, sizes, verdict

from app.services.risk.rules.max_orders_per_day import check


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (0, None),
        (4, None),
        (5, (0, "6 in the session is over 5")),
        (9, (0, "10 in the session is over 5")),
    ],
)
def test_a_session_has_room_for_its_limit(left: int, expected: tuple[float, str] | None) -> None:
    assert verdict(check, ask(5), House(left=(0,) * left), 5) == expected
    assert verdict(check, ask(-500), House(left=(0,) * left), 5) == expected


@given(houses, sizes, st.integers(0, 9), st.integers(1, 9))
def test_no_session_ever_holds_more(house: House, shares: int, left: int, most: int) -> None:
    house.left = (0,) * left
    check_cut_and_monotone(check, house, shares, most)
    assert (check(ask(shares), house, house, most) is None) == (left + 1 <= most)
