"""Buying power: needed and left at the boundary, and the honesty of the cheap approval."""

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.execution_house import Row, book_of, manager_of, open_session, submit

from app.core.instruments import Instrument
from app.core.money import UNITS, to_units
from app.core.orders import AMEND_PENDING, GTC, LIMIT, REJECTED, Order, Terms
from app.core.transfers import Conversion
from app.managers.execution_manager.books.account import AccountTerms
from app.managers.execution_manager.books.ledger import Position
from app.managers.execution_manager.execution_manager import ExecutionManager
from app.managers.execution_manager.limits.buying_power import working_sides
from app.managers.execution_manager.orders.working_orders import WorkingOrders
from app.managers.execution_manager.sim.sim_broker import FillRules
from app.services.buying_power import (
    Line,
    added_units,
    left_units,
    order_price,
    refusal,
    short_refusal,
)
from app.services.risk.scopes import Limits


def line(held: int = 0, buys: int = 0, sells: int = 0, price: float = 10.0, **more: Any) -> Line:
    return Line(held * UNITS, buys * UNITS, sells * UNITS, price, **more)


# -- the pure function -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_line", "order", "added"),
    [
        (line(), 5, 5),
        (line(), -5, 5),
        (line(10), 5, 5),
        (line(10), -10, 0),  # closes
        (line(10), -20, 0),  # as short as it was long: no more than before
        (line(10), -21, 1),
        (line(-10), 20, 0),
        (line(-10), 21, 1),
        (line(-10), -1, 1),
        (line(10, buys=5), -25, 0),
        (line(10, buys=5), -26, 1),
        (line(10, sells=10), -10, 0),
        (line(10, sells=20), -1, 1),
        (line(10, sells=30), 10, 0),  # 20 short at worst; with it 20 long
        (line(10, sells=30), 11, 1),
    ],
)
def test_an_order_adds_what_its_symbol_can_reach_further(
    given_line: Line, order: int, added: int
) -> None:
    assert added_units(given_line, order * UNITS) == added * UNITS


@pytest.mark.parametrize(
    ("lines", "cash", "leverage", "left"),
    [
        ([], 100, "1", 100),
        ([], 100, "2", 200),
        ([line(10)], 0, "1", 0),
        ([line(10)], 0, "2", 100),
        ([line(10, buys=5)], 100, "1", 50),
        ([line(-10)], 200, "1", 0),  # equity 100, short for 100
        ([line(-10)], 200, "2", 100),
        ([line(10), line(-5)], 50, "2", 50),  # equity 100, gross 150
        ([line(10, price=0.0)], 70, "1", 70),  # no price, no worth
        ([line(1, multiplier_units=50 * UNITS)], 0, "1.5", 250),
        ([line(10, rate=0.5)], 0, "3", 100),
        ([line(10)], -200, "2", -300),
    ],
)
def test_what_is_left_is_equity_times_leverage_less_all_that_can_come_to_be_held(
    lines: list[Line], cash: int, leverage: str, left: int
) -> None:
    assert left_units(lines, cash * UNITS, to_units(leverage)) == left * UNITS


@pytest.mark.parametrize(
    ("need", "left", "reason"),
    [
        ("100", "100", ""),
        ("100.00000001", "100", "buying_power: it needs 100.01, there is 100.00 left"),
        ("12000", "9500", "buying_power: it needs 12,000.00, there is 9,500.00 left"),
        ("1", "-3", "buying_power: it needs 1.00, there is 0.00 left"),
    ],
)
def test_an_order_is_refused_beyond_what_is_left_and_never_at_it(
    need: str, left: str, reason: str
) -> None:
    assert refusal(to_units(need), to_units(left)) == reason


@pytest.mark.parametrize(
    ("price", "units", "limit", "worth"),
    [
        (10.0, 1, None, 10.0),
        (10.0, 1, 12.0, 12.0),
        (10.0, 1, 8.0, 10.0),
        (10.0, -1, 12.0, 10.0),
        (0.0, 1, 8.0, 8.0),
        (0.0, -1, 8.0, 8.0),
        (0.0, 1, None, 0.0),
    ],
)
def test_an_order_is_worth_its_last_close_or_a_purchase_s_higher_limit(
    price: float, units: int, limit: float | None, worth: float
) -> None:
    assert order_price(line(price=price), units, limit) == worth


@pytest.mark.parametrize(
    ("given_line", "order", "refused"),
    [
        (line(10), -10, False),
        (line(10), -11, True),
        (line(10, sells=4), -6, False),
        (line(10, sells=4), -7, True),
        (line(10, buys=5), -11, True),  # what is on its way cannot be sold yet
        (line(), 5, False),
        (line(), -1, True),
    ],
)
def test_a_cash_account_sells_what_it_has(given_line: Line, order: int, refused: bool) -> None:
    assert bool(short_refusal(given_line, order * UNITS)) is refused


# -- in the account --------------------------------------------------------------------------------


class Prices:
    """Marks that a test moves; in a block none is higher than `top`."""

    def __init__(self, *marks: float, top: float = 0.0) -> None:
        self.marks = list(marks)
        self.top = top

    def mark(self, symbol: int) -> float:
        return self.marks[symbol]

    def highest(self, symbol: int) -> float:
        return max(self.top, self.marks[symbol])


def account(prices: Prices, cash: int = 1000, **terms: Any) -> ExecutionManager:
    rows = [Row(s, start, 10.0) for start in range(10, 80, 10) for s in (0, 1)]
    execution = manager_of(rows, cash=Decimal(cash), terms=AccountTerms(**terms))
    execution.value_by(prices)
    return execution


def test_an_order_beyond_the_account_s_means_is_refused_with_the_figures() -> None:
    execution = account(Prices(10.0, 10.0))
    assert submit(execution, 0, 0, 150 * UNITS, 5).is_working
    assert submit(execution, 1, 1, 50 * UNITS, 5).is_working
    order = submit(execution, 1, 0, UNITS, 5)
    assert (order.state, order.ended_ns) == (REJECTED, 5)
    assert order.reason == "buying_power: it needs 10.00, there is 0.00 left"
    assert execution.aim_units == [[150 * UNITS, 0], [0, 50 * UNITS]]


def test_what_reduces_is_taken_from_an_account_that_is_beyond_its_means() -> None:
    prices = Prices(10.0, 10.0)
    execution = account(prices)
    submit(execution, 0, 0, 200 * UNITS, 5)
    execution.match(20)
    prices.marks[0] = 4.0  # equity -200
    assert submit(execution, 0, 1, UNITS, 25).state == REJECTED
    assert submit(execution, 0, 0, UNITS, 25).state == REJECTED
    assert submit(execution, 0, 0, -200 * UNITS, 25).is_working
    assert submit(execution, 0, 0, -200 * UNITS, 25).is_working, "no further short than it was long"
    assert submit(execution, 0, 0, -UNITS, 25).state == REJECTED


def test_a_purchase_above_the_market_is_held_to_its_limit() -> None:
    execution = account(Prices(10.0, 10.0), leverage=Decimal(1))
    submit(execution, 0, 0, UNITS, 5)
    execution.match(20)  # now as many at market would be sure
    assert submit(execution, 0, 0, 45 * UNITS, 25, kind=LIMIT, limit=30.0).state == REJECTED
    execution = account(Prices(10.0, 10.0), leverage=Decimal(1))
    assert submit(execution, 0, 0, 60 * UNITS, 5, kind=LIMIT, limit=20.0).state == REJECTED
    assert submit(execution, 0, 0, 50 * UNITS, 5, kind=LIMIT, limit=20.0).is_working


def test_an_order_without_any_price_passes_and_counts_from_its_first_close() -> None:
    prices = Prices(0.0, 10.0, top=10.0)
    execution = account(prices)
    assert submit(execution, 0, 0, 10**6 * UNITS, 5).is_working
    prices.marks[0] = 1.0
    assert submit(execution, 0, 1, UNITS, 5).state == REJECTED


def test_a_cash_account_neither_borrows_nor_sells_short() -> None:
    execution = account(Prices(10.0, 10.0), holds_cash_only=True)
    assert submit(execution, 0, 0, 101 * UNITS, 5).reason.startswith("buying_power: it needs 1,010")
    assert submit(execution, 0, 0, 100 * UNITS, 5).is_working
    order = submit(execution, 0, 1, -UNITS, 5)
    assert order.reason == (
        "cash_account: it sells 1, there is 0 to sell; a short sale needs a margin account"
    )
    execution.match(20)
    assert submit(execution, 0, 0, -100 * UNITS, 25).is_working
    assert submit(execution, 0, 0, -UNITS, 25).state == REJECTED


def abroad(**terms: Any) -> ExecutionManager:
    """X trades in dollars and Y in euros, worth two dollars each; 600 dollars, 200 euros."""
    date = dt.date(2024, 6, 3)
    books = {"books": {"EUR": Decimal(200)}, "rates": {date: {"EUR": 2.0}}}
    execution = ExecutionManager(
        strategies=["one"],
        instruments=[Instrument("M", "X"), Instrument("M", "Y", currency="EUR")],
        cash=Decimal(600),
        limits=Limits(),
        rules=FillRules(),
        terms=AccountTerms(**books, **terms),
    )
    execution.value_by(Prices(10.0, 10.0))
    execution.load(book_of([Row(s, start, 10.0) for start in range(10, 80, 10) for s in (0, 1)]))
    open_session(execution, date, 5)
    return execution


def test_a_margin_account_counts_all_its_books_at_the_session_s_rates() -> None:
    execution = abroad(leverage=Decimal(1))
    assert submit(execution, 0, 1, 51 * UNITS, 5).reason == (
        "buying_power: it needs 1,020.00, there is 1,000.00 left"
    )
    assert submit(execution, 0, 1, 30 * UNITS, 5).is_working  # 600 of 1,000
    assert submit(execution, 0, 0, 41 * UNITS, 5).state == REJECTED
    assert submit(execution, 0, 0, 40 * UNITS, 5).is_working


def test_a_cash_account_pays_each_purchase_from_the_book_of_its_currency() -> None:
    execution = abroad(holds_cash_only=True)
    assert submit(execution, 0, 1, 21 * UNITS, 5).state == REJECTED
    assert submit(execution, 0, 1, 20 * UNITS, 5).is_working
    assert submit(execution, 0, 0, 61 * UNITS, 5).state == REJECTED
    assert submit(execution, 0, 0, 60 * UNITS, 5).is_working
    execution.match(20)
    assert [book.cash_units for book in execution.account.books.values()] == [0, 0]
    assert submit(execution, 0, 1, UNITS, 25).state == REJECTED
    submit(execution, 0, 0, -10 * UNITS, 25)
    execution.match(40)
    execution.convert(Conversion(0, "USD", "EUR", 20 * UNITS), 45)
    assert submit(execution, 0, 1, UNITS, 45).is_working


@pytest.mark.parametrize(("held", "exits"), ((0, 0), (-3, 0), (5, 5), (20, 16)))
def test_exits_are_on_no_side_but_what_those_at_market_take_out(held: int, exits: int) -> None:
    plain = Order(1, 0, "X", 0, 5 * UNITS, 0, filled_units=2 * UNITS)
    sale = Order(2, 0, "X", 0, -4 * UNITS, 0)
    resting = Order(3, 0, "X", 0, -9 * UNITS, 0, kind=LIMIT, limit=9.0, reduce_only=True)
    waiting = Order(4, 0, "X", 0, -9 * UNITS, 0, parent=1, reduce_only=True)
    leaving = [Order(n, 0, "X", 0, -8 * UNITS, 0, reduce_only=True) for n in (5, 6)]
    working = {one.order_id: one for one in (plain, sale, resting, waiting, *leaving)}
    position = Position("X")
    position.units = held * UNITS
    found = working_sides(WorkingOrders(working), [[position]])
    assert found == {0: (3 * UNITS, (4 + exits) * UNITS)}


# -- the cheap approval ---------------------------------------------------------------------------


def test_what_an_amendment_adds_counts_as_soon_as_it_is_asked_for() -> None:
    execution = account(Prices(10.0, 10.0), leverage=Decimal(1))
    open_session(execution, dt.date(2024, 6, 3), 1)
    resting = {"kind": LIMIT, "limit": 9.0, "tif": GTC}
    first = submit(execution, 0, 0, 10 * UNITS, 5, **resting)
    assert execution.amend(first, Terms(90 * UNITS, 9.0, None, None, None), 15)
    assert first.state == AMEND_PENDING  # a bar is under way
    assert submit(execution, 0, 0, 5 * UNITS, 16, **resting).is_working
    last = submit(execution, 0, 0, 8 * UNITS, 17, **resting)  # 103 in all, at 10, of 1,000
    assert last.reason == "buying_power: it needs 80.00, there is 50.00 left"
    execution.match(20)
    execution.broker.settle(20)
    assert first.units == 90 * UNITS
    last = submit(execution, 0, 0, 8 * UNITS, 20, **resting)  # 103 in all, at 10, of 1,000
    assert last.reason == "buying_power: it needs 80.00, there is 50.00 left"


marks = st.one_of(st.integers(1, 4000).map(lambda cents: cents / 100), st.floats(0.01, 40.0))
steps = st.one_of(
    st.tuples(st.just("order"), st.integers(0, 1), st.integers(-60, 60).filter(bool), marks),
    st.tuples(st.just("limit"), st.integers(0, 1), st.integers(-60, 60).filter(bool), marks),
    st.tuples(st.just("mark"), st.integers(0, 1), st.just(0), marks),
    st.tuples(st.just("match"), st.just(0), st.just(0), marks),
    st.tuples(st.just("block"), st.just(0), st.just(0), marks),
)


@given(st.lists(steps, max_size=25))
@settings(max_examples=100)
def test_what_is_refused_and_taken_is_what_the_figures_say(
    events: list[tuple[str, int, int, float]],
) -> None:
    """The exact check again, from the positions and orders themselves, in fractions."""
    prices = Prices(10.0, 10.0, top=40.0)
    execution = account(prices)
    now_ns = 5
    for what, symbol, units, price in events:
        if what == "mark":
            prices.marks[symbol] = price
        elif what == "match":
            now_ns += 10
            execution.match(now_ns + 5)
        elif what in ("order", "limit"):
            worth = max(prices.marks[symbol], price) if what == "limit" and units > 0 else None
            before, left = _figures(execution, prices, None)
            after, _ = _figures(execution, prices, (symbol, units * UNITS))
            more = after[symbol] - before[symbol]
            need = more * Fraction(repr(worth or prices.marks[symbol]))
            terms = {"kind": LIMIT, "limit": price} if what == "limit" else {}
            order = submit(execution, 0, symbol, units * UNITS, now_ns, **terms)
            if abs(need - left) > Fraction(1, 10**6):  # beyond what rounding decides
                is_cut = order.units != units * UNITS  # to what takes a position out
                passes = not more or need <= left
                assert order.is_working == (passes or is_cut)
                assert not (passes and is_cut)


def _figures(
    execution: ExecutionManager, prices: Prices, extra: tuple[int, int] | None
) -> tuple[list[Fraction], Fraction]:
    """The reach of each symbol, and what is left."""
    equity = Fraction(execution.ledger.cash_units, UNITS)
    reaches, taken = [], Fraction(0)
    for symbol, held in enumerate(execution.held_units):
        works = [
            order.units - order.filled_units
            for order in execution.broker.working.values()
            if order.symbol_index == symbol
        ]
        works += [units for at, units in [extra or (-1, 0)] if at == symbol]
        most = held + sum(units for units in works if units > 0)
        least = held + sum(units for units in works if units < 0)
        mark = Fraction(repr(prices.marks[symbol]))
        reaches.append(Fraction(max(abs(most), abs(least)), UNITS))
        equity += Fraction(held, UNITS) * mark
        taken += reaches[-1] * mark
    return reaches, 2 * equity - taken


def decisions(
    events: list[tuple[str, int, int, float]], lot: int, leverage: int, cheap: bool
) -> list[str]:
    """The reasons of a life of orders; with the exact check alone unless `cheap`."""
    prices = Prices(10.0, 10.0, top=40.0)
    execution = account(prices, leverage=Decimal(leverage))
    power, now_ns, reasons = execution._power, 5, []
    assert power is not None
    for what, symbol, units, price in events:
        if not cheap:
            power.forget()
        if what == "mark":
            prices.marks[symbol] = price
        elif what == "match":
            now_ns += 10
            execution.match(now_ns + 5)
        elif what == "block":
            rows = [Row(s, at, price) for at in range(now_ns + 5, now_ns + 75, 10) for s in (0, 1)]
            execution.load(book_of(rows))
        else:
            terms = {"kind": LIMIT, "limit": price} if what == "limit" else {}
            order = submit(execution, 0, symbol, units * lot, now_ns, **terms)
            reasons.append(order.reason)
    return reasons


@given(st.lists(steps, max_size=25), st.sampled_from([UNITS, 3, 10**7]), st.integers(1, 2))
@settings(max_examples=200)
def test_the_cheap_approval_decides_what_the_exact_check_decides(
    events: list[tuple[str, int, int, float]], lot: int, leverage: int
) -> None:
    cheap = decisions(events, lot, leverage, cheap=True)
    assert cheap == decisions(events, lot, leverage, cheap=False)


def test_what_a_short_sale_brought_in_approves_nothing() -> None:
    execution = account(Prices(10.0, 10.0))
    for symbol in (0, 1):
        submit(execution, 0, symbol, UNITS, 5)
    submit(execution, 0, 0, -101 * UNITS, 5)
    execution.match(20)
    assert execution.ledger.cash_units > 1900 * UNITS
    assert submit(execution, 0, 1, 150 * UNITS, 25).state == REJECTED
    assert submit(execution, 0, 1, UNITS, 25).is_working
    assert submit(execution, 0, 1, 150 * UNITS, 25).state == REJECTED


def test_what_is_sure_is_so_no_more_once_cash_has_gone() -> None:
    execution = account(Prices(10.0, 10.0), leverage=Decimal(1))
    for now_ns, units in ((5, 1), (15, 40), (25, 40)):
        assert submit(execution, 0, 0, units * UNITS, now_ns).is_working
        execution.match(now_ns + 15)
    assert execution.ledger.cash_units == 190 * UNITS
    assert submit(execution, 0, 0, 40 * UNITS, 55).state == REJECTED


def test_a_sure_order_counts_with_those_after_it() -> None:
    execution = account(Prices(10.0, 10.0), leverage=Decimal(1))
    submit(execution, 0, 0, UNITS, 5)
    execution.match(20)
    assert submit(execution, 0, 0, 45 * UNITS, 25).is_working
    assert submit(execution, 0, 0, 45 * UNITS, 25).is_working
    assert submit(execution, 0, 0, 15 * UNITS, 25).state == REJECTED


def test_the_cheap_approval_is_used_while_cash_covers_what_works() -> None:
    execution = account(Prices(10.0, 10.0))
    power = execution._power
    assert power is not None
    submit(execution, 0, 0, UNITS, 5)
    submit(execution, 0, 1, UNITS, 5)
    asked: list[int] = []
    power_class = type(power)
    original = power_class.fault
    try:
        power_class.fault = lambda self, symbol, units, limit: asked.append(symbol) or ""  # type: ignore
        submit(execution, 0, 0, 50 * UNITS, 5)
        submit(execution, 0, 1, 40 * UNITS, 5)
        assert not asked
        submit(execution, 0, 1, 40 * UNITS, 5)
        assert len(asked) == 1
    finally:
        power_class.fault = original  # type: ignore
