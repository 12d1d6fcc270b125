"""What the Binance peer keeps of fills, asked by the real library: of the coin that is received."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.binance_house import (
    BinancePeer,
    account_events,
    day_of_bars,
    day_session,
    library,
    minute,
)

from app.core.money import UNITS, to_units
from app.core.orders import LIMIT, MARKET, Order
from app.core.venue import Execution
from app.integrations.binance.peer.fees import Fees
from app.integrations.practice.venue.books import Books

BTC, BNB = "BTC/USDT", "BNB/USDT"
MAKER, TAKER = Decimal("0.0008"), Decimal("0.001")


@pytest.fixture
def peer() -> Iterator[BinancePeer]:
    bars = {BTC: day_of_bars(60_000.0), BNB: day_of_bars(600.0)}
    found = BinancePeer(bars, day_session(), fees=Fees(MAKER, TAKER))
    found.to(minute(0))
    yield found
    found.close()


def bought(peer: BinancePeer, client: Any, amount: str, **words: str) -> Any:
    client.create_order(symbol="BTCUSDT", side="BUY", quantity=amount, **words)
    peer.to(peer.now_ns + 60 * 10**9)
    client.timestamp_offset += 60_000
    return client.get_my_trades(symbol="BTCUSDT")[-1]


def test_the_fee_of_a_buy_is_kept_of_the_coins_bought(peer: BinancePeer) -> None:
    client = library(peer)
    trade = bought(peer, client, "0.1", type="MARKET")
    assert (trade["commission"], trade["commissionAsset"]) == ("0.0001", "BTC")
    assert (trade["isMaker"], trade["isBuyer"]) == (False, True)
    account = client.get_account()
    balances = {one["asset"]: one["free"] for one in account["balances"]}
    assert balances == {"BTC": "0.0999", "USDT": "94000"}
    rates = account["commissionRates"]
    assert (Decimal(rates["maker"]), Decimal(rates["taker"])) == (MAKER, TAKER)


def test_the_fee_of_a_sell_is_kept_of_the_money_received(peer: BinancePeer) -> None:
    client = library(peer)
    bought(peer, client, "0.1", type="MARKET")
    client.create_order(symbol="BTCUSDT", side="SELL", type="MARKET", quantity="0.05")
    peer.to(minute(2))
    client.timestamp_offset += 60_000
    trade = client.get_my_trades(symbol="BTCUSDT")[-1]
    assert (trade["commission"], trade["commissionAsset"]) == ("3.0000005", "USDT")
    balances = {one["asset"]: one["free"] for one in client.get_account()["balances"]}
    assert balances == {"BTC": "0.0499", "USDT": "96997.0004995"}


def test_a_limit_met_at_its_price_pays_as_maker(peer: BinancePeer) -> None:
    words = {"type": "LIMIT", "timeInForce": "GTC"}
    trade = bought(peer, library(peer), "0.1", price="59999.5", **words)
    assert (trade["isMaker"], trade["commission"], trade["price"]) == (
        True, "0.00008", "59999.50000000",
    )  # fmt: skip
    trade = bought(peer, library(peer), "0.1", price="60010", **words)
    assert (trade["isMaker"], trade["commission"]) == (False, "0.0001")


def test_in_bnb_a_quarter_less_is_paid_as_long_as_there_is_some(peer: BinancePeer) -> None:
    fees = Fees(MAKER, TAKER, lambda symbol, at_ns: 600.0)
    peer.charge_by(fees)
    peer.by_hand(cash={"BNB": UNITS // 100})
    client = library(peer)
    trade = bought(peer, client, "0.1", type="MARKET")
    assert (trade["commission"], trade["commissionAsset"]) == ("0.0075", "BNB")
    trade = bought(peer, client, "0.1", type="MARKET")  # 0.0025 are left, which is too little
    assert (trade["commission"], trade["commissionAsset"]) == ("0.0001", "BTC")


@settings(max_examples=100)
@given(
    units=st.integers(-(10**12), 10**12).filter(bool),
    cents=st.integers(1, 10**8),
    kind=st.sampled_from((MARKET, LIMIT)),
)
def test_no_fee_is_more_than_its_rate_nor_taken_from_another_coin(
    units: int, cents: int, kind: str
) -> None:
    price = cents / 100
    order = Order(1, 0, BTC, 0, units, 0, kind=kind, limit=price)
    fill = Execution(
        execution_id="X1", client_id="a", venue_id="V1", symbol=BTC, units=units, price=price,
        fee_units=0, at_ns=0,
    )  # fmt: skip
    fee = Fees(MAKER, TAKER).of(order, fill, Books({}, {}))
    assert fee is not None
    rate = MAKER if kind == LIMIT else TAKER
    received = Decimal(units) if units > 0 else Decimal(-units) * cents / 100
    assert fee.asset == ("BTC" if units > 0 else "USDT")
    assert received * rate - 2 <= fee.units <= received * rate + 1
    assert fee.is_maker == (kind == LIMIT)


def test_the_peer_tells_what_was_kept_in_the_event_of_the_fill(peer: BinancePeer) -> None:
    with account_events(peer) as heard:
        library(peer).create_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.1")
        assert heard.until("executionReport")["x"] == "NEW"
        peer.to(minute(1))
        fill = heard.until("executionReport")
        assert (fill["x"], fill["n"], fill["N"], fill["m"]) == ("TRADE", "0.0001", "BTC", False)
        assert to_units(fill["z"]) == UNITS // 10
        held = {
            one["a"]: (one["f"], one["l"]) for one in heard.until("outboundAccountPosition")["B"]
        }
        assert held == {"BTC": ("0.0999", "0"), "USDT": ("94000", "0")}
