"""What Binance's filters are made to while a run goes on, over sockets to the peer: nothing is lost
again and again, and what can be closed is.
"""

from tests.binance_house import BinancePeer
from tests.integration.binance_line import BTC, BUY, Line, line, peer

from app.core.money import UNITS
from app.core.orders import GTC, STOP, Order
from app.integrations.practice.venue.checks import Sizes

__all__ = ["line", "peer"]

PLACE = "POST /api/v3/order"
CENT, LOT = UNITS // 100, UNITS // 100_000


def sized(peer: BinancePeer, tick_units: int = CENT, lot_units: int = LOT) -> None:
    """The venue trades it by these from now on."""
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
    sized(peer, tick_units=UNITS)
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
