"""Nothing is opened in the first minutes, nor by what waits for them."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.risk_house import House, ask, check_cut_and_monotone, houses, sizes, verdict

from app.core.calendar import TradingSession
from app.core.intervals import MINUTE_NS, SECOND_NS
from app.core.orders import MARKET_ON_CLOSE, MARKET_ON_OPEN
from app.services.risk.rules.no_entries_first_minutes import check

OPEN_NS, CLOSE_NS, END_NS = 100 * MINUTE_NS, 490 * MINUTE_NS, 600 * MINUTE_NS
SESSION = TradingSession("XNYS", dt.date(2024, 1, 2), OPEN_NS, CLOSE_NS)
HOUSE = House(session=SESSION, end_ns=END_NS)
WAITS = (0, "it would be there at the open, whose first 5 minutes take none")


@pytest.mark.parametrize(
    ("now_ns", "expected"),
    [
        (OPEN_NS - 1, None),  # trading before the open
        (OPEN_NS, (0, "the session opened 0 s ago, under 5 minutes")),
        (OPEN_NS + 299 * SECOND_NS, (0, "the session opened 299 s ago, under 5 minutes")),
        (OPEN_NS + 5 * MINUTE_NS, None),
        (CLOSE_NS, None),
        (END_NS - 1, None),
        (END_NS, WAITS),
        (END_NS + 900 * MINUTE_NS, WAITS),
    ],
)
def test_so_many_minutes_from_the_open_take_no_entries(
    now_ns: int, expected: tuple[float, str] | None
) -> None:
    assert verdict(check, ask(5, now_ns=now_ns), HOUSE, 5) == expected
    assert verdict(check, ask(-500, now_ns=now_ns), HOUSE, 5) == expected


def test_an_order_for_the_opening_auction_is_one_of_them() -> None:
    for kind, expected in ((MARKET_ON_OPEN, WAITS), (MARKET_ON_CLOSE, None)):
        given_ask = ask(5, now_ns=OPEN_NS - 1)
        given_ask.kind = kind
        assert verdict(check, given_ask, HOUSE, 5) == expected


@given(houses, sizes, st.integers(0, 500), st.integers(1, 400))
def test_nothing_passes_within_them(house: House, shares: int, now: int, minutes: int) -> None:
    house.session, house.end_ns = SESSION, END_NS
    found = check(ask(shares, now_ns=now * MINUTE_NS), house, house, minutes)
    assert (found is None) == (now not in range(100, 100 + minutes))
    check_cut_and_monotone(check, house, shares, minutes)
