"""C35 to C54: parts, sides, times in force, changes of an order, and the races it can lose."""

import pytest

from app.core.money import UNITS, amount_units
from app.core.venue import Venue, VenueRefused
from tests.conformance import bench as given
from tests.conformance.bench import Bench, Fault, at, counts, fills_of, order, terms, told
from tests.conformance.case import case
from tests.conformance.cases.needs import AMENDS, AT_ONCE, REDUCES, SHORT, TIF, TWO_EXITS


@case(35)
def a_partial_fill(bench: Bench) -> None:
    """An order larger than its bar is partly filled, works on, and fills to what was asked
    exactly.
    """
    venue, room = bench.open(), bench.facts.share * 1000
    venue.place(order(bench, "a", 2.5 * room))
    bench.to(1)
    assert (told(venue, "a").state, told(venue, "a").filled_units) == ("PARTIAL", room * UNITS)
    assert [one.client_id for one in venue.open_orders()] == ["a"]
    bench.to(3)
    assert told(venue, "a").state == "FILLED"
    parts = [one.units for one in fills_of(venue, "a")]
    assert parts == [room * UNITS, room * UNITS, room / 2 * UNITS]
    assert list(venue.open_orders()) == []


@case(36, need=SHORT)
def through_flat(bench: Bench) -> None:
    """A sale of more than is held turns the position round."""
    venue = bench.open()
    venue.place(order(bench, "a", 10))
    bench.to(1)
    venue.place(order(bench, "b", -25))
    bench.to(2)
    assert counts(venue) == {bench.facts.symbols[0]: -15.0}
    venue.place(order(bench, "c", 15))
    bench.to(3)
    assert counts(venue) == {}


@case(37)
def to_flat(bench: Bench) -> None:
    """A position that was closed is none."""
    venue = bench.open()
    venue.place(order(bench, "a", 10))
    bench.to(1)
    venue.place(order(bench, "b", -10))
    bench.to(2)
    assert counts(venue) == {}


@case(38, bars=[at(100.07), at(100.11), at(99.93)])
def the_books_agree(bench: Bench) -> None:
    """Positions and cash are what the executions add up to, to the last unit."""
    venue = bench.open()
    for number, count in enumerate((7, -3, 11)):
        venue.place(order(bench, f"a{number}", count))
        bench.to(number + 1)
    done = venue.executions(0)
    assert [one.price for one in done] == [100.07, 100.11, 99.93]
    assert sum(one.units for one in done) == venue.positions()[bench.facts.symbols[0]]
    assert {one.fee_currency for one in done} <= {"", bench.facts.currency} or not any(
        one.fee_units for one in done
    )
    paid = sum(amount_units(one.units, one.price, UNITS) + one.fee_units for one in done)
    assert venue.cash()[bench.facts.currency] == bench.facts.cash_units - paid


@case(39, need=REDUCES)
def reduce_only(bench: Bench) -> None:
    """An order that only reduces closes what is held and never turns it round."""
    venue = bench.open()
    venue.place(order(bench, "a", 10))
    bench.to(1)
    try:
        venue.place(order(bench, "b", -25, reduce_only=True))
    except VenueRefused:
        assert not bench.abilities.goes_short  # none sells more than is held there
        venue.place(order(bench, "b", -10, reduce_only=True))
    bench.to(4)
    assert sum(one.units for one in fills_of(venue, "b")) == -10 * UNITS
    assert counts(venue) == {}


@case(40, need=AT_ONCE)
def at_once_or_not(bench: Bench) -> None:
    """An IOC order fills what it can at once; the rest ends and never fills."""
    venue, room = bench.open(), bench.facts.share * 1000
    venue.place(order(bench, "a", 2 * room, "limit", limit=101.0, tif="ioc"))
    bench.to(3)
    assert told(venue, "a").state in ("CANCELED", "EXPIRED")
    assert told(venue, "a").filled_units == room * UNITS
    assert [one.units for one in fills_of(venue, "a")] == [room * UNITS]
    assert list(venue.open_orders()) == []


@case(41, need=TIF["day"])
def for_the_day(bench: Bench) -> None:
    """A DAY order expires at its session's close and does not fill in the next."""
    venue = bench.open()
    venue.place(order(bench, "a", 10, "limit", limit=90.0, tif="day"))
    bench.to(given.BARS)
    assert told(venue, "a").state == "EXPIRED"
    bench.to_next_session()
    assert fills_of(venue, "a") == []


@case(42, need=TIF["gtc"], bars=[at(101.0)] * given.BARS)
def until_cancelled(bench: Bench) -> None:
    """A GTC order works on over the close and fills in the next session."""
    venue = bench.open()
    venue.place(order(bench, "a", 10, "limit", limit=100.0, tif="gtc"))
    bench.to(given.BARS)
    assert told(venue, "a").state == "ACCEPTED"
    bench.to_next_session()
    assert [one.units for one in fills_of(venue, "a")] == [10 * UNITS]


@case(43, need=TWO_EXITS, bars=[at(100.0), at(100.0), at(106.0), at(90.0)])
def a_bracket_s_pieces(bench: Bench) -> None:
    """A stop and a target of one holding work side by side; when one has filled, the other
    ends or can be ended.
    """
    venue = bench.open()
    venue.place(order(bench, "entry", 10))
    bench.to(1)
    only = bench.abilities.reduces_only
    venue.place(order(bench, "stop", -10, "stop", stop=95.0, reduce_only=only))
    venue.place(order(bench, "target", -10, "limit", limit=105.0, reduce_only=only))
    bench.to(2)
    assert {one.client_id for one in venue.open_orders()} == {"stop", "target"}
    bench.to(3)
    assert told(venue, "target").state == "FILLED"
    if venue.open_orders():
        assert venue.cancel("stop").state == "CANCELED"
    bench.to(5)
    assert counts(venue) == {}


@case(44, need=AMENDS)
def other_terms(bench: Bench) -> None:
    """An amendment keeps the order's id, gives it its new terms, and it fills under them alone."""
    venue = bench.open()
    venue.place(order(bench, "a", 10, "limit", limit=90.0))
    changed = venue.amend("a", terms(20, limit=99.6))
    assert (changed.client_id, changed.units, changed.limit) == ("a", 20 * UNITS, 99.6)
    bench.to(1)
    assert [(one.units, one.price) for one in fills_of(venue, "a")] == [(20 * UNITS, 99.6)]


@case(45, need=AMENDS)
def terms_it_cannot_have(bench: Bench) -> None:
    """An amendment to what the order cannot be is refused, and the old terms stay in force."""
    venue = bench.open()
    venue.place(order(bench, "a", 10, "limit", limit=90.0))
    with pytest.raises(VenueRefused):
        venue.amend("a", terms((10 * bench.facts.lot_units + 1) / UNITS, limit=91.0))
    assert (told(venue, "a").units, told(venue, "a").limit) == (10 * UNITS, 90.0)
    assert told(venue, "a").state == "ACCEPTED"


@case(46, need=AMENDS)
def smaller_than_before(bench: Bench) -> None:
    """An amendment's quantity is the whole order's, the part that has filled included."""
    venue, room = bench.open(), bench.facts.share * 1000
    venue.place(order(bench, "a", 3 * room))
    bench.to(1)
    changed = venue.amend("a", terms(1.5 * room))
    assert (changed.units, changed.filled_units) == (1.5 * room * UNITS, room * UNITS)
    bench.to(4)
    assert sum(one.units for one in fills_of(venue, "a")) == 1.5 * room * UNITS


@case(47, given.FAULTS, need=AMENDS)
def an_amendment_too_late(bench: Bench) -> None:
    """An amendment that loses to a fill is refused, and the fill stands under the old terms."""
    venue = _almost_filled(bench)
    bench.arm(Fault(given.AMEND_RACED))
    with pytest.raises(VenueRefused):
        venue.amend("a", terms(20, limit=98.0))
    assert (told(venue, "a").state, told(venue, "a").units) == ("FILLED", 10 * UNITS)


@case(48)
def a_cancel(bench: Bench) -> None:
    """A cancelled order is told as that, is no longer open, and never fills."""
    venue = bench.open()
    venue.place(order(bench, "a", 10))
    assert venue.cancel("a").state == "CANCELED"
    assert list(venue.open_orders()) == []
    bench.to(3)
    assert told(venue, "a").state == "CANCELED"
    assert list(venue.executions(0)) == []


@case(49)
def a_cancel_of_the_rest(bench: Bench) -> None:
    """A cancel of a partly filled order keeps what has filled."""
    venue, room = bench.open(), bench.facts.share * 1000
    venue.place(order(bench, "a", 3 * room))
    bench.to(1)
    gone = venue.cancel("a")
    assert (gone.state, gone.filled_units) == ("CANCELED", room * UNITS)
    bench.to(4)
    assert counts(venue) == {bench.facts.symbols[0]: room}


@case(50)
def a_cancel_of_what_has_ended(bench: Bench) -> None:
    """To cancel what has filled or was cancelled is refused, and changes nothing."""
    venue = bench.open()
    venue.place(order(bench, "a", 10))
    venue.place(order(bench, "b", 10, "limit", limit=90.0))
    venue.cancel("b")
    bench.to(1)
    for name, state in (("a", "FILLED"), ("b", "CANCELED")):
        with pytest.raises(VenueRefused):
            venue.cancel(name)
        assert told(venue, name).state == state


def _almost_filled(bench: Bench) -> Venue:
    venue = bench.open()
    bench.to(1)
    venue.place(order(bench, "a", 10, "limit", limit=99.0))
    return venue


@case(51, given.FAULTS)
def a_cancel_too_late(bench: Bench) -> None:
    """A cancel that loses to a fill is refused; the order is filled, and its execution is there."""
    venue = _almost_filled(bench)
    bench.arm(Fault(given.CANCEL_RACED))
    with pytest.raises(VenueRefused):
        venue.cancel("a")
    assert told(venue, "a").state == "FILLED"
    assert [one.units for one in fills_of(venue, "a")] == [10 * UNITS]


@case(52, given.FAULTS)
def a_fill_after_the_cancel(bench: Bench) -> None:
    """A fill that comes after the cancel was acknowledged is told, and counts in position and
    cash.
    """
    venue = _almost_filled(bench)
    bench.arm(Fault(given.FILL_AFTER_CANCEL, seconds=20.0))
    assert venue.cancel("a").state == "CANCELED"
    assert fills_of(venue, "a") == []
    bench.to(1, 30)
    assert [one.units for one in fills_of(venue, "a")] == [10 * UNITS]
    assert told(venue, "a").filled_units == 10 * UNITS
    assert counts(venue) == {bench.facts.symbols[0]: 10.0}


@case(53, given.BY_HAND)
def somebody_else_s_order(bench: Bench) -> None:
    """An order given by hand is among the open ones, and its fill among the executions,
    nameless.
    """
    venue = bench.open()
    bench.by_hand(order(bench, "x", 10))
    (found,) = venue.open_orders()
    assert (found.client_id, found.units) == ("", 10 * UNITS)
    assert found.venue_id
    bench.to(1)
    (done,) = venue.executions(0)
    assert (done.client_id, done.venue_id, done.units) == ("", found.venue_id, 10 * UNITS)
    assert counts(venue) == {bench.facts.symbols[0]: 10.0}


@case(54, given.BY_HAND)
def somebody_else_s_cancel(bench: Bench) -> None:
    """An order of ours that was cancelled by hand is told as cancelled."""
    venue = bench.open()
    venue.place(order(bench, "a", 10))
    bench.by_hand(cancel="a")
    assert told(venue, "a").state == "CANCELED"
    assert list(venue.open_orders()) == []
