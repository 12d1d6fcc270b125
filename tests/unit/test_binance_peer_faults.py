"""Each fault of the Binance peer, armed as `POST /faults` does it and met by the real library."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
import requests
from binance.exceptions import BinanceAPIException, BinanceRequestException
from tests.binance_house import (
    KEY,
    SECRET,
    BinancePeer,
    account_events,
    day_of_bars,
    day_session,
    library,
    listening,
    minute,
)
from tests.practice_house import Heard

from app.core.errors import UsageError
from app.core.orders import ACCEPTED, FILLED, LIMIT, MARKET, Terms
from app.core.venue import (
    Connected,
    Disconnected,
    Execution,
    VenueBar,
    VenueOrder,
    VenueRefused,
    VenueReport,
    VenueUnclear,
)
from app.integrations.binance.adapter import BinanceAdapter, open_binance
from app.integrations.binance.endpoints import Keys
from app.integrations.binance.peer.faults import PLACES
from app.integrations.binance.problems import REFUSED_CODES, UNCLEAR_CODES, TooManyRequests
from app.integrations.practice.wire import Fault
from app.managers.time_manager.clock import WallClock

BTC = "BTC/USDT"
ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC",
         "price": "59000", "quantity": "0.001", "newClientOrderId": "a-1"}  # fmt: skip


@pytest.fixture
def peer() -> Iterator[BinancePeer]:
    found = BinancePeer({BTC: day_of_bars(60_000.0)}, day_session())
    found.to(minute(0))
    yield found
    found.close()


@pytest.fixture
def venue(peer: BinancePeer) -> Iterator[BinanceAdapter]:
    chance = np.random.default_rng(1)
    found = open_binance(peer.url, Keys(KEY, SECRET), (BTC,), WallClock(), chance)
    found.time()
    yield found
    found.close()


def order(name: str, kind: str = LIMIT, units: int = 100_000) -> VenueOrder:
    limit = 59_000.0 if kind == LIMIT else None
    terms = Terms(units, limit, None, None, None)
    return VenueOrder(client_id=name, symbol=BTC, kind=kind, tif="gtc", terms=terms)


def fired(peer: BinancePeer) -> dict[str, int]:
    return peer.venue.menu.told().fired


# -- answers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_done", [False, True])
@pytest.mark.parametrize("code", [-1000, -1001, -1006, -1007, -1008])
def test_a_code_of_unknown_execution_comes_with_the_order_given_or_not(
    peer: BinancePeer, code: int, is_done: bool
) -> None:
    client = library(peer)
    peer.arm(Fault("error_code", 1, where="place", code=code, after_accept=is_done))
    with pytest.raises(BinanceAPIException) as told:
        client.create_order(**ORDER)
    assert (told.value.code, told.value.status_code) == (code, 503)
    assert len(client.get_open_orders()) == is_done
    assert code in UNCLEAR_CODES


@pytest.mark.parametrize("code", [-1003, -1015, -1021, -2010, -2011, -2013, -2015])
def test_a_code_of_refusal_comes_with_its_status_and_nothing_done(
    peer: BinancePeer, code: int
) -> None:
    client = library(peer)
    peer.arm(Fault("error_code", 1, where="place", code=code))
    with pytest.raises(BinanceAPIException) as told:
        client.create_order(**ORDER)
    status = {-1003: 429, -1015: 429, -2015: 401}.get(code, 400)
    assert (told.value.code, told.value.status_code) == (code, status)
    assert client.get_open_orders() == []
    assert code in REFUSED_CODES


def test_a_time_that_is_off_is_put_right_and_the_order_given_once(
    peer: BinancePeer, venue: BinanceAdapter
) -> None:
    peer.arm(Fault("error_code", 1, where="place", code=-1021))
    assert venue.place(order("a-1")).state == ACCEPTED
    assert peer.asked.count("POST /api/v3/order") == 2
    assert len(venue.open_orders()) == 1


@pytest.mark.parametrize(
    ("fault", "is_done"),
    [
        (Fault("http_status", 1, where="place", status=500), False),
        (Fault("http_status", 1, where="place", status=503, after_accept=True), True),
        (Fault("http_garbage", 1, where="place"), False),
        (Fault("http_garbage", 1, where="place", after_accept=True), True),
        (Fault("http_error_body", 1, where="place", after_accept=True), True),
        (Fault("http_truncated", 1, where="place"), True),
        (Fault("html", 1, where="place", status=502), False),
        (Fault("html", 1, where="place", status=403, after_accept=True), True),
        (Fault("reset_before_accept", 1, where="place"), False),
        (Fault("reset_after_accept", 1, where="place"), True),
        (Fault("timeout_before_accept", 1, where="place", seconds=0.05), False),
        (Fault("timeout_after_accept", 1, where="place", seconds=0.05), True),
        (Fault("error_code", 1, where="place", code=-1006, after_accept=True), True),
        (Fault("error_code", 1, where="place", code=-1007), False),
    ],
    ids=lambda value: value.kind if isinstance(value, Fault) else str(value),
)
def test_what_is_no_clear_answer_is_unclear_and_the_venue_says_later_what_has_become_of_it(
    peer: BinancePeer, venue: BinanceAdapter, fault: Fault, is_done: bool
) -> None:
    peer.arm(fault)
    with pytest.raises(VenueUnclear):
        venue.place(order("a-1"))
    assert fired(peer) == {fault.kind: 1}
    assert peer.asked.count("POST /api/v3/order") == 1
    found = venue.order("a-1")
    assert (found is not None) == is_done


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("reset_before_accept", 1), requests.ConnectionError),
        (Fault("timeout_after_accept", 1, seconds=0.05), requests.ConnectionError),
        (Fault("http_truncated", 1), BinanceRequestException),
        (Fault("html", 1, status=502), BinanceAPIException),
    ],
    ids=lambda value: value.kind if isinstance(value, Fault) else "",
)
def test_the_library_meets_what_it_is_said_to_be(
    peer: BinancePeer, fault: Fault, error: type[Exception]
) -> None:
    client = library(peer)
    peer.arm(fault)
    with pytest.raises(error):
        client.create_order(**ORDER)


def test_a_slow_answer_is_one_all_the_same(peer: BinancePeer, venue: BinanceAdapter) -> None:
    peer.arm(Fault("slow", 1, where="place", seconds=0.2))
    clock = WallClock()
    began_ns = clock.monotonic_ns()
    assert venue.place(order("a-1")).state == ACCEPTED
    assert clock.monotonic_ns() - began_ns >= 0.2e9


@pytest.mark.parametrize(("kind", "status"), [("too_many_requests", 429), ("banned", 418)])
def test_turned_away_all_requests_are_until_the_time_that_was_told(
    peer: BinancePeer, kind: str, status: int
) -> None:
    client = library(peer)
    peer.arm(Fault(kind, 1, where="place", seconds=30))
    for ask in (lambda: client.create_order(**ORDER), client.get_server_time):
        with pytest.raises(BinanceAPIException) as told:
            ask()
        assert (told.value.code, told.value.status_code) == (-1003, status)
        assert client.response.headers["Retry-After"] == "30"
    peer.to(minute(0) + 29 * 10**9)
    with pytest.raises(BinanceAPIException):
        client.get_server_time()
    assert client.response.headers["Retry-After"] == "1"
    peer.to(minute(0) + 30 * 10**9)
    client.timestamp_offset += 30_000
    assert client.get_open_orders() == []


def test_an_order_of_ours_that_is_turned_away_is_refused_and_no_more_are_sent(
    peer: BinancePeer, venue: BinanceAdapter
) -> None:
    peer.arm(Fault("banned", 1, where="place", seconds=60))
    for _ in range(3):
        with pytest.raises(TooManyRequests):
            venue.place(order("a-1"))
    assert peer.asked.count("POST /api/v3/order") == 1


# -- orders ----------------------------------------------------------------------------------------


def test_an_order_is_not_found_for_a_while(peer: BinancePeer, venue: BinanceAdapter) -> None:
    peer.arm(Fault("not_found", 1, seconds=30))
    venue.place(order("a-1"))
    assert venue.order("a-1") is None
    peer.to(minute(0) + 30 * 10**9)
    found = venue.order("a-1")
    assert found is not None
    assert found.state == ACCEPTED


def test_an_order_that_was_taken_is_rejected_after_all(
    peer: BinancePeer, venue: BinanceAdapter
) -> None:
    peer.arm(Fault("reject_after_accept", 1, seconds=1))
    venue.place(order("a-1"))
    peer.to(minute(1))
    found = venue.order("a-1")
    assert found is not None
    assert found.state == "REJECTED"


def test_a_cancel_comes_too_late(peer: BinancePeer, venue: BinanceAdapter) -> None:
    peer.to(minute(1))
    venue.place(order("a-1"))
    peer.arm(Fault("cancel_raced", 1))
    with pytest.raises(VenueRefused, match="-2011"):
        venue.cancel("a-1")
    found = venue.order("a-1")
    assert found is not None
    assert found.state == FILLED


def test_a_fill_comes_after_the_cancel(peer: BinancePeer, venue: BinanceAdapter) -> None:
    peer.to(minute(1))
    venue.place(order("a-1"))
    peer.arm(Fault("fill_after_cancel", 1, seconds=1))
    venue.cancel("a-1")
    peer.to(minute(2))
    assert [one.units for one in venue.executions(0)] == [100_000]


# -- streams ---------------------------------------------------------------------------------------


def heard_starts(items: list[Any]) -> list[int]:
    """Which minutes of the day came, in the order they did."""
    return [(one.start_ns - minute(0)) // 60_000_000_000 for one in items]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault("drop", 1, where="market"), [1, 2, 3]),
        (Fault("duplicate", 1, where="market"), [0, 0, 1, 2, 3]),
        (Fault("reorder", 1, where="market"), [1, 0, 2, 3]),
        (Fault("delay", 1, where="market", seconds=90), [1, 0, 2, 3]),
    ],
    ids=lambda value: value.kind if isinstance(value, Fault) else "",
)
def test_minutes_are_lost_doubled_turned_round_and_late(
    peer: BinancePeer, venue: BinanceAdapter, fault: Fault, told: list[int]
) -> None:
    heard = Heard()
    venue.market_stream((BTC,), heard)
    heard.until(Connected)
    peer.arm(fault)
    for number in range(1, 5):
        peer.to(minute(number))
    found = [heard.until(VenueBar) for _ in told]
    assert heard_starts(found) == told
    whole = venue.bars(BTC, "1m", minute(0), minute(4))
    assert ((whole.start_ns - minute(0)) // 60_000_000_000).tolist() == [0, 1, 2, 3]


def test_a_stream_that_is_silent_says_nothing_and_stands(peer: BinancePeer) -> None:
    with listening(peer, "/ws/btcusdt@trade") as heard:
        peer.arm(Fault("silent", 1, where="market", seconds=150))
        for number in range(1, 5):
            peer.to(minute(number))
        times = [(heard.next()["T"] * 10**6 - minute(0)) // 60_000_000_000 for _ in range(1)]
        assert times == [3]


def test_a_fill_that_was_lost_on_the_stream_is_in_the_trades(
    peer: BinancePeer, venue: BinanceAdapter
) -> None:
    heard = Heard()
    venue.order_stream(heard)
    heard.until(Connected)
    venue.place(order("a-1", MARKET))
    assert heard.until(VenueReport).state == ACCEPTED
    peer.arm(Fault("fill_lost", 1))
    peer.to(minute(1))
    venue.place(order("a-2"))
    assert heard.until(VenueReport).client_id == "a-2"
    assert not any(isinstance(one, Execution) for one in heard.items)
    assert [one.client_id for one in venue.executions(0)] == ["a-1"]


@pytest.mark.parametrize(
    "fault",
    [Fault("day_disconnect", 1), Fault("disconnect", 1), Fault("partial_then_disconnect", 1)],
    ids=lambda fault: fault.kind,
)
def test_a_connection_is_cut_and_comes_back(
    peer: BinancePeer, venue: BinanceAdapter, fault: Fault
) -> None:
    heard = Heard()
    venue.order_stream(heard)
    heard.until(Connected)
    peer.arm(fault)
    venue.place(order("a-1", MARKET))
    peer.to(minute(1))
    assert "ConnectionClosed" in heard.until(Disconnected).reason
    heard.until(Connected)
    peer.to(minute(2))
    found = venue.order("a-1")
    assert found is not None
    assert found.state == FILLED
    assert sum(one.units for one in venue.executions(0)) == 100_000


def test_a_subscription_expires_and_is_taken_anew(peer: BinancePeer, venue: BinanceAdapter) -> None:
    with account_events(peer) as raw:
        heard = Heard()
        venue.order_stream(heard)
        heard.until(Connected)
        peer.arm(Fault("subscription_expired", 1))
        assert raw.until("eventStreamTerminated")["E"] == minute(0) // 10**6
        assert "eventStreamTerminated" in heard.until(Disconnected).reason
        heard.until(Connected)
        venue.place(order("a-1"))
        assert heard.until(VenueReport).client_id == "a-1"
        with pytest.raises(TimeoutError):
            raw.connection.recv(timeout=0.05)  # it stands, and its subscription does not


# -- the menu --------------------------------------------------------------------------------------


def test_every_fault_is_met_in_this_file() -> None:
    here = Path(__file__).read_text()
    assert [kind for kind in PLACES if f'"{kind}"' not in here] == []


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault("id_rollback"), "There is no fault 'id_rollback'"),
        (Fault("bannned"), "There is no fault 'bannned'.*banned"),
        (Fault("error_code", where="market"), "`where` of error_code is 'market'"),
        (Fault("slow", after_accept=True), "`after_accept` is for"),
    ],
    ids=lambda value: value.kind if isinstance(value, Fault) else "",
)
def test_a_fault_that_is_none_is_refused(peer: BinancePeer, fault: Fault, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        peer.venue.menu.arm([fault])


def test_what_is_armed_and_fired_is_told(peer: BinancePeer) -> None:
    peer.arm(Fault("error_code", 2, where="place", code=-2010))
    with pytest.raises(BinanceAPIException):
        library(peer).create_order(**ORDER)
    told = httpx2.get(f"{peer.url}/faults", trust_env=False).json()
    assert told["fired"] == {"error_code": 1}
    assert [(one["kind"], one["count"], one["code"]) for one in told["armed"]] == [
        ("error_code", 1, -2010)
    ]
