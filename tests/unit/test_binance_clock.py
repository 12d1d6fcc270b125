"""A machine whose clock is set while Binance is traded: time and bans go on as they were."""

import time
from collections.abc import Iterator

import numpy as np
import pytest
from tests.binance_house import KEY, SECRET, BinancePeer, day_of_bars, day_session

from app.core.intervals import HOUR_NS, SECOND_NS
from app.core.orders import MARKET, Terms
from app.core.seams import Wall
from app.core.source import SourceBusy
from app.core.venue import TurnedAway, VenueOrder
from app.integrations.binance.adapter import BinanceAdapter, open_binance
from app.integrations.binance.endpoints import Keys, endpoints_of
from app.integrations.binance.places import TESTNET_FACTS
from app.integrations.binance.source import open_source
from app.managers.time_manager.clock import WallClock

BTC = "BTC/USDT"
PLACE = "POST /api/v3/order"


class Passing(WallClock):
    """A machine on which more time passes than in the test."""

    def __init__(self) -> None:
        self.passed_ns = 0

    def monotonic_ns(self) -> int:
        return super().monotonic_ns() + self.passed_ns


@pytest.fixture
def peer() -> Iterator[BinancePeer]:
    found = BinancePeer({BTC: day_of_bars(60_000.0)}, day_session())
    yield found
    found.close()


@pytest.fixture
def wall() -> Passing:
    return Passing()


@pytest.fixture
def venue(peer: BinancePeer, wall: Wall) -> Iterator[BinanceAdapter]:
    found = open_binance(peer.url, Keys(KEY, SECRET), (BTC,), wall, np.random.default_rng(1))
    found.time()
    yield found
    found.close()


def set_clock(monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    """Of the machine, by so much; the monotonic one knows nothing of it."""
    real_ns, step_ns = time.time_ns, hours * HOUR_NS
    monkeypatch.setattr(time, "time_ns", lambda: real_ns() + step_ns)
    monkeypatch.setattr(time, "time", lambda: time.time_ns() / 1e9)


def sell(venue: BinanceAdapter) -> None:
    terms = Terms(-100_000, None, None, None, None)
    order = VenueOrder(
        client_id="a-1", symbol=BTC, kind=MARKET, tif="day", terms=terms, reduce_only=True
    )
    venue.place(order)


@pytest.mark.parametrize("hours", [1, -1])
def test_a_ban_lasts_as_long_as_it_was_told_to_whatever_the_clock_is_set_to(
    hours: int,
    venue: BinanceAdapter,
    peer: BinancePeer,
    wall: Passing,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    peer.by_hand(positions={BTC: 100_000})
    peer.fail(PLACE, status=418, code=-1003, retry_after=30)
    with pytest.raises(TurnedAway):
        sell(venue)
    set_clock(monkeypatch, hours)
    with pytest.raises(TurnedAway, match="was not sent") as told:
        sell(venue)
    assert 0 < told.value.wait_seconds <= 30
    wall.passed_ns = 31 * SECOND_NS
    sell(venue)  # the exit leaves


@pytest.mark.parametrize("hours", [1, -1])
def test_its_time_goes_on_and_requests_carry_it(
    hours: int, venue: BinanceAdapter, peer: BinancePeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer.run(1.0)
    before_ns = venue.time().venue_ns
    set_clock(monkeypatch, hours)
    assert abs(venue._link.now_ns() - before_ns) < 5 * SECOND_NS
    assert venue.open_orders() == []
    assert peer.asked.count("GET /api/v3/time") == 2, "nobody has to ask for it again"


def test_how_long_a_source_is_busy_is_told_in_our_time(peer: BinancePeer) -> None:
    chance = np.random.default_rng(1)
    source = open_source("binance", TESTNET_FACTS, endpoints_of(peer.url), WallClock(), chance)
    peer.fail("GET /api/v3/klines", status=429, code=-1003, retry_after=40)
    start_ns = day_session().open_ns - HOUR_NS
    with pytest.raises(SourceBusy) as told:
        source.page(BTC, "1m", start_ns, start_ns + HOUR_NS // 2)
    assert 0 < told.value.seconds <= 40
    source.close()
