"""What may be asked of Binance: its weights and counts of orders are never gone beyond."""

import json
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.binance_house import (
    KEY,
    SECRET,
    BinancePeer,
    day_of_bars,
    day_session,
    library,
    minute,
)

from app.core.intervals import MINUTE_NS, SECOND_NS
from app.core.money import to_units
from app.core.orders import GTC, LIMIT, MARKET, Terms
from app.core.venue import VenueOrder, VenueRefused, VenueUnclear
from app.integrations.binance.adapter import BinanceAdapter, open_binance
from app.integrations.binance.endpoints import Keys
from app.integrations.binance.limits import Limits
from app.integrations.binance.peer.fees import Fees
from app.integrations.binance.problems import TooManyRequests
from app.managers.time_manager.clock import WallClock

BTC, ETH, BNB = "BTC/USDT", "ETH/USDT", "BNB/USDT"
PLACE, ORDER, TRADES = "POST /api/v3/order", "GET /api/v3/order", "GET /api/v3/myTrades"


@pytest.fixture
def peer() -> Iterator[BinancePeer]:
    found = BinancePeer({BTC: day_of_bars(60_000.0), ETH: day_of_bars(2_000.0)}, day_session())
    yield found
    found.close()


@pytest.fixture
def venue(peer: BinancePeer) -> Iterator[BinanceAdapter]:
    found = opened(peer)
    yield found
    found.close()


def opened(peer: BinancePeer) -> BinanceAdapter:
    keys = Keys(KEY, SECRET)
    return open_binance(peer.url, keys, (BTC, ETH), WallClock(), np.random.default_rng(1))


def order(name: str, amount: str = "0.001", **fields: object) -> VenueOrder:
    kind = MARKET if fields.pop("market", False) else LIMIT
    limit = None if kind == MARKET else 59_000.0
    terms = Terms(to_units(amount), limit, None, None, None)
    told = {"client_id": name, "symbol": BTC, "kind": kind, "tif": GTC, "terms": terms, **fields}
    return VenueOrder(**told)  # type: ignore[arg-type]


# -- limits ----------------------------------------------------------------------------------------


def test_a_burst_of_orders_is_refused_here_and_never_there(
    venue: BinanceAdapter, peer: BinancePeer
) -> None:
    for number in range(90):
        venue.place(order(f"a-{number}", "0.0001"))
    with pytest.raises(TooManyRequests, match=r"orders of ten seconds \(90\) would be exceeded"):
        venue.place(order("b-1", "0.0001"))
    assert peer.asked.count(PLACE) == 90
    peer.by_hand(positions={BTC: to_units("1")})
    closing = order("c-1", "-0.001", reduce_only=True)
    assert venue.place(closing).client_id == "c-1"  # what closes has the rest
    peer.to(minute(0))
    venue.time()
    assert venue.place(order("b-1", "0.0001")).client_id == "b-1"


def test_a_burst_of_questions_never_gets_a_429(venue: BinanceAdapter, peer: BinancePeer) -> None:
    refused = 0
    for _ in range(120):
        try:
            venue.open_orders()
        except VenueUnclear as error:
            assert "429" not in str(error)
            refused += 1
    assert refused > 0
    assert peer.weights.used <= peer.weights.limit


def test_questions_leave_weight_to_cancels_and_exits(
    venue: BinanceAdapter, peer: BinancePeer
) -> None:
    peer.by_hand(positions={BTC: to_units("1")})
    venue.place(order("a-1"))
    for ask in (lambda: venue.executions(0), venue.positions, lambda: venue.order("a-1", BTC)):
        with pytest.raises(VenueUnclear, match="would be exceeded"):
            while True:
                ask()
    for number in range(30):
        venue.place(order(f"c-{number}", "-0.001", reduce_only=True))
    venue.cancel("a-1", BTC)


def test_orders_that_somebody_else_gave_with_the_same_account_count(
    venue: BinanceAdapter, peer: BinancePeer
) -> None:
    other = opened(peer)
    for number in range(88):
        other.place(order(f"o-{number}", "0.0001"))
    other.close()
    venue.place(order("a-1", "0.0001"))  # by its answer the count is known
    with pytest.raises(TooManyRequests):
        for number in range(2, 5):
            venue.place(order(f"a-{number}", "0.0001"))
    assert peer.asked.count(PLACE) <= 90


def test_limits_are_those_that_binance_tells() -> None:
    limits = Limits()
    limits.learn([
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 50},
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 2},
        {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 1},
    ])  # fmt: skip
    assert limits.take(40, 0, 0) == ""
    assert limits.take(10, 0, 0, yields=True) == "the weight of this minute (45)"
    assert limits.take(10, 0, 0) == ""
    assert limits.take(1, 0, 1) == "the weight of this minute (50)"
    assert [limits.take(0, 1, MINUTE_NS) for _ in range(3)] == [
        "", "", "the orders of ten seconds (2)",
    ]  # fmt: skip
    assert limits.take(0, 1, MINUTE_NS + 10 * SECOND_NS) == ""


@settings(max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 200), st.booleans()), max_size=60))
def test_no_span_ever_holds_more_than_its_limit(asked: list[tuple[int, int, bool]]) -> None:
    limits, now_ns, weight, orders = Limits(), 0, 0, 0
    for seconds, size, is_order in asked:
        before_ns, now_ns = now_ns, now_ns + seconds * SECOND_NS
        weight = 0 if now_ns // MINUTE_NS != before_ns // MINUTE_NS else weight
        ten_ns = 10 * SECOND_NS
        orders = 0 if now_ns // ten_ns != before_ns // ten_ns else orders
        if not limits.take(size * 20, int(is_order), now_ns):
            weight, orders = weight + size * 20, orders + is_order
        assert weight <= 6_000
        assert orders <= 100


# -- what is not asked -----------------------------------------------------------------------------


def test_an_order_is_asked_for_at_its_own_symbol_alone(
    venue: BinanceAdapter, peer: BinancePeer
) -> None:
    venue.place(order("a-1"))
    again = opened(peer)
    peer.asked.clear()
    assert again.order("a-1", BTC) is not None
    assert again.order("never-1", BTC) is None
    assert peer.asked.count(ORDER) == 2
    peer.asked.clear()
    again.cancel("a-1", BTC)
    assert [one for one in peer.asked if "order" in one] == ["DELETE /api/v3/order"]
    with pytest.raises(VenueRefused, match="not opened for 'XRP/USDT'"):
        again.order("a-1", "XRP/USDT")
    again.close()


def test_an_order_that_binance_has_put_into_its_archive_is_known_no_more(
    venue: BinanceAdapter, peer: BinancePeer
) -> None:
    peer.fail(ORDER, status=400, code=-2026)
    assert venue.order("a-1", BTC) is None


def test_whose_a_trade_is_is_known_from_the_placement(
    venue: BinanceAdapter, peer: BinancePeer
) -> None:
    venue.place(order("a-1", market=True))
    peer.to(minute(1))
    assert [one.client_id for one in venue.executions(0)] == ["a-1"]
    assert ORDER not in peer.asked


def test_a_trade_that_is_told_behind_a_later_one_is_not_missed(
    venue: BinanceAdapter, peer: BinancePeer
) -> None:
    for number in range(1, 4):
        venue.place(order(f"a-{number}", market=True))
        peer.to(minute(number))
    told = library(peer).get_my_trades(symbol="BTCUSDT", fromId=0)
    peer.fail(TRADES, status=200, body=json.dumps([told[0], told[2]]).encode())
    assert [one.client_id for one in venue.executions(0)] == ["a-1", "a-3"]
    assert [one.client_id for one in venue.executions(0)] == ["a-1", "a-2", "a-3"]
    peer.to(minute(9))
    venue.place(order("a-4", market=True))
    peer.to(minute(10))
    assert len(venue.executions(0)) == len(venue.executions(0)) == 4, "each is told once"


def test_all_symbols_are_looked_up_at_once(venue: BinanceAdapter, peer: BinancePeer) -> None:
    assert venue.filters(BTC).base == "BTC"
    assert venue.filters(ETH).base == "ETH"
    venue.positions()
    assert peer.asked.count("GET /api/v3/exchangeInfo") == 1


# -- fees in coins ---------------------------------------------------------------------------------


def test_a_fee_is_told_in_the_coin_it_is_taken_in(venue: BinanceAdapter, peer: BinancePeer) -> None:
    peer.charge_by(Fees())
    venue.place(order("a-1", "0.00123", market=True))
    peer.to(minute(1))
    (bought,) = venue.executions(0)
    assert (bought.units, bought.fee_units, bought.fee_currency) == (123_000, 123, "BTC")
    assert venue.positions() == {BTC: 123_000 - 123}
    venue.place(order("a-2", "-0.00122", market=True, reduce_only=True))
    peer.to(minute(2))
    sold = venue.executions(0)[-1]
    paid = to_units("60000.01") * 122 // 100_000
    assert (sold.fee_units, sold.fee_currency) == (paid // 1_000, "")
    assert venue.positions() == {BTC: 1_000 - 123}
    assert venue.cash() == {"USDT": to_units("100000") - to_units("73.8") + paid - paid // 1_000}


def test_a_fee_in_bnb_is_told_as_one_and_its_coins_are_cash(
    venue: BinanceAdapter, peer: BinancePeer
) -> None:
    peer.charge_by(Fees(last_price=lambda symbol, at_ns: 600.0 if symbol == BNB else None))
    peer.by_hand(cash={"BNB": to_units("1")})
    venue.place(order("a-1", "0.001", market=True))
    peer.to(minute(1))
    (bought,) = venue.executions(0)
    assert (bought.fee_currency, bought.fee_units) == ("BNB", 7_500)  # 0.06 USDT, less a quarter
    assert venue.cash()["BNB"] == to_units("1") - 7_500
    assert venue.positions() == {BTC: 100_000}
