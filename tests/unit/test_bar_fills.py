"""What one bar does to orders that depend on each other, and to those that are held against it."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from price_ways import ways

from app.core.money import UNITS
from app.core.orders import (
    FILLED,
    GTC,
    IOC,
    LIMIT,
    MARKET,
    STOP,
    STOP_LIMIT,
    TRAILING_STOP,
    Guard,
    Order,
)
from app.managers.execution_manager.orders.links import Links
from app.managers.execution_manager.orders.working_orders import WorkingOrders
from app.services.bar_fills import BarFills, BarRules
from app.services.matching import BEST, OHLC_PATH, SAME_BAR, WORST, Prices

CENT = UNITS // 100
BAR = Prices(open=100.0, high=103.0, low=98.0, close=100.5)
Fills = list[tuple[int, int, float]]  # order, quantity, price


class Floor:
    """Orders as a broker holds them."""

    def __init__(self, held: int = 0) -> None:
        self.held = held
        self.working = WorkingOrders()
        self.links = Links(self.working)

    def order(self, quantity: int, kind: str = MARKET, **terms: Any) -> Order:
        number = len(self.working) + 1
        order = Order(number, 0, "X", 0, quantity * UNITS, 0, kind=kind, **terms)
        self.working[number] = order
        if order.parent or order.group:
            self.links.add(order)
        return order

    def bar(self, bar: Prices, same_bar: str = WORST, capacity: int | None = None) -> BarFills:
        units = None if capacity is None else capacity * UNITS
        rules = BarRules(same_bar=same_bar)
        held = self.held * UNITS
        return BarFills(bar, CENT, UNITS, rules, self.links, units, lambda strategy: held, 0)

    def fills(
        self, orders: Sequence[Order], bar: Prices = BAR, same_bar: str = WORST,
        capacity: int | None = None,
    ) -> Fills:  # fmt: skip
        found = self.bar(bar, same_bar, capacity).of(orders)
        return [(f.order.order_id, f.units // UNITS, f.at.price) for f in found]


def bracket(
    quantity: int = 10, exits: tuple[float, float] = (102.0, 99.0), **entry: Any
) -> tuple[Floor, Order]:
    """An entry (1), its target (2) and its stop (3)."""
    floor = Floor()
    first = floor.order(quantity, **entry)
    links = {"parent": 1, "group": 1, "reduce_only": True, "tif": GTC}
    floor.order(-quantity, LIMIT, limit=exits[0], **links)
    floor.order(-quantity, STOP, stop=exits[1], **links)
    return floor, first


LIMITED = {"kind": LIMIT, "limit": 99.5}


@pytest.mark.parametrize(
    ("entry", "exits", "bar", "same_bar", "found"),
    [
        # The entry fills at the open: its children see the whole bar, and both are touched.
        ({}, (102.0, 99.0), BAR, WORST, [(1, 10, 100.0), (3, -10, 99.0)]),
        ({}, (102.0, 99.0), BAR, BEST, [(1, 10, 100.0), (2, -10, 102.0)]),
        ({}, (102.0, 99.0), BAR, OHLC_PATH, [(1, 10, 100.0), (3, -10, 99.0)]),
        ({}, (102.0, 99.0), BAR._replace(low=96.0), OHLC_PATH, [(1, 10, 100.0), (2, -10, 102.0)]),
        # one of them, or none
        ({}, (102.0, 97.0), BAR, WORST, [(1, 10, 100.0), (2, -10, 102.0)]),
        ({}, (104.0, 99.0), BAR, BEST, [(1, 10, 100.0), (3, -10, 99.0)]),
        ({}, (104.0, 97.0), BAR, WORST, [(1, 10, 100.0)]),
        # a stop above the open is gapped at once
        ({}, (104.0, 101.0), BAR, WORST, [(1, 10, 100.0), (3, -10, 100.0)]),
        # The entry fills inside: at worst the stop fills if it can have, and else the target where
        # the price surely came.
        (LIMITED, (102.0, 99.0), BAR, WORST, [(1, 10, 99.5), (3, -10, 99.0)]),
        (LIMITED, (102.0, 97.0), BAR, WORST, [(1, 10, 99.5)]),
        (LIMITED, (100.5, 97.0), BAR, WORST, [(1, 10, 99.5), (2, -10, 100.5)]),
        ({"kind": STOP, "stop": 101.0}, (102.0, 97.0), BAR, WORST,
         [(1, 10, 101.0), (2, -10, 102.0)]),
        (LIMITED, (102.0, 99.0), BAR, BEST, [(1, 10, 99.5), (2, -10, 102.0)]),
        # at best a stop fills only where the price surely came: a limit was reached going down
        (LIMITED, (104.0, 99.0), BAR, BEST, [(1, 10, 99.5), (3, -10, 99.0)]),
        ({"kind": STOP, "stop": 101.0}, (104.0, 99.0), BAR, BEST, [(1, 10, 101.0)]),
        ({"kind": STOP, "stop": 101.0}, (104.0, 99.0), BAR, WORST,
         [(1, 10, 101.0), (3, -10, 99.0)]),
        # along the path: down to 98, up to 103, and to 100.5
        (LIMITED, (102.0, 97.0), BAR, OHLC_PATH, [(1, 10, 99.5), (2, -10, 102.0)]),
        (LIMITED, (102.0, 98.5), BAR, OHLC_PATH, [(1, 10, 99.5), (3, -10, 98.5)]),
        ({"kind": STOP, "stop": 101.0}, (104.0, 99.0), BAR, OHLC_PATH, [(1, 10, 101.0)]),
        ({"kind": STOP, "stop": 102.0}, (104.0, 100.7), BAR, OHLC_PATH,
         [(1, 10, 102.0), (3, -10, 100.7)]),
    ],
)  # fmt: skip
def test_an_entry_and_its_exits_share_a_bar_by_the_policy(
    entry: dict[str, Any], exits: tuple[float, float], bar: Prices, same_bar: str, found: Fills
) -> None:
    floor, first = bracket(10, exits, **entry)
    assert floor.fills([first], bar, same_bar) == found


def test_of_two_resting_legs_the_policy_takes_one() -> None:
    for same_bar, found in [
        (WORST, [(2, -10, 99.0)]), (BEST, [(1, -10, 102.0)]), (OHLC_PATH, [(2, -10, 99.0)]),
    ]:  # fmt: skip
        floor = Floor(10)
        legs = [
            floor.order(-10, LIMIT, limit=102.0, group=1),
            floor.order(-10, STOP, stop=99.0, group=1),
        ]
        assert floor.fills(legs, BAR, same_bar) == found


def test_of_two_ways_in_the_worse_by_the_bar_s_end_is_taken() -> None:
    for same_bar, found in [(WORST, [(1, 5, 102.0)]), (BEST, [(2, -5, 98.5)])]:
        bar = BAR._replace(close=98.2)
        floor = Floor()
        legs = [
            floor.order(5, STOP, stop=102.0, group=1), floor.order(-5, STOP, stop=98.5, group=1),
        ]  # fmt: skip
        assert floor.fills(legs, bar, same_bar) == found


def test_a_leg_gapped_at_the_open_leaves_no_question() -> None:
    for same_bar in SAME_BAR:
        floor = Floor(10)
        legs = [
            floor.order(-10, LIMIT, limit=99.0, group=1),
            floor.order(-10, STOP, stop=98.5, group=1),
        ]
        assert floor.fills(legs, BAR, same_bar) == [(1, -10, 100.0)]


def test_what_one_leg_fills_the_others_lose() -> None:
    floor = Floor(10)
    legs = [
        floor.order(-4, LIMIT, limit=99.0, group=1),  # at the open
        floor.order(-10, STOP, stop=98.5, group=1),
        floor.order(3, STOP, stop=102.0, group=1),
    ]
    assert floor.fills(legs) == [(1, -4, 100.0), (2, -6, 98.5)]
    for leg, left in floor.links.after_fill(legs[0], -4 * UNITS):
        assert left == {2: -6 * UNITS, 3: 0}[leg.order_id]


@pytest.mark.parametrize(("held", "found"), [(10, -10), (4, -4), (0, 0), (-5, 0)])
def test_an_order_that_only_reduces_fills_no_more_than_is_held(held: int, found: int) -> None:
    floor = Floor(held)
    order = floor.order(-10, STOP, stop=99.0, reduce_only=True)
    assert floor.fills([order]) == ([(1, found, 99.0)] if found else [])


def test_two_orders_that_only_reduce_do_not_reduce_twice() -> None:
    floor = Floor(10)
    orders = [
        floor.order(-8, STOP, stop=99.0, reduce_only=True),
        floor.order(-8, STOP, stop=98.5, reduce_only=True),
    ]
    assert floor.fills(orders) == [(1, -8, 99.0), (2, -2, 98.5)]


def test_children_get_as_much_as_their_entry_and_all_share_the_bar() -> None:
    floor, first = bracket(10)
    assert floor.fills([first], capacity=6) == [(1, 6, 100.0)]
    assert floor.fills([first], capacity=9) == [(1, 9, 100.0)]
    assert floor.fills([first], capacity=15) == [(1, 10, 100.0), (3, -5, 99.0)]


def test_a_child_larger_than_its_entry_is_whole_when_the_entry_is() -> None:
    floor = Floor()
    entry = floor.order(10)
    floor.order(-30, STOP, stop=99.0, parent=1)
    assert floor.fills([entry]) == [(1, 10, 100.0), (2, -30, 99.0)]
    assert floor.fills([entry], capacity=100) == [(1, 10, 100.0), (2, -30, 99.0)]
    entry.units = 12 * UNITS
    entry.filled_units = 3 * UNITS
    assert floor.fills([floor.working[2]]) == [(2, -3, 99.0)]
    entry.filled_units, entry.state = 12 * UNITS, FILLED
    assert floor.fills([floor.working[2]]) == [(2, -30, 99.0)]


def test_a_trailing_child_begins_at_its_entry_s_price() -> None:
    floor = Floor()
    entry = floor.order(10)
    child = floor.order(-10, TRAILING_STOP, trail=1.5, parent=1)
    assert floor.fills([entry]) == [(1, 10, 100.0), (2, -10, 98.5)]
    bar = floor.bar(Prices(100.0, 103.0, 99.5, 102.5), BEST)
    assert [fill.order.order_id for fill in bar.of([entry])] == [1]
    assert bar.left[child.order_id].stop == 101.5  # it has followed the high
    inside = floor.order(10, LIMIT, limit=99.0)
    late = floor.order(-10, TRAILING_STOP, trail_percent=5.0, parent=inside.order_id)
    bar = floor.bar(BAR)
    assert [fill.order.order_id for fill in bar.of([inside])] == [inside.order_id]
    assert bar.left[late.order_id].stop == 95.48  # 100.5 less 5 %: where the bar surely was


def test_market_children_wait_for_the_next_bar_and_immediate_ones_for_the_open() -> None:
    floor = Floor()
    entry = floor.order(10, LIMIT, limit=99.0)
    floor.order(-10, parent=1)
    floor.order(-10, STOP, stop=98.5, parent=1, tif=IOC)
    assert floor.fills([entry]) == [(1, 10, 99.0)]


def test_nothing_is_changed_by_asking() -> None:
    floor, first = bracket(10)
    before = [repr(order) for order in floor.working.values()]
    for same_bar in SAME_BAR:
        floor.fills([first], BAR, same_bar)
    assert [repr(order) for order in floor.working.values()] == before


# -- whatever way the price took -------------------------------------------------------------------


def really(way: Sequence[int], entry: Order, target: int, stop: int) -> int:
    """What a bracket gained by the end of the way, in cents a share: tick by tick."""
    side = 1 if entry.units > 0 else -1
    paid: int | None = None
    for place, tick in enumerate(way):
        if paid is None:
            limit = entry.limit and round(entry.limit * 100)
            level = entry.stop and round(entry.stop * 100)
            if entry.kind == MARKET or (limit and side * tick <= side * limit):
                paid = tick
            elif level and side * tick >= side * level:
                paid = tick if place == 0 else level
        if paid is not None:
            if side * tick <= side * stop:  # below its stop at once, it gets where it is
                return side * (tick - paid)
            if side * tick >= side * target:
                return side * (tick - paid)
    return 0 if paid is None else side * (way[-1] - paid)


cents = st.integers(9_985, 10_015)


@settings(max_examples=1000)
@given(ways(15), st.sampled_from([MARKET, LIMIT, STOP]), st.booleans(), cents,
       st.integers(1, 12), st.integers(1, 12))  # fmt: skip
def test_no_way_through_a_bar_takes_a_bracket_out_of_its_band(
    way: list[int], kind: str, buys: bool, price: int, up: int, down: int
) -> None:
    side = 1 if buys else -1
    floor = Floor()
    terms = {LIMIT: {"limit": price / 100}, STOP: {"stop": price / 100}}.get(kind, {})
    entry = floor.order(side, kind, **terms)
    start = way[0] if kind == MARKET else price
    better = side * way[0] < side * price if kind == LIMIT else side * way[0] > side * price
    if kind != MARKET and better:  # it fills at the open
        start = way[0]
    target, stop = start + side * up, start - side * down
    exits = {"parent": 1, "group": 1, "reduce_only": True}
    floor.order(-side, LIMIT, limit=target / 100, **exits)
    floor.order(-side, STOP, stop=stop / 100, **exits)
    bar = Prices(way[0] / 100, max(way) / 100, min(way) / 100, way[-1] / 100)
    gains = {}
    for same_bar in SAME_BAR:
        held = floor.bar(bar, same_bar)
        gains[same_bar] = round(held.gain_units(held.of([entry])) / CENT)
    assert gains[WORST] <= really(way, entry, target, stop) <= gains[BEST]
    assert gains[WORST] <= gains[OHLC_PATH] <= gains[BEST]


@settings(max_examples=300)
@given(ways(15), st.lists(st.tuples(st.sampled_from([LIMIT, STOP]), st.booleans(), cents),
                        min_size=2, max_size=3), st.sampled_from(SAME_BAR))  # fmt: skip
def test_of_a_group_no_more_than_one_leg_fills(
    way: list[int], legs: list[tuple[str, bool, int]], same_bar: str
) -> None:
    floor = Floor()
    orders = [
        floor.order(1 if buys else -1, kind, group=1, **{kind: price / 100})
        for kind, buys, price in legs
    ]
    bar = Prices(way[0] / 100, max(way) / 100, min(way) / 100, way[-1] / 100)
    alone = [Floor().fills([order], bar, same_bar) for order in orders]
    assert len(floor.fills(orders, bar, same_bar)) == min(1, sum(map(len, alone)))


def test_a_stop_limit_inside_its_bar_is_uncertain_and_a_plain_limit_is_not() -> None:
    floor = Floor()
    order = floor.order(1, STOP_LIMIT, stop=102.0, limit=99.0)
    gains = [floor.bar(BAR, policy).of([order]) for policy in (WORST, BEST)]
    assert [len(fills) for fills in gains] == [0, 1]


@pytest.mark.parametrize(("same_bar", "taken"), [(WORST, (2, -10, 9.61)), (BEST, (1, 10, 9.63))])
def test_of_legs_that_are_worth_the_same_to_the_cent_the_first_in_turn_is_taken(
    same_bar: str, taken: tuple[int, int, float]
) -> None:
    """A cent lost either way: as floats 9.62 - 9.63 is the larger loss."""
    floor = Floor()
    legs = [
        floor.order(10, LIMIT, limit=9.63, group=1),
        floor.order(-10, STOP, stop=9.61, group=1),
    ]
    bar = Prices(open=9.71, high=9.77, low=9.56, close=9.62)
    assert floor.fills(legs, bar, same_bar) == [taken]


def test_the_leg_that_is_taken_has_its_own_turn_and_not_that_of_the_other() -> None:
    floor = Floor()
    orders = [
        floor.order(10, STOP, stop=100.3, group=1),  # first in turn, but worth more
        floor.order(10, LIMIT, limit=99.0),
        floor.order(-10, LIMIT, limit=100.2, group=1),
    ]
    assert floor.fills(orders) == [(2, 10, 99.0), (3, -10, 100.2)]
    assert floor.fills(orders, capacity=10) == [(2, 10, 99.0)]


@pytest.mark.parametrize("same_bar", [WORST, BEST])
def test_at_the_open_what_trades_at_market_goes_first_whatever_the_policy(same_bar: str) -> None:
    """It opens the bar; a stop limit that it reaches trades at its limit, in its turn."""
    floor = Floor()
    orders = [
        floor.order(10, LIMIT, limit=101.0),
        floor.order(10, STOP_LIMIT, stop=99.0, limit=101.0),
        floor.order(10, STOP, stop=99.0),
    ]
    filled = [floor.fills(orders, BAR, same_bar, shares) for shares in (10, 20)]
    assert filled == [[(3, 10, 100.0)], [(3, 10, 100.0), (1, 10, 100.0)]]


@pytest.mark.parametrize(
    ("held", "exits"), [(10, [(3, 5, 102.0)]), (13, [(3, 2, 102.0)]), (15, [])]
)
def test_a_guarding_exit_takes_out_only_what_its_entry_opened_on_the_bar(
    held: int, exits: Fills
) -> None:
    floor = Floor(held)
    orders = [floor.order(-10), floor.order(-5)]
    floor.order(5, STOP, stop=102.0, parent=2, tif=GTC, guard=Guard())
    assert floor.fills(orders) == [(1, -10, 100.0), (2, -5, 100.0), *exits]
