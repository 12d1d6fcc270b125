"""What Binance's filters are made to while a run goes on, over sockets to the peer: nothing is lost
again and again, and what can be closed is.
"""

from collections.abc import Iterator

import pytest
from tests.binance_house import BinancePeer
from tests.integration.binance_line import BTC, BUY, Line, line, peer

from app.core.money import UNITS, to_units
from app.core.order_events import GateActed
from app.core.orders import GTC, STOP, Order
from app.integrations.practice.venue.checks import Sizes

__all__ = ["line", "peer"]

PLACE = "POST /api/v3/order"
CENT, LOT = UNITS // 100, UNITS // 100_000


def sized(line: Line, peer: BinancePeer, tick_units: int = CENT, lot_units: int = LOT) -> None:
    """The venue trades it by these from now on."""
    line.until(lambda: line.gate.status().compared, "the first answers")
    peer.ground.sizes[BTC] = Sizes(tick_units, lot_units, UNITS, "USDT")  # type: ignore[index]


def entered(line: Line, stop: float) -> tuple[Order, Order]:
    """An entry, and the stop that goes with it."""
    entry = line.give(BUY)
    exits = {"aimed": False, "reduce_only": True, "parent": entry.order_id, "tif": GTC}
    return entry, line.give(-BUY, kind=STOP, stop=stop, **exits)


def told(line: Line, what: str) -> list[str]:
    return [details for name, details in line.alarms if name == what]


def test_a_stop_that_a_new_tick_forbids_is_closed_once_and_no_entry_follows(
    line: Line, peer: BinancePeer
) -> None:
    sized(line, peer, tick_units=UNITS)
    _, stop = entered(line, 50_000.25)
    line.until(lambda: stop.state == "FILLED", "it to be closed at market")
    line.until(lambda: len(told(line, "halted")) == 2, "why, and what is another there")
    asked = peer.asked.count(PLACE)
    entry, second = entered(line, 50_000.25)
    assert (entry.state, second.state) == ("REJECTED", "REJECTED")
    assert peer.asked.count(PLACE) == asked
    assert "PRICE_FILTER" in entry.reason
    refused, sizes = told(line, "halted")
    assert "a stop of BTC/USDT was refused" in refused and "system release" in refused
    assert "trades by ticks of 1 and lots of 0.00001 now, this run by ticks of 0.01" in sizes
    assert line.differences() == []


MOST = to_units("0.0015")


@pytest.fixture
def small(peer: BinancePeer) -> Iterator[Line]:
    """A line to a venue that takes little more than one entry in one order."""
    peer.ground.most_at_market_units = MOST
    found = Line(peer)
    yield found
    found.close()


def test_a_stop_worth_too_little_for_a_position_that_is_not_is_closed_once(
    line: Line, peer: BinancePeer
) -> None:
    peer.ground.min_notional_units = 70 * UNITS  # at its stop it is worth 61, and 73 by now
    _, stop = entered(line, 50_000.0)
    line.until(lambda: stop.state == "FILLED", "it to be closed at market")
    line.until(lambda: BTC in line.gate.status().halted, "no entry to follow")
    asked = peer.asked.count(PLACE)
    entry, _ = entered(line, 50_000.0)
    assert (entry.state, "NOTIONAL" in entry.reason) == ("REJECTED", True)
    assert peer.asked.count(PLACE) == asked
    assert told(line, "too small to close") == []


def test_an_entry_above_what_one_order_may_be_never_leaves(small: Line, peer: BinancePeer) -> None:
    small.until(lambda: small.gate.status().compared, "the first answers")
    entry = small.give(2 * BUY)
    small.until(lambda: not entry.is_working, "it to be refused")
    why = "too_large: 0.00246 is over 0.0015, the most of BTC/USDT that one order may be"
    assert (entry.state, entry.reason) == ("REJECTED", why)
    assert peer.asked.count(PLACE) == 0


def test_what_no_single_order_takes_out_is_told_and_a_flatten_closes_it_in_several(
    small: Line, peer: BinancePeer
) -> None:
    for _ in range(2):
        entry = small.give(BUY)
        small.until(lambda order=entry: order.state == "FILLED", "the entry to fill")  # type: ignore[misc]
    (large,) = told(small, "too large to close")
    assert large.startswith("0.00245 of BTC/USDT are held, and one order may be 0.0015 at most")
    asked = peer.asked.count(PLACE)
    small.gate.kill("flatten", "a test")
    small.until(lambda: GateActed("flattened", "a test") in small.heard, "all to be closed")
    small.until(lambda: not small.execution.held_units[0], "the books to hear of it")
    assert peer.asked.count(PLACE) == asked + 2
    assert told(small, "closing failed") == []
    assert small.differences() == []


def test_a_flatten_goes_by_the_most_that_the_venue_has_come_to_take(
    line: Line, peer: BinancePeer
) -> None:
    entry = line.give(BUY)
    line.until(lambda: entry.state == "FILLED", "the entry to fill")
    peer.ground.most_at_market_units = to_units("0.001")
    line.gate.kill("flatten", "a test")
    line.until(lambda: GateActed("flattened", "a test") in line.heard, "all to be closed")
    line.until(lambda: not line.execution.held_units[0], "the books to hear of it")
    (failed,) = told(line, "closing failed")
    assert "MARKET_LOT_SIZE" in failed
    assert line.differences() == []


def test_a_flatten_goes_by_the_lot_that_the_venue_has_come_to_take_and_tells_what_stays(
    line: Line, peer: BinancePeer
) -> None:
    entry = line.give(BUY)
    line.until(lambda: entry.state == "FILLED", "the entry to fill")
    sized(line, peer, lot_units=10 * LOT)
    line.gate.kill("flatten", "a test")
    line.until(lambda: GateActed("flattened", "a test") in line.heard, "all that can be closed")
    line.until(lambda: line.execution.held_units[0] == 2 * LOT, "the books to hear of it")
    (failed,) = told(line, "closing failed")
    assert "LOT_SIZE" in failed
    (sizes,) = told(line, "halted")
    assert "lots of 0.0001 now, this run by ticks of 0.01 and lots of 0.00001" in sizes
    (small,) = told(line, "too small to close")
    assert small.startswith("0.00002 of BTC/USDT are left, and stay there")
    asked = peer.asked.count(PLACE)
    assert (line.gate.status().positions, line.differences()) == ({}, [])
    assert peer.asked.count(PLACE) == asked


def test_what_is_less_than_an_order_has_to_be_is_told_once_and_a_flatten_ends_without_it(
    line: Line, peer: BinancePeer
) -> None:
    entry = line.give(BUY)
    line.until(lambda: entry.state == "FILLED", "the entry to fill")
    peer.ground.least_at_market_units = 10 * BUY
    line.gate.kill("flatten", "a test")
    line.until(lambda: GateActed("flattened", "a test") in line.heard, "all that can be closed")
    (small,) = told(line, "too small to close")
    assert small.startswith("0.00122 of BTC/USDT are left, and stay there. An order is 0.0123 at")
    assert len(told(line, "closing failed")) <= 1, "it may be known too small before that is told"
    assert line.gate.status().left == {BTC: BUY - 123}
    assert told(line, "halted") == []


def test_a_flatten_closes_what_is_there_of_coins_that_were_taken_out_and_tells_the_rest_once(
    line: Line, peer: BinancePeer
) -> None:
    entry = line.give(BUY)
    line.until(lambda: entry.state == "FILLED", "the entry to fill")
    peer.by_hand(positions={BTC: 50 * LOT})
    line.gate.kill("flatten", "a test")
    line.until(lambda: GateActed("flattened", "a test") in line.heard, "all that can be closed")
    line.until(lambda: not line.venue.positions().get(BTC), "it to be sold")
    (failed,) = told(line, "closing failed")
    assert "insufficient balance" in failed
    (lacking,) = told(line, "not there to close")
    assert "Of 0.00122877 of BTC/USDT that the run holds the venue lacks 0.00072877" in lacking
    (differs,) = told(line, "halted")
    assert "ours is 122877 units, the venue's 50000" in differs
    asked = peer.asked.count(PLACE)
    status = line.gate.status()
    assert (status.positions, set(status.left)) == ({}, {BTC})
    assert peer.asked.count(PLACE) == asked
