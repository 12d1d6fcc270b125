"""Hands a stream's items to whoever listens, each listener on its own queue."""

import queue
import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Final

from app.integrations.practice.venue.stream_faults import Sent
from app.integrations.practice.wire import StreamItem, encode

_BOUND: Final = 100_000  # frames; who lags further behind is cut off and has to ask again


class Frames:
    """What one connection is to be sent, queued within a bound."""

    def __init__(self) -> None:
        self._frames: queue.Queue[bytes | None] = queue.Queue(_BOUND)
        self._is_cut = threading.Event()

    def put(self, frame: bytes) -> None:
        try:
            self._frames.put_nowait(frame)
        except queue.Full:
            self.cut()

    def end(self) -> None:
        """End the connection after what is queued."""
        try:
            self._frames.put_nowait(None)
        except queue.Full:
            self.cut()

    def cut(self) -> None:
        """End the connection, whatever is queued."""
        self._is_cut.set()
        with suppress(queue.Full):  # then there is something to wake up for
            self._frames.put_nowait(None)

    def take(self) -> bytes | None:
        """The next frame, waited for; None: the end."""
        frame = self._frames.get()
        return None if self._is_cut.is_set() else frame


class Listener(Frames):
    """One connection's frames; with no symbols named it gets those of all."""

    def __init__(self, stream: str, symbols: Collection[str] = ()) -> None:
        super().__init__()
        self.stream = stream
        self._symbols = frozenset(symbols)

    def offer(self, item: StreamItem, frame: bytes) -> None:
        """Queue a frame, if it is one for this listener."""
        symbol = getattr(item, "symbol", None)
        if symbol is None or not self._symbols or symbol in self._symbols:
            self.put(frame)


class Hub:
    """All who listen."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: list[Listener] = []

    def join(self, listener: Listener, hello: Callable[[], StreamItem]) -> None:
        """Have a listener hear all that comes from now on, `hello` first."""
        with self._lock:
            item = hello()
            listener.offer(item, encode(item))
            self._listeners.append(listener)

    def leave(self, listener: Listener) -> None:
        with self._lock:
            self._listeners.remove(listener)

    def publish(self, items: Collection[Sent]) -> None:
        """Hand items to all who listen to their streams."""
        if not items:
            return
        with self._lock:
            for stream, item in items:
                frame = b"" if item is None else encode(item)
                for listener in self._listeners:
                    if listener.stream == stream and item is None:
                        listener.cut()
                    elif listener.stream == stream and item is not None:
                        listener.offer(item, frame)

    def cut_all(self) -> None:
        with self._lock:
            for listener in self._listeners:
                listener.cut()
