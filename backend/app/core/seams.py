"""Every protocol of the house, each tiny: what can be exchanged without touching the rest."""

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from app.core.bars import BarColumns, Floats, Ints
from app.core.messages import Message
from app.core.order_events import Intent


class Clock(Protocol):
    """Where `now` comes from: messages (a session) or the machine (the wall)."""

    def now_ns(self) -> int: ...


class Wall(Clock, Protocol):
    """The machine's clock, and waiting by it."""

    def monotonic_ns(self) -> int: ...
    def wait(self, event: threading.Event, seconds: float) -> bool: ...


class Feed(Protocol):
    """Where a run's messages come from; the sequencer numbers them as it takes them."""

    def messages(self) -> Iterator[Message]: ...


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


class Journal(Protocol):
    """Takes everything in the order it is given, from any thread, and makes it durable."""

    def record_input(self, message: Message) -> None:
        """A sequenced input, before any worker sees it."""
        ...

    def record_output(self, sequence: int, entries: bytes, intents: Sequence[Intent]) -> None:
        """What came of an input: fingerprint entries, and intents for the broker."""
        ...

    def commit(self, then: Callable[[], None]) -> None:
        """Call `then` once all that was recorded until now is durable."""
        ...


Alarm = Callable[[str, str], None]
"""What a Notifier is told by: what it is, and the details."""


class Notifier(Protocol):
    """Where alarms go; telling never blocks and never raises."""

    def alarm(self, what: str, details: str) -> None: ...
