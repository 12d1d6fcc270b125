"""The states of the system, the one table of legal moves between them, and who waits for them."""

import threading
from collections import Counter
from enum import StrEnum

from app.core.errors import StateError


class SystemState(StrEnum):
    """What the system is doing; the value is the word shown to people."""

    STOPPED = "STOPPED"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    STOPPING = "STOPPING"
    ERROR = "ERROR"


_STOPPED, _STARTING, _RUNNING, _PAUSED, _STOPPING, _ERROR = SystemState

TRANSITIONS: dict[SystemState, frozenset[SystemState]] = {
    _STOPPED: frozenset({_STARTING}),
    _STARTING: frozenset({_RUNNING, _PAUSED, _STOPPING, _ERROR}),
    _RUNNING: frozenset({_PAUSED, _STOPPING, _ERROR}),
    _PAUSED: frozenset({_RUNNING, _STOPPING, _ERROR}),
    _STOPPING: frozenset({_STOPPED, _ERROR}),
    _ERROR: frozenset({_STOPPING}),
}


class StateMachine:
    """The state of one system, shared by its threads."""

    def __init__(self, state: SystemState = SystemState.STOPPED) -> None:
        self._state = state
        self._entered: Counter[SystemState] = Counter()
        self._changed = threading.Condition()

    @property
    def state(self) -> SystemState:
        return self._state

    def to(self, new: SystemState) -> None:
        """Move to `new`, or refuse and say what is allowed from here."""
        with self._changed:
            allowed = TRANSITIONS[self._state]
            if new not in allowed:
                words = ", ".join(state for state in SystemState if state in allowed)
                raise StateError(
                    f"The system is {self._state} and cannot become {new}; allowed now: {words}."
                )
            self._state = new
            self._entered[new] += 1
            self._changed.notify_all()

    def wait_for(self, *states: SystemState, timeout_seconds: float | None = None) -> bool:
        """Wait until one of `states` is, or meanwhile was, the state; False when time ran out.

        A state that was left before the waiting thread woke counts: a short run is not missed.
        """
        with self._changed:
            before = [self._entered[state] for state in states]
            return self._changed.wait_for(
                lambda: (
                    self._state in states or before != [self._entered[state] for state in states]
                ),
                timeout_seconds,
            )
