"""The entries that have left: which count, for whom, for how long, and what a state keeps."""

import datetime as dt
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.risk_house import ask
from tests.unit.execution_house import limits_by, manager_of, open_session, submit

from app.core.intervals import MINUTE_NS, SECOND_NS
from app.core.message_codec import decode, encode
from app.core.money import UNITS
from app.core.orders import CANCELED, LIMIT, Order, Terms
from app.managers.execution_manager.execution_manager import ExecutionManager
from app.managers.execution_manager.execution_state import (
    ExecutionState,
    execution_state,
    restore_execution,
)
from app.managers.execution_manager.limits.order_counts import OrderCounts
from app.managers.execution_manager.live.live_broker import LiveBroker

DAY = dt.date(2024, 1, 2)


def desk_of(make_broker: type[LiveBroker] | None = None, **risk: Any) -> ExecutionManager:
    execution = manager_of(limits=limits_by(**risk), make_broker=make_broker)
    open_session(execution, DAY, 0)
    return execution


def bid(
    execution: ExecutionManager, shares: int, second: int, at: float = 9.0, **fields: Any
) -> Order:
    """A limit order that works on: of strategy `one` and symbol X unless a test says more."""
    place = fields.pop("strategy", 0), fields.pop("symbol", 0)
    return submit(
        execution, *place, shares * UNITS, second * SECOND_NS, kind=LIMIT, limit=at, **fields
    )  # fmt: skip


def test_each_scope_counts_its_own_entries_and_the_account_all() -> None:
    execution = desk_of(
        max_orders_per_minute=4,
        strategies={"one": {"max_orders_per_minute": 2}},
        symbols={"Y": {"max_orders_per_minute": 1}},
    )
    places = [(0, 0), (0, 1), (0, 0), (1, 1), (1, 0), (1, 0), (1, 0)]
    reasons = [
        bid(execution, 1, second, strategy=strategy, symbol=symbol).reason
        for second, (strategy, symbol) in enumerate(places)
    ]
    assert reasons == [
        "",
        "",
        "max_orders_per_minute of strategy one: 3 in a minute is over 2",
        "max_orders_per_minute of symbol Y: 2 in a minute is over 1",
        "",
        "",
        "max_orders_per_minute: 5 in a minute is over 4",
    ]


def test_what_is_refused_for_any_reason_does_not_count() -> None:
    execution = desk_of(max_orders_per_day=1, max_order_quantity=10, duplicate_seconds=9)
    assert bid(execution, 11, 0).reason == "max_order_quantity: 11 is over 10"
    assert bid(execution, 1, 0, symbol=1, parent=1).reason.startswith("entry_refused")
    assert bid(execution, 1, 0).reason == ""
    assert bid(execution, 2, 0).reason == "max_orders_per_day: 2 in the session is over 1"


def test_what_takes_a_position_out_neither_counts_nor_waits() -> None:
    execution = desk_of(max_orders_per_day=1, max_orders_per_second=1, duplicate_seconds=9)
    entry = bid(execution, 5, 0)
    execution.filled(entry, 5 * UNITS, 9.0, 0, 0)
    exits = [bid(execution, -1, 0, at=10.0) for _ in range(5)]
    assert [order.reason for order in exits] == [""] * 5
    assert execution._checks.counts.tally(None, None).today == 1


def test_what_goes_to_a_venue_counts_when_it_is_asked_for() -> None:
    execution = desk_of(LiveBroker, max_orders_per_second=2)
    reasons = [bid(execution, shares, 0).reason for shares in (1, 2, 3)]
    assert reasons == ["", "", "max_orders_per_second: 3 in a second is over 2"]
    assert len(execution.take_intents()) == 2


def test_a_cancelled_entry_has_left_all_the_same() -> None:
    execution = desk_of(max_orders_per_day=1)
    entry = bid(execution, 5, 0)
    execution.cancel_all(SECOND_NS, "over")
    assert entry.state == CANCELED
    assert bid(execution, 5, 2).reason == "max_orders_per_day: 2 in the session is over 1"


def test_an_amendment_that_makes_an_entry_larger_counts_as_one() -> None:
    execution = desk_of(max_orders_per_day=2, duplicate_seconds=60)
    entry = bid(execution, 5, 0)

    def amend(shares: int, limit: float = 9.0) -> bool:
        return execution.amend(
            entry, Terms(shares * UNITS, limit, None, None, None), SECOND_NS
        )  # fmt: skip

    assert amend(4)
    assert amend(4, 8.0)
    assert amend(6)
    assert not amend(7)
    assert entry.reason == "max_orders_per_day: 3 in the session is over 2"


def test_entries_that_differ_in_anything_are_no_duplicates() -> None:
    execution = desk_of(duplicate_seconds=60)
    alike = "duplicate_seconds: an equal one left 2 s ago, under 60"
    assert bid(execution, 5, 0).reason == ""
    others = [{"strategy": 1}, {"symbol": 1}, {"at": 9.5}, {"stop": 8.0}]
    assert [bid(execution, 5, 1, **other).reason for other in others] == [""] * 4
    assert bid(execution, 4, 1).reason == bid(execution, -5, 1).reason == ""
    assert bid(execution, 5, 2).reason == alike
    assert bid(execution, 5, 60).reason == ""  # the one refused has not left


def test_a_duplicate_of_one_that_was_cut_is_known_by_what_was_asked() -> None:
    execution = desk_of(duplicate_seconds=60, max_order_quantity=3, oversize="cut")
    assert bid(execution, 5, 0).units == 3 * UNITS
    assert bid(execution, 5, 1).reason.startswith("duplicate_seconds")


def test_the_day_rolls_when_a_session_opens_and_windows_roll_by_the_clock() -> None:
    execution = desk_of(max_orders_per_day=2, max_orders_per_minute=2)
    at = 86_400 - 30  # by UTC a day ends amid the session
    assert bid(execution, 1, at).reason == ""
    assert bid(execution, 2, at + 40).reason == ""
    assert bid(execution, 3, at + 120).reason == "max_orders_per_day: 3 in the session is over 2"
    open_session(execution, dt.date(2024, 1, 3), (at + 50) * SECOND_NS)
    assert bid(execution, 4, at + 50).reason.startswith("max_orders_per_minute: 3 in a minute")
    assert bid(execution, 4, at + 61).reason == ""


def test_a_state_keeps_what_has_left() -> None:
    risk = {
        "max_orders_per_day": 3,
        "duplicate_seconds": 60,
        "strategies": {"two": {"max_orders_per_minute": 1}},
    }
    before, after = desk_of(**risk), desk_of(**risk)
    bid(before, 1, 0)
    bid(before, 2, 1, strategy=1)
    restore_execution(after, decode(encode(execution_state(before)), ExecutionState))
    for execution in (before, after):
        assert bid(execution, 1, 3).reason.startswith("duplicate_seconds: an equal one left 3 s")
        assert "strategy two" in bid(execution, 9, 4, strategy=1).reason
        assert bid(execution, 3, 5).reason == ""
        assert bid(execution, 4, 6).reason == "max_orders_per_day: 4 in the session is over 3"
    assert execution_state(after).entries == execution_state(before).entries


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(1, 4))), st.integers(1, 90))
def test_no_more_is_remembered_than_any_limit_looks_back(
    entries: list[tuple[int, int]], seconds: int
) -> None:
    counts = OrderCounts(limits_by(duplicate_seconds=seconds).scopes)
    told: dict[int, int] = {}
    for second, shares in sorted(entries):
        given_ask = ask(shares, now_ns=second * SECOND_NS)
        latest_ns = counts.last_alike_ns(given_ask)
        if shares in told and second - told[shares] < seconds:
            assert latest_ns == told[shares] * SECOND_NS
        counts.note(given_ask)
        told[shares] = second
        now_ns = second * SECOND_NS
        state = counts.state()
        assert all(at > now_ns - MINUTE_NS for at in state.tallies[0].instants)
        assert all(at > now_ns - seconds * SECOND_NS for _, at in state.latest)
