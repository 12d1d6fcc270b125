"""What the gate remembers of its orders: little of each that is done with, enough to go on."""

import gc
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gate_desk import Desk, name, place
from tests.gate_schedule import play_schedule

from app.core.order_events import Filled
from app.core.orders import DAY, LIMIT, Terms
from app.core.venue import GATE_SERIES, STRATEGY_SERIES, client_id
from app.managers.execution_manager.gate import gate_orders
from app.managers.execution_manager.gate.calls import PlaceCall
from app.managers.execution_manager.gate.gate_order import GATE, RUN, GateOrder
from app.managers.execution_manager.gate.gate_orders import GateOrders

ENOUGH = 600  # orders, until those that are done with are kept as records


def trade(desk: Desk, first: int, count: int) -> None:
    """So many orders that fill, there and back."""
    for number in range(first, first + count):
        shares = 100 if number % 2 else -100
        desk.send(place(number, shares))
        said = {"client_id": name(number), "units": shares * 100_000_000}
        desk.answer(PlaceCall, desk.report(**said))
        desk.stream(
            desk.fill(f"e{number:09}", shares, client_id=name(number)),
            desk.report("FILLED", shares, **said),
        )
        desk.executions.clear()
        desk.events.clear()
        desk.wait(0.5)


def test_an_order_that_is_done_with_costs_little() -> None:
    desk = Desk()
    trade(desk, 1, ENOUGH)
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    trade(desk, ENOUGH + 1, 2_000)
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (after - before) / 2_000 < 700  # bytes, its execution among them; it was 915


def test_a_fill_of_an_order_long_done_with_is_told_once() -> None:
    desk = Desk().bring("CANCELED")
    old = desk.book.tracker.orders[name()]
    trade(desk, 2, ENOUGH)
    assert desk.book.tracker.orders[name()] is not old  # a record was left of it
    late = desk.fill("late", 30)
    desk.stream(late)
    told = [event for event in desk.events if isinstance(event, Filled)]
    assert told == [Filled(1, "late", 30 * 100_000_000, 10.0, 1, late.at_ns)]
    trade(desk, 2 + ENOUGH, ENOUGH)
    desk.stream(late)
    assert not any(isinstance(event, Filled) for event in desk.events)
    assert [alarm.what for alarm in desk.alarms] == ["late fill"]
    assert desk.book.tracker.held_units(0) == 30 * 100_000_000


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(100_000, 199_999))
def test_a_random_schedule_holds_where_none_is_kept_whole(seed: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gate_orders, "_LEAST_WHOLE", 0)
        play_schedule(seed)


@settings(max_examples=50, deadline=None)
@given(ends=st.lists(st.sampled_from(["", "FILLED", "CANCELED"]), max_size=700))
def test_every_order_is_found_as_it_is(ends: list[str]) -> None:
    known, orders = GateOrders("run"), {}
    for number, end in enumerate(ends, start=1):
        owner = RUN if number % 3 else GATE
        orders[number] = order = GateOrder(
            client_id=client_id("run", number, STRATEGY_SERIES if owner == RUN else GATE_SERIES),
            owner=owner,
            order_id=number if owner == RUN else 0,
            symbol=number % 5,
            kind=LIMIT,
            tif=DAY,
            terms=Terms(number, 1.5, None, None, None),
            end=end,
            told_end=bool(end),
        )
        known.add(order)
        known.shrink()
    for number, order in orders.items():
        assert order.client_id in known
        found = known[order.client_id]
        assert all(
            getattr(found, field) == getattr(order, field) for field in GateOrder.__struct_fields__
        )
        assert found is order or order.end
        assert known.numbered(number) is (found if order.owner == RUN else None)
    unfinished = {
        order.order_id for order in orders.values() if order.owner == RUN and not order.end
    }
    assert unfinished <= {order.order_id for order in known.of_run()}
    assert known.get("nobody's") is None and "nobody's" not in known
    with pytest.raises(KeyError):
        known["nobody's"]
