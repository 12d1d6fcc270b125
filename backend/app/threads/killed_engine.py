"""An analysis engine that ends its run by itself: at the instant at which a kill is done.

So a replay that was killed is the same however it is cut into blocks, and on whatever threads.
"""

from collections.abc import Iterator

from app.core.messages import EndOfStream
from app.threads.analysis_engine import AnalysisEngine, Input

KILLED = "killed"


class KilledEngine(AnalysisEngine):
    """A replay's. It runs as any other until `end_when_killed`."""

    _has_ended = False

    def end_when_killed(self) -> None:
        """From now on, from any thread: a kill that is done ends the run."""
        self._news.on_killed = self._be_over

    def step(self, message: Input) -> Iterator[object]:
        """The last instant of a killed run is followed by the end of the stream."""
        given = super().step(message)
        return iter((EndOfStream(KILLED),)) if self.is_over else given

    def _be_over(self) -> None:
        """Let the loops end with this instant."""
        self.is_over = self._moved = True

    def _report(self, sequence: int) -> None:
        if self.is_over and not self._has_ended:
            self._has_ended = True
            self._break_off(sequence, f"the run ended: {KILLED}")
        else:
            super()._report(sequence)
