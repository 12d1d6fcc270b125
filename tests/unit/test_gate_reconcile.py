"""Reconciliation: a book from a journal, brought to what the venue says, a row a difference."""

import pytest
from tests.gate_desk import SECOND, SHARE, START_NS, Desk, name, place
from tests.slow_venue import SlowVenue
from tests.unit.reconcile_house import NOW_NS, check, fill, recalled, report, says, told

from app.core.order_events import (
    NEVER_HAD,
    Acknowledged,
    Amend,
    Amended,
    Cancel,
    Ended,
    GateActed,
    GateFilled,
    GateGave,
    Halted,
    Intent,
    OrderEvent,
    Refused,
    Resumed,
    Uncertain,
    Voided,
)
from app.core.orders import Terms
from app.core.venue import Execution, VenueOrder
from app.managers.execution_manager.gate.calls import CancelCall, OrderCall, PlaceCall
from app.managers.execution_manager.gate.doubts import DENIED, NO_LONGER_HAS
from app.managers.execution_manager.gate.reconcile import Difference, ask_all, recheck

OWN = name(1).replace("-1", "-g1")


def test_a_gate_has_compared_when_all_was_answered_and_what_differs_is_halted() -> None:
    desk = Desk()
    assert not desk.book.status().compared
    desk.open = [desk.report(client_id="theirs", symbol="ZZZ")]
    desk.wait(120)
    assert not desk.book.status().compared  # nobody has told of positions
    desk.positions = {"AAA": 5 * SHARE}
    while not desk.book.latch.halted:
        assert not desk.book.status().compared
        desk.wait(1)
    assert desk.book.status().compared
    desk = Desk()
    desk.open, desk.positions = [desk.report(client_id="theirs", symbol="ZZZ")], {}
    desk.wait(120)
    assert desk.book.status().compared


def test_what_agrees_gives_no_row_and_no_event() -> None:
    book = recalled(place(), Acknowledged(1), told(shares=40))
    venue = says(report("PARTIAL", 40), executions=[fill(shares=40)], positions={"AAA": 40 * SHARE})
    assert check(book, venue, {"USD": 0}) == []
    assert book.take_told() == ()


def test_missing_executions_are_applied_once() -> None:
    book = recalled(place(), Acknowledged(1), told("e1", 40))
    fills = [fill("e1", 40), fill("e2", 60)]
    venue = says(report("FILLED", 100), executions=fills, positions={"AAA": 100 * SHARE})
    rows = check(book, venue)
    assert rows == [
        Difference(f"order {name()}", "PARTIAL", "FILLED", "ended"),
        Difference(f"execution e2 of {name()}", "missing", "60 AAA at 10.0", "applied"),
    ]
    assert book.take_told() == (told("e2", 60),)
    assert check(book, venue) == [] and book.take_told() == (), "a second time adds nothing"


def test_orders_that_ended_meanwhile_end() -> None:
    book = recalled(place(), Acknowledged(1))
    assert check(book, says(report("EXPIRED"))) == [
        Difference(f"order {name()}", "ACCEPTED", "EXPIRED", "ended")
    ]
    assert book.take_told() == (Ended(1, "EXPIRED", ""),)


def test_a_durable_intent_that_the_venue_denies_expires_after_a_while() -> None:
    book = recalled(place(), Uncertain(1, "timed out"))
    rows = check(book, says(orders={name(): None}))
    assert rows == [
        Difference(f"order {name()}", "UNKNOWN", "not known", "asked for until it is sure")
    ]
    desk = Desk(book)
    book.recover(desk.now_ns)
    desk.wait(30, None)
    assert desk.events == []
    desk.wait(10, None)
    assert desk.events == [Refused(1, "the venue never had it", NEVER_HAD)]


def test_an_intent_that_had_not_left_is_never_placed_again() -> None:
    book = recalled(place())
    check(book, says(orders={name(): None}))
    desk = Desk(book)
    book.send([place()], desk.now_ns)
    book.recover(desk.now_ns)
    desk.wait(5, None)
    assert desk.calls(PlaceCall) == 0


def test_a_cancel_under_way_at_the_crash_is_made() -> None:
    book = recalled(place(), Acknowledged(1), Cancel(1))
    check(book, says(report()))
    desk = Desk(book)
    book.recover(desk.now_ns)
    desk.wait(0)
    assert desk.call(CancelCall).client_id == name()


def test_an_amendment_under_way_at_the_crash_shows_in_the_terms() -> None:
    more = Terms(200 * SHARE, 11.0, None, None, None)
    book = recalled(place(), Acknowledged(1), Amend(1, more, True))
    rows = check(book, says(report(units=200 * SHARE, limit=11.0)))
    assert rows == [
        Difference(
            f"terms of {name()}", "100 units, limit 10.0", "200 units, limit 11.0", "amended"
        )
    ]
    assert book.take_told() == (Amended(1, more),)


@pytest.mark.parametrize(
    ("external", "resolution", "events"),
    [("adopt", "adopted", []), ("ignore", "ignored", []), ("halt", "halted", [Halted])],
)
def test_others_orders_are_treated_as_set(
    external: str, resolution: str, events: list[type]
) -> None:
    book = recalled(external=external)
    rows = check(book, says(open_orders=[report(client_id="mine")]))
    assert rows == [Difference("order mine", "not known", "ACCEPTED 100 AAA", resolution)]
    assert [type(event) for event in book.take_told()] == events


def test_others_fills_are_ignored_but_explain_the_position() -> None:
    book = recalled()
    venue = says(executions=[fill("x", 5, "mine")], positions={"AAA": 5 * SHARE})
    assert [row.resolution for row in check(book, venue)] == ["ignored"]
    assert book.take_told() == ()


def test_others_orders_in_other_symbols_are_nobody_s_business() -> None:
    book = recalled(external="halt")
    assert check(book, says(open_orders=[report(client_id="mine", symbol="ZZZ")])) == []


def test_an_order_of_this_run_that_no_intent_asked_for_halts_its_symbol() -> None:
    book = recalled()
    (row,) = check(book, says(open_orders=[report(number=7)]))
    assert row.resolution == "adopted"
    assert isinstance(book.take_told()[0], Halted)


def test_a_position_that_differs_halts_the_symbol_with_both_figures() -> None:
    book = recalled(place(), Acknowledged(1), told())
    rows = check(book, says(positions={"AAA": 70 * SHARE}, executions=[fill()]))
    assert rows == [Difference("position AAA", "100", "70", "halted")]
    (halted,) = book.take_told()
    assert halted == Halted(
        0, "Positions differ of AAA: ours is 10000000000 units, the venue's 7000000000."
    )
    assert check(book, says(positions={"AAA": 100 * SHARE})) == []
    assert [type(event) for event in book.take_told()] == [Resumed]


def test_a_halt_for_a_position_is_lifted_by_a_later_start_that_finds_it_agreeing() -> None:
    book = recalled()
    check(book, says(positions={"AAA": SHARE}))
    journal = book.take_told()
    book = recalled(*journal, Halted(1, "by hand"))
    assert check(book, says()) == []
    assert book.latch.halted == {1: "by hand"}


def test_cash_that_differs_by_more_than_the_tolerance_halts_everything() -> None:
    book = recalled()
    assert check(book, says(cash={"USD": 1000}), {"USD": 1100}) == []
    rows = check(book, says(cash={"USD": 1000}), {"USD": 1101})
    assert [(row.what, row.resolution) for row in rows] == [("cash USD", "all halted")]
    assert book.latch.halted[-1].startswith("Cash in USD")


def test_the_latch_outlives_a_restart() -> None:
    book = recalled(GateActed("latched", "x"), GateActed("flattening", "x"), Halted(1, "odd"))
    assert (book.latch.killed, book.latch.halted) == ("flatten", {1: "odd"})
    book = recalled(GateActed("latched", "x"), GateActed("froze", "x"))
    assert book.latch.killed == "freeze"


def test_a_closing_order_of_an_earlier_life_is_known_and_its_number_not_given_again() -> None:
    book = recalled(
        place(),
        Acknowledged(1),
        told(),
        GateActed("latched", "x"),
        GateActed("flattening", "x"),
        GateGave(0, 1, -100 * SHARE),
        GateFilled(0, "g", -40 * SHARE, 10.0, 1, START_NS),
    )
    assert book.tracker.net[0] == 60 * SHARE
    own = report("PARTIAL", -40, client_id=OWN, units=-100 * SHARE, kind="market", limit=None)
    fills = [fill(), fill("g", -40, OWN)]
    venue = says(own, open_orders=[own], executions=fills, positions={"AAA": 60 * SHARE})
    check(book, venue)
    assert book.tracker.net[0] == 60 * SHARE and not book.tracker.behind
    desk = Desk(book)
    book.recover(desk.now_ns)
    desk.wait(1)
    assert desk.calls(PlaceCall) == 0, "what works at the venue closes it"
    desk.stream(fill("g2", -60, OWN))
    desk.wait(1)
    assert desk.book.tracker.net[0] == 0


def test_numbers_given_and_not_written_down_before_a_crash_are_not_given_again() -> None:
    flatten = (place(), Acknowledged(1), told(), GateActed("flattening", "x"))
    names = set()
    for seconds in (10, 20):
        desk = Desk(recalled(*flatten))  # what the gate gave was lost each time
        check(desk.book, says(positions={"AAA": 100 * SHARE}))
        desk.now_ns = START_NS + seconds * SECOND
        desk.book.recover(desk.now_ns)
        desk.wait(1)
        names.add(desk.call(PlaceCall).client_id)
    assert len(names) == 2


def test_a_second_look_names_what_still_differs_halts_nothing_and_applies_what_was_missed() -> None:
    book = recalled(place(1), Acknowledged(1), external="halt")
    missed = says(executions=[fill(client_id=name())], positions={"AAA": 90 * SHARE})
    rows = recheck(book, missed, NOW_NS)
    assert rows == [Difference("position AAA", "100", "90", "the halt stays")]
    book.hear(report("PARTIAL", 100, number=2, client_id="mine"), NOW_NS)
    outside = says(open_orders=[report(client_id="mine")], positions={"AAA": 100 * SHARE})
    book.lift("seen", book.status().halted)
    (row,) = recheck(book, outside, NOW_NS)
    assert (row.what, row.venues) == ("order mine", "ACCEPTED")
    assert not book.latch.halted
    assert recheck(book, says(positions={"AAA": 100 * SHARE}), NOW_NS) == []


@pytest.mark.parametrize(
    "journal",
    [
        (place(), Uncertain(1, "timed out"), Refused(1, DENIED, NEVER_HAD)),
        (place(), Acknowledged(1), Ended(1, "EXPIRED", NO_LONGER_HAS)),
    ],
)
def test_an_order_that_was_denied_before_a_restart_is_cancelled_when_it_turns_up(
    journal: tuple[Intent | OrderEvent, ...],
) -> None:
    book = recalled(*journal)
    check(book, says(open_orders=[report()]))
    (call,) = [one for one in book.take().calls if isinstance(one, CancelCall)]
    assert call.client_id == name()


def test_an_order_that_ended_otherwise_is_not_taken_up_for_a_late_word() -> None:
    book = recalled(place(), Acknowledged(1), Ended(1, "CANCELED", "canceled"))
    check(book, says(open_orders=[report()]))
    assert not book.take().calls
    assert not book.tracker.open


def test_a_void_order_is_over() -> None:
    book = recalled(place(), Voided(1))
    assert not book.tracker.open


def test_orders_are_asked_for_before_anything_else() -> None:
    venue = SlowVenue(0)
    order = place()
    venue.place(
        VenueOrder(client_id=name(), symbol="AAA", kind="limit", tif="day", terms=order.terms)
    )
    found = ask_all(venue, dict.fromkeys(recalled(order).tracker.open, "AAA"), START_NS)
    assert found.orders[name()] == venue.reports[name()]
    assert list(found.open_orders) == [venue.reports[name()]]


class Filling(SlowVenue):
    """Something fills each time it is asked what is held, so often."""

    def __init__(self, fills: int) -> None:
        super().__init__(0)
        self.fills, self.filled = fills, 0

    def executions(self, since_ns: int) -> list[Execution]:
        return [fill(f"e{number}", 1) for number in range(self.filled)]

    def positions(self) -> dict[str, int]:
        held = {"AAA": self.filled * SHARE}
        self.filled = min(self.filled + 1, self.fills)
        return held

    def cash(self) -> dict[str, int]:
        return {"USD": -self.filled * SHARE}


@pytest.mark.parametrize("fills", [0, 1, 4])
def test_what_is_held_and_the_cash_are_of_one_moment(fills: int) -> None:
    found = ask_all(Filling(fills), {}, START_NS)  # type: ignore[arg-type]
    assert len(found.executions) == fills
    assert (found.positions, found.cash) == ({"AAA": fills * SHARE}, {"USD": -fills * SHARE})


def test_who_trades_without_a_break_is_not_asked_for_ever() -> None:
    assert len(ask_all(Filling(10**6), {}, START_NS).executions) == 5  # type: ignore[arg-type]


def test_a_recovered_book_asks_only_for_what_it_heard_nothing_of() -> None:
    book = recalled(place(1), Acknowledged(1), place(2), Acknowledged(2))
    check(book, says(report(number=1)))
    desk = Desk(book)
    book.recover(desk.now_ns)
    desk.wait(0)
    assert desk.call(OrderCall).client_id == name(2) and desk.calls(OrderCall) == 1
