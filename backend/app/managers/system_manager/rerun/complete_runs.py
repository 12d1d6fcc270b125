"""The same run to its end under each same-bar policy: how far decisions carry what bars leave open.

Nothing of such a run is recorded but what it came to.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from app.core.config import SessionConfig
from app.core.run_states import FAILED, FINISHED, INTERRUPTED
from app.managers.system_manager.wiring import Run
from app.services.matching import BEST, WORST
from app.threads.stream.results import Results

OnResults = Callable[[Results], None]
MakeRun = Callable[[SessionConfig, OnResults], Run]


class CompleteRun(msgspec.Struct, frozen=True):
    """What a whole run under one policy came to."""

    same_bar: str
    final_equity: Decimal
    orders: int
    fills: int
    trades: int
    max_drawdown: float
    fingerprint: str

    @classmethod
    def of(cls, run: Run) -> "CompleteRun":
        """What a run came to that has ended."""
        execution, final = run.execution, run.final_equity()
        return cls(
            same_bar=run.config.execution.same_bar,
            final_equity=final,
            orders=execution.order_count,
            fills=execution.fill_count,
            trades=execution.account.trades(),
            max_drawdown=run.curve.fall_to(float(final)),
            fingerprint=execution.diary.fingerprint.hexdigest(),
        )

    def as_json(self) -> dict[str, Any]:
        """Plain values; money as a number, exact to fifteen digits."""
        return {**msgspec.structs.asdict(self), "final_equity": float(self.final_equity)}


class CompleteRuns:
    """One after the other, on the thread of whoever asks; used once."""

    def __init__(self, make: MakeRun) -> None:
        self._make = make
        self._stopped: str | None = None
        self.under_way: Run | None = None
        self.policy = ""  # of the one under way,
        self.bars = 0  # and how far it is
        self.found: list[CompleteRun] = []

    def stop(self, reason: str) -> None:
        """End the one under way, and begin no other."""
        self._stopped = reason
        if self.under_way is not None:
            self.under_way.pipeline.stop(reason)

    def execute(self, own: Run, on_results: OnResults) -> tuple[str, BaseException | None]:
        """Run what `own` is not; why the last of them ended, and the error that ended it."""
        for policy in (WORST, BEST):
            if policy == own.config.execution.same_bar:
                self.found.append(CompleteRun.of(own))
                continue
            self.policy, self.bars = policy, 0
            try:
                run = self.under_way = self._make(under(own.config, policy), on_results)
                if self._stopped is not None:  # asked for before this one could be told
                    return self._stopped, None
                reason = run.execute()
            except KeyboardInterrupt:
                return INTERRUPTED, None
            except Exception as error:
                return FAILED, error
            if reason != FINISHED:
                return reason, None
            self.found.append(CompleteRun.of(run))
        return FINISHED, None


def under(config: SessionConfig, policy: str) -> SessionConfig:
    """The same run under another policy, as fast as it goes."""
    execution = config.execution.model_copy(update={"same_bar": policy})
    return as_fast_as_it_goes(config.model_copy(update={"execution": execution}))


def as_fast_as_it_goes(config: SessionConfig) -> SessionConfig:
    """The same replay on this thread: neither pace nor runner counts."""
    parts = {
        "replay": config.replayed.model_copy(update={"speed": "max"}),
        "engine": config.engine.model_copy(update={"runner": "inline"}),
    }
    return config.model_copy(update=parts)


def equities(found: Sequence[CompleteRun]) -> dict[str, Decimal]:
    """The figures of a summary."""
    worst, best = (run.final_equity for run in found)
    return {"equity_worst": worst, "equity_best": best, "equity_difference": best - worst}
