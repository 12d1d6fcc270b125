"""C21 to C34: answers that come late, never, or are none; what was missed is found by asking."""

from collections.abc import Callable
from typing import Any

import pytest

from app.core.money import UNITS
from app.core.venue import TurnedAway, Venue, VenueError, VenueRefused, VenueUnclear
from tests.conformance import bench as given
from tests.conformance.bench import Bench, Fault, fills_of, order, terms, told, until
from tests.conformance.case import case
from tests.conformance.cases.needs import AMENDS


def questions(bench: Bench, venue: Venue) -> dict[str, Callable[[], Any]]:
    """Every call that asks and changes nothing, by its name."""
    symbol = bench.facts.symbols[0]
    return {
        "time": venue.time,
        "order": lambda: venue.order("a"),
        "open_orders": venue.open_orders,
        "executions": lambda: venue.executions(0),
        "positions": venue.positions,
        "cash": venue.cash,
        "bars": lambda: venue.bars(symbol, "1m", bench.minute(0), bench.minute(9)),
    }


def calls(bench: Bench, venue: Venue) -> dict[str, Callable[[], Any]]:
    """Every call there is; the order `a` works."""
    acts: dict[str, Callable[[], Any]] = {
        "place": lambda: venue.place(order(bench, "b", 10, "limit", limit=98.0)),
        "cancel": lambda: venue.cancel("a"),
    }
    if bench.abilities.amends:
        acts["amend"] = lambda: venue.amend("a", terms(12, limit=97.0))
    return questions(bench, venue) | acts


def with_a(bench: Bench) -> Venue:
    """An adapter, and an order `a` that works."""
    venue = bench.open()
    venue.place(order(bench, "a", 10, "limit", limit=99.0))
    return venue


@case(21, given.FAULTS)
def the_answer_was_lost(bench: Bench) -> None:
    """A placement that was taken but not answered is unclear; its id finds the one order there
    is.
    """
    venue = bench.open()
    bench.arm(Fault(given.TIMEOUT_AFTER, "place"))
    with pytest.raises(VenueUnclear):
        venue.place(order(bench, "a", 10))
    assert told(venue, "a").units == 10 * UNITS
    assert [one.client_id for one in venue.open_orders()] == ["a"]


@case(22, given.FAULTS)
def the_request_was_lost(bench: Bench) -> None:
    """A placement that never got there is unclear; its id finds nothing, and is free."""
    venue = bench.open()
    bench.arm(Fault(given.TIMEOUT_BEFORE, "place"))
    with pytest.raises(VenueUnclear):
        venue.place(order(bench, "a", 10))
    assert venue.order("a") is None
    assert venue.place(order(bench, "a", 10)).state == "ACCEPTED"


@case(23, given.FAULTS)
def no_placement_is_sent_twice(bench: Bench) -> None:
    """A placement with an unclear outcome is never tried again by the adapter itself."""
    venue = bench.open()
    for kind in (given.TIMEOUT_BEFORE, given.STATUS, given.GARBAGE):
        bench.arm(Fault(kind, "place", count=1))
        with pytest.raises(VenueUnclear):
            venue.place(order(bench, "a", 10))
        assert venue.order("a") is None


@case(24, given.FAULTS)
def filled_before_the_answer(bench: Bench) -> None:
    """An order that fills while its answer is out is told as filled, once, to whoever asks."""
    venue = bench.open()
    bench.arm(Fault(given.TIMEOUT_AFTER, "place"))
    with pytest.raises(VenueUnclear):
        venue.place(order(bench, "a", 10))
    bench.to(1)
    assert told(venue, "a").state == "FILLED"
    assert len(fills_of(venue, "a")) == 1


@case(25, given.FAULTS)
def an_error_after_it_was_done(bench: Bench) -> None:
    """A 5xx says nothing of the order: it is unclear, and the order may well be there."""
    venue = bench.open()
    bench.arm(Fault(given.STATUS, "place", done=True))
    with pytest.raises(VenueUnclear):
        venue.place(order(bench, "a", 10))
    assert told(venue, "a").state == "ACCEPTED"


@case(26, given.FAULTS)
def taken_but_not_found_yet(bench: Bench) -> None:
    """An order that the venue cannot find yet is None, and is there when the venue has it."""
    venue = bench.open()
    bench.arm(Fault(given.HIDDEN, seconds=30.0))
    venue.place(order(bench, "a", 10, "limit", limit=99.0))
    assert venue.order("a") is None
    bench.to(-4)
    assert told(venue, "a").state == "ACCEPTED"


@case(27, given.FAULTS)
def a_cancel_s_answer_was_lost(bench: Bench) -> None:
    """A cancel without an answer is unclear; asking tells that it has happened, or has not."""
    venue = with_a(bench)
    bench.arm(Fault(given.TIMEOUT_BEFORE, "cancel"), Fault(given.TIMEOUT_AFTER, "cancel"))
    with pytest.raises(VenueUnclear):
        venue.cancel("a")
    assert told(venue, "a").state == "ACCEPTED"
    with pytest.raises(VenueUnclear):
        venue.cancel("a")
    assert told(venue, "a").state == "CANCELED"


@case(28, given.FAULTS, need=AMENDS)
def an_amendment_s_answer_was_lost(bench: Bench) -> None:
    """An amendment without an answer is unclear; asking tells the terms in force."""
    venue = with_a(bench)
    bench.arm(Fault(given.TIMEOUT_AFTER, "amend"))
    with pytest.raises(VenueUnclear):
        venue.amend("a", terms(20, limit=98.0))
    assert (told(venue, "a").units, told(venue, "a").limit) == (20 * UNITS, 98.0)


@case(29, given.FAULTS, given.HISTORY)
def a_question_without_an_answer(bench: Bench) -> None:
    """A question that is not answered is unclear: never None, nothing, zero or an empty list."""
    venue = with_a(bench)
    for name, ask in questions(bench, venue).items():
        bench.arm(Fault(given.TIMEOUT_BEFORE, name))
        with pytest.raises(VenueUnclear):
            ask()
        ask()  # and the next one is answered


@case(30, given.FAULTS, given.HISTORY)
def every_status(bench: Bench) -> None:
    """Whatever status a call meets is refused or unclear, nothing raw; 408 and 5xx are unclear."""
    # 429 is C32: an adapter may obey it at every call from then on
    venue = with_a(bench)
    for name, ask in calls(bench, venue).items():
        for status in (400, 401, 403, 404, 408, 409, 422, 500, 502, 503, 504, 520):
            bench.arm(Fault(given.STATUS, name, status=status))
            unclear = status == 408 or status >= 500
            with pytest.raises(VenueUnclear if unclear else VenueError):
                ask()
    assert [one.client_id for one in venue.open_orders()] == ["a"]


@case(31, given.FAULTS, given.HISTORY)
def an_answer_that_is_none(bench: Bench) -> None:
    """An answer of 200 that is garbage, or carries an error, is unclear at every call."""
    venue = with_a(bench)
    for kind in (given.GARBAGE, given.ERROR_BODY):
        for name, ask in calls(bench, venue).items():
            bench.arm(Fault(kind, name))
            with pytest.raises(VenueUnclear):
                ask()


@case(32, given.FAULTS)
def too_many_requests(bench: Bench) -> None:
    """At a rate limit nothing is placed and nothing crashes; when it is over, the same order is
    taken.
    """
    venue = bench.open()
    bench.arm(Fault(given.RATE_LIMIT, "place"))
    with pytest.raises((TurnedAway, VenueUnclear)):
        venue.place(order(bench, "a", 10))
    bench.arm()
    bench.to(-4)
    until(lambda: answers(lambda: venue.order("a")), "the limit to be over")
    assert venue.order("a") is None
    assert venue.place(order(bench, "a", 10)).state == "ACCEPTED"


def answers(ask: Callable[[], object]) -> bool:
    """Whether a question is answered by now."""
    try:
        ask()
    except VenueUnclear:
        return False
    return True


@case(33, given.FAULTS)
def the_session_is_over(bench: Bench) -> None:
    """When its session or key has expired the adapter renews it, or says so, having placed
    nothing.
    """
    venue = bench.open()
    bench.arm(Fault(given.EXPIRED, "place"))
    try:
        venue.place(order(bench, "a", 10))
    except VenueError:
        assert venue.order("a") is None
        venue.place(order(bench, "a", 10))
    assert [one.client_id for one in venue.open_orders()] == ["a"]


@case(34, given.FAULTS)
def rejected_after_all(bench: Bench) -> None:
    """An order that is rejected after it was acknowledged is told as that, with a reason."""
    venue = bench.open()
    bench.arm(Fault(given.REJECT_LATER, seconds=30.0))
    venue.place(order(bench, "a", 10))
    bench.to(1)
    assert told(venue, "a").state == "REJECTED"
    assert told(venue, "a").reason
    assert fills_of(venue, "a") == []
    with pytest.raises(VenueRefused):
        venue.cancel("a")
