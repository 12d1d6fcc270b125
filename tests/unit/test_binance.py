"""Binance spot, asked by its real client library at a peer on this machine."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.binance_house import DAY_OPEN_NS as OPEN_NS
from tests.binance_house import KEY, SECRET, BinancePeer, day_of_bars, day_session, minute
from tests.practice_house import Heard

from app.core.errors import ConfigError
from app.core.intervals import DAY_NS, MINUTE_NS
from app.core.money import UNITS, to_units
from app.core.orders import (
    ACCEPTED,
    CANCELED,
    FILLED,
    GTC,
    LIMIT,
    MARKET,
    PARTIAL,
    STOP,
    STOP_LIMIT,
    TRAILING_STOP,
    Terms,
)
from app.core.settings import read_settings
from app.core.venue import (
    Connected,
    Disconnected,
    Execution,
    Heartbeat,
    Quote,
    Sizes,
    StopReached,
    Tick,
    TooSmall,
    TurnedAway,
    VenueBar,
    VenueOrder,
    VenueRefused,
    VenueReport,
    VenueUnclear,
    client_id,
)
from app.integrations.binance.adapter import BinanceAdapter, open_binance
from app.integrations.binance.endpoints import TESTNET_URL, Keys, endpoints_of
from app.integrations.binance.link import _Clock
from app.integrations.binance.problems import (
    FOREIGN,
    REFUSED_CODES,
    UNCLEAR_CODES,
    TooManyRequests,
    UnknownOrder,
    judged,
)
from app.integrations.binance.wire import amount_text, filters_of, price_text, their_symbol
from app.integrations.practice.venue.checks import Sizes as VenueSizes
from app.integrations.registry import open_venue
from app.managers.time_manager.clock import WallClock

BTC, ETH = "BTC/USDT", "ETH/USDT"
PLACE, CANCEL, ORDER = "POST /api/v3/order", "DELETE /api/v3/order", "GET /api/v3/order"


class Wall(WallClock):
    """The machine's clock, whose waits are noted and over at once."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.on_wait: Callable[[], None] = lambda: None

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.waits.append(seconds)
        self.on_wait()
        return False


@pytest.fixture
def peer() -> Iterator[BinancePeer]:
    found = BinancePeer({BTC: day_of_bars(60_000.0), ETH: day_of_bars(2_000.0)}, day_session())
    yield found
    found.close()


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def venue(peer: BinancePeer, wall: Wall) -> Iterator[BinanceAdapter]:
    found = opened(peer, wall)
    yield found
    found.close()


def opened(peer: BinancePeer, wall: Wall, secret: str = SECRET) -> BinanceAdapter:
    return open_binance(peer.url, Keys(KEY, secret), (BTC, ETH), wall, np.random.default_rng(1))


def order(
    name: str,
    amount: str,
    kind: str = MARKET,
    *,
    limit: float | None = None,
    stop: float | None = None,
    tif: str = GTC,
    symbol: str = BTC,
    reduce_only: bool = False,
) -> VenueOrder:
    return VenueOrder(
        client_id=name,
        symbol=symbol,
        kind=kind,
        tif=tif,
        terms=Terms(to_units(amount), limit, stop, None, None),
        reduce_only=reduce_only,
    )


# -- what is asked for and told --------------------------------------------------------------------


def test_its_time_is_told_and_kept_to_without_asking_again(
    venue: BinanceAdapter, peer: BinancePeer
) -> None:
    assert venue.time().venue_ns == peer.now_ns
    venue.open_orders()
    venue.cash()
    assert peer.asked.count("GET /api/v3/time") == 1


def test_sizes_a_minute_old_are_read_anew_and_those_of_one_symbol_alone(
    venue: BinanceAdapter, peer: BinancePeer
) -> None:
    route = "GET /api/v3/exchangeInfo"
    peer.ground.most_at_market_units = 30 * UNITS
    venue.time()
    first, lot = venue.sizes(BTC), Decimal("0.00001")
    assert first == Sizes(Decimal("0.01"), lot, Decimal(5), Decimal(30), lot)
    peer.ground.sizes[BTC] = VenueSizes(UNITS, UNITS, UNITS, "USDT")  # type: ignore[index]
    assert (venue.sizes(BTC), peer.asked.count(route)) == (first, 1)
    peer.to(minute(3))
    venue.time()
    assert venue.sizes(BTC) == Sizes(Decimal(1), Decimal(1), Decimal(5), Decimal(30), Decimal(1))
    assert venue.sizes(ETH) == first
    assert peer.asked.count(route) == 3
    assert venue.filters(BTC).tick == Decimal("0.01"), "the run's own are as they were"


def test_the_filters_of_a_symbol_are_told(venue: BinanceAdapter) -> None:
    found = venue.filters(BTC)
    assert (found.base, found.quote) == ("BTC", "USDT")
    assert (found.tick, found.lot) == (Decimal("0.01"), Decimal("0.00001"))
    assert found.min_notional == Decimal(5)
    with pytest.raises(VenueRefused, match="'XRP/USDT' is not traded"):
        venue.filters("XRP/USDT")


def test_a_market_order_fills_at_the_next_minute_and_moves_coins_and_cash(
    venue: BinanceAdapter, peer: BinancePeer
) -> None:
    name = client_id("run", 1)
    placed = venue.place(order(name, "0.00123"))
    assert (placed.client_id, placed.state, placed.symbol) == (name, ACCEPTED, BTC)
    assert (placed.units, placed.filled_units) == (123_000, 0)
    peer.to(minute(1))
    report = venue.order(name)
    assert report is not None
    assert (report.state, report.filled_units) == (FILLED, 123_000)
    (fill,) = venue.executions(0)
    assert (fill.client_id, fill.symbol, fill.units) == (name, BTC, 123_000)
    assert (fill.price, fill.at_ns, fill.venue_id) == (60_000.0, minute(1), placed.venue_id)
    assert venue.positions() == {BTC: 123_000}
    assert venue.cash() == {"USDT": to_units("100000") - to_units("73.8")}


@pytest.mark.parametrize(
    ("kind", "limit", "stop"),
    [(LIMIT, 59_000.5, None), (STOP, None, 61_000.25), (STOP_LIMIT, 61_100.0, 61_000.0)],
)
def test_an_order_of_each_kind_rests_as_it_was_given(
    venue: BinanceAdapter, kind: str, limit: float | None, stop: float | None
) -> None:
    venue.place(order("a-1", "0.001", kind, limit=limit, stop=stop))
    (found,) = venue.open_orders()
    assert (found.client_id, found.kind, found.state) == ("a-1", kind, ACCEPTED)
    assert (found.limit, found.stop, found.units) == (limit, stop, 100_000)


def test_an_order_is_canceled_under_the_name_it_was_given(venue: BinanceAdapter) -> None:
    venue.place(order("a-1", "0.001", LIMIT, limit=59_000.0))
    assert (venue.cancel("a-1").client_id, venue.open_orders()) == ("a-1", [])
    found = venue.order("a-1")
    assert found is not None
    assert found.state == CANCELED
    with pytest.raises(VenueRefused, match="-2011"):
        venue.cancel("a-1")


def test_after_a_restart_an_order_is_found_by_its_name_alone(
    venue: BinanceAdapter, peer: BinancePeer, wall: Wall
) -> None:
    venue.place(order("a-1", "0.01", LIMIT, limit=1_999.0, symbol=ETH))
    again = opened(peer, wall)
    found = again.order("a-1")
    assert found is not None
    assert (found.symbol, found.units) == (ETH, 1_000_000)
    assert again.cancel("a-1").state == CANCELED
    again.close()


def test_an_order_it_does_not_know_is_none_and_cannot_be_canceled(venue: BinanceAdapter) -> None:
    assert venue.order("never-1") is None
    with pytest.raises(UnknownOrder, match="never-1"):
        venue.cancel("never-1")


def test_sizes_have_the_digits_of_the_books_and_no_gigabyte_of_them() -> None:
    def told(size: str) -> dict[str, object]:
        kinds = {"PRICE_FILTER": ("tickSize",), "LOT_SIZE": ("stepSize", "minQty", "maxQty"),
                 "NOTIONAL": ("minNotional",)}  # fmt: skip
        filters = [{"filterType": kind, **dict.fromkeys(of, size)} for kind, of in kinds.items()]
        return {"baseAsset": "BTC", "quoteAsset": "USDT", "filters": filters}

    assert {str(one) for one in filters_of(told("0.00100000"))[3:]} == {"0.001"}
    assert {str(one) for one in filters_of(told("1E-999999999"))[3:]} == {"0"}
    for size in ("1E+999999999", "NaN", "Infinity"):
        with pytest.raises(FOREIGN):
            filters_of(told(size))


def test_an_order_given_by_hand_has_no_name_of_ours(
    venue: BinanceAdapter, peer: BinancePeer
) -> None:
    peer.by_hand(order("x", "0.001", LIMIT, limit=59_000.0))
    (found,) = venue.open_orders()
    assert (found.client_id, found.units) == ("", 100_000)


def test_executions_since_a_moment_leave_out_those_before(
    venue: BinanceAdapter, peer: BinancePeer
) -> None:
    for number in (1, 2, 3):
        venue.place(order(f"a-{number}", "0.001"))
        peer.to(minute(number))
    venue.place(order("e-1", "0.1", symbol=ETH))
    peer.to(minute(4))
    told = [one.client_id for one in venue.executions(minute(2))]
    assert told == ["a-2", "a-3", "e-1"]
    assert len({one.execution_id for one in venue.executions(0)}) == 4


def test_trades_are_read_page_by_page(
    venue: BinanceAdapter, peer: BinancePeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.integrations.binance.adapter.PAGE", 2)
    for number in range(1, 6):
        venue.place(order(f"a-{number}", "0.001"))
        peer.to(minute(number))
    assert [one.client_id for one in venue.executions(0)] == [f"a-{n}" for n in range(1, 6)]


def test_the_names_of_a_long_day_s_orders_are_asked_for_by_the_page(
    venue: BinanceAdapter, peer: BinancePeer, wall: Wall
) -> None:
    names = [f"a-{number}" for number in range(1, 25)]
    for number, name in enumerate(names, 1):
        venue.place(order(name, "0.001"))
        peer.to(minute(number))
    peer.by_hand(order("x", "0.001"))
    peer.to(minute(30))
    again = opened(peer, wall)  # as a start does, which remembers nothing
    peer.asked.clear()
    assert [one.client_id for one in again.executions(0)] == [*names, ""]
    assert peer.asked.count("GET /api/v3/allOrders") == 1
    assert peer.asked.count("GET /api/v3/order") == 0
    again.close()


def test_bars_are_read_page_by_page_and_only_those_that_are_closed(
    venue: BinanceAdapter, peer: BinancePeer
) -> None:
    peer.to(minute(1_200) + 30 * 10**9)
    told = venue.bars(BTC, "1m", OPEN_NS, OPEN_NS + DAY_NS)
    assert len(told) == 1_200
    assert peer.asked.count("GET /api/v3/klines") == 2
    assert np.array_equal(told.start_ns, OPEN_NS + np.arange(1_200) * MINUTE_NS)
    assert (told.close[0], told.volume[0]) == (60_000.0, 50.0)
    assert len(venue.bars(BTC, "1m", minute(5), minute(7))) == 2
    assert len(venue.bars(BTC, "1m", minute(5), minute(5))) == 0


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (order("a-1", "0.000001"), "LOT_SIZE"),
        (order("a-1", "0.00001"), "NOTIONAL"),
        (order("a-1", "0.001", LIMIT, limit=59_000.001), "-1013"),
        (order("a-1", "5"), "insufficient balance"),
        (order("a-1", "-0.001"), "insufficient balance"),
        (order("a-1", "0.001", TRAILING_STOP), "no trailing_stop orders"),
        (order("a-1", "0.001", LIMIT, limit=59_000.0, tif="day"), "tif day; give it gtc or ioc"),
        (order("a-1", "0.001", STOP, stop=61_000.0, tif="ioc"), "tif ioc; give it gtc"),
        (order("a-1", "0.001", reduce_only=True), "never short"),
        (order("a name", "0.001"), "no client id"),
        (order("a-1", "0.001", symbol="XRP/USDT"), "not opened for 'XRP/USDT'"),
        (order("a-1", "0.001", symbol="BTCUSDT"), "write it as BTC/USDT"),
    ],
)
def test_an_order_that_cannot_be_is_refused_with_its_reason(
    venue: BinanceAdapter, asked: VenueOrder, reason: str
) -> None:
    with pytest.raises(VenueRefused, match=reason):
        venue.place(asked)
    assert venue.open_orders() == []


def test_what_a_refusal_is_about_is_told_apart(venue: BinanceAdapter, peer: BinancePeer) -> None:
    with pytest.raises(TooSmall, match="worth less than Binance takes"):
        venue.place(order("a-1", "0.00001"))
    with pytest.raises(StopReached, match="passed its stop"):
        venue.place(order("a-2", "0.001", STOP, stop=59_000.0, tif=GTC))
    peer.fail(PLACE, status=429, code=-1003, retry_after=30)
    for _ in range(2):  # by Binance, which says for how long, and then here
        with pytest.raises(TurnedAway) as told:
            venue.place(order("a-3", "0.001"))
        assert 0 < told.value.wait_seconds <= 30
    assert peer.asked.count(PLACE) == 3


def test_a_name_that_was_used_is_refused(venue: BinanceAdapter) -> None:
    venue.place(order("a-1", "0.001", LIMIT, limit=59_000.0))
    with pytest.raises(VenueRefused, match="-2010"):
        venue.place(order("a-1", "0.002", LIMIT, limit=59_000.0))
    assert [one.units for one in venue.open_orders()] == [100_000]


def test_an_amendment_is_refused_and_the_order_stays(venue: BinanceAdapter) -> None:
    venue.place(order("a-1", "0.001", LIMIT, limit=59_000.0))
    with pytest.raises(VenueRefused, match="cannot change order 'a-1'"):
        venue.amend("a-1", Terms(100_000, 59_001.0, None, None, None))
    assert [one.limit for one in venue.open_orders()] == [59_000.0]


def test_a_key_that_may_withdraw_is_refused_before_the_first_order(
    venue: BinanceAdapter, peer: BinancePeer
) -> None:
    peer.ground.can_withdraw = True
    with pytest.raises(VenueRefused, match="may withdraw"):
        venue.place(order("a-1", "0.001"))
    assert PLACE not in peer.asked


def test_a_wrong_secret_is_refused_and_told_nowhere(
    peer: BinancePeer, wall: Wall, caplog: pytest.LogCaptureFixture
) -> None:
    venue = opened(peer, wall, secret="canary-of-a-secret")
    with pytest.raises(VenueRefused, match=r"-1022.*MISMARTERA_BINANCE_SECRET") as told:
        venue.open_orders()
    assert peer.url.removeprefix("http://") in str(told.value)
    assert "canary" not in f"{told.value}{told.value.__cause__!r}{caplog.text}"
    assert "canary" not in repr(Keys(KEY, "canary-of-a-secret"))
    venue.close()


def test_a_wrong_key_is_refused_by_the_name_of_its_variable(peer: BinancePeer, wall: Wall) -> None:
    keys = Keys("canary-of-a-key", SECRET)
    venue = open_binance(peer.url, keys, (BTC,), wall, np.random.default_rng(1))
    with pytest.raises(VenueRefused, match=r"-2015.*MISMARTERA_BINANCE_KEY") as told:
        venue.open_orders()
    assert "canary" not in str(told.value)
    venue.close()


def test_without_keys_prices_are_told_and_orders_refused(peer: BinancePeer, wall: Wall) -> None:
    venue = open_binance(peer.url, Keys("", ""), (BTC,), wall, np.random.default_rng(1))
    peer.to(minute(3))
    assert len(venue.bars(BTC, "1m", OPEN_NS, minute(3))) == 3
    with pytest.raises(VenueRefused, match="MISMARTERA_BINANCE_KEY"):
        venue.place(order("a-1", "0.001"))
    venue.close()


@pytest.mark.parametrize(
    "url",
    [
        "https://api.binance.com",
        "https://testnet.binance.vision.evil.example",
        "http://127.0.0.1.evil.example:80",
        "http://127.0.0.1@evil.example:80",
        "http://[::1",
        "https://127.0.0.1:443",
        "http://127.0.0.1",
        "",
    ],
)
def test_no_other_address_than_the_testnet_and_a_peer_here_is_taken(url: str) -> None:
    with pytest.raises(ConfigError, match=r"refused|no address"):
        endpoints_of(url)


def test_the_testnet_is_the_usual_address() -> None:
    usual = endpoints_of(None)
    assert usual == endpoints_of(f"{TESTNET_URL}/")
    assert all("testnet.binance.vision" in one for one in usual if one)


@pytest.fixture
def from_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The keys of the peer, where a user puts them."""
    monkeypatch.setenv("MISMARTERA_BINANCE_KEY", KEY)
    monkeypatch.setenv("MISMARTERA_BINANCE_SECRET", SECRET)
    monkeypatch.setattr("app.integrations.registry.get_settings", read_settings)


@pytest.mark.usefixtures("from_environment")
def test_by_its_name_it_is_opened_with_the_keys_of_the_environment(
    peer: BinancePeer, wall: Wall
) -> None:
    venue = open_venue("binance", peer.url, symbols=(BTC,), wall=wall)
    assert venue.cash() == {"USDT": to_units("100000")}
    venue.close()
    assert SECRET in read_settings().secrets()  # so that the log blots it out


@pytest.mark.usefixtures("from_environment")
def test_by_its_name_too_only_the_testnet_and_a_peer_are_taken(wall: Wall) -> None:
    with pytest.raises(ConfigError, match="Real money is traded by the word"):
        open_venue("binance", "https://api.binance.com", symbols=(BTC,), wall=wall)
    with pytest.raises(ConfigError, match="write it as BTC/USDT"):
        open_venue("binance", symbols=("AAPL",), wall=wall)
    open_venue("binance", symbols=(BTC,), wall=wall).close()  # asks nothing


def test_the_library_is_imported_by_nobody_who_trades_elsewhere() -> None:
    code = "import sys, app.integrations.registry; sys.exit('binance' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# -- errors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", sorted(UNCLEAR_CODES))
def test_after_an_unclear_code_the_order_may_stand(
    venue: BinanceAdapter, peer: BinancePeer, code: int
) -> None:
    venue.time()
    peer.fail(PLACE, status=400, code=code, after=True)
    with pytest.raises(VenueUnclear, match=str(code)):
        venue.place(order("a-1", "0.001", LIMIT, limit=59_000.0))
    assert venue.order("a-1") is not None
    assert peer.asked.count(PLACE) == 1


@pytest.mark.parametrize("code", sorted(set(REFUSED_CODES) - {-1021}))
def test_after_a_code_of_refusal_no_order_stands(
    venue: BinanceAdapter, peer: BinancePeer, code: int
) -> None:
    venue.time()
    peer.fail(PLACE, status=400, code=code)
    with pytest.raises(VenueRefused, match=str(code)):
        venue.place(order("a-1", "0.001", LIMIT, limit=59_000.0))
    assert venue.order("a-1") is None


@pytest.mark.parametrize(
    "how",
    [
        {"status": 500},
        {"status": 502, "body": b"<html>Bad gateway</html>"},
        {"status": 503, "code": -2010},
        {"status": 403, "body": b"<html>Forbidden</html>"},
        {"status": 400, "body": b"[]"},
        {"status": 400, "body": b'{"code": "none", "msg": "?"}'},
        {"status": 200, "body": b'<html>{"orders": ['},
        {"status": 200, "body": b""},
        {"status": 200, "body": b"[1, 2]"},
        {"status": 200, "body": b'{"orderId": 1, "status": "NEW"}'},
        {"silent": True},
    ],
)
def test_what_is_no_answer_is_unclear_and_never_sent_again(
    venue: BinanceAdapter, peer: BinancePeer, how: dict[str, Any]
) -> None:
    venue.time()
    peer.fail(PLACE, after=True, **how)
    with pytest.raises(VenueUnclear):
        venue.place(order("a-1", "0.001", LIMIT, limit=59_000.0))
    assert peer.asked.count(PLACE) == 1
    assert len(venue.open_orders()) == 1


@settings(max_examples=200)
@given(status=st.integers(100, 599), code=st.one_of(st.none(), st.text(), st.integers(-9999, 9)))
def test_a_plain_no_is_only_what_has_a_code_and_a_status_of_the_four_hundreds(
    status: int, code: Any
) -> None:
    found = judged(status, code, "?", "an order", "a.host")
    if isinstance(found, VenueRefused):
        assert code not in UNCLEAR_CODES
        assert status in (418, 429) or code == -1003 or (400 <= status < 500 and code < 0)
    else:
        assert isinstance(found, VenueUnclear)


def test_no_code_is_in_both_lists() -> None:
    assert not set(UNCLEAR_CODES) & set(REFUSED_CODES)
    assert {-1000, -1001, -1006, -1007} <= set(UNCLEAR_CODES)
    assert {-1003, -1013, -1015, -1021, -1022, -2010, -2011, -2013} <= set(REFUSED_CODES)


def test_a_peer_that_is_not_there_is_unclear(peer: BinancePeer, wall: Wall) -> None:
    venue = opened(peer, wall)
    venue.time()
    peer.close()
    with pytest.raises(VenueUnclear, match="No answer"):
        venue.order("a-1")
    venue.close()


# -- time and weights ------------------------------------------------------------------------------


def test_a_clock_that_has_gone_off_is_set_and_the_request_sent_once_more(
    venue: BinanceAdapter, peer: BinancePeer
) -> None:
    venue.time()
    peer.to(minute(10))  # of which the adapter knows nothing
    assert venue.place(order("a-1", "0.001", LIMIT, limit=59_000.0)).state == ACCEPTED
    assert peer.asked.count("GET /api/v3/time") == 2
    assert len(venue.open_orders()) == 1


@pytest.mark.parametrize("status", [418, 429])
def test_told_to_wait_nothing_is_sent_until_then(
    venue: BinanceAdapter, peer: BinancePeer, status: int
) -> None:
    venue.time()
    peer.fail("GET /api/v3/openOrders", status=status, code=-1003, retry_after=30)
    with pytest.raises(VenueUnclear, match="-1003"):
        venue.open_orders()
    sent = len(peer.asked)
    with pytest.raises(TooManyRequests, match=r"another (29|30) s: a new order was not sent"):
        venue._link.signed("a new order", 1, lambda client: None)
    assert len(peer.asked) == sent


def test_the_limit_of_weight_is_kept_without_being_told(
    venue: BinanceAdapter, peer: BinancePeer
) -> None:
    venue.time()
    with pytest.raises(VenueUnclear, match="weight of this minute"):
        for _ in range(100):
            venue.open_orders()
    assert peer.weights.used <= peer.weights.limit


def test_bars_wait_for_the_next_minute_where_the_weight_is_nearly_used(
    venue: BinanceAdapter, peer: BinancePeer, wall: Wall
) -> None:
    venue.time()
    peer.to(minute(1_300))
    venue.time()
    peer.weights.used, peer.weights.minute = 5_399, peer.now_ns // MINUTE_NS
    venue.time()

    def next_minute() -> None:
        peer.to(minute(1_301))
        venue._link._clock = _Clock(peer.now_ns - wall.now_ns(), 0, 1.0)

    wall.on_wait = next_minute
    assert len(venue.bars(BTC, "1m", OPEN_NS, minute(1_300))) == 1_300
    assert len(wall.waits) == 1
    assert 0 < wall.waits[0] <= 60


# -- streams ---------------------------------------------------------------------------------------


def test_the_order_stream_tells_of_orders_and_fills(
    venue: BinanceAdapter, peer: BinancePeer
) -> None:
    heard = Heard()
    venue.order_stream(heard)
    heard.until(Connected)
    venue.place(order("a-1", "0.001"))
    assert heard.until(VenueReport).state == ACCEPTED
    peer.to(minute(1))
    fill = heard.until(Execution)
    assert (fill.client_id, fill.units, fill.price) == ("a-1", 100_000, 60_000.0)
    assert heard.until(VenueReport).state == FILLED
    assert fill == venue.executions(0)[0]  # by whichever way it is told, it is the same
    venue.place(order("a-2", "0.001", LIMIT, limit=59_000.0))
    assert heard.until(VenueReport).client_id == "a-2"
    venue.cancel("a-2")
    ended = heard.until(VenueReport)
    assert (ended.client_id, ended.state) == ("a-2", CANCELED)


def test_the_market_stream_tells_trades_quotes_and_closed_minutes(
    venue: BinanceAdapter, peer: BinancePeer
) -> None:
    heard = Heard()
    venue.market_stream((BTC,), heard)
    heard.until(Connected)
    peer.to(minute(2))
    first = heard.until(VenueBar)
    assert first == VenueBar(BTC, OPEN_NS, 60_000.0, 60_001.0, 59_999.0, 60_000.0, 50.0)
    assert heard.until(VenueBar).start_ns == minute(1)
    kinds = [type(one) for one in heard.items]
    assert kinds == [Connected, *[Tick, Quote, Heartbeat, VenueBar] * 2]
    quote = next(one for one in heard.items if isinstance(one, Quote))
    assert (quote.bid, quote.ask) == (59_999.99, 60_000.01)


def test_both_streams_come_back_after_the_disconnect_of_each_day(
    venue: BinanceAdapter, peer: BinancePeer
) -> None:
    market, orders = Heard(), Heard()
    venue.market_stream((BTC,), market)
    venue.order_stream(orders)
    market.until(Connected), orders.until(Connected)
    peer.disconnect()
    for heard in (market, orders):
        assert "ConnectionClosed" in heard.until(Disconnected).reason
        heard.until(Connected)
    venue.place(order("a-1", "0.001"))
    assert orders.until(VenueReport).client_id == "a-1"
    peer.to(minute(1))
    assert market.until(VenueBar).start_ns == OPEN_NS


def test_a_partial_fill_is_told_as_one(venue: BinanceAdapter, peer: BinancePeer) -> None:
    heard = Heard()
    venue.order_stream(heard)
    heard.until(Connected)
    venue.place(order("e-1", "8", symbol=ETH))  # a minute trades 50, of which a tenth is ours
    heard.until(VenueReport)
    peer.to(minute(1))
    assert heard.until(Execution).units == 5 * UNITS
    report = heard.until(VenueReport)
    assert (report.state, report.filled_units, report.units) == (PARTIAL, 5 * UNITS, 8 * UNITS)


# -- words -----------------------------------------------------------------------------------------


@settings(max_examples=200)
@given(units=st.integers(1, 10**17))
def test_every_amount_is_told_in_digits_and_comes_back_exactly(units: int) -> None:
    text = amount_text(units)
    assert "E" not in text.upper()
    assert to_units(text) == units


@settings(max_examples=200)
@given(cents=st.integers(1, 10**12))
def test_every_price_comes_back_exactly(cents: int) -> None:
    price = cents / 10**8
    assert "e" not in price_text(price)
    assert float(price_text(price)) == price


@pytest.mark.parametrize("name", ["BTCUSDT", "btc/usdt", "BTC/", "/USDT", "BTC/USDT:USDT", ""])
def test_a_symbol_that_is_not_written_as_base_and_quote_is_refused(name: str) -> None:
    with pytest.raises(VenueRefused, match="write it as BTC/USDT"):
        their_symbol(name)


def test_only_a_peer_on_this_machine_tells_how_fast_its_time_runs(
    venue: BinanceAdapter, peer: BinancePeer
) -> None:
    assert venue.time().rate == 0.0  # it stands still
    peer.run(60.0)
    assert venue.time().rate == 60.0
    assert not endpoints_of(None).tells_rate
    peer.fail("GET /api/v3/time", status=200, body=b'{"serverTime": 1, "rate": -1}')
    with pytest.raises(VenueUnclear):
        venue.time()


def test_at_another_rate_the_time_of_requests_goes_on_at_it(
    peer: BinancePeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall = Wall()
    began_ns = wall.monotonic_ns()
    monkeypatch.setattr(wall, "monotonic_ns", lambda: began_ns)
    peer.run(1_000.0)
    venue = opened(peer, wall)
    told_ns = venue.time().venue_ns
    monkeypatch.setattr(wall, "monotonic_ns", lambda: began_ns + 60 * 10**6)
    assert venue._link.now_ns() == told_ns + MINUTE_NS
    venue.close()
