"""So many entries may leave within a second."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.risk_house import House, ask, check_cut_and_monotone, houses, sizes, verdict

from app.core.intervals import SECOND_NS
from app.services.risk.rules.max_orders_per_second import check

NOW_NS = 10 * SECOND_NS
JUST_NS = NOW_NS - SECOND_NS


@pytest.mark.parametrize(
    ("left", "most", "expected"),
    [
        ((), 1, None),
        ((NOW_NS,), 2, None),
        ((NOW_NS,), 1, (0, "2 in a second is over 1")),
        ((JUST_NS,), 1, None),  # a whole second ago
        ((JUST_NS + 1,), 1, (0, "2 in a second is over 1")),
        ((JUST_NS, JUST_NS + 1, NOW_NS), 3, None),
        ((JUST_NS + 1, NOW_NS, NOW_NS), 3, (0, "4 in a second is over 3")),
    ],
)
def test_a_second_has_room_for_its_limit(
    left: tuple[int, ...], most: int, expected: tuple[float, str] | None
) -> None:
    house = House(left=left)
    assert verdict(check, ask(5, now_ns=NOW_NS), house, most) == expected
    assert verdict(check, ask(-500, now_ns=NOW_NS), house, most) == expected


@given(st.lists(st.integers(0, 40)), st.integers(1, 5))
def test_no_second_ever_holds_more(tenths: list[int], most: int) -> None:
    house = House()
    for tenth in sorted(tenths):
        now_ns = tenth * SECOND_NS // 10
        if check(ask(1, now_ns=now_ns), house, house, most) is None:
            house.left += (now_ns,)
    for first in house.left:
        assert sum(first <= instant < first + SECOND_NS for instant in house.left) <= most


@given(houses, sizes, st.integers(1, 3))
def test_the_size_of_an_entry_changes_nothing(house: House, shares: int, most: int) -> None:
    house.left = (0, 0)
    check_cut_and_monotone(check, house, shares, most)
    assert (check(ask(shares), house, house, most) is None) == (most == 3)
