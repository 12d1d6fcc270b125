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
from app.core.orders import LIMIT, Order
from app.managers.execution_manager.books.account import Account, AccountTerms
from app.managers.execution_manager.books.diary import Diary
from app.managers.execution_manager.limits.exposure import Holdings
from app.managers.execution_manager.limits.moment import Moment
from app.managers.execution_manager.limits.order_counts import OrderCounts
from app.managers.execution_manager.limits.reach import Reach
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
        st.sampled_from([0, 0, 7]),
    ),
    max_size=7,
)
held = st.lists(
    st.lists(st.integers(-300, 300), min_size=SYMBOLS, max_size=SYMBOLS),
    min_size=STRATEGIES,
    max_size=STRATEGIES,
)

askers = st.integers(0, STRATEGIES - 1)
sizes = st.integers(-900, 900).filter(bool)


HELD = [[100, 0, 0], [0, 0, 0]]
CLOSE = 0, 0, -100, 0, True, None, 0  # on its way
TURNING = HELD, [CLOSE, (0, 0, -200, 0, False, 100, 0)]  # yields to it
LEGS = HELD, [(0, 0, -180, 0, False, 80, 7), (0, 0, -90, 0, False, 80, 7)]
CLOSING = HELD, [(0, 0, -50, 0, False, 0, 0)]
PROMISED = HELD, [(0, 0, -150, 0, False, 150, 0)]
NOT_ALL = HELD, [(0, 0, -150, 0, False, 400, 0), (0, 0, -10, 0, False, None, 0)]
NOTHING = [[0, 0, 0], [0, 0, 0]]
BOUGHT = NOTHING, [(0, 0, -150, 0, False, 150, 0), (0, 0, 100, 0, False, 0, 0)]
SOLD = NOTHING, [(0, 0, 150, 0, False, 150, 0), (0, 0, -100, 0, False, 0, 0)]


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
        for number, fields in enumerate(working, 1):
            strategy, symbol, shares, filled, reduces, far, group = fields
            order = Order(number, strategy, f"S{symbol}", symbol, shares * UNITS, 0)
            order.reduce_only, order.group = reduces, group
            order.filled_units = (shares * UNITS // abs(shares)) * filled if abs(shares) > 1 else 0
            self.working[number] = order
            if far is not None and not reduces:
                self.working.promised[number] = far * UNITS
        self.books = Counted()
        self.moment = Moment(self.books, self.working, Marks().mark)
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

    def kept_to(
        self, strategy: int, symbol: int, sign: int, more: int = 0, *, certain: bool = False
    ) -> int:
        """How far beyond nothing held orders to one side may go, with so much more of them; or
        surely do, where they yield to exits and legs fill as one.
        """
        held, plain = abs(self.held(strategy, symbol)), self.plain(strategy, symbol, sign) + more
        exits = sum(max(out * sign, 0) for out in self.taken_out(strategy, symbol))
        everything = more + sum(max(left * sign, 0) for left in self.filling(strategy, symbol))
        beyond = self.promised(strategy, symbol, sign)
        if more:
            beyond = max(beyond, plain + exits - held)  # as it was weighed
        yields = certain and plain and self.working.promised  # exits alone are what they are
        least = (plain if yields else everything) - held
        return max(least, min(beyond, plain)) if beyond else least

    def plain(self, strategy: int, symbol: int, sign: int) -> int:
        """What orders for one side can fill, legs of a group the largest of them."""
        legs = dict[int, int]()
        for number, order in self.working.items():
            place, leg = (order.strategy, order.symbol_index), order.group or -number
            if place == (strategy, symbol) and not order.reduce_only:
                left = (order.units - order.filled_units) * sign
                legs[leg] = max(legs.get(leg, 0), left)
        return sum(legs.values())

    def ends(
        self,
        strategy: int | None,
        symbol: int,
        by: int = 0,
        more: int = 0,
        *,
        certain: bool = False,
    ) -> tuple[int, int]:
        """The least and the most that may be held, with so much more that a strategy asks for."""
        least = most = 0
        for one in range(STRATEGIES) if strategy is None else [strategy]:
            held, own = self.held(one, symbol), more if one == by else 0
            down, up = self.all_filled(one, symbol)
            up, down = up + max(own, 0), down + min(own, 0)
            if held < 0:
                up = self.kept_to(one, symbol, 1, max(own, 0), certain=certain)
            if held > 0:
                down = -self.kept_to(one, symbol, -1, max(-own, 0), certain=certain)
            most, least = most + up, least + down
        return least, most

    def all_filled(self, strategy: int, symbol: int) -> tuple[int, int]:
        """What is held once all has filled that is for one side."""
        held, fills = self.held(strategy, symbol), self.filling(strategy, symbol)
        return held + sum(min(u, 0) for u in fills), held + sum(max(u, 0) for u in fills)


def worth(symbol: int, units: int) -> int:
    value = amount_units(units, MARKS[symbol], to_units(MULTIPLIERS[symbol]))
    return value if RATES[symbol] == 1 else amount_units(value, RATES[symbol])


@given(held, orders, st.sampled_from([None, 0, 1]), st.sampled_from([None, 0, 1, 2]))
@example(*TURNING, None, None)
@example(*LEGS, None, None)
@example(*CLOSING, None, None)
@example(*NOT_ALL, None, None)
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


@given(held, orders, st.sampled_from([None, 0]), askers, sizes)
@example(*TURNING, None, 0, 150)
@example(*LEGS, None, 0, 150)
@example(*PROMISED, None, 0, -150)
@example(*NOT_ALL, None, 0, -300)
def test_what_is_free_adds_nothing_and_no_more_is_free(
    positions: list[list[int]],
    working: list[tuple[Any, ...]],
    strategy: int | None,
    by: int,
    shares: int,
) -> None:
    world, by = World(positions, working), by if strategy is None else strategy
    own, units, buys = world.holdings(strategy, None), shares * UNITS, shares > 0
    free = own.free_units(ask(shares, strategy=by))
    assert 0 <= free <= units or units <= free <= 0
    for one in range(STRATEGIES) if strategy is None else [by]:
        asked = ask(shares, strategy=one)
        added = abs(worth(0, units - own.free_units(asked)))
        assert own.added_units(asked, MARKS[0]) == added
    side = 1 if buys else -1
    most = max(
        side * world.ends(strategy, 0)[buys],
        -side * world.ends(strategy, 0, certain=True)[not buys],
    )
    assert side * world.ends(strategy, 0, by, free)[buys] <= most
    if free != units and world.promised(by, 0, side) <= world.plain(by, 0, side):
        assert side * world.ends(strategy, 0, by, free + side)[buys] > most


@given(held, orders, st.sampled_from([None, 0]), askers)
@example(*PROMISED, None, 1)
@example(*PROMISED, None, 0)
def test_a_position_reaches_as_far_as_others_were_promised(
    positions: list[list[int]], working: list[tuple[Any, ...]], strategy: int | None, by: int
) -> None:
    world, by = World(positions, working), by if strategy is None else strategy
    own, others = world.holdings(strategy, None), [] if strategy is not None else [1 - by]
    for shares, side in ((-1, 0), (1, 1)):
        ends = [world.all_filled(by, 0)[side], *(world.ends(one, 0)[side] for one in others)]
        assert own.reach_units(ask(shares, strategy=by)) == sum(ends)


@given(held, orders, st.sampled_from([None, 0]), askers, sizes)
@example(*TURNING, None, 0, -50)
@example(*PROMISED, None, 0, -150)
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


@given(held, orders.filter(len), st.sampled_from([None, 0]))
@example(*LEGS, None)
@example(HELD, [CLOSE, *LEGS[1]], None)
def test_a_figure_that_is_carried_on_by_an_order_is_the_one_that_is_counted_anew(
    positions: list[list[int]], working: list[tuple[Any, ...]], strategy: int | None
) -> None:
    world = World(positions, working)
    number, last = world.working.popitem()
    world.moment.forget()
    world.moment.turn(1)
    world.moment.turn_orders()
    carried = world.holdings(strategy, None)
    figures_of(carried)
    world.working[number] = last
    world.books.diary.happened.append(ticket(last))
    world.moment.turn(1)
    world.moment.turn_orders()
    assert world.moment.added is last
    assert figures_of(carried) == figures_of(world.holdings(strategy, None))


def figures_of(holdings: Holdings) -> list[int]:
    asks = [ask(shares, strategy=by, symbol=1) for shares in (-50, 50) for by in range(STRATEGIES)]
    asks += [ask(shares, strategy=by) for shares in (-50, 50) for by in range(STRATEGIES)]
    found = [holdings.gross_units(), holdings.open_orders(), holdings.open_positions()]
    for asked in asks:
        found += [holdings.reach_units(asked), holdings.free_units(asked)]
        found.append(holdings.net_units(asked))
    return found


@given(held, orders.filter(len), st.lists(st.tuples(st.integers(0, 6), st.integers(1, 2))))
@example(*BOUGHT, [(1, 1)])
@example(*SOLD, [(1, 1)])
@example(*PROMISED, [])
def test_no_quick_count_is_less_than_what_may_come_whatever_fills_behind_it(
    positions: list[list[int]], working: list[tuple[Any, ...]], fills: list[tuple[int, int]]
) -> None:
    """A fill takes away only what is certain."""
    world = World(positions, working)
    parts = [(None, 0), (0, 0), (1, 0)]
    whole = Reach(world.account, world.working, world.moment, lambda of: [MARKS[s] for s in of])
    quick = [whole.part(*part) for part in parts]
    for reach in quick:
        reach.turn()
    for place, part in fills:
        order = list(world.working.values())[place % len(world.working)]
        units = (order.units - order.filled_units) // part
        if not order.reduce_only:
            position = world.account.positions[order.strategy][order.symbol_index]
            world.account.by_symbol[order.symbol_index].fill(position, units, 5.0)
            order.filled_units += units
    world.moment.forget()
    world.moment.turn(2)
    world.moment.turn_orders()
    for reach, scope in zip(quick, parts, strict=True):
        reach.turn()
        exact = world.holdings(*scope)
        assert reach.most_units + reach.slack >= exact.gross_units()
        if line := reach.lines.get(0):
            for by in range(STRATEGIES) if scope[0] is None else [scope[0]]:
                assert line.up >= exact.reach_units(ask(1, strategy=by))
                assert -line.down <= exact.reach_units(ask(-1, strategy=by))


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
    assert own.reach_units(ask(1)) == 5 * UNITS


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
