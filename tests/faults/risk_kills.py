"""A live run with breakers, killed at random moments: `python -m tests.faults.risk_kills`.

Whatever its lives, the trading state is the same behind the same input, what was called off stays
so, and nothing that a trip keeps in leaves. What was recorded repeats, trips and all.
"""

import argparse
import sys
from random import Random

from app.core.config_risk import RiskConfig
from app.core.order_events import Amend, Place
from app.core.trading_state import HALTED, TRIPPED, RiskReport
from app.threads.stream.results import Results
from tests.faults.kinds import CRASH
from tests.faults.life import Life
from tests.faults.proof import trouble_of
from tests.faults.schedule import Schedule
from tests.faults.simulation import Simulation

OTHERS = ("F01", "F05", "F07", "F11", "F16", "F17", "F22")  # beside the kills, now and then


def breakers_from(draw: Random) -> RiskConfig:
    """Breakers that trip in most runs, each with what it comes to."""
    drawn = {
        "daily_loss": draw.choice(("0.5", 1, 2)),
        "drawdown_percent": draw.choice(("0.0001", "0.0002")),
        "rejects_per_minute": draw.choice((1, 2)),
        "stale_feed_seconds": draw.choice((90, 150)),
        "broker_errors": draw.choice((1, 2, 3)),
    }
    names = draw.sample(sorted(drawn), draw.randint(1, 3))
    states = ("reducing", HALTED)
    return RiskConfig.model_validate(
        {"breakers": {name: {"at": drawn[name], "then": draw.choice(states)} for name in names}}
    )


class Kills:
    """One run under kills, and what every life of it told."""

    def __init__(self, seed: int) -> None:
        draw = Random(seed ^ 0xB12E)
        self.sim = Simulation(seed)
        self.sim.config = self.sim.config.model_copy(update={"risk": breakers_from(draw)})
        self._take, self.sim._results = self.sim._results, self._note  # type: ignore[method-assign]
        Schedule(self.sim, (CRASH, CRASH, *draw.sample(OTHERS, draw.randint(0, 2))))
        self._life: Life | None = None
        self.reports: dict[int, RiskReport] = {}
        self.halted_since = 0  # the input by which nothing of strategies leaves; 0: none
        self.trips = 0
        self.trouble = ""

    def run(self) -> str:
        """Why it is not as it should be, or ""."""
        outcome = self.sim.run()
        self.trouble = self.trouble or outcome.broke
        for most in (1, 7):
            self.trouble = self.trouble or trouble_of(self.sim, "inline", most)
        return self.trouble

    def _note(self, life: Life, results: Results) -> None:
        sequence, report = results.sequence, results.risk
        if life is not self._life:
            self._begin(life)
        known = self.reports.get(sequence)
        if report is not None and known is None:
            self.reports[sequence] = report
            self.trips += sum(one.what == TRIPPED for one in report.events)
            if not self.halted_since and any(one.state == HALTED for one in report.events):
                self.halted_since = sequence
        elif known is not None and report != known:
            self._find(f"behind input {sequence} it was {known}, and now is {report}")
        if any(self._is_kept_in(life, intent, sequence) for intent in results.intents):
            self._find(f"after the trip at input {self.halted_since} left {results.intents}")
        self._take(life, results)

    def _begin(self, life: Life) -> None:
        """What was not durable when the one before it died, has not been: others have its place."""
        self._life = life
        last = 0 if life.recovery is None else life.recovery.last_sequence
        self.reports = {number: one for number, one in self.reports.items() if number <= last}
        if self.halted_since > last:
            self.halted_since = 0

    def _is_kept_in(self, life: Life, intent: object, sequence: int) -> bool:
        trips = life.run.execution._checks.breakers
        assert trips is not None
        return (
            0 < self.halted_since < sequence
            and trips.state == HALTED
            and isinstance(intent, Place | Amend)
            and intent.opens
        )

    def _find(self, trouble: str) -> None:
        self.trouble = self.trouble or trouble


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.risk_kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    killed = trips = 0
    seed = given.seed
    while killed < given.kills:
        kills = Kills(seed)
        trouble = kills.run()
        if trouble:
            print(f"seed {seed}: {trouble}", file=sys.stderr)
            return 1
        killed += kills.sim.outcome.counts.fired[CRASH]
        trips += kills.trips
        seed += 1
    print(f"{killed} kills of {seed - given.seed} runs, {trips} trips: all as without them")
    return 0


if __name__ == "__main__":
    sys.exit(main())
