"""Interest and borrow, by hand: days are calendar days, a year has 360 of them."""

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.execution_house import Row, manager_of, open_session, submit

from app.core.money import UNITS, to_units
from app.core.orders import CASH
from app.managers.execution_manager.books.account import AccountTerms
from app.managers.execution_manager.execution_manager import ExecutionManager
from app.services.carry import carry_units

THURSDAY, FRIDAY, MONDAY = (dt.date(2024, 6, day) for day in (6, 7, 10))


@pytest.mark.parametrize(
    ("debt", "rate", "days", "cost"),
    [
        ("36000", "0.05", 1, "5"),
        ("36000", "0.05", 3, "15"),
        ("0.01", "0.06", 1, "0.00000167"),  # 0.00000166...
        ("0.0003", "0.06", 1, "0.00000005"),
        ("0.0003", "0.03", 1, "0.00000002"),  # 2.5 units: half goes to the even
        ("0.0009", "0.03", 1, "0.00000008"),  # 7.5 units
        ("-36000", "0.05", 3, "0"),
        ("0", "0.05", 3, "0"),
        ("36000", "0", 3, "0"),
        ("36000", "0.05", 0, "0"),
    ],
)
def test_a_debt_by_hand(debt: str, rate: str, days: int, cost: str) -> None:
    assert carry_units(to_units(debt), Decimal(rate), days) == to_units(cost)


@given(
    st.integers(1, 10**20), st.decimals("0.0001", 1, places=4), st.integers(1, 400)
)  # fmt: skip
def test_a_cost_is_within_half_a_unit_of_the_fraction(debt: int, rate: Decimal, days: int) -> None:
    exact = Fraction(debt) * Fraction(rate) * days / 360
    assert abs(carry_units(debt, rate, days) - exact) <= Fraction(1, 2)


class Marks:
    """Every symbol's last close is ten."""

    def mark(self, symbol: int) -> float:
        return 10.0

    def highest(self, symbol: int) -> float:
        return 10.0


def account(**terms: Any) -> ExecutionManager:
    """One strategy holds 300 of X, another is short 100 of Y, on 1,000 of cash; it is Friday."""
    rows = [Row(symbol, 10, 10.0) for symbol in (0, 1)]
    execution = manager_of(rows, cash=Decimal(1000), terms=AccountTerms(leverage=10, **terms))
    execution.value_by(Marks())
    open_session(execution, FRIDAY, 5)
    submit(execution, 0, 0, 300 * UNITS, 5)
    submit(execution, 1, 1, -100 * UNITS, 5)
    execution.match(20)
    assert execution.ledger.cash_units == -1000 * UNITS
    return execution


def test_from_friday_to_monday_are_three_days() -> None:
    execution = account(margin_rate=Decimal("0.06"), borrow_rate=Decimal("0.36"))
    open_session(execution, MONDAY, 100)
    ledger = execution.ledger
    assert ledger.interest_units == to_units("0.5")  # 1000 x 6 % x 3 / 360
    assert ledger.borrow_units == 3 * UNITS  # 1000 x 36 % x 3 / 360
    assert ledger.cash_units == to_units("-1003.5")
    assert execution.positions[1][1].borrow_units == 3 * UNITS
    assert execution.positions[0][0].borrow_units == 0
    assert execution.diary.take().changes[-1][CASH] == to_units("-1003.5")


def test_the_first_session_and_an_account_without_rates_pay_nothing() -> None:
    execution = account(margin_rate=Decimal("0.06"), borrow_rate=Decimal("0.36"))
    assert execution.ledger.interest_units == 0
    free = account()
    free.diary.take()
    open_session(free, MONDAY, 100)
    assert free.ledger.cash_units == -1000 * UNITS
    assert free.diary.take().changes == []


def test_one_rate_charges_one_debt() -> None:
    lent, short = account(margin_rate=Decimal("0.06")), account(borrow_rate=Decimal("0.36"))
    for execution in (lent, short):
        open_session(execution, MONDAY, 100)
    assert (lent.ledger.interest_units, lent.ledger.borrow_units) == (UNITS // 2, 0)
    assert (short.ledger.interest_units, short.ledger.borrow_units) == (0, 3 * UNITS)


def test_cash_that_is_not_borrowed_bears_no_interest() -> None:
    execution = manager_of(terms=AccountTerms(margin_rate=Decimal(1)))
    execution.value_by(Marks())
    for date in (THURSDAY, FRIDAY, MONDAY):
        open_session(execution, date, 5)
    assert execution.ledger.cash_units == 100_000 * UNITS
    assert execution.diary.take().changes == []
