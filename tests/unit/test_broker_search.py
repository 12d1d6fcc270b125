"""The broker looks ahead for the bar that fills an order, as a loop over all of them would."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from execution_house import Row, book_of, manager_of, submit
from hypothesis import given
from hypothesis import strategies as st

from app.core.money import UNITS
from app.core.orders import GTC, IOC, LIMIT, MARKET, STOP, STOP_LIMIT, Order
from app.managers.execution_manager.sim.fill_rules import FillRules
from app.services.bar_fills import BarRules
from app.services.matching import OPEN, Prices, Stand, touch

SYMBOLS = ("X", "Y")
Found = tuple[int, float, int]  # order, price, start of the bar


class Wish(NamedTuple):
    """An order to give, when all that is known at `at_ns` has filled what it can."""

    at_ns: int
    symbol: int
    units: int
    terms: dict[str, Any]


cents = st.integers(95, 105)


@st.composite
def markets(draw: st.DrawFn) -> list[Row]:
    """Bars of ten nanoseconds of two symbols, some missing."""
    rows = []
    for start_ns in range(0, 10 * draw(st.integers(1, 25)), 10):
        for symbol in draw(st.sampled_from([(0,), (1,), (0, 1), (0, 1), ()])):
            low, open_, high = sorted([draw(cents), draw(cents), draw(cents)])
            rows.append(Row(symbol, start_ns, float(open_), 1e6, float(high), float(low)))
    return rows


@st.composite
def wishes(draw: st.DrawFn) -> Wish:
    kind = draw(st.sampled_from([MARKET, LIMIT, STOP, STOP_LIMIT]))
    terms: dict[str, Any] = {"kind": kind, "tif": draw(st.sampled_from([GTC, GTC, IOC]))}
    if kind in (LIMIT, STOP_LIMIT):
        terms["limit"] = float(draw(cents))
    if kind in (STOP, STOP_LIMIT):
        terms["stop"] = float(draw(cents))
    units = draw(st.sampled_from([1, -1, 3, -2])) * UNITS
    return Wish(draw(st.integers(0, 25)) * 10, draw(st.integers(0, 1)), units, terms)


def by_loop(rows: Sequence[Row], orders: Sequence[Wish], through: bool) -> list[Found]:
    """Every order held against every bar."""
    found: list[Found] = []
    waiting = [
        Order(number, 0, SYMBOLS[wish.symbol], wish.symbol, wish.units, wish.at_ns, **wish.terms)
        for number, wish in enumerate(orders, 1)
    ]
    for start_ns in sorted({row.start_ns for row in rows}):
        hits = []
        for row in rows:
            for order in [o for o in waiting if o.symbol_index == row.symbol]:
                if row.start_ns != start_ns or order.created_ns > start_ns:
                    continue
                stand = Stand(order.kind, order.units > 0, order.limit, order.stop, order.triggered)
                bar = Prices(row.open, row.high or 0.0, row.low or 0.0, row.open)
                at, left = touch(stand, bar, through=through)
                order.triggered = left.triggered
                now = at is not None and (order.tif != IOC or at.phase == OPEN)
                if now or order.tif == IOC:
                    waiting.remove(order)
                if now and at is not None:
                    hits.append((at.phase, not at.at_market, order.order_id, at.price))
        found += [(number, price, start_ns) for _, _, number, price in sorted(hits)]
    return found


@given(
    markets(),
    st.lists(wishes(), max_size=8).map(lambda found: sorted(found, key=lambda wish: wish.at_ns)),
    st.lists(st.integers(0, 25).map(lambda place: place * 10), max_size=3),
    st.booleans(),
)
def test_what_the_broker_finds_is_what_a_loop_over_every_bar_finds(
    rows: list[Row], orders: list[Wish], cuts: list[int], through: bool
) -> None:
    execution = manager_of(symbols=SYMBOLS, rules=FillRules(bars=BarRules(through)))
    waiting = list(orders)
    bounds = sorted({-1, *cuts, 270})
    for low, high in pairwise(bounds):
        block = [row for row in rows if low < row.start_ns + 10 <= high]
        execution.broker.load(book_of(block))
        for now_ns in range(max(low, -10) + 1, high + 1):
            if execution.broker.due_ns == now_ns:
                execution.match(now_ns)
                execution.broker.settle(now_ns)
            while waiting and waiting[0].at_ns == now_ns:
                wish = waiting.pop(0)
                submit(execution, 0, wish.symbol, wish.units, now_ns, **wish.terms)
    found = [(fill[1], fill[4], fill[6]) for fill in execution.diary.take().fills]
    assert found == by_loop(rows, orders, through)


@given(
    markets(),
    st.lists(st.tuples(st.integers(0, 1), st.integers(-5, 265)), max_size=30),
    st.booleans(),
)
def test_the_last_close_is_that_known_then_in_whatever_order_it_is_asked_for(
    rows: list[Row], asked: list[tuple[int, int]], alone: bool
) -> None:
    if alone:
        rows = [row for row in rows if row.symbol == 0]
    book = book_of(rows, symbols=1 if alone else 2)
    for symbol, now_ns in asked:
        symbol = 0 if alone else symbol
        known = [row.open for row in rows if row.symbol == symbol and row.start_ns + 10 <= now_ns]
        assert book.last_close(symbol, now_ns) == (known[-1] if known else 0.0)
