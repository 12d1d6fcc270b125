"""A bracket's exits at a venue: no more of them than the entry has brought, and no less."""

import pytest
from tests.unit.live_broker_house import SHARES, House, bracket, fill, stop_of, target_of

from app.core.message_codec import decode, encode
from app.core.messages import Command
from app.core.money import UNITS
from app.core.order_events import (
    Acknowledged,
    Amend,
    Amended,
    Cancel,
    ChangeRefused,
    Ended,
    Filled,
    Halted,
    OrderEvent,
    Place,
    Refused,
    Resumed,
)
from app.core.orders import (
    AMEND_PENDING,
    CANCEL_PENDING,
    CANCELED,
    EXPIRED,
    FILLED,
    LIMIT,
    PARTIAL,
    REJECTED,
    STOP,
    SUBMITTED,
    Order,
)
from app.managers.execution_manager.live.live_broker_state import (
    LiveBrokerState,
    live_broker_state,
    restore_live_broker,
)
from app.managers.execution_manager.orders.kill import FLATTEN
from app.managers.execution_manager.orders.parts import APART
from app.threads.stream import commands
from app.threads.stream.commands import is_left_holding, obey

TARGET_AGAIN, STOP_AGAIN = APART + 2, APART + 3


@pytest.fixture
def house() -> House:
    return House()


def entered(house: House, shares: int) -> tuple[Order, Order, Order]:
    """A bracket whose entry has filled in part; its exits work for that."""
    orders = bracket(house)
    house.intents()
    house.hear(fill(orders[0], shares * UNITS), Acknowledged(2), Acknowledged(3))
    placed = [one.terms for one in house.intents() if isinstance(one, Place)]
    assert placed == [target_of(shares), stop_of(shares)]
    return orders


def out(number: int, shares: int, name: str) -> Filled:
    return Filled(number, name, -shares * UNITS, 12.0, 0, 6)


def test_exits_grow_with_their_entry_one_amendment_at_a_time(house: House) -> None:
    entry, target, stop = entered(house, 30)
    house.hear(fill(entry, 10 * UNITS, "e2"))
    assert house.intents() == (Amend(2, target_of(40), False), Amend(3, stop_of(40), False))
    house.hear(fill(entry, 20 * UNITS, "e3"))
    assert house.intents() == ()
    house.hear(Amended(2, target_of(40)))
    assert house.intents() == (Amend(2, target_of(60), False),)
    house.hear(Amended(3, stop_of(40)), fill(entry, 40 * UNITS, "e4"))
    assert house.intents() == (Amend(3, stop_of(60), False),)
    house.hear(Amended(2, target_of(60)), Amended(3, stop_of(60)))
    assert house.intents() == (Amend(2, target_of(100), False), Amend(3, stop_of(100), False))
    assert [order.units for order in (target, stop)] == [-SHARES] * 2  # what was promised


def test_an_exit_that_filled_is_there_again_for_what_the_entry_fills_later(house: House) -> None:
    entry, target, stop = entered(house, 30)
    house.hear(out(2, 30, "x1"))
    assert house.intents() == (Cancel(3),)  # nothing is left to stop
    assert (target.state, stop.units) == (PARTIAL, -70 * UNITS)
    house.hear(fill(entry, 50 * UNITS, "e2"))
    again = Place(TARGET_AGAIN, 0, LIMIT, "gtc", target_of(50), True, False)
    assert house.intents() == (again,)
    house.hear(Ended(3, CANCELED, ""))
    assert house.intents() == (Place(STOP_AGAIN, 0, STOP, "gtc", stop_of(50), True, False),)
    assert (stop.state, stop.units) == (SUBMITTED, -70 * UNITS)
    house.hear(Acknowledged(TARGET_AGAIN), Acknowledged(STOP_AGAIN), out(TARGET_AGAIN, 50, "x2"))
    assert (target.filled_units, house.held_units) == (-80 * UNITS, 0)
    assert house.intents() == (Cancel(STOP_AGAIN),)
    house.hear(Ended(STOP_AGAIN, CANCELED, ""), fill(entry, 20 * UNITS, "e3"))
    house.hear(out(APART + TARGET_AGAIN, 20, "x3"))
    assert (entry.state, target.state, target.filled_units) == (FILLED, FILLED, -SHARES)
    assert (stop.state, house.held_units) == (CANCEL_PENDING, 0)


def test_an_exit_that_filled_while_it_was_to_grow_waits_for_what_the_venue_says(
    house: House,
) -> None:
    entry, target, _ = entered(house, 30)
    house.hear(fill(entry, 40 * UNITS, "e2"), out(2, 30, "x1"))
    assert house.intents() == (Amend(2, target_of(70), False), Amend(3, stop_of(70), False))
    house.hear(ChangeRefused(2, "it has filled"))
    assert house.intents() == (Place(TARGET_AGAIN, 0, LIMIT, "gtc", target_of(40), True, False),)
    house.hear(ChangeRefused(2, "late"), Ended(2, CANCELED, "late"))  # of a part that is over
    assert (target.is_working, house.intents()) == (True, ())


def test_an_exit_that_grew_before_it_filled_goes_on(house: House) -> None:
    entry, target, _ = entered(house, 30)
    house.hear(fill(entry, 40 * UNITS, "e2"), out(2, 30, "x1"), Amended(2, target_of(70)))
    house.hear(out(2, 40, "x2"))
    assert (target.state, target.filled_units, house.held_units) == (PARTIAL, -70 * UNITS, 0)


def test_growth_that_was_refused_is_asked_for_again_with_the_next_fill_only(house: House) -> None:
    entry, _, stop = entered(house, 30)
    house.hear(fill(entry, 10 * UNITS, "e2"), Amended(2, target_of(40)))
    house.intents()
    house.hear(ChangeRefused(3, "no"))
    assert house.intents() == ()
    house.hear(fill(entry, 10 * UNITS, "e3"))
    assert house.intents() == (Amend(2, target_of(50), False), Amend(3, stop_of(50), False))
    assert stop in house.execution.untold


def test_growth_that_the_journal_kept_in_is_asked_for_when_it_can_be_written(house: House) -> None:
    entry, *_ = entered(house, 30)
    house.hear(Halted(-1, "no disk", "journal"), fill(entry, 10 * UNITS, "e2"))
    grown = house.intents()
    house.hear(ChangeRefused(2, "never sent"), ChangeRefused(3, "never sent"))
    assert house.intents() == ()
    house.hear(Resumed(-1, "it can", "journal"))
    assert house.intents() == grown


@pytest.mark.parametrize("meanwhile", [0, 20])
def test_growth_that_comes_after_it_was_refused_leaves_an_exit_what_was_promised(
    house: House, meanwhile: int
) -> None:
    entry, _, stop = entered(house, 30)
    house.hear(fill(entry, 30 * UNITS, "e2"), Amended(2, target_of(60)))
    house.hear(ChangeRefused(3, "the venue never made the change"))
    if meanwhile:
        house.hear(fill(entry, meanwhile * UNITS, "e3"), Amended(2, target_of(60 + meanwhile)))
    house.intents()
    house.hear(Amended(3, stop_of(60)))
    if meanwhile:
        house.hear(Amended(3, stop_of(60 + meanwhile)))
    assert (stop.units, house.intents()) == (-SHARES, ())
    house.hear(fill(entry, (40 - meanwhile) * UNITS, "e4"))
    assert house.intents() == (Amend(2, target_of(100), False), Amend(3, stop_of(100), False))


def test_a_stop_may_be_moved_while_its_entry_fills_on(house: House) -> None:
    entry, _, stop = entered(house, 30)
    house.execution.amend(stop, stop_of(100, 9.0), 20)
    assert (stop.state, house.intents()) == (AMEND_PENDING, (Amend(3, stop_of(30, 9.0), False),))
    house.hear(fill(entry, 10 * UNITS, "e2"), Amended(3, stop_of(30, 9.0)))
    assert (stop.stop, stop.units, stop.state) == (9.0, -SHARES, "ACCEPTED")
    assert house.intents() == (Amend(2, target_of(40), False), Amend(3, stop_of(40, 9.0), False))


def test_an_exit_taken_back_between_two_parts_ends_at_once(house: House) -> None:
    entry, target, stop = entered(house, 30)
    house.hear(out(2, 30, "x1"), Ended(3, CANCELED, ""))
    house.intents()
    house.execution.cancel(stop, 20)
    assert stop.state == CANCELED
    house.hear(fill(entry, 10 * UNITS, "e2"))
    assert [type(one) for one in house.intents()] == [Place]
    house.execution.cancel(target, 21)
    house.hear(out(TARGET_AGAIN, 10, "x2"))  # the cancel lost: what it was to end is over
    assert (target.state, target.filled_units) == (CANCELED, -40 * UNITS)


def test_an_exit_that_was_to_end_and_could_not_does_not_grow(house: House) -> None:
    entry, target, _ = entered(house, 30)
    house.execution.cancel(target, 20)
    house.hear(out(3, 30, "x1"), Ended(1, CANCELED, ""))
    house.intents()
    house.hear(ChangeRefused(2, "no"))
    assert (target.is_working, house.intents()) == (True, ())
    assert entry.filled_units == 30 * UNITS


def test_an_exit_that_ends_by_itself_does_not_come_back(house: House) -> None:
    entry, target, stop = entered(house, 30)
    house.hear(Ended(3, CANCELED, "the venue's doing"), fill(entry, 10 * UNITS, "e2"))
    assert stop.state == CANCELED
    assert house.intents() == (Amend(2, target_of(40), False),)
    house.hear(Amended(2, target_of(40)), out(2, 40, "x1"))
    house.hear(fill(entry, 10 * UNITS, "e3"), Refused(TARGET_AGAIN, "no such price"))
    assert target.state == CANCELED


@pytest.mark.parametrize(
    ("end", "state"),
    [
        (Ended(1, CANCELED, ""), CANCELED),
        (Ended(1, EXPIRED, ""), EXPIRED),
        (Refused(1, "the venue never had it"), REJECTED),
    ],
)
def test_what_an_entry_fills_after_its_end_gets_the_exits_that_were_declared(
    house: House, end: OrderEvent, state: str
) -> None:
    entry, target, stop = bracket(house)
    house.execution.amend(stop, stop_of(100, 8.5), 20)
    house.hear(end)
    house.intents()
    assert [entry.state, target.state, stop.state] == [state, CANCELED, CANCELED]
    house.hear(fill(entry, 30 * UNITS, "e1"))
    assert house.intents() == (
        Place(4, 0, LIMIT, "gtc", target_of(30), True, False),
        Place(5, 0, STOP, "gtc", stop_of(30, 8.5), True, False),
    )
    house.hear(fill(entry, 10 * UNITS, "e2"))
    assert [one.terms.units for one in house.intents()] == [-10 * UNITS] * 2  # type: ignore[attr-defined]
    house.hear(out(4, 30, "x1"), out(6, 10, "x2"))
    assert house.intents() == (Cancel(5), Cancel(7))
    assert house.held_units == 0


def test_exits_that_come_with_a_late_fill_do_not_keep_a_run_from_being_flattened(
    house: House,
) -> None:
    execution = house.execution
    entry, *_ = bracket(house)
    house.hear(Ended(1, CANCELED, ""))
    obey(Command(commands.STOP, FLATTEN), execution, lambda: None, 20)
    assert not is_left_holding(execution)
    house.hear(fill(entry, 30 * UNITS), Acknowledged(4), Acknowledged(5))
    assert is_left_holding(execution)
    closing = house.give(-30 * UNITS)
    assert not is_left_holding(execution)
    house.hear(Refused(closing.order_id, "no"))
    assert is_left_holding(execution)
    for late in list(execution.broker.working.values()):
        execution.cancel(late, 30)
    assert not is_left_holding(execution)  # it is under way


def test_a_strategy_hears_of_an_exit_for_a_late_fill_that_risk_refuses(house: House) -> None:
    entry, *_ = bracket(house)
    house.hear(Ended(1, CANCELED, ""))
    house.intents()
    house.execution.untold.clear()
    house.hear(fill(entry, UNITS // 2))  # no exit may be for less than a lot
    told = house.execution.untold
    assert [(one.order_id, one.state) for one in told] == [(4, REJECTED), (5, REJECTED)]
    house.hear(fill(entry, 30 * UNITS, "e2"))
    assert [one.terms for one in house.intents()] == [target_of(30), stop_of(30)]  # type: ignore[attr-defined]


def test_a_late_fill_beside_exits_that_still_work_gets_its_own(house: House) -> None:
    entry, target, _ = entered(house, 30)
    house.hear(Ended(1, CANCELED, ""), fill(entry, 20 * UNITS, "e2"))
    assert [one.terms for one in house.intents()] == [target_of(20), stop_of(20)]  # type: ignore[attr-defined]
    assert target.units == -30 * UNITS


def test_exits_that_were_taken_back_do_not_come_with_a_late_fill(house: House) -> None:
    entry, target, stop = bracket(house)
    house.intents()
    house.execution.cancel(entry, 20)
    house.execution.cancel(target, 20)
    house.hear(Ended(1, CANCELED, ""))
    assert stop.state == CANCELED
    house.intents()
    house.hear(fill(entry, 30 * UNITS))
    assert [one.kind for one in house.intents()] == [STOP]  # type: ignore[attr-defined]


def test_of_orders_that_are_no_exits_nothing_is_kept_when_they_are_taken_back(
    house: House,
) -> None:
    for _ in range(3):
        house.execution.cancel(house.give(), 20)
    _, target, _ = bracket(house)
    house.execution.cancel(target, 20)
    assert house.execution.broker.exits.state().withdrawn == [target.order_id]  # type: ignore[union-attr]


def test_a_late_fill_that_covers_a_short_position_gets_no_exits(house: House) -> None:
    short = house.give(-SHARES)
    house.hear(fill(short, -80 * UNITS, "s1"))
    entry = house.give()
    common = {"reduce_only": True, "parent": entry.order_id, "aimed": False}
    house.give(-SHARES, kind=STOP, stop=8.0, **common)
    house.hear(Ended(entry.order_id, CANCELED, ""))
    house.intents()
    house.hear(fill(entry, 70 * UNITS, "e1"))
    assert house.intents() == ()
    house.hear(fill(entry, 30 * UNITS, "e2"))
    assert [one.terms.units for one in house.intents()] == [-20 * UNITS]  # type: ignore[attr-defined]


def test_an_exit_of_a_part_of_the_entry_gets_no_more_than_that_of_a_late_fill(
    house: House,
) -> None:
    entry = house.give()
    house.give(-50 * UNITS, kind=LIMIT, limit=11.0, parent=1, reduce_only=True, aimed=False)
    house.hear(fill(entry, 40 * UNITS), Ended(1, CANCELED, ""))
    house.intents()
    house.hear(fill(entry, 30 * UNITS, "e2"))
    assert [one.terms.units for one in house.intents()] == [-10 * UNITS]  # type: ignore[attr-defined]


def test_a_run_that_went_on_from_a_saved_state_saves_what_one_does_that_never_broke_off(
    house: House,
) -> None:
    entered(house, 100)
    house.hear(out(2, 100, "x1"), Ended(3, CANCELED, ""))
    saved = encode(live_broker_state(house.execution.broker))  # type: ignore[arg-type]
    again = House()
    restore_live_broker(again.execution.broker, decode(saved, LiveBrokerState))  # type: ignore[arg-type]
    states = []
    for one in (house, again):
        one.hear(out(3, 10, "x2"))  # of the stop, which had ended
        states.append(encode(live_broker_state(one.execution.broker)))  # type: ignore[arg-type]
    assert states[0] == states[1] != saved
