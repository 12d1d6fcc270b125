"""Orders of a live run at a venue that says what a test has it say."""

import datetime as dt
from collections.abc import Sequence

from tests.unit.execution_house import manager_of, open_session, submit

from app.core.money import UNITS
from app.core.order_events import Filled, OrderEvent
from app.core.orders import LIMIT, STOP, Order, Terms
from app.managers.execution_manager.execution_manager import ExecutionManager
from app.managers.execution_manager.live.live_broker import LiveBroker
from app.managers.execution_manager.live.order_reports import OrderReports
from app.services.risk.scopes import Limits

SHARES = 100 * UNITS


class House:
    """An account at a live broker whose venue says what a test lets it say."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.execution: ExecutionManager = manager_of(make_broker=LiveBroker, limits=limits)
        self.reports = OrderReports(self.execution)
        open_session(self.execution, dt.date(2024, 3, 8), 1)
        self.now_ns = 10

    def give(self, units: int = SHARES, strategy: int = 0, **terms: object) -> Order:
        self.now_ns += 1
        return submit(self.execution, strategy, 0, units, self.now_ns, **terms)

    def hear(self, *events: OrderEvent) -> list[Order]:
        self.now_ns += 1
        return self.reports.take(events, self.now_ns)

    def intents(self) -> Sequence[object]:
        return self.execution.take_intents()

    @property
    def held_units(self) -> int:
        return self.execution.held_units[0]


def fill(order: Order, units: int, name: str = "e1", price: float = 10.0, fee: int = 0) -> Filled:
    return Filled(order.order_id, name, units, price, fee, 5)


def bracket(house: House) -> tuple[Order, Order, Order]:
    entry = house.give()
    group = house.execution.new_group()
    common = {"reduce_only": True, "parent": 1, "group": group, "aimed": False, "tif": "gtc"}
    target = house.give(-SHARES, kind=LIMIT, limit=12.0, **common)
    stop = house.give(-SHARES, kind=STOP, stop=8.0, **common)
    return entry, target, stop


def target_of(shares: int, limit: float = 12.0) -> Terms:
    return Terms(-shares * UNITS, limit, None, None, None)


def stop_of(shares: int, stop: float = 8.0) -> Terms:
    return Terms(-shares * UNITS, None, stop, None, None)
