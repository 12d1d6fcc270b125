"""Stops at Binance that are refused, turned away or never taken, over sockets to the peer: what is
held is protected again, or closed.
"""

import pytest
from tests.binance_house import BinancePeer
from tests.integration.binance_line import BTC, BUY, Line, bought_with_a_stop, line, peer

from app.core.money import UNITS
from app.core.order_events import GateActed, Halted, Resumed
from app.core.orders import GTC, STOP, Order, Terms
from app.integrations.practice.wire import Fault
from app.managers.execution_manager.orders.kill import FLATTEN
from app.threads.stream.commands import has_stopped, is_left_holding

__all__ = ["line", "peer"]

PLACE = "POST /api/v3/order"
PASSED = 70_000.0  # a stop that the price is under


def moved(line: Line, stop: Order, price: float) -> None:
    terms = Terms(stop.units, None, price, None, None)
    line.execution.amend(stop, terms, line.clock.now_ns())
    line.gate.send(line.execution.take_intents())


def has_left_nothing(line: Line) -> bool:
    return (
        not line.execution.held_units[0]
        and line.differences() == []
        and list(line.venue.open_orders()) == []
    )


def alarms(line: Line) -> list[str]:
    return [what for what, _ in line.alarms]


def test_a_stop_moved_to_where_the_price_has_been_closes_at_market(
    line: Line, peer: BinancePeer
) -> None:
    _, stop = bought_with_a_stop(line)
    moved(line, stop, PASSED)
    line.until(lambda: stop.state == "FILLED", "it to be closed")
    assert has_left_nothing(line)
    assert alarms(line) == ["stop reached"]


def test_a_first_stop_that_the_price_has_passed_closes_at_market(
    line: Line, peer: BinancePeer
) -> None:
    entry = line.give(BUY)
    exits = {"aimed": False, "reduce_only": True, "parent": entry.order_id, "tif": GTC}
    stop = line.give(-BUY, kind=STOP, stop=PASSED, **exits)
    line.until(lambda: stop.state == "FILLED", "it to be closed")
    assert has_left_nothing(line)
    assert alarms(line) == ["stop reached"]


def test_a_stop_that_is_refused_for_another_reason_closes_at_market(
    line: Line, peer: BinancePeer
) -> None:
    _, stop = bought_with_a_stop(line)
    peer.arm(Fault("error_code", 1, where="place", code=-1013))
    moved(line, stop, 55_000.0)
    line.until(lambda: stop.state == "FILLED", "it to be closed")
    assert has_left_nothing(line)
    line.until(lambda: "BTC/USDT" in line.gate.status().halted, "no entry to follow")
    assert alarms(line) == ["exit refused", "halted"]
    refused = line.give(BUY)
    assert (refused.state, "a stop of BTC/USDT was refused" in refused.reason) == ("REJECTED", True)
    line.gate.lift("the fault is over", line.gate.status().halted)
    line.until(lambda: any(isinstance(one, Resumed) for one in line.heard), "entries again")
    entry = line.give(BUY)
    line.until(lambda: entry.state == "FILLED", "an entry")


@pytest.mark.parametrize("status", [418, 429])
def test_a_stop_in_a_ban_leaves_when_that_is_over_and_before_any_entry(
    line: Line, peer: BinancePeer, status: int
) -> None:
    held, stop = bought_with_a_stop(line)
    peer.fail(PLACE, status=status, code=-1003, retry_after=300)  # half a second
    moved(line, stop, 55_000.0)
    line.until(lambda: any(isinstance(one, Halted) for one in line.heard), "the ban")
    (halt,) = [one for one in line.heard if isinstance(one, Halted)]
    assert (halt.symbol, "BTC/USDT" in halt.reason) == (-1, True)
    assert line.gate.status().halted == {"all": halt.reason}
    entry = line.give(BUY)
    line.until(lambda: (stop.state, stop.stop) == ("ACCEPTED", 55_000.0), "the stop")
    assert entry.state == "REJECTED"
    line.until(lambda: any(isinstance(one, Resumed) for one in line.heard), "entries again")
    (found,) = line.venue.open_orders()
    assert (found.stop, found.units) == (55_000.0, -held)
    assert line.gate.status().halted == {}
    assert alarms(line) == ["exit waits", "halted", "exit waits no more"]


def test_a_flatten_in_a_ban_waits_for_its_end_and_closes_then(
    line: Line, peer: BinancePeer
) -> None:
    entry = line.give(BUY)
    line.until(lambda: entry.state == "FILLED", "the entry to fill")
    asked = peer.asked.count(PLACE)
    peer.fail(PLACE, status=418, code=-1003, retry_after=300)  # half a second
    line.gate.kill("flatten", "a test")
    line.until(lambda: "closing waits" in alarms(line), "the ban")
    assert list(line.gate.status().put_off) == [BTC]
    line.until(lambda: GateActed("flattened", "a test") in line.heard, "all to be closed")
    line.until(lambda: has_left_nothing(line), "the books to hear of it")
    assert alarms(line) == ["killed", "closing waits"]
    assert "It is tried again in" in line.alarms[1][1]
    assert peer.asked.count(PLACE) == asked + 2, "it asked nothing meanwhile"
    assert line.gate.status().put_off == {}


@pytest.mark.parametrize("way", ["kill", "stop"])
def test_what_is_worth_less_than_an_order_may_be_is_left_and_told_once(
    line: Line, peer: BinancePeer, way: str
) -> None:
    entry = line.give(BUY)
    line.until(lambda: entry.state == "FILLED", "the entry to fill")
    held = line.execution.held_units[0]
    peer.ground.min_notional_units = 100 * UNITS  # it is worth 73
    if way == "kill":
        line.gate.kill("flatten", "a test")
        line.until(lambda: GateActed("flattened", "a test") in line.heard, "all that can be closed")
    else:
        line.execution.close_entries(-1, "the run is stopping", "command")
        close = line.give(-held, aimed=False, reduce_only=True, tif=GTC)
        line.until(lambda: not close.is_working, "it to be refused")
        assert "worth less than Binance takes" in close.reason
    status = line.gate.status()
    assert (status.positions, set(status.left), status.halted) == ({}, {BTC}, {})
    told = [details for what, details in line.alarms if what == "too small to close"]
    assert len(told) == 1 and told[0].startswith("0.00122 of BTC/USDT are left")
    assert not has_stopped(line.execution, FLATTEN)
    if way == "stop":
        assert has_stopped(line.execution, FLATTEN, status.left)
        assert is_left_holding(line.execution) and not is_left_holding(line.execution, status.left)
