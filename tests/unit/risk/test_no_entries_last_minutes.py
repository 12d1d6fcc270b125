"""Nothing is opened in the last minutes, half days included, nor in the closing auction."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.risk_house import House, ask, check_cut_and_monotone, houses, sizes, verdict

from app.core.calendar import TradingSession
from app.core.intervals import MINUTE_NS, SECOND_NS
from app.core.orders import MARKET_ON_CLOSE, MARKET_ON_OPEN
from app.services.risk.rules.no_entries_last_minutes import check

OPEN_NS, CLOSE_NS, END_NS = 100 * MINUTE_NS, 490 * MINUTE_NS, 600 * MINUTE_NS
SESSION = TradingSession("XNYS", dt.date(2024, 1, 2), OPEN_NS, CLOSE_NS)
HOUSE = House(session=SESSION, end_ns=END_NS)


@pytest.mark.parametrize(
    ("now_ns", "expected"),
    [
        (OPEN_NS, None),
        (CLOSE_NS - 5 * MINUTE_NS - 1, None),
        (CLOSE_NS - 5 * MINUTE_NS, (0, "the session closes in 300 s, within 5 minutes")),
        (CLOSE_NS - SECOND_NS, (0, "the session closes in 1 s, within 5 minutes")),
        (CLOSE_NS, (0, "the session closes in 0 s, within 5 minutes")),
        (CLOSE_NS + 1, None),  # trading after the close
    ],
)
def test_so_many_minutes_up_to_the_close_take_no_entries(
    now_ns: int, expected: tuple[float, str] | None
) -> None:
    assert verdict(check, ask(5, now_ns=now_ns), HOUSE, 5) == expected
    assert verdict(check, ask(-500, now_ns=now_ns), HOUSE, 5) == expected


def test_an_order_for_the_closing_auction_is_one_of_them() -> None:
    late = (0, "it would fill at the close, whose last 5 minutes take none")
    for kind, expected in ((MARKET_ON_CLOSE, late), (MARKET_ON_OPEN, None)):
        given_ask = ask(5, now_ns=OPEN_NS)
        given_ask.kind = kind
        assert verdict(check, given_ask, HOUSE, 5) == expected


@given(houses, sizes, st.integers(0, 500), st.integers(1, 400), st.integers(200, 490))
def test_nothing_passes_within_them(
    house: House, shares: int, now: int, minutes: int, close: int
) -> None:
    house.session = TradingSession("XNYS", dt.date(2024, 1, 2), OPEN_NS, close * MINUTE_NS)
    found = check(ask(shares, now_ns=now * MINUTE_NS), house, house, minutes)
    assert (found is None) == (now not in range(close - minutes, close + 1))
    check_cut_and_monotone(check, house, shares, minutes)
