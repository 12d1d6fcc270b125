"""What orders of a live run become, as the venue tells of them one event after the other."""

import pytest
from tests.unit.live_broker_house import SHARES, House, bracket, fill

from app.core.money import UNITS
from app.core.order_events import (
    ADOPTED,
    Acknowledged,
    Amend,
    Amended,
    Cancel,
    ChangeRefused,
    Ended,
    Filled,
    GateActed,
    GateFilled,
    Halted,
    Place,
    Refused,
    Resumed,
    Uncertain,
    Voided,
)
from app.core.orders import (
    ACCEPTED,
    AMEND_PENDING,
    CANCEL_PENDING,
    CANCELED,
    EXPIRED,
    FILLED,
    LIMIT,
    PARTIAL,
    REJECTED,
    SUBMITTED,
    UNKNOWN,
    Terms,
)
from app.managers.execution_manager.live.order_reports import UnknownOrder


@pytest.fixture
def house() -> House:
    return House()


def test_an_order_is_an_intent_until_the_venue_says_more(house: House) -> None:
    order = house.give()
    assert order.state == SUBMITTED
    assert house.intents() == (
        Place(1, 0, "market", "day", Terms(SHARES, None, None, None, None), False, True),
    )
    assert house.intents() == ()
    house.hear(Acknowledged(1))
    assert order.state == ACCEPTED
    assert house.hear(fill(order, SHARES, fee=3)) == [order]
    assert (order.state, house.held_units) == (FILLED, SHARES)
    assert house.execution.ledger.fee_units == 3
    assert not house.execution.broker.working


def test_a_fill_may_come_before_the_acknowledgement_and_only_once(house: House) -> None:
    order = house.give()
    house.hear(fill(order, 40 * UNITS))
    assert order.state == PARTIAL
    assert house.hear(fill(order, 40 * UNITS)) == []  # told again
    house.hear(Acknowledged(1))
    assert (order.state, house.held_units) == (PARTIAL, 40 * UNITS)
    house.hear(fill(order, 60 * UNITS, "e2"), Acknowledged(1))
    assert (order.state, house.held_units) == (FILLED, SHARES)


def test_an_uncertain_order_is_unknown_until_the_venue_says_what_became_of_it(
    house: House,
) -> None:
    known, denied, filled = house.give(), house.give(), house.give()
    for order in (known, denied, filled):
        house.hear(Uncertain(order.order_id, "timeout"))
        assert order.state == UNKNOWN
    house.hear(Acknowledged(1), Refused(2, "never had it"), fill(filled, SHARES))
    assert [o.state for o in (known, denied, filled)] == [ACCEPTED, REJECTED, FILLED]
    assert house.execution.untold == [denied]
    assert house.execution.aim_units[0][0] == 2 * SHARES


def test_an_order_amended_while_nobody_knew_of_it_waits_for_that_when_it_is_found(
    house: House,
) -> None:
    order = house.give(kind=LIMIT, limit=10.0)
    house.hear(Uncertain(order.order_id, "timeout"))
    terms = Terms(SHARES, 11.0, None, None, None)
    assert house.execution.amend(order, terms, house.now_ns)
    assert order.state == UNKNOWN
    house.hear(Acknowledged(order.order_id))
    assert order.state == AMEND_PENDING
    house.hear(Amended(order.order_id, terms))
    assert (order.state, order.limit) == (ACCEPTED, 11.0)


def test_a_fill_after_the_cancel_was_confirmed_is_booked_as_well(house: House) -> None:
    order = house.give()
    house.hear(Acknowledged(1))
    assert not house.execution.cancel(order, 20)
    assert order.state == CANCEL_PENDING
    house.hear(Ended(1, CANCELED, ""))
    assert (order.state, house.execution.aim_units[0][0]) == (CANCELED, 0)
    house.hear(fill(order, 30 * UNITS))
    assert (order.state, order.filled_units, house.held_units) == (
        CANCELED, 30 * UNITS, 30 * UNITS,
    )  # fmt: skip
    assert house.execution.aim_units[0][0] == 30 * UNITS


def test_a_cancel_is_asked_for_once_and_a_refused_one_leaves_the_order_as_it_was(
    house: House,
) -> None:
    order = house.give()
    house.intents()
    house.execution.cancel(order, 20)
    house.execution.cancel(order, 21)
    assert house.intents() == (Cancel(1),)
    assert house.execution.aim_units[0][0] == 0
    house.hear(ChangeRefused(1, "too late"))
    assert (order.state, order.reason) == (ACCEPTED, "too late")
    assert house.execution.aim_units[0][0] == SHARES


def test_an_amendment_is_in_force_when_the_venue_says_so(house: House) -> None:
    order = house.give(kind=LIMIT, limit=9.0)
    house.hear(Acknowledged(1))
    terms = Terms(50 * UNITS, 9.5, None, None, None)
    house.intents()
    assert house.execution.amend(order, terms, 20)
    assert (order.state, order.limit) == (AMEND_PENDING, 9.0)
    assert house.intents() == (Amend(1, terms, False),)
    house.hear(Amended(1, terms))
    assert (order.state, order.limit, order.units) == (ACCEPTED, 9.5, 50 * UNITS)
    assert house.execution.aim_units[0][0] == 50 * UNITS


def test_a_fill_of_more_than_an_amendment_left_is_the_venues_word(house: House) -> None:
    order = house.give(kind=LIMIT, limit=9.0)
    house.hear(Acknowledged(1))
    house.execution.amend(order, Terms(50 * UNITS, 9.0, None, None, None), 20)
    house.hear(Amended(1, Terms(50 * UNITS, 9.0, None, None, None)), fill(order, 70 * UNITS))
    assert (order.state, order.units, house.held_units) == (FILLED, 70 * UNITS, 70 * UNITS)
    assert house.execution.aim_units[0][0] == 70 * UNITS


def test_exits_leave_when_their_entry_fills_and_the_one_that_fills_ends_the_other(
    house: House,
) -> None:
    entry, target, stop = bracket(house)
    assert [type(one) for one in house.intents()] == [Place]
    assert [target.state, stop.state] == [ACCEPTED, ACCEPTED]  # held here
    house.hear(fill(entry, 40 * UNITS))
    placed = house.intents()
    assert [(one.order_id, one.opens) for one in placed if isinstance(one, Place)] == [
        (2, False), (3, False),
    ]  # fmt: skip
    assert [one.terms.units for one in placed if isinstance(one, Place)] == [-40 * UNITS] * 2
    house.hear(fill(entry, 60 * UNITS, "e2"), Acknowledged(2), Acknowledged(3))
    grown = [Terms(-SHARES, 12.0, None, None, None), Terms(-SHARES, None, 8.0, None, None)]
    assert house.intents() == (Amend(2, grown[0], False), Amend(3, grown[1], False))
    house.hear(Amended(2, grown[0]), Amended(3, grown[1]))
    house.hear(Filled(2, "e3", -SHARES, 12.0, 0, 6))
    assert (target.state, stop.state, house.held_units) == (FILLED, CANCEL_PENDING, 0)
    assert house.intents() == (Cancel(3),)
    house.hear(Ended(3, CANCELED, ""))
    assert stop.state == CANCELED
    assert house.execution.aim_units[0][0] == 0


def test_exits_of_an_entry_that_never_filled_end_without_having_left(house: House) -> None:
    entry, target, stop = bracket(house)
    house.intents()
    house.hear(Ended(1, EXPIRED, "the day is over"))
    assert [o.state for o in (entry, target, stop)] == [EXPIRED, CANCELED, CANCELED]
    assert house.intents() == ()


def test_a_leg_that_fills_in_part_asks_for_less_of_the_other(house: House) -> None:
    entry, _, stop = bracket(house)
    house.hear(fill(entry, SHARES), Acknowledged(2), Acknowledged(3))
    house.intents()
    house.hear(Filled(2, "e3", -40 * UNITS, 12.0, 0, 6))
    terms = Terms(-60 * UNITS, None, 8.0, None, None)
    assert house.intents() == (Amend(3, terms, False),)
    house.hear(Amended(3, terms))
    assert (stop.state, stop.units) == (ACCEPTED, -60 * UNITS)


def test_a_halted_symbol_takes_exits_alone(house: House) -> None:
    order = house.give()
    house.hear(fill(order, SHARES), Halted(0, "positions differ"))
    more, out = house.give(), house.give(-SHARES)
    assert [o.state for o in (more, out)] == [REJECTED, SUBMITTED]
    assert more.reason == "no_entries: positions differ; only what reduces a position passes"
    second = house.give(-SHARES)  # the first has the claim on what is held
    assert second.state == REJECTED
    house.hear(Resumed(0, "they agree"))
    assert house.give().state == SUBMITTED


def test_a_latched_gate_lets_no_entry_be_proposed(house: House) -> None:
    house.hear(GateActed("latched", "killed"))
    assert house.give().state == REJECTED


def test_what_the_gate_closes_is_taken_from_the_strategies_that_hold_it(house: House) -> None:
    first, second = house.give(60 * UNITS), house.give(40 * UNITS, strategy=1)
    house.hear(fill(first, 60 * UNITS), fill(second, 40 * UNITS, "e2"))
    house.hear(GateFilled(0, "g1", -70 * UNITS, 11.0, 700, 9), GateFilled(0, "g1", -1, 1.0, 0, 9))
    positions = house.execution.positions
    assert [positions[0][0].units, positions[1][0].units] == [0, 30 * UNITS]
    assert [positions[0][0].fee_units, positions[1][0].fee_units] == [600, 100]
    assert house.execution.aim_units == [[0, 0], [30 * UNITS, 0]]


def test_what_was_held_before_the_run_is_booked_and_counts_as_no_fill(house: House) -> None:
    """Nothing was bought; what is sold of it is a fill, the first one."""
    house.hear(GateFilled(0, f"{ADOPTED}A", SHARES, 10.0, 0, 9))
    assert (house.execution.fill_count, house.held_units) == (0, SHARES)
    house.hear(fill(house.give(-SHARES), -SHARES))
    assert (house.execution.fill_count, house.held_units) == (1, 0)
    records = house.execution.diary.take()
    assert [row[0] for row in records.fills] == [-1, 1]
    assert records.entries.count(b"F\0") == 2, "old journals have it among their decisions"


def test_an_order_that_recovery_never_sent_ends_as_void(house: House) -> None:
    order = house.give()
    house.hear(Voided(1))
    assert (order.state, order.reason[:4]) == (REJECTED, "void")


def test_news_of_an_order_that_was_never_given_is_a_defect(house: House) -> None:
    with pytest.raises(UnknownOrder, match="order 7, which was never given"):
        house.hear(Acknowledged(7))


def test_the_end_of_a_session_or_a_run_ends_no_order_at_the_venue(house: House) -> None:
    order = house.give()
    house.execution.expire(10**15, 10**15)
    house.execution.cancel_all(10**15, "the run ended")
    assert order.state == SUBMITTED
    assert house.execution.diary.take().orders == [order]  # on record as it is
