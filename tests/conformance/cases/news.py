"""C55 to C69, C79 to C82: executions and bars in pages; streams that bring news or lose it."""

from collections.abc import Sequence
from itertools import pairwise

import pytest

from app.core.money import UNITS
from app.core.orders import TRANSITIONS
from app.core.venue import (
    Connected,
    Disconnected,
    Execution,
    Venue,
    VenueBar,
    VenueRefused,
    VenueReport,
)
from tests.conformance import bench as given
from tests.conformance.bench import (
    Bench,
    Ear,
    Fault,
    at,
    counts,
    fills_of,
    listed,
    order,
    rows,
    told,
)
from tests.conformance.case import case

_RISING = [at(100.0 + number / 4) for number in range(given.BARS)]


def _traded(bench: Bench, venue: Venue, minutes: int = 6) -> Sequence[Execution]:
    """An execution in each of some minutes, two in every other one."""
    for number in range(minutes):
        venue.place(order(bench, f"a{number}", 5))
        if number % 2:
            venue.place(order(bench, f"b{number}", -2))
        bench.to(number + 1)
    return venue.executions(0)


@case(55)
def executions_since(bench: Bench) -> None:
    """Executions since T are all those at T or later: pages that begin where one ended lack
    nothing.
    """
    venue = bench.open()
    whole = _traded(bench, venue)
    assert len(whole) == 9
    assert [one.at_ns for one in whole] == sorted(one.at_ns for one in whole)
    for since_ns in {one.at_ns + more for one in whole for more in (0, 1)}:
        assert venue.executions(since_ns) == [one for one in whole if one.at_ns >= since_ns]


@case(56)
def ids_of_executions(bench: Bench) -> None:
    """No two executions share an id, and one has the same id whenever it is asked for."""
    venue = bench.open()
    whole = _traded(bench, venue)
    ids = [one.execution_id for one in whole]
    assert all(ids)
    assert len(set(ids)) == len(ids)
    bench.to(9)
    assert list(venue.executions(0)) == list(whole)


@case(57, given.FAULTS)
def ids_begin_again(bench: Bench) -> None:
    """Executions are told apart even when the venue's own numbers begin again."""
    venue = bench.open()
    venue.place(order(bench, "a", 5))
    bench.to(1)
    bench.arm(Fault(given.ID_ROLLBACK))
    venue.place(order(bench, "b", 5))
    bench.to(2)
    assert len({one.execution_id for one in venue.executions(0)}) == 2
    assert [fills_of(venue, name)[0].units for name in ("a", "b")] == [5 * UNITS] * 2


@case(58, given.HISTORY, bars=_RISING)
def bars_that_have_closed(bench: Bench) -> None:
    """Bars are those that have closed, each once, oldest first, with the prices they had."""
    venue, symbol = bench.open(), bench.facts.symbols[0]
    bench.to(4, 30)
    found = venue.bars(symbol, "1m", bench.minute(0), bench.minute(9))
    assert listed(found) == [
        (bench.minute(number), *row) for number, row in enumerate(rows(*_RISING)[:4])
    ]


@case(59, given.HISTORY, bars=_RISING)
def pages_of_bars(bench: Bench) -> None:
    """A page of bars holds its start and not its end, so that pages meet without a hole or a
    double.
    """
    venue, symbol = bench.open(), bench.facts.symbols[0]
    bench.to(9)
    whole = listed(venue.bars(symbol, "1m", bench.minute(0), bench.minute(9)))
    for cut in range(10):
        pages = [
            listed(venue.bars(symbol, "1m", bench.minute(first), bench.minute(end)))
            for first, end in ((0, cut), (cut, 9))
        ]
        assert pages[0] + pages[1] == whole
    assert len(whole) == 9


@case(60, given.HISTORY)
def bars_there_are_not(bench: Bench) -> None:
    """Bars of an unknown symbol or interval are refused; of a time without any there are none."""
    venue, symbol = bench.open(), bench.facts.symbols[0]
    bench.to(2)
    for name, interval in (("NOTHERE", "1m"), (symbol, "13x")):
        with pytest.raises(VenueRefused):
            venue.bars(name, interval, bench.minute(0), bench.minute(2))
    assert listed(venue.bars(symbol, "1m", bench.minute(-5), bench.minute(-4))) == []


@case(61, given.STREAMS)
def order_news(bench: Bench) -> None:
    """The order stream says first that it stands, then every change and execution, as asking
    would.
    """
    venue = bench.open()
    ear = Ear(bench, venue.order_stream)
    assert isinstance(ear.next(object), Connected)
    placed = venue.place(order(bench, "a", 10))
    assert ear.next(VenueReport) == placed
    bench.to(1)
    assert ear.next(Execution) == venue.executions(0)[0]
    last = ear.next(VenueReport)
    assert (last.state, last.filled_units) == ("FILLED", 10 * UNITS)
    assert last.venue_id == told(venue, "a").venue_id == placed.venue_id


@case(62, given.STREAMS)
def news_make_a_legal_life(bench: Bench) -> None:
    """The states that a stream tells of an order follow the one table of transitions, to the
    end.
    """
    venue, room = bench.open(), bench.facts.share * 1000
    ear = Ear(bench, venue.order_stream)
    ear.next(Connected)
    venue.place(order(bench, "a", 2.5 * room))
    bench.to(1)
    venue.place(order(bench, "b", 5, "limit", limit=90.0))
    venue.cancel("b")
    bench.to(3)
    lives: dict[str, list[str]] = {"a": [], "b": []}
    while lives["a"][-1:] != ["FILLED"]:
        report = ear.next(VenueReport)
        lives[report.client_id].append(report.state)
    assert lives == {
        "a": ["ACCEPTED", "PARTIAL", "PARTIAL", "FILLED"],
        "b": ["ACCEPTED", "CANCELED"],
    }
    for life in lives.values():
        assert all(b in TRANSITIONS[a] for a, b in pairwise(life))


@case(63, given.STREAMS, given.HISTORY, bars=_RISING)
def market_news(bench: Bench) -> None:
    """The market stream brings the bars of the symbols asked for, in order, as history has them."""
    venue, symbol = bench.open(), bench.facts.symbols[1]
    ear = Ear(bench, lambda hear: venue.market_stream([symbol], hear))
    assert isinstance(ear.next(object), Connected)
    bench.to(4)
    brought = [ear.next(VenueBar) for _ in range(4)]
    assert {bar.symbol for bar in brought} == {symbol}
    names = ("start_ns", "open", "high", "low", "close", "volume")
    assert [tuple(getattr(bar, name) for name in names) for bar in brought] == listed(
        venue.bars(symbol, "1m", bench.minute(0), bench.minute(4))
    )


@case(64, given.STREAMS, given.FAULTS)
def a_stream_is_cut(bench: Bench) -> None:
    """A stream that is lost says so, comes back by itself and says that; what it missed is asked
    for.
    """
    venue = bench.open()
    ear = Ear(bench, venue.order_stream)
    ear.next(Connected)
    venue.place(order(bench, "a", 10))
    ear.next(VenueReport)
    bench.arm(Fault(given.CUT, "orders"))
    bench.to(1)
    assert isinstance(ear.next(Disconnected, Connected), Disconnected)
    assert isinstance(ear.next(Disconnected, Connected), Connected)
    assert told(venue, "a").state == "FILLED"
    assert [one.units for one in fills_of(venue, "a")] == [10 * UNITS]
    venue.place(order(bench, "b", 10))
    while ear.next(VenueReport).client_id != "b":
        pass


@case(65, given.STREAMS, given.FAULTS, bars=_RISING)
def market_news_are_cut(bench: Bench) -> None:
    """A market stream comes back on the same symbols; the bars it missed are in the history."""
    venue, symbol = bench.open(), bench.facts.symbols[0]
    ear = Ear(bench, lambda hear: venue.market_stream([symbol], hear))
    ear.next(Connected)
    bench.arm(Fault(given.CUT, "market"))
    bench.to(1)
    ear.next(Disconnected)
    ear.next(Connected)
    bench.to(2)
    assert ear.next(VenueBar).symbol == symbol
    assert len(venue.bars(symbol, "1m", bench.minute(0), bench.minute(2))) == 2


@case(66, given.STREAMS, given.FAULTS)
def a_fill_nobody_told(bench: Bench) -> None:
    """A fill that a healthy stream left out is among the executions, and in the order's report."""
    venue = bench.open()
    ear = Ear(bench, venue.order_stream)
    ear.next(Connected)
    venue.place(order(bench, "a", 10))
    bench.arm(Fault(given.FILL_LOST))
    bench.to(1)
    venue.place(order(bench, "b", 10))
    while ear.next(VenueReport).client_id != "b":
        pass
    assert not [one for one in ear.items if isinstance(one, Execution)]
    assert told(venue, "a").state == "FILLED"
    assert len(fills_of(venue, "a")) == 1


@case(67, given.STREAMS, given.FAULTS)
def a_fill_told_twice(bench: Bench) -> None:
    """A fill that is told twice has one id, by which it is one; the executions have it once."""
    venue = bench.open()
    ear = Ear(bench, venue.order_stream)
    ear.next(Connected)
    venue.place(order(bench, "a", 10))
    bench.arm(Fault(given.TWICE, "orders", count=None))
    bench.to(1)
    assert ear.next(Execution) == ear.next(Execution) == venue.executions(0)[0]


@case(68, given.STREAMS, given.FAULTS)
def half_a_fill_and_gone(bench: Bench) -> None:
    """After half a fill and a cut of every stream the rest of the order works on, and is told."""
    venue = bench.open()
    ear = Ear(bench, venue.order_stream)
    ear.next(Connected)
    venue.place(order(bench, "a", 10))
    bench.arm(Fault(given.PARTIAL_CUT))
    bench.to(1)
    ear.next(Disconnected)
    ear.next(Connected)
    assert (told(venue, "a").state, told(venue, "a").filled_units) == ("PARTIAL", 5 * UNITS)
    bench.to(2)
    while ear.next(VenueReport).state != "FILLED":
        pass
    assert [one.units for one in fills_of(venue, "a")] == [5 * UNITS, 5 * UNITS]


@case(69, given.STREAMS)
def a_closed_stream(bench: Bench) -> None:
    """When `close` of a stream has returned, it brings nothing more; others go on."""
    venue = bench.open()
    ear, other = Ear(bench, venue.order_stream), Ear(bench, venue.order_stream)
    ear.next(Connected)
    other.next(Connected)
    ear.stream.close()
    ear.stream.close()
    heard = len(ear.rest())
    venue.place(order(bench, "a", 10))
    other.next(VenueReport)
    assert len(ear.rest()) == heard


@case(79, given.NAMES)
def more_than_a_page(bench: Bench) -> None:
    """Orders and executions of one moment that fill more than two pages are told whole."""
    venue, count = bench.open(), 2 * bench.facts.page_rows + 1
    for number in range(count):
        venue.place(order(bench, f"a{number}", 1))
    assert len({one.client_id for one in venue.open_orders()}) == count
    bench.to(1)
    done = venue.executions(0)
    assert len({one.execution_id for one in done}) == len(done) == count
    assert {one.at_ns for one in done} == {bench.minute(1)}
    assert venue.executions(bench.minute(1)) == done
    assert counts(venue) == {bench.facts.symbols[0]: count}


@case(80, given.STREAMS, given.FAULTS)
def a_subscription_expires(bench: Bench) -> None:
    """A subscription to the orders that expires is renewed; what it missed is asked for."""
    venue = bench.open()
    ear = Ear(bench, venue.order_stream)
    ear.next(Connected)
    venue.place(order(bench, "a", 10))
    ear.next(VenueReport)
    bench.arm(Fault(given.EXPIRED, given.ORDERS))
    bench.to(1)
    assert isinstance(ear.next(Disconnected, Connected), Disconnected)
    assert isinstance(ear.next(Disconnected, Connected), Connected)
    assert [one.units for one in fills_of(venue, "a")] == [10 * UNITS]
    venue.place(order(bench, "b", 10))
    while ear.next(VenueReport).client_id != "b":
        pass


@case(81)
def clocks_run_apart(bench: Bench) -> None:
    """When its clock has run away from ours, an order is taken, once, and at its own time."""
    venue = bench.open()
    venue.time()
    bench.to(3)
    placed = venue.place(order(bench, "a", 10, "limit", limit=90.0))
    assert (placed.state, placed.at_ns) == ("ACCEPTED", bench.minute(3))
    assert len(venue.open_orders()) == 1


@case(82, given.STREAMS, given.FAULTS, given.HISTORY, bars=_RISING)
def all_streams_end(bench: Bench) -> None:
    """When all its streams end at once, as some venues have it each day, each comes back."""
    venue, symbol = bench.open(), bench.facts.symbols[0]
    orders = Ear(bench, venue.order_stream)
    market = Ear(bench, lambda hear: venue.market_stream([symbol], hear))
    for ear in (orders, market):
        ear.next(Connected)
    venue.place(order(bench, "a", 10))
    orders.next(VenueReport)
    bench.arm(Fault(given.CUT, given.ORDERS), Fault(given.CUT, given.MARKET))
    bench.to(1)
    for ear in (orders, market):
        assert isinstance(ear.next(Disconnected, Connected), Disconnected)
        assert isinstance(ear.next(Disconnected, Connected), Connected)
    bench.to(2)
    assert market.next(VenueBar).symbol == symbol
    assert len(fills_of(venue, "a")) == 1
    venue.place(order(bench, "b", 5))
    while orders.next(VenueReport).client_id != "b":
        pass
