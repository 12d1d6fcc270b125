"""Five hundred schedules hold, each kind of fault among them, and what they recorded repeats."""

from itertools import product

import pytest

from tests.faults.__main__ import simulate
from tests.faults.kinds import IMPOSSIBLE, KINDS, Counts
from tests.faults.proof import RUNNERS, trouble_of
from tests.faults.schedule import Schedule
from tests.faults.simulation import Simulation

CHUNK, CHUNKS, REPEATED = 100, 5, 40
LEAST_FIRED = 4  # of each kind in each chunk: twenty in all
MOST_UNMET = 40  # combinations of a kind and a state, of some 170: they are aimed at


@pytest.mark.timeout(600)
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_the_invariants_hold_under_every_kind_of_fault(chunk: int) -> None:
    counts = Counts()
    broken = []
    for number in range(CHUNK):
        seed = chunk * CHUNK + number
        outcome = simulate(seed, prove=number < REPEATED)
        counts.add(outcome.counts)
        if outcome.broke:
            broken.append(f"{outcome.broke}; again: make simulate SEED={seed}")
    assert not broken, "\n".join(broken)
    rare = {kind: counts.fired[kind] for kind in KINDS if counts.fired[kind] < LEAST_FIRED}
    assert not rare, f"these kinds hardly fired: {rare}"
    unmet = counts.rare_cells(1)
    assert len(unmet) <= MOST_UNMET, f"these never came together: {unmet}"
    assert not [cell for cell in IMPOSSIBLE if counts.cells[cell]]


def test_a_schedule_without_faults_trades_and_repeats_in_every_way() -> None:
    sim = Simulation(1)
    Schedule(sim, ())
    outcome = sim.run()
    assert (outcome.broke, outcome.reason, outcome.lives) == ("", "finished", 1)
    assert outcome.orders > 40 and outcome.fills > 40
    for runner, most in product(RUNNERS, (1, 2, 7, 390)):
        assert trouble_of(sim, runner, most) == ""
