"""Splits and dividends at the practice venue: what is held over them, and what works."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.practice_house import CASH, SESSIONS, Sim, minute, order

from app.core.instruments import Adjustment
from app.core.money import UNITS
from app.core.orders import CANCELED
from app.integrations.practice.venue.actions import adjusted
from app.integrations.practice.venue.books import BookEvent
from app.integrations.practice.venue.checks import Sizes

SIZES = Sizes(UNITS // 100, UNITS, UNITS, "USD")


def action(ratio: str = "1", dividend: str = "0") -> Adjustment:
    """Of the second session."""
    return Adjustment("AAA", SESSIONS[1].date, Decimal(ratio), Decimal(dividend), 1.0, 1.0)


def over_night(one: Adjustment, shares: int = 7) -> Sim:
    """Shares were bought at 100 in the first session, and the second is about to open."""
    sim = Sim(adjustments=[one], participation="1")
    sim.at(minute(0)).place(order("o1", shares))
    sim.place(order("rests", -5, "limit", limit=120.0, tif="gtc"))
    sim.to(minute(-1, day=1) - 1)
    assert sim.books.positions == {"AAA": shares * UNITS}
    return sim


def test_a_split_makes_more_shares_before_the_open_and_ends_what_works() -> None:
    sim = over_night(action("2"))
    assert sim.state("rests") == "ACCEPTED"
    sim.to(minute(-1, day=1))
    assert sim.books.positions == {"AAA": 14 * UNITS}
    assert sim.books.cash == {"USD": CASH - 700 * UNITS}
    report = sim.venue.order("rests", sim.now_ns)
    assert (report.state, report.reason) == (CANCELED, "AAA is split by 2")


@pytest.mark.parametrize(("shares", "paid"), [(7, 350), (-7, -350)])
def test_a_dividend_is_paid_to_who_holds_and_by_who_is_short(shares: int, paid: int) -> None:
    sim = over_night(action(dividend="0.5"), shares)
    before = sim.books.cash["USD"]
    sim.to(minute(-1, day=1))
    assert sim.books.cash["USD"] - before == paid * UNITS // 100
    assert sim.state("rests") == "ACCEPTED"


def test_a_part_of_a_share_is_paid_out_at_the_last_price() -> None:
    sim = over_night(action("0.5"))
    sim.to(minute(-1, day=1))
    assert sim.books.positions == {"AAA": 3 * UNITS}
    assert sim.books.cash == {"USD": CASH - 700 * UNITS + 100 * UNITS}


def test_it_happens_once_though_the_venue_starts_again_amid() -> None:
    sim = over_night(action("2"))
    sim.to(minute(-1, day=1))
    events: list[BookEvent] = [event for step in sim.kept for event in step]
    again = Sim(adjustments=[action("2")], events=events)
    again.to(minute(5, day=1))
    assert again.books.positions == {"AAA": 14 * UNITS}


def test_it_happens_though_the_venue_was_down_over_it() -> None:
    sim = over_night(action("2"))
    events: list[BookEvent] = [event for step in sim.kept for event in step]
    again = Sim(adjustments=[action("2")], events=events)
    again.to(minute(5, day=1))
    assert again.books.positions == {"AAA": 14 * UNITS}


@given(st.integers(-1000, 1000), st.sampled_from(["2", "3", "0.5", "0.1", "1.5"]))
def test_no_worth_is_made_or_lost_by_a_split(shares: int, ratio: str) -> None:
    kept, paid = adjusted(action(ratio), shares * UNITS, 30.0, SIZES)
    assert kept % UNITS == 0
    after = Decimal(kept) * 30 / Decimal(ratio) + paid
    assert abs(after - shares * 30 * UNITS) <= 1
