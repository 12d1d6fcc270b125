"""Orders of a live run when what is asked, what fills and what is refused cross on their way."""

import pytest
from tests.unit.live_broker_house import SHARES, House, bracket, fill

from app.core.money import UNITS
from app.core.order_events import (
    Acknowledged,
    Amend,
    Amended,
    Cancel,
    ChangeRefused,
    Ended,
    Filled,
    GateFilled,
    Halted,
    Place,
    Resumed,
    Uncertain,
    Voided,
)
from app.core.orders import (
    ACCEPTED,
    AMEND_PENDING,
    CANCEL_PENDING,
    CANCELED,
    FILLED,
    LIMIT,
    PARTIAL,
    REJECTED,
    STOP,
    Order,
    Terms,
)

LIMITED = {"kind": LIMIT, "limit": 9.0}


@pytest.fixture
def house() -> House:
    return House()


def terms(shares: int, limit: float | None = 9.0, stop: float | None = None) -> Terms:
    return Terms(shares * UNITS, limit, stop, None, None)


@pytest.mark.parametrize("amended_first", [True, False])
def test_an_order_in_doubt_that_is_to_be_amended_goes_on_as_such(
    house: House, amended_first: bool
) -> None:
    order = house.give(**LIMITED)
    if amended_first:
        house.execution.amend(order, terms(50), 20)
        house.hear(Uncertain(1, "timeout"))
    else:
        house.hear(Uncertain(1, "timeout"))
        house.execution.amend(order, terms(50), 20)
    house.hear(Acknowledged(1))
    assert order.state == AMEND_PENDING
    house.hear(Amended(1, terms(50)))
    assert (order.state, order.units) == (ACCEPTED, 50 * UNITS)


def test_an_order_given_and_amended_behind_the_record_is_void(house: House) -> None:
    order = house.give(**LIMITED)
    house.execution.amend(order, terms(50), 20)
    house.hear(Voided(1))
    assert (order.state, house.execution.aim_units[0][0]) == (CANCELED, 0)
    assert order.reason.startswith("void")


def test_an_order_in_doubt_whose_cancel_was_refused_is_aimed_with_again(house: House) -> None:
    order = house.give()
    house.hear(Uncertain(1, "timeout"))
    house.execution.cancel(order, 20)
    assert house.execution.aim_units[0][0] == 0
    house.hear(ChangeRefused(1, "it was never sent: the journal cannot be written"))
    assert house.execution.aim_units[0][0] == SHARES
    house.hear(Acknowledged(1), ChangeRefused(1, "again"), fill(order, SHARES))
    assert house.execution.aim_units[0][0] == house.held_units == SHARES


def test_a_second_amendment_leaves_when_the_first_is_answered(house: House) -> None:
    order = house.give(**LIMITED)
    house.hear(Acknowledged(1))
    house.intents()
    house.execution.amend(order, terms(50), 20)
    house.execution.amend(order, terms(40), 21)
    house.execution.amend(order, terms(30), 22)
    assert house.intents() == (Amend(1, terms(50), False),)
    house.hear(Amended(1, terms(50)))
    assert (order.state, order.units) == (AMEND_PENDING, 50 * UNITS)
    assert house.intents() == (Amend(1, terms(30), False),)
    house.hear(ChangeRefused(1, "too late"))
    assert (order.state, order.units, house.intents()) == (ACCEPTED, 50 * UNITS, ())


def test_a_second_amendment_leaves_when_the_first_is_refused(house: House) -> None:
    order = house.give(**LIMITED)
    house.hear(Acknowledged(1))
    house.execution.amend(order, terms(50), 20)
    house.execution.amend(order, terms(40), 21)
    house.intents()
    house.hear(ChangeRefused(1, "no"))
    assert (order.state, house.intents()) == (AMEND_PENDING, (Amend(1, terms(40), False),))
    house.hear(Amended(1, terms(40)))
    assert (order.state, order.units) == (ACCEPTED, 40 * UNITS)


def test_an_amendment_to_what_is_in_force_asks_the_venue_for_nothing(house: House) -> None:
    order = house.give(**LIMITED)
    house.hear(Acknowledged(1))
    house.intents()
    assert house.execution.amend(order, terms(100), 20)
    assert (order.state, house.intents()) == (ACCEPTED, ())


def legs(house: House, **common: object) -> tuple[Order, Order]:
    """Two entries of which one is to come about, both working."""
    group = house.execution.new_group()
    low = house.give(group=group, aimed=False, **LIMITED, **common)
    high = house.give(group=group, kind=STOP, stop=11.0, **common)
    house.hear(Acknowledged(1), Acknowledged(2))
    house.intents()
    return low, high


def test_fills_that_come_faster_than_amendments_all_count_against_the_other_leg(
    house: House,
) -> None:
    low, high = legs(house)
    house.hear(fill(low, 10 * UNITS, "e1"))
    house.hear(fill(low, 20 * UNITS, "e2"))
    house.hear(fill(low, 30 * UNITS, "e3"))
    first = terms(90, None, 11.0)
    assert house.intents() == (Amend(2, first, False),)
    house.hear(Amended(2, first))
    assert house.intents() == (Amend(2, terms(40, None, 11.0), False),)
    house.hear(Amended(2, terms(40, None, 11.0)))
    assert (high.state, high.units, house.intents()) == (ACCEPTED, 40 * UNITS, ())


def test_the_other_leg_ends_when_all_has_filled_though_its_amendment_is_under_way(
    house: House,
) -> None:
    low, high = legs(house)
    house.hear(fill(low, 50 * UNITS, "e1"))
    house.hear(fill(low, 50 * UNITS, "e2"))
    assert house.intents()[-1] == Cancel(2)
    assert high.state == CANCEL_PENDING


def test_an_entry_that_ends_partly_filled_leaves_exits_of_what_is_held(house: House) -> None:
    entry, target, stop = bracket(house)
    house.hear(fill(entry, 40 * UNITS), Acknowledged(2), Acknowledged(3))
    assert [one.terms.units for one in house.intents()[1:]] == [-40 * UNITS] * 2
    house.hear(Filled(2, "e2", -10 * UNITS, 12.0, 0, 6))
    less = terms(-30, None, 8.0)
    assert house.intents() == (Amend(3, less, False),)
    house.hear(Ended(1, CANCELED, ""))
    assert house.intents() == ()  # the venue has no more than that of either
    house.hear(Amended(3, less))
    assert house.intents() == ()
    left = [order.units - order.filled_units for order in (target, stop)]
    assert left == [-house.held_units] * 2


def test_a_late_fill_of_one_exit_counts_against_the_other(house: House) -> None:
    entry, target, stop = bracket(house)
    house.hear(fill(entry, SHARES), Acknowledged(2), Acknowledged(3))
    house.execution.cancel(target, 20)
    house.hear(Ended(2, CANCELED, ""))
    house.intents()
    house.hear(Filled(2, "e2", -30 * UNITS, 12.0, 0, 6))
    assert house.intents() == (Amend(3, terms(-70, None, 8.0), False),)
    house.hear(Filled(2, "e3", -70 * UNITS, 12.0, 0, 6))
    assert (stop.state, house.held_units) == (CANCEL_PENDING, 0)
    assert Cancel(3) in house.intents()


def test_exits_end_when_somebody_else_closed_the_position(house: House) -> None:
    entry, target, stop = bracket(house)
    house.hear(fill(entry, SHARES), Acknowledged(2), Acknowledged(3))
    house.intents()
    house.hear(GateFilled(0, "g1", -SHARES, 11.0, 0, 9))
    assert [target.state, stop.state] == [CANCEL_PENDING] * 2
    assert set(house.intents()) == {Cancel(2), Cancel(3)}


def test_exits_of_an_entry_that_was_taken_back_with_it_never_leave(house: House) -> None:
    entry = house.give()
    house.execution.cancel(entry, 20)
    child = house.give(-SHARES, kind=LIMIT, limit=12.0, parent=1, reduce_only=True, aimed=False)
    house.hear(Ended(1, CANCELED, ""))
    assert child.state == CANCELED
    assert [type(one) for one in house.intents()] == [Place, Cancel]
    assert entry.state != REJECTED


NEVER_SENT = "it was never sent: the journal cannot be written"


def test_what_a_leg_owes_the_other_is_asked_for_again_when_the_journal_can_be_written(
    house: House,
) -> None:
    low, high = legs(house)
    house.hear(Halted(-1, "no disk", "journal"), fill(low, 40 * UNITS))
    house.hear(ChangeRefused(2, NEVER_SENT))
    less = Amend(2, terms(60, None, 11.0), False)
    assert (high.state, house.intents()) == (ACCEPTED, (less,))
    house.hear(Resumed(-1, "it can", "journal"))
    assert house.intents() == (less,)
    refused = ChangeRefused(2, NEVER_SENT)  # of the amendment, and of the cancel
    house.hear(fill(low, 60 * UNITS, "e2"), refused, refused)
    assert high.state == ACCEPTED
    house.intents()
    house.hear(Resumed(-1, "it can", "journal"))
    assert (high.state, house.intents()) == (CANCEL_PENDING, (Cancel(2),))


def test_a_refused_change_is_told_to_the_strategy(house: House) -> None:
    order = house.give()
    house.execution.cancel(order, 20)
    house.hear(ChangeRefused(1, "too late"))
    assert house.execution.untold == [order]


def test_an_order_that_fills_while_it_is_made_larger_works_on_until_the_venue_has_said(
    house: House,
) -> None:
    grown, kept = house.give(**LIMITED), house.give(**LIMITED)
    for order in (grown, kept):
        house.hear(Acknowledged(order.order_id))
        house.execution.amend(order, terms(150), 20)
        house.hear(Filled(order.order_id, f"e{order.order_id}", SHARES, 9.0, 0, 5))
        assert (order.state, order.units) == (AMEND_PENDING, SHARES)
    house.hear(Amended(grown.order_id, terms(150)), ChangeRefused(kept.order_id, "it has filled"))
    assert (grown.state, grown.units, kept.state) == (PARTIAL, 150 * UNITS, FILLED)
    assert house.execution.aim_units[0][0] == 250 * UNITS


def test_a_leg_whose_reduction_is_refused_is_smaller_all_the_same_and_never_grows(
    house: House,
) -> None:
    entry, target, stop = bracket(house)
    house.hear(fill(entry, 40 * UNITS), Acknowledged(2), Acknowledged(3))
    house.hear(Filled(2, "e2", -10 * UNITS, 12.0, 0, 6), Ended(1, CANCELED, ""))
    house.intents()
    house.hear(ChangeRefused(3, "no"))
    assert (stop.units, house.intents()) == (-30 * UNITS, ())
    house.hear(Filled(3, "e3", -30 * UNITS, 8.0, 0, 7))
    assert house.held_units == 0
    assert house.intents() == (Cancel(2), Cancel(3))  # the venue has ten more of it
    assert (target.state, stop.state) == (CANCEL_PENDING, CANCEL_PENDING)
    house.hear(Ended(3, CANCELED, ""))
    assert stop.state == FILLED
