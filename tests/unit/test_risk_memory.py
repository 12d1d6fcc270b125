"""What limits of loss remember: the session's beginning and the peak, of whom they are for."""

from decimal import Decimal

from execution_house import submit
from limited_house import Desk

from app.core.money import UNITS
from app.core.orders import ACCEPTED, FILLED, REJECTED
from app.managers.execution_manager.books.account import AccountTerms
from app.managers.execution_manager.execution_state import execution_state, restore_execution


def test_the_day_begins_anew_with_each_session() -> None:
    desk = Desk(max_daily_loss=100)
    assert desk.ask(100).filled_units == 100 * UNITS
    desk.prices.of[0] = 9.01
    assert desk.ask(1).state != REJECTED
    desk.prices.of[0] = 9.0
    lost = "max_daily_loss: 101 is lost since the open, the most is 100"
    assert desk.ask(1).reason == lost
    assert desk.ask(1).reason == lost
    desk.next_session()
    assert desk.ask(1).state != REJECTED
    desk.prices.of[0] = 8.0  # 101 shares fall by 1, and one was bought at 10
    assert desk.ask(1).reason == "max_daily_loss: 103 is lost since the open, the most is 100"


def test_a_loss_that_comes_back_is_none() -> None:
    desk = Desk(max_daily_loss=100)
    desk.ask(100)
    desk.prices.of[0] = 8.0
    assert desk.ask(1).state == REJECTED
    desk.prices.of[0] = 9.5
    assert desk.ask(1).state != REJECTED


def test_who_has_lost_gets_out_all_the_same() -> None:
    desk = Desk(max_daily_loss=100, max_drawdown_percent=1)
    desk.ask(100)
    desk.prices.of[0] = 5.0
    assert desk.ask(1).state == REJECTED
    assert desk.ask(-40).state != REJECTED
    turn = desk.ask(-90)  # through flat it would enter again
    assert (turn.state, turn.filled_units) == (FILLED, -60 * UNITS)


def test_what_the_night_brings_is_the_new_day_s() -> None:
    terms = AccountTerms(borrow_rate=Decimal("0.9"))
    desk = Desk(terms, max_daily_loss=1)
    desk.ask(-500)
    desk.next_session()  # 5000 x 0.9 / 360 = 12.5 for the shares
    assert desk.ask(-1).reason == "max_daily_loss: 12.5 is lost since the open, the most is 1"
    desk.next_session()
    desk.ask(500)
    desk.next_session()
    assert desk.ask(-1).state != REJECTED


def test_a_share_is_of_the_equity_that_the_day_began_with() -> None:
    desk = Desk(max_daily_loss_percent=1)
    desk.ask(1000)
    desk.prices.of[0] = 20.0
    assert desk.ask(1).state != REJECTED
    desk.next_session()
    desk.prices.of[0] = 19.82
    assert desk.ask(-1).state != REJECTED
    desk.prices.of[0] = 19.7
    found = desk.ask(1).reason
    assert found.startswith("max_daily_loss_percent: 3")
    assert found.endswith("the most is 200.1, 1 % of 20010")


def test_a_strategy_answers_for_its_own_losses() -> None:
    desk = Desk(strategies={"one": {"max_daily_loss": 50}})
    desk.ask(100, strategy=1)
    desk.prices.of[0] = 5.0  # strategy two loses 500
    assert desk.ask(10, strategy=0, symbol=1).state != REJECTED
    desk.prices.of[1] = 4.0
    reason = "max_daily_loss of strategy one: 60 is lost since the open, the most is 50"
    assert desk.ask(1, strategy=0, symbol=0).reason == reason
    assert desk.ask(1, strategy=1, symbol=1).state != REJECTED
    assert desk.ask(-10, strategy=0, symbol=1).state != REJECTED
    desk.prices.of[1] = 10.0  # it got out at 10: nothing is lost
    assert desk.ask(1, strategy=0, symbol=0).state != REJECTED


def test_a_symbol_answers_for_its_own_losses() -> None:
    desk = Desk(symbols={"Y": {"max_daily_loss": 50, "max_drawdown_percent": 1}})
    desk.ask(100, symbol=0)
    desk.prices.of[0] = 5.0
    assert desk.ask(20, symbol=1, strategy=0).state != REJECTED
    assert desk.ask(20, symbol=1, strategy=1).state != REJECTED
    desk.prices.of[1] = 8.0
    assert desk.ask(1, symbol=1).reason == (
        "max_daily_loss of symbol Y: 80 is lost since the open, the most is 50"
    )
    assert desk.ask(1, symbol=0).state != REJECTED


def test_a_strategy_s_share_is_of_the_account_s_equity() -> None:
    desk = Desk(strategies={"one": {"max_daily_loss_percent": 1}})
    desk.ask(1000, strategy=1)
    desk.prices.of[0] = 15.0
    desk.next_session()  # the account is worth 15,000
    desk.ask(100, strategy=0, symbol=1)
    desk.prices.of[1] = 8.6
    assert desk.ask(1, symbol=1).state != REJECTED
    desk.prices.of[1] = 8.5
    assert desk.ask(1, symbol=1).reason.endswith("the most is 150, 1 % of 15000")


def test_the_peak_is_seen_when_an_order_asks_and_when_a_session_opens() -> None:
    desk = Desk(max_drawdown_percent=10)
    desk.ask(1000)
    desk.prices.of[0] = 12.0
    desk.ask(1)
    assert desk.state() == [{"day_units": 10_000 * UNITS, "peak_units": 12_000 * UNITS}]
    desk.prices.of[0] = 13.0
    desk.next_session()
    peak = 13_003 * UNITS  # the one more was bought at 10
    assert desk.state() == [{"day_units": peak, "peak_units": peak}]
    desk.prices.of[0] = 12.0
    desk.next_session()
    assert desk.state() == [{"day_units": 12_002 * UNITS, "peak_units": peak}]
    desk.prices.of[0] = 11.71
    assert desk.ask(1).state != REJECTED
    desk.prices.of[0] = 11.6
    found = desk.ask(1)
    assert found.state == REJECTED
    assert found.reason.endswith("is lost since the peak, the most is 10 % of 13003")


def test_nothing_is_remembered_where_no_limit_looks_back() -> None:
    assert Desk(max_gross_value=1000).state() == []
    assert Desk().state() == []


def test_what_is_remembered_goes_on_from_a_state() -> None:
    risk = {"max_drawdown_percent": 10, "strategies": {"one": {"max_daily_loss": 50}}}
    desk = Desk(**risk)
    desk.ask(1000)
    desk.prices.of[0] = 12.0
    desk.next_session()
    state = execution_state(desk.execution)
    assert len(state.risk) == 2
    again = Desk(**risk)
    restore_execution(again.execution, state)
    assert again.state() == state.risk
    for one in (desk, again):
        one.prices.of[0], one.now_ns = 10.9, 500
        order = submit(one.execution, 1, 1, UNITS, 500)
        assert order.state == ACCEPTED
        one.prices.of[0], one.now_ns = 10.8, 510
        order = submit(one.execution, 1, 1, UNITS, 510)
        assert order.reason.endswith("1200 is lost since the peak, the most is 10 % of 12000")
