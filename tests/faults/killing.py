"""Live runs that are killed at random moments: `python -m tests.faults.killing --kills 500`.

Each run is killed some times while orders flow, started again each time, ended in order, and then
compared with the venue's books.
"""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from app.cli.terminal.output import print_table
from tests.faults.grounds import GROUNDS, STOCKS, Ground
from tests.faults.killed_audit import Audit, audit, check_flat, check_verified
from tests.faults.killed_house import House

KILLS_A_RUN = 20  # of one session at this pace
RATE = 240.0
READY_SECONDS = 5.0  # at the 99th percentile, on a machine that does nothing else
_EARLY = 0.25  # the part of the kills that do not wait for the run to be ready


class Killed(msgspec.Struct):
    """What a run came to that was killed so often."""

    audit: Audit
    ready_seconds: list[float]
    early: int  # kills while it started or recovered


def killed_run(folder: Path, seed: int, kills: int, ground: Ground = STOCKS) -> Killed:
    """One run, killed so often, then stopped; an AssertionError where anything is not right."""
    rng = random.Random(seed)
    ready, early = [], 0
    with House(folder, rate=RATE, ground=ground) as house:
        begun = house.start()
        house.wait_ready()
        last = 0
        for _ in range(kills):
            time.sleep(rng.uniform(0.0, 2.5))
            house.kill()
            last = house.last_input()
            begun = house.start()
            while rng.random() < _EARLY:
                time.sleep(rng.uniform(0.3, 2.0))
                early += 1
                house.kill()
                begun = house.start()
            ready.append(house.wait_ready(last) - begun)
        time.sleep(rng.uniform(0.5, 2.0))
        assert house.stop() == 0, house.log()
        check_flat(house)
        found = audit(house)
        check_verified(house, rng.choice(["inline", "pool"]))
    return Killed(found, ready, early)


def percentile(values: list[float], share: float) -> float:
    """The value that this share of them does not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.killing", description=__doc__)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--venue", choices=GROUNDS, default=STOCKS.venue)
    given = parser.parse_args()
    runs: list[Killed] = []
    killed, seed = 0, given.seed
    while killed < given.kills:
        kills = min(KILLS_A_RUN, given.kills - killed)
        with tempfile.TemporaryDirectory(prefix="kills-") as folder:
            try:
                runs.append(killed_run(Path(folder), seed, kills, GROUNDS[given.venue]))
            except AssertionError as error:
                print(f"seed {seed}: {error}", file=sys.stderr)
                return 1
        killed += kills + runs[-1].early
        seed += 1
        print(f"{killed} of {given.kills} kills", file=sys.stderr, flush=True)
    show(runs, killed)
    ready = [seconds for run in runs for seconds in run.ready_seconds]
    return int(percentile(ready, 0.99) >= READY_SECONDS)


def show(runs: list[Killed], killed: int) -> None:
    """The table of figures."""
    ready = [seconds for run in runs for seconds in run.ready_seconds]
    audits = [run.audit for run in runs]
    print_table(
        "Killed runs",
        ("figure", "value"),
        [
            ("runs", len(runs)),
            ("kills", killed),
            ("of these before it was ready again", sum(run.early for run in runs)),
            ("durable intents", sum(one.intents for one in audits)),
            ("orders at the venue", sum(one.at_venue for one in audits)),
            ("executions", sum(one.executions for one in audits)),
            ("intents that were never sent, and ended so", sum(one.never_sent for one in audits)),
            ("lost or doubled", 0),
            ("ready again, p50", f"{percentile(ready, 0.5):.2f} s"),
            ("ready again, p99", f"{percentile(ready, 0.99):.2f} s"),
            ("verify", "equal"),
        ],
    )


if __name__ == "__main__":
    sys.exit(main())
