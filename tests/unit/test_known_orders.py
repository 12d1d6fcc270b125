"""What a live run remembers of its orders: little of each, enough for a late fill."""

import gc
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.live_broker_house import SHARES, House, fill

from app.core.money import UNITS
from app.core.order_events import Ended, Filled
from app.core.orders import CANCELED, FILLED, Order
from app.managers.execution_manager.live.known_orders import KnownOrders
from app.managers.execution_manager.live.live_broker import LiveBroker

ENOUGH = 300  # orders, until those that ended are kept as records


def trade(house: House, count: int) -> None:
    """So many orders that fill, there and back."""
    for number in range(count):
        order = house.give(SHARES if number % 2 else -SHARES)
        house.intents()
        house.hear(fill(order, order.units, f"execution-{order.order_id:09}"))
        house.execution.diary.take()


def test_an_order_that_has_ended_costs_little() -> None:
    house = House()
    trade(house, ENOUGH)
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    trade(house, 4_000)
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (after - before) / 4_000 < 360  # bytes, its execution's name among them; it was 600


def test_a_fill_of_an_order_that_ended_long_ago_is_booked_once() -> None:
    house = House()
    old = house.give()
    house.hear(fill(old, 30 * UNITS), Ended(old.order_id, CANCELED, ""))
    trade(house, ENOUGH)
    broker = house.execution.broker
    assert isinstance(broker, LiveBroker)
    assert broker.known[old.order_id] is not old  # a record is left of it
    late = Filled(old.order_id, "late", 20 * UNITS, 10.0, 0, 7)
    for event in (late, late, fill(old, 30 * UNITS)):
        house.hear(event)
        assert house.held_units == 50 * UNITS
        trade(house, ENOUGH)
    found = broker.known[old.order_id]
    assert (found.state, found.filled_units) == (CANCELED, 50 * UNITS)


@settings(max_examples=50, deadline=None)
@given(ends=st.lists(st.booleans(), max_size=400), asked=st.integers(1, 400))
def test_every_order_is_found_as_it_is(ends: list[bool], asked: int) -> None:
    known, orders = KnownOrders(), {}
    for number, ended in enumerate(ends, start=1):
        orders[number] = order = Order(number, 0, "X", 0, number * UNITS, number, limit=1.5)
        known.add(order)
        if ended:
            order.to("ACCEPTED")
            order.to(FILLED)
    assert {one.order_id for one in known.values()} == {*orders}
    found = known.get(asked)
    if asked in orders:
        assert found is not None
        expected = orders[asked]
        assert all(
            getattr(found, name) == getattr(expected, name) for name in Order.__struct_fields__
        )
        assert found is expected or not expected.is_working
    else:
        assert found is None
        with pytest.raises(KeyError):
            known[asked]
