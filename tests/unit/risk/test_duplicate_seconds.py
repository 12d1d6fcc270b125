"""No entry leaves twice within so many seconds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.risk_house import House, ask, check_cut_and_monotone, houses, sizes, verdict

from app.core.intervals import SECOND_NS
from app.core.money import UNITS
from app.services.risk.rules.duplicate_seconds import check

NOW_NS = 100 * SECOND_NS


@pytest.mark.parametrize(
    ("before_ns", "expected"),
    [
        (None, None),
        (NOW_NS, (0, "an equal one left 0 s ago, under 5")),
        (NOW_NS - 1_500_000_000, (0, "an equal one left 1.5 s ago, under 5")),
        (NOW_NS - 5 * SECOND_NS + 1, (0, "an equal one left 4.99999999 s ago, under 5")),
        (NOW_NS - 5 * SECOND_NS, None),
        (0, None),
    ],
)
def test_an_equal_entry_waits(before_ns: int | None, expected: tuple[float, str] | None) -> None:
    assert verdict(check, ask(5, now_ns=NOW_NS), House(alike_ns=before_ns), 5) == expected


def test_an_amendment_repeats_nothing() -> None:
    grown = ask(1, whole_units=6 * UNITS, now_ns=NOW_NS)
    assert verdict(check, grown, House(alike_ns=NOW_NS), 5) is None


@given(houses, sizes, st.integers(0, 9), st.integers(1, 9))
def test_equal_entries_are_never_closer(
    house: House, shares: int, ago_seconds: int, seconds: int
) -> None:
    house.alike_ns = -ago_seconds * SECOND_NS
    check_cut_and_monotone(check, house, shares, seconds)
    assert (check(ask(shares), house, house, seconds) is None) == (ago_seconds >= seconds)
