"""Each fault a venue can have, at each state an order can be in: the right events, once each.

Impossible pairs: an unclear placement (F07, F08) once the order is acknowledged; a refused cancel
(F13) or a raced amendment (F15) where none is under way; a rejection (F16) after an end.
"""

import pytest
from tests.gate_desk import SECOND, SHARE, Desk, name, place

from app.core.order_events import (
    NEVER_HAD,
    Acknowledged,
    Amend,
    Amended,
    Cancel,
    ChangeRefused,
    Ended,
    Filled,
    Halted,
    Place,
    Refused,
    Resumed,
    Uncertain,
)
from app.core.orders import DAY, MARKET, TRAILING_STOP, Terms
from app.core.venue import Connected, Disconnected, VenueRefused, VenueUnclear
from app.managers.execution_manager.gate.calls import (
    AmendCall,
    CancelCall,
    GateTimes,
    OpenOrdersCall,
    OrderCall,
    PlaceCall,
)

LIVE = ("ACCEPTED", "PARTIAL", "CANCEL_PENDING", "AMEND_PENDING")
UNHEARD = ("SUBMITTED", "UNKNOWN")
ALL = (*UNHEARD, *LIVE, "CANCELED", "FILLED")


def kinds(desk: Desk) -> list[type]:
    return [type(event) for event in desk.events]


def acknowledged(state: str) -> list[type]:
    """What a first word of the venue adds."""
    return [Acknowledged] if state in UNHEARD else []


def beyond(state: str) -> list[type]:
    """What a fill beyond the order's size adds."""
    return [Halted] if state == "FILLED" else []


# F07, F08, F17: timeouts, errors, garbage


def test_an_unclear_placement_makes_the_order_uncertain_and_it_is_asked_for() -> None:
    desk = Desk().bring("SUBMITTED")
    desk.answer(PlaceCall, VenueUnclear("502"))
    assert desk.events == [Uncertain(1, "502")]
    desk.wait(1)
    desk.answer(OrderCall, desk.report())
    assert kinds(desk) == [Uncertain, Acknowledged]
    desk.wait(60)
    assert not desk.waiting, "nothing is placed or asked again"


def test_questions_come_at_growing_distances_up_to_five_seconds() -> None:
    desk = Desk().bring("UNKNOWN")
    begun, asked = desk.now_ns - SECOND // 10, []
    while desk.now_ns < begun + 20 * SECOND:
        desk.wait(0.1)
        if desk.calls(OrderCall):
            asked.append(round((desk.now_ns - begun) / SECOND, 1))
            desk.answer(OrderCall, VenueUnclear("no route to host"))
    assert asked == [0.5, 1.0, 2.0, 4.0, 8.0, 13.0, 18.0]


def test_an_order_stays_uncertain_while_the_venue_cannot_be_reached() -> None:
    desk = Desk().bring("UNKNOWN")
    desk.wait(3600, VenueUnclear("no route to host"))
    assert desk.events == []
    desk.wait(5, desk.report())
    assert kinds(desk) == [Acknowledged]


def test_denials_count_only_without_a_break() -> None:
    desk = Desk().bring("UNKNOWN")
    desk.wait(30, None)
    desk.wait(6, VenueUnclear("no route to host"))
    desk.wait(30, None)
    assert desk.events == []
    desk.wait(10, None)
    assert desk.events == [Refused(1, "the venue never had it", NEVER_HAD)]


def test_denials_do_not_count_while_the_placement_itself_still_hangs() -> None:
    desk = Desk().bring("SUBMITTED")
    desk.wait(120, None)
    assert kinds(desk) == [Uncertain]
    desk.answer(PlaceCall, desk.report())
    assert kinds(desk) == [Uncertain, Acknowledged]


@pytest.mark.parametrize("state", ["CANCEL_PENDING", "AMEND_PENDING"])
def test_an_unclear_change_leaves_the_order_known_and_is_asked_about(state: str) -> None:
    desk = Desk().bring(state)
    desk.answer(CancelCall if state == "CANCEL_PENDING" else AmendCall, VenueUnclear("garbage"))
    assert desk.events == []
    desk.wait(1)
    if state == "CANCEL_PENDING":
        desk.answer(OrderCall, desk.report())
        desk.answer(CancelCall, desk.report("CANCELED"))
        assert kinds(desk) == [Ended]
    else:
        desk.answer(OrderCall, desk.report(units=80 * SHARE, limit=11.0))
        assert kinds(desk) == [Amended]


def test_an_unclear_amendment_that_never_shows_is_refused_in_the_end() -> None:
    desk = Desk().bring("AMEND_PENDING")
    desk.answer(AmendCall, VenueUnclear("timed out"))
    desk.wait(30, desk.report())
    assert desk.events == []
    desk.wait(10, desk.report())
    assert kinds(desk) == [ChangeRefused]


# F09, F10: order and number of frames


@pytest.mark.parametrize("state", UNHEARD)
def test_a_fill_before_the_acknowledgement_acknowledges(state: str) -> None:
    desk = Desk().bring(state)
    desk.stream(desk.fill("e1", 40))
    desk.stream(desk.report(), desk.report("PARTIAL", 40))
    assert kinds(desk) == [Acknowledged, Filled]
    if state == "SUBMITTED":
        desk.answer(PlaceCall, desk.report())
        assert kinds(desk) == [Acknowledged, Filled]


@pytest.mark.parametrize("state", ALL)
def test_what_is_told_twice_counts_once(state: str) -> None:
    desk = Desk().bring(state)
    fill = desk.fill("e1", 10)
    desk.stream(fill, fill, desk.report("PARTIAL", 10), desk.report("PARTIAL", 10), fill)
    assert kinds(desk) == [*acknowledged(state), Filled, *beyond(state)]


def test_an_older_report_that_comes_later_brings_no_old_terms_back() -> None:
    desk = Desk().bring("AMEND_PENDING")
    old = desk.report(at_ns=desk.now_ns - SECOND)
    desk.answer(AmendCall, desk.report(units=80 * SHARE, limit=11.0))
    desk.stream(old)
    assert desk.events == [Amended(1, Terms(80 * SHARE, 11.0, None, None, None))]


@pytest.mark.parametrize("state", ["CANCELED", "FILLED"])
def test_a_live_report_after_the_end_changes_nothing(state: str) -> None:
    desk = Desk().bring(state)
    desk.stream(desk.report("ACCEPTED"), desk.report("CANCELED"))
    desk.wait(60)
    assert desk.events == [] and not desk.waiting
    assert desk.book.tracker.orders.numbered(1).end == state and not desk.book.tracker.open


def test_a_placement_refused_after_the_stream_acknowledged_it_is_asked_about() -> None:
    desk = Desk().bring("SUBMITTED")
    desk.stream(desk.report())
    desk.answer(PlaceCall, VenueRefused("duplicate id"))
    desk.wait(0)
    desk.answer(OrderCall, desk.report())
    assert kinds(desk) == [Acknowledged]


# F11, F12: frames that never come


@pytest.mark.parametrize("state", ALL)
def test_a_fill_that_only_a_report_shows_is_asked_for_soon(state: str) -> None:
    desk = Desk().bring(state)
    already = 100 if state == "FILLED" else 40 if state == "PARTIAL" else 0
    desk.fill("e1", 20)
    desk.stream(desk.report("PARTIAL", already + 20))
    desk.wait(0.6)
    assert kinds(desk) == [*acknowledged(state), Filled, *beyond(state)]


def test_an_answer_that_overtakes_the_stream_s_fill_asks_for_nothing() -> None:
    desk = Desk()
    desk.positions, desk.open = {}, [desk.report(client_id="someone", symbol="ZZZ")]
    desk.wait(31)
    asked = desk.book._calling._number
    desk.send(place(kind=MARKET))
    desk.answer(PlaceCall, desk.report("FILLED", 100, kind=MARKET, limit=None))
    desk.wait(0.1)
    desk.stream(desk.fill())
    desk.wait(2)
    assert kinds(desk) == [Acknowledged, Filled]
    assert desk.book._calling._number == asked + 1, "the placement, and no question"


@pytest.mark.parametrize("state", ALL)
def test_a_fill_while_the_stream_was_gone_is_found_when_it_stands_again(state: str) -> None:
    desk = Desk().bring(state)
    desk.stream(Disconnected(desk.now_ns, "reset"))
    desk.fill("e1", 20)
    desk.wait(1)
    assert Filled not in kinds(desk)
    desk.stream(Connected(desk.now_ns))
    desk.wait(0)
    assert kinds(desk) == [*acknowledged(state), Filled, *beyond(state)]
    assert desk.alarms[0].what == "order stream lost"


def test_a_fill_older_than_the_last_one_is_found_by_asking_now_and_then() -> None:
    desk = Desk().bring("ACCEPTED")
    desk.wait(31)
    desk.fill("lost", 10)
    desk.now_ns += SECOND
    desk.stream(desk.fill("e2", 10))
    desk.wait(31)
    desk.wait(31)
    assert [e.execution_id for e in desk.events if isinstance(e, Filled)] == ["e2", "lost"]


def test_a_fill_that_the_venue_lists_late_is_found_by_its_own_clock() -> None:
    desk = Desk().bring("ACCEPTED")
    desk.wait(7200)
    venue_ns = desk.now_ns - 3600 * SECOND
    desk.stream(desk.fill("e2", 10, at_ns=venue_ns))
    desk.wait(31)
    desk.fill("late", 10, at_ns=venue_ns - 20 * SECOND)
    desk.fill("later", 10, at_ns=venue_ns + 20 * SECOND)
    desk.wait(31)
    found = [e.execution_id for e in desk.events if isinstance(e, Filled)]
    assert found == ["e2", "late", "later"]


def test_an_order_newer_than_the_question_what_works_is_not_missed_in_its_answer() -> None:
    desk = Desk()
    desk.wait(6)  # that question is due again
    book = desk.book
    due_ns = book.due_ns()
    assert due_ns is not None
    book.tick(due_ns)
    (asked,) = (call for call in book.take().calls if isinstance(call, OpenOrdersCall))
    book.begin(asked, due_ns)
    desk.now_ns = due_ns + 1
    desk.bring("ACCEPTED")
    book.answered(asked, [], desk.now_ns)
    desk.wait(0)
    assert desk.calls(OrderCall) == 0


def test_an_end_that_was_lost_is_found_by_asking_what_works() -> None:
    desk = Desk().bring("ACCEPTED")
    desk.open = [desk.report(client_id="someone", symbol="ZZZ")]
    desk.wait(31)
    desk.answer(OrderCall, desk.report("EXPIRED"))
    assert kinds(desk) == [Ended]


def test_fills_that_never_come_halt_the_symbol_without_asking_in_a_loop() -> None:
    desk = Desk().bring("ACCEPTED")
    desk.stream(desk.fill("e1", 20), desk.report("PARTIAL", 50))
    asked = 0
    for _ in range(60):
        before = desk.book._calling._number
        desk.wait(1)
        asked += desk.book._calling._number - before
    assert kinds(desk) == [Filled, Halted]
    assert asked < 60
    assert "5000000000 units filled" in desk.book.latch.halted[0]


def test_a_call_without_an_answer_is_unclear_as_soon_as_patience_ends() -> None:
    desk = Desk()
    desk.wait(1.7)  # not when anything else is due
    desk.send(place())
    patience = GateTimes().patience_ns
    desk.wait(patience / SECOND - 0.001)
    assert desk.events == []
    desk.wait(0.001)
    assert kinds(desk) == [Uncertain]


# F13, F14, F15: changes that race a fill


def test_a_cancel_refused_because_all_was_filled_tells_the_fill_alone() -> None:
    desk = Desk().bring("CANCEL_PENDING")
    desk.answer(CancelCall, VenueRefused("it is filled"))
    desk.fill("e1")
    desk.wait(0)
    desk.answer(OrderCall, desk.report("FILLED", 100))
    desk.wait(1)
    assert kinds(desk) == [Filled]


def test_a_cancel_that_is_refused_three_times_while_the_order_works_on_is_told() -> None:
    desk = Desk().bring("CANCEL_PENDING")
    for refused in range(3):
        assert not desk.events, refused
        desk.answer(CancelCall, VenueRefused("not now"))
        desk.wait(2)
        desk.answer(OrderCall, desk.report())
    assert desk.events == [ChangeRefused(1, "not now")]
    desk.wait(60)
    assert not desk.calls(CancelCall)


def test_a_cancel_that_a_kill_asks_for_is_made_however_often_it_is_refused() -> None:
    desk = Desk().bring("ACCEPTED")
    desk.kill("flatten")
    for _ in range(10):
        desk.answer(CancelCall, VenueRefused("not now"))
        desk.wait(60, desk.report())
    desk.answer(CancelCall, desk.report("CANCELED"))
    assert Ended in kinds(desk) and ChangeRefused not in kinds(desk)


def test_an_order_that_the_venue_did_not_know_yet_is_cancelled_once_it_does() -> None:
    desk = Desk().bring("CANCEL_PENDING")
    desk.answer(CancelCall, VenueRefused("no such order"))
    desk.wait(10, None)
    desk.wait(8, desk.report())
    desk.answer(CancelCall, desk.report("CANCELED"))
    assert desk.events == [Ended(1, "CANCELED", "")]


@pytest.mark.parametrize("state", ["CANCELED", "FILLED"])
def test_a_fill_after_the_end_is_applied(state: str) -> None:
    desk = Desk().bring(state)
    desk.stream(desk.fill("late", 30))
    assert kinds(desk)[0] is Filled
    assert desk.book.tracker.net[0] == (30 if state == "CANCELED" else 130) * SHARE
    assert (0 in desk.book.latch.halted) == (state == "FILLED"), "more than its size"


def test_an_amendment_and_a_partial_fill_cross() -> None:
    desk = Desk().bring("AMEND_PENDING")
    desk.stream(desk.fill("e1", 60))
    desk.answer(AmendCall, desk.report("PARTIAL", 60, units=80 * SHARE, limit=11.0))
    desk.stream(desk.fill("e2", 20))
    assert kinds(desk) == [Filled, Amended, Filled]
    assert desk.book.tracker.orders.numbered(1).end == "FILLED"


def test_an_order_filled_in_its_old_size_goes_on_in_its_new_one() -> None:
    desk = Desk().bring("ACCEPTED")
    more = Terms(200 * SHARE, 10.0, None, None, None)
    desk.send(Amend(1, more, True))
    desk.stream(desk.fill("e1", 100))
    assert not desk.book.tracker.orders.numbered(1).end
    desk.answer(AmendCall, desk.report("PARTIAL", 100, units=200 * SHARE))
    assert desk.events[1:] == [Amended(1, more)]
    assert not desk.book.tracker.orders.numbered(1).end


def test_an_amendment_of_the_trail_alone_is_not_told_before_it_was_asked_for() -> None:
    desk = Desk()
    terms = Terms(100 * SHARE, None, 9.0, 1.0, None)
    desk.send(Place(1, 0, TRAILING_STOP, DAY, terms, False, False))
    wider = Terms(100 * SHARE, None, 9.0, 2.0, None)
    desk.send(Amend(1, wider, False))
    shown = desk.report(kind=TRAILING_STOP, limit=None, stop=9.5)
    desk.answer(PlaceCall, shown)
    assert kinds(desk) == [Acknowledged]
    desk.answer(AmendCall, shown)
    assert desk.events[1:] == [Amended(1, wider)]


def test_an_amendment_refused_because_all_was_filled_is_told_after_the_fill() -> None:
    desk = Desk().bring("AMEND_PENDING")
    desk.stream(desk.fill("e1"))
    desk.answer(AmendCall, VenueRefused("it is filled"))
    assert kinds(desk) == [Filled, ChangeRefused]
    assert desk.book.tracker.orders.numbered(1).end == "FILLED"


def test_an_amendment_refused_leaves_the_order_as_it_was() -> None:
    desk = Desk().bring("AMEND_PENDING")
    desk.answer(AmendCall, VenueRefused("no such price"))
    desk.wait(1, desk.report())
    assert desk.events == [ChangeRefused(1, "no such price")]


# F16: rejected after it was accepted


@pytest.mark.parametrize("state", [*UNHEARD, *LIVE])
def test_a_rejection_ends_an_order_in_any_state(state: str) -> None:
    desk = Desk().bring(state)
    filled = 40 if state == "PARTIAL" else 0
    desk.stream(desk.report("REJECTED", filled, reason="margin"))
    assert kinds(desk) == [Ended if filled else Refused]
    desk.wait(60)
    assert desk.calls(OrderCall) == 0


# F18: denied after it was accepted


@pytest.mark.parametrize("state", ["UNKNOWN", "CANCEL_PENDING", "AMEND_PENDING"])
def test_thirty_seconds_of_denial_are_not_believed(state: str) -> None:
    desk = Desk().bring(state)
    if state == "CANCEL_PENDING":
        desk.answer(CancelCall, VenueRefused("no such order"))
    elif state == "AMEND_PENDING":
        desk.answer(AmendCall, VenueUnclear("timed out"))
    desk.wait(30, None)
    assert desk.events == []
    desk.wait(6, desk.report(units=80 * SHARE, limit=11.0) if state[0] == "A" else desk.report())
    told = {"U": [Acknowledged], "C": [], "A": [Amended]}
    assert kinds(desk) == told[state[0]]
    assert desk.calls(CancelCall) == (1 if state[0] == "C" else 0), "it is made again"


def test_an_acknowledged_order_that_is_denied_for_good_expires() -> None:
    desk = Desk().bring("CANCEL_PENDING")
    desk.answer(CancelCall, VenueRefused("no such order"))
    desk.wait(60, None)
    assert desk.events == [Ended(1, "EXPIRED", "the venue knows it no more")]


def test_an_order_that_turns_up_is_cancelled_though_a_cancel_came_to_nothing_before() -> None:
    desk = Desk().bring("ACCEPTED")
    desk.send(Cancel(1))
    desk.answer(CancelCall, VenueRefused("no such order"))
    desk.wait(60, None)
    assert [alarm.what for alarm in desk.alarms] == ["order denied"]
    desk.stream(desk.report())
    assert desk.calls(CancelCall) == 1


def test_an_order_that_turns_up_after_its_end_was_told_is_cancelled_and_its_fills_applied() -> None:
    desk = Desk().bring("UNKNOWN")
    desk.wait(60, None)
    assert kinds(desk) == [Refused]
    desk.stream(desk.fill("e1", 10), desk.report("PARTIAL", 10))
    desk.answer(CancelCall, desk.report("CANCELED", 10))
    assert kinds(desk) == [Refused, Filled]
    assert [alarm.what for alarm in desk.alarms] == [
        "order denied", "late fill", "order turned up",
    ]  # fmt: skip


# F19: ids given again


@pytest.mark.parametrize("state", [*UNHEARD, *LIVE])
def test_an_execution_id_given_again_for_something_else_is_another_execution(state: str) -> None:
    desk = Desk().bring(state)
    desk.stream(desk.fill("e7", 10))
    desk.now_ns += SECOND
    again = desk.fill("e7", 20)
    desk.stream(again, again)
    fills = [event for event in desk.events if isinstance(event, Filled)]
    assert [fill.units for fill in fills] == [10 * SHARE, 20 * SHARE]
    assert [fill.execution_id for fill in fills] == ["e7", f"e7#{again.at_ns}"]


# F20: others at the venue


def test_others_orders_are_ignored_and_their_fills_explain_the_position() -> None:
    desk = Desk(external="ignore")
    desk.stream(desk.report(client_id="mine"), desk.fill("x", 5, client_id="mine"))
    desk.positions = {"AAA": 5 * SHARE}
    desk.wait(120)
    assert desk.events == [] and not desk.book.latch.halted


def test_others_orders_halt_their_symbol() -> None:
    desk = Desk(external="halt")
    desk.stream(desk.report(client_id="", venue_id="v9"))
    assert kinds(desk) == [Halted]


def test_others_orders_that_no_stream_told_of_are_found_among_those_that_work() -> None:
    desk = Desk(external="halt")
    desk.open = [desk.report(client_id="", venue_id="v9")]
    desk.wait(120)
    assert kinds(desk) == [Halted]


def test_an_execution_of_others_halts_once_and_not_again_after_a_release() -> None:
    desk = Desk(external="halt")
    desk.stream(desk.fill("x", 5, client_id="mine"))
    desk.book.lift("it was me", desk.book.status().halted)
    desk.wait(120)  # it is among what the venue gives when asked
    assert kinds(desk) == [Halted, Resumed]


def test_others_orders_are_adopted() -> None:
    desk = Desk(external="adopt")
    desk.stream(desk.report(client_id="", venue_id="v9"))
    desk.stream(desk.fill("x", 100, client_id="", venue_id="v9"))
    assert [type(event).__name__ for event in desk.events] == ["GateFilled"]
    assert desk.book.tracker.net[0] == 100 * SHARE


def test_an_adopted_order_met_by_a_fill_has_no_size_until_it_is_reported() -> None:
    desk = Desk(external="adopt")
    desk.stream(desk.fill("x", 10, client_id="mine"))
    assert "mine" in desk.book.tracker.open
    desk.stream(desk.fill("y", 20, client_id="mine"))
    assert not desk.book.latch.halted
    desk.stream(desk.report("FILLED", 30, client_id="mine", units=30 * SHARE))
    assert "mine" not in desk.book.tracker.open


def test_an_adopted_order_without_a_name_cannot_be_cancelled_and_a_human_is_told() -> None:
    desk = Desk(external="adopt")
    desk.kill("flatten")
    desk.stream(desk.report(client_id="named"), desk.report(client_id="", venue_id="v9"))
    desk.wait(60, desk.report(client_id="named"))
    assert {call.client_id for call in desk.waiting if isinstance(call, CancelCall)} == {"named"}
    told = [alarm.details for alarm in desk.alarms if alarm.what == "cannot be cancelled"]
    assert len(told) == 1 and "v9" in told[0]
    desk.open = [desk.report(client_id="named")]
    desk.wait(31)
    assert list(desk.book.tracker.open) == ["named"]


def test_positions_are_not_compared_while_an_order_is_in_doubt_or_a_fill_has_just_come() -> None:
    desk = Desk().bring("UNKNOWN")
    desk.positions = {"AAA": 7 * SHARE}
    desk.wait(60, VenueUnclear("no route to host"))
    assert desk.events == []
    desk = Desk().bring("ACCEPTED")
    desk.positions = {"AAA": 0}
    for number in range(4):
        desk.now_ns = desk.book.due_ns() or 0
        desk.stream(desk.fill(f"e{number}", 1))
        desk.wait(0)
    assert kinds(desk) == [Filled] * 4
    desk.positions = {"AAA": 9 * SHARE}
    desk.wait(60)
    assert kinds(desk)[4:] == [Halted], "fills told again are no reason to look away"


def test_a_position_that_differs_twice_halts_its_symbol_until_it_agrees() -> None:
    desk = Desk()
    desk.positions = {"BBB": 7 * SHARE}
    desk.wait(6)
    assert desk.events == []
    desk.wait(2)
    assert desk.events == [
        Halted(1, "Positions differ of BBB: ours is 0 units, the venue's 700000000.")
    ]
    desk.positions = {}
    desk.wait(31)
    assert desk.events[1:] == [Resumed(1, "The venue's position agrees again.")]


def test_a_position_that_goes_on_differing_is_asked_for_ever_seldomer() -> None:
    desk = Desk()
    desk.open = [desk.report(client_id="someone", symbol="ZZZ")]
    desk.positions = {"BBB": 7 * SHARE}
    asked = []
    for _ in range(3):
        before = desk.book._calling._number
        desk.wait(300)
        asked.append(desk.book._calling._number - before)
    assert asked[0] < 80, "questions have a limit at a venue"
    assert asked[1] <= 50 and asked[2] <= 50


# Cancels that come too soon or too late


@pytest.mark.parametrize("state", UNHEARD)
def test_a_cancel_waits_until_the_order_is_known(state: str) -> None:
    desk = Desk().bring(state)
    desk.send(Cancel(1))
    assert not desk.calls(CancelCall)
    desk.stream(desk.report())
    assert desk.call(CancelCall).client_id == name()


@pytest.mark.parametrize("state", ["CANCELED", "FILLED"])
def test_a_cancel_of_an_ended_order_is_nothing(state: str) -> None:
    desk = Desk().bring(state)
    desk.send(Cancel(1))
    assert desk.events == [] and not desk.waiting


def test_a_change_of_an_order_nobody_gave_is_refused() -> None:
    desk = Desk()
    desk.send(Cancel(9))
    assert desk.events == [ChangeRefused(9, "The gate has no such order.")]
