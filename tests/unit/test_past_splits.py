"""An execution of before a split that is told behind it: booked as of the shares there are now."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gate_desk import RUN
from tests.unit.execution_house import manager_of, open_session, submit

from app.core.instruments import Adjustment
from app.core.money import UNITS
from app.core.order_events import Ended, Filled, GateFilled, Intent, OrderEvent, Split
from app.core.orders import CANCELED, EXPIRED, FILLED, LIMIT, Order
from app.managers.execution_manager.execution_manager import ExecutionManager
from app.managers.execution_manager.gate.gate_book import GateBook
from app.managers.execution_manager.gate.splits import ComingSplit
from app.managers.execution_manager.live.live_broker import LiveBroker
from app.managers.execution_manager.live.live_broker_state import (
    live_broker_state,
    restore_live_broker,
)
from app.managers.execution_manager.live.order_reports import OrderReports

DATE = dt.date(2024, 3, 8)
DAY_NS = 24 * 3600 * 10**9
OPEN_NS = 3 * DAY_NS  # of the session that begins with the split
CLOSE_NS = OPEN_NS - DAY_NS * 17 // 24


class House:
    """A run and its gate: what the venue tells reaches both, and the run's splits the gate."""

    def __init__(self) -> None:
        self.execution: ExecutionManager = manager_of(make_broker=LiveBroker)
        self.reports = OrderReports(self.execution)
        self.gate = GateBook(RUN, ["X"], since_ns=0)
        self.executions = 0
        open_session(self.execution, DATE, 1)

    def give(self, shares: int, **terms: object) -> Order:
        return submit(self.execution, 0, 0, shares * UNITS, CLOSE_NS - 5, **terms)

    def fill(self, order: Order, shares: int, price: float, at_ns: int = CLOSE_NS) -> None:
        self.executions += 1
        name, units = f"e{self.executions}", shares * UNITS
        self.hear(Filled(order.order_id, name, units, price, 0, at_ns))

    def gate_fill(self, shares: int, price: float, at_ns: int = CLOSE_NS) -> None:
        self.executions += 1
        self.hear(GateFilled(0, f"e{self.executions}", shares * UNITS, price, 0, at_ns))

    def hear(self, event: OrderEvent) -> None:
        self._tell_gate(self.execution.take_intents())
        self.gate.recall(event)
        self.reports.take([event], OPEN_NS + 9)
        self._tell_gate(self.execution.take_intents())

    def split(self, new: int, old: int = 1) -> None:
        ratio = Decimal(new) / old
        adjustment = Adjustment("X", DATE, ratio, Decimal(0), old / new, new / old)
        self.execution.adjust(0, adjustment, 100.0, OPEN_NS)
        self._tell_gate(self.execution.take_intents())

    def _tell_gate(self, intents: Sequence[Intent]) -> None:
        for one in intents:
            self.gate.recall(one)

    @property
    def held(self) -> float:
        """Shares, as the run and its gate both have it."""
        units = self.execution.held_units[0]
        assert self.gate.tracker.net[0] == units == self.execution.positions[0][0].units
        return units / UNITS


def holding(shares: int = 7) -> House:
    house = House()
    house.fill(house.give(shares), shares, 100.0)
    return house


def test_a_sale_of_before_a_split_leaves_nothing_of_what_was_split() -> None:
    house = holding()
    sale = house.give(-7)
    house.split(2)
    assert house.held == 14
    house.fill(sale, -7, 110.0)
    assert house.held == 0
    assert (sale.state, sale.filled_units) == (FILLED, -14 * UNITS)
    assert house.execution.account.cash_units() == (100_000 + 7 * 10) * UNITS
    assert house.execution.aim_units[0][0] == 0


def test_it_is_the_same_for_an_order_that_had_ended_and_for_one_of_the_gates() -> None:
    house = holding()
    sale = house.give(-7)
    house.hear(Ended(sale.order_id, CANCELED, ""))
    house.split(2)
    house.fill(sale, -5, 110.0)
    assert house.held == 4
    house.gate_fill(-2, 110.0)
    assert house.held == 0


def test_an_execution_of_the_session_that_begins_with_the_split_is_of_its_shares() -> None:
    house = holding()
    house.split(2)
    house.fill(house.give(-7), -7, 50.0, OPEN_NS - 10**9)  # a venue's clock is a second behind
    assert house.held == 7


def test_what_is_left_of_an_order_that_filled_in_part_before_is_not_given_again() -> None:
    house = holding()
    sale = house.give(-7, kind=LIMIT, limit=110.0)
    house.split(2)
    house.fill(sale, -4, 110.0)
    house.hear(Ended(sale.order_id, EXPIRED, "the session closed"))
    assert house.held == 6
    assert (sale.state, sale.filled_units) == (EXPIRED, -8 * UNITS)
    assert house.execution.take_intents() == ()


def test_a_part_of_a_share_is_paid_out_as_it_would_have_been() -> None:
    house = holding(20)
    house.split(1, 10)
    house.gate_fill(-5, 100.0)
    assert house.held == 1  # of one and a half
    assert house.execution.account.cash_units() == (100_000 - 20 * 100 + 5 * 100 + 500) * UNITS


def test_a_split_that_is_still_to_come_is_waited_for() -> None:
    house = holding()
    house.gate.expect([ComingSplit(0, 2, 1, 0, OPEN_NS), ComingSplit(0, 3, 1, 0, 9 * OPEN_NS)])
    house.split(2)
    house.gate_fill(-3, 100.0)
    assert house.held == 8
    assert house.gate._splits.explains(0, 24 * UNITS, OPEN_NS)


@pytest.mark.parametrize("ratio", [2, 3])
@settings(max_examples=50, deadline=None)
@given(shares=st.lists(st.integers(-9, 9).filter(bool), min_size=1, max_size=6), data=st.data())
def test_it_does_not_matter_when_an_execution_is_told(
    ratio: int, shares: list[int], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(shares)))
    behind, before = House(), House()
    orders = [(behind.give(one), before.give(one)) for one in shares]
    for place, ((told_late, told), many) in enumerate(zip(orders, shares, strict=True)):
        if place == at:
            behind.split(ratio)
        behind.fill(told_late, many, 90.0)
        before.fill(told, many, 90.0)
    if at == len(shares):
        behind.split(ratio)
    before.split(ratio)
    assert behind.held == before.held == sum(shares) * ratio
    assert behind.execution.account.cash_units() == before.execution.account.cash_units()


def test_splits_are_part_of_what_a_run_goes_on_from() -> None:
    house, again = holding(), House()
    house.split(2)
    broker, other = house.execution.broker, again.execution.broker
    assert isinstance(broker, LiveBroker)
    assert isinstance(other, LiveBroker)
    restore_live_broker(other, live_broker_state(broker))
    told = GateFilled(0, "e9", -7 * UNITS, 110.0, 0, CLOSE_NS)
    assert other.past_splits.in_todays_shares(0, told).units == -14 * UNITS
    assert other.past_splits.in_todays_shares(1, told) is told


def test_the_gate_hears_of_the_shares_that_a_late_execution_was_split_into() -> None:
    house = holding()
    house.split(2)
    house.gate.recall(GateFilled(0, "e9", -7 * UNITS, 110.0, 0, CLOSE_NS))
    house.reports.take([GateFilled(0, "e9", -7 * UNITS, 110.0, 0, CLOSE_NS)], OPEN_NS + 9)
    assert house.execution.take_intents() == (Split(0, -7 * UNITS, 1, 1),)
