"""Ten thousand random lives of an account, event by event, against one kept in exact fractions.

Several strategies and currencies; fills that open, close and go through flat, fees, splits,
dividends, deposits and withdrawals, conversions, interest and borrow over nights of any length.
"""

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.lives import seeds_of
from tests.order_life import are
from tests.reference import Book, posted

from app.core.instruments import Instrument
from app.core.money import UNITS
from app.managers.execution_manager.books.account import Account, AccountTerms
from app.managers.execution_manager.books.ledger import Position

STREAMS, PARTS, EVENTS = 10_000, 10, 12
LIVES = 10  # of each draw
CURRENCIES = ("USD", "EUR", "JPY")
SYMBOLS = (("A", "USD"), ("B", "EUR"), ("C", "USD"), ("D", "JPY"))
FIRST = dt.date(2024, 1, 5)


class Life:
    """An account and its reference, side by side."""

    def __init__(self, seed: int) -> None:
        self.rng = rng = Random(seed)
        self.strategies = rng.randint(1, 3)
        self.symbols = SYMBOLS[: rng.randint(1, len(SYMBOLS))]
        multiplier = rng.choice(["1", "50", "0.01"])
        self.margin, self.borrow = rng.choice(["0", "0.0725", "1"]), rng.choice(["0", "0.031"])
        self.dates = [FIRST]
        for _ in range(EVENTS):
            self.dates.append(self.dates[-1] + dt.timedelta(rng.choice([1, 1, 3, 4, 300])))
        self.rates = {
            date: {"EUR": self.price(2.0), "JPY": self.price(0.02)} for date in self.dates
        }
        opening = {"EUR": Decimal(rng.randint(0, 10**6)) / 1000}
        self.account = Account(
            AccountTerms(
                margin_rate=Decimal(self.margin),
                borrow_rate=Decimal(self.borrow),
                books={**opening, "JPY": Decimal(0)},
                rates=self.rates,
            ),
            Decimal(1000),
            [
                Instrument("X", symbol, multiplier=Decimal(multiplier), currency=currency)
                for symbol, currency in self.symbols
            ],
            self.strategies,
        )
        slots = self.strategies * len(self.symbols)
        cash = {"USD": Fraction(1000), "EUR": Fraction(opening["EUR"]), "JPY": Fraction(0)}
        self.books = {name: Book(cash[name], slots, Fraction(multiplier)) for name in CURRENCIES}
        self.marks = [self.price(100.0) for _ in self.symbols]
        self.session = 0
        self.account.open_session(self.dates[0], self.mark)

    def mark(self, symbol: int) -> float:
        return self.marks[symbol]

    def price(self, about: float) -> float:
        """Around a level: on a cent, or with all the digits a float has."""
        value = about * self.rng.uniform(0.5, 2.0)
        return max(round(value, 2), 0.01) if self.rng.random() < 0.6 else value

    def live(self) -> None:
        others = (self.split, self.dividend, self.deposit, self.convert, self.night)
        for _ in range(self.rng.randint(1, EVENTS)):
            self.rng.choice((*[self.fill] * 3, *others))()
            self.compare()
            self.check_identity()

    # -- events ----------------------------------------------------------------------------------

    def place(self) -> tuple[Position, str, int, int]:
        """A position, its currency, its place in the reference and its symbol."""
        strategy = self.rng.randrange(self.strategies)
        symbol = self.rng.randrange(len(self.symbols))
        slot = strategy * len(self.symbols) + symbol
        return self.account.positions[strategy][symbol], self.symbols[symbol][1], slot, symbol

    def fill(self) -> None:
        position, currency, slot, symbol = self.place()
        self.marks[symbol] = price = self.price(100.0)
        units = self.rng.choice(
            [
                self.rng.randint(1, 50) * UNITS,
                self.rng.randint(1, 10**11),
                abs(position.units) or 1,
                3,
            ]
        )
        units *= self.rng.choice([1, -1])
        fee = self.rng.choice([0, 0, self.rng.randint(0, 10**8)])
        self.account.by_symbol[symbol].fill(position, units, price, fee)
        exact = Fraction(repr(price))
        self.books[currency].fill(slot, Fraction(units, UNITS), exact, Fraction(fee, UNITS))

    def split(self) -> None:
        position, currency, slot, symbol = self.place()
        ratio = self.rng.choice(["2", "0.5", "1.5", "0.3333", "1e-9"])
        self.account.by_symbol[symbol].split(position, Decimal(ratio))
        self.books[currency].split(slot, Fraction(ratio))

    def dividend(self) -> None:
        position, currency, slot, symbol = self.place()
        amount = f"{self.rng.uniform(0.0001, 3):.6f}"
        self.account.by_symbol[symbol].dividend(position, Decimal(amount))
        self.books[currency].dividend(slot, Fraction(amount))

    def deposit(self) -> None:
        currency = self.rng.choice(CURRENCIES)
        units = self.rng.randint(-(10**12), 10**12)
        self.account.books[currency].transfer(units)
        self.books[currency].transfer(Fraction(units, UNITS))

    def convert(self) -> None:
        source, target = self.rng.sample(CURRENCIES, 2)
        units = self.rng.randint(1, 10**12)
        self.account.convert(source, target, units)
        rates = {"USD": 1.0, **self.rates[self.dates[self.session]]}
        given, taken = (Fraction(repr(rates[name])) for name in (source, target))
        self.books[source].transfer(-Fraction(units, UNITS))
        self.books[target].transfer(posted(Fraction(units, UNITS) * given / taken))

    def night(self) -> None:
        """Until the next session, a day or a year away."""
        before, self.session = self.dates[self.session], self.session + 1
        date = self.dates[self.session]
        self.account.open_session(date, self.mark)
        marks = [Fraction(repr(mark)) for mark in self.marks] * self.strategies
        for book in self.books.values():
            book.carry((date - before).days, marks, Fraction(self.margin), Fraction(self.borrow))

    # -- proof -----------------------------------------------------------------------------------

    def compare(self) -> None:
        for currency, book in self.books.items():
            ledger = self.account.books[currency]
            assert are(ledger.cash_units, book.cash)
            assert are(ledger.income_units, book.income)
            assert are(ledger.fee_units, book.fees)
            assert are(ledger.transfer_units, book.transfers)
            assert are(ledger.interest_units, book.interest)
            assert are(ledger.borrow_units, sum(filter(None, book.borrow)))
        for slot, position in enumerate(p for row in self.account.positions for p in row):
            book = self.books[self.symbols[slot % len(self.symbols)][1]]
            assert are(position.units, book.held[slot])
            assert are(position.cost_units, book.cost[slot])
            assert are(position.realised_units, book.realised[slot])
            assert are(position.borrow_units, book.borrow[slot])

    def check_identity(self) -> None:
        """Per currency, to zero; and the book's result is the sum of its positions'."""
        for currency, ledger in self.account.books.items():
            mine = [
                (position, self.marks[symbol])
                for row in self.account.positions
                for symbol, position in enumerate(row)
                if self.symbols[symbol][1] == currency
            ]
            value = sum(position.value_units(mark) for position, mark in mine)
            unrealised = value - sum(position.cost_units for position, _ in mine)
            costs = ledger.fee_units + ledger.interest_units + ledger.borrow_units
            gains = ledger.realised_units + unrealised + ledger.income_units - costs
            brought = ledger.opening_units + ledger.transfer_units
            assert ledger.cash_units + value == brought + gains
            results = sum(position.result_units(mark) for position, mark in mine)
            assert gains == results - ledger.interest_units


@pytest.mark.parametrize(
    "part", [pytest.param(part, marks=[pytest.mark.slow] * (part > 2)) for part in range(PARTS)]
)
@given(draw=st.integers(0, 10**12))
@seeds_of(STREAMS // PARTS // LIVES)
def test_a_life_is_booked_as_in_fractions_and_the_identity_holds_to_zero(
    part: int, draw: int
) -> None:
    for number in range(LIVES):
        Life((draw * PARTS + part) * LIVES + number).live()


def test_the_lives_know_every_event() -> None:
    """Interest, borrow, conversions and flips do happen in them."""
    lives = [Life(seed) for seed in range(60)]
    for life in lives:
        life.live()
    books = [book for life in lives for book in life.account.books.values()]
    for figure in ("interest_units", "borrow_units", "transfer_units", "income_units", "fee_units"):
        assert sum(getattr(book, figure) != 0 for book in books) > 5, figure
    positions = [p for life in lives for row in life.account.positions for p in row]
    assert sum(p.trades for p in positions) > 8
