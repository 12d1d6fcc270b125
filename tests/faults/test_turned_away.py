"""Schedules of a venue of coins that bans, refuses and turns away: no position is left unprotected,
nothing is sold twice, and the journal decides the same again.
"""

from random import Random

import pytest

from app.integrations.binance.peer.faults import BANNED, ERROR_CODE, TOO_MANY
from app.integrations.practice.wire import Fault
from tests.faults.proof import trouble_of
from tests.faults.schedule import Schedule
from tests.faults.simulation import Simulation

_MOMENTS = 12


def _fault(draw: Random) -> Fault:
    code = draw.choice((-1013, -2010, -1015, -1003))
    seconds = draw.choice((1.0, 7.0, 60.0, 150.0))
    return draw.choice(
        (
            Fault(ERROR_CODE, draw.randrange(1, 4), where="place", code=code),
            Fault(TOO_MANY, 1, where="place", seconds=seconds),
            Fault(BANNED, 1, where=draw.choice(("place", "cancel")), seconds=seconds),
        )
    )


def turned_away(seed: int, *kinds: str, leaps: int = 0) -> Simulation:
    sim = Simulation(seed, venue="binance")
    schedule, draw = Schedule(sim, kinds), Random(seed)
    for _ in range(_MOMENTS):
        fault = _fault(draw)
        schedule.at(schedule._some_moment_ns(), lambda fault=fault: sim.menu.add(fault))  # type: ignore[misc]
    for _ in range(leaps):
        schedule.at(schedule._some_moment_ns(), schedule._leap)
    sim.run()
    return sim


@pytest.mark.parametrize("seed", [1, 2])
def test_what_is_held_is_protected_or_closed_whatever_is_turned_away(seed: int) -> None:
    sim = turned_away(seed)
    assert not sim.outcome.broke
    assert sim.outcome.counts.fired["F17"] > 0
    assert trouble_of(sim, "inline", 7) == ""


@pytest.mark.parametrize("seed", [1, 4])
def test_a_ban_is_over_in_time_where_the_machine_s_clock_is_set_back(seed: int) -> None:
    sim = turned_away(seed, "F22", leaps=4)
    assert not sim.outcome.broke
    assert sim.outcome.counts.fired["F22"] > 0
