"""Orders at a venue that gives none other terms, and takes one exit of a holding."""

import datetime as dt
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.execution_house import manager_of, open_session
from tests.unit.live_broker_house import SHARES, House, bracket, fill, stop_of, target_of
from tests.unit.test_live_exit_sizes import STEPS as SIZE_STEPS
from tests.unit.test_live_exit_sizes import Brackets
from tests.unit.test_live_orders_quiet import STEPS as QUIET_STEPS
from tests.unit.test_live_orders_quiet import Exchange, Placed
from tests.unit.test_protection_live import exits, placed

from app.core.config_protection import ProtectionFields
from app.core.money import UNITS
from app.core.order_events import (
    Acknowledged,
    Cancel,
    ChangeRefused,
    Ended,
    Filled,
    Halted,
    Place,
    Refused,
)
from app.core.orders import (
    ACCEPTED,
    AMEND_PENDING,
    CANCELED,
    FILLED,
    GTC,
    LIMIT,
    MARKET,
    STOP,
    SUBMITTED,
    Order,
    Terms,
)
from app.core.venue import Abilities
from app.managers.execution_manager.execution_state import execution_state, restore_execution
from app.managers.execution_manager.live.limited_broker import ONE_EXIT
from app.managers.execution_manager.live.live_broker import LiveBroker
from app.managers.execution_manager.live.order_reports import OrderReports
from app.managers.execution_manager.live.shared_broker import broker_of
from app.managers.execution_manager.orders.parts import APART
from app.managers.execution_manager.protected_execution import ProtectedExecution
from app.services.protection import cover_by
from app.threads.stream.commands import KEEP, has_stopped


class LimitedHouse(House):
    """A house at a venue that lacks these."""

    def __init__(self, amends: bool = False, exits_twice: bool = False, **make: object) -> None:
        super().__init__()
        abilities = Abilities(amends=amends, exits_twice=exits_twice)
        self.execution = manager_of(make_broker=broker_of(abilities, 1), **make)  # type: ignore[arg-type]
        self.reports = OrderReports(self.execution)
        open_session(self.execution, dt.date(2024, 3, 8), 1)


@pytest.fixture
def house() -> LimitedHouse:
    return LimitedHouse()


def limit_at(price: float, shares: int = 100) -> Terms:
    return Terms(shares * UNITS, price, None, None, None)


def test_a_venue_that_lacks_nothing_gets_the_usual_broker() -> None:
    assert broker_of(Abilities(), 1) is LiveBroker
    assert type(LimitedHouse(amends=True).execution.broker) is not LiveBroker


def test_an_amendment_takes_the_order_back_and_gives_the_rest_anew(house: LimitedHouse) -> None:
    order = house.give(kind=LIMIT, limit=10.0)
    house.intents()
    house.hear(Acknowledged(1))
    house.execution.amend(order, limit_at(9.5, 120), 30)
    assert (order.state, house.intents()) == (AMEND_PENDING, (Cancel(1),))
    house.hear(fill(order, 20 * UNITS))  # before the cancel gets there
    house.hear(Ended(1, CANCELED, ""))
    (again,) = house.intents()
    assert again == Place(1 + APART, 0, LIMIT, "day", limit_at(9.5), False, True)
    assert (order.units, order.limit, order.filled_units) == (120 * UNITS, 9.5, 20 * UNITS)
    house.hear(Acknowledged(1 + APART), Filled(1 + APART, "e2", SHARES, 9.5, 0, 6))
    assert (order.state, house.held_units) == (FILLED, 120 * UNITS)
    assert house.intents() == ()


def test_an_order_leaves_anew_only_when_all_fills_of_what_came_back_are_told(
    house: LimitedHouse,
) -> None:
    order = house.give(kind=LIMIT, limit=10.0)
    house.intents()
    house.hear(Acknowledged(1))
    house.execution.amend(order, limit_at(10.5), 30)
    house.hear(Ended(1, CANCELED, "", 60 * UNITS))  # the cancel's answer was here first
    assert house.intents() == (Cancel(1),)
    house.hear(fill(order, 20 * UNITS))
    assert house.intents() == ()
    house.hear(fill(order, 40 * UNITS, "e2"))
    (again,) = house.intents()
    assert again == Place(1 + APART, 0, LIMIT, "day", limit_at(10.5, 40), False, True)
    house.hear(Acknowledged(1 + APART), Filled(1 + APART, "e3", 40 * UNITS, 10.5, 0, 6))
    assert (order.state, house.held_units) == (FILLED, SHARES)


def test_an_order_that_was_whole_when_it_came_back_never_leaves_anew(house: LimitedHouse) -> None:
    order = house.give(kind=LIMIT, limit=10.0)
    house.hear(Acknowledged(1))
    house.execution.amend(order, limit_at(10.5, 60), 30)
    house.intents()
    house.hear(Ended(1, CANCELED, "", 60 * UNITS))
    house.execution.cancel(order, 31)
    assert house.intents() == ()
    house.hear(fill(order, 60 * UNITS))
    assert (order.is_working, house.held_units, house.intents()) == (False, 60 * UNITS, ())


def test_an_amendment_that_loses_to_a_fill_asks_for_nothing_more(house: LimitedHouse) -> None:
    order = house.give(kind=LIMIT, limit=10.0)
    house.hear(Acknowledged(1))
    house.execution.amend(order, limit_at(9.5), 30)
    house.intents()
    house.hear(ChangeRefused(1, "it has filled"), fill(order, SHARES))
    assert (order.state, house.held_units, house.intents()) == (FILLED, SHARES, ())


def test_an_amendment_that_the_venue_would_not_take_back_for_leaves_the_order_as_it_was(
    house: LimitedHouse,
) -> None:
    order = house.give(kind=LIMIT, limit=10.0)
    house.hear(Acknowledged(1))
    house.execution.amend(order, limit_at(9.5), 30)
    house.intents()
    house.hear(ChangeRefused(1, "not now"))
    assert (order.state, order.limit, house.intents()) == (ACCEPTED, 10.0, ())
    house.execution.amend(order, limit_at(9.4), 40)
    assert house.intents() == (Cancel(1),)


def test_an_entry_that_came_back_stays_here_once_entries_are_closed(house: LimitedHouse) -> None:
    order = house.give(kind=LIMIT, limit=10.0)
    house.hear(Acknowledged(1))
    house.execution.amend(order, limit_at(9.5), 30)
    house.intents()
    house.hear(Halted(0, "no data of AAA for 100 s", "data"), Ended(1, CANCELED, ""))
    assert (order.state, house.intents()) == (CANCELED, ())
    assert order.reason.startswith("no_entries: no data of AAA for 100 s")


def test_an_exit_that_came_back_leaves_anew_though_entries_are_closed(house: LimitedHouse) -> None:
    house.hear(Acknowledged(1), fill(house.give(), SHARES))
    order = house.give(-SHARES, kind=LIMIT, limit=11.0)
    house.hear(Acknowledged(2))
    house.execution.amend(order, limit_at(10.9, -100), 30)
    house.intents()
    house.hear(Halted(0, "no data of AAA for 100 s", "data"), Ended(2, CANCELED, ""))
    (again,) = house.intents()
    assert again == Place(2 + APART, 0, LIMIT, "day", limit_at(10.9, -100), False, False)


def test_a_cancel_behind_an_amendment_ends_the_order(house: LimitedHouse) -> None:
    order = house.give(kind=LIMIT, limit=10.0)
    house.hear(Acknowledged(1))
    house.execution.amend(order, limit_at(9.5), 30)
    house.intents()
    house.execution.cancel(order, 31)
    house.hear(Ended(1, CANCELED, ""))
    assert (order.state, house.intents()) == (CANCELED, ())


def test_a_stop_grows_with_its_entry_by_leaving_anew(house: LimitedHouse) -> None:
    entry = house.give()
    house.give(-SHARES, kind=STOP, stop=8.0, aimed=False, reduce_only=True, parent=1, tif=GTC)
    house.intents()
    house.hear(fill(entry, 30 * UNITS), Acknowledged(2))
    assert house.intents() == (Place(2, 0, STOP, GTC, stop_of(30, 8.0), True, False),)
    house.hear(fill(entry, 10 * UNITS, "e2"))
    assert house.intents() == (Cancel(2),)
    house.hear(fill(entry, 60 * UNITS, "e3"))
    assert house.intents() == ()
    house.hear(Ended(2, CANCELED, ""))
    assert house.intents() == (Place(2 + APART, 0, STOP, GTC, stop_of(100, 8.0), True, False),)


def test_of_a_bracket_the_stop_goes_to_the_venue_and_the_target_says_why_not(
    house: LimitedHouse,
) -> None:
    entry, target, stop = bracket(house)
    house.intents()
    assert (target.state, target.reason) == (CANCELED, ONE_EXIT)
    assert house.execution.untold == [target]
    house.hear(fill(entry, SHARES))
    assert house.intents() == (Place(3, 0, STOP, GTC, stop_of(100), True, False),)
    assert stop.state == SUBMITTED


def test_where_two_exits_are_taken_both_go_there() -> None:
    house = LimitedHouse(exits_twice=True)
    entry, _, _ = bracket(house)
    house.intents()
    house.hear(fill(entry, SHARES))
    assert [one.terms for one in house.intents() if isinstance(one, Place)] == [
        target_of(100), stop_of(100),
    ]  # fmt: skip


def test_of_two_exits_given_at_once_the_one_that_has_not_left_never_does(
    house: LimitedHouse,
) -> None:
    house.hear(fill(house.give(), SHARES))
    house.intents()
    group = house.execution.new_group()
    both = {"aimed": False, "reduce_only": True, "group": group, "tif": GTC}
    target = house.give(-SHARES, kind=LIMIT, limit=12.0, **both)
    stop = house.give(-SHARES, kind=STOP, stop=8.0, **both)
    assert target.state == CANCELED
    assert house.intents() == (Place(3, 0, STOP, GTC, stop_of(100, 8.0), True, False),)
    assert stop.is_working


def test_a_target_that_works_is_taken_back_for_a_stop(house: LimitedHouse) -> None:
    house.hear(fill(house.give(), SHARES))
    group = house.execution.new_group()
    both = {"aimed": False, "reduce_only": True, "group": group, "tif": GTC}
    target = house.give(-SHARES, kind=LIMIT, limit=12.0, **both)
    house.intents()
    house.hear(Acknowledged(2))
    house.give(-SHARES, kind=STOP, stop=8.0, **both)
    assert Cancel(2) in house.intents()
    assert target.reason == ONE_EXIT


def test_declared_exits_are_a_stop_alone_and_told_once() -> None:
    fields = ProtectionFields(stop_loss_percent=1, take_profit_percent=2)  # type: ignore[arg-type]
    make = partial(ProtectedExecution, covers=[cover_by(fields), None])
    house = LimitedHouse(make=make)
    entry = house.give()
    assert [one.reason for one in house.execution.untold] == [ONE_EXIT]
    house.intents()
    house.hear(fill(entry, SHARES))
    assert placed(house) == exits(house, 100, 9.9, 10.2)[:1]


def test_a_stop_that_could_not_leave_anew_goes_on_at_market(
    house: LimitedHouse,
) -> None:
    entry = house.give()
    stop = house.give(-SHARES, kind=STOP, stop=8.0, aimed=False, reduce_only=True, parent=1)
    house.hear(fill(entry, SHARES), Acknowledged(2))
    house.intents()
    house.execution.amend(stop, stop_of(100, 9.0), 30)
    house.hear(Ended(2, CANCELED, ""))
    house.hear(Refused(2 + APART, "it would trigger at once"))
    assert stop in house.execution.untold
    assert (stop.is_working, stop.reason) == (True, "it would trigger at once")
    assert [one.kind for one in house.intents() if isinstance(one, Place)] == [STOP, MARKET]


def test_a_stop_for_a_first_part_too_small_to_be_taken_leaves_with_the_next(
    house: LimitedHouse,
) -> None:
    entry = house.give()
    stop = house.give(-SHARES, kind=STOP, stop=8.0, aimed=False, reduce_only=True, parent=1)
    house.intents()
    house.hear(fill(entry, UNITS))
    assert [one.terms for one in house.intents() if isinstance(one, Place)] == [stop_of(1)]
    house.hear(Refused(2, "too little"))
    assert (stop.state, stop.reason, house.intents()) == (ACCEPTED, "too little", ())
    assert stop in house.execution.untold
    house.hear(fill(entry, 99 * UNITS, "e2"))
    (again,) = house.intents()
    assert again == Place(2 + APART, 0, STOP, "day", stop_of(100), True, False)
    house.hear(Refused(2 + APART, "it would trigger at once"))
    (at_market,) = house.intents()  # its entry brings no more: there is nothing to wait for
    assert isinstance(at_market, Place) and at_market.kind == MARKET


def test_a_run_that_keeps_its_positions_does_not_end_while_a_stop_is_about_to_leave_anew(
    house: LimitedHouse,
) -> None:
    stop = stopped(house)
    house.execution.amend(stop, stop_of(100, 9.0), 30)
    house.execution.close_entries(-1, "the run is stopping", "command")
    assert not has_stopped(house.execution, KEEP)
    house.hear(Ended(2, CANCELED, ""))
    assert has_stopped(house.execution, KEEP)
    assert [one.order_id for one in house.intents() if isinstance(one, Place)] == [2 + APART]


# -- one after the other ---------------------------------------------------------------------------


def stopped(house: House) -> Order:
    """What is held has a stop at the venue."""
    house.hear(fill(house.give(), SHARES))
    stop = house.give(-SHARES, kind=STOP, stop=8.0, aimed=False, reduce_only=True, tif=GTC)
    house.intents()
    house.hear(Acknowledged(2))
    return stop


def test_a_close_leaves_when_the_stop_is_back(house: LimitedHouse) -> None:
    stop = stopped(house)
    house.execution.cancel(stop, 30)
    close = house.give(-SHARES)
    assert house.intents() == (Cancel(2),)
    house.hear(Ended(2, CANCELED, ""))
    assert [one.order_id for one in house.intents() if isinstance(one, Place)] == [3]
    house.hear(fill(close, -SHARES, "e2"))
    assert (house.held_units, house.intents()) == (0, ())


def test_a_close_that_the_stop_has_forestalled_never_leaves(house: LimitedHouse) -> None:
    stop = stopped(house)
    house.execution.cancel(stop, 30)
    close = house.give(-SHARES)
    house.intents()
    house.hear(fill(stop, -SHARES, "e2"))
    assert (close.state, close.reason) == (CANCELED, "nothing is left to take out")
    assert (house.held_units, house.intents()) == (0, ())
    assert house.execution.aim_units[0][0] == 0


def test_an_order_at_market_has_the_stop_taken_back_and_it_ends_with_what_it_protected(
    house: LimitedHouse,
) -> None:
    stop = stopped(house)
    close = house.give(-SHARES, aimed=False, reduce_only=True)  # as protection gives it
    assert house.intents() == (Cancel(2),)
    house.hear(Ended(2, CANCELED, ""))
    assert [one.order_id for one in house.intents() if isinstance(one, Place)] == [3]
    assert stop.is_working
    house.hear(fill(close, -SHARES, "e2"))
    assert (stop.state, house.held_units, house.intents()) == (CANCELED, 0, ())


def test_a_stop_is_there_again_when_what_it_made_room_for_has_failed(house: LimitedHouse) -> None:
    stopped(house)
    house.give(-SHARES, aimed=False, reduce_only=True)
    house.hear(Ended(2, CANCELED, ""))
    house.intents()
    house.hear(Refused(3, "no"))
    (again,) = house.intents()
    assert again == Place(2 + APART, 0, STOP, GTC, stop_of(100, 8.0), True, False)


def test_a_stop_in_the_place_of_another_waits_for_that_to_be_back(house: LimitedHouse) -> None:
    house.execution.cancel(stopped(house), 30)
    house.give(-SHARES, kind=STOP, stop=9.0, aimed=False, reduce_only=True, tif=GTC)
    assert house.intents() == (Cancel(2),)
    house.hear(Ended(2, CANCELED, ""))
    assert house.intents() == (Place(3, 0, STOP, GTC, stop_of(100, 9.0), True, False),)


def test_a_close_of_what_is_free_waits_for_nothing(house: LimitedHouse) -> None:
    house.hear(fill(house.give(2 * SHARES), 2 * SHARES))
    house.give(-SHARES, kind=STOP, stop=8.0, aimed=False, reduce_only=True, tif=GTC)
    house.give(-SHARES)
    assert [one.order_id for one in house.intents() if isinstance(one, Place)] == [1, 2, 3]


def test_a_close_that_waits_is_in_a_saved_state(house: LimitedHouse) -> None:
    house.execution.cancel(stopped(house), 30)
    house.give(-SHARES)
    house.intents()
    again = LimitedHouse()
    restore_execution(again.execution, execution_state(house.execution))
    again.now_ns = house.now_ns
    again.hear(Ended(2, CANCELED, ""))
    assert [one.order_id for one in again.intents() if isinstance(one, Place)] == [3]


# -- whatever crosses ------------------------------------------------------------------------------


class _OnePart:
    """No order is amended, and none works twice."""

    placed: dict[int, Placed]

    def check_parts(self) -> None:
        there = [one.number % APART for one in self.placed.values() if not one.ended]
        assert len(there) == len(set(there)), "two parts of one order work"
        assert all(one.amended is None for one in self.placed.values())


class LimitedExchange(_OnePart, Exchange):
    """A venue that takes two exits, and amends nothing."""


class LimitedBrackets(_OnePart, Brackets):
    """The same for brackets."""


@settings(max_examples=60, deadline=None)
@given(QUIET_STEPS)
def test_once_all_is_quiet_the_orders_are_what_the_venue_has(steps: list[tuple[int, int]]) -> None:
    exchange = LimitedExchange(LimitedHouse(exits_twice=True))
    for what, which in steps:
        (exchange.ask if what < 4 else exchange.answer)(what, which)
        exchange.take_intents()
        exchange.check_parts()
    exchange.settle()
    exchange.check_parts()
    exchange.check_quiet()


class LateFills(LimitedExchange):
    """A cancel's answer is here before the fills that came before it."""

    def __init__(self, house: LimitedHouse) -> None:
        super().__init__(house)
        self.late: list[tuple[Placed, int]] = []  # what is still to be told

    def obey(self, one: Placed) -> None:
        left = one.terms.units - one.filled_units
        crossing = left * (one.number % 3) // 4 // UNITS * UNITS
        if not one.cancelled or not crossing:
            super().obey(one)
            return
        self.acknowledge(one)
        one.filled_units += crossing
        one.ended = True
        self.late.append((one, crossing))
        self.house.hear(Ended(one.number, CANCELED, "", one.filled_units))

    def tell(self) -> None:
        if self.late:
            one, units = self.late.pop(0)
            self.fills += 1
            self.house.hear(Filled(one.number, f"e{self.fills}", units, 10.0, 0, self.fills))

    def settle(self) -> None:
        for _ in range(10):
            super().settle()
            self.tell()

    def check_sizes(self) -> None:
        """No order may fill more than was asked for; what is still to be told counts."""
        for order in self.orders:
            parts = [one for one in self.placed.values() if one.order is order]
            filled = sum(one.filled_units for one in parts)
            open_units = sum(one.terms.units - one.filled_units for one in parts if not one.ended)
            assert not open_units or abs(filled + open_units) <= self.most_units

    most_units = 240 * UNITS  # an amendment asks for no more


@settings(max_examples=100, deadline=None)
@given(QUIET_STEPS)
def test_no_order_fills_twice_over_where_fills_are_told_behind_the_cancel(
    steps: list[tuple[int, int]],
) -> None:
    exchange = LateFills(LimitedHouse(exits_twice=True))
    for what, which in steps:
        (exchange.ask if what < 4 else exchange.answer)(what, which)
        exchange.take_intents()
        if what == 15:
            exchange.tell()
        exchange.take_intents()
        exchange.check_parts()
        exchange.check_sizes()
    exchange.settle()
    exchange.check_parts()
    exchange.check_quiet()


@settings(max_examples=60, deadline=None)
@given(SIZE_STEPS, st.booleans())
def test_no_exit_ever_fills_more_than_its_entry_has_brought_also_where_it_leaves_anew(
    steps: list[tuple[str, int, int]], calm: bool
) -> None:
    exchange = LimitedBrackets(calm, LimitedHouse(exits_twice=True))
    for step in [("g", 0, 1), ("g", 1, 1), *steps]:
        exchange.play(*step)
        exchange.check_parts()
        if calm:
            exchange.check_calm()
    exchange.settle()
    exchange.check_quiet()


class SpotBrackets(LimitedBrackets):
    """A venue that refuses to sell what is not free, and strategies that only buy, and close."""

    def take_intents(self) -> None:
        known = set(self.placed)
        super().take_intents()
        for number in set(self.placed) - known:
            new = self.placed[number]
            if new.terms.units < 0:
                strategy = new.order.strategy
                open_units = sum(
                    abs(one.terms.units) - abs(one.filled_units)
                    for one in self.placed.values()
                    if not one.ended and one.order.strategy == strategy and one.terms.units < 0
                )
                assert open_units <= self.house.execution.positions[strategy][0].units

    def do_g(self, which: int, size: int) -> None:
        super().do_g(which % 2, size)

    def do_w(self, which: int, size: int) -> None:
        """No cancel is refused but by a fill."""

    def do_m(self, which: int, size: int) -> None:
        """A strategy closes what it holds, as `close` does."""
        strategy, execution = which % 2, self.house.execution
        for order in list(execution.broker.working.values()):
            if order.strategy == strategy:
                execution.cancel(order, self.house.now_ns)
        held = execution.positions[strategy][0].units
        working = [one for one in execution.broker.working.values() if one.strategy == strategy]
        if held > 0 and not any(one.kind == "market" for one in working):
            self.house.give(-held, strategy, kind="market")

    def do_t(self, which: int, size: int) -> None:
        """As protection closes: what rests is there until that is done."""
        strategy, execution = which % 2, self.house.execution
        held = execution.positions[strategy][0].units
        working = [one for one in execution.broker.working.values() if one.strategy == strategy]
        if held > 0 and not any(one.kind == "market" for one in working):
            self.house.give(-held, strategy, kind="market", aimed=False, reduce_only=True)

    def check_protected(self) -> None:
        """Once all is quiet, exits wait for what closes, or for others that cover all."""
        for strategy in (0, 1):
            held = self.house.execution.positions[strategy][0].units
            sells = [
                abs(one.terms.units) - abs(one.filled_units)
                for one in self.placed.values()
                if not one.ended and one.order.strategy == strategy and one.terms.units < 0
            ]
            assert sum(sells) <= max(held, 0)
            broker = self.house.execution.broker
            waiting = [broker.working[number] for number in broker.waiting]
            working = [one for one in broker.working.values() if one.strategy == strategy]
            closes = any(one.kind == "market" for one in working)
            if not closes and any(one.strategy == strategy for one in waiting):
                assert sum(sells) == held, "what is free has nothing to wait for"


@settings(max_examples=60, deadline=None)
@given(SIZE_STEPS)
def test_no_more_is_ever_asked_to_be_sold_than_is_held_and_free(
    steps: list[tuple[str, int, int]],
) -> None:
    exchange = SpotBrackets(False, LimitedHouse())
    for step in [("g", 0, 1), ("g", 1, 1), *steps]:
        exchange.play(*step)
        exchange.check_parts()
    exchange.settle()
    exchange.check_protected()
