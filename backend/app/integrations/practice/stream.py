"""A stream of the practice venue: a websocket on a thread of its own that comes back by itself."""

import threading
from collections.abc import Callable
from typing import Final, Protocol

import msgspec
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from app.core.venue import Connected, Disconnected, OnItem, VenueError
from app.integrations.practice.wire import decode_item

FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.1, 10.0
_OPEN_SECONDS: Final = 5.0
_JOIN_SECONDS: Final = 5.0
# What ends a connection, and what it says then; not the stream.
FOREIGN: Final = (OSError, WebSocketException, VenueError, msgspec.MsgspecError)


class Chance(Protocol):
    """Draws from 0 to 1; a `random.Random`, say."""

    def random(self) -> float: ...


def wait_seconds(failures: int, chance: Chance) -> float:
    """How long to wait before the next try: twice as long each time, and never all at once."""
    longest = min(FIRST_WAIT_SECONDS * 2.0 ** min(failures, 20), LONGEST_WAIT_SECONDS)
    return longest * (0.5 + 0.5 * chance.random())


class PracticeStream:
    """Hands on what a stream brings until it is closed; `on_item` is called on its thread."""

    def __init__(self, find_url: Callable[[], str], on_item: OnItem, chance: Chance) -> None:
        self._find_url = find_url
        self._on_item = on_item
        self._chance = chance
        self._closing = threading.Event()
        self._connection: ClientConnection | None = None
        self._last_ns = 0  # the latest moment the venue told
        self._thread = threading.Thread(target=self._run, name="venue stream", daemon=True)

    def start(self) -> "PracticeStream":
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

    def _run(self) -> None:
        failures = 0
        while not self._closing.is_set():
            stood, reason = self._listen()
            if self._closing.is_set():
                return
            failures = 0 if stood else failures + 1
            if stood:
                self._on_item(Disconnected(self._last_ns, reason))
            self._closing.wait(wait_seconds(failures, self._chance))

    def _listen(self) -> tuple[bool, str]:
        """Hand on what one connection brings; whether it stood, and why it ended."""
        stood = False
        try:
            with connect(
                self._find_url(), open_timeout=_OPEN_SECONDS, compression=None, proxy=None,
                close_timeout=1, ping_interval=None,
            ) as connection:  # fmt: skip
                self._connection = connection
                for frame in connection:
                    if self._closing.is_set():
                        break
                    item = decode_item(frame)
                    stood = stood or isinstance(item, Connected)
                    self._last_ns = max(self._last_ns, _moment_ns(item))
                    self._on_item(item)
        except FOREIGN as error:
            return stood, f"{type(error).__name__}: {error}"
        finally:
            self._connection = None
        return stood, "the venue has ended it"


def _moment_ns(item: object) -> int:
    return int(getattr(item, "at_ns", 0))
