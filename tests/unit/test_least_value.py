"""What an entry has to be worth, where its instrument says so: a venue refuses less."""

from decimal import Decimal

import pytest
from tests.unit.execution_house import Row, Unpriced, manager_of, submit

from app.core.money import UNITS
from app.core.orders import ACCEPTED, DAY, LIMIT, REJECTED, Terms
from app.managers.execution_manager.execution_manager import ExecutionManager

COIN = UNITS // 1_000  # the lot
LEAST = Decimal(5)


class At100(Unpriced):
    """Everything costs a hundred."""

    def mark(self, symbol: int) -> float:
        return 100.0

    highest = mark


def traded(least_value: Decimal | None = LEAST) -> ExecutionManager:
    rows = [Row(0, start, 100.0) for start in (100, 200, 300)]
    execution = manager_of(rows, lot=Decimal("0.001"), least_value=least_value)
    execution._checks.weigh_by(At100(), execution.account, execution)
    return execution


@pytest.mark.parametrize(
    ("lots", "least_value", "state"),
    [(49, LEAST, REJECTED), (50, LEAST, ACCEPTED), (-49, LEAST, REJECTED), (1, None, ACCEPTED)],
)
def test_an_entry_is_worth_at_least_what_its_instrument_says(
    lots: int, least_value: Decimal | None, state: str
) -> None:
    order = submit(traded(least_value), 0, 0, lots * COIN, 100)
    assert order.state == state
    if state == REJECTED:
        assert order.reason == "too_little_value: 4.9 is under 5"


@pytest.mark.parametrize(("limit", "state"), [(98.0, REJECTED), (100.0, ACCEPTED)])
def test_a_limit_order_is_worth_what_its_limit_says(limit: float, state: str) -> None:
    order = submit(traded(), 0, 0, 50 * COIN, 100, kind=LIMIT, limit=limit, tif=DAY)
    assert order.state == state


def test_what_closes_is_not_kept_from_it() -> None:
    execution = traded()
    submit(execution, 0, 0, 60 * COIN, 100)
    execution.match(execution.broker.due_ns)
    assert execution.held_units[0] == 60 * COIN
    assert submit(execution, 0, 0, -20 * COIN, 200).state == ACCEPTED
    assert submit(execution, 0, 0, -30 * COIN, 200).state == ACCEPTED
    assert submit(execution, 0, 0, 10 * COIN, 200).state == REJECTED


def test_without_a_price_nothing_is_refused_for_it() -> None:
    execution = manager_of([], lot=Decimal("0.001"), least_value=LEAST)
    assert submit(execution, 0, 0, COIN, 100).state == ACCEPTED


@pytest.mark.parametrize(
    ("lots", "limit", "is_refused"),
    [(60, 100.0, False), (49, 100.0, True), (60, 80.0, True), (70, 80.0, False), (100, 49.0, True)],
)
def test_an_amendment_leaves_at_least_that_of_an_entry(
    lots: int, limit: float, is_refused: bool
) -> None:
    execution = traded()
    order = submit(execution, 0, 0, 60 * COIN, 100, kind=LIMIT, limit=99.0, tif=DAY)
    terms = Terms(lots * COIN, limit, None, None, None)
    assert execution.amend(order, terms, 110) is not is_refused
    assert order.reason.startswith("too_little_value") is is_refused


def test_an_amendment_of_what_closes_is_not_kept_from_it() -> None:
    execution = traded()
    submit(execution, 0, 0, 60 * COIN, 100)
    execution.match(execution.broker.due_ns)
    order = submit(execution, 0, 0, -60 * COIN, 200, kind=LIMIT, limit=120.0, tif=DAY)
    assert execution.amend(order, Terms(-20 * COIN, 110.0, None, None, None), 210)
