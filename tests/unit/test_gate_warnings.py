"""What a human must hear of the gate, and what a restart must not make of others' halts."""

import msgspec
import pytest
from tests.gate_desk import SHARE, Desk, name, place
from tests.unit.reconcile_house import recalled

from app.core.halts import ALL_SYMBOLS
from app.core.order_events import Amend, Cancel, ChangeRefused, Halted, Resumed
from app.core.orders import Terms
from app.core.venue import VenueRefused, VenueReport
from app.managers.execution_manager.gate.calls import AmendCall, CancelCall, OrderCall, PlaceCall


def holding() -> Desk:
    """A desk whose first order, of 100 shares, is filled."""
    desk = Desk()
    desk.send(place())
    desk.answer(PlaceCall, desk.report())
    desk.stream(desk.fill(), desk.report("FILLED", 100))
    return desk


def guarded(desk: Desk, tif: str = "day") -> VenueReport:
    """The report of an order that is asked to take the position out again."""
    desk.send(msgspec.structs.replace(place(2, -100, opens=False), reduce_only=True, tif=tif))
    return desk.report(client_id=name(2), units=-100 * SHARE)


def told(desk: Desk, what: str) -> list[str]:
    return [alarm.details for alarm in desk.alarms if alarm.what == what]


def test_a_refused_exit_of_a_position_is_told() -> None:
    desk = holding()
    guarded(desk)
    desk.answer(PlaceCall, VenueRefused("The token has expired."))
    (details,) = told(desk, "exit lost")
    assert details == (
        f"{name(2)}, which would have reduced AAA, is REJECTED with 100 left of it, and 100 are "
        "held: The token has expired."
    )


def test_an_exit_that_the_venue_cancels_is_told() -> None:
    desk = holding()
    report = guarded(desk)
    desk.answer(PlaceCall, report)
    assert not told(desk, "exit lost")
    desk.stream(desk.fill("x1", -30, client_id=name(2)))
    for reason in ("by hand", "told again"):
        desk.stream(msgspec.structs.replace(report, state="CANCELED", reason=reason))
    assert told(desk, "exit lost") == [
        f"{name(2)}, which would have reduced AAA, is CANCELED with 70 left of it, and 70 are "
        "held: by hand"
    ]


def test_an_exit_that_fills_beyond_flat_while_it_is_cancelled_is_told() -> None:
    desk = holding()
    report = guarded(desk)
    desk.answer(PlaceCall, report)
    desk.send(msgspec.structs.replace(place(3, -100, opens=False), reduce_only=True))
    desk.answer(PlaceCall, desk.report(client_id=name(3), units=-100 * SHARE))
    desk.stream(desk.fill("x1", -100, client_id=name(3)))
    desk.send(Cancel(2))
    desk.stream(desk.fill("x2", -30, client_id=name(2)))
    assert told(desk, "exit too much") == [
        f"{name(2)}, which reduces AAA, filled 30 while it was being cancelled, and -30 are "
        "held: nothing takes these out again."
    ]


def test_an_exit_that_fills_beyond_flat_while_it_is_made_smaller_is_told() -> None:
    desk = holding()
    desk.answer(PlaceCall, guarded(desk))
    desk.send(msgspec.structs.replace(place(3, -100, opens=False), reduce_only=True))
    desk.answer(PlaceCall, desk.report(client_id=name(3), units=-100 * SHARE))
    desk.stream(desk.fill("x1", -10, client_id=name(3)))
    desk.send(Amend(2, Terms(-90 * SHARE, 10.0, None, None, None), False))
    desk.stream(desk.fill("x2", -100, client_id=name(2)))
    assert told(desk, "exit too much") == [
        f"{name(2)}, which reduces AAA, filled 100 while it was being amended, and -10 are "
        "held: nothing takes these out again."
    ]


def test_an_exit_that_takes_out_while_it_is_cancelled_is_not_told() -> None:
    desk = holding()
    desk.answer(PlaceCall, guarded(desk))
    desk.send(Cancel(2))
    desk.stream(desk.fill("x1", -100, client_id=name(2)))
    assert not told(desk, "exit too much")


def counted(units: int) -> Desk:
    """A desk with an exit that the run counts itself; the account holds nothing."""
    desk = Desk()
    order = msgspec.structs.replace(place(1, units, opens=False), reduce_only=True)
    desk.send(msgspec.structs.replace(order, counted_here=True))
    return desk


def test_an_exit_that_the_run_counts_is_plain_at_the_venue() -> None:
    desk = counted(-100)
    (call,) = [one for one in desk.waiting if isinstance(one, PlaceCall)]
    assert not call.order.reduce_only


def test_an_exit_that_the_run_counts_is_told_of_though_the_account_is_flat() -> None:
    desk = counted(-100)
    desk.answer(PlaceCall, VenueRefused("The token has expired."))
    assert told(desk, "exit lost") == [
        f"{name(1)}, which would have reduced AAA, is REJECTED with 100 left of it, and 0 are "
        "held by the account: The token has expired."
    ]


@pytest.mark.parametrize(("units", "alarms"), [(-60, 1), (-150, 0)])
def test_an_exit_that_the_run_counts_is_told_of_where_it_fills_while_it_is_made_smaller(
    units: int, alarms: int
) -> None:
    desk = counted(-100)
    desk.answer(PlaceCall, desk.report(units=-100 * SHARE))
    desk.send(Amend(1, Terms(units * SHARE, 10.0, None, None, None), False))
    desk.stream(desk.fill("x1", -100))
    assert told(desk, "exit too much") == alarms * [
        f"{name(1)}, which reduces AAA, filled 100 while it was being amended, and what that "
        "opens for its strategy is closed at market."
    ]


@pytest.mark.parametrize(("tif", "alarms"), [("day", 0), ("gtc", 1)])
def test_an_exit_that_expires_is_told_where_it_was_good_till_cancelled(
    tif: str, alarms: int
) -> None:
    desk = holding()
    report = guarded(desk, tif)
    desk.answer(PlaceCall, report)
    desk.stream(msgspec.structs.replace(report, state="EXPIRED"))
    assert len(told(desk, "exit lost")) == alarms


def test_an_exit_whose_new_size_the_venue_refuses_is_told() -> None:
    desk = holding()
    desk.answer(PlaceCall, guarded(desk))
    terms = Terms(-60 * SHARE, 10.0, None, None, None)
    desk.send(Amend(2, terms, False))
    desk.answer(AmendCall, VenueRefused("not now"))
    assert told(desk, "exit not resized") == [
        f"{name(2)}, which reduces AAA, stays at 100 where 60 were asked for: not now"
    ]


def test_an_exit_that_the_venue_does_not_give_back_is_told() -> None:
    desk = holding()
    report = guarded(desk)
    desk.answer(PlaceCall, report)
    desk.send(Cancel(2))
    for _ in range(3):
        assert not told(desk, "exit stays")
        desk.answer(CancelCall, VenueRefused("not now"))
        desk.wait(2)
        desk.answer(OrderCall, report)
    assert told(desk, "exit stays") == [
        f"{name(2)}, which reduces AAA, was to be cancelled and stays with 100 left of it: not now"
    ]


def test_an_exit_that_is_taken_back_before_its_new_size_left_is_not_told() -> None:
    desk = holding()
    desk.answer(PlaceCall, guarded(desk))
    desk.send(Amend(2, Terms(-60 * SHARE, 10.0, None, None, None), False), Cancel(2))
    assert (desk.calls(AmendCall), desk.calls(CancelCall)) == (0, 1)
    assert ChangeRefused(2, "cancelled before it left") in desk.events
    assert not told(desk, "exit not resized")


def test_an_exit_that_filled_before_its_new_size_was_refused_is_not_told() -> None:
    desk = holding()
    desk.answer(PlaceCall, guarded(desk))
    desk.send(Amend(2, Terms(-60 * SHARE, 10.0, None, None, None), False))
    desk.stream(desk.fill("x1", -100, client_id=name(2)))
    desk.answer(AmendCall, VenueRefused("it is filled"))
    assert not told(desk, "exit not resized")


def test_an_exit_that_was_to_end_is_no_loss() -> None:
    desk = holding()
    report = guarded(desk)
    desk.answer(PlaceCall, report)
    desk.send(Cancel(2))
    desk.answer(CancelCall, msgspec.structs.replace(report, state="CANCELED"))
    assert not told(desk, "exit lost")


def test_a_refused_exit_is_no_loss_while_nothing_is_held() -> None:
    desk = Desk()
    guarded(desk)
    desk.answer(PlaceCall, VenueRefused("no"))
    assert not told(desk, "exit lost")


def test_a_fill_after_the_end_of_its_order_is_told() -> None:
    desk = Desk()
    desk.send(place())
    desk.answer(PlaceCall, desk.report())
    desk.send(Cancel(1))
    desk.answer(CancelCall, desk.report("CANCELED"))
    assert not told(desk, "late fill")
    desk.stream(desk.fill(shares=40))
    assert told(desk, "late fill") == [f"{name()} in AAA, which was CANCELED, filled 40."]


def test_what_the_feed_halted_is_not_the_gate_s_after_a_restart() -> None:
    book = recalled(Halted(0, "no data of AAA", "feed"))
    assert not book.latch.halted


def test_what_another_resumes_after_a_restart_stays_halted_by_the_gate() -> None:
    book = recalled(
        Halted(ALL_SYMBOLS, "by hand"),
        Halted(ALL_SYMBOLS, "the run catches up", "start"),
        Resumed(ALL_SYMBOLS, "it has caught up", "start"),
    )
    assert book.latch.halted == {ALL_SYMBOLS: "by hand"}
