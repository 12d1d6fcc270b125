"""The books, event by event, against an account kept in exact fractions."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.reference import Book

from app.core.money import UNITS, to_units
from app.managers.execution_manager.books.ledger import Ledger, LedgerError, Position

SYMBOLS = 2
Event = tuple[str, int, int, float, int]  # kind, symbol, units, price or value, fee units

prices = st.one_of(
    st.integers(1, 10**7).map(lambda cents: cents / 100),
    st.floats(1e-6, 1e7, allow_nan=False, allow_subnormal=False),
)
quantities = st.one_of(
    st.integers(-1000, 1000).map(lambda whole: whole * UNITS),
    st.integers(-(10**13), 10**13),
    st.integers(-5, 5),
).filter(bool)
fills = st.tuples(
    st.just("fill"), st.integers(0, SYMBOLS - 1), quantities, prices, st.integers(0, 10**9)
)
ratios = st.sampled_from([2.0, 0.5, 1.5, 0.1, 0.3333, 1e-7, 20.0])
splits = st.tuples(st.just("split"), st.integers(0, SYMBOLS - 1), st.just(0), ratios, st.just(0))
amounts = st.floats(0.0001, 30.0).map(lambda amount: round(amount, 6))
dividends = st.tuples(
    st.just("dividend"), st.integers(0, SYMBOLS - 1), st.just(0), amounts, st.just(0)
)
streams = st.lists(st.one_of(fills, fills, fills, splits, dividends), max_size=30)


class Books:
    """A ledger and its reference, side by side."""

    def __init__(self, multiplier: str = "1") -> None:
        self.positions = [Position(f"S{n}", to_units(multiplier)) for n in range(SYMBOLS)]
        self.ledger = Ledger(100_000 * UNITS)
        self.book = Book(Fraction(100_000), SYMBOLS, Fraction(multiplier))

    def post(self, event: Event) -> None:
        kind, symbol, units, value, fee = event
        position = self.positions[symbol]
        exact = Fraction(repr(value))
        if kind == "fill":
            self.ledger.fill(position, units, value, fee)
            self.book.fill(symbol, Fraction(units, UNITS), exact, Fraction(fee, UNITS))
        elif kind == "split":
            self.ledger.split(position, Decimal(repr(value)))
            self.book.split(symbol, exact)
        else:
            self.ledger.dividend(position, Decimal(repr(value)))
            self.book.dividend(symbol, exact)

    def compare(self) -> None:
        book, ledger = self.book, self.ledger
        assert Fraction(ledger.cash_units, UNITS) == book.cash
        assert Fraction(ledger.income_units, UNITS) == book.income
        assert Fraction(ledger.fee_units, UNITS) == book.fees
        for number, position in enumerate(self.positions):
            assert Fraction(position.units, UNITS) == book.held[number]
            assert Fraction(position.cost_units, UNITS) == book.cost[number]
            assert Fraction(position.realised_units, UNITS) == book.realised[number]
            assert position.units or not position.cost_units, "a flat position has no cost"

    def check_identity(self, price: float) -> None:
        """cash + market value = opening + realised + unrealised + income - costs."""
        ledger = self.ledger
        value = sum(position.value_units(price) for position in self.positions)
        unrealised = value - sum(position.cost_units for position in self.positions)
        realised = sum(position.realised_units for position in self.positions)
        results = realised + unrealised + ledger.income_units - ledger.fee_units
        assert ledger.cash_units + value == ledger.opening_units + results


@given(streams, st.sampled_from(["1", "50", "0.01"]), prices)
@example([("fill", 0, 3, 10.0, 0), ("split", 0, 0, 0.1, 0), ("fill", 0, UNITS, 5.0, 0)], "1", 1.0)
@example([("fill", 0, -UNITS, 0.1, 7), ("fill", 0, 3 * UNITS, 0.3, 0)], "1", 0.7)
def test_every_event_is_booked_as_in_fractions_and_the_identity_holds_to_zero(
    stream: list[Event], multiplier: str, price: float
) -> None:
    books = Books(multiplier)
    for event in stream:
        books.post(event)
        books.compare()
        books.check_identity(price)


@given(quantities, prices, prices)
def test_a_round_trip_leaves_no_cost_and_all_of_its_profit(
    units: int, bought: float, sold: float
) -> None:
    ledger, position = Ledger(0), Position("A")
    ledger.fill(position, units, bought)
    ledger.fill(position, -units, sold)
    assert (position.units, position.cost_units, position.trades) == (0, 0, 1)
    assert ledger.cash_units == position.realised_units == ledger.realised_units


def test_a_flip_closes_the_old_side_and_opens_the_new_at_its_price() -> None:
    ledger, position = Ledger(0), Position("A")
    ledger.fill(position, 3 * UNITS, 10.0)
    ledger.fill(position, -5 * UNITS, 12.0)
    assert position.quantity == -2
    assert position.cost == -24
    assert position.realised == 6
    assert position.trades == 1


def test_a_short_position_pays_the_dividend() -> None:
    ledger, position = Ledger(0), Position("A")
    ledger.fill(position, -5 * UNITS, 10.0)
    assert ledger.dividend(position, Decimal("0.3")) == -to_units("1.5")
    assert ledger.cash_units == to_units("48.5")


def test_books_that_do_not_add_up_stop_the_run() -> None:
    ledger, position = Ledger(0), Position("A")
    ledger.cash_units += 1
    with pytest.raises(LedgerError, match="off by 1E-8"):
        ledger.fill(position, UNITS, 10.0)
