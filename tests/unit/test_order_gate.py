"""The gate on its threads: real hanging calls, a kill without the engine, an orderly stop."""

import threading
from collections.abc import Iterator

import pytest
from tests.unit.order_gate_house import SHARE, House, place

from app.core.order_events import (
    Acknowledged,
    Ended,
    Filled,
    GateActed,
    GateFilled,
    Halted,
    Refused,
)  # fmt: skip
from app.core.orders import MARKET
from app.core.venue import Connected, VenueReport
from app.managers.time_manager.clock import WallClock
from app.threads.live.order_gate import LANES, RESCUING


@pytest.fixture
def house() -> Iterator[House]:
    house = House()
    house.gate.start()
    yield house
    house.venue.let_go.set()
    house.gate.stop()


def test_a_kill_cancels_and_closes_while_nobody_else_does_anything(house: House) -> None:
    house.gate.send([place(1, MARKET), *(place(number) for number in range(2, 12))])
    house.heard.wait_for(Acknowledged, 11)
    house.heard.wait_for(Filled)
    house.gate.kill("flatten", "asked for")
    house.heard.wait(lambda events: GateActed("flattened", "asked for") in events)
    assert house.venue.held == {"AAA": 0}
    assert not house.venue.open_orders()
    assert sum(isinstance(one, Ended) for one in house.heard.events) == 10
    assert sum(isinstance(one, GateFilled) for one in house.heard.events) == 1
    house.gate.send([place(20, opens=False)])
    house.heard.wait_for(Refused)


def test_placements_that_hang_hold_up_no_cancel_and_leave_no_more_once_killed(
    house: House,
) -> None:
    house.gate.send([place(1), place(2, MARKET)])
    house.heard.wait_for(Filled)
    house.venue.hang.set()
    house.gate.send([place(number) for number in range(3, 13)])
    assert house.venue.hanging.wait(10)
    house.gate.kill("flatten", "stuck")
    house.heard.wait_for(Ended)  # the one that rested
    house.heard.wait_for(Refused, 8)  # those that waited behind the two that hang
    house.venue.let_go.set()
    house.heard.wait(lambda events: GateActed("flattened", "stuck") in events)
    given = [name for name in house.venue.reports if "-g" not in name]
    assert len(given) <= 4, "only those that were under way may have reached the venue"
    assert not house.venue.open_orders() and house.venue.held == {"AAA": 0}


def test_what_else_the_venue_answers_is_heard_while_cancels_hang_and_others_wait_behind(
    house: House,
) -> None:
    orders = 2 * LANES[RESCUING]
    house.gate.send([place(number) for number in range(1, orders + 1)])
    house.heard.wait_for(Acknowledged, orders)
    cancel, at_it = house.venue.cancel, threading.Semaphore(0)

    def hang(client_id: str, symbol: str) -> VenueReport:
        at_it.release()
        house.venue.let_go.wait(10)
        return cancel(client_id)

    house.venue.cancel = hang  # type: ignore[method-assign]
    house.gate.kill("freeze", "stuck")
    assert all(at_it.acquire(timeout=10) for _ in range(LANES[RESCUING]))
    house.gate.send([place(orders + 1, opens=False)])
    house.heard.wait_for(Acknowledged, orders + 1)
    house.venue.let_go.set()
    house.heard.wait_for(Ended, orders)


def test_an_adapter_that_fails_in_an_unforeseen_way_is_asked_again(house: House) -> None:
    def broken(order: object) -> None:
        raise RuntimeError("a defect of the adapter")

    house.venue.place = broken  # type: ignore[method-assign, assignment]
    house.gate.send([place(1)])
    house.heard.wait(lambda events: len(events) == 1)
    assert "a defect of the adapter" in house.heard.events[0].reason  # type: ignore[union-attr]


def test_an_answer_that_makes_no_sense_halts_entries_and_exits_go_on(house: House) -> None:
    house.gate.send([place(1)])
    house.heard.wait_for(Acknowledged)
    house.venue.open_orders = lambda: 5
    house.venue.on_item(Connected(WallClock().now_ns()))
    house.heard.wait_for(Halted)
    house.gate.send([place(2), place(3, opens=False)])
    house.heard.wait_for(Refused)
    house.heard.wait_for(Acknowledged, 2)


def test_the_status_says_what_works_what_is_held_and_what_is_shut(house: House) -> None:
    house.gate.send([place(1, MARKET), place(2)])
    house.heard.wait_for(Filled)
    house.heard.wait_for(Acknowledged, 2)
    house.gate.halt("odd", 0)
    house.gate.kill("freeze", "x")
    house.heard.wait_for(Ended)
    status = house.gate.status()
    assert (status.killed, status.halted) == ("freeze", {"AAA": "odd"})
    assert (status.open_orders, status.positions) == (0, {"AAA": SHARE})


def test_a_kill_in_no_known_way_is_the_caller_s_error(house: House) -> None:
    with pytest.raises(ValueError, match="flatten"):
        house.gate.kill("gently", "x")


def test_a_stop_names_the_thread_that_hangs() -> None:
    house = House()
    house.gate.start()
    house.venue.hang.set()
    house.gate.send([place(1)])
    assert house.venue.hanging.wait(10)
    left = house.gate.stop(seconds=0.2)
    assert any(one.startswith("thread 'gate placing") for one in left)
    assert house.venue.closed
    house.venue.let_go.set()


def test_a_stop_before_the_start_is_kept() -> None:
    before = set(threading.enumerate())
    house = House()
    assert house.gate.stop() == ()
    house.gate.start()
    assert set(threading.enumerate()) <= before
