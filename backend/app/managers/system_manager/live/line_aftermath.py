"""What a venue tells when its run's stream has ended: it is recorded and booked all the same.

A gate works on behind the engine. It closes positions for `on_error` and for a kill, also while a
hook hangs, and what it reports last may come a moment after the end of the stream.
"""

import threading
from collections.abc import Sequence

from loguru import logger

from app.core.messages import BrokerNews, LastNews, Message
from app.core.order_events import OrderEvent
from app.core.seams import Notifier
from app.managers.system_manager.wiring import Run


class Aftermath:
    """The aftermath of one run; knows what is on its way to the engine. From any thread."""

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier
        self._turn = threading.Lock()
        self._waiting: dict[int, OrderEvent] = {}  # by their identity, in order
        self._numbered: dict[int, Sequence[OrderEvent]] = {}  # by the input that they are in
        self._told: set[str] = set()  # which of the alarms

    def expect(self, events: Sequence[OrderEvent]) -> None:
        """These are on their way."""
        with self._turn:
            self._waiting.update((id(event), event) for event in events)

    def number(self, message: Message) -> None:
        """An input gets its place."""
        if isinstance(message, BrokerNews):
            with self._turn:
                self._numbered[message.sequence] = message.events

    def arrived(self, sequence: int) -> None:
        """The engine has come to an input."""
        with self._turn:
            for event in self._numbered.pop(sequence, ()):
                self._waiting.pop(id(event), None)

    def book(self, run: Run) -> None:
        """The run has executed: what has not arrived by now never will; record and book that."""
        with self._turn:
            events = tuple(self._waiting.values())
            self._waiting.clear()
        if not events:
            return
        try:
            numbered = [*run.coordinator.step(LastNews(events, run.engine.now_ns))]
        except Exception as error:
            self._tell("not recorded", "not in its journal", error)
            return
        for news in numbered:
            if isinstance(news, LastNews):
                self._book(run, news)

    def _book(self, run: Run, news: LastNews) -> None:
        """Whatever is wrong with the engine: the run is being closed, and must be."""
        where = "in its journal, and not in its orders and fills"
        if run.pipeline.is_left_behind:
            self._tell("not booked", where, "a worker of it hangs")
            return
        try:
            run.book(news)
        except Exception as error:
            self._tell("not booked", where, error)

    def _tell(self, what: str, where: str, why: str | Exception) -> None:
        if isinstance(why, Exception):
            logger.opt(exception=why).error("The last news: {}", what)
            why = f"{type(why).__name__}: {why}"
        if what not in self._told:
            self._told.add(what)
            details = f"What the venue told of the run last is {where}: {why}."
            self._notifier.alarm(what, f"{details} The venue's word counts.")
