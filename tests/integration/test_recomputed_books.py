"""The books of whole runs, kept a second time in fractions from what the runs recorded."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.market import SCALE, Outcome, outcome_of, wired
from tests.random_market import Spec, busy_spec, specs
from tests.reference import Book, posted

from app.core.instruments import Adjustment
from app.core.money import UNITS
from app.managers.system_manager.wiring import Run

FEES = ["zero", "ib_fixed", "ib_tiered", "binance_spot"]
SIZES = [("1", "1"), ("0.5", "1"), ("1", "50"), ("0.01", "0.1")]  # lot and multiplier


class Event(NamedTuple):
    """Fills, then closes, then corporate actions of each moment."""

    at_ns: int
    rank: int
    symbol: int
    what: Any


def events(spec: Spec, outcome: Outcome) -> Iterator[Event]:
    """All that moves the books."""
    for fill in outcome.fills:
        yield Event(fill[7], 0, fill[2], fill)
    sessions, bars = spec.calendar()[spec.history :], spec.bars()
    hours = [session.segments(spec.extended) for session in sessions]
    for symbol, name in enumerate(spec.symbols):
        columns = bars[name, spec.base]
        known = spec.known_ns(columns.start_ns).tolist()
        rows = zip(columns.start_ns.tolist(), known, columns.close.tolist(), strict=True)
        for start_ns, known_ns, close in rows:
            if any(parts[0].start_ns <= start_ns < parts[-1].end_ns for parts in hours):
                yield Event(known_ns, 1, symbol, close)
    opens = {s.date: parts[0].start_ns for s, parts in zip(sessions, hours, strict=True)}
    for action in spec.adjustments(bars):
        if action.session_date in opens:
            at_ns = opens[action.session_date]
            yield Event(at_ns, 2, spec.symbols.index(action.symbol), action)


class Books:
    """One account; each strategy's holding of each symbol has a place of its own in the book."""

    def __init__(self, spec: Spec, sizes: tuple[str, str]) -> None:
        self.lot = Fraction(sizes[0])
        self.symbols, self.strategies = len(spec.symbols), len(spec.strategies)
        places = self.symbols * self.strategies
        self.book = Book(Fraction(100_000), places, Fraction(sizes[1]))
        self.marks = [0.0] * self.symbols

    def place(self, strategy: int, symbol: int) -> int:
        return strategy * self.symbols + symbol

    def keep(self, event: Event) -> None:
        match event.what:
            case float():
                self.marks[event.symbol] = event.what
            case Adjustment():
                self.act(event.symbol, event.what)
            case fill:
                self.fill(fill)

    def fill(self, fill: Any) -> None:
        symbol, units, price, fee, strategy, held, cash = (fill[n] for n in (2, 3, 4, 5, 8, 9, 10))
        quantity, charged = Fraction(units, UNITS), Fraction(fee, UNITS)
        self.book.fill(self.place(strategy, symbol), quantity, Fraction(repr(price)), charged)
        assert Fraction(cash, UNITS) == self.book.cash
        places = (self.place(number, symbol) for number in range(self.strategies))
        assert Fraction(held, UNITS) == sum(self.book.held[place] for place in places)

    def act(self, symbol: int, action: Adjustment) -> None:
        ratio, last = Fraction(action.split_ratio), self.marks[symbol]
        for strategy in range(self.strategies):
            place = self.place(strategy, symbol)
            if ratio != 1:
                self.book.split(place, ratio)
                held = self.book.held[place]
                rest = abs(held) % self.lot
                if rest and last:
                    price = Fraction(repr(last / float(ratio)))
                    self.book.fill(place, -rest if held > 0 else rest, price, Fraction(0))
            self.book.dividend(place, Fraction(action.dividend))
        self.marks[symbol] *= action.price_factor

    def compare(self, run: Run) -> None:
        book, ledger = self.book, run.execution.ledger
        assert Fraction(ledger.cash_units, UNITS) == book.cash
        assert Fraction(ledger.income_units, UNITS) == book.income
        assert Fraction(ledger.fee_units, UNITS) == book.fees
        assert Fraction(ledger.realised_units, UNITS) == sum(book.realised)
        positions = [position for row in run.execution.positions for position in row]
        for place, position in enumerate(positions):
            assert Fraction(position.units, UNITS) == book.held[place]
            assert Fraction(position.cost_units, UNITS) == book.cost[place]
            assert Fraction(position.realised_units, UNITS) == book.realised[place]
        aims = [units for row in run.execution.aim_units for units in row]
        assert aims == [position.units for position in positions], "no order is left to aim with"
        worth = Fraction(0)
        for place, held in enumerate(book.held):
            mark = Fraction(repr(self.marks[place % self.symbols]))
            worth += posted(held * mark * book.multiplier)
        assert Fraction(run.final_equity()) == book.cash + worth


def ran(spec: Spec, fees: str, sizes: tuple[str, str]) -> tuple[Run, Outcome]:
    """A run with these fees, over instruments of these sizes."""
    config = spec.config(97)
    execution = config.execution.model_copy(update={"fees": fees})
    market = spec.market()
    lot, multiplier = map(Decimal, sizes)
    instruments = [
        msgspec.structs.replace(one, lot=lot, multiplier=multiplier) for one in market.instruments
    ]
    market = msgspec.structs.replace(market, instruments=instruments)
    run, results = wired(config.model_copy(update={"execution": execution}), market)
    return run, outcome_of(run, results)


def whole_fee(fees: str, shares: Fraction, value: Fraction, sells: bool) -> Fraction:
    """What an order pays by the brokers' tables of March 2024."""
    if fees == "binance_spot":
        return posted(value / 1000)
    each, least = {
        "zero": (Fraction(0), Fraction(0)),
        "ib_fixed": (Fraction("0.005"), Fraction(1)),
        "ib_tiered": (Fraction("0.0035"), Fraction("0.35")),
    }[fees]
    fee = min(max(each * shares, least), value / 100)
    if fees == "ib_tiered":
        fee += min(Fraction("0.0002") * shares, value / 200)
    if sells and fees != "zero":
        fee += value * 8 / 1_000_000 + min(Fraction("0.000166") * shares, Fraction("8.30"))
    return posted(fee)


def check_fees(outcome: Outcome, fees: str, multiplier: Fraction) -> None:
    """The postings of each order come to the fee of the whole order, fill by fill."""
    so_far: dict[int, tuple[Fraction, Fraction, Fraction]] = defaultdict(lambda: (Fraction(0),) * 3)
    for fill in outcome.fills:
        shares, value, charged = so_far[fill[1]]
        quantity = Fraction(fill[3], UNITS)
        shares += abs(quantity)
        value += posted(abs(quantity) * Fraction(repr(fill[4])) * multiplier)
        charged += Fraction(fill[5], UNITS)
        so_far[fill[1]] = shares, value, charged
        assert charged == whole_fee(fees, shares, value, quantity < 0)


def check(spec: Spec, fees: str, sizes: tuple[str, str]) -> Outcome:
    run, outcome = ran(spec, fees, sizes)
    books = Books(spec, sizes)
    for event in sorted(events(spec, outcome), key=lambda event: event[:2]):
        books.keep(event)
    books.compare(run)
    check_fees(outcome, fees, Fraction(sizes[1]))
    return outcome


@given(specs(), st.sampled_from(FEES), st.sampled_from(SIZES))
@settings(max_examples=20 * SCALE)
def test_the_books_of_any_run_are_those_kept_in_fractions(
    spec: Spec, fees: str, sizes: tuple[str, str]
) -> None:
    check(spec, fees, sizes)


@pytest.mark.parametrize(("fees", "sizes"), list(zip(FEES, SIZES, strict=True)))
def test_the_books_of_a_busy_run_are_those_kept_in_fractions(
    fees: str, sizes: tuple[str, str]
) -> None:
    assert len(check(busy_spec(), fees, sizes).fills) > 50


def test_books_that_leave_out_an_action_do_not_agree() -> None:
    spec = msgspec.structs.replace(busy_spec(), seed=4)  # it holds what splits
    run, outcome = ran(spec, "ib_fixed", SIZES[0])
    books = Books(spec, SIZES[0])
    with pytest.raises(AssertionError):
        for event in sorted(events(spec, outcome), key=lambda event: event[:2]):
            if not isinstance(event.what, Adjustment):
                books.keep(event)
        books.compare(run)
    assert spec.calendar()[0].date == dt.date(2024, 3, 6), "the fees are those of that month"
