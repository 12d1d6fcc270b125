"""C70 to C78: an adapter that begins again, a venue that does, threads, the end, and secrets."""

import base64
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest

from app.core.money import UNITS
from app.core.venue import Connected, Disconnected, VenueError, VenueReport, VenueUnclear
from tests.conformance import bench as given
from tests.conformance.bench import Bench, Ear, Fault, counts, order, told, until
from tests.conformance.case import case
from tests.conformance.cases.answers import answers, calls, questions, with_a


@case(70, given.MANY)
def the_adapter_begins_again(bench: Bench) -> None:
    """A new adapter finds the orders, executions, positions and cash that the old one left, as
    they were.
    """
    venue = bench.open()
    venue.place(order(bench, "a", 10))
    bench.to(1)
    venue.place(order(bench, "b", 5, "limit", limit=90.0))
    before = [venue.order("a"), venue.order("b"), venue.open_orders(), venue.executions(0)]
    before += [venue.positions(), venue.cash()]
    venue.close()
    again = bench.open()
    after = [again.order("a"), again.order("b"), again.open_orders(), again.executions(0)]
    assert [*after, again.positions(), again.cash()] == before
    assert again.cancel("b").state == "CANCELED"


@case(71, given.MANY, given.STREAMS)
def two_adapters(bench: Bench) -> None:
    """Two adapters of one account see each other's orders, and each hears of both."""
    one, other = bench.open(), bench.open()
    ear = Ear(bench, other.order_stream)
    ear.next(Connected)
    placed = one.place(order(bench, "a", 10))
    assert ear.next(VenueReport) == placed == other.order("a")


@case(72, given.RESTART)
def the_venue_begins_again(bench: Bench) -> None:
    """After the venue was gone the same adapter goes on: orders, executions, ids are as they
    were.
    """
    venue = bench.open()
    venue.place(order(bench, "a", 10))
    bench.to(1)
    venue.place(order(bench, "b", 5, "limit", limit=90.0))
    before = [told(venue, "a").venue_id, told(venue, "b").venue_id, venue.executions(0)]
    bench.restart()
    until(lambda: answers(venue.time), "the venue to be found again")
    assert [told(venue, "a").venue_id, told(venue, "b").venue_id, venue.executions(0)] == before
    assert counts(venue) == {bench.facts.symbols[0]: 10.0}
    assert venue.cancel("b").state == "CANCELED"


@case(73, given.RESTART, given.STREAMS)
def streams_find_it_again(bench: Bench) -> None:
    """When the venue was gone, streams say so and stand again when it is back."""
    venue = bench.open()
    ear = Ear(bench, venue.order_stream)
    ear.next(Connected)
    bench.restart()
    assert isinstance(ear.next(Disconnected, Connected), Disconnected)
    assert isinstance(ear.next(Disconnected, Connected), Connected)
    until(lambda: answers(venue.time), "the venue to be found again")
    placed = venue.place(order(bench, "a", 10))
    assert ear.next(VenueReport) == placed


@case(74, given.THREADS)
def from_several_threads(bench: Bench) -> None:
    """Calls from several threads at once are each answered with their own answer."""
    venue = bench.open()

    def work(thread: int) -> None:
        for number in range(4):
            name = f"t{thread}-{number}"
            asked = order(bench, name, thread + 1, "limit", limit=90.0 + number)
            assert venue.place(asked).client_id == name
            assert told(venue, name).units == (thread + 1) * UNITS
            assert venue.time().venue_ns >= bench.minute(-5)

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(work, thread) for thread in range(4)]:
            done.result(given.WAIT_SECONDS)
    assert len({one.client_id for one in venue.open_orders()}) == 16


@case(75, given.THREADS, given.STREAMS)
def the_end(bench: Bench) -> None:
    """`close` ends the adapter's streams and every thread it started, and may be called again."""
    before = set(threading.enumerate())
    venue = bench.open()
    ears = [
        Ear(bench, venue.order_stream),
        Ear(bench, lambda hear: venue.market_stream([bench.facts.symbols[0]], hear)),
    ]
    for ear in ears:
        ear.next(Connected)
    venue.time()
    assert set(threading.enumerate()) - before
    venue.close()
    venue.close()
    until(lambda: not set(threading.enumerate()) - before, "the threads to end")


@case(76, given.THREADS, given.HISTORY)
def after_the_end(bench: Bench) -> None:
    """After `close` every call is unclear: nothing is sent, and nothing raw is raised."""
    venue = with_a(bench)
    venue.close()
    for ask in calls(bench, venue).values():
        with pytest.raises(VenueUnclear):
            ask()
    assert [one.client_id for one in bench.open().open_orders()] == ["a"]


@case(77, given.ADDRESS, given.STREAMS)
def a_stream_to_nowhere(bench: Bench) -> None:
    """A stream that finds no venue goes on trying in quiet until it is closed, and ends then."""
    before = set(threading.enumerate())
    venue = bench.open_nowhere()
    ear = Ear(bench, venue.order_stream)
    venue.close()
    assert ear.rest() == []
    until(lambda: not set(threading.enumerate()) - before, "the threads to end")


@case(78, given.SECRETS, given.FAULTS, given.ADDRESS, given.HISTORY)
def secrets_stay_secret(bench: Bench) -> None:
    """Nothing that an adapter says of itself, and no error with all its causes, shows a secret."""
    venue, nowhere = with_a(bench), bench.open_nowhere()
    shown = [repr(venue), str(venue)]
    for kind in (given.TIMEOUT_BEFORE, given.STATUS, given.GARBAGE, given.ERROR_BODY):
        for name, ask in calls(bench, venue).items():
            bench.arm(Fault(kind, name))
            shown.append(_said(ask))
    shown += [_said(ask) for ask in questions(bench, nowhere).values()]
    bench.arm()
    ear = Ear(bench, venue.order_stream)
    ear.next(Connected)
    bench.arm(Fault(given.CUT, "orders"))
    venue.cancel("a")
    shown.append(repr(ear.next(Disconnected)))
    text = "\n".join(shown)
    for secret in _disguises(bench):
        assert secret not in text


def _said(ask: Callable[[], object]) -> str:
    """All that an error tells whoever prints it."""
    with pytest.raises(VenueError) as caught:
        ask()
    return "".join(traceback.format_exception(caught.value)) + repr(caught.value)


def _disguises(bench: Bench) -> list[str]:
    assert bench.facts.secrets
    found = [*bench.facts.secrets, ":".join(bench.facts.secrets)]
    encoded = [base64.b64encode(text.encode()).decode().rstrip("=") for text in found]
    return [*found, *encoded, *map(quote, found), *(text.encode().hex() for text in found)]
