"""When orders for an auction are too late for it, by market and to the nanosecond."""

import datetime as dt

import pytest

from app.core.calendar import TradingSession
from app.core.intervals import HOUR_NS, MINUTE_NS
from app.core.orders import MARKET_ON_CLOSE, MARKET_ON_OPEN, Order
from app.services.auctions import belongs_to, cut_offs_of, too_late

OPEN_NS, CLOSE_NS = 100 * HOUR_NS, 106 * HOUR_NS
SESSION = TradingSession("XNYS", dt.date(2024, 1, 2), OPEN_NS, CLOSE_NS)


@pytest.mark.parametrize(
    ("market", "minutes"),
    [("XNYS", 10), ("NYSE", 10), ("XNAS", 5), ("NASDAQ", 5), ("XTKS", 10)],
)
def test_each_market_takes_orders_for_its_auctions_until_its_cut_offs(
    market: str, minutes: int
) -> None:
    cut_offs = cut_offs_of(market)
    for kind, cut_off_ns in (
        (MARKET_ON_OPEN, OPEN_NS - 2 * MINUTE_NS),
        (MARKET_ON_CLOSE, CLOSE_NS - minutes * MINUTE_NS),
    ):
        for now_ns, in_time in ((cut_off_ns, True), (cut_off_ns + 1, False)):
            order = Order(1, 0, "X", 0, 1, now_ns, kind=kind)
            assert belongs_to(order, SESSION, cut_offs) == in_time
            assert (too_late(kind, now_ns, SESSION, cut_offs) == "") == in_time
    told = too_late(MARKET_ON_CLOSE, CLOSE_NS - 1, SESSION, cut_offs)
    assert f"orders for the close are taken until {minutes} minutes before it" in told


@pytest.mark.parametrize(
    ("kind", "last_ns"), [(MARKET_ON_OPEN, OPEN_NS), (MARKET_ON_CLOSE, CLOSE_NS - 1)]
)
def test_behind_its_auction_an_order_is_for_the_next_one(kind: str, last_ns: int) -> None:
    cut_offs = cut_offs_of("XNYS")
    assert too_late(kind, last_ns, SESSION, cut_offs).startswith("after_cut_off")
    assert too_late(kind, last_ns + 1, SESSION, cut_offs) == ""
