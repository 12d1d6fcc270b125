"""Simulated time, chance, and a log whose hash is the same for the same seed."""

import hashlib
from collections.abc import Callable
from heapq import heappop, heappush
from random import Random

SECOND, MILLISECOND = 1_000_000_000, 1_000_000
Source = tuple[Callable[[], int | None], Callable[[], object]]  # when it is due, what it does then


class World:
    """What happens, in order. Times are the machine's monotonic clock's."""

    def __init__(self, seed: int, now_ns: int, tell: Callable[[str], None] | None = None) -> None:
        self.random = Random(seed)
        self.now_ns = now_ns
        self.began_ns = now_ns
        self.wall_ahead_ns = 0  # the machine's wall clock, which may be set
        self.sources: list[Source] = []  # of what is due by itself
        self.before_each: Callable[[], object] = lambda: None  # the program waits
        self.after_each: Callable[[], object] = lambda: None  # what must hold then
        self.events = 0
        self.raised: BaseException | None = None  # by the last event that did
        self._tell = tell
        self._hash = hashlib.sha256()
        self._waiting: list[tuple[int, int, Callable[[], object]]] = []
        self._count = 0
        self._stood = 0  # so many events without time passing

    def after(self, delay_ns: int, act: Callable[[], object]) -> None:
        """Have something happen later."""
        self._count += 1
        heappush(self._waiting, (self.now_ns + max(delay_ns, 0), self._count, act))

    def some_ns(self, most_ns: int) -> int:
        """A drawn delay."""
        return self.random.randrange(most_ns)

    def step(self, until_ns: int) -> bool:
        """The next thing that happens by a moment; False when it has come instead."""
        self.before_each()
        next_ns, act = self._next()
        if act is None or next_ns > until_ns:
            self.now_ns = max(self.now_ns, until_ns)
            return False
        self._stood = 0 if next_ns > self.now_ns else self._stood + 1
        assert self._stood < 5_000, "time stands still"
        self.now_ns = max(self.now_ns, next_ns)
        self.events += 1
        try:
            act()
            self.after_each()
        except BaseException as error:
            self.raised = error
            raise
        return True

    def let_pass(self, seconds: float) -> None:
        """Whatever happens in that time."""
        until_ns = self.now_ns + round(seconds * SECOND)
        while self.step(until_ns):
            pass

    def say(self, what: str, *details: object) -> None:
        """A line of the log."""
        words = " ".join(str(detail) for detail in details)
        line = f"{(self.now_ns - self.began_ns) / SECOND:12.6f} {what} {words}".rstrip()
        self._hash.update(line.encode() + b"\n")
        if self._tell is not None:
            self._tell(line)

    def log_hash(self) -> str:
        """Of all that was said so far."""
        return self._hash.hexdigest()

    def _next(self) -> tuple[int, Callable[[], object] | None]:
        next_ns, act = 1 << 62, None
        for due, do in self.sources:
            due_ns = due()
            if due_ns is not None and due_ns < next_ns:
                next_ns, act = due_ns, do
        if self._waiting and self._waiting[0][0] <= next_ns:
            return self._waiting[0][0], self._pop
        return next_ns, act

    def _pop(self) -> None:
        heappop(self._waiting)[2]()
