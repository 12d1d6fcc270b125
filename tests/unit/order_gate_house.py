"""A gate on its threads before a slow venue, and what it reports."""

import threading
from collections.abc import Callable

from tests.slow_venue import SlowVenue

from app.core.order_events import OrderEvent, Place
from app.core.orders import DAY, LIMIT, Terms
from app.managers.execution_manager.gate.gate_book import GateBook
from app.managers.time_manager.clock import WallClock
from app.threads.live.order_gate import OrderGate

SHARE = 100_000_000


class Heard:
    """What was reported, and waiting for it."""

    def __init__(self) -> None:
        self.events: list[OrderEvent] = []
        self.alarms: list[tuple[str, str]] = []
        self._changed = threading.Condition()

    def report(self, events: tuple[OrderEvent, ...]) -> None:
        with self._changed:
            self.events += events
            self._changed.notify_all()

    def alarm(self, what: str, details: str) -> None:
        self.alarms.append((what, details))

    def wait(self, done: Callable[[list[OrderEvent]], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: done(self.events), 10), self.events

    def wait_for(self, kind: type, count: int = 1) -> None:
        self.wait(lambda events: sum(isinstance(one, kind) for one in events) >= count)


class House:
    def __init__(self) -> None:
        self.venue = SlowVenue()
        self.heard = Heard()
        clock = WallClock()
        book = GateBook("run", ["AAA"], since_ns=clock.now_ns())
        self.gate = OrderGate(book, self.venue, clock, self.heard.report, self.heard)


def place(number: int, kind: str = LIMIT, opens: bool = True) -> Place:
    limit = 10.0 if kind == LIMIT else None
    return Place(number, 0, kind, DAY, Terms(SHARE, limit, None, None, None), False, opens)
