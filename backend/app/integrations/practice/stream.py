"""A stream of the practice venue, and what may end a connection of it."""

from collections.abc import Callable
from typing import Final

import msgspec
from websockets.exceptions import WebSocketException

from app.core.venue import Connected, OnItem, VenueError
from app.integrations.lasting_stream import Chance, LastingStream
from app.integrations.practice.wire import decode_item

# What ends a connection, and what it says then; not the stream.
FOREIGN: Final = (OSError, WebSocketException, VenueError, msgspec.MsgspecError)


class PracticeStream(LastingStream):
    """Of market items or of order items: the venue's address says which."""

    def __init__(self, find_url: Callable[[], str], on_item: OnItem, chance: Chance) -> None:
        super().__init__("venue stream", on_item, chance)
        self._find_url = find_url
        self._last_ns = 0  # the latest moment the venue told

    def _moment_ns(self) -> int:
        return self._last_ns

    def _listen(self) -> tuple[bool, str]:
        """It stands once the venue says so."""
        stood = False
        try:
            with self._connected(self._find_url()) as connection:
                for frame in connection:
                    if self._closing.is_set():
                        break
                    item = decode_item(frame)
                    stood = stood or isinstance(item, Connected)
                    self._last_ns = max(self._last_ns, int(getattr(item, "at_ns", 0)))
                    self._on_item(item)
        except FOREIGN as error:
            return stood, f"{type(error).__name__}: {error}"
        return stood, "the venue has ended it"
