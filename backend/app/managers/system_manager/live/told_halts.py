"""Alarms for the halts of a live run that nobody else tells of, and for their end."""

from collections.abc import Sequence
from typing import Final

from app.core.halts import ALL_SYMBOLS, FEED, HOLDINGS
from app.core.messages import BrokerNews, Message
from app.core.order_events import Halted, Resumed
from app.core.seams import Notifier

_SOURCES: Final = (FEED, HOLDINGS)


class ToldHalts:
    """Tells of the halts of one life of a run: those of an earlier one have ended with it."""

    def __init__(self, symbols: Sequence[str], notifier: Notifier) -> None:
        self._symbols = symbols
        self._notifier = notifier
        self._standing: set[tuple[int, str]] = set()  # by symbol and source

    def hear(self, message: Message) -> None:
        """An input of the run."""
        for event in message.events if isinstance(message, BrokerNews) else ():
            if isinstance(event, Halted | Resumed) and event.source in _SOURCES:
                self._tell(event)

    def _tell(self, event: Halted | Resumed) -> None:
        place = event.symbol, event.source
        name = "" if event.symbol == ALL_SYMBOLS else f"{self._symbols[event.symbol]}: "
        if isinstance(event, Halted):
            self._standing.add(place)
            self._notifier.alarm("halted", name + event.reason)
        elif place in self._standing:
            self._standing.discard(place)
            self._notifier.alarm("resumed", name + event.reason)
