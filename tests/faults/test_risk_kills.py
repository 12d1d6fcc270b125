"""Kills at random moments change nothing of what has tripped; `make risk-kills` does a hundred."""

from tests.faults.kinds import CRASH
from tests.faults.risk_kills import Kills

KILLS = 5


def test_the_trading_state_is_the_same_whenever_a_run_is_killed() -> None:
    killed = trips = seed = 0
    while killed < KILLS or not trips:
        kills = Kills(seed)
        assert kills.run() == "", f"seed {seed}"
        killed += kills.sim.outcome.counts.fired[CRASH]
        trips += kills.trips
        seed += 1
        assert seed < 12, "nothing trips"
