"""A drill in which a strategy hangs, so that only somebody from outside can stop the run."""

from typing import Final

from app.core.config import SessionConfig, StrategyConfig
from app.core.messages import Command
from app.managers.execution_manager.orders.kill import kill_value
from app.managers.system_manager.drill.drill_watch import REASON, DrillWatch
from app.managers.system_manager.wiring import Run
from app.strategies.stuck import Stuck
from app.threads.stream.commands import KILL

_USE: Final = f"{Stuck.__module__}:{Stuck.__name__}"
_NAME: Final = "stuck, of the drill"
_HOOK_SECONDS = 2.0  # until the watchdog finds that it hangs


def with_stuck(config: SessionConfig, at_ns: int) -> SessionConfig:
    """The config with one strategy more, that hangs at a moment."""
    seconds = min(config.engine.hook_seconds, _HOOK_SECONDS)
    stuck = StrategyConfig(use=_USE, name=_NAME, params={"at_ns": at_ns})
    parts = {
        "strategies": (*config.strategies, stuck),
        "engine": config.engine.model_copy(update={"hook_seconds": seconds}),
    }
    return config.model_copy(update=parts)


class FromOutside:
    """Hears the watchdog's alarm, on its thread, and stops the run as whoever has only threads."""

    def __init__(self, watch: DrillWatch) -> None:
        self._watch = watch
        self.run: Run | None = None  # once it is wired

    def alarm(self, what: str, details: str) -> None:
        """A hook hangs: if it is the drill's own, the stop is given."""
        run = self.run
        stuck = None if run is None else run.seats[-1].strategy
        if run is None or not (isinstance(stuck, Stuck) and stuck.hangs):
            return
        watch = self._watch
        watch.look(run.engine.now_ns)
        run.engine.expect(Command(KILL, kill_value(watch.mode, REASON)))
        run.pipeline.hurry()
        run.coordinator.kill(watch.mode, REASON)
