"""The practice venue's orders: how each kind fills, ends and changes, on hand-made bars."""

import pytest
from tests.practice_house import CASH, FLAT, Row, Sim, minute, order, terms

from app.core.money import UNITS
from app.core.orders import Terms
from app.core.venue import VenueOrder
from app.integrations.practice.venue.checks import Refusal

UP: Row = (101.0, 103.0, 100.5, 102.0, 1000.0)
DOWN: Row = (99.0, 99.5, 97.0, 98.0, 1000.0)


def test_a_market_order_fills_at_the_open_of_the_first_bar_that_starts_after_it() -> None:
    sim = Sim([FLAT, UP])
    sim.to(minute(0, 30))
    assert sim.place(order("a", 10)).state == "ACCEPTED"
    sim.to(minute(1, 59))
    assert sim.fills() == []  # the bar in which it came does not count, the next is not closed
    sim.to(minute(2))
    assert sim.fills() == [("a", 10, 101.0, 2)]
    assert sim.state("a") == "FILLED"
    assert sim.venue.positions(sim.now_ns) == {"AAA": 10 * UNITS}
    assert sim.venue.cash(sim.now_ns) == {"USD": CASH - 1010 * UNITS}


@pytest.mark.parametrize(
    ("asked", "price"),
    [
        (order("a", 10, "limit", limit=99.0), 99.0),
        (order("a", 10, "limit", limit=96.0), None),
        (order("a", -10, "limit", limit=102.5), 102.5),
        (order("a", 10, "stop", stop=101.5), 101.5),
        (order("a", -10, "stop", stop=98.5), 98.5),
        (order("a", 10, "stop_limit", stop=101.5, limit=101.75), 101.5),
        (order("a", -10, "trailing_stop", trail=2.0), 100.5),
        (order("a", 10, "limit", limit=99.0, tif="ioc"), None),
        (order("a", 10, "limit", limit=105.0, tif="ioc"), 100.0),
    ],
    ids=lambda value: f"{value.kind} {value.terms}" if isinstance(value, VenueOrder) else "",
)
def test_each_kind_fills_by_the_simulator_s_rules(asked: VenueOrder, price: float | None) -> None:
    sim = Sim([FLAT, (100.5, 103.0, 100.5, 102.75, 1000.0), DOWN])
    sim.to(minute(-1))
    sim.place(asked)
    sim.to(minute(9))
    assert [fill[2] for fill in sim.fills()] == ([] if price is None else [price])


def test_what_an_ioc_order_cannot_fill_on_its_first_bar_is_cancelled() -> None:
    sim = Sim(participation="0.01")
    sim.place(order("a", 25, tif="ioc"))
    sim.to(minute(1))
    assert sim.fills() == [("a", 10, 100.0, 1)]
    assert sim.state("a") == "CANCELED"


def test_all_orders_together_get_their_part_of_a_bar_s_volume_and_no_more() -> None:
    sim = Sim(participation="0.01")
    sim.place(order("a", 15))
    sim.place(order("b", 10))
    sim.to(minute(1))
    assert sim.fills() == [("a", 10, 100.0, 1)]
    assert sim.state("a") == "PARTIAL"
    sim.to(minute(2))
    sim.to(minute(3))
    assert sim.fills()[1:] == [("a", 5, 100.0, 2), ("b", 5, 100.0, 2), ("b", 5, 100.0, 3)]


def test_a_day_order_expires_at_the_close_and_a_gtc_order_goes_on() -> None:
    sim = Sim()
    sim.place(order("day", 10, "limit", limit=50.0))
    sim.place(order("gtc", 10, "limit", limit=50.0, tif="gtc"))
    sim.to(minute(10))
    assert (sim.state("day"), sim.state("gtc")) == ("EXPIRED", "ACCEPTED")
    sim.to(minute(10, day=1))
    assert sim.state("gtc") == "ACCEPTED"


def test_an_order_that_no_bar_of_its_session_can_fill_is_of_the_next_session() -> None:
    sim = Sim()
    sim.to(minute(9, 30))
    sim.place(order("a", 10))
    sim.to(minute(10))
    assert sim.state("a") == "ACCEPTED"
    sim.to(minute(1, day=1))
    assert sim.state("a") == "FILLED"


def test_an_auction_order_fills_at_the_open_or_at_the_last_close() -> None:
    sim = Sim([UP], participation="0.01")
    sim.place(order("open", 500, "market_on_open"))
    sim.place(order("close", -500, "market_on_close"))
    sim.to(minute(1))
    assert sim.fills() == [("open", 500, 101.0, 1)]  # whole: an auction is in no bar
    sim.to(minute(10))
    assert sim.fills()[1:] == [("close", -500, 100.0, 10)]


def test_an_auction_order_is_refused_after_its_market_s_cut_off() -> None:
    sim = Sim()
    sim.at(minute(-1))
    with pytest.raises(Refusal, match="after_cut_off"):
        sim.place(order("a", 10, "market_on_open"))
    sim.to(minute(1))
    with pytest.raises(Refusal, match="after_cut_off"):
        sim.place(order("b", 10, "market_on_close"))
    sim.place(order("c", 10, "market_on_open"))  # of the next session
    sim.to(minute(1, day=1))
    assert sim.state("c") == "FILLED"


def test_a_reduce_only_order_takes_no_more_than_is_held() -> None:
    sim = Sim()
    sim.place(order("in", 10))
    sim.place(order("out", -25, reduce_only=True))
    sim.to(minute(3))
    assert sim.venue.positions(sim.now_ns) == {}
    assert sim.fills() == [("in", 10, 100.0, 1), ("out", -10, 100.0, 1)]


def test_a_cancelled_order_does_not_fill_on_the_bar_under_way() -> None:
    sim = Sim()
    sim.place(order("a", 10))
    sim.to(minute(0, 30))
    assert sim.venue.cancel("a", sim.now_ns).state == "CANCELED"
    sim.to(minute(3))
    assert sim.fills() == []


def test_a_cancel_of_what_has_ended_is_refused_and_says_how() -> None:
    sim = Sim()
    sim.place(order("a", 10))
    sim.to(minute(1))
    with pytest.raises(Refusal, match="Order 'a' is FILLED, filled 10"):
        sim.venue.cancel("a", sim.now_ns)
    with pytest.raises(Refusal, match="There is no order 'b'"):
        sim.venue.cancel("b", sim.now_ns)


def test_an_amendment_counts_from_the_next_bar_on() -> None:
    sim = Sim([FLAT, DOWN, DOWN])
    sim.place(order("a", 10, "limit", limit=90.0))
    sim.to(minute(1, 30))
    report = sim.venue.amend("a", terms(5, limit=98.0), sim.now_ns)
    assert (report.units, report.limit) == (5 * UNITS, 98.0)
    sim.to(minute(2))
    assert sim.fills() == []
    sim.to(minute(3))
    assert sim.fills() == [("a", 5, 98.0, 3)]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (terms(-10, limit=90.0), "cannot change the side"),
        (terms(10), "has a limit"),
        (terms(10, limit=90.001), "not a price on the tick"),
        (terms(10, limit=-1.0), "not a price on the tick"),
        (terms(0, limit=90.0), "not a multiple"),
        (Terms(UNITS // 2, 90.0, None, None, None), "0.5 is not a multiple of 1"),
    ],
)
def test_an_amendment_that_makes_no_sense_is_refused(changed: Terms, reason: str) -> None:
    sim = Sim()
    sim.place(order("a", 10, "limit", limit=90.0))
    with pytest.raises(Refusal, match=reason):
        sim.venue.amend("a", changed, sim.now_ns)
    assert sim.venue.order("a", sim.now_ns).limit == 90.0


def test_an_amendment_below_what_has_filled_is_refused() -> None:
    sim = Sim(participation="0.01")
    sim.place(order("a", 20))
    sim.to(minute(1))
    with pytest.raises(Refusal, match="10 have filled already"):
        sim.venue.amend("a", terms(10), sim.now_ns)
    sim.venue.amend("a", terms(11), sim.now_ns)
    sim.to(minute(2))
    assert sim.fills()[1:] == [("a", 1, 100.0, 2)]


def test_a_trailing_stop_keeps_where_it_is_unless_its_distance_is_changed() -> None:
    sim = Sim([UP, UP])
    sim.place(order("a", -10, "trailing_stop", trail=5.0))
    sim.to(minute(1, 1))
    assert sim.venue.order("a", sim.now_ns).stop == 98.0
    sim.venue.amend("a", terms(-5, trail=5.0), sim.now_ns)
    assert sim.venue.order("a", sim.now_ns).stop == 98.0
    sim.venue.amend("a", terms(-5, trail=9.0), sim.now_ns)
    assert sim.venue.order("a", sim.now_ns).stop is None


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (order("a", 10, symbol="AAB"), "'AAB' is not traded here. Did you mean 'AAA'"),
        (order("a", 10, "markt"), "Did you mean 'market'"),
        (order("a", 10, tif="days"), "Did you mean 'day'"),
        (order("a", 10, "market_on_open", tif="gtc"), "for one auction"),
        (order("a", 10, "limit"), "has a limit"),
        (order("a", 10, "market", limit=9.0), "has no limit"),
        (order("a", 10, "stop", stop=1.001), "not a price on the tick"),
        (order("a", 10, "trailing_stop"), "either trail or trail_percent"),
        (order("a", 10, "trailing_stop", trail=-1.0), "not above 0"),
        (order("a", 10, "market", trail=1.0), "has no trail"),
        (order("", 10), "client id"),
        (order("x" * 65, 10), "client id"),
        (order("a\nb", 10), "client id"),
        (order("a", 1 << 40), "not a multiple"),
    ],
    ids=str,
)
def test_an_order_that_makes_no_sense_is_refused_and_not_kept(
    asked: VenueOrder, reason: str
) -> None:
    sim = Sim()
    with pytest.raises(Refusal, match=reason):
        sim.place(asked)
    assert sim.books.entries == {}


def test_a_client_id_is_taken_once_whatever_became_of_its_order() -> None:
    sim = Sim()
    sim.place(order("a", 10))
    for now_ns in (sim.now_ns, minute(1), minute(10)):
        sim.to(now_ns)
        with pytest.raises(Refusal, match="duplicate: the client id 'a'"):
            sim.place(order("a", 99))
    assert sim.fills() == [("a", 10, 100.0, 1)]
    assert sim.venue.order("a", sim.now_ns).units == 10 * UNITS


def test_an_order_after_the_last_session_is_refused() -> None:
    sim = Sim()
    sim.to(minute(10, day=1))
    with pytest.raises(Refusal, match="no session follows"):
        sim.place(order("a", 10))
