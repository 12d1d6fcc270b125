"""What a portfolio may come to, against every way in which its working orders could fill."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest
from execution_house import Row, Unpriced, manager_of, submit
from hypothesis import example, given
from hypothesis import strategies as st
from tests.risk_house import ask

from app.core.fingerprint import Fingerprint, ticket
from app.core.instruments import Instrument
from app.core.money import UNITS, amount_units, to_units
from app.core.orders import ACCEPTED, CANCEL_PENDING, LIMIT, Order
from app.managers.execution_manager.books.account import Account, AccountTerms
from app.managers.execution_manager.books.diary import Diary
from app.managers.execution_manager.limits.exposure import Holdings
from app.managers.execution_manager.limits.moment import Moment
from app.managers.execution_manager.limits.order_counts import OrderCounts
from app.managers.execution_manager.orders.working_orders import WorkingOrders

SYMBOLS, STRATEGIES = 3, 2
MARKS = (10.0, 33.33, 0.07)
RATES = (1.0, 1.25, 1.0)
MULTIPLIERS = (1, 1, 50)


class Marks:
    """A market with last closes alone."""

    session = Unpriced.session

    def mark(self, symbol: int) -> float:
        return MARKS[symbol]


class Counted:
    """Who books, as far as a moment asks."""

    fill_count = 0

    def __init__(self) -> None:
        self.diary = Diary(Fingerprint(["one"], ["S0"]))


orders = st.lists(
    st.builds(
        lambda *fields: fields,
        st.integers(0, STRATEGIES - 1),
        st.integers(0, SYMBOLS - 1),
        st.integers(-200, 200).filter(bool),
        st.sampled_from([0, 0, 1]),
        st.sampled_from([False, False, True]),
        st.sampled_from([None, 0, 30, 30, 120, 400]),
        st.sampled_from([ACCEPTED, ACCEPTED, CANCEL_PENDING]),
    ),
    max_size=7,
)
held = st.lists(
    st.lists(st.integers(-300, 300), min_size=SYMBOLS, max_size=SYMBOLS),
    min_size=STRATEGIES,
    max_size=STRATEGIES,
)


HELD = [[100, 0, 0], [0, 0, 0]]
CLOSE = 0, 0, -100, 0, True, None, ACCEPTED  # on its way
TURNING = HELD, [CLOSE, (0, 0, -200, 0, False, 100, ACCEPTED)]  # yields to it
LEAVING = HELD, [CLOSE, (0, 0, -200, 0, False, 100, CANCEL_PENDING)]  # may be gone for it
CLOSING = HELD, [(0, 0, -50, 0, False, 0, ACCEPTED)]


class World:
    """An account that holds something, and orders that work."""

    def __init__(self, positions: list[list[int]], working: list[tuple[Any, ...]]) -> None:
        instruments = [
            Instrument("XNYS", f"S{n}", multiplier=Decimal(MULTIPLIERS[n]),
                       currency="USD" if RATES[n] == 1 else "EUR")
            for n in range(SYMBOLS)
        ]  # fmt: skip
        terms = AccountTerms(rates={Unpriced.session.date: {"EUR": 1.25}})
        self.account = Account(terms, Decimal(100_000), instruments, STRATEGIES)
        for row, own in zip(self.account.positions, positions, strict=True):
            for symbol, shares in enumerate(own):
                if shares:
                    self.account.by_symbol[symbol].fill(row[symbol], shares * UNITS, 5.0)
        self.working = WorkingOrders()
        for number, (strategy, symbol, shares, filled, reduces, far, state) in enumerate(
            working, 1
        ):
            order = Order(number, strategy, f"S{symbol}", symbol, shares * UNITS, 0)
            order.reduce_only, order.state = reduces, state
            order.filled_units = (shares * UNITS // abs(shares)) * filled if abs(shares) > 1 else 0
            self.working[number] = order
            if far is not None and not reduces:
                self.working.promised[number] = far * UNITS
        self.moment = Moment(Counted(), self.working, Marks().mark)
        self.moment.turn(1)
        self.moment.turn_orders()

        self.whole = Holdings(self.account, self.working, self.moment, OrderCounts(()))

    def holdings(self, strategy: int | None, symbol: int | None) -> Holdings:
        return Holdings(
            self.account, self.working, self.moment, OrderCounts(()), strategy, symbol, self.whole
        )

    def left(self, strategy: int | None, symbol: int, *, reduces: bool = False) -> list[int]:
        return [
            order.units - order.filled_units
            for order in self.working.values()
            if order.symbol_index == symbol
            and order.reduce_only == reduces
            and strategy in (None, order.strategy)
        ]

    def taken_out(self, strategy: int | None, symbol: int) -> list[int]:
        """What exits at market are about to take out, by strategy: never more than it holds."""
        found = []
        for one in range(STRATEGIES) if strategy is None else [strategy]:
            held, exits = self.held(one, symbol), self.left(one, symbol, reduces=True)
            sales = sum(units for units in exits if units * held < 0)
            found.append(sales if abs(sales) < abs(held) else -held)
        return found

    def filling(self, strategy: int | None, symbol: int) -> list[int]:
        """What all of these may fill."""
        return self.left(strategy, symbol) + self.taken_out(strategy, symbol)

    def held(self, strategy: int | None, symbol: int) -> int:
        rows = self.account.positions
        return sum(
            row[symbol].units for n, row in enumerate(rows) if strategy in (None, n)
        )  # fmt: skip

    def promised(self, strategy: int, symbol: int, sign: int) -> int:
        """How far orders to one side may go, where an exit takes the position out."""
        found = [0]
        for number, far in self.working.promised.items():
            order = self.working[number]
            if (order.strategy, order.symbol_index) == (strategy, symbol):
                found.append(far if order.units * sign > 0 else 0)
        return max(found)

    def kept_to(self, strategy: int, symbol: int, sign: int, more: int) -> int:
        """How far beyond nothing held orders to one side may go, with so much more of them."""
        held = abs(self.held(strategy, symbol))
        plain = more + sum(max(left * sign, 0) for left in self.left(strategy, symbol))
        exits = sum(max(out * sign, 0) for out in self.taken_out(strategy, symbol))
        beyond, all_filled = self.promised(strategy, symbol, sign), plain + exits - held
        if not beyond and all_filled <= 0:
            return all_filled
        if more:
            beyond = max(beyond, all_filled)  # it was weighed with all of them filled
        yields = all(
            number in self.working.promised and order.state != CANCEL_PENDING
            for number, order in self.working.items()
            if (order.strategy, order.symbol_index) == (strategy, symbol)
            and order.units * sign > 0
            and not order.reduce_only
        )
        return max(min(beyond, plain), plain - held if yields else all_filled)

    def ends(
        self, strategy: int | None, symbol: int, by: int = 0, more: int = 0
    ) -> tuple[int, int]:
        """The least and the most that may be held, with so much more that a strategy asks for."""
        least = most = 0
        for one in range(STRATEGIES) if strategy is None else [strategy]:
            held, own = self.held(one, symbol), more if one == by else 0
            fills = [*self.filling(one, symbol), own]
            up = held + sum(max(units, 0) for units in fills)
            down = held + sum(min(units, 0) for units in fills)
            if held < 0:
                up = self.kept_to(one, symbol, 1, max(own, 0))
            if held > 0:
                down = -self.kept_to(one, symbol, -1, max(-own, 0))
            most, least = most + up, least + down
        return least, most


def worth(symbol: int, units: int) -> int:
    value = amount_units(units, MARKS[symbol], to_units(MULTIPLIERS[symbol]))
    return value if RATES[symbol] == 1 else amount_units(value, RATES[symbol])


@given(held, orders, st.sampled_from([None, 0, 1]), st.sampled_from([None, 0, 1, 2]))
@example(*TURNING, None, None)
@example(*LEAVING, None, None)
@example(*CLOSING, None, None)
def test_exposure_is_the_worst_that_could_come(
    positions: list[list[int]],
    working: list[tuple[Any, ...]],
    strategy: int | None,
    symbol: int | None,
) -> None:
    world = World(positions, working)
    world.account.open_session(Unpriced.session.date, None)
    own = world.holdings(strategy, symbol)
    symbols: Iterable[int] = range(SYMBOLS) if symbol is None else [symbol]
    ends = {s: world.ends(strategy, s) for s in symbols}
    worst = {s: max(abs(worth(s, end)) for end in ends[s]) for s in symbols}
    assert own.gross_units() == sum(worst.values())
    assert own.group_units(frozenset([2, 0])) == sum(worst[s] for s in worst if s != 1)
    held_worth = sum(worth(s, world.held(strategy, s)) for s in symbols)
    sides = [left for s in symbols for left in world.left(strategy, s)]
    least, most = (
        held_worth + sum(worth(s, ends[s][side] - world.held(strategy, s)) for s in symbols)
        for side in (0, 1)
    )
    other = STRATEGIES  # nobody's: none of what works is its own
    assert own.net_units(ask(1, strategy=other)) == most
    assert own.net_units(ask(-1, strategy=other)) == least
    assert own.open_orders() == len(sides)
    kept = [s for s in symbols if world.left(strategy, s) or _holds(world, strategy, s)]
    assert own.open_positions() == len(kept)
    assert [s for s in symbols if own.is_open(s)] == kept


def _holds(world: World, strategy: int | None, symbol: int) -> bool:
    rows = world.account.positions
    return any(row[symbol].units for n, row in enumerate(rows) if strategy in (None, n))


@given(
    held,
    orders,
    st.sampled_from([None, 0]),
    st.integers(0, STRATEGIES - 1),
    st.integers(-900, 900).filter(bool),
)
@example(*TURNING, None, 0, -50)
@example(*TURNING, None, 0, 150)
def test_what_is_free_adds_nothing_and_no_more_is_free(
    positions: list[list[int]],
    working: list[tuple[Any, ...]],
    strategy: int | None,
    by: int,
    shares: int,
) -> None:
    world, by = World(positions, working), by if strategy is None else strategy
    own, units = world.holdings(strategy, None), shares * UNITS
    free = own.free_units(ask(shares, strategy=by))
    before = max(map(abs, world.ends(strategy, 0)))
    assert max(map(abs, world.ends(strategy, 0, by, units))) <= before + abs(units - free)
    if free * units < 0:  # those beside it, which yield to an exit, need not where it is there
        return
    assert max(map(abs, world.ends(strategy, 0, by, free))) == before
    assert 0 <= free <= units or units <= free <= 0
    one = 1 if units > 0 else -1
    works = sum(left * one for left in world.filling(by, 0) if left * one > 0)
    if free != units and world.promised(by, 0, one) <= works:  # more was promised than still works
        assert max(map(abs, world.ends(strategy, 0, by, free + one))) > before


@given(
    held,
    orders,
    st.sampled_from([None, 0]),
    st.integers(0, STRATEGIES - 1),
    st.integers(-900, 900).filter(bool),
)
@example(*TURNING, None, 0, -50)
def test_net_value_with_an_order_is_never_less_than_what_may_come(
    positions: list[list[int]],
    working: list[tuple[Any, ...]],
    strategy: int | None,
    by: int,
    shares: int,
) -> None:
    """Where others give way to it, that is what may come without it."""
    world, by = World(positions, working), by if strategy is None else strategy
    own, asked = world.holdings(strategy, None), ask(shares, strategy=by)
    side = 1 if shares > 0 else -1
    without = own.net_units(ask(side, strategy=STRATEGIES))
    counted = own.net_units(asked) + worth(0, shares * UNITS)
    ends, after = world.ends(strategy, 0), world.ends(strategy, 0, by, shares * UNITS)
    came = without + worth(0, after[side > 0] - ends[side > 0])
    assert max(side * counted, side * without) >= side * came - 2


def test_what_was_worked_out_is_seen_anew_when_time_or_the_books_go_on() -> None:
    books = Counted()
    moment = Moment(books, {}, Marks().mark)
    seen = []
    for now_ns, fills in ((5, 0), (5, 0), (5, 1), (6, 1), (6, 1)):
        books.fill_count = fills
        moment.turn(now_ns)
        moment.turn_orders()
        seen.append((moment.works, moment.state))
    assert [state for _, state in seen] == [1, 1, 2, 3, 3]
    assert len({works for works, _ in seen}) == 3
    moment.forget()
    assert moment.state == 4
    assert moment.turn(6)


def test_an_order_is_taken_for_all_that_has_changed_only_where_it_is() -> None:
    books, working = Counted(), WorkingOrders()
    moment = Moment(books, working, Marks().mark)
    moment.turn(5)
    moment.turn_orders()

    def accept(number: int) -> Order:
        working[number] = order = Order(number, 0, "S0", 0, UNITS, 5)
        books.diary.happened.append(ticket(order))
        return order

    first = accept(1)
    moment.turn(5)
    moment.turn_orders()
    assert moment.added is first
    accept(2)
    accept(3)
    moment.turn(5)
    moment.turn_orders()
    assert moment.added is None
    books.diary.take()  # the count goes on
    del working[1]
    books.diary.ended.append(first)
    accept(4)
    works = moment.works
    moment.turn(5)
    moment.turn_orders()
    assert (moment.added, moment.works) == (None, works + 1)
    moment.turn(5)
    moment.turn_orders()
    assert moment.works == works + 1


@pytest.mark.parametrize("strategy", [0, 1])
def test_an_order_of_the_same_instant_is_seen_at_once(strategy: int) -> None:
    execution = manager_of([Row(0, 10, 10.0)], rules=None)
    working = execution.broker.working
    moment = Moment(execution, working, Marks().mark)
    own = Holdings(execution.account, working, moment, OrderCounts(()))
    own._moment.turn(5)
    own._moment.turn_orders()
    assert own.gross_units() == 0
    submit(execution, strategy, 0, 5 * UNITS, 5, kind=LIMIT, limit=9.0)
    own._moment.turn(5)
    own._moment.turn_orders()
    assert own.gross_units() == 50 * UNITS
    assert own.reach_units(0, 1) == 5 * UNITS


@pytest.mark.parametrize("strategies", [1, 2])
def test_coins_that_no_strategy_holds_count_however_many_strategies_there_are(
    strategies: int,
) -> None:
    account = Account(AccountTerms(), Decimal(1_000), [Instrument("XNYS", "S0")], strategies)
    mark = Marks().mark
    moment = Moment(Counted(), {}, mark)
    moment.turn(1)
    account.own.fill(account.loose_of(0), -2 * UNITS, 100.0, 200 * UNITS)
    whole = Holdings(account, {}, moment, OrderCounts(()))
    assert whole.worth_units() == account.equity_units(mark) != account.cash_units()
