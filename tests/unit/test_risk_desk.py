"""Limits of exposure over an account: for whom they hold, cuts, amendments, one instant."""

import pytest
from limited_house import Desk

from app.core.money import UNITS
from app.core.orders import ACCEPTED, LIMIT, REJECTED, Order, Terms


def size(order: Order) -> float:
    return order.units / UNITS


def test_an_order_is_cut_to_the_tightest_of_its_limits() -> None:
    desk = Desk(
        oversize="cut",
        max_gross_value=900,
        max_net_value=800,
        strategies={"one": {"max_gross_value": 705}},
    )
    order = desk.give(100, strategy=0)
    assert size(order) == 70  # whole lots
    assert order.state == ACCEPTED
    assert order.reason == (
        "cut from 100: max_gross_value of strategy one: 1000 is over 705"
    )  # fmt: skip
    order = desk.give(100, strategy=1, symbol=1)
    assert (size(order), order.reason) == (10, "cut from 100: max_net_value: 1700 is over 800")
    order = desk.give(-100, strategy=1, symbol=1)  # it would come to 70 long, or 100 short
    assert size(order) == -20
    assert order.reason == "cut from 100: max_gross_value: 1700 is over 900"
    refused = desk.give(1, strategy=1, symbol=1)
    assert refused.state == REJECTED


def test_orders_of_one_instant_are_seen_by_those_behind_them() -> None:
    desk = Desk(max_leverage="0.1", max_open_orders=3)
    assert [desk.give(25, symbol=number % 2).state for number in range(4)] == [ACCEPTED] * 3 + [
        REJECTED
    ]
    desk = Desk(max_leverage="0.1")
    orders = [desk.give(30, symbol=number % 2) for number in range(4)]
    assert [order.state for order in orders] == [ACCEPTED] * 3 + [REJECTED]
    assert orders[3].reason == "max_leverage: 1200 is over 1000, 0.1 times 10000"


def test_a_fill_makes_no_difference_to_what_a_working_order_took() -> None:
    desk = Desk(max_gross_value=1000)
    assert desk.ask(60).filled_units == 60 * UNITS
    assert desk.give(41).reason == "max_gross_value: 1010 is over 1000"
    assert desk.give(40).state == ACCEPTED
    desk.prices.of[0] = 20.0  # over already
    desk.now_ns += 10
    assert desk.give(1, symbol=1).reason == "max_gross_value: 2010 is over 1000"
    assert desk.give(-60).state == ACCEPTED


@pytest.mark.parametrize(
    ("scope", "orders"),
    [
        ({"strategies": {"one": {"max_open_positions": 1}}}, [(0, 0, True), (1, 1, True),
                                                              (0, 1, False), (1, 0, True)]),
        ({"symbols": {"Y": {"max_open_orders": 1}}}, [(0, 0, True), (1, 0, True), (1, 1, True),
                                                      (0, 1, False), (0, 0, True)]),
        ({"symbols": {"Y": {"max_gross_value": 100}}}, [(0, 0, True), (0, 1, True), (1, 1, False),
                                                        (1, 0, True)]),
        ({"max_open_positions": 1}, [(0, 0, True), (1, 0, True), (1, 1, False)]),
    ],
)  # fmt: skip
def test_a_narrow_limit_looks_at_its_own_part_alone(
    scope: dict[str, object], orders: list[tuple[int, int, bool]]
) -> None:
    desk = Desk(**scope)
    for strategy, symbol, passes in orders:
        order = desk.give(10, strategy, symbol)
        assert (order.state == ACCEPTED) is passes, (strategy, symbol, order.reason)


def test_an_amendment_is_held_against_what_it_adds() -> None:
    desk = Desk(max_gross_value=1000, max_open_orders=1)
    order = desk.give(50, kind=LIMIT, limit=9.0)
    assert not desk.execution.amend(order, Terms(101 * UNITS, 9.0, None, None, None), desk.now_ns)
    assert order.reason == "max_gross_value: 1010 is over 1000"
    assert desk.execution.amend(order, Terms(100 * UNITS, 9.0, None, None, None), desk.now_ns)


def test_what_only_takes_a_position_out_passes_every_limit() -> None:
    desk = Desk(
        max_gross_value=1000, max_net_value=1000, max_leverage="0.1", max_open_orders=1,
        max_group_percent=10, groups={"all": ["X", "Y"]}, restricted=["Y"], max_daily_loss=1,
        max_drawdown_percent="0.1",
    )  # fmt: skip
    assert desk.ask(100).filled_units == 100 * UNITS
    desk.prices.of[0] = 5.0
    assert desk.give(1).state == REJECTED
    assert desk.give(-60).state == ACCEPTED
    assert desk.give(-40).state == ACCEPTED
    assert desk.give(-1).state == REJECTED


def test_a_symbol_without_a_price_takes_no_orders_where_exposure_is_limited() -> None:
    desk = Desk(max_leverage=2)
    desk.prices.of[1] = 0.0
    assert desk.give(1, symbol=1).reason == "max_leverage: no price is known"
    assert desk.give(1, symbol=1, kind=LIMIT, limit=3.0).state == ACCEPTED
