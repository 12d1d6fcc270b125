"""Orders from proposal to end: risk, transitions, matching, sharing a bar, aims and records."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import pytest
from execution_house import Row, book_of, limits_by, manager_of, submit
from hypothesis import given
from hypothesis import strategies as st

from app.core.instruments import Adjustment
from app.core.money import UNITS, from_units
from app.core.orders import (
    ACCEPTED,
    AMEND_PENDING,
    CANCEL_PENDING,
    CANCELED,
    EXPIRED,
    FILLED,
    INSTANT,
    NEW,
    PARTIAL,
    REJECTED,
    SUBMITTED,
    TRANSITIONS,
    UNKNOWN,
    IllegalTransition,
    Order,
)
from app.managers.execution_manager.execution_manager import ExecutionManager
from app.managers.execution_manager.sim.bar_book import NEVER_NS
from app.services.matching import capacity_units, taken_units
from app.services.risk.sizes import size_fault
from app.strategies import OrderView

# -- states --------------------------------------------------------------------------------------

STATES = (
    NEW, SUBMITTED, ACCEPTED, PARTIAL, AMEND_PENDING, CANCEL_PENDING, UNKNOWN,
    FILLED, CANCELED, REJECTED, EXPIRED,
)  # fmt: skip
ENDS = (FILLED, CANCELED, EXPIRED)
LEGAL = {
    (NEW, SUBMITTED), (NEW, ACCEPTED), (NEW, REJECTED), (NEW, CANCELED),
    *((SUBMITTED, to) for to in (ACCEPTED, REJECTED, PARTIAL, AMEND_PENDING, CANCEL_PENDING)),
    *((SUBMITTED, to) for to in (UNKNOWN, *ENDS)),
    (ACCEPTED, SUBMITTED),
    *((ACCEPTED, to) for to in (PARTIAL, AMEND_PENDING, CANCEL_PENDING, UNKNOWN, *ENDS)),
    *((PARTIAL, to) for to in (PARTIAL, AMEND_PENDING, CANCEL_PENDING, UNKNOWN, *ENDS)),
    *((AMEND_PENDING, to) for to in (ACCEPTED, PARTIAL, AMEND_PENDING, CANCEL_PENDING, UNKNOWN)),
    *((AMEND_PENDING, to) for to in ENDS),
    *((CANCEL_PENDING, to) for to in (ACCEPTED, PARTIAL, CANCEL_PENDING, UNKNOWN, *ENDS)),
    (CANCEL_PENDING, REJECTED),
    *((UNKNOWN, to) for to in (ACCEPTED, PARTIAL, AMEND_PENDING, CANCEL_PENDING)),
    *((UNKNOWN, to) for to in (REJECTED, *ENDS)),
}  # fmt: skip


def order_in(state: str) -> Order:
    return Order(7, 0, "X", 0, 5 * UNITS, 1, state)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("next_state", STATES)
def test_an_order_moves_along_the_table_and_nowhere_else(state: str, next_state: str) -> None:
    order = order_in(state)
    if (state, next_state) in LEGAL:
        order.to(next_state)
        assert order.state == next_state
    else:
        with pytest.raises(IllegalTransition) as caught:
            order.to(next_state)
        assert str(caught.value) == f"Order 7 cannot go from {state} to {next_state}."
        assert order.state == state


def test_every_state_is_in_the_table_and_only_ended_ones_do_not_work() -> None:
    assert set(TRANSITIONS) == set(STATES)
    assert [state for state in STATES if not order_in(state).is_working] == [
        FILLED, CANCELED, REJECTED, EXPIRED,
    ]  # fmt: skip


def test_a_state_nobody_knows_is_no_way_out() -> None:
    with pytest.raises(IllegalTransition, match="cannot go from ACCEPTED to LOST"):
        order_in(ACCEPTED).to("LOST")


@pytest.mark.parametrize(
    ("units", "filled", "side", "quantity", "done"),
    [
        (5 * UNITS, 0, "buy", "5", "0"),
        (-5 * UNITS, -2 * UNITS, "sell", "5", "2"),
        (UNITS // 2, UNITS // 4, "buy", "0.5", "0.25"),
        (-1, -1, "sell", "0.00000001", "0.00000001"),
    ],
)
def test_quantities_are_told_without_a_sign(
    units: int, filled: int, side: str, quantity: str, done: str
) -> None:
    order = OrderView(Order(1, 0, "X", 0, units, 1, filled_units=filled))
    assert (order.side, order.quantity, order.filled) == (side, Decimal(quantity), Decimal(done))


# -- risk ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("units", "lot", "reason"),
    [
        (5, "1", ""),
        (-5, "1", ""),
        (10**10, "1", ""),
        (-(10**10), "1", ""),
        (10**10 + 1, "1", "too_large: 10000000001 is over 10000000000"),
        (-(10**10) - 1, "1", "too_large: 10000000001 is over 10000000000"),
        ("0.5", "1", "not_whole_lots: 0.5 is no multiple of 1"),
        ("-0.5", "1", "not_whole_lots: 0.5 is no multiple of 1"),
        ("0.00000001", "1", "not_whole_lots: 0.00000001 is no multiple of 1"),
        (150, "100", "not_whole_lots: 150 is no multiple of 100"),
        (200, "100", ""),
        ("0.003", "0.001", ""),
        ("0.0035", "0.001", "not_whole_lots: 0.0035 is no multiple of 0.001"),
    ],
)
def test_a_size_that_is_none_is_refused(units: str | int, lot: str, reason: str) -> None:
    assert size_fault(int(Decimal(units) * UNITS), int(Decimal(lot) * UNITS)) == reason


@given(st.integers(-(10**12), 10**12), st.integers(1, 10**6))
def test_a_lot_divides_what_passes(units: int, lot: int) -> None:
    refused = size_fault(units, lot).startswith("not_whole_lots")
    assert refused is (Fraction(units, lot).denominator != 1)


# -- matching --------------------------------------------------------------------------------------


@given(
    st.floats(0, 1e12),
    st.integers(1, 100).map(lambda percent: Decimal(percent) / 100),
    st.sampled_from([1, 1000, UNITS, 100 * UNITS]),
)
def test_capacity_is_the_share_of_the_volume_rounded_down_to_lots(
    volume: float, share: Decimal, lot: int
) -> None:
    capacity = capacity_units(volume, share.as_integer_ratio(), lot)
    exact = round(Fraction(repr(volume)) * UNITS) * Fraction(share)
    assert capacity % lot == 0
    assert 0 <= capacity <= exact < capacity + lot


@given(st.integers(-100, 100), st.integers(0, 100))
def test_a_market_order_takes_all_it_needs_and_no_more_than_there_is(
    remaining: int, capacity: int
) -> None:
    taken = taken_units(remaining, capacity)
    assert abs(taken) == min(abs(remaining), capacity)
    assert taken * remaining >= 0


# -- which bar fills what --------------------------------------------------------------------------


def shares(execution: ExecutionManager) -> list[tuple[int, str, float, int, int]]:
    """The fills so far: order, quantity, price, start of the bar, instant."""
    return [
        (order, f"{from_units(units):f}", price, start_ns, at_ns)
        for _, order, _, units, price, _, start_ns, at_ns, *_ in execution.diary.take().fills
    ]


def test_an_order_gets_the_first_bar_that_starts_at_or_after_it() -> None:
    for at_ns, start_ns in [(0, 10), (10, 10), (11, 20), (20, 20)]:
        execution = manager_of([Row(0, 10, 1.0), Row(0, 20, 2.0)], symbols=["X"])
        submit(execution, 0, 0, UNITS, at_ns)
        assert execution.broker.due_ns == start_ns + 10
        (order,) = execution.match(execution.broker.due_ns)
        assert order.state == FILLED
        assert order.ended_ns == start_ns + 10
        assert shares(execution) == [(1, "1", start_ns / 10, start_ns, start_ns + 10)]
        assert execution.broker.due_ns == NEVER_NS


def test_an_order_after_the_last_bar_waits_for_the_next_block() -> None:
    execution = manager_of([Row(0, 10, 1.0)], symbols=["X"])
    submit(execution, 0, 0, UNITS, 11)
    assert execution.broker.due_ns == NEVER_NS
    execution.broker.load(book_of([], 1))
    assert execution.broker.due_ns == NEVER_NS
    execution.broker.load(book_of([Row(0, 30, 3.0)], 1))
    assert execution.broker.due_ns == 40
    execution.match(40)
    assert shares(execution) == [(1, "1", 3.0, 30, 40)]


def test_bars_of_another_symbol_fill_nothing() -> None:
    execution = manager_of([Row(1, 10, 2.0), Row(0, 30, 1.0)])
    submit(execution, 0, 0, UNITS, 0)
    assert execution.broker.due_ns == 40
    execution.match(40)
    assert shares(execution) == [(1, "1", 1.0, 30, 40)]


def test_orders_of_one_symbol_share_its_bar_in_their_order() -> None:
    rows = [Row(0, 10, 1.0, 100.0), Row(1, 10, 5.0, 100.0), Row(0, 20, 2.0, 1000.0)]
    execution = manager_of(rows, participation=Decimal("0.1"))
    for strategy, symbol, quantity in [(0, 0, 6), (1, 0, -7), (0, 1, 10), (1, 0, 2)]:
        submit(execution, strategy, symbol, quantity * UNITS, 0)
    happened = execution.match(20)
    assert [order.order_id for order in happened] == [1, 2, 3]
    assert [order.state for order in happened] == [FILLED, PARTIAL, FILLED]
    assert shares(execution) == [
        (1, "6", 1.0, 10, 20),
        (2, "-4", 1.0, 10, 20),
        (3, "10", 5.0, 10, 20),
    ]
    assert [order.order_id for order in execution.match(30)] == [2, 4]
    assert shares(execution) == [(2, "-3", 2.0, 20, 30), (4, "2", 2.0, 20, 30)]
    assert execution.broker.working == {}


def test_where_the_data_has_no_volume_its_share_is_off() -> None:
    rows = [
        Row(0, 10, 1.0, 0.0),
        Row(1, 10, 5.0, 100.0),
        Row(0, 20, 2.0, 50.0),
        Row(0, 30, 3.0, 0.0),
    ]
    execution = manager_of(rows, participation=Decimal("0.1"))
    submit(execution, 0, 0, 80 * UNITS, 0)
    submit(execution, 1, 0, -7 * UNITS, 0)
    assert [order.state for order in execution.match(20)] == [FILLED, FILLED]
    submit(execution, 0, 0, -80 * UNITS, 20)  # from the first bar with volume on it counts
    (order,) = execution.match(30)
    assert (order.state, order.filled_units) == (PARTIAL, -5 * UNITS)
    assert execution.match(40) == []


def test_volume_seen_in_one_block_is_remembered_in_the_next() -> None:
    execution = manager_of([Row(0, 10, 1.0, 50.0)], symbols=["X"], participation=Decimal("0.1"))
    execution.broker.load(book_of([Row(0, 20, 2.0, 0.0)], 1))
    submit(execution, 0, 0, UNITS, 15)
    assert execution.match(30) == []


def test_a_bar_without_room_for_a_lot_is_passed_over() -> None:
    rows = [Row(0, 10, 1.0, 9.9), Row(0, 20, 2.0, 0.0), Row(0, 30, 3.0, 1999.0)]
    execution = manager_of(rows, symbols=["X"], participation=Decimal("0.1"), lot=Decimal(100))
    submit(execution, 0, 0, 200 * UNITS, 0)
    assert execution.match(20) == []
    assert execution.match(30) == []
    (order,) = execution.match(40)
    assert (order.state, order.filled_units) == (PARTIAL, 100 * UNITS)


class Given(NamedTuple):
    at_ns: int
    symbol: int
    quantity: int


def naive(
    rows: Sequence[Row], orders: Sequence[Given], share: Fraction | None, close_ns: int
) -> list[tuple[int, int, float, int]]:
    """Every bar in time order, every order in its sequence: what fills, and at what price."""
    left = [order.quantity for order in orders]
    fills = []
    loud = set()  # symbols that have shown volume
    for row in sorted(rows, key=lambda row: (row.start_ns, row.symbol)):
        if row.volume:
            loud.add(row.symbol)
        silent = share is None or row.symbol not in loud
        room = None if silent else int(Fraction(row.volume) * share)
        for number, order in enumerate(orders):
            late = order.at_ns < close_ns < row.start_ns + 10
            if order.symbol != row.symbol or row.start_ns < order.at_ns or late:
                continue
            taken = left[number] if room is None else max(-room, min(room, left[number]))
            if taken:
                left[number] -= taken
                room = None if room is None else room - abs(taken)
                fills.append((number + 1, taken, row.open, row.start_ns))
    return sorted(fills, key=lambda fill: (fill[3], fill[0]))


STARTS = st.lists(st.integers(0, 20).map(lambda n: n * 10), unique=True, max_size=12).map(sorted)


@given(
    st.tuples(STARTS, STARTS),
    st.lists(
        st.builds(
            Given,
            st.integers(0, 20).map(lambda n: n * 10),
            st.integers(0, 1),
            st.integers(-30, 30).filter(bool),
        ),
        max_size=8,
    ),
    st.sampled_from([None, Decimal("0.1"), Decimal("0.35"), Decimal(1)]),
    st.lists(st.integers(1, 20).map(lambda n: n * 10), max_size=3),
    st.integers(5, 25).map(lambda n: n * 10),
)
def test_fills_are_those_of_a_naive_loop_over_all_bars_and_orders(
    starts: tuple[list[int], list[int]],
    orders: list[Given],
    share: Decimal | None,
    cuts: list[int],
    close_ns: int,
) -> None:
    """Blocks are cut anywhere; what is not filled at `close_ns` expires."""
    orders = sorted(orders, key=lambda order: order.at_ns)
    rows = [
        Row(symbol, start_ns, 1.0 + start_ns, float(start_ns % 70))
        for symbol, own in enumerate(starts)
        for start_ns in own
    ]
    rows.sort(key=lambda row: (row.start_ns, row.symbol))
    execution = manager_of(participation=share)
    waiting, bounds = list(orders), [-10, *sorted({*cuts, 300})]
    for low, high in pairwise(bounds):
        execution.broker.load(book_of([row for row in rows if low < row.start_ns + 10 <= high]))
        for now_ns in range(low + 10, high + 10, 10):
            if execution.broker.due_ns <= now_ns:
                assert execution.broker.due_ns == now_ns
                execution.match(now_ns)
            if now_ns == close_ns:
                execution.expire(now_ns, now_ns - 10)
            while waiting and waiting[0].at_ns == now_ns:
                order = waiting.pop(0)
                submit(execution, 0, order.symbol, order.quantity * UNITS, now_ns)
    fills = execution.diary.take().fills
    found = [(row[1], row[3] // UNITS, row[4], row[6]) for row in fills]
    assert found == naive(rows, orders, None if share is None else Fraction(share), close_ns)


# -- aims, ends and records ------------------------------------------------------------------------


def test_an_aim_is_the_position_and_the_working_orders() -> None:
    execution = manager_of([Row(0, 10, 1.0, 100.0)], participation=Decimal("0.1"))
    submit(execution, 0, 0, 15 * UNITS, 0)
    submit(execution, 1, 0, -4 * UNITS, 0)
    submit(execution, 1, 1, 3 * UNITS, 0)
    assert execution.aim_units == [[15 * UNITS, 0], [-4 * UNITS, 3 * UNITS]]
    execution.match(20)
    assert execution.aim_units == [[15 * UNITS, 0], [-4 * UNITS, 3 * UNITS]]
    assert execution.held_units == [10 * UNITS, 0]
    execution.expire(20, 10)
    assert execution.aim_units == [[10 * UNITS, 0], [0, 0]]


def test_a_refused_order_moves_no_aim_and_reaches_no_broker() -> None:
    execution = manager_of([Row(0, 10, 1.0)])
    order = submit(execution, 0, 0, UNITS // 2, 5)
    assert (order.state, order.ended_ns) == (REJECTED, 5)
    assert order.reason == "not_whole_lots: 0.5 is no multiple of 1"
    assert execution.aim_units[0] == [0, 0]
    assert execution.broker.working == {}
    assert execution.broker.due_ns == NEVER_NS
    assert execution.diary.take().orders == [order]


def test_the_position_limit_counts_what_is_working() -> None:
    execution = manager_of(limits=limits_by(max_position_quantity=10))
    assert submit(execution, 0, 0, 6 * UNITS, 0).state == ACCEPTED
    assert submit(execution, 0, 0, 6 * UNITS, 0).reason == "max_position_quantity: 12 is over 10"
    other = submit(execution, 1, 0, 6 * UNITS, 0)  # the account's, whose strategy ever
    assert other.reason == "max_position_quantity: 12 is over 10"


def test_selling_twice_what_is_held_is_a_short_although_nothing_has_filled() -> None:
    execution = manager_of([Row(0, 10, 1.0)], limits=limits_by(allow_short=False))
    submit(execution, 0, 0, 5 * UNITS, 0)
    execution.match(20)
    assert submit(execution, 0, 0, -5 * UNITS, 20).state == ACCEPTED
    assert submit(execution, 0, 0, -UNITS, 20).reason == "allow_short: it would leave -1"


def test_at_the_close_only_orders_given_before_it_expire() -> None:
    execution = manager_of([Row(0, 200, 1.0)])
    early, late = submit(execution, 0, 0, UNITS, 99), submit(execution, 0, 0, 2 * UNITS, 100)
    execution.expire(100, 99)
    assert execution.untold == [early]
    assert (early.state, early.reason, early.ended_ns) == (EXPIRED, "the session closed", 100)
    assert late.state == ACCEPTED
    assert list(execution.broker.working.values()) == [late]
    execution.match(210)
    assert late.state == FILLED


def test_the_rest_of_a_partly_filled_order_expires_and_keeps_what_it_got() -> None:
    execution = manager_of([Row(0, 10, 1.0, 30.0)], participation=Decimal("0.1"))
    order = submit(execution, 0, 0, -10 * UNITS, 0)
    execution.match(20)
    execution.expire(50, 40)
    assert (order.state, order.filled_units, order.units) == (EXPIRED, -3 * UNITS, -10 * UNITS)
    assert execution.aim_units[0][0] == execution.positions[0][0].units == -3 * UNITS
    assert execution.broker.due_ns == NEVER_NS


def test_cancel_all_ends_every_working_order_and_says_why() -> None:
    execution = manager_of([Row(0, 10, 1.0, 30.0), Row(0, 40, 1.0)], participation=Decimal("0.1"))
    partly = submit(execution, 0, 0, 10 * UNITS, 0)
    execution.match(20)
    untouched = submit(execution, 1, 1, UNITS, 20)
    execution.cancel_all(30, "the run stopped")
    assert execution.untold == [partly, untouched]
    for order in (partly, untouched):
        assert (order.state, order.reason, order.ended_ns) == (CANCELED, "the run stopped", 30)
    assert execution.broker.working == {}
    assert execution.broker.due_ns == NEVER_NS
    assert execution.aim_units == [[3 * UNITS, 0], [0, 0]]
    execution.cancel_all(31, "again")
    assert execution.untold == [partly, untouched]


def test_when_the_earliest_order_ends_the_next_is_due() -> None:
    execution = manager_of([Row(0, 10, 1.0), Row(1, 30, 2.0)])
    first, second = submit(execution, 0, 0, UNITS, 0), submit(execution, 0, 1, UNITS, 5)
    assert execution.broker.due_ns == 20
    execution.broker.remove(first)
    assert execution.broker.due_ns == 40
    execution.broker.remove(second)
    assert execution.broker.due_ns == NEVER_NS


def test_records_are_handed_over_once_and_in_order() -> None:
    execution = manager_of([Row(0, 10, 1.25), Row(0, 20, 1.5)])
    submit(execution, 0, 0, 4 * UNITS, 0)
    execution.match(20)
    submit(execution, 1, 0, -UNITS, 20)
    execution.match(30)
    records = execution.diary.take()
    assert [order.order_id for order in records.orders] == [1, 2]
    cash = 100_000 * UNITS
    assert records.fills == [
        (1, 1, 0, 4 * UNITS, 1.25, 0, 10, 20, 0, 4 * UNITS, cash - 5 * UNITS),
        (2, 2, 0, -UNITS, 1.5, 0, 20, 30, 1, 3 * UNITS, cash - 350_000_000),
    ]
    assert records.changes == records.fills
    again = execution.diary.take()
    assert (again.orders, again.fills, again.changes, again.actions) == ([], [], [], [])
    assert (execution.order_count, execution.fill_count) == (2, 2)
    assert records.orders  # what was handed over is not emptied behind the taker's back


def test_trades_are_counted_over_all_strategies_and_symbols() -> None:
    execution = manager_of([Row(0, 10, 1.0), Row(1, 10, 1.0), Row(0, 20, 1.0), Row(1, 20, 1.0)])
    for strategy, symbol in [(0, 0), (1, 1)]:
        submit(execution, strategy, symbol, UNITS, 0)
    execution.match(20)
    assert execution.account.trades() == 0
    for strategy, symbol in [(0, 0), (1, 1)]:
        submit(execution, strategy, symbol, -3 * UNITS, 20)
    execution.match(30)
    assert execution.account.trades() == 2


def test_a_split_moves_every_strategy_s_position_aim_and_the_sum() -> None:
    execution = manager_of([Row(0, 10, 10.0), Row(0, 400, 5.0)])
    submit(execution, 0, 0, 10 * UNITS, 0)
    submit(execution, 1, 0, -4 * UNITS, 0)
    execution.match(20)
    submit(execution, 0, 0, UNITS, 30)  # it becomes two
    adjustment = Adjustment("X", dt.date(2024, 1, 3), Decimal(2), Decimal("0.5"), 0.475, 2.0)
    execution.adjust(0, adjustment, 10.0, 100)
    assert [row[0].quantity for row in execution.positions] == [Decimal(20), Decimal(-8)]
    assert [row[0].cost for row in execution.positions] == [Decimal(100), Decimal(-40)]
    assert execution.aim_units == [[22 * UNITS, 0], [-8 * UNITS, 0]]
    assert execution.held_units == [12 * UNITS, 0]
    cash = (100_000 - 60 + 6) * UNITS  # the dividend is paid on the new shares
    assert execution.ledger.cash_units == cash
    records = execution.diary.take()
    assert records.changes[:2] == records.fills
    assert records.changes[2][INSTANT:] == (100, 0, 12 * UNITS, cash)
    assert records.actions == [(100, 0, 0.475)]
