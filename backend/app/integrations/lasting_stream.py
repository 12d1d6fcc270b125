"""A venue's stream on a thread of its own that comes back by itself, whatever it brings."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol, Self

from loguru import logger
from websockets.sync.client import ClientConnection, connect

from app.core.intervals import SECOND_NS
from app.core.venue import Disconnected, OnItem

FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.1, 10.0
OPEN_SECONDS: Final = 5.0
_LASTING_NS: Final = 5 * SECOND_NS  # by the venue's clock; what ends sooner is waited for longer
_JOIN_SECONDS: Final = 5.0


class Chance(Protocol):
    """Draws from 0 to 1; a `random.Random`, say."""

    def random(self) -> float: ...


def wait_seconds(failures: int, chance: Chance) -> float:
    """How long to wait before the next try: twice as long each time, and never all at once."""
    longest = min(FIRST_WAIT_SECONDS * 2.0 ** min(failures, 20), LONGEST_WAIT_SECONDS)
    return longest * (0.5 + 0.5 * chance.random())


class LastingStream(ABC):
    """Hands on what a stream brings until it is closed; `on_item` is called on its thread."""

    def __init__(self, name: str, on_item: OnItem, chance: Chance) -> None:
        self._on_item = on_item
        self._chance = chance
        self._closing = threading.Event()
        self._connection: ClientConnection | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> Self:
        self._thread.start()
        return self

    def close(self) -> None:
        """Nothing is handed on once this has returned, unless an `on_item` asked for it."""
        self._closing.set()
        connection = self._connection
        if connection is not None:
            connection.close_socket()
        if threading.current_thread() is not self._thread:
            self._thread.join(_JOIN_SECONDS)

    @abstractmethod
    def _listen(self) -> tuple[bool, str]:
        """Hand on what one connection brings; whether it stood, and why it ended."""

    @abstractmethod
    def _moment_ns(self) -> int:
        """The venue's time now, or the latest it has told."""

    def _run(self) -> None:
        failures = 0
        while not self._closing.is_set():
            began_ns = self._moment_ns()
            try:
                stood, reason = self._listen()
            except Exception as error:  # a defect, or what nobody foresaw: it must not end this
                logger.opt(exception=error).critical("The stream '{}' failed.", self._thread.name)
                stood, reason = True, f"it failed: {type(error).__name__}"
            if self._closing.is_set():
                return
            lasted = stood and self._moment_ns() - began_ns >= _LASTING_NS
            failures = 0 if lasted else failures + 1
            if stood:
                self._on_item(Disconnected(self._moment_ns(), reason))
            self._closing.wait(wait_seconds(failures, self._chance))

    @contextmanager
    def _connected(self, url: str) -> Iterator[ClientConnection]:
        """A connection that `close` cuts; whoever listens asks itself for signs of life."""
        try:
            with connect(
                url, open_timeout=OPEN_SECONDS, compression=None, proxy=None, close_timeout=1,
                ping_interval=None,
            ) as connection:  # fmt: skip
                self._connection = connection
                yield connection
        finally:
            self._connection = None
