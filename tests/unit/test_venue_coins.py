"""What a venue's account holds in coins, as a run finds it: whole lots, what is loose, and cash."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import numpy as np
from tests.unit.test_coin_fees import BUY, FEE, LOT, PRICE, House

from app.core.money import amount_units, to_units
from app.core.order_events import Filled, GateFilled, Halted
from app.managers.system_manager.venue.holdings import ADOPT, HALT, Holdings, holdings_of
from app.managers.system_manager.venue.reckoning import _cash_after

BTC, ETH = "BTC/USDT", "ETH/USDT"
DAY = dt.date(2024, 3, 8)  # of the house
LOTS = {BTC: LOT, ETH: 10_000}


def found(external: str, positions: Mapping[str, int]) -> Holdings:
    venue: Any = SimpleNamespace(
        positions=lambda: dict(positions),
        bars=lambda *asked: SimpleNamespace(close=np.array([PRICE])),
    )
    return holdings_of(venue, LOTS, "1m", external, 10)


def test_less_than_a_lot_is_left_alone_and_halts_nothing() -> None:
    held = found(HALT, {BTC: LOT - FEE})
    assert held.units == {}
    assert held.left_alone == {BTC: LOT - FEE}
    assert held.told([BTC, ETH], HALT, 1) == ()


def test_of_more_than_a_lot_the_whole_ones_count() -> None:
    positions = {BTC: BUY - FEE, ETH: -25_000}
    held = found(HALT, positions)
    assert held.units == {BTC: BUY - LOT, ETH: -20_000}
    assert held.left_alone == positions
    halts = [one.symbol for one in held.told([BTC, ETH], HALT, 1) if isinstance(one, Halted)]
    assert halts == [0, 1]


def test_whole_lots_are_adopted_and_the_rest_is_left_alone() -> None:
    held = found(ADOPT, {BTC: BUY - FEE})
    (adopted,) = held.told([BTC, ETH], ADOPT, 1)
    assert isinstance(adopted, GateFilled)
    assert adopted.units == BUY - LOT
    assert held.left_alone == {BTC: LOT - FEE}


def test_cash_that_is_to_be_is_less_by_fees_in_money_alone() -> None:
    house = House(books={"BNB": Decimal(1)}, rates={DAY: {"BNB": 600.0}})
    order = house.give(BUY)
    paid, cash = amount_units(BUY, PRICE), to_units(100_000)

    def after(fee_currency: str) -> dict[str, int]:
        event = Filled(order.order_id, "e1", BUY, PRICE, 500, 5, fee_currency)
        return _cash_after(house.execution, (event,))

    assert after("BTC") == {"USDT": cash - paid, "BNB": to_units(1)}
    assert after("") == {"USDT": cash - paid - 500, "BNB": to_units(1)}
    assert after("BNB") == {"USDT": cash - paid, "BNB": to_units(1) - 500}
    assert after("ABC") == after("BTC")
