"""A trading state: what trips it, what it lets out, who clears it, what the next run has."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from limited_house import DAY, MONDAY, Desk

from app.core.halts import ALL_SYMBOLS
from app.core.intervals import SECOND_NS
from app.core.money import UNITS
from app.core.orders import ACCEPTED, REJECTED, Terms
from app.core.trading_state import (
    ACTIVE,
    HALTED,
    PERSON,
    REDUCING,
    Figures,
    RiskPast,
    Trip,
)
from app.managers.execution_manager.execution_state import execution_state, restore_execution
from app.managers.execution_manager.limits.breaker_desk import BreakerDesk

LOSS = {"breakers": {"daily_loss": {"at": 100, "then": HALTED}}}


class House(Desk):
    """An account with breakers; whoever asks looks first, as an engine does."""

    def __init__(self, past: RiskPast | None = None, **risk: Any) -> None:
        super().__init__(past=past, **risk)

    @property
    def breakers(self) -> BreakerDesk:
        desk = self.execution._checks.breakers
        assert desk is not None
        return desk

    def at(self, price: float, silence_ns: int = 0) -> bool:
        """The last close is this now; whether anything trips."""
        self.now_ns += 10
        self.prices.of = [price, price]
        return self.breakers.look(self.now_ns, silence_ns)

    def loses(self, money: int) -> bool:
        """100 shares, bought at 10, are down by so much."""
        if not self.execution.held_units[0]:
            self.ask(100)
        return self.at(10 - money / 100)


def test_it_trips_once_and_stays_so_whatever_the_price_does() -> None:
    house = House(**LOSS)
    assert not house.loses(99)
    assert house.breakers.state == ACTIVE
    assert house.loses(100)
    assert not house.loses(150)
    assert not house.at(12)
    assert house.breakers.state == HALTED
    (trip,) = house.breakers.trips.values()
    assert (trip.name, trip.why) == (
        "daily_loss", "100 is lost since the open, the most is 100",
    )  # fmt: skip
    report = house.breakers.report()
    assert report is not None and [one.what for one in report.events] == ["tripped"]
    assert house.breakers.report() is None


def test_halted_lets_nothing_of_a_strategy_out_but_its_cancels() -> None:
    house = House(**LOSS)
    working = house.give(1, symbol=1, limit=1.0)
    house.loses(100)
    lost = "daily_loss: 100 is lost since the open, the most is 100"
    why = f"halted: {lost}; nothing leaves but cancels"
    for order in (house.give(1), house.give(-100), house.give(-5, reduce_only=True)):
        assert (order.state, order.reason) == (REJECTED, why)
    assert not house.execution.amend(working, Terms(UNITS, 2.0, None, None, None), house.now_ns)
    assert working.reason == why
    assert house.execution.cancel(working, house.now_ns)
    with house.execution.entries.let_out():  # what a person asks for
        assert house.give(-100).state == ACCEPTED
    assert house.give(-1).state == REJECTED


def test_reducing_lets_out_what_only_reduces() -> None:
    house = House(breakers={"daily_loss": {"at": 100}})
    house.loses(120)
    refused = house.give(1)
    assert refused.reason == (
        "no_entries: the account is reducing, daily_loss: 120 is lost since the open, the most is "
        "100; only what reduces a position passes"
    )
    assert house.give(-40).state == ACCEPTED
    assert house.give(-61).units == -60 * UNITS  # what would turn the position stays


def test_of_two_trips_the_stricter_counts_and_each_is_cleared_by_itself() -> None:
    house = House(
        breakers={"daily_loss": {"at": 50}, "drawdown_percent": {"at": 1, "then": HALTED}}
    )
    house.loses(60)
    assert house.breakers.state == REDUCING
    house.loses(100)
    assert house.breakers.state == HALTED
    house.breakers.resume("drawdown_percent", "seen", house.now_ns)
    assert house.breakers.state == REDUCING
    assert house.give(-1).state == ACCEPTED
    house.breakers.resume("", "seen", house.now_ns)
    assert house.breakers.state == ACTIVE
    assert house.give(1).state == ACCEPTED
    assert not house.execution.entries.closed


@pytest.mark.parametrize("name", ["daily_loss", "daily_loss_percent", "drawdown_percent"])
def test_what_was_cleared_does_not_trip_again_for_the_same_loss(name: str) -> None:
    house = House(breakers={name: {"at": 100 if name == "daily_loss" else 1}})
    assert house.loses(100)
    house.breakers.resume("", "a bad print", house.now_ns)
    assert not house.at(9.0)
    assert not house.at(8.02)
    assert house.at(7.9)
    (trip,) = house.breakers.trips.values()
    assert "is lost since it was cleared" in trip.why


def test_a_day_begins_with_its_session_and_a_trip_outlasts_it() -> None:
    house = House(breakers={"daily_loss": {"at": 100}})
    house.loses(100)
    house.next_session()
    assert house.breakers.state == REDUCING
    house.breakers.resume("", "a new day", house.now_ns)
    house.next_session()  # what was cleared is the old day's
    assert not house.at(8.01)
    assert house.at(8.0)
    assert "since the open" in house.breakers.trips["daily_loss"].why


def test_refusals_are_counted_within_a_minute_but_not_those_that_follow() -> None:
    house = House(max_order_quantity=5, breakers={"rejects_per_minute": {"at": 3}})
    house.now_ns = 10**12
    for _ in range(2):
        assert house.give(6).state == REJECTED
    assert not house.at(10)
    house.now_ns += 60 * SECOND_NS
    house.give(6)
    house.give(6)
    assert not house.at(10)
    entry = house.give(6)
    house.give(-6, parent=entry.order_id)
    assert house.at(10)
    assert "3 were refused" in house.breakers.trips["rejects_per_minute"].why
    house.breakers.resume("", "the strategy is mended", house.now_ns)
    assert not house.at(10)


def test_errors_of_the_broker_count_in_turn() -> None:
    house = House(breakers={"broker_errors": {"at": 2}})
    for failed in (True, False, True):
        house.breakers.note_broker(failed=failed)
        assert not house.at(10)
    house.breakers.note_broker(failed=True)
    assert house.at(10)


def test_a_clock_is_off_either_way() -> None:
    for skew_ns in (2 * SECOND_NS, -2 * SECOND_NS):
        house = House(breakers={"clock_skew_seconds": {"at": 2}})
        house.breakers.note_skew(skew_ns // 2)
        assert not house.at(10)
        house.breakers.note_skew(skew_ns)
        assert house.at(10)


def test_a_silent_feed_trips() -> None:
    house = House(breakers={"stale_feed_seconds": {"at": 90}})
    assert not house.at(10, 90 * SECOND_NS - 10)
    assert house.at(10, 90 * SECOND_NS)


def test_a_person_halts_and_less_is_not_made_of_it() -> None:
    house = House(past=RiskPast())
    assert house.breakers.halt(REDUCING, "news", house.now_ns)
    assert house.breakers.halt(HALTED, "worse news", house.now_ns)
    assert not house.breakers.halt(REDUCING, "calmer", house.now_ns)
    assert house.give(-1).reason == "halted: by a person, worse news; nothing leaves but cancels"
    house.breakers.resume(PERSON, "it has passed", house.now_ns)
    report = house.breakers.report()
    assert report is not None and report.is_asked
    assert [(one.what, one.state, one.why) for one in report.events] == [
        ("halt", REDUCING, "news"), ("halt", HALTED, "worse news"),
        ("resume", ACTIVE, "it has passed"),
    ]  # fmt: skip


# -- what the next run begins with -----------------------------------------------------------------


def test_the_next_run_of_a_day_goes_on_with_its_losses_counts_and_trips() -> None:
    first = House(past=RiskPast(), **LOSS)
    first.loses(60)
    past = first.breakers.past()
    assert past.figures["account"] == Figures(MONDAY, -60 * UNITS, 60 * UNITS, 1)

    limits = {"max_daily_loss": 90, "max_drawdown_percent": "0.9", "max_orders_per_day": 3}
    again = House(past=past, **LOSS, **limits)
    assert not again.at(10)
    again.ask(10)
    assert again.give(1).state == ACCEPTED
    assert again.give(1).reason == "max_orders_per_day: 4 in the session is over 3"
    assert again.at(6)  # 10 shares, 4 down each: with the 60 of before 100 is lost
    why = again.breakers.trips["daily_loss"].why
    assert why == "100 is lost since the open, the most is 100"

    limited = House(past=past, **limits)
    limited.ask(10)
    limited.at(7)
    assert limited.give(1).reason.startswith("max_daily_loss: 90 is lost since the open")
    third = House(past=again.breakers.past(), **limits)
    assert third.give(1).reason.startswith("halted: daily_loss: 100 is lost")


def test_the_next_day_begins_anew_but_for_the_peak_and_what_has_tripped() -> None:
    trip = Trip("daily_loss", REDUCING, "so much", 5)
    yesterday = RiskPast("XNYS", {"account": Figures(MONDAY - DAY, -60 * UNITS, 95 * UNITS, 7)})
    house = House(
        past=yesterday, max_daily_loss=50, max_orders_per_day=2, max_drawdown_percent="0.95"
    )
    assert house.ask(10).state != REJECTED
    house.at(9.9)  # 96 below a peak of 10,095
    assert house.give(1).reason.startswith("max_drawdown_percent: 96 is lost since the peak")
    tripped = House(past=RiskPast("XNYS", {}, (trip,)))
    assert tripped.give(1).reason.startswith("no_entries: the account is reducing, daily_loss")


def test_a_clearing_outlives_the_run() -> None:
    first = House(past=RiskPast(), breakers={"daily_loss": {"at": 100}})
    first.loses(100)
    first.breakers.resume("", "seen", first.now_ns)
    again = House(past=first.breakers.past(), breakers={"daily_loss": {"at": 100}})
    assert not again.at(10)
    again.ask(10)
    assert not again.at(0.01)
    again.ask(10)
    assert again.at(0.005) is False or again.breakers.trips


def test_a_strategy_or_symbol_that_nothing_limited_is_remembered_for_a_run_that_limits_it() -> None:
    first = House(past=RiskPast())
    first.ask(10, strategy=1, symbol=1)
    first.at(8)
    past = first.breakers.past()
    assert past.figures["strategy two"] == Figures(MONDAY, -20 * UNITS, 20 * UNITS, 1)
    assert past.figures["symbol Y"] == past.figures["strategy two"]
    assert past.figures["strategy one"] == past.figures["symbol X"] == Figures(MONDAY)
    later = House(past=past, strategies={"two": {"max_orders_per_day": 1}})
    words = "max_orders_per_day of strategy two: 2 in the session is over 1"
    assert later.give(1, strategy=1).reason == words
    later = House(past=past, symbols={"Y": {"max_daily_loss": 15}})
    words = "max_daily_loss of symbol Y: 20 is lost since the open, the most is 15"
    assert later.give(1, symbol=1).reason == words
    assert later.give(1, strategy=1).state == ACCEPTED


def test_a_strategy_s_own_losses_and_counts_are_remembered_by_its_name() -> None:
    own = {"strategies": {"two": {"max_daily_loss": 30, "max_orders_per_day": 2}}}
    first = House(past=RiskPast(), **own)
    first.ask(10, strategy=1)
    first.at(8)
    past = first.breakers.past()
    assert past.figures["strategy two"].result_units == -20 * UNITS
    again = House(past=past, **own)
    again.ask(10, strategy=1)
    assert again.give(1, strategy=1).reason.startswith("max_orders_per_day of strategy two: 3")
    again.at(9)
    assert again.give(1, strategy=0).state == ACCEPTED


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(-40, 40), st.integers(500, 1500)), max_size=12))
def test_cut_in_two_runs_a_day_trips_as_in_one(steps: list[tuple[int, int]]) -> None:
    """Each half ends flat: a run hands on results, and no position."""
    whole, first = House(past=RiskPast(), **LOSS), House(past=RiskPast(), **LOSS)

    def go(house: House, part: list[tuple[int, int]]) -> None:
        for shares, cents in part:
            house.ask(shares)
            house.at(cents / 100)
        house.at(10.0)
        with house.execution.entries.let_out():
            if house.execution.held_units[0]:
                house.ask(-house.execution.held_units[0] // UNITS)
        house.at(10.0)

    half = len(steps) // 2
    go(whole, steps[:half])
    go(whole, steps[half:])
    go(first, steps[:half])
    second = House(past=first.breakers.past(), **LOSS)
    go(second, steps[half:])
    assert second.breakers.state == whole.breakers.state
    ours, theirs = second.breakers.past(), whole.breakers.past()
    assert ours.figures == theirs.figures
    assert [(t.name, t.why) for t in ours.trips] == [(t.name, t.why) for t in theirs.trips]


EDGES = (880, 881, 870, 871, 830, 831, "clear", "open")
BREAKERS = {"daily_loss": 120, "daily_loss_percent": "1.3", "drawdown_percent": "1.7"}


@settings(max_examples=60, deadline=None)
@given(
    st.sets(st.sampled_from(sorted(BREAKERS)), min_size=1),
    st.lists(st.one_of(st.integers(820, 1130), st.sampled_from(EDGES)), max_size=25),
)
def test_nothing_that_should_have_tripped_is_overlooked(
    names: set[str], steps: list[int | str]
) -> None:
    house = House(breakers={name: {"at": BREAKERS[name]} for name in names})
    house.ask(100)
    for step in steps:
        desk = house.breakers
        if step == "clear":
            desk.resume("", "seen", house.now_ns)
        elif step == "open":
            house.next_session()
        else:
            before = set(desk.trips)
            house.at(int(step) / 100)
            for limit in desk.limits:
                why = limit.why(desk._readings(limit, house.now_ns, 0))
                assert bool(why) == (limit.name in desk.trips) or limit.name in before


def test_a_saved_state_brings_all_of_it_back() -> None:
    house = House(past=RiskPast(), max_order_quantity=200, **LOSS)
    house.loses(100)
    house.breakers.resume("", "seen", house.now_ns)
    house.breakers.halt(HALTED, "lunch", house.now_ns)
    house.give(300)
    state = execution_state(house.execution)
    # of a run that began with a trip that was cleared since
    other = House(
        past=RiskPast(trips=(Trip("daily_loss", HALTED, "x", 1),)), max_order_quantity=200, **LOSS
    )
    restore_execution(other.execution, state)
    assert execution_state(other.execution).breakers == state.breakers
    assert other.execution.entries.closed == house.execution.entries.closed
    assert other.execution.entries.blocked == house.execution.entries.blocked


def test_of_several_reasons_a_restored_run_tells_the_same_one() -> None:
    """The first of them stands in the fingerprint."""
    house, other = House(past=RiskPast(), **LOSS), House(past=RiskPast(), **LOSS)
    house.ask(100)
    house.execution.close_entries(ALL_SYMBOLS, "the run is paused", "pause")
    house.breakers.halt(REDUCING, "news", house.now_ns)
    assert house.loses(100)
    house.breakers.halt(HALTED, "worse news", house.now_ns)
    restore_execution(other.execution, execution_state(house.execution))
    for name in ("closed", "blocked"):
        own, others = getattr(house.execution.entries, name), getattr(other.execution.entries, name)
        assert list(own.items()) == list(others.items())
    assert list(house.breakers.trips) == ["daily_loss", PERSON]  # the last one is told of


def test_dates_of_sessions_are_what_a_day_is() -> None:
    past = RiskPast("24/7", {"account": Figures(MONDAY, -60 * UNITS)})
    assert House(past=past).breakers.past().figures["account"].result_units == -60 * UNITS
    later = House(past=past)
    later.date = MONDAY + dt.timedelta(7)
    later.next_session()
    assert later.breakers.past().figures["account"].result_units == 0
