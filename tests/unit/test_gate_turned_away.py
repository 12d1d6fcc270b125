"""Exits that the venue turns away at its door are given when they may be, before what opens."""

import pytest
from tests.gate_desk import SHARE, Desk, name, place

from app.core.order_events import (
    KEPT_IN,
    NEVER_HAD,
    REACHED,
    TOO_SMALL,
    Acknowledged,
    Cancel,
    GateActed,
    Halted,
    Place,
    Refused,
    Resumed,
)
from app.core.orders import GTC, LIMIT, MARKET, STOP, Terms
from app.core.venue import (
    Connected,
    Disconnected,
    StopReached,
    TooSmall,
    TurnedAway,
    VenueRefused,
    VenueUnclear,
)
from app.managers.execution_manager.gate.calls import OrderCall, PlaceCall
from app.managers.execution_manager.gate.reconcile import VenueSays, compare_cash
from app.managers.execution_manager.orders.parts import APART

BAN = TurnedAway("banned", 57.0)


def stop(number: int = 2, shares: int = 100, kind: str = STOP) -> Place:
    terms = Terms(-shares * SHARE, None, 9.0 if kind == STOP else None, None, None)
    return Place(number, 0, kind, GTC, terms, True, False)


@pytest.fixture
def desk() -> Desk:
    """100 shares are held."""
    desk = Desk()
    desk.send(place())
    desk.answer(PlaceCall, desk.report())
    desk.stream(desk.fill(shares=100), desk.report("FILLED", 100))
    desk.events.clear()
    return desk


def alarms(desk: Desk) -> list[str]:
    return [one.what for one in desk.alarms]


def test_an_exit_that_was_turned_away_leaves_when_it_may_and_entries_wait_for_that(
    desk: Desk,
) -> None:
    desk.send(stop())
    desk.answer(PlaceCall, BAN)
    (halt,) = desk.events
    assert isinstance(halt, Halted) and halt.symbol == -1 and name(2) in halt.reason
    assert (alarms(desk)[0], desk.book.status().halted) == ("exit waits", {"all": halt.reason})
    desk.wait(56)
    assert desk.calls(PlaceCall) == 0
    desk.wait(2)
    desk.send(place(3))
    assert desk.call(PlaceCall).order.client_id == name(2)
    assert desk.calls(PlaceCall) == 1, "no entry goes before it"
    desk.answer(PlaceCall, desk.report(client_id=name(2), kind=STOP, limit=None, stop=9.0))
    assert Acknowledged(2) in desk.events
    assert isinstance(desk.events[-1], Resumed)
    assert desk.book.status().halted == {}


def test_one_that_is_turned_away_again_waits_longer_each_time(desk: Desk) -> None:
    desk.send(stop())
    desk.answer(PlaceCall, TurnedAway("too many"))
    for seconds in (1, 2, 4, 8):
        desk.wait(seconds - 0.01)
        assert desk.calls(PlaceCall) == 0
        desk.wait(0.02)
        desk.answer(PlaceCall, TurnedAway("too many"))
    assert alarms(desk).count("exit waits") == 1, "it is told once"


def test_an_entry_that_is_turned_away_is_refused(desk: Desk) -> None:
    desk.send(place(3))
    desk.answer(PlaceCall, BAN)
    assert desk.events == [Refused(3, "banned", NEVER_HAD)]


def test_a_plain_order_that_closes_is_refused_and_never_given_again(desk: Desk) -> None:
    desk.send(place(2, -100, opens=False, kind=MARKET))
    desk.answer(PlaceCall, BAN)
    assert desk.events == [Refused(2, "banned", NEVER_HAD)]
    desk.wait(60)
    assert (desk.calls(PlaceCall), desk.book.status().halted) == (0, {})


def test_one_that_is_taken_back_while_it_waits_never_leaves(desk: Desk) -> None:
    desk.send(stop())
    desk.answer(PlaceCall, BAN)
    desk.send(Cancel(2))
    desk.wait(0.1)
    assert desk.calls(PlaceCall) == 0
    assert Refused(2, "cancelled before it left", KEPT_IN) in desk.events
    assert desk.book.status().halted == {}


def test_a_flatten_does_not_wait_for_one(desk: Desk) -> None:
    desk.send(stop())
    desk.answer(PlaceCall, BAN)
    desk.kill("flatten")
    desk.wait(0.1)
    assert desk.call(PlaceCall).closes


def test_a_flatten_waits_as_it_was_told_and_says_once_until_when(desk: Desk) -> None:
    desk.kill("flatten")
    desk.wait(0.1)
    desk.answer(PlaceCall, BAN)
    assert alarms(desk) == ["killed", "closing waits"]
    assert "AAA: banned. It is tried again in 57 s." in desk.alarms[-1].details
    desk.wait(56.8)
    assert desk.calls(PlaceCall) == 0
    desk.wait(0.3)
    desk.answer(PlaceCall, TurnedAway("not yet", 1.0))
    desk.wait(1.1)
    call = desk.call(PlaceCall)
    desk.answer(PlaceCall, desk.report(client_id=call.client_id, units=-100 * SHARE, kind=MARKET))
    desk.stream(desk.fill("e9", -100, client_id=call.client_id))
    desk.wait(0.1)
    assert desk.events[-1] == GateActed("flattened", "a test")
    assert alarms(desk) == ["killed", "closing waits"]


def test_a_flatten_that_is_put_off_for_much_longer_says_so(desk: Desk) -> None:
    desk.kill("flatten")
    desk.wait(0.1)
    desk.answer(PlaceCall, BAN)
    desk.wait(58)
    desk.answer(PlaceCall, TurnedAway("still banned", 600.0))
    assert alarms(desk) == ["killed", "closing waits", "closing waits"]
    assert "tried again in 600 s" in desk.alarms[-1].details
    desk.wait(599)
    assert desk.calls(PlaceCall) == 0


def test_a_flatten_that_is_turned_away_without_a_time_tries_with_growing_pauses(
    desk: Desk,
) -> None:
    desk.kill("flatten")
    desk.wait(0.1)
    for seconds in (1, 2, 4, 8, 16, 30, 30):
        desk.answer(PlaceCall, TurnedAway("too many"))
        desk.wait(seconds - 0.01)
        assert desk.calls(PlaceCall) == 0
        desk.wait(0.02)
    assert alarms(desk) == ["killed", "closing waits"]


def test_what_fills_late_while_a_flatten_waits_is_not_closed_again(desk: Desk) -> None:
    desk.kill("flatten")
    desk.wait(0.1)
    desk.answer(PlaceCall, BAN)
    desk.send(stop())
    desk.stream(desk.fill("e2", -60, client_id=name(2)))
    desk.wait(58)
    assert desk.call(PlaceCall).order.terms.units == -40 * SHARE


def test_a_close_that_waits_is_forgotten_when_a_late_fill_has_left_nothing_to_close(
    desk: Desk,
) -> None:
    desk.kill("flatten")
    desk.wait(0.1)
    desk.answer(PlaceCall, BAN)
    desk.wait(0.1)
    assert desk.book.status().put_off == {"AAA": "banned"}
    desk.send(stop())
    desk.stream(desk.fill("e2", -100, client_id=name(2)))
    desk.wait(0.1)
    assert (desk.book.status().positions, desk.book.status().put_off) == ({}, {})
    desk.wait(60)
    assert desk.calls(PlaceCall) == 0
    assert desk.events[-1] == GateActed("flattened", "a test")


def test_one_of_which_something_is_heard_is_not_given_again(desk: Desk) -> None:
    desk.send(stop())
    desk.answer(PlaceCall, BAN)
    desk.stream(desk.report(client_id=name(2), kind=STOP, limit=None, stop=9.0))
    desk.wait(120)
    assert desk.calls(PlaceCall) == 0


def test_one_in_doubt_that_was_turned_away_after_all_is_given_anew_by_the_run(desk: Desk) -> None:
    desk.send(stop())
    desk.wait(11)  # the call hangs
    call = desk.call(PlaceCall)
    desk.book.answered(call, BAN, desk.now_ns)
    desk._collect()
    assert Refused(2, "banned", NEVER_HAD) in desk.events
    assert "exit refused" in alarms(desk)


@pytest.mark.parametrize(
    ("said", "cause", "what"),
    [
        (StopReached("passed"), REACHED, "stop reached"),
        (TooSmall("too little"), TOO_SMALL, "exit refused"),
    ],
)
def test_a_refusal_says_why_and_a_human_what_follows(
    desk: Desk, said: VenueRefused, cause: str, what: str
) -> None:
    desk.send(stop())
    desk.answer(PlaceCall, said)
    assert (desk.events, alarms(desk)) == ([Refused(2, str(said), cause)], [what])


def test_a_plain_no_to_a_stop_comes_again_and_its_symbol_takes_no_entries(desk: Desk) -> None:
    desk.send(stop())
    desk.answer(PlaceCall, VenueRefused("The tick is another."))
    why = "a stop of AAA was refused, and the next would be: The tick is another. Nothing is "
    why += "entered until 'system release' lifts this"
    assert desk.events == [Refused(2, "The tick is another."), Halted(0, why)]
    assert alarms(desk) == ["exit refused", "halted"]
    desk.send(place(3), place(4, symbol=1))
    assert [call.order.symbol for call in desk.waiting if isinstance(call, PlaceCall)] == ["BBB"]
    desk.book.lift("it is seen to", desk.book.status().halted)
    desk.send(place(5))
    assert desk.calls(PlaceCall) == 2


def test_a_stop_that_the_venue_takes_and_rejects_then_is_a_plain_no_too(desk: Desk) -> None:
    desk.send(stop())
    desk.answer(PlaceCall, desk.report(client_id=name(2), kind=STOP, limit=None, stop=9.0))
    desk.stream(desk.report("REJECTED", client_id=name(2), kind=STOP, limit=None, stop=9.0))
    assert list(desk.book.status().halted) == ["AAA"]


def test_a_no_to_a_stop_that_nobody_wants_any_more_halts_nothing(desk: Desk) -> None:
    desk.send(stop())
    desk.send(Cancel(2))
    desk.answer(PlaceCall, VenueRefused("no"))
    assert desk.book.status().halted == {}


def test_the_stop_of_an_entry_s_first_piece_may_be_refused_and_the_whole_is_what_counts() -> None:
    desk = Desk()
    desk.send(place())
    desk.answer(PlaceCall, desk.report())
    desk.stream(desk.fill("e1", 1))
    desk.send(stop(2, shares=1))
    desk.answer(PlaceCall, VenueRefused("too few"))
    assert desk.book.status().halted == {}
    desk.stream(desk.fill("e2", 99), desk.report("FILLED", 100))
    desk.send(stop(2 + APART))
    desk.answer(PlaceCall, VenueRefused("no"))
    assert list(desk.book.status().halted) == ["AAA"]


def test_what_stood_in_a_stop_s_place_and_was_refused_halts_its_symbol(desk: Desk) -> None:
    desk.send(stop(2 + APART, kind=MARKET))
    desk.answer(PlaceCall, VenueRefused("no market"))
    assert alarms(desk) == ["exit lost", "halted"]
    assert desk.book.status().halted == {"AAA": "AAA stays open: no market"}


def test_what_is_worth_too_little_to_be_closed_is_told_once_and_not_tried_for_ever(
    desk: Desk,
) -> None:
    desk.send(stop(2 + APART, kind=MARKET))
    desk.answer(PlaceCall, TooSmall("It is worth less than 5."))
    assert alarms(desk) == ["too small to close"]
    assert "100 of AAA are left" in desk.alarms[0].details
    status = desk.book.status()
    assert (status.left, status.positions, status.halted) == ({"AAA": 100 * SHARE}, {}, {})
    desk.kill("flatten")
    desk.wait(60)
    assert desk.calls(PlaceCall) == 0
    assert desk.events[-1] == GateActed("flattened", "a test")


def test_a_flatten_tries_once_to_close_what_is_worth_too_little(desk: Desk) -> None:
    desk.kill("flatten")
    desk.wait(0.1)
    desk.answer(PlaceCall, TooSmall("It is worth less than 5."))
    desk.wait(60)
    assert desk.calls(PlaceCall) == 0
    assert alarms(desk) == ["killed", "too small to close"]
    assert desk.events[-1] == GateActed("flattened", "a test")


def test_a_part_that_is_worth_too_little_says_nothing_of_the_whole(desk: Desk) -> None:
    desk.send(stop(2, shares=1, kind=MARKET))
    desk.answer(PlaceCall, TooSmall("It is worth less than 5."))
    assert desk.book.status().positions == {"AAA": 100 * SHARE}
    desk.kill("flatten")
    desk.wait(0.1)
    assert desk.call(PlaceCall).order.terms.units == -100 * SHARE


def test_what_was_worth_too_little_is_closed_with_what_comes_to_it(desk: Desk) -> None:
    desk.send(stop(2 + APART, kind=MARKET), place(3))
    desk.answer(PlaceCall, TooSmall("It is worth less than 5."))
    desk.answer(PlaceCall, desk.report(client_id=name(3)))
    desk.stream(desk.fill("e3", 50, client_id=name(3)))
    assert desk.book.status().positions == {"AAA": 150 * SHARE}


def test_what_was_held_before_the_run_is_none_of_what_it_leaves() -> None:
    desk = Desk(positions={"AAA": 50 * SHARE})
    desk.send(place())
    desk.answer(PlaceCall, desk.report())
    desk.stream(desk.fill(shares=100), desk.report("FILLED", 100))
    assert desk.book.status().positions == {"AAA": 100 * SHARE}
    desk.send(stop(2 + APART, kind=MARKET))
    desk.answer(PlaceCall, TooSmall("It is worth less than 5."))
    assert desk.book.status().left == {"AAA": 100 * SHARE}


def test_a_halt_for_exits_that_waited_is_over_after_a_restart(desk: Desk) -> None:
    desk.send(stop())
    desk.answer(PlaceCall, BAN)
    again = Desk()
    for item in (place(), Acknowledged(1), stop(), *desk.events):
        again.book.recall(item)
    assert again.book.status().halted
    again.book.recover(again.now_ns)
    again.wait(0)
    assert again.book.status().halted == {}
    again.answer(OrderCall, VenueUnclear("not now"))
    assert again.calls(PlaceCall) == 0, "nobody knows whether it was sent"


def test_a_halt_by_a_person_stays_when_no_exit_waits_any_more(desk: Desk) -> None:
    desk.book.halt("by hand")
    desk.send(stop())
    desk.answer(PlaceCall, BAN)
    desk.wait(58)
    desk.answer(PlaceCall, desk.report(client_id=name(2), kind=STOP, limit=None, stop=9.0))
    assert desk.book.status().halted == {"all": "by hand"}


def test_a_release_does_not_open_entries_while_an_exit_waits(desk: Desk) -> None:
    desk.send(stop())
    desk.answer(PlaceCall, BAN)
    halted = desk.book.status().halted
    desk.book.lift("it looks good", halted)
    assert desk.book.status().halted == halted
    desk.send(place(3))
    assert desk.calls(PlaceCall) == 0
    desk.wait(58)
    desk.answer(PlaceCall, desk.report(client_id=name(2), kind=STOP, limit=None, stop=9.0))
    assert desk.book.status().halted == {}


@pytest.mark.parametrize("first", ["by hand", "the ban"])
def test_a_release_of_another_halt_leaves_the_one_for_an_exit_that_waits(
    desk: Desk, first: str
) -> None:
    if first == "by hand":
        desk.book.halt("by hand")
    desk.send(stop())
    desk.answer(PlaceCall, BAN)
    if first == "the ban":
        desk.book.halt("by hand")
    assert desk.book.status().halted == {"all": "by hand"}
    desk.book.lift("it looks good", desk.book.status().halted)
    assert "Exits wait for the venue" in desk.book.status().halted["all"]
    desk.wait(58)
    desk.answer(PlaceCall, desk.report(client_id=name(2), kind=STOP, limit=None, stop=9.0))
    assert desk.book.status().halted == {}


def test_a_halt_that_comes_while_an_exit_waits_stays_when_none_waits_any_more(desk: Desk) -> None:
    desk.send(stop())
    desk.answer(PlaceCall, BAN)
    desk.book.halt("by hand")
    desk._collect()
    assert desk.events[-1] == Halted(-1, "by hand")
    assert [one.details for one in desk.alarms][-1] == "by hand"
    desk.wait(58)
    desk.answer(PlaceCall, desk.report(client_id=name(2), kind=STOP, limit=None, stop=9.0))
    assert desk.book.status().halted == {"all": "by hand"}


def test_cash_that_differs_after_a_restart_halts_though_an_exit_waited_before_it(
    desk: Desk,
) -> None:
    desk.send(stop())
    desk.answer(PlaceCall, BAN)
    again = Desk()
    for item in (place(), Acknowledged(1), stop(), *desk.events):
        again.book.recall(item)
    says = VenueSays({}, [], [], {}, {"USD": 0})
    assert compare_cash(again.book, says, {"USD": SHARE}, 0)
    again.book.recover(again.now_ns)
    again.wait(1)
    assert again.book.status().halted == {"all": "Cash in USD: ours is 1, the venue's 0."}


def test_a_position_that_stays_open_is_halted_though_it_differed_and_agrees_again(
    desk: Desk,
) -> None:
    for theirs in (60, 60):
        desk.book.hold_against(0, theirs * SHARE, desk.now_ns)
    desk.send(stop(2 + APART, kind=MARKET))
    desk.answer(PlaceCall, VenueRefused("no market"))
    desk.book.hold_against(0, 100 * SHARE, desk.now_ns)
    assert desk.book.status().halted == {"AAA": "AAA stays open: no market"}


def test_a_stream_that_was_lost_is_told_and_so_is_its_return(desk: Desk) -> None:
    desk.stream(Connected(desk.now_ns), Disconnected(desk.now_ns, "cut"), Connected(desk.now_ns))
    assert alarms(desk) == ["order stream lost", "order stream back"]


def test_a_target_is_no_stop(desk: Desk) -> None:
    terms = Terms(-100 * SHARE, 12.0, None, None, None)
    desk.send(Place(2, 0, LIMIT, GTC, terms, True, False))
    desk.answer(PlaceCall, VenueRefused("no"))
    assert alarms(desk) == ["exit lost"]
