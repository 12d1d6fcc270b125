"""What of a run's surroundings can be exchanged without touching the rest, each tiny.

A venue is in `venue.py`, a source of data in `source.py`, beside what they speak of; a broker in
`managers/execution_manager/brokers.py`, as it shares its working orders with the run.
"""

import threading
from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

from app.core.bars import BarColumns, Floats, Ints

Fed = TypeVar("Fed", covariant=True)


class Clock(Protocol):
    """Where `now` comes from: messages (a session) or the machine (the wall)."""

    def now_ns(self) -> int: ...


class Wall(Clock, Protocol):
    """The machine's clock, and waiting by it."""

    def monotonic_ns(self) -> int: ...
    def wait(self, event: threading.Event, seconds: float) -> bool: ...


class Feed(Protocol[Fed]):
    """Where a run's messages come from; the sequencer numbers them as it takes them."""

    def messages(self) -> Iterator[Fed]: ...


class BarSource(Protocol):
    """Bars of one symbol and interval by time; `end_ns` is excluded."""

    def columns(
        self, market: str, symbol: str, interval: str, start_ns: int, end_ns: int
    ) -> BarColumns: ...

    def spreads(
        self, market: str, symbol: str, interval: str, start_ns: int, end_ns: int
    ) -> tuple[Ints, Floats]:
        """The bars' starts, and the quoted spread at each one's open; nan for no quote."""
        ...


Alarm = Callable[[str, str], None]
"""What a Notifier is told by: what it is, and the details."""


class Notifier(Protocol):
    """Where alarms go; telling never blocks and never raises."""

    def alarm(self, what: str, details: str) -> None: ...
