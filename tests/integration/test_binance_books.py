"""A run's books beside Binance's, where fees are taken in coins: gate, broker and adapter, over
sockets to the peer; they agree to the unit, and what is held can be closed.
"""

from tests.binance_house import BinancePeer
from tests.integration.binance_line import BTC, BUY, Line, bought_with_a_stop, line, peer

from app.core.order_events import GateActed
from app.core.orders import GTC, STOP, Terms

__all__ = ["line", "peer"]


def test_what_is_bought_for_coins_is_protected_agrees_and_is_closed(
    line: Line, peer: BinancePeer
) -> None:
    entry = line.give(BUY)
    exits = {"aimed": False, "reduce_only": True, "parent": entry.order_id, "tif": GTC}
    stop = line.give(-BUY, kind=STOP, stop=50_000.0, **exits)
    states = ("FILLED", "ACCEPTED")
    line.until(lambda: (entry.state, stop.state) == states, "the stop to work")
    held = line.execution.held_units[0]
    assert (held, stop.units) == (BUY - 1_000, -(BUY - 1_000))
    assert line.differences() == []
    assert line.venue.positions() == {BTC: BUY - 123}
    line.gate.kill("flatten", "a test")
    line.until(lambda: GateActed("flattened", "a test") in line.heard, "all to be closed")
    line.until(lambda: not line.execution.held_units[0], "the books to hear of it")
    assert line.differences() == []
    assert line.venue.positions() == {BTC: 1_000 - 123}
    assert line.gate.status().halted == {}
    account = line.execution.account
    assert account.loose[0].units == 1_000 - 123
    assert account.own.cash_units == line.venue.cash()["USDT"]


def test_a_stop_is_moved_by_taking_it_back_and_giving_it_anew(
    line: Line, peer: BinancePeer
) -> None:
    held, stop = bought_with_a_stop(line)
    line.execution.amend(stop, Terms(-held, None, 55_000.0, None, None), line.clock.now_ns())
    line.gate.send(line.execution.take_intents())
    line.until(lambda: (stop.state, stop.stop) == ("ACCEPTED", 55_000.0), "it to be moved")
    (found,) = line.venue.open_orders()
    assert (found.stop, found.units) == (55_000.0, -held)
    assert line.differences() == []
    assert line.alarms == []


def test_a_close_takes_the_stop_back_first_and_is_not_refused(
    line: Line, peer: BinancePeer
) -> None:
    held, stop = bought_with_a_stop(line)
    line.execution.cancel(stop, line.clock.now_ns())  # as `close` does, both at once
    close = line.give(-held)
    line.until(lambda: close.state == "FILLED", "it to be closed")
    assert (stop.state, line.execution.held_units[0]) == ("CANCELED", 0)
    assert line.differences() == []
    assert line.alarms == []
