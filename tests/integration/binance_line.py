"""A run's gate and books at a Binance of our own, over sockets; its thread is the test's."""

import datetime as dt
import queue
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from tests.binance_house import KEY, SECRET, BinancePeer, day_of_bars, day_session
from tests.unit.execution_house import manager_of, open_session, submit

from app.core.money import to_units
from app.core.order_events import OrderEvent
from app.core.orders import GTC, STOP, Order
from app.integrations.binance.adapter import BinanceAdapter, open_binance
from app.integrations.binance.endpoints import Keys
from app.integrations.binance.peer.fees import Fees
from app.managers.execution_manager.books.account import AccountTerms
from app.managers.execution_manager.gate.calls import GateTimes
from app.managers.execution_manager.gate.gate_book import GateBook
from app.managers.execution_manager.live.order_reports import OrderReports
from app.managers.execution_manager.live.shared_broker import broker_of
from app.managers.system_manager.venue.reckoning import look_again
from app.managers.time_manager.clock import OffsetClock, WallClock
from app.threads.live.order_gate import OrderGate

BTC = "BTC/USDT"
RATE = 600.0  # a minute in a tenth of a second
WAIT_SECONDS = 20.0
BUY = to_units("0.00123")


class Line:
    """A gate and its run, whose thread is the test's."""

    def __init__(self, peer: BinancePeer) -> None:
        chance = np.random.default_rng(1)
        self.venue = open_binance(peer.url, Keys(KEY, SECRET), (BTC,), WallClock(), chance)
        self.execution = manager_of(
            make_broker=broker_of(BinanceAdapter.abilities, 1), strategies=("one",),
            symbols=(BTC,), lot=Decimal("0.00001"), currency="USDT", terms=AccountTerms("USDT"),
        )  # fmt: skip
        self.reports = OrderReports(self.execution)
        told = self.venue.time()
        self.clock = OffsetClock(told)
        self.since_ns = told.venue_ns
        open_session(self.execution, dt.date(2024, 11, 4), self.since_ns)
        book = GateBook(
            "run", [BTC], since_ns=self.since_ns, times=GateTimes().at_rate(RATE),
            lot_units=self.execution.lot_units, tick_units=self.execution.tick_units,
        )  # fmt: skip
        self.alarms: list[tuple[str, str]] = []
        self.heard: list[OrderEvent] = []
        self._news: queue.Queue[tuple[OrderEvent, ...]] = queue.Queue()
        self.gate = OrderGate(book, self.venue, self.clock, self._news.put, self, RATE)
        self.gate.start()

    def alarm(self, what: str, details: str) -> None:
        self.alarms.append((what, details))

    def give(self, units: int, **terms: Any) -> Order:
        order = submit(self.execution, 0, 0, units, self.clock.now_ns(), **terms)
        self.gate.send(self.execution.take_intents())
        return order

    def until(self, is_so: Callable[[], object], what: str) -> None:
        end = time.monotonic() + WAIT_SECONDS
        while not is_so():
            assert time.monotonic() < end, f"waited for {what}: {self.heard}"
            try:
                events = self._news.get(timeout=0.02)
            except queue.Empty:
                continue
            self.heard += events
            self.reports.take(events, self.clock.now_ns())
            self.gate.send(self.execution.take_intents())

    def differences(self) -> list[Any]:
        return look_again(self.execution, self.gate, self.venue, self.since_ns)

    def close(self) -> None:
        self.gate.stop()
        self.venue.close()


@pytest.fixture
def peer() -> Iterator[BinancePeer]:
    found = BinancePeer({BTC: day_of_bars(60_000.0)}, day_session(), fees=Fees())
    found.run(RATE)
    yield found
    found.close()


@pytest.fixture
def line(peer: BinancePeer) -> Iterator[Line]:
    found = Line(peer)
    yield found
    found.close()


def bought_with_a_stop(line: Line) -> tuple[int, Order]:
    """What is held, and the stop that works for all of it."""
    entry = line.give(BUY)
    line.until(lambda: entry.state == "FILLED", "the entry to fill")
    held = line.execution.held_units[0]
    stop = line.give(-held, kind=STOP, stop=50_000.0, aimed=False, reduce_only=True, tif=GTC)
    line.until(lambda: stop.state == "ACCEPTED", "the stop to work")
    return held, stop
