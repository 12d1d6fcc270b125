"""Every protocol of the house, each tiny: what can be exchanged without touching the rest."""

from collections.abc import Iterator
from typing import Protocol

from app.core.bars import BarColumns, Floats, Ints
from app.core.messages import Message


class Clock(Protocol):
    """Where `now` comes from: messages (a session) or the machine (the wall)."""

    def now_ns(self) -> int: ...


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
