"""The latch: what it keeps in and cancels, and how positions are closed, never overshooting."""

import pytest
from tests.gate_desk import RUN, SECOND, SHARE, START_NS, Desk, name, place

from app.core.halts import ALL_SYMBOLS
from app.core.order_events import (
    KEPT_IN,
    Acknowledged,
    Amend,
    Amended,
    Cancel,
    ChangeRefused,
    Ended,
    Filled,
    GateActed,
    GateFilled,
    GateGave,
    Halted,
    Refused,
    Resumed,
)
from app.core.orders import MARKET, Terms
from app.core.venue import VenueRefused, VenueUnclear
from app.managers.execution_manager.gate.calls import (
    AmendCall,
    CancelCall,
    OrderCall,
    PlaceCall,
)
from app.managers.execution_manager.gate.gate_book import GateBook

OWN = name(1).replace("-1", "-g1")


def kinds(desk: Desk) -> list[type]:
    return [type(event) for event in desk.events]


def holding(shares: int = 100) -> Desk:
    """A desk whose first order is filled."""
    desk = Desk()
    desk.send(place(1, shares))
    desk.answer(PlaceCall, desk.report("ACCEPTED", units=shares * SHARE))
    desk.stream(desk.fill("e0", shares), desk.report("FILLED", shares, units=shares * SHARE))
    desk.events.clear()
    return desk


def resting(desk: Desk, number: int, shares: int, opens: bool) -> None:
    desk.send(place(number, shares, opens=opens))
    report = desk.report(client_id=name(number), units=shares * SHARE)
    desk.answer(PlaceCall, report)
    desk.events.clear()


# Halt


def test_a_halt_lets_exits_pass_and_keeps_entries_in() -> None:
    desk = Desk()
    desk.book.halt("too much lost")
    desk.send(place(1), place(2, -5, opens=False))
    assert desk.events == [
        Halted(-1, "too much lost"),
        Refused(1, "halted: too much lost", KEPT_IN),
    ]
    assert desk.call(PlaceCall).client_id == name(2)
    desk.book.latch.resume(ALL_SYMBOLS, "calm again")
    desk.send(place(3))
    assert desk.events[-1] == Resumed(-1, "calm again")
    assert desk.calls(PlaceCall) == 2


def test_halts_are_lifted_one_and_all_and_the_kill_latch_is_not() -> None:
    desk = Desk()
    desk.book.halt("odd", 1)
    desk.book.halt("too much lost")
    desk.kill("freeze")
    desk.book.lift("looked at", desk.book.status().halted)
    desk.send(place())
    lifted = [one for one in desk.events if isinstance(one, Resumed)]
    assert lifted == [Resumed(1, "looked at"), Resumed(-1, "looked at")]
    assert desk.events[-1] == Refused(1, "killed (freeze): a test", KEPT_IN)


def test_halts_of_one_place_stand_together_and_one_with_other_figures_is_told_once() -> None:
    """Who finds that cash differs looks again and again, and the figures move."""
    desk = Desk()
    for ours in (10, 20, 30):
        desk.book.halt(f"Cash in USD: ours is {ours}, the venue's 5.")
    desk.book.halt("news")
    desk.book.halt("new")
    desk.book.halt("news")
    desk.send()
    first = "Cash in USD: ours is 10, the venue's 5."
    assert [event.reason for event in desk.events if isinstance(event, Halted)] == [
        first,
        f"{first}; news",
        f"{first}; news; new",
    ]


def test_a_symbol_is_halted_by_itself() -> None:
    desk = Desk()
    desk.book.halt("odd", 1)
    desk.send(place(1), place(2, symbol=1))
    assert kinds(desk) == [Halted, Refused]
    desk.book.latch.resume(1, "fine")
    desk.send(place(3, symbol=1))
    assert desk.calls(PlaceCall) == 2


def test_an_amendment_that_opens_is_refused_and_the_order_goes_on() -> None:
    desk = Desk().bring("ACCEPTED")
    desk.book.halt("odd")
    more = Terms(200 * SHARE, 10.0, None, None, None)
    desk.send(Amend(1, more, True))
    assert desk.events[1:] == [ChangeRefused(1, "halted: odd")]
    less = Terms(50 * SHARE, 10.0, None, None, None)
    desk.send(Amend(1, less, False))
    assert desk.call(AmendCall).terms == less


def test_a_placement_that_waits_when_the_latch_falls_does_not_leave() -> None:
    desk = Desk()
    desk.book.send([place(1), place(2, opens=False)], desk.now_ns)
    waiting = desk.book.take().calls
    desk.book.halt("odd")
    assert [desk.book.begin(call, desk.now_ns) for call in waiting] == [False, True]
    assert desk.book.take().events == [Halted(-1, "odd"), Refused(1, "halted: odd", KEPT_IN)]


def test_a_placement_cancelled_before_it_left_does_not_leave() -> None:
    desk = Desk()
    desk.book.send([place(1), Cancel(1)], desk.now_ns)
    (call,) = desk.book.take().calls
    assert not desk.book.begin(call, desk.now_ns)
    assert desk.book.take().events == [Refused(1, "cancelled before it left", KEPT_IN)]


# Kill, freeze


def test_a_freeze_cancels_entries_keeps_protective_orders_and_lets_exits_pass() -> None:
    desk = holding()
    resting(desk, 2, 50, opens=True)
    resting(desk, 3, -100, opens=False)
    desk.kill("freeze")
    assert desk.call(CancelCall).client_id == name(2) and desk.calls(CancelCall) == 1
    desk.send(place(4), place(5, -1, opens=False))
    assert desk.call(PlaceCall).client_id == name(5) and desk.calls(PlaceCall) == 1
    assert kinds(desk) == [GateActed, GateActed, Refused]
    assert [e.what for e in desk.events if isinstance(e, GateActed)] == ["latched", "froze"]


@pytest.mark.parametrize("when", ["in force", "under way", "before a restart"])
def test_a_freeze_cancels_an_exit_that_was_made_larger_than_what_is_held(when: str) -> None:
    desk = holding()
    resting(desk, 2, -100, opens=False)
    more = Terms(-300 * SHARE, 10.0, None, None, None)
    desk.send(Amend(2, more, True))
    in_force = desk.report(client_id=name(2), units=-300 * SHARE)
    if when == "in force":
        desk.answer(AmendCall, in_force)
        desk.kill("freeze")
    elif when == "under way":
        desk.kill("freeze")
        assert not desk.calls(CancelCall)  # it may be refused, and the exit is to stay
        assert desk.book.status().opening_orders == 1
        desk.answer(AmendCall, in_force)
    else:
        book = GateBook(RUN, ["AAA", "BBB"], since_ns=START_NS)
        for item in (place(2, -100, opens=False), Amend(2, more, True), Amended(2, more)):
            book.recall(item)
        desk = Desk(book)
        desk.stream(in_force)
        desk.kill("freeze")
    assert desk.book.status().opening_orders == 1
    assert desk.call(CancelCall).client_id == name(2)


def test_a_kill_in_no_known_way_is_refused() -> None:
    with pytest.raises(ValueError, match="freeze, flatten"):
        Desk().kill("gently")


def test_a_flatten_is_not_taken_back_to_a_freeze_but_a_freeze_becomes_a_flatten() -> None:
    desk = Desk()
    for mode, killed in (("freeze", "freeze"), ("flatten", "flatten"), ("freeze", "flatten")):
        desk.kill(mode)
        assert desk.book.latch.killed == killed
    told = [event.what for event in desk.events if isinstance(event, GateActed)]
    assert told == ["latched", "froze", "flattening"]


# Kill, flatten


def test_a_flatten_cancels_what_opens_before_what_protects() -> None:
    desk = holding()
    resting(desk, 2, -100, opens=False)
    resting(desk, 3, 50, opens=True)
    desk.kill("flatten")
    cancelled = [call.client_id for call in desk.waiting if isinstance(call, CancelCall)]
    assert cancelled == [name(3), name(2)]


def test_a_flatten_cancels_all_and_then_closes_by_the_gates_own_orders() -> None:
    desk = holding()
    resting(desk, 2, -100, opens=False)
    desk.kill("flatten")
    desk.wait(1)
    assert desk.calls(PlaceCall) == 0, "not before the cancel is answered"
    desk.answer(CancelCall, desk.report("CANCELED", client_id=name(2), units=-100 * SHARE))
    desk.wait(0.1)
    order = desk.call(PlaceCall).order
    assert (order.client_id, order.kind, order.reduce_only) == (OWN, MARKET, True)
    assert order.terms.units == -100 * SHARE
    desk.stream(desk.fill("g", -100, client_id=OWN))
    desk.wait(0.1)
    told = [Ended, GateGave, GateFilled, GateActed]
    assert kinds(desk)[2:] == told and desk.events[-1] == GateActed("flattened", "a test")
    desk.wait(60)
    assert kinds(desk)[2:] == told, "said once"


def test_a_flatten_lets_nothing_of_strategies_pass() -> None:
    desk = holding()
    desk.kill("flatten")
    desk.send(place(2, -100, opens=False), Amend(1, place().terms, False))
    refused = [event for event in desk.events if isinstance(event, Refused)]
    assert [event.order_id for event in refused] == [2]


def test_a_late_fill_of_a_cancelled_entry_is_closed_too() -> None:
    desk = holding()
    resting(desk, 2, 30, opens=True)
    desk.kill("flatten")
    desk.answer(CancelCall, desk.report("CANCELED", client_id=name(2), units=30 * SHARE))
    desk.wait(0.1)
    desk.stream(desk.fill("late", 30, client_id=name(2)))
    desk.wait(0.1)
    assert desk.calls(PlaceCall) == 1, "one at a time"
    desk.stream(desk.fill("g1", -100, client_id=OWN))
    desk.wait(0.1)
    desk.answer(PlaceCall, desk.report("FILLED", -100, client_id=OWN, units=-100 * SHARE))
    desk.wait(0.1)
    assert desk.call(PlaceCall).order.terms.units == -30 * SHARE


def test_what_may_still_fill_against_the_position_is_left_out_of_the_closing() -> None:
    desk = holding()
    resting(desk, 2, -40, opens=False)
    desk.kill("flatten")
    desk.answer(CancelCall, VenueUnclear("timed out"))
    desk.wait(0.1)
    assert desk.call(PlaceCall).order.terms.units == -60 * SHARE
    desk.stream(desk.fill("late", -40, client_id=name(2)))
    desk.stream(desk.fill("g1", -60, client_id=OWN))
    desk.wait(0.1)
    assert desk.book.tracker.net[0] == 0
    assert desk.events[-1] == GateActed("flattened", "a test")


def test_nothing_is_closed_while_fills_are_known_to_be_missing() -> None:
    desk = holding()
    desk.kill("flatten")
    desk.stream(desk.report("CANCELED", -60, client_id=name(1).replace("-1", "-g9"), units=-60))
    desk.wait(5)
    assert desk.calls(PlaceCall) == 0


def test_a_refused_closing_order_is_given_anew_after_a_growing_pause() -> None:
    desk = holding()
    desk.kill("flatten")
    given = []
    while desk.now_ns < START_NS + 10 * SECOND:
        desk.wait(0.25)
        if desk.calls(PlaceCall):
            given.append(desk.answer(PlaceCall, VenueRefused("closed")).order.client_id[-2:])
    assert given == ["g1", "g2", "g3", "g4"]
    told = [alarm.details for alarm in desk.alarms if alarm.what == "closing failed"]
    assert len(told) == 1 and ": closed. It is tried again" in told[0]
    desk.wait(10)
    desk.answer(PlaceCall, VenueRefused("no such market"))
    desk.wait(1)
    assert [alarm.what for alarm in desk.alarms].count("closing failed") == 2


def test_a_pause_that_ends_while_a_fill_is_missing_is_over_and_not_waited_for_again() -> None:
    desk = holding()
    desk.kill("flatten")
    desk.wait(0.1)
    desk.answer(PlaceCall, VenueRefused("closed"))
    desk.wait(0.1)
    desk.stream(desk.report("CANCELED", 120))
    desk.wait(5)
    assert desk.calls(PlaceCall) == 0
    desk.stream(desk.fill("e9", 20, at_ns=desk.now_ns))
    desk.wait(1)
    assert desk.call(PlaceCall).order.terms.units == -120 * SHARE


def test_an_unclear_closing_order_is_asked_for_and_not_given_again() -> None:
    desk = holding()
    desk.kill("flatten")
    desk.wait(0.1)
    desk.answer(PlaceCall, VenueUnclear("timed out"))
    desk.wait(30, None)
    assert desk.calls(PlaceCall) == 0
    desk.wait(20, None)
    assert desk.call(PlaceCall).order.terms.units == -100 * SHARE


def test_a_refused_cancel_is_made_again_under_the_latch() -> None:
    desk = Desk().bring("ACCEPTED")
    desk.kill("flatten")
    desk.answer(CancelCall, VenueRefused("busy"))
    desk.wait(1, desk.report())
    assert desk.calls(CancelCall) == 1
    assert ChangeRefused not in kinds(desk)


def test_an_order_acknowledged_after_the_kill_is_cancelled_at_once() -> None:
    desk = Desk().bring("SUBMITTED")
    desk.kill("flatten")
    desk.answer(PlaceCall, desk.report())
    assert desk.call(CancelCall).client_id == name()


def test_a_call_that_hangs_is_taken_for_unclear() -> None:
    desk = Desk().bring("CANCEL_PENDING")
    desk.wait(12)
    assert [alarm.what for alarm in desk.alarms] == ["call hangs"]
    desk.answer(OrderCall, desk.report())
    assert desk.calls(CancelCall) == 2, "the one that hangs, and one more"


def test_a_fill_and_an_end_are_told_in_the_order_they_came() -> None:
    desk = Desk().bring("SUBMITTED")
    desk.stream(desk.fill("e1", 40), desk.report("CANCELED", 40))
    assert kinds(desk) == [Acknowledged, Filled, Ended]
