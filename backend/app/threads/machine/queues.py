"""The queue between two workers: first in, first out, bounded in rows rather than messages."""

import threading
from collections import deque
from collections.abc import Iterator, Sized
from typing import Generic, TypeVar

T = TypeVar("T")


def rows_of(message: object) -> int:
    """What a message weighs: the rows of its block, or its own, and never less than one."""
    content = getattr(message, "block", message)
    return max(1, len(content)) if isinstance(content, Sized) else 1


class RowQueue(Generic[T]):
    """Holds at most `bound_rows` rows, or one message bigger than that.

    One thread puts and one iterates. Either end may close the queue: `close` lets what it holds
    be read to the end, `drop` throws that away and counts it.
    """

    def __init__(self, bound_rows: int) -> None:
        self._bound_rows = bound_rows
        self._held: deque[tuple[T, int]] = deque()
        self._rows = 0
        self._closed = False
        lock = threading.Lock()
        self._not_empty = threading.Condition(lock)
        self._not_full = threading.Condition(lock)
        self.dropped_messages = 0
        self.dropped_rows = 0

    @property
    def rows(self) -> int:
        """Rows waiting in the queue."""
        return self._rows

    def put(self, message: T) -> bool:
        """Add a message, waiting for room; False, and counted as dropped, once closed."""
        rows = rows_of(message)
        with self._not_full:
            while self._held and self._rows + rows > self._bound_rows and not self._closed:
                self._not_full.wait()
            if self._closed:
                self._count_dropped(rows)
                return False
            self._held.append((message, rows))
            self._rows += rows
            self._not_empty.notify()
            return True

    def __iter__(self) -> Iterator[T]:
        """The messages in order, waiting for each, until the queue is closed and empty."""
        while True:
            with self._not_empty:
                while not self._held and not self._closed:
                    self._not_empty.wait()
                if not self._held:
                    return
                message, rows = self._held.popleft()
                self._rows -= rows
                self._not_full.notify()
            yield message

    def close(self) -> None:
        """Nothing more will be put; wakes whoever waits."""
        with self._not_empty:
            self._close()

    def drop(self) -> None:
        """Nothing more will be read: throw away what is held and refuse what comes."""
        with self._not_empty:
            self._close()
            while self._held:
                self._count_dropped(self._held.popleft()[1])
            self._rows = 0

    def _close(self) -> None:
        self._closed = True
        self._not_empty.notify_all()
        self._not_full.notify_all()

    def _count_dropped(self, rows: int) -> None:
        self.dropped_messages += 1
        self.dropped_rows += rows
