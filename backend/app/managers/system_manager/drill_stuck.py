"""A drill in which a strategy hangs, so that only somebody from outside can stop the run."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from app.core.config import SessionConfig, StrategyConfig
from app.core.messages import Command
from app.managers.execution_manager.kill import kill_value
from app.managers.system_manager.drill_watch import REASON, DrillWatch
from app.managers.system_manager.wiring import Run
from app.managers.time_manager import WallClock
from app.strategies.stuck import Stuck
from app.threads.commands import KILL

_USE: Final = f"{Stuck.__module__}:{Stuck.__name__}"
_NAME: Final = "stuck, of the drill"
_LOOK_SECONDS = 0.01


def with_stuck(config: SessionConfig, at_ns: int) -> SessionConfig:
    """The config with one strategy more, that hangs at a moment."""
    stuck = StrategyConfig(use=_USE, name=_NAME, params={"at_ns": at_ns})
    parts = {
        "strategies": (*config.strategies, stuck),
        "engine": config.engine.model_copy(update={"hook_seconds": 3600.0}),
    }
    return config.model_copy(update=parts)


@contextmanager
def stopped_from_outside(run: Run, watch: DrillWatch) -> Iterator[None]:
    """While the run executes: once it hangs, kill it as whoever has only its threads does."""
    stuck = run.seats[-1].strategy
    assert isinstance(stuck, Stuck), "the drill's own strategy is the last"
    ended, clock = threading.Event(), WallClock()

    def stop() -> None:
        while not stuck.hangs:
            if clock.wait(ended, _LOOK_SECONDS):
                return
        watch.look(run.engine.now_ns)
        run.engine.expect(Command(KILL, kill_value(watch.mode, REASON)))
        run.pipeline.hurry()
        run.coordinator.kill(watch.mode, REASON)

    thread = threading.Thread(target=stop, name="drill", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
