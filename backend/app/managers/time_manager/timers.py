"""The timers of a run, kept in the order in which they fall due; it has no clock of its own."""

import heapq
from collections.abc import Iterator

import msgspec


class Timer(msgspec.Struct, frozen=True, order=True):
    """Due at `at_ns`; of those due together, the one that was added first comes first."""

    at_ns: int
    sequence: int
    owner: str
    name: str
    every_ns: int | None = None


class TimersState(msgspec.Struct, frozen=True):
    """What is set, and how many were."""

    added: int
    timers: list[Timer]


class Timers:
    """At most one timer per owner and name."""

    def __init__(self) -> None:
        self._heap: list[Timer] = []
        self._active: dict[tuple[str, str], Timer] = {}
        self._added = 0  # timers so far

    def __len__(self) -> int:
        return len(self._active)

    def state(self) -> TimersState:
        """The timers that are set."""
        return TimersState(self._added, sorted(self._active.values()))

    def restore(self, state: TimersState) -> None:
        """Set those timers again."""
        self._added = state.added
        for timer in state.timers:
            self._push(timer)

    def add(self, at_ns: int | None, owner: str, name: str, every_ns: int | None = None) -> None:
        """Set a timer, in place of the owner's earlier one of that name; for no moment, none."""
        if at_ns is None:
            self.cancel(owner, name)
            return
        if every_ns is not None and every_ns <= 0:
            raise ValueError(f"timer '{name}' of '{owner}' cannot repeat every {every_ns} ns")
        self._push(Timer(at_ns, self._added, owner, name, every_ns))
        self._added += 1

    def cancel(self, owner: str, name: str) -> bool:
        """Remove a timer; False when there is none."""
        return self._active.pop((owner, name), None) is not None

    def next_ns(self) -> int | None:
        """When the next timer falls due."""
        while self._heap:
            timer = self._heap[0]
            if self._active.get((timer.owner, timer.name)) is timer:
                return timer.at_ns
            heapq.heappop(self._heap)  # it was cancelled or replaced
        return None

    def pop_due(self, now_ns: int) -> Iterator[Timer]:
        """Take what is due up to and including now, earliest first, each as it is asked for.

        So a timer that is cancelled or moved on account of an earlier one does not come. A
        repeating timer comes once for each time it fell due and keeps its place among those due
        together, so that the answer does not depend on how often one asks.
        """
        while (at_ns := self.next_ns()) is not None and at_ns <= now_ns:
            timer = heapq.heappop(self._heap)
            del self._active[timer.owner, timer.name]
            if timer.every_ns is not None:
                self._push(msgspec.structs.replace(timer, at_ns=at_ns + timer.every_ns))
            yield timer

    def _push(self, timer: Timer) -> None:
        self._active[timer.owner, timer.name] = timer
        heapq.heappush(self._heap, timer)
