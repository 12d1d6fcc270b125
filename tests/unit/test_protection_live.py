"""Declared exits at a venue, event by event: placed with the first fill, priced by the mean."""

import datetime as dt
from functools import partial

import pytest
from tests.unit.execution_house import manager_of, open_session
from tests.unit.live_broker_house import SHARES, House, fill

from app.core.config_protection import ProtectionFields
from app.core.intervals import MINUTE_NS
from app.core.money import UNITS
from app.core.order_events import (
    Acknowledged,
    Amend,
    Cancel,
    Ended,
    Filled,
    GateFilled,
    Place,
    Refused,
)
from app.core.orders import CANCELED, LIMIT, MARKET, REJECTED, STOP, Terms
from app.managers.execution_manager.live.live_broker import LiveBroker
from app.managers.execution_manager.live.order_reports import OrderReports
from app.managers.execution_manager.protected_execution import ProtectedExecution
from app.services.protection import cover_by

DAY_NS = 10**15  # of the house: from its open to its close


class Covered(House):
    """Its first strategy has declared exits; the other has none."""

    def __init__(self) -> None:
        super().__init__()
        fields = ProtectionFields(
            stop_loss_percent=1,  # type: ignore[arg-type]
            take_profit_percent=2,  # type: ignore[arg-type]
            time_stop_minutes=5,
            flat_before_close_minutes=3,
        )
        make = partial(ProtectedExecution, covers=[cover_by(fields), None])
        self.execution = manager_of(make_broker=LiveBroker, make=make)
        assert self.execution.protection is not None
        self.protection = self.execution.protection
        self.reports = OrderReports(self.execution)
        open_session(self.execution, dt.date(2024, 3, 8), 1)


@pytest.fixture
def house() -> Covered:
    return Covered()


def exits(house: House, shares: int, stop: float, limit: float) -> list[tuple[object, ...]]:
    """What placements of these exits say."""
    return [
        (STOP, "gtc", Terms(-shares * UNITS, None, stop, None, None), True),
        (LIMIT, "gtc", Terms(-shares * UNITS, limit, None, None, None), True),
    ]


def placed(house: House) -> list[tuple[object, ...]]:
    return [
        (one.kind, one.tif, one.terms, one.reduce_only)
        for one in house.intents()
        if isinstance(one, Place)
    ]


def test_exits_are_placed_with_the_first_fill_and_follow_the_mean_price(house: Covered) -> None:
    entry = house.give()
    assert placed(house) == [(MARKET, "day", Terms(SHARES, None, None, None, None), False)]
    house.hear(Acknowledged(1), fill(entry, 30 * UNITS))
    assert placed(house) == exits(house, 30, 9.9, 10.2)
    house.hear(Acknowledged(2), Acknowledged(3), fill(entry, 70 * UNITS, "e2", price=10.1))
    assert house.intents() == (
        Amend(2, Terms(-SHARES, None, 9.97, None, None), False),  # of 10.07
        Amend(3, Terms(-SHARES, 10.28, None, None, None), False),
    )


def test_what_an_entry_fills_after_its_end_has_exits_of_its_own(house: Covered) -> None:
    entry = house.give(kind=LIMIT, limit=10.0)
    house.hear(Acknowledged(1), Ended(1, CANCELED, "by hand"))
    house.intents()
    house.hear(fill(entry, 40 * UNITS))
    assert placed(house) == exits(house, 40, 9.9, 10.2)
    house.hear(fill(entry, 10 * UNITS, "e2", price=9.0))
    assert placed(house) == exits(house, 10, 8.91, 9.18)


def test_a_strategy_without_protection_has_none(house: Covered) -> None:
    house.hear(fill(house.give(strategy=1), SHARES))
    assert len(house.intents()) == 1 and len(house.protection.trades.state()) == 0


def test_what_the_gate_closes_ends_the_exits(house: Covered) -> None:
    house.hear(fill(house.give(), SHARES), Acknowledged(2), Acknowledged(3))
    house.intents()
    house.hear(GateFilled(0, "g1", -40 * UNITS, 10.0, 0, 6))
    assert [one.terms.units for one in house.intents() if isinstance(one, Amend)] == [
        -60 * UNITS,
        -60 * UNITS,
    ]
    house.hear(GateFilled(0, "g2", -60 * UNITS, 10.0, 0, 6))
    assert house.intents() == (Cancel(2), Cancel(3))


def test_a_time_stop_leaves_when_it_is_due_and_the_exits_end_with_its_fill(house: Covered) -> None:
    house.hear(fill(house.give(), SHARES), Acknowledged(2), Acknowledged(3))
    house.intents()
    due_ns = house.now_ns + 5 * MINUTE_NS
    assert house.protection.next_ns() == due_ns
    house.protection.act(due_ns)
    closing = (MARKET, "gtc", Terms(-SHARES, None, None, None, None), True)
    assert placed(house) == [closing]
    assert house.execution.aim_units[0][0] == 0  # it is on its way
    house.hear(Filled(4, "c1", -SHARES, 10.0, 0, 7))
    assert house.intents() == (Cancel(2), Cancel(3))


def test_a_closing_order_that_the_venue_refuses_leaves_the_exits_and_asks_no_more(
    house: Covered,
) -> None:
    house.hear(fill(house.give(), SHARES), Acknowledged(2), Acknowledged(3))
    house.protection.act(house.now_ns + 5 * MINUTE_NS)
    house.intents()
    house.hear(Refused(4, "the symbol is halted"))
    assert house.intents() == () and len(house.execution.broker.working) == 2


def test_flat_before_the_close_calls_off_closes_and_covers_what_fills_all_the_same(
    house: Covered,
) -> None:
    house.hear(fill(house.give(50 * UNITS), 50 * UNITS), Acknowledged(2), Acknowledged(3))
    late = house.give(10 * UNITS, kind=LIMIT, limit=9.0)
    house.hear(Acknowledged(late.order_id))
    house.intents()
    at_ns = 1 + DAY_NS - 3 * MINUTE_NS
    house.protection.act(at_ns)
    intents = house.intents()
    assert Cancel(late.order_id) in intents
    closing = [one for one in intents if isinstance(one, Place)]
    assert [one.terms.units for one in closing] == [-50 * UNITS]
    house.now_ns = at_ns
    assert house.give(UNITS).state == REJECTED
    house.hear(fill(late, 10 * UNITS, "e9"))
    again = [one for one in house.intents() if isinstance(one, Place) and one.kind == MARKET]
    assert [(one.terms.units, one.reduce_only) for one in again] == [(-10 * UNITS, True)]


def test_what_an_exit_fills_beside_a_closing_order_is_not_closed_once_more(house: Covered) -> None:
    house.now_ns = 1 + DAY_NS - 4 * MINUTE_NS
    house.hear(fill(house.give(50 * UNITS), 50 * UNITS), Acknowledged(2), Acknowledged(3))
    house.intents()
    house.now_ns += MINUTE_NS
    house.protection.act(house.now_ns)
    closing = (MARKET, "gtc", Terms(-50 * UNITS, None, None, None, None), True)
    assert placed(house) == [closing]
    house.hear(Filled(2, "s1", -20 * UNITS, 9.9, 0, 7))  # of the 50, no more than 30 fill now
    assert placed(house) == []
