"""Two strategies in one symbol at the practice venue, on opposite sides: each has its own exits."""

from random import Random
from typing import Any

import pytest

from app.core.config import SessionConfig, StrategyConfig
from app.core.money import UNITS
from app.core.orders import STOP
from app.strategies import Bar, Strategy
from tests.faults.day import SYMBOLS
from tests.faults.life import config_from
from tests.faults.proof import trouble_of
from tests.faults.schedule import Schedule
from tests.faults.simulation import Simulation, second_from

QUIET_SEED = 1
SIZE = 10


class Long(Strategy):
    """It buys once, under a stop that a quiet day reaches."""

    def setup(self) -> None:
        self.has_bought = False

    def on_bar(self, bar: Bar) -> None:
        if bar.symbol == SYMBOLS[0] and not self.has_bought:
            self.has_bought = True
            self.bracket(bar.symbol, SIZE, target=bar.close + 9, stop=bar.close - 0.02)


class Short(Long):
    """It sells as much at the same moment, and has no exit."""

    def on_bar(self, bar: Bar) -> None:
        if bar.symbol == SYMBOLS[0] and not self.has_bought:
            self.has_bought = True
            self.order(bar.symbol, -SIZE)


def config_of(cover: dict[str, Any] | None = None) -> SessionConfig:
    plain = config_from(1, "ignore", "freeze", 25, 500, cover=cover)
    first = "Keeper" if cover is None else "Covered"
    return plain.model_copy(
        update={
            "strategies": (
                StrategyConfig(use="tests.faults.test_shared_symbols:Long", name=first),
                StrategyConfig(use="tests.faults.test_shared_symbols:Short"),
            )
        }
    )


def played(config: SessionConfig) -> Simulation:
    sim = Simulation(QUIET_SEED)
    sim.config = config
    Schedule(sim, ())
    outcome = sim.run()
    assert (outcome.broke, outcome.reason) == ("", "finished")
    assert trouble_of(sim, "inline", 1) == ""
    return sim


def test_a_stop_works_at_the_venue_though_the_account_is_flat() -> None:
    sim = played(config_of())
    books, life = sim.side.books, sim.life
    assert life is not None
    (stop,) = [one.order for one in books.entries.values() if one.order.kind == STOP]
    assert stop.filled_units == -SIZE * UNITS
    execution = life.run.execution
    assert [execution.held_units_of(at, 0) // UNITS for at in (0, 1)] == [0, -SIZE]
    assert books.held_units(SYMBOLS[0]) == -SIZE * UNITS


def test_a_strategy_goes_flat_before_the_close_though_the_account_is_flat() -> None:
    sim = played(config_of({"stop_loss_percent": 9, "flat_before_close_minutes": 4}))
    assert sim.life is not None
    execution = sim.life.run.execution
    assert [execution.held_units_of(at, 0) // UNITS for at in (0, 1)] == [0, -SIZE]


@pytest.mark.parametrize("strategy", ["Keeper", "Trader"])
def test_some_schedules_have_their_strategies_share_symbols(strategy: str) -> None:
    drawn = [second_from(Random(seed)) for seed in range(100)]
    assert sum(second is not None and second["use"] == strategy for second in drawn) >= 4
