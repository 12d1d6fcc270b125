"""Fees that a venue takes in coins: what is held, what it cost, and that it can be closed."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.execution_house import manager_of, open_session, submit

from app.core.coins import coin_of, paid_from, whole_lots
from app.core.config_protection import ProtectionFields
from app.core.money import UNITS, amount_units, to_units
from app.core.order_events import (
    Acknowledged,
    Amend,
    Amended,
    Cancel,
    Ended,
    Filled,
    GateFilled,
    OrderEvent,
    Place,
)
from app.core.orders import CANCELED, CASH, FILLED, HELD, Order
from app.core.venue import Abilities
from app.managers.execution_manager.books.account import AccountTerms
from app.managers.execution_manager.execution_state import execution_state, restore_execution
from app.managers.execution_manager.live.live_broker import LiveBroker
from app.managers.execution_manager.live.order_reports import OrderReports
from app.managers.execution_manager.live.shared_broker import broker_of
from app.managers.execution_manager.protected_execution import ProtectedExecution
from app.services.protection import cover_by

LOT = 1_000  # 0.00001
BUY = 123_000  # 0.00123
FEE = 123  # a thousandth, in coins
PRICE = 60_000.25


class House:
    """An account of coins at a live broker."""

    def __init__(self, **terms: object) -> None:
        self.execution = manager_of(
            make_broker=LiveBroker, symbols=("BTC/USDT", "BNB/USDT"), lot=Decimal("0.00001"),
            currency="USDT", terms=AccountTerms("USDT", **terms),  # type: ignore[arg-type]
        )  # fmt: skip
        self.reports = OrderReports(self.execution)
        open_session(self.execution, dt.date(2024, 3, 8), 1)
        self.now_ns, self.fills = 10, 0

    def give(self, units: int, strategy: int = 0, **terms: object) -> Order:
        self.now_ns += 1
        return submit(self.execution, strategy, 0, units, self.now_ns, **terms)

    def fill(
        self, order: Order, units: int, fee: int, coin: str = "BTC", price: float = PRICE
    ) -> None:
        self.fills += 1
        self.hear(Filled(order.order_id, f"e{self.fills}", units, price, fee, 5, coin))

    def hear(self, *events: OrderEvent) -> None:
        self.now_ns += 1
        self.reports.take(events, self.now_ns)

    def placed(self) -> list[Place]:
        return [one for one in self.execution.take_intents() if isinstance(one, Place)]

    @property
    def loose_units(self) -> int:
        return sum(one.units for one in self.execution.account.loose.values())

    def check(self) -> None:
        """Coins and cash are what the venue has, and the money identity holds to zero."""
        account = self.execution.account
        for book in account.books.values():
            book.check()
        value = sum(p.value_units(PRICE) for row in account.positions for p in row)
        value += sum(p.value_units(PRICE) for p in account.loose.values())
        book = account.own
        unrealised = value - book.cost_units
        results = book.realised_units + unrealised + book.income_units - book.fee_units
        assert book.cash_units + value == book.opening_units + results


@pytest.fixture
def house() -> House:
    return House()


def test_a_fee_in_coins_leaves_whole_lots_to_the_strategy_and_the_rest_to_the_account(
    house: House,
) -> None:
    order = house.give(BUY)
    house.fill(order, BUY, FEE)
    assert (order.state, order.filled_units) == (FILLED, BUY)
    assert house.execution.held_units[0] == BUY - LOT
    assert house.loose_units == LOT - FEE
    ledger = house.execution.ledger
    assert ledger.cash_units == ledger.opening_units - amount_units(BUY, PRICE)
    assert abs(ledger.fee_units - amount_units(FEE, PRICE)) <= 2
    house.check()


def test_the_equity_has_what_is_left_over(house: House) -> None:
    house.fill(house.give(BUY), BUY, FEE)
    house.fill(house.give(-LOT), -LOT, 500, "")
    changes = house.execution.diary.take().changes
    assert [row[HELD] for row in changes] == [
        BUY - LOT, BUY - FEE, BUY - 2 * LOT, BUY - LOT - FEE,
    ]  # fmt: skip
    equity = house.execution.account.equity_units(lambda symbol: PRICE)
    assert equity == changes[-1][CASH] + amount_units(BUY - LOT - FEE, PRICE)


def test_the_next_fees_are_paid_from_what_was_left_over(house: House) -> None:
    for _ in range(8):  # 984 of the lot's 1,000
        house.fill(house.give(BUY), BUY, FEE)
    assert house.execution.held_units[0] == 8 * BUY - LOT
    assert house.loose_units == LOT - 8 * FEE
    house.fill(house.give(BUY), BUY, FEE)
    assert house.execution.held_units[0] == 9 * BUY - 2 * LOT
    house.check()


def test_a_closed_position_is_flat_and_what_is_left_over_stays_out_of_the_way(
    house: House,
) -> None:
    house.fill(house.give(BUY), BUY, FEE)
    held = house.execution.held_units[0]
    house.fill(house.give(-held), -held, 7_000, "")
    position = house.execution.positions[0][0]
    assert (position.units, position.cost_units, position.trades) == (0, 0, 1)
    assert house.execution.aim_units[0][0] == 0
    assert house.loose_units == LOT - FEE
    house.check()


def test_exits_of_an_entry_are_no_larger_than_what_its_fee_has_left(house: House) -> None:
    entry = house.give(BUY)
    house.give(-BUY, kind="stop", stop=50_000.0, aimed=False, reduce_only=True, parent=1)
    house.placed()
    house.fill(entry, BUY // 3, FEE // 3)
    (first,) = house.placed()
    assert first.terms.units == -(BUY // 3 - LOT)
    house.fill(entry, BUY - BUY // 3, FEE - FEE // 3)
    (stop,) = house.execution.broker.working.values()
    assert stop.units == -(BUY - LOT) == -house.execution.held_units[0]


def test_an_exit_that_waits_for_its_whole_entry_is_sized_by_what_is_held(house: House) -> None:
    entry = house.give(BUY)
    house.give(-BUY, kind="stop", stop=50_000.0, aimed=False, reduce_only=True, parent=1)
    house.placed()
    house.fill(entry, BUY, FEE)
    (placed,) = house.placed()
    assert placed.terms.units == -(BUY - LOT) == -house.execution.held_units[0]


def test_a_late_fill_and_one_of_the_gate_s_pay_their_fees_too(house: House) -> None:
    order = house.give(BUY)
    house.fill(order, BUY, FEE)
    house.fill(order, LOT, 1)
    house.hear(GateFilled(0, "g1", 2 * LOT, PRICE, 2, 6, "BTC"))
    assert house.execution.held_units[0] == BUY - LOT + 3 * LOT
    assert house.loose_units == LOT - FEE - 3
    house.check()


def test_a_fill_of_a_lot_may_go_for_its_fee_alone(house: House) -> None:
    order = house.give(LOT)
    house.fill(order, LOT, 1)
    assert (order.state, house.execution.held_units[0]) == (FILLED, 0)
    assert house.loose_units == LOT - 1
    house.hear(GateFilled(0, "g1", LOT, PRICE, LOT, 6, "BTC"))
    assert house.execution.held_units[0] == 0
    house.check()


def test_a_fee_in_a_third_coin_goes_to_its_book_to_its_symbol_or_is_told() -> None:
    told = House()
    told.fill(told.give(BUY), BUY, 500, "ABC")
    assert told.execution.held_units[0] == BUY
    assert told.execution.account.unbooked_fees == {"ABC": 500}
    told.check()
    traded = House()
    traded.fill(traded.give(BUY), BUY, 500, "BNB")  # a symbol of this run
    assert traded.execution.account.loose[1].units == -500
    traded.check()
    booked = House(books={"ABC": Decimal(1)}, rates={dt.date(2024, 3, 8): {"ABC": 300.0}})
    booked.fill(booked.give(BUY), BUY, 500, "ABC")
    assert booked.execution.account.books["ABC"].cash_units == UNITS - 500
    assert booked.execution.account.unbooked_fees == {}


def test_a_saved_state_holds_what_fees_have_left_over(house: House) -> None:
    order = house.give(BUY)
    house.give(-BUY, kind="stop", stop=50_000.0, aimed=False, reduce_only=True, parent=1)
    house.fill(order, BUY // 3, FEE // 3)
    house.fill(order, LOT, 5, "ABC")
    again = House()
    restore_execution(again.execution, execution_state(house.execution))
    assert again.loose_units == house.loose_units
    assert again.execution.account.unbooked_fees == {"ABC": 5}
    assert again.execution.broker.links.state() == house.execution.broker.links.state()


lots = st.integers(1, 500)
trades = st.lists(st.tuples(lots, st.integers(0, 30), st.booleans()), max_size=12)
prices = st.integers(1, 10**13).map(lambda units: units / 10**8)


@settings(max_examples=100, deadline=None)
@given(trades, prices)
def test_coins_and_cash_are_the_venue_s_to_the_unit_and_the_identity_holds_to_zero(
    stream: Sequence[tuple[int, int, bool]], price: float
) -> None:
    house, coins, cash = House(), 0, to_units(100_000)
    for count, thousandths, sells in stream:
        units = count * LOT
        if sells:
            units = -min(units, house.execution.held_units[0])
        if not units:
            continue
        fee = abs(units) * thousandths // 1_000
        order = house.give(units)
        house.fill(order, units, fee, "" if sells else "BTC", price)
        coins += units - (0 if sells else fee)
        cash -= amount_units(units, price) + (fee if sells else 0)
        held = house.execution.held_units[0]
        assert held + house.loose_units == coins
        assert held % LOT == 0 <= house.loose_units < LOT
        assert house.execution.ledger.cash_units == cash
        assert house.execution.aim_units[0][0] == held
        house.check()


class Covered(House):
    """A strategy whose entries are protected by a stop, at a venue of these abilities."""

    def __init__(self, abilities: Abilities) -> None:
        fields = ProtectionFields(stop_loss_percent=1)  # type: ignore[arg-type]
        self.execution = manager_of(
            make_broker=broker_of(abilities, 1), symbols=("BTC/USDT", "BNB/USDT"),
            lot=Decimal("0.00001"), currency="USDT", terms=AccountTerms("USDT"),
            make=partial(ProtectedExecution, covers=[cover_by(fields), None]),
        )  # fmt: skip
        self.reports = OrderReports(self.execution)
        open_session(self.execution, dt.date(2024, 3, 8), 1)
        self.now_ns, self.fills = 10, 0
        self.there: dict[int, int] = {}  # what the venue has, by number

    def obey(self) -> None:
        """The venue does what it is asked for."""
        while intents := self.execution.take_intents():
            for one in intents:
                if isinstance(one, Place):
                    self.there[one.order_id] = one.terms.units
                    self.hear(Acknowledged(one.order_id))
                elif isinstance(one, Amend):
                    self.there[one.order_id] = one.terms.units
                    self.hear(Amended(one.order_id, one.terms))
                elif isinstance(one, Cancel):
                    del self.there[one.order_id]
                    self.hear(Ended(one.order_id, CANCELED, ""))

    @property
    def stopped_units(self) -> int:
        return -sum(units for units in self.there.values() if units < 0)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 60), st.integers(0, 3)), min_size=1, max_size=6),
    st.booleans(),
    st.booleans(),
)
def test_a_stop_is_for_what_the_fees_of_each_fill_have_left(
    fills: list[tuple[int, int]], amends: bool, is_cut: bool
) -> None:
    house = Covered(Abilities(amends=amends, exits_twice=amends))
    entry = house.give((sum(lots for lots, _ in fills) + is_cut) * LOT)
    house.obey()
    for lots, fee in fills:
        house.fill(entry, lots * LOT, fee * lots * LOT // 1000 + (fee == 3) * LOT)
        house.obey()
        assert house.stopped_units == house.execution.held_units[0]
    house.execution.cancel(entry, house.now_ns)
    house.obey()
    assert house.stopped_units == house.execution.held_units[0]
    house.check()


def test_coins_by_the_names_of_symbols() -> None:
    assert (coin_of("BTC/USDT"), coin_of("AAPL")) == ("BTC", "")
    symbols = ["BTC/USDT", "BTC/FDUSD", "BNB/USDT", "AAPL"]
    assert [paid_from(symbols, at, "BTC") for at in range(4)] == [0, 1, 0, 0]
    assert paid_from(symbols, 0, "BNB") == 2
    assert paid_from(symbols, 3, "") is paid_from(symbols, 3, "ABC") is None
    assert [whole_lots(units, LOT) for units in (2_999, 999, 0, -1_001)] == [2_000, 0, 0, -1_000]
