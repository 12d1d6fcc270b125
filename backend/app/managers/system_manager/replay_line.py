"""A replay's line: what steers it and keeps its figures. To whoever executes a run, looks at it or
steers it, it says what a live run's line to its venue says (`live/live_line.py`).
"""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final, NoReturn

from app.core.errors import StateError
from app.core.halts import ALL_SYMBOLS, COMMAND
from app.core.messages import Command
from app.core.orders import Order
from app.managers.system_manager.control.manner import REPLAYED
from app.managers.system_manager.record.figures import Figures, OnRecord
from app.managers.system_manager.record.run_outcome import RunEnd
from app.managers.system_manager.record.undisturbed import undisturbed
from app.managers.system_manager.wiring import Run
from app.managers.time_manager import WallClock
from app.threads.stream.results import Results

_STUCK_SECONDS = 5.0  # that a killed replay may stand still: then it ends as it is


class ReplayLine:
    """One replay's; used once."""

    manner: Final = REPLAYED
    goes_to_venue: Final = False
    was_paused: Final = False
    is_recovered: Final = True

    def __init__(self, run: Run, clock: WallClock) -> None:
        self._run = run
        self._clock = clock
        self._on_record = OnRecord(run)
        self._closed = threading.Event()

    # -- its course ------------------------------------------------------------------------------

    def admit(self, results: Results, take: Callable[[Results], None]) -> None:
        """What came of an input is for `take`, unless the run has been left."""
        self._on_record.admit(results, take)

    def leave(self) -> tuple[Figures, list[Order]] | None:
        """The figures of what is on record, where a worker goes on with the run's own."""
        return self._on_record.leave() if self._run.pipeline.goes_on else None

    def close(self, end: RunEnd) -> None:
        """The run has ended."""
        self._closed.set()

    # -- commands --------------------------------------------------------------------------------

    def pause(self) -> None:
        """It stands still."""
        self._run.coordinator.pause()

    def resume(self) -> None:
        """It goes on."""
        self._run.coordinator.resume()

    def halt(self, reason: str) -> None:
        """Exits only; the first reason counts."""
        execution = self._run.execution
        if not execution.entries.is_closed(ALL_SYMBOLS):
            execution.close_entries(ALL_SYMBOLS, reason, COMMAND)

    def kill(self, mode: str, end: Callable[[], None], reason: str = "") -> None:
        """An input of the stream, which is the last; `end` where it stands still on its way."""
        self.halt("killed")
        self._run.engine.end_when_killed()
        self._run.coordinator.kill(mode, reason)
        watch = threading.Thread(
            target=self._end_if_stuck, args=(end,), name="run killed", daemon=True
        )
        watch.start()

    def _end_if_stuck(self, end: Callable[[], None]) -> None:
        before_ns = -1
        while (now_ns := self._run.cursor.now_ns) != before_ns:
            before_ns = now_ns
            if self._clock.wait(self._closed, _STUCK_SECONDS):
                return
        end()

    def stop(self, end: Callable[[], None]) -> None:
        """There is nothing to do before the stream ends."""
        end()

    # -- what there is none of, without a venue --------------------------------------------------

    @property
    def releasing(self) -> NoReturn:
        raise StateError("Only a live run is released: start a replay again.")

    def ask(self, command: Command) -> NoReturn:
        """Nobody asks anything of an account here."""
        raise StateError("A replay trades for no account; 'system halt' halts it.")

    def standing(self) -> None:
        """No gate knows what works and is held."""

    def hurry(self) -> None:
        """No end waits."""

    def break_off(self) -> None:
        """Nor is one broken off."""

    def undisturbed(self, heard: list[int]) -> AbstractContextManager[None]:
        """What closes the run waits for nobody, and no Ctrl+C may cut it short."""
        return undisturbed(heard)

    def lag_seconds(self, through_ns: int) -> None:
        """It is behind nobody's time."""

    def waiting(self) -> dict[str, int]:
        """What waits before the first worker."""
        return {}
