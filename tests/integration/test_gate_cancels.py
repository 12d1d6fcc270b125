"""A kill with hundreds of resting orders: the cancels leave side by side, whatever else hangs."""

import time

import pytest
from tests.unit.order_gate_house import House, place

from app.core.order_events import Acknowledged, Ended

pytestmark = pytest.mark.live

ORDERS, CALL_SECONDS = 500, 0.002


def test_five_hundred_cancels_leave_side_by_side_while_placements_hang() -> None:
    house = House()
    house.gate.start()
    house.gate.send([place(number) for number in range(1, ORDERS + 1)])
    house.heard.wait_for(Acknowledged, ORDERS)
    house.venue.hang.set()
    house.gate.send([place(number) for number in range(ORDERS + 1, ORDERS + 10)])
    assert house.venue.hanging.wait(10)
    house.venue.call_seconds = CALL_SECONDS
    begin_ns = time.monotonic_ns()
    house.gate.kill("flatten", "a test")
    house.heard.wait_for(Ended, ORDERS)
    seconds = (max(house.venue.cancelled_ns) - begin_ns) / 1e9
    house.venue.let_go.set()
    house.gate.stop()
    assert len(house.venue.cancelled_ns) == ORDERS
    assert seconds < 0.8 * ORDERS * CALL_SECONDS, "one after the other takes all of that"
