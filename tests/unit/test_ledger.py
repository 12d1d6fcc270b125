"""The ledger by hand: what one would reckon on paper, and what it says when it does not add up."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.money import UNITS, from_units
from app.managers.execution_manager.books.ledger import Ledger, LedgerError, Position

OPENING = 100_000 * UNITS


PRICES = st.one_of(
    st.integers(1, 10**6).map(lambda cents: cents / 100),
    st.floats(1e-6, 1e7),
    st.sampled_from([999_999.99, 1e6, 1_000_000.01, 22_517_998.25, 0.1 + 0.2, 1e-8]),
)
QUANTITIES = st.one_of(
    st.integers(-300, 300).map(lambda count: count * UNITS),
    st.integers(-(10**11), 10**11),
    st.integers(-3, 3),
).filter(bool)


@given(st.lists(st.tuples(st.integers(0, 2), QUANTITIES, PRICES), max_size=12))
def test_the_account_is_the_sum_of_its_positions(fills: list[tuple[int, int, float]]) -> None:
    ledger, positions = Ledger(OPENING), [Position(name) for name in "XYZ"]
    for place, units, price in fills:
        ledger.fill(positions[place], units, price)
    assert ledger.cost_units == sum(position.cost_units for position in positions)
    assert ledger.realised_units == sum(position.realised_units for position in positions)
    assert ledger.cash_units == OPENING + ledger.realised_units - ledger.cost_units


def test_fees_leave_the_cash_and_not_the_profit() -> None:
    ledger, position = Ledger(OPENING), Position("X")
    ledger.fill(position, 10 * UNITS, 5.0, fee_units=3)
    ledger.fill(position, -10 * UNITS, 6.0, fee_units=4)
    assert ledger.fee_units == 7
    assert ledger.realised_units == 10 * UNITS
    assert ledger.cash_units == OPENING + 10 * UNITS - 7
    ledger.check()


@pytest.mark.parametrize(
    ("fills", "quantity", "cost", "realised", "trades"),
    [
        ([(100, 10.0)], "100", "1000", "0", 0),
        ([(100, 10.0), (100, 12.0)], "200", "2200", "0", 0),
        ([(100, 10.0), (100, 12.0), (-50, 13.0)], "150", "1650", "100", 0),
        ([(100, 10.0), (-100, 9.5)], "0", "0", "-50", 1),
        ([(100, 10.0), (-150, 11.0)], "-50", "-550", "100", 1),
        ([(-100, 10.0)], "-100", "-1000", "0", 0),
        ([(-100, 10.0), (40, 8.0)], "-60", "-600", "80", 0),
        ([(-100, 10.0), (300, 8.0)], "200", "1600", "200", 1),
        ([(1, 4.106508554974807e16)], "1", "41065085549748070", "0", 0),  # by its repr
        ([(1, 30_000_000.000000004)], "1", "30000000", "0", 0),
        ([(3, 0.1), (-1, 0.1), (-1, 0.1), (-1, 0.1)], "0", "0", "0", 1),
    ],
)
def test_positions_as_one_reckons_them_by_hand(
    fills: list[tuple[int, float]], quantity: str, cost: str, realised: str, trades: int
) -> None:
    ledger, position = Ledger(OPENING), Position("X")
    for shares, price in fills:
        ledger.fill(position, shares * UNITS, price)
    assert (position.quantity, position.cost) == (Decimal(quantity), Decimal(cost))
    assert (position.realised, position.trades) == (Decimal(realised), trades)


def test_a_multiplier_scales_cost_value_profit_and_dividends() -> None:
    ledger, position = Ledger(OPENING), Position("ES", 50 * UNITS)
    ledger.fill(position, 2 * UNITS, 4000.25)
    assert position.cost == Decimal("400025")
    assert from_units(position.value_units(4001.0)) == Decimal("400100")
    assert ledger.dividend(position, Decimal("0.1")) == 10 * UNITS
    ledger.fill(position, -2 * UNITS, 4001.0)
    assert position.realised == Decimal("75")


def test_a_short_position_pays_the_dividend_and_a_flat_one_gets_none() -> None:
    ledger, short, flat = Ledger(OPENING), Position("X"), Position("Y")
    ledger.fill(short, -100 * UNITS, 20.0)
    assert ledger.dividend(short, Decimal("0.25")) == -25 * UNITS
    assert ledger.dividend(flat, Decimal("0.25")) == 0
    assert ledger.income_units == -25 * UNITS


def test_a_split_keeps_the_cost_and_moves_no_cash() -> None:
    ledger, position = Ledger(OPENING), Position("X")
    ledger.fill(position, 7 * UNITS, 30.0)
    cash = ledger.cash_units
    ledger.split(position, Decimal("1.5"))
    assert (position.quantity, position.cost) == (Decimal("10.5"), Decimal(210))
    ledger.split(position, Decimal(1) / Decimal(3))
    assert (position.quantity, position.cost) == (Decimal("3.5"), Decimal(210))
    assert ledger.cash_units == cash


def test_the_value_of_nothing_is_nothing_at_any_price() -> None:
    assert Position("X").value_units(float("nan")) == 0


@pytest.mark.parametrize("name", ["cash_units", "cost_units", "realised_units", "income_units"])
def test_books_that_do_not_add_up_stop_the_run_with_the_difference(name: str) -> None:
    ledger, position = Ledger(OPENING), Position("X")
    setattr(ledger, name, getattr(ledger, name) + 250)
    with pytest.raises(LedgerError, match=r"The books are off by -?0\.0000025: cash and cost come"):
        ledger.fill(position, UNITS, 1.0)
    with pytest.raises(LedgerError):
        ledger.split(position, Decimal(2))
    with pytest.raises(LedgerError):
        ledger.dividend(position, Decimal(2))


def test_what_the_books_say_is_told_in_money() -> None:
    ledger = Ledger(1000 * UNITS)
    ledger.cash_units -= UNITS // 2
    with pytest.raises(LedgerError) as caught:
        ledger.check()
    assert str(caught.value) == (
        "The books are off by -0.5: cash and cost come to 999.5, opening and results to 1000."
    )
