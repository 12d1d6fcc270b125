"""The gate's book: an order's way to the venue and back, and what goes wrong on it."""

from tests.gate_venue import START_NS, Held, Play

from app.core.order_events import (
    NEVER_HAD,
    Acknowledged,
    Cancel,
    Ended,
    Filled,
    OrderEvent,
    Place,
    Refused,
    Uncertain,
)
from app.core.orders import DAY, LIMIT, Terms
from app.core.venue import client_id
from app.managers.execution_manager.gate.calls import GateTimes, PlaceCall
from app.managers.execution_manager.gate.gate_book import GateBook

RUN = "20240102-1430-00"
SHARE = 100_000_000
SECOND = 1_000_000_000


def the_play(**odds: float) -> Play:
    return Play(GateBook(RUN, ["AAA", "BBB"], since_ns=START_NS), seed=1, odds=odds)


def place(number: int = 1, shares: int = 100, opens: bool = True, kind: str = LIMIT) -> Place:
    limit = 10.0 if kind == LIMIT else None
    terms = Terms(shares * SHARE, limit, None, None, None)
    return Place(number, 0, kind, DAY, terms, False, opens)


def name(number: int = 1) -> str:
    return client_id(RUN, number)


def held(play: Play, number: int = 1) -> Held:
    return play.held[name(number)]


def kinds(events: list[OrderEvent]) -> list[type]:
    return [type(event) for event in events]


def shares_filled(play: Play, number: int = 1) -> float:
    fills = [one for one in play.events if isinstance(one, Filled) and one.order_id == number]
    return sum(one.units for one in fills) / SHARE


def test_what_waits_for_networks_takes_as_long_at_a_venue_whose_clock_is_faster() -> None:
    usual = GateTimes()
    fast = usual.at_rate(60.0)
    assert (fast.denied_ns, fast.overlap_ns) == (usual.denied_ns, usual.overlap_ns)
    assert (fast.patience_ns, fast.sweep_ns) == (600 * SECOND, 1800 * SECOND)
    assert fast.first_ask_ns == 60 * usual.first_ask_ns
    assert usual.at_rate(0.0) == usual.at_rate(0.5) == usual


def test_an_order_is_placed_acknowledged_and_filled() -> None:
    play = the_play()
    play.send(place())
    play.run(1)
    play.fill(held(play), 40 * SHARE)
    play.run(1)
    play.fill(held(play), 60 * SHARE)
    play.run(1)
    assert kinds(play.events) == [Acknowledged, Filled, Filled]
    assert play.book.tracker.net[0] == 100 * SHARE
    assert not play.book.tracker.open


def test_an_order_is_cancelled() -> None:
    play = the_play()
    play.send(place())
    play.run(1)
    play.send(Cancel(1))
    play.run(1)
    assert kinds(play.events) == [Acknowledged, Ended]


def test_a_timeout_before_the_venue_had_it_ends_in_a_refusal_after_repeated_denials() -> None:
    play = the_play(timeout_before=1.0)
    play.send(place())
    play.run(30)
    assert kinds(play.events) == [Uncertain]
    play.run(20)
    assert play.events[1:] == [Refused(1, "the venue never had it", NEVER_HAD)]
    assert sum(isinstance(call, PlaceCall) for call in play.begun) == 1


def test_a_timeout_after_the_venue_took_it_ends_in_an_acknowledgement() -> None:
    play = the_play(timeout_after=1.0, frame_lost=1.0)
    play.send(place())
    play.run(10)
    assert kinds(play.events) == [Uncertain, Acknowledged]
    assert play.placements == {name(): 1}
