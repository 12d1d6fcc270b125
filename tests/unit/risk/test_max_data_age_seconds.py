"""Nothing is opened on a symbol that has fallen silent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.risk_house import House, ask, check_cut_and_monotone, houses, sizes, verdict

from app.core.intervals import SECOND_NS
from app.services.risk.rules.max_data_age_seconds import check

NOW_NS = 1_000 * SECOND_NS


@pytest.mark.parametrize(
    ("bar_ns", "expected"),
    [
        (NOW_NS, None),
        (NOW_NS - 90 * SECOND_NS, None),
        (NOW_NS - 90 * SECOND_NS - 10, (0, "its last bar ended 90.00000001 s ago, over 90")),
        (NOW_NS - 600 * SECOND_NS, (0, "its last bar ended 600 s ago, over 90")),
        (-1, (0, "it has no bar in this session yet")),
    ],
)
def test_the_last_bar_must_be_young(bar_ns: int, expected: tuple[float, str] | None) -> None:
    assert verdict(check, ask(5, now_ns=NOW_NS), House(bar_ns=bar_ns), 90) == expected
    assert verdict(check, ask(-500, now_ns=NOW_NS), House(bar_ns=bar_ns), 90) == expected


@given(houses, sizes, st.integers(0, 9), st.integers(0, 9), st.integers(1, 9))
def test_an_older_bar_never_passes(
    house: House, shares: int, bar: int, later: int, most: int
) -> None:
    house.bar_ns = bar * SECOND_NS
    given_ask = ask(shares, now_ns=(bar + later) * SECOND_NS)
    assert (check(given_ask, house, house, most) is None) == (later <= most)
    house.bar_ns = 0
    check_cut_and_monotone(check, house, shares, most)
