"""C01 to C20, C83, C84: the account, orders of every kind, what is exact, and what is refused."""

from decimal import Decimal

import pytest

from app.core.money import UNITS, from_units
from app.core.venue import (
    LIVE_STATES,
    StopReached,
    VenueRefused,
    VenueUnclear,
    client_id,
)
from tests.conformance import bench as given
from tests.conformance.bench import Bench, at, counts, fills_of, order, told
from tests.conformance.case import case
from tests.conformance.cases.needs import KIND, ONCE


@case(1)
def time_is_the_venue_s(bench: Bench) -> None:
    """`time` tells the venue's own clock, however far ours is off, and goes on with it."""
    venue = bench.open()
    assert venue.time().venue_ns == bench.minute(-5)
    bench.to(0, 30)
    assert venue.time().venue_ns == bench.minute(0, 30)


@case(2)
def an_account_as_it_is(bench: Bench) -> None:
    """An untouched account has its cash, and no positions, open orders or executions."""
    venue = bench.open()
    assert venue.cash() == {bench.facts.currency: bench.facts.cash_units}
    assert counts(venue) == {}
    assert list(venue.open_orders()) == []
    assert list(venue.executions(0)) == []


@case(3, given.ADDRESS)
def nobody_there(bench: Bench) -> None:
    """Opening asks nothing; where no venue is, the first question is unclear."""
    with pytest.raises(VenueUnclear):
        bench.open_nowhere().time()


@case(4)
def a_market_order(bench: Bench) -> None:
    """A market order is acknowledged under its id, with its terms and an id of the venue's, and
    fills.
    """
    venue = bench.open()
    placed = venue.place(order(bench, "a", 10))
    assert (placed.client_id, placed.symbol) == ("a", bench.facts.symbols[0])
    assert (placed.kind, placed.units, placed.state) == ("market", 10 * UNITS, "ACCEPTED")
    assert placed.venue_id
    assert placed.at_ns == bench.minute(-5)
    bench.to(1)
    assert (told(venue, "a").state, told(venue, "a").filled_units) == ("FILLED", 10 * UNITS)
    assert [(one.units, one.price) for one in fills_of(venue, "a")] == [(10 * UNITS, 100.0)]


@case(5)
def a_sale(bench: Bench) -> None:
    """What is sold is negative in the report, in the execution, and missing from the position."""
    venue = bench.open()
    venue.place(order(bench, "a", 10))
    bench.to(1)
    assert venue.place(order(bench, "b", -4)).units == -4 * UNITS
    bench.to(2)
    assert [one.units for one in fills_of(venue, "b")] == [-4 * UNITS]
    assert counts(venue) == {bench.facts.symbols[0]: 6.0}


def _fills(bench: Bench, kind: str, price: float, by_minute: int = 1, **prices: float) -> None:
    """It works under its prices, and fills at one when its bar has come."""
    venue = bench.open()
    placed = venue.place(order(bench, "a", 10, kind, **prices))
    assert (placed.kind, placed.limit) == (kind, prices.get("limit"))
    assert placed.stop == prices.get("stop")
    assert placed.state in LIVE_STATES
    assert [one.client_id for one in venue.open_orders()] == ["a"]
    bench.to(by_minute - 1, 59)
    assert fills_of(venue, "a") == []
    bench.to(by_minute)
    assert [(one.units, one.price) for one in fills_of(venue, "a")] == [(10 * UNITS, price)]


@case(6, need=KIND["limit"], bars=[at(100.0)])
def a_limit_order(bench: Bench) -> None:
    """A limit order works at its limit until a bar touches it, and fills there."""
    _fills(bench, "limit", 99.8, 2, limit=99.8)


@case(7, need=KIND["stop"], bars=[at(100.0)])
def a_stop_order(bench: Bench) -> None:
    """A stop order waits for its stop and fills as a market order there."""
    _fills(bench, "stop", 100.3, 2, stop=100.3)


@case(8, need=KIND["stop_limit"], bars=[at(100.0), at(101.0), at(100.2)])
def a_stop_limit_order(bench: Bench) -> None:
    """A stop-limit order waits for its stop, and then for its limit."""
    _fills(bench, "stop_limit", 100.2, 3, stop=100.3, limit=100.4)


@case(9, need=KIND["trailing_stop"], bars=[at(100.0), at(105.0), (105.0, 105.0, 103.0, 103.0, 1e3)])
def a_trailing_stop(bench: Bench) -> None:
    """A trailing stop follows the best price at its distance and fills when that is lost."""
    venue = bench.open()
    venue.place(order(bench, "entry", 10))
    bench.to(1)
    venue.place(order(bench, "a", -10, "trailing_stop", trail=1.0))
    bench.to(2)
    assert fills_of(venue, "a") == []
    bench.to(3)
    assert [one.price for one in fills_of(venue, "a")] == [104.0]


@case(10, need=KIND["market_on_open"], bars=[(101.0, 101.5, 100.5, 101.0, 1e3)])
def at_the_open(bench: Bench) -> None:
    """A market-on-open order fills at the session's first price."""
    _fills(bench, "market_on_open", 101.0)


@case(11, need=KIND["market_on_close"], bars=[at(100.0)] * 9 + [(100.0, 103.0, 99.0, 102.0, 1e3)])
def at_the_close(bench: Bench) -> None:
    """A market-on-close order fills at the session's last price."""
    _fills(bench, "market_on_close", 102.0, given.BARS)


@case(12)
def to_the_lot(bench: Bench) -> None:
    """A quantity comes back to the unit; one that is off the lot is refused, not rounded."""
    venue, lot = bench.open(), bench.facts.lot_units
    held = venue.place(order(bench, "a", 37 * lot / UNITS, "limit", limit=99.0))
    assert held.units == 37 * lot
    with pytest.raises(VenueRefused):
        venue.place(order(bench, "b", (10 * lot + lot / 2) / UNITS))
    assert len(venue.open_orders()) == 1


@case(13, given.CHECKS, need=KIND["limit"])
def to_the_tick(bench: Bench) -> None:
    """A price comes back as it was given; one that is off the tick is refused, not rounded."""
    venue, tick = bench.open(), bench.facts.tick
    price = round(99.0 + 7 * tick, 10)
    assert venue.place(order(bench, "a", 10, "limit", limit=price)).limit == price
    assert told(venue, "a").limit == price
    with pytest.raises(VenueRefused):
        venue.place(order(bench, "b", 10, "limit", limit=price + tick / 3))
    assert len(venue.open_orders()) == 1


@case(14, given.CHECKS)
def no_such_symbol(bench: Bench) -> None:
    """An order for what is not traded there is refused in words that name it."""
    venue = bench.open()
    with pytest.raises(VenueRefused, match="NOTHERE"):
        venue.place(order(bench, "a", 10, symbol="NOTHERE"))
    assert venue.order("a") is None


@case(15, given.CHECKS)
def an_order_that_is_none(bench: Bench) -> None:
    """An order of no quantity, or without a price its kind needs, is refused and is not there."""
    venue = bench.open()
    for name, asked in (("a", order(bench, "a", 0)), ("b", order(bench, "b", 10, "limit"))):
        with pytest.raises(VenueRefused):
            venue.place(asked)
        assert venue.order(name) is None
    assert list(venue.open_orders()) == []


@case(16, given.NAMES)
def ids_of_the_house(bench: Bench) -> None:
    """Client ids as runs and their gates make them are taken, and told as they were given."""
    venue = bench.open()
    names = [client_id("run", 1), client_id("run", 999_999_999), client_id("run", 7, "g")]
    for name in names:
        assert venue.place(order(bench, name, 10, "limit", limit=99.0)).client_id == name
    assert sorted(one.client_id for one in venue.open_orders()) == sorted(names)


@case(17, given.NAMES)
def a_working_order_s_id_again(bench: Bench) -> None:
    """The id of an order that works is refused, and that order stays the only one."""
    venue = bench.open()
    first = venue.place(order(bench, "a", 10, "limit", limit=99.0))
    with pytest.raises(VenueRefused):
        venue.place(order(bench, "a", 20, "limit", limit=98.0))
    assert [(one.venue_id, one.units) for one in venue.open_orders()] == [
        (first.venue_id, first.units)
    ]


@case(18, given.NAMES, need=ONCE)
def an_ended_order_s_id_again(bench: Bench) -> None:
    """The id of an order that has filled is refused as well, and nothing fills twice."""
    venue = bench.open()
    venue.place(order(bench, "a", 10))
    bench.to(1)
    with pytest.raises(VenueRefused):
        venue.place(order(bench, "a", 10))
    bench.to(3)
    assert len(fills_of(venue, "a")) == 1


@case(19, given.NAMES)
def an_order_nobody_gave(bench: Bench) -> None:
    """Of an order it does not know, `order` is None; to cancel or amend it is refused."""
    venue = bench.open()
    assert venue.order("nobody-s") is None
    with pytest.raises(VenueRefused):
        venue.cancel("nobody-s")
    with pytest.raises(VenueRefused):
        venue.amend("nobody-s", given.terms(5, limit=99.0))


@case(20)
def two_symbols(bench: Bench) -> None:
    """Orders in two symbols fill each at its own, and are held apart."""
    venue, (one, other) = bench.open(), bench.facts.symbols
    venue.place(order(bench, "a", 10, symbol=one))
    venue.place(order(bench, "b", 20, symbol=other))
    bench.to(1)
    assert counts(venue) == {one: 10.0, other: 20.0}
    assert {fill.client_id: fill.symbol for fill in venue.executions(0)} == {"a": one, "b": other}


@case(83)
def sizes_as_they_are(bench: Bench) -> None:
    """Where a venue tells what orders are multiples of, those are taken, and no finer ones."""
    venue = bench.open()
    told = venue.sizes(bench.facts.symbols[0])
    if told is None:
        return
    asked = Decimal(str(bench.facts.tick)), from_units(bench.facts.lot_units)
    assert (told.tick, told.lot) == asked
    with pytest.raises(VenueRefused, match="NOTHERE"):
        venue.sizes("NOTHERE/USDT")


@case(84, need=KIND["stop"], bars=[at(100.0)])
def a_stop_that_was_passed(bench: Bench) -> None:
    """A stop that the price has passed fills at once, or is refused as `StopReached` and is not
    there.
    """
    venue = bench.open()
    venue.place(order(bench, "entry", 10))
    bench.to(1)
    name = "a"
    try:
        venue.place(order(bench, name, -10, "stop", stop=110.0, tif="gtc"))
    except StopReached:
        assert list(venue.open_orders()) == []
        name = "b"  # as who is refused so goes on
        venue.place(order(bench, name, -10))
    bench.to(2)
    assert len(fills_of(venue, name)) == 1
    assert counts(venue) == {}
