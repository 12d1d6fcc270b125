"""What becomes of linked, amended and reduce-only orders as others fill in parts and end."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from execution_house import Row, book_of, limits_by, manager_of, open_session, submit

from app.core.calendar import TradingSession
from app.core.instruments import Adjustment
from app.core.money import UNITS
from app.core.orders import (
    ACCEPTED,
    CANCELED,
    DAY,
    EXPIRED,
    FILLED,
    GTC,
    HELD,
    INSTANT,
    LIMIT,
    MARKET_ON_CLOSE,
    PARTIAL,
    REJECTED,
    STOP,
    Order,
    Terms,
)
from app.core.transfers import Conversion
from app.managers.execution_manager.books.account import AccountTerms
from app.managers.execution_manager.execution_manager import ExecutionManager
from app.managers.execution_manager.sim.bar_book import NEVER_NS
from app.managers.execution_manager.sim.fill_rules import FillRules

FRIDAY = dt.date(2024, 6, 7)
TENTH = Decimal("0.1")


def traded(rows: list[Row], **parts: Any) -> ExecutionManager:
    """A manager in a session that began at 5."""
    execution = manager_of(rows, **parts)
    open_session(execution, FRIDAY, 5)
    return execution


def step(execution: ExecutionManager, now_ns: int) -> None:
    """All that the bars known now do."""
    while execution.broker.due_ns <= now_ns:
        execution.match(now_ns)
        execution.broker.settle(now_ns)


def leave(execution: ExecutionManager, entry: Order, units: int, **terms: Any) -> Order:
    """An exit that waits for an entry, in the group of the other."""
    linked = {"parent": entry.order_id, "group": 1, "tif": GTC, "aimed": False, **terms}
    return submit(execution, 0, 0, units * UNITS, 5, **linked)


def test_an_entry_may_end_those_that_wait_for_it() -> None:
    execution = traded([Row(0, 10, 10.0), Row(0, 20, 8.0)])
    entry = submit(execution, 0, 0, 5 * UNITS, 5, group=1, aimed=False)
    child = leave(execution, entry, -5, kind=STOP, stop=9.0)
    step(execution, 20)
    assert (entry.state, child.state) == (FILLED, CANCELED)
    assert execution.broker.due_ns == NEVER_NS
    execution.load(book_of([Row(0, 30, 8.0)]))
    assert execution.broker.due_ns == NEVER_NS


def test_an_amendment_under_way_does_not_give_back_what_another_leg_filled() -> None:
    execution = traded([Row(0, 10, 10.0, 60.0), Row(0, 20, 10.0)], participation=TENTH)
    first = submit(execution, 0, 0, 10 * UNITS, 5, kind=LIMIT, limit=10.0, group=1, aimed=False)
    other = submit(execution, 0, 0, 10 * UNITS, 5, kind=LIMIT, limit=9.0, group=1, aimed=False)
    execution.amend(other, Terms(10 * UNITS, 9.5, None, None, None), 15)
    step(execution, 20)
    assert (first.filled_units, other.units, other.limit) == (6 * UNITS, 4 * UNITS, 9.5)


def test_an_amendment_under_way_at_the_close_is_in_force_before_a_split() -> None:
    execution = traded([Row(0, 10, 10.0)], rules=FillRules())
    order = submit(execution, 0, 0, 10 * UNITS, 5, kind=LIMIT, limit=4.0, tif=GTC)
    execution.amend(order, Terms(20 * UNITS, 5.0, None, None, None), 25)
    execution.expire(30, 20)
    assert (order.units, order.limit, order.state) == (20 * UNITS, 5.0, ACCEPTED)
    split = Adjustment("X", FRIDAY, Decimal(2), Decimal(0), 0.5, 2.0)
    execution.adjust(0, split, 10.0, 30)
    execution.load(book_of([Row(0, 40, 10.0)]))
    step(execution, 50)
    assert (order.units, order.limit) == (40 * UNITS, 2.5)
    assert execution.aim_units[0][0] == 40 * UNITS


def test_an_order_amended_to_what_had_filled_ends_no_earlier_than_its_fill() -> None:
    execution = traded([Row(0, 10, 10.0, 60.0), Row(0, 20, 10.0)], participation=TENTH)
    order = submit(execution, 0, 0, 10 * UNITS, 5)
    execution.amend(order, Terms(2 * UNITS, None, None, None, None), 15)
    step(execution, 20)
    assert (order.state, order.units, order.ended_ns) == (FILLED, 6 * UNITS, 20)


def test_a_day_order_that_waits_does_not_end_before_its_entry() -> None:
    execution = traded([Row(0, 10, 10.0)])
    entry = submit(execution, 0, 0, UNITS, 5, kind=LIMIT, limit=9.0, tif=GTC)
    child = leave(execution, entry, -1, kind=STOP, stop=8.0, tif=DAY)
    brief = submit(execution, 0, 0, UNITS, 5, kind=LIMIT, limit=9.0)
    its = leave(execution, brief, -1, kind=STOP, stop=8.0, tif=DAY)
    execution.expire(20, 10)
    assert (entry.state, child.state) == (ACCEPTED, ACCEPTED)
    assert (brief.state, its.state) == (EXPIRED, CANCELED)
    execution.load(book_of([Row(0, 40, 9.0)]))
    step(execution, 50)
    execution.expire(60, 50)
    assert (entry.state, child.state) == (FILLED, EXPIRED)


def partly(*rows: Row) -> tuple[ExecutionManager, Order, Order, Order]:
    """An entry for ten that filled four; a stop has taken those out at once."""
    execution = traded([Row(0, 10, 10.0, 40.0), Row(0, 20, 8.0, 40.0), *rows], participation=TENTH)
    entry = submit(execution, 0, 0, 10 * UNITS, 5, kind=LIMIT, limit=10.0)
    target = leave(execution, entry, -10, kind=LIMIT, limit=12.0, reduce_only=True)
    stop = leave(execution, entry, -10, kind=STOP, stop=9.0, reduce_only=True)
    step(execution, 20)
    execution.amend(entry, Terms(10 * UNITS, 5.0, None, None, None), 20)
    step(execution, 30)
    assert (entry.filled_units, stop.filled_units) == (4 * UNITS, -4 * UNITS)
    return execution, entry, target, stop


def test_exits_stay_while_their_entry_can_still_fill() -> None:
    execution, entry, target, stop = partly(Row(0, 30, 5.0))
    assert (target.state, target.units, stop.state) == (ACCEPTED, -6 * UNITS, PARTIAL)
    step(execution, 40)
    assert entry.state == FILLED
    assert execution.positions[0][0].units == 6 * UNITS
    assert (target.state, stop.state) == (ACCEPTED, PARTIAL)


def test_exits_that_have_taken_all_of_an_entry_out_end_with_it() -> None:
    execution, entry, target, stop = partly()
    execution.cancel(entry, 30)
    assert (target.state, stop.state) == (CANCELED, CANCELED)
    assert target.reason == f"no more is left of order {entry.order_id}, which it waited for"


def halved() -> tuple[ExecutionManager, Order, Order, Order]:
    """Four of ten entered, and two of those taken out by the stop: the entry and its exits."""
    rows = [Row(0, 10, 10.0, 40.0), Row(0, 20, 10.0, 20.0, 10.0, 9.0), Row(0, 30, 12.0)]
    execution = traded(rows, participation=TENTH)
    entry = submit(execution, 0, 0, 10 * UNITS, 5, kind=LIMIT, limit=10.0)
    target = leave(execution, entry, -10, kind=LIMIT, limit=12.0)
    stop = leave(execution, entry, -10, kind=STOP, stop=9.0)
    step(execution, 20)
    execution.amend(entry, Terms(10 * UNITS, 5.0, None, None, None), 20)
    step(execution, 30)
    return execution, entry, target, stop


def test_legs_take_out_together_what_has_filled_of_their_entry() -> None:
    execution, entry, target, stop = halved()
    execution.cancel(entry, 30)
    assert (target.units, stop.filled_units) == (-2 * UNITS, -2 * UNITS)
    step(execution, 40)
    assert execution.positions[0][0].units == 0


def test_a_fill_at_a_close_ends_what_it_leaves_nothing_to_reduce() -> None:
    execution = traded([Row(0, 10, 10.0), Row(0, 20, 10.0)], rules=FillRules(this_close=True))
    submit(execution, 0, 0, UNITS, 5)
    step(execution, 20)
    stop = submit(execution, 0, 0, -UNITS, 20, kind=STOP, stop=5.0, reduce_only=True, aimed=False)
    submit(execution, 0, 0, -UNITS, 20)
    execution.match_close(20)
    assert (stop.state, stop.reason) == (CANCELED, "nothing is left to reduce")


def test_a_fill_in_an_auction_ends_what_it_leaves_nothing_to_reduce() -> None:
    execution = traded([Row(0, 10, 10.0)])
    submit(execution, 0, 0, UNITS, 5)
    step(execution, 20)
    stop = submit(execution, 0, 0, -UNITS, 20, kind=STOP, stop=5.0, reduce_only=True, aimed=False)
    submit(execution, 0, 0, -UNITS, 20, kind=MARKET_ON_CLOSE)
    execution.match_auction(30, lambda _: (10.0, 10))
    assert stop.state == CANCELED


def test_what_changes_an_account_is_told_in_the_order_it_happened() -> None:
    """A conversion amid an instant, and then a fill at its close."""
    terms = AccountTerms(books={"EUR": Decimal(100)}, rates={FRIDAY: {"EUR": 1.5}})
    execution = traded([Row(0, 10, 10.0)], terms=terms, rules=FillRules(this_close=True))
    submit(execution, 0, 0, UNITS, 5)
    step(execution, 20)
    submit(execution, 0, 0, UNITS, 20)
    execution.convert(Conversion(0, "EUR", "USD", UNITS), 20)
    execution.match_close(20)
    execution.convert(Conversion(0, "EUR", "USD", UNITS), 20)
    records = execution.diary.take()
    told = [(row[0], row[INSTANT], row[HELD] // UNITS) for row in records.changes]
    assert told == [(0, 5, 0), (1, 20, 1), (0, 20, 1), (2, 20, 2), (0, 20, 2)]
    assert [fill[0] for fill in records.fills] == [1, 2]


def test_thousands_of_orders_end_with_their_session_at_once() -> None:
    """What is due next is looked for once, not with each of them."""
    execution = traded([Row(0, 10, 10.0), Row(0, 2000, 5.0)])
    session = TradingSession("XNYS", FRIDAY, 5, 1000)
    execution.open_session(session, 1000, 5)
    for _ in range(2000):
        submit(execution, 0, 0, UNITS, 5, kind=LIMIT, limit=5.0)
    looked = []
    find_due = execution.broker._book.known_ns

    class Counted(list):  # type: ignore[type-arg]
        def __getitem__(self, place: Any) -> Any:
            looked.append(place)
            return super().__getitem__(place)

    execution.broker._book.known_ns = Counted(find_due)
    execution.expire(1000, 990)
    assert not execution.broker.working
    assert len(looked) < 3 * 2000
    assert execution.broker.due_ns == NEVER_NS


class Ten:
    """Every symbol's last close, and its highest."""

    def mark(self, symbol: int) -> float:
        return 10.0

    def highest(self, symbol: int) -> float:
        return 10.0


def test_a_cash_account_may_make_a_purchase_smaller() -> None:
    execution = traded([Row(0, 10, 10.0)], terms=AccountTerms(holds_cash_only=True))
    execution.value_by(Ten())
    order = submit(execution, 0, 0, 10 * UNITS, 5, kind=LIMIT, limit=9.0)
    assert execution.amend(order, Terms(5 * UNITS, 9.0, None, None, None), 5)
    assert (order.units, order.state) == (5 * UNITS, ACCEPTED)


def test_a_limit_above_all_prices_is_held_against_what_it_may_cost() -> None:
    """1,000 of equity, twice of it by leverage: the cheap approval sees the limit, too."""
    execution = traded([Row(0, 10, 10.0)], cash=Decimal(1000))
    execution.value_by(Ten())
    good = submit(execution, 0, 0, 10 * UNITS, 5, kind=LIMIT, limit=90.0)
    bad = submit(execution, 0, 0, 100 * UNITS, 5, kind=LIMIT, limit=90.0)
    assert (good.state, bad.state) == (ACCEPTED, REJECTED)


def test_orders_at_a_price_cost_as_little_to_approve_as_those_at_market() -> None:
    """Of thousands of working ones only the first is held against all that works."""
    execution = traded([Row(0, 10, 10.0)], cash=Decimal(10**6))
    execution.broker.working = Watched()
    execution.value_by(Ten())
    for _ in range(300):
        submit(execution, 0, 0, UNITS, 5, kind=LIMIT, limit=9.0)
    assert len(execution.broker.working) == 300
    assert 0 < Watched.walks < 5


class Watched(dict[int, Order]):
    """Counts how often all of it is gone through."""

    walks = 0

    def values(self) -> Any:
        Watched.walks += 1
        return super().values()


def test_what_a_leg_took_out_before_it_was_cancelled_counts_on() -> None:
    execution, entry, target, stop = halved()
    execution.cancel(stop, 30)
    step(execution, 40)
    assert execution.positions[0][0].units == 0
    execution.cancel(entry, 40)
    assert (target.filled_units, target.state) == (-2 * UNITS, CANCELED)


@pytest.mark.parametrize("sign", [1, -1])
def test_an_amended_price_alone_is_held_against_no_limit_of_quantity(sign: int) -> None:
    execution = traded(
        [Row(0, 10, 10.0), Row(0, 20, 10.0)], limits=limits_by(max_position_quantity=1)
    )
    resting = submit(execution, 0, 0, sign * UNITS, 5, kind=LIMIT, limit=10.0 - 5 * sign, tif=GTC)
    execution.aim_units[0][0] = 3 * sign * UNITS  # as a split may leave it
    assert execution.amend(resting, Terms(sign * UNITS, 10.0 - 4 * sign, None, None, None), 20)
