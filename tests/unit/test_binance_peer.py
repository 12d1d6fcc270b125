"""The Binance peer, asked by the real library with nothing of ours between."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
from binance.exceptions import BinanceAPIException
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.binance_house import (
    DAY_OPEN_NS,
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

from app.core.money import UNITS
from app.core.venue import VenueTime
from app.integrations.binance.peer.face import BinanceFace
from app.integrations.binance.peer.intervals import longer
from app.integrations.binance.peer.made_coins import COINS, minutes_of
from app.integrations.binance.peer.routes import ROUTES
from app.integrations.binance.peer.signatures import Account, check_rest
from app.integrations.binance.peer.weights import Weights
from app.integrations.binance.peer.wrong import Wrong
from app.integrations.practice.venue.exchange import Request

BTC, ETH = "BTC/USDT", "ETH/USDT"
LIMIT = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
OPEN_MS, MINUTE_MS = DAY_OPEN_NS // 1_000_000, 60_000


@pytest.fixture(scope="module")
def shared() -> Iterator[BinancePeer]:
    """For what only asks: six hours into the day."""
    found = BinancePeer({BTC: day_of_bars(60_000.0), ETH: day_of_bars(2_000.0)}, day_session())
    found.to(minute(360) + 30 * 10**9)
    yield found
    found.close()


@pytest.fixture
def peer() -> Iterator[BinancePeer]:
    found = BinancePeer({BTC: day_of_bars(60_000.0), ETH: day_of_bars(2_000.0)}, day_session())
    found.to(minute(0))
    yield found
    found.close()


def code_of(ask: Any) -> int:
    """The code it is turned down with."""
    with pytest.raises(BinanceAPIException) as told:
        ask()
    return int(told.value.code)


def raw(peer: BinancePeer, method: str, path: str, key: str = KEY, **asked: Any) -> Any:
    """A signed request, as bare as can be."""
    asked = {"timestamp": peer.now_ns // 1_000_000, **asked}
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    signed = hmac.new(SECRET.encode(), query.encode(), hashlib.sha256).hexdigest()
    url = f"{peer.url}{path}?{query}&signature={signed}"
    return httpx2.request(method, url, headers={"X-MBX-APIKEY": key}, trust_env=False)


# -- pages of bars ---------------------------------------------------------------------------------


def opens(rows: list[list[Any]]) -> list[int]:
    """By minutes of the day."""
    return [(row[0] - OPEN_MS) // MINUTE_MS for row in rows]


def at(minutes: float) -> int:
    return OPEN_MS + int(minutes * MINUTE_MS)


@pytest.mark.parametrize(
    ("asked", "first", "last", "count"),
    [
        ({}, 0, 360, 361),  # the latest 500: there are not so many
        ({"limit": 3}, 358, 360, 3),
        ({"startTime": at(10)}, 10, 360, 351),
        ({"startTime": at(10), "limit": 5}, 10, 14, 5),
        ({"startTime": at(10.5), "limit": 5}, 11, 15, 5),
        ({"startTime": at(10), "endTime": at(12)}, 10, 12, 3),
        ({"startTime": at(10), "endTime": at(12) - 1}, 10, 11, 2),
        ({"startTime": at(10), "endTime": at(12) + 1}, 10, 12, 3),
        ({"endTime": at(20), "limit": 4}, 17, 20, 4),
        ({"endTime": at(20) - 1, "limit": 4}, 16, 19, 4),
        ({"endTime": at(900), "limit": 2}, 359, 360, 2),
        ({"startTime": at(355), "endTime": at(900)}, 355, 360, 6),
        ({"limit": 5_000}, 0, 360, 361),
    ],
    ids=str,
)
def test_a_page_of_bars_has_those_that_open_in_between_and_the_one_under_way(
    shared: BinancePeer, asked: dict[str, int], first: int, last: int, count: int
) -> None:
    found = opens(library(shared).get_klines(symbol="BTCUSDT", interval="1m", **asked))
    assert (found[0], found[-1], len(found)) == (first, last, count)
    assert found == list(range(first, last + 1))


def test_no_bar_is_told_where_none_opens(shared: BinancePeer) -> None:
    client = library(shared)
    for asked in ({"startTime": at(361)}, {"startTime": at(5) + 1, "endTime": at(6) - 1}):
        assert client.get_klines(symbol="BTCUSDT", interval="1m", **asked) == []


def test_a_minute_under_way_is_told_as_it_began_and_nothing_of_what_is_to_come(
    shared: BinancePeer,
) -> None:
    (row,) = library(shared).get_klines(symbol="BTCUSDT", interval="1m", limit=1)
    assert row[0] == at(360)
    assert set(row[1:5]) == {"60003.60000000"}
    assert (row[5], row[6]) == ("0.00000000", at(361) - 1)


def test_longer_bars_are_cut_at_whole_multiples_and_told_as_far_as_they_go(
    shared: BinancePeer,
) -> None:
    rows = library(shared).get_klines(symbol="BTCUSDT", interval="1h", startTime=at(240))
    assert opens(rows) == [240, 300, 360]
    assert [row[1] for row in rows] == ["60002.40000000", "60003.00000000", "60003.60000000"]
    assert (rows[0][2], rows[0][3]) == ("60003.99000000", "60001.40000000")
    assert [row[5] for row in rows] == ["3000.00000000", "3000.00000000", "0.00000000"]
    (day,) = library(shared).get_klines(symbol="BTCUSDT", interval="1d", limit=1)
    assert (day[0], day[1], day[5]) == (OPEN_MS, "60000.00000000", "18000.00000000")


@settings(max_examples=50, deadline=None)
@given(
    start=st.integers(-20, 1_500), length=st.integers(1, 700), page=st.integers(1, 400),
    hour=st.integers(1, 23),
)  # fmt: skip
def test_pages_one_after_another_bring_each_bar_once(
    shared: BinancePeer, start: int, length: int, page: int, hour: int
) -> None:
    """Read on from the end of each page, as everybody does who imports."""
    told, next_ms = [], at(start)
    ground, now = shared.ground, VenueTime(minute(hour * 60))
    act = shared_klines()
    while True:
        asked = {
            "symbol": "BTCUSDT", "interval": "1m", "startTime": str(next_ms),
            "endTime": str(at(start + length) - 1), "limit": str(page),
        }  # fmt: skip
        rows = act(ground, asked, now)
        told += opens(rows)
        if len(rows) < page:
            break
        next_ms = rows[-1][0] + MINUTE_MS
    known = range(max(start, 0), min(start + length, hour * 60 + 1))
    assert told == list(known)


def shared_klines() -> Any:
    from app.integrations.binance.peer.market import klines

    return klines


def test_bars_of_an_unknown_symbol_or_interval_are_refused(shared: BinancePeer) -> None:
    client = library(shared)
    assert code_of(lambda: client.get_klines(symbol="XRPUSDT", interval="1m")) == -1121
    assert code_of(lambda: client.get_klines(symbol="BTCUSDT", interval="7m")) == -1120
    assert code_of(lambda: client.get_klines(symbol="BTCUSDT")) == -1102
    assert code_of(lambda: client.get_klines(symbol="BTCUSDT", interval="1m", limit="x")) == -1100


def test_the_latest_trades_make_the_last_minutes(shared: BinancePeer) -> None:
    client = library(shared)
    rows = client.get_recent_trades(symbol="BTCUSDT", limit=8)
    assert [row["time"] for row in rows[-4:]] == [at(359) + s * 1000 for s in (0, 20, 40, 59)]
    assert len({row["id"] for row in rows}) == 8
    some = client.get_aggregate_trades(symbol="BTCUSDT", startTime=at(5), endTime=at(6) - 1)
    assert [row["T"] for row in some] == [at(5) + s * 1000 for s in (0, 20, 40, 59)]
    again = client.get_aggregate_trades(symbol="BTCUSDT", fromId=some[1]["a"], limit=3)
    assert [row["a"] for row in again] == [some[1]["a"] + more for more in range(3)]


def test_prices_are_told_by_symbol_and_all_together(shared: BinancePeer) -> None:
    client = library(shared)
    assert client.get_symbol_ticker(symbol="ETHUSDT")["price"] == "2003.59000000"
    assert [one["symbol"] for one in client.get_all_tickers()] == ["BTCUSDT", "ETHUSDT"]
    best = client.get_orderbook_ticker(symbol="ETHUSDT")
    assert (best["bidPrice"], best["askPrice"]) == ("2003.58000000", "2003.60000000")


def test_what_is_listed_is_told_of_one_of_some_and_of_all(shared: BinancePeer) -> None:
    client = library(shared)

    def names(**asked: str) -> list[str]:
        told = client._get("exchangeInfo", version="v3", data=asked)
        return [one["symbol"] for one in told["symbols"]]

    assert names() == ["BTCUSDT", "ETHUSDT"]
    assert names(symbol="ETHUSDT") == ["ETHUSDT"]
    assert names(symbols='["ETHUSDT","BTCUSDT"]') == ["ETHUSDT", "BTCUSDT"]
    assert code_of(lambda: names(symbol="NONE")) == -1121
    assert code_of(lambda: names(symbols="ETHUSDT")) == -1100


# -- weights ---------------------------------------------------------------------------------------


def test_each_answer_tells_the_weight_used_in_its_minute(peer: BinancePeer) -> None:
    client = library(peer)
    used = []
    for ask in (client.get_server_time, client.get_account, client.get_open_orders):
        ask()
        used.append(int(client.response.headers["X-MBX-USED-WEIGHT-1M"]))
    assert used == [1, 21, 101]
    client.get_open_orders(symbol="BTCUSDT")
    assert client.response.headers["X-MBX-USED-WEIGHT-1M"] == "107"
    peer.to(minute(1))
    client.get_server_time()
    assert client.response.headers["X-MBX-USED-WEIGHT-1M"] == "1"


def test_orders_are_counted_by_ten_seconds_and_by_the_day(peer: BinancePeer) -> None:
    client = library(peer)
    for number in (1, 2):
        client.create_order(**LIMIT, price="59000", quantity="0.001")
        headers = client.response.headers
        assert headers["X-MBX-ORDER-COUNT-10S"] == headers["X-MBX-ORDER-COUNT-1D"] == str(number)
    peer.to(minute(0) + 10 * 10**9)
    client.timestamp_offset += 10_000
    client.create_order(**LIMIT, price="59000", quantity="0.001")
    headers = client.response.headers
    assert (headers["X-MBX-ORDER-COUNT-10S"], headers["X-MBX-ORDER-COUNT-1D"]) == ("1", "3")


def test_over_the_limit_a_request_is_turned_away_until_the_next_minute(peer: BinancePeer) -> None:
    client = library(peer)
    peer.weights.used, peer.weights.minute = 5_999, peer.now_ns // 60_000_000_000
    client.get_server_time()
    assert code_of(client.get_server_time) == -1003
    assert (client.response.status_code, client.response.headers["Retry-After"]) == (429, "60")
    peer.to(minute(1))
    client.get_server_time()


def test_who_asks_on_when_turned_away_is_banned_for_a_while(peer: BinancePeer) -> None:
    client = library(peer)
    peer.weights.used, peer.weights.minute = 6_000, peer.now_ns // 60_000_000_000
    statuses = []
    for _ in range(30):
        code_of(client.get_server_time)
        statuses.append(client.response.status_code)
    assert statuses == [429] * 20 + [418] * 10
    assert int(client.response.headers["Retry-After"]) > 60
    peer.to(minute(1))  # a new minute does not end it
    code_of(client.get_server_time)
    assert client.response.status_code == 418
    peer.to(minute(3))
    client.get_server_time()


@settings(max_examples=100)
@given(st.lists(st.tuples(st.integers(1, 2_000), st.integers(0, 30)), max_size=40))
def test_no_minute_ever_serves_more_than_its_limit(asked: list[tuple[int, int]]) -> None:
    weights, now_ns, served = Weights(), 0, {}
    for weight, seconds in asked:
        now_ns += seconds * 10**9
        try:
            weights.add(weight, now_ns)
        except Wrong as wrong:
            assert wrong.status in (418, 429)
            continue
        minute_number = now_ns // 60_000_000_000
        served[minute_number] = served.get(minute_number, 0) + weight
    assert all(total <= weights.limit for total in served.values())


# -- signatures ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"key": "another"}, -2015),
        ({"key": ""}, -2014),
        ({"timestamp": OPEN_MS - 5_001}, -1021),
        ({"timestamp": OPEN_MS + 1_000}, -1021),
        ({"timestamp": "now"}, -1100),
        ({"timestamp": ""}, -1102),
        ({"recvWindow": 60_001}, -1131),
        ({"recvWindow": 0}, -1131),
    ],
    ids=str,
)
def test_a_request_that_is_not_signed_as_it_should_be_is_refused(
    peer: BinancePeer, asked: dict[str, Any], code: int
) -> None:
    told = raw(peer, "GET", "/api/v3/account", **asked)
    assert told.json()["code"] == code
    assert told.status_code == (401 if code in (-2014, -2015) else 400)
    assert SECRET not in told.text


def test_a_request_within_its_window_is_taken(peer: BinancePeer) -> None:
    for more in ({"timestamp": OPEN_MS - 4_999}, {"timestamp": OPEN_MS + 999}, {"recvWindow": 1}):
        assert raw(peer, "GET", "/api/v3/account", **more).status_code == 200


@settings(max_examples=100)
@given(place=st.integers(0, 60), letter=st.characters(min_codepoint=33, max_codepoint=126))
def test_a_letter_changed_anywhere_breaks_the_signature(place: int, letter: str) -> None:
    account, query = Account(KEY, SECRET), f"symbol=BTCUSDT&quantity=0.5&timestamp={OPEN_MS}"
    good = hmac.new(SECRET.encode(), query.encode(), hashlib.sha256).hexdigest()
    now = VenueTime(DAY_OPEN_NS)
    check_rest(account, f"{query}&signature={good}", KEY, now)
    place %= len(query)
    changed = query[:place] + letter + query[place + 1 :]
    if changed != query:
        with pytest.raises(Wrong) as told:
            check_rest(account, f"{changed}&signature={good}", KEY, now)
        assert told.value.code == -1022


def test_its_secret_is_in_no_text_of_it() -> None:
    assert SECRET not in repr(Account(KEY, SECRET))


# -- orders ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"symbol": "XRPUSDT"}, -1121),
        ({"side": "HOLD"}, -1117),
        ({"type": "OCO"}, -1116),
        ({"timeInForce": "DAY"}, -1115),
        ({"timeInForce": ""}, -1102),
        ({"quantity": "0"}, -1013),
        ({"quantity": "much"}, -1100),
        ({"quantity": "-1"}, -1100),
        ({"quantity": "0.000000001"}, -1111),
        ({"quantity": "0.000001"}, -1013),
        ({"quantity": "NaN"}, -1100),
        ({"price": "59000.001"}, -1013),
        ({"price": ""}, -1102),
        ({"price": "0"}, -1013),
        ({"quantity": "0.00001"}, -1013),
        ({"quantity": "99"}, -2010),
        ({"side": "SELL"}, -2010),
        ({"newClientOrderId": "x" * 37}, -1100),
        ({"type": "MARKET"}, -1106),
    ],
    ids=str,
)
def test_an_order_that_is_none_is_refused_with_its_code(
    peer: BinancePeer, changed: dict[str, str], code: int
) -> None:
    client = library(peer)
    asked = {**LIMIT, "price": "59000", "quantity": "0.001", **changed}
    assert code_of(lambda: client.create_order(**asked)) == code
    assert client.get_open_orders() == []
    if code not in (-1102,):
        assert code_of(lambda: client.create_test_order(**asked)) == code


def test_an_order_can_be_tried_and_is_not_given(peer: BinancePeer) -> None:
    client = library(peer)
    assert client.create_test_order(**LIMIT, price="59000", quantity="0.001") == {}
    assert client.get_open_orders() == []


def test_open_orders_of_one_symbol_are_ended_together(peer: BinancePeer) -> None:
    client = library(peer)
    for number, symbol in enumerate(("BTCUSDT", "BTCUSDT", "ETHUSDT")):
        words = {**LIMIT, "symbol": symbol, "price": "1999", "quantity": "0.01"}
        client.create_order(**words, newClientOrderId=f"a-{number}")
    ended = client.cancel_all_open_orders(symbol="BTCUSDT")
    assert [(one["origClientOrderId"], one["status"]) for one in ended] == [
        ("a-0", "CANCELED"), ("a-1", "CANCELED"),
    ]  # fmt: skip
    assert [one["clientOrderId"] for one in client.get_open_orders()] == ["a-2"]
    assert code_of(lambda: client.cancel_all_open_orders(symbol="BTCUSDT")) == -2011
    known = client.get_all_orders(symbol="BTCUSDT")
    assert [one["status"] for one in known] == ["CANCELED", "CANCELED"]
    later = client.get_all_orders(symbol="BTCUSDT", orderId=known[1]["orderId"])
    assert [one["clientOrderId"] for one in later] == ["a-1"]


def replaced(peer: BinancePeer, **more: str) -> Any:
    asked = {**LIMIT, "price": "59100", "quantity": "0.001", "newClientOrderId": "a-2", **more}
    return raw(peer, "POST", "/api/v3/order/cancelReplace", **asked)


def test_an_order_is_replaced_by_another_in_one_request(peer: BinancePeer) -> None:
    client = library(peer)
    client.create_order(**LIMIT, price="59000", quantity="0.001", newClientOrderId="a-1")
    mode = {"cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrigClientOrderId": "a-1"}
    told = replaced(peer, **mode).json()
    assert (told["cancelResult"], told["newOrderResult"]) == ("SUCCESS", "SUCCESS")
    assert told["cancelResponse"]["origClientOrderId"] == "a-1"
    assert told["newOrderResponse"]["clientOrderId"] == "a-2"
    assert [one["clientOrderId"] for one in client.get_open_orders()] == ["a-2"]


def test_a_replacement_tells_which_half_of_it_failed(peer: BinancePeer) -> None:
    client = library(peer)
    client.create_order(**LIMIT, price="59000", quantity="0.001", newClientOrderId="a-1")
    stop = {"cancelReplaceMode": "STOP_ON_FAILURE"}
    told = replaced(peer, **stop, cancelOrigClientOrderId="never")
    assert (told.status_code, told.json()["code"]) == (400, -2022)
    assert told.json()["data"]["newOrderResult"] == "NOT_ATTEMPTED"
    told = replaced(peer, **stop, cancelOrigClientOrderId="a-1", quantity="99")
    assert (told.status_code, told.json()["code"]) == (409, -2021)
    assert told.json()["data"]["cancelResult"] == "SUCCESS"
    assert told.json()["data"]["newOrderResponse"]["code"] == -2010
    anyhow = {"cancelReplaceMode": "ALLOW_FAILURE", "cancelOrigClientOrderId": "a-1"}
    told = replaced(peer, **anyhow)
    assert (told.status_code, told.json()["code"]) == (409, -2021)
    assert [one["clientOrderId"] for one in client.get_open_orders()] == ["a-2"]
    assert replaced(peer, **anyhow, quantity="99").json()["code"] == -2022


def test_a_path_that_is_none_is_refused_as_binance_does(peer: BinancePeer) -> None:
    told = httpx2.get(f"{peer.url}/api/v3/nothing", trust_env=False)
    assert (told.status_code, told.json()["code"]) == (404, -1099)


def test_the_practice_venue_s_own_door_stands_beside(peer: BinancePeer) -> None:
    about = httpx2.get(f"{peer.url}/venue", trust_env=False).json()
    assert (about["market"], about["symbols"]) == ("24/7", [BTC, ETH])
    assert about["stream_port"] == int(peer.url.rpartition(":")[2]) + 1
    library(peer).create_order(**LIMIT, price="59000", quantity="0.001", newClientOrderId="a-1")
    orders = httpx2.get(f"{peer.url}/orders", trust_env=False).json()["orders"]
    assert [one["client_id"] for one in orders] == ["a-1"]


WORDS = (
    "symbol", "symbols", "side", "type", "timeInForce", "newClientOrderId", "origClientOrderId",
    "interval", "cancelReplaceMode",
)  # fmt: skip
AMOUNTS = ("quantity", "price", "stopPrice")
COUNTS = (
    "limit", "orderId", "startTime", "endTime", "fromId", "cancelOrderId", "recvWindow",
)  # fmt: skip
ODD_WORD = st.text(max_size=8) | st.sampled_from((
    '["BTCUSDT"]', "[1]", "{", "", "SELL", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "IOC",
    "1h", "1d", "STOP_ON_FAILURE",
))  # fmt: skip
ODD_AMOUNT = st.sampled_from(("NaN", "Infinity", "1e400", "1e-400", "-1", "0", "²", "", "1e9"))
ODD_COUNT = st.sampled_from(("0", "1", "-1", "²", "", "9" * 18, "9" * 30, "x", str(OPEN_MS)))
CHANGE = st.one_of(
    st.tuples(st.sampled_from(WORDS), ODD_WORD),
    st.tuples(st.sampled_from(AMOUNTS), ODD_AMOUNT),
    st.tuples(st.sampled_from(COUNTS), ODD_COUNT),
)
USUAL = {
    **LIMIT, "quantity": "0.001", "price": "59000", "interval": "1m", "limit": "3",
    "cancelReplaceMode": "ALLOW_FAILURE", "origClientOrderId": "a-1",
}  # fmt: skip
METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "userDataStream.subscribe.signature", "ping", 5)
JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=5), one, max_size=3),
    max_leaves=4,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(
    st.tuples(st.sampled_from(sorted(ROUTES)), st.lists(CHANGE, max_size=2).map(dict)),
    min_size=8, max_size=16,
))  # fmt: skip
def test_nothing_that_is_asked_ends_the_peer(
    shared: BinancePeer, asked: list[tuple[str, dict[str, str]]]
) -> None:
    """An error that is not Binance's own would: it is raised out of `answer`."""
    face = BinanceFace(shared.ground, Account(KEY, SECRET))
    face.ground.weights = face.routes.weights = Weights()
    at = VenueTime(shared.now_ns)
    for route, words in asked:
        query = urlencode({"timestamp": at.venue_ns // 1_000_000, **USUAL, **words})
        signed = hmac.new(SECRET.encode(), query.encode(), hashlib.sha256).hexdigest()
        method, _, path = route.partition(" ")
        told = face.answer(
            Request(method, path, {}, b"", f"{query}&signature={signed}", {"x-mbx-apikey": KEY}), at
        )
        assert told.status in (200, 400, 409, 418, 429)
        assert told.status == 200 or json.loads(told.body)["code"] < 0


@settings(max_examples=60, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=40),
        st.fixed_dictionaries({"method": st.sampled_from(METHODS), "params": JSON}).map(json.dumps),
    ),
    st.sampled_from(("/ws", "/ws-api/v3", "/stream")),
)  # fmt: skip
def test_nothing_that_is_said_over_a_stream_ends_it(
    shared: BinancePeer, frame: str | bytes, path: str
) -> None:
    streams, at = shared.face.streams, VenueTime(shared.now_ns)
    listener = streams.joined(path, at)
    assert listener is not None
    streams.heard(listener, frame, at)
    told = json.loads(listener.take() or b"")
    assert {"result", "error"} & told.keys()
    streams.left(listener)


# -- streams ---------------------------------------------------------------------------------------


def test_a_stream_carries_what_was_asked_for_in_both_forms(peer: BinancePeer) -> None:
    with (
        listening(peer, "/stream?streams=btcusdt@trade/ethusdt@kline_1m") as both,
        listening(peer, "/ws/btcusdt@bookTicker") as bare,
    ):
        peer.to(minute(1))
        told = [both.next() for _ in range(3)]
        assert [one["stream"] for one in told] == ["btcusdt@trade", *["ethusdt@kline_1m"] * 2]
        assert [one["data"]["k"]["x"] for one in told[1:]] == [False, True]
        assert bare.next()["b"] == "59999.99000000"


def test_a_trade_has_the_same_number_on_the_stream_and_by_rest(peer: BinancePeer) -> None:
    with listening(peer, "/ws/btcusdt@aggTrade/btcusdt@trade") as heard:
        peer.to(minute(1))
        told = [heard.next() for _ in range(2)]
    number = library(peer).get_recent_trades(symbol="BTCUSDT", limit=1)[0]["id"]
    assert [told[0]["t"], told[1]["a"]] == [number, number]


def test_coins_of_which_there_are_none_are_left_out_where_it_is_asked(peer: BinancePeer) -> None:
    peer.by_hand(cash={"BNB": UNITS})
    peer.by_hand(cash={"BNB": 0})
    client = library(peer)
    told = [
        [one["asset"] for one in client.get_account(**asked)["balances"]]
        for asked in ({}, {"omitZeroBalances": "true"})
    ]
    assert told == [["USDT", "BNB"], ["USDT"]]


def test_streams_are_asked_for_and_left_on_the_way(peer: BinancePeer) -> None:
    with listening(peer, "/ws") as heard:
        assert heard.ask("SUBSCRIBE", ["btcusdt@kline_1m"])["result"] is None
        assert heard.ask("LIST_SUBSCRIPTIONS")["result"] == ["btcusdt@kline_1m"]
        peer.to(minute(1))
        assert [heard.next()["k"]["x"] for _ in range(2)] == [False, True]
        assert heard.ask("UNSUBSCRIBE", ["btcusdt@kline_1m"])["result"] is None
        assert heard.ask("LIST_SUBSCRIPTIONS")["result"] == []
        assert heard.ask("SUBSCRIBE", ["xrpusdt@trade"])["error"]["code"] == 2
        assert heard.ask("DANCE")["error"]["code"] == 2


def test_the_account_s_events_need_a_good_signature(peer: BinancePeer) -> None:
    with listening(peer, "/ws-api/v3") as heard:
        assert heard.ask("ping")["result"] == {}
        assert heard.ask("time")["result"]["serverTime"] == OPEN_MS
        words = {"apiKey": KEY, "timestamp": OPEN_MS, "signature": "0" * 64}
        told = heard.ask("userDataStream.subscribe.signature", words)
        assert (told["status"], told["error"]["code"]) == (400, -1022)
        told = heard.ask("userDataStream.subscribe.signature", {**words, "apiKey": "another"})
        assert (told["status"], told["error"]["code"]) == (401, -2015)
        assert heard.ask("order.place")["error"]["code"] == -1020
        heard.connection.send("no JSON")
        assert heard.next()["error"]["code"] == -1000


def test_after_each_change_the_account_s_coins_are_told(peer: BinancePeer) -> None:
    client = library(peer)
    with account_events(peer) as heard:
        client.create_order(**LIMIT, price="50000", quantity="0.1", newClientOrderId="a-1")
        assert heard.until("executionReport")["x"] == "NEW"
        coins = {one["a"]: (one["f"], one["l"]) for one in heard.next()["event"]["B"]}
        assert coins == {"BTC": ("0", "0"), "USDT": ("95000", "5000")}
        client.cancel_order(symbol="BTCUSDT", origClientOrderId="a-1")
        ended = heard.until("executionReport")
        assert (ended["x"], ended["C"], ended["X"]) == ("CANCELED", "a-1", "CANCELED")
        coins = {one["a"]: one["f"] for one in heard.next()["event"]["B"]}
        assert coins == {"BTC": "0", "USDT": "100000"}


def test_coins_that_come_by_hand_are_told_as_such(peer: BinancePeer) -> None:
    with account_events(peer) as heard:
        peer.by_hand(positions={BTC: UNITS // 2}, cash={"USDT": 90_000 * UNITS})
        told = [heard.until("balanceUpdate") for _ in range(2)]
        assert [(one["a"], one["d"]) for one in told] == [("BTC", "0.5"), ("USDT", "-10000")]
    held = {one["asset"]: one["free"] for one in library(peer).get_account()["balances"]}
    assert held == {"BTC": "0.5", "USDT": "90000"}


def test_a_connection_ends_after_a_day_of_the_peer_s_own_time(peer: BinancePeer) -> None:
    with listening(peer, "/ws/btcusdt@trade") as early:
        peer.to(minute(1))
        with listening(peer, "/ws/btcusdt@trade") as later:
            peer.to(minute(1_440) - 1)
            assert sum(1 for _ in range(1_439) if early.next()) == 1_439
            peer.to(minute(1_440))
            assert early.ended() == 1001
            assert all(later.next() for _ in range(1_439))
            peer.to(minute(1_441))
            assert later.ended() == 1001


# -- coins of our own making -----------------------------------------------------------------------


@settings(max_examples=50)
@given(
    symbol=st.sampled_from(sorted(COINS)), start=st.integers(28_000_000, 30_000_000),
    parts=st.lists(st.integers(1, 90), min_size=1, max_size=4),
)  # fmt: skip
def test_made_minutes_are_the_same_however_they_are_asked_for(
    symbol: str, start: int, parts: list[int]
) -> None:
    minute_ns = 60_000_000_000
    whole = minutes_of(symbol, start * minute_ns, (start + sum(parts)) * minute_ns)
    assert len(whole) == sum(parts)
    first = 0
    for part in parts:
        begin = start + first
        piece = minutes_of(symbol, begin * minute_ns, (begin + part) * minute_ns)
        assert piece.close.tolist() == whole.close[first : first + part].tolist()
        first += part
    assert (whole.low <= whole.open).all()
    assert (whole.high >= whole.close).all()
    assert whole.open[1:].tolist() == whole.close[:-1].tolist()
    assert (whole.low > 0).all()
    assert (whole.volume > 0).all()


def test_a_gap_begins_a_longer_bar_with_its_first_minute() -> None:
    minutes = minutes_of(BTC, DAY_OPEN_NS, DAY_OPEN_NS + 20 * 60_000_000_000)
    five = longer(minutes.slice(3, 12), 5 * 60_000_000_000)
    assert ((five.start_ns - DAY_OPEN_NS) // 60_000_000_000).tolist() == [0, 5, 10]
    assert five.open.tolist() == [minutes.open[3], minutes.open[5], minutes.open[10]]
    assert five.close.tolist() == [minutes.close[4], minutes.close[9], minutes.close[11]]
    assert json.dumps(five.volume.tolist()) == json.dumps(
        [sum(minutes.volume[a:b].tolist()) for a, b in ((3, 5), (5, 10), (10, 12))]
    )
