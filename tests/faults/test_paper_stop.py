"""A stop that is to be flat, on paper at the pace of a clock: its closes fill a bar later."""

import pytest

from app.core.config import SessionConfig
from tests.faults import simulation
from tests.faults.life import config_from
from tests.faults.proof import trouble_of
from tests.faults.schedule import Schedule
from tests.faults.simulation import Simulation

MINUTE = 60 * 10**9


def on_paper(config: SessionConfig) -> SessionConfig:
    live = config.lived.model_copy(update={"broker": "paper", "on_stop": "flatten"})
    whole = config.execution.model_copy(update={"participation": None})
    return config.model_copy(update={"live": live, "execution": whole})


class Stopped(Simulation):
    """Stopped a quarter of a minute after a bar began."""

    def __init__(self) -> None:
        super().__init__(1)
        self.config = on_paper(config_from(1, "ignore", "freeze", 90, 2000))
        for name in ("settled", "ended"):  # what is simulated here, the venue knows nothing of
            setattr(self.watch, name, lambda *_: None)
        self.held_before = False
        schedule = Schedule(self, ())
        schedule._settle = lambda: None  # type: ignore[method-assign]
        schedule.at(self.day.sessions[1].open_ns + 12 * MINUTE + MINUTE // 4, self._stop)

    def _stop(self) -> None:
        assert self.life is not None
        run = self.life.run
        self.held_before = any(run.execution.held_units)
        self.life.line.stop(lambda: run.pipeline.stop("stopped"))


def test_paper_that_is_to_be_flat_waits_for_the_bar_that_fills_its_closes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(simulation, "_RATE", 1)
    sim = Stopped()
    outcome = sim.run()
    assert (outcome.broke, outcome.reason) == ("", "stopped")
    assert sim.held_before
    assert sim.life is not None
    assert not any(sim.life.run.execution.held_units)
    assert not [what for what, _ in sim.alarms.told if what.startswith("ended with open")]
    assert trouble_of(sim, "inline", 1) == ""
