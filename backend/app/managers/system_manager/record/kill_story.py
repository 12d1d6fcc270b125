"""The story of a run's kill, for its record: when, why, what it found, and what it came to."""

from collections.abc import Callable
from typing import Any

from app.core.money import from_units
from app.managers.execution_manager.execution_manager import ExecutionManager
from app.managers.execution_manager.open_orders import standing
from app.managers.execution_manager.orders.kill import FLATTEN, KillLatch, Standing

GateStanding = Callable[[], Standing | None]


class KillStory:
    """The story of one run; `gate` says how things stand at a venue, None in a simulation."""

    def __init__(
        self,
        execution: ExecutionManager,
        gate: GateStanding,
        monotonic_ns: Callable[[], int],
        local_text: Callable[[int], str],
    ) -> None:
        self._execution = execution
        self._gate = gate
        self._monotonic_ns = monotonic_ns
        self._local_text = local_text
        self._latch = KillLatch()
        self._at = ""
        self._since_ns = self._seconds_ns = 0
        self._found: Standing | None = None
        self._left: Standing | None = None  # when nobody waits any longer

    def begin(self, mode: str, reason: str, at: str) -> bool:
        """Somebody kills the run, at this time of the machine; False where that changes nothing."""
        if not self._latch.fall(mode, reason):
            return False
        if not self._at:
            self._at, self._since_ns, self._found = at, self._monotonic_ns(), self._standing()
        return True

    def end(self) -> None:
        """What was asked for is done, or nobody waits for it any longer."""
        if self._latch.mode and self._left is None:
            self._left = self._standing()
            self._seconds_ns = self._monotonic_ns() - self._since_ns

    def leave(self, left: Standing) -> None:
        """The run was left amid a block: this is what its record says of what is left."""
        if self._latch.mode:
            self.end()
            self._left = left

    def told(self) -> dict[str, Any] | None:
        """As far as it has come; None while nobody has killed the run."""
        if not self._latch.mode:
            return None
        latch = self._execution.entries.kill  # what simulated orders came to, by their instants
        found, left = latch.found or self._found, self._left or self._standing()
        is_over = self._left is not None
        return {
            "mode": self._latch.mode,
            "reason": self._latch.reason,
            "at": self._at,
            "session_time": self._time(latch.at_ns),
            "done_session_time": self._time(latch.done_ns),
            "seconds": round(self._seconds_ns / 1e9, 3) if is_over else None,
            "found": None if found is None else _as_json(found),
            "left": _as_json(left),
            "done": not (left.orders or left.positions)
            if self._latch.mode == FLATTEN
            else not left.opening,
        }

    def _time(self, at_ns: int) -> str | None:
        return self._local_text(at_ns) if at_ns else None

    def _standing(self) -> Standing:
        return self._gate() or standing(self._execution)


def _as_json(found: Standing) -> dict[str, Any]:
    positions = {name: str(from_units(units)) for name, units in found.positions.items()}
    return {"orders": found.orders, "opening": found.opening, "positions": positions}
